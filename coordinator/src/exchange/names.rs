//! How columns of our own tables are named, and how text is kept from being taken for a formula.

/// The id of the record; the kind stands behind it: `$record:visit`.
pub(crate) const RECORD: &str = "$record";
/// The masked title, where the title is personal; only to be read.
pub(crate) const TITLE: &str = "$title";
/// The space, by name.
pub(crate) const SPACE: &str = "$space";
/// When the record was begun, by its author's clock, in UTC.
pub(crate) const CREATED_AT: &str = "$created_at";
/// Who began it.
pub(crate) const CREATED_BY: &str = "$created_by";
/// When it was last changed: what tells an import whether the row is still up to date.
pub(crate) const UPDATED_AT: &str = "$updated_at";
/// Who changed it last.
pub(crate) const UPDATED_BY: &str = "$updated_by";
/// The kind, in files that hold several.
pub(crate) const KIND: &str = "$kind";
/// A place on the map, `latitude, longitude`, of a map file's feature.
pub(crate) const POINT: &str = "$point";
/// Ends the name of a column that shows in words what the column of the same name holds as an id.
pub(crate) const SHOWN: &str = ".shown";
/// Ends a cell that was cut because a spreadsheet holds no more; such a cell is never imported.
pub(crate) const CUT_MARK: &str = " […✂]";

/// `label [name]`.
pub(crate) fn heading(label: &str, name: &str) -> String {
    format!("{label} [{name}]")
}

/// The name in `label [name]`.
pub(crate) fn name_in(heading: &str) -> Option<&str> {
    let (_, name) = heading.trim().strip_suffix(']')?.rsplit_once('[')?;
    let is_name = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "_$.:".contains(c);
    (!name.is_empty() && name.chars().all(is_name)).then_some(name)
}

/// What office programs take for the beginning of a formula, wide signs of Chinese keyboards too.
const RISKY: [char; 11] = ['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'];

/// Whether a cell with this text may run as a formula, by itself or once an apostrophe has been dropped.
fn is_risky(text: &str) -> bool {
    let is_passed_over = |c: char| c == '\'' || (c.is_whitespace() && !RISKY.contains(&c));
    text.trim_start_matches(is_passed_over).starts_with(RISKY)
}

/// The text with an apostrophe before it, if an office program could take it for a formula.
pub(crate) fn defused(text: &str) -> String {
    if is_risky(text) {
        format!("'{text}")
    } else {
        text.to_owned()
    }
}

/// The text that [`defused`] was given.
pub(crate) fn original(cell: &str) -> &str {
    match cell.strip_prefix('\'') {
        Some(text) if is_risky(text) => text,
        Some(_) | None => cell,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_are_defused_and_come_back() {
        for text in [
            "=1+1", "+86 757", "-", "@SUM(A1)", "\tx", "\rx", "＝1", "'=1", "''=1", " =1", "' - a",
        ] {
            let cell = defused(text);
            assert!(
                cell.starts_with('\'') && cell.len() == text.len() + 1,
                "{text}"
            );
            assert_eq!(original(&cell), text);
        }
        for text in ["", "a=1", "'a", "3号门", "'", "2026-03-04"] {
            assert_eq!(defused(text), text);
            assert_eq!(original(text), text);
        }
    }

    #[test]
    fn headings_give_their_names_back() {
        assert_eq!(name_in(&heading("走访日期", "date")), Some("date"));
        assert_eq!(name_in(" 编号 [$record:visit] "), Some("$record:visit"));
        for plain in ["date", "Date [UTC]", "x []", "[a] b"] {
            assert_eq!(name_in(plain), None, "{plain}");
        }
    }
}
