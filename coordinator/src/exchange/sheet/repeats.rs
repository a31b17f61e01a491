//! Repeated questions of a form: each answer is a row of a table of its own, which names the row of the
//! form that it belongs to. Where both tables are in one file, the answer gets what the form says.

use std::collections::HashMap;

use super::{COLUMNS_MAX, Sheet, Source, id_columns};

/// The name that a row of a repeat has in its source, where the program that exported it gives none.
pub(super) const ROW: &str = "_row";

/// Most cells that are put beside a repeat; columns past that are left out.
const JOINED_CELLS_MAX: usize = 4_000_000;

/// Columns that name the row of the form in a repeat, and the same in the form.
const PARENTS: [(&str, &str); 2] = [("PARENT_KEY", "KEY"), ("_submission__uuid", "_uuid")];

impl Sheet {
    /// Whether the rows are answers to a repeated question, and not whole forms.
    pub(crate) fn is_repeat(&self) -> bool {
        let has = |name: &str| self.columns.iter().any(|column| column == name);
        PARENTS
            .iter()
            .any(|(parent, own)| has(parent) && (*own == "KEY" || !has(own)))
    }
}

/// Names the rows of repeats that have no name, and puts the form's columns beside those of the repeat
/// where there is none of that name.
pub(super) fn join(sheets: &mut [Sheet]) {
    let sheets = sheets.iter_mut();
    let (repeats, mut forms): (Vec<_>, Vec<_>) = sheets.partition(|sheet| sheet.is_repeat());
    forms.retain(|sheet| sheet.source.is_survey());
    for sheet in repeats {
        if sheet.source == Source::Kobo {
            name_rows(sheet);
        }
        if let Some(form) = forms.iter().find_map(|form| Form::of(form, sheet)) {
            form.join(sheet);
        }
    }
}

/// `uuid/name[1]`, as the other program does it: which answer of its form it is does not change when more
/// forms come in.
fn name_rows(sheet: &mut Sheet) {
    let Some(parent) = sheet
        .columns
        .iter()
        .position(|column| column == PARENTS[1].0)
    else {
        return;
    };
    let mut counts: HashMap<String, u32> = HashMap::new();
    let width = sheet.columns.len();
    sheet.columns.push(ROW.to_owned());
    for row in &mut sheet.rows {
        let form = row.cell(parent).to_owned();
        let count = counts.entry(form.clone()).or_default();
        *count += 1;
        let name = if form.is_empty() {
            String::new()
        } else {
            format!("{form}/{}[{count}]", sheet.name)
        };
        row.cells.resize(width, String::new());
        row.cells.push(name);
    }
}

/// A form whose rows the rows of a repeat name.
struct Form<'s> {
    sheet: &'s Sheet,
    /// Rows by their names.
    rows: HashMap<&'s str, usize>,
    /// Where the repeat names them.
    parent: usize,
}

impl<'s> Form<'s> {
    fn of(sheet: &'s Sheet, repeat: &Sheet) -> Option<Self> {
        let position = |of: &Sheet, name: &str| of.columns.iter().position(|column| column == name);
        let (parent, own) = PARENTS
            .iter()
            .find_map(|(parent, own)| Some((position(repeat, parent)?, position(sheet, own)?)))?;
        let rows = (0..).zip(&sheet.rows);
        let rows: HashMap<&str, usize> = rows.map(|(at, row)| (row.cell(own), at)).collect();
        let mut named = repeat.rows.iter();
        let is_theirs = named.any(|row| rows.contains_key(row.cell(parent)));
        is_theirs.then_some(Self {
            sheet,
            rows,
            parent,
        })
    }

    fn join(&self, repeat: &mut Sheet) {
        let room = COLUMNS_MAX.saturating_sub(repeat.columns.len());
        let room = room.min(JOINED_CELLS_MAX / repeat.rows.len().max(1));
        let columns = (0..).zip(&self.sheet.columns);
        let added: Vec<(usize, String)> = columns
            .filter(|(_, name)| !repeat.columns.contains(name))
            // What names the form does not name the answer.
            .filter(|(_, name)| !id_columns(repeat.source).contains(&name.as_str()))
            .take(room)
            .map(|(at, name)| (at, name.clone()))
            .collect();
        let width = repeat.columns.len();
        repeat
            .columns
            .extend(added.iter().map(|(_, name)| name.clone()));
        for row in &mut repeat.rows {
            // What a row has too much stays too much.
            if row.has_more_than(width) {
                row.cells.resize(repeat.columns.len() + 1, String::new());
                if let Some(cell) = row.cells.last_mut() {
                    "?".clone_into(cell);
                }
                continue;
            }
            let form = self.rows.get(row.cell(self.parent));
            let form = form.and_then(|at| self.sheet.rows.get(*at));
            row.cells.resize(width, String::new());
            row.cells.extend(
                added
                    .iter()
                    .map(|(at, _)| form.map_or_else(String::new, |form| form.cell(*at).to_owned())),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Write};

    use rust_xlsxwriter::Workbook;
    use zip::ZipWriter;
    use zip::write::SimpleFileOptions;

    use super::super::parse;
    use super::*;

    #[test]
    fn answers_of_an_archive_get_what_their_form_says() {
        let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
        for (name, text) in [
            (
                "home.csv",
                "SubmissionDate,home-door,gps-Latitude,gps-Longitude,KEY\n2026-03-04T01:00:00Z,12号,23.1,113.1,uuid:a\n",
            ),
            (
                "home-people.csv",
                "name,PARENT_KEY,KEY\n陈伯,uuid:a,uuid:a/people[1]\n陈婶,uuid:none,uuid:a/people[2]\n",
            ),
        ] {
            zip.start_file(name, SimpleFileOptions::default()).unwrap();
            zip.write_all(text.as_bytes()).unwrap();
        }
        let bytes = zip.finish().unwrap().into_inner();
        let sheets = parse(&bytes, "home.zip").unwrap();
        let people = sheets
            .iter()
            .find(|sheet| sheet.name == "home-people")
            .unwrap();
        assert!(people.is_repeat() && !sheets[0].is_repeat());
        let cell = |row: usize, name: &str| people.rows[row].cell(people.column(&[name]).unwrap());
        assert_eq!(
            (cell(0, "home-door"), cell(0, "gps")),
            ("12号", "23.1, 113.1")
        );
        assert_eq!(
            (cell(1, "home-door"), cell(1, "KEY")),
            ("", "uuid:a/people[2]")
        );
    }

    #[test]
    fn answers_of_a_workbook_are_named_by_their_form_and_number() {
        let mut book = Workbook::new();
        for (name, rows) in [
            (
                "survey",
                vec![
                    vec!["door", "_id", "_uuid", "_submission_time", "_index"],
                    vec!["12号", "1", "u1", "2026", "1"],
                ],
            ),
            (
                "people",
                vec![
                    vec![
                        "name",
                        "_index",
                        "_parent_table_name",
                        "_parent_index",
                        "_submission__uuid",
                    ],
                    vec!["陈伯", "1", "survey", "1", "u1"],
                    vec!["陈婶", "2", "survey", "1", "u1"],
                ],
            ),
        ] {
            let sheet = book.add_worksheet().set_name(name).unwrap();
            for (row, cells) in (0..).zip(&rows) {
                for (column, cell) in (0..).zip(cells) {
                    sheet.write_string(row, column, *cell).unwrap();
                }
            }
        }
        let sheets = parse(&book.save_to_buffer().unwrap(), "k.xlsx").unwrap();
        let people = &sheets[1];
        let row_id = people.column(id_columns(Source::Kobo)).unwrap();
        let names: Vec<&str> = people.rows.iter().map(|row| row.cell(row_id)).collect();
        assert_eq!(names, ["u1/people[1]", "u1/people[2]"]);
        let door = people.column(&["door"]).unwrap();
        assert_eq!(people.rows[1].cell(door), "12号");
    }
}
