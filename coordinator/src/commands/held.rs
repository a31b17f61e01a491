//! `banyan held`: entries that are kept and not merged, with the reason, and for whoever may decide
//! with what they would do.

use serde_json::{Value, json};
use sync_core::id::DeviceId;
use sync_core::replica::{HeldOf, Hold, Preview, Previews, Replica, Step};
use sync_core::store::{HeldRow, HoldCode};

use super::{App, show};
use crate::cli::HeldArgs;
use crate::failure::Failure;
use crate::lookup::Lookup;
use crate::output::Table;
use crate::text::Text;
use crate::values;

/// A held entry: whose, and where it stands.
type Held = (DeviceId, HeldRow);

pub(super) fn run(app: &mut App, args: &HeldArgs) -> Result<(), Failure> {
    let replica = app.replica()?;
    let mut held = replica.held()?;
    let which = match &args.record {
        Some(record) => HeldOf::Record(replica.find_held_record(record)?),
        None => HeldOf::All,
    };
    if let HeldOf::Record(record) = &which {
        held.retain(|(_, row)| row.record == Some(*record));
    }
    let previews = replica.preview(&which)?;
    if app.is_json {
        let held: Vec<Value> = held
            .iter()
            .map(|held| as_json(&replica, held, &previews, &app.text))
            .collect();
        return app.out.json(&held);
    }
    if held.is_empty() {
        return app.say("out.held.none", &[]);
    }
    print(app, &replica, &held)?;
    print_previews(app, &held, &previews)?;
    app.out.line("")?;
    if previews.is_cut {
        app.say("out.held.more", &[])?;
    }
    if previews.by_entry.is_empty() {
        app.say("out.held.next", &[])
    } else {
        app.say("out.held.decide", &[])
    }
}

fn print(app: &mut App, replica: &Replica, held: &[Held]) -> Result<(), Failure> {
    let heads = ["head.record", "head.by", "head.entry", "head.reason"];
    let mut table = Table::new(heads.iter().map(|key| app.text.say(key)).collect(), 3);
    for (device, row) in held {
        table.row(vec![
            row.record
                .map_or_else(|| "-".to_owned(), |record| record.short()),
            replica.name_of(device),
            row.entry.seq.to_string(),
            reason(row.reason, &app.text),
        ]);
    }
    table.print(&mut app.out)
}

/// What each entry would do, under the record that it is for.
fn print_previews(app: &mut App, held: &[Held], previews: &Previews) -> Result<(), Failure> {
    let mut seen: Vec<(&HeldRow, &Preview)> = held
        .iter()
        .filter_map(|(_, row)| Some((row, previews.by_entry.get(&row.entry)?)))
        .collect();
    if seen.is_empty() {
        return Ok(());
    }
    app.out.line("")?;
    app.say("out.held.preview", &[])?;
    seen.sort_by_key(|(row, _)| row.record);
    let mut last = None;
    for (row, preview) in seen {
        if last.replace(row.record) != Some(row.record) {
            let lines = headline(row, preview, &app.text);
            app.out.line(&lines)?;
        }
        for line in lines(preview, &app.text) {
            app.out.line(&line)?;
        }
    }
    Ok(())
}

/// `3jrbdzmp  Home visit: 3号门 王奶奶, 良登村`
fn headline(row: &HeldRow, preview: &Preview, text: &Text) -> String {
    let short = row
        .record
        .map_or_else(|| "-".to_owned(), |record| record.short());
    let Preview::Merges(step) = preview else {
        return short;
    };
    let key = if step.is_new {
        "out.held.new_record"
    } else {
        "out.held.record"
    };
    let places = [
        ("record", short.as_str()),
        ("kind", &values::kind_label(&step.kind, text)),
        ("title", &show::cut(&step.title)),
        ("space", &values::space_label(&step.space, text)),
    ];
    text.with(key, &places)
}

fn lines(preview: &Preview, text: &Text) -> Vec<String> {
    match preview {
        Preview::Merges(step) => {
            let head = format!("  {}", show::who_and_when(&step.change));
            let changes = show::changes(&step.kind, &step.change, text, Lookup::default());
            let changes = changes.into_iter().map(|line| format!("    {line}"));
            std::iter::once(head).chain(changes).collect()
        }
        Preview::Stays(hold) => {
            let reason = reason(hold.code(), text);
            vec![text.with("out.held.stays", &[("reason", &reason)])]
        }
    }
}

fn as_json(replica: &Replica, held: &Held, previews: &Previews, text: &Text) -> Value {
    let (device, row) = held;
    let preview = previews.by_entry.get(&row.entry);
    json!({
        "by": replica.name_of(device),
        "device": device.to_string(),
        "seq": row.entry.seq.0,
        "record": row.record.map(|record| record.to_string()),
        "code": row.reason.0,
        "reason": reason(row.reason, text),
        "merged": Hold::from_code(row.reason).is_some_and(Hold::is_merged),
        "preview": preview.map(|preview| preview_json(preview, text)),
    })
}

fn preview_json(preview: &Preview, text: &Text) -> Value {
    match preview {
        Preview::Merges(step) => {
            let Step {
                kind,
                space,
                title,
                is_new,
                change,
            } = step.as_ref();
            json!({
                "would_merge": true,
                "kind": kind,
                "space": space,
                "title": title,
                "new_record": is_new,
                "by": change.by,
                "at": change.at,
                "changes": show::changes_json(change),
            })
        }
        Preview::Stays(hold) => json!({
            "would_merge": false,
            "code": hold.code().0,
            "reason": reason(hold.code(), text),
        }),
    }
}

/// Why, in the reader's language.
pub(crate) fn reason(code: HoldCode, text: &Text) -> String {
    let known = text.find(&format!("hold.{}", code.0)).map(str::to_owned);
    known.unwrap_or_else(|| text.with("hold.unknown", &[("code", &code.0.to_string())]))
}

#[cfg(test)]
mod tests {
    use sync_core::record::HoldReason;
    use sync_core::schema::Lang;

    use super::*;

    #[test]
    fn every_reason_has_words_in_both_languages() {
        for text in [Text::of(Lang::En), Text::of(Lang::Zh)] {
            let of_changes = HoldReason::ALL.iter().map(|(_, code)| u16::from(*code));
            let own = (256..=1024).filter(|code| Hold::from_code(HoldCode(*code)).is_some());
            for code in of_changes.chain(own) {
                assert!(text.find(&format!("hold.{code}")).is_some(), "{code}");
            }
        }
    }
}
