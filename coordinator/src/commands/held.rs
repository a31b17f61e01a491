//! `banyan held`: entries that are kept and not merged, with the reason.

use serde_json::json;
use sync_core::replica::Hold;
use sync_core::store::HoldCode;

use super::App;
use crate::failure::Failure;
use crate::output::Table;
use crate::text::Text;

pub(super) fn run(app: &mut App) -> Result<(), Failure> {
    let replica = app.replica()?;
    let held = replica.held()?;
    if app.is_json {
        let held: Vec<_> = held
            .iter()
            .map(|(device, row)| {
                json!({
                    "by": replica.name_of(device),
                    "device": device.to_string(),
                    "seq": row.entry.seq.0,
                    "record": row.record.map(|record| record.to_string()),
                    "code": row.reason.0,
                    "reason": reason(row.reason, &app.text),
                    "merged": Hold::from_code(row.reason).is_some_and(Hold::is_merged),
                })
            })
            .collect();
        return app.out.json(&held);
    }
    if held.is_empty() {
        return app.say("out.held.none", &[]);
    }
    let heads = ["head.record", "head.by", "head.entry", "head.reason"];
    let mut table = Table::new(heads.iter().map(|key| app.text.say(key)).collect(), 3);
    for (device, row) in held {
        table.row(vec![
            row.record
                .map_or_else(|| "-".to_owned(), |record| record.short()),
            replica.name_of(&device),
            row.entry.seq.to_string(),
            reason(row.reason, &app.text),
        ]);
    }
    table.print(&mut app.out)?;
    app.out.line("")?;
    app.say("out.held.next", &[])
}

/// Why, in the reader's language.
pub(super) fn reason(code: HoldCode, text: &Text) -> String {
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
