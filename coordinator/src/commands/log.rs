//! `banyan log`: who said what about who belongs.

use serde_json::json;
use sync_core::replica::Act;

use super::App;
use crate::failure::Failure;
use crate::output::{Table, thousands};
use crate::text::Text;
use crate::values;

pub(super) fn run(app: &mut App) -> Result<(), Failure> {
    let replica = app.replica()?;
    let acts = replica.acts()?;
    if app.is_json {
        let acts: Vec<_> = acts
            .iter()
            .map(|act| {
                json!({
                    "by": act.by, "device": act.device.to_string(), "seq": act.seq.0,
                    "act": act.kind, "about": act.about, "counts": act.counts,
                    "pending": act.is_pending,
                })
            })
            .collect();
        return app.out.json(&acts);
    }
    let heads = ["head.who", "head.from_device", "head.act", "head.state"];
    let mut table = Table::new(heads.iter().map(|key| app.text.say(key)).collect(), 2);
    for act in &acts {
        table.row(vec![
            act.by.clone(),
            act.device.short(),
            sentence(act, &app.text),
            app.text.say(state(act)),
        ]);
    }
    table.print(&mut app.out)?;
    app.out.line("")?;
    app.say("out.log.order", &[])
}

fn state(act: &Act) -> &'static str {
    if !act.counts {
        "word.without_effect"
    } else if act.is_pending {
        "word.not_sent"
    } else {
        "word.signed"
    }
}

/// What was done, in words.
pub(crate) fn sentence(act: &Act, text: &Text) -> String {
    let about = &act.about;
    let unknown = || text.say("word.unknown_title");
    let role = about
        .role
        .map_or_else(String::new, |role| text.say(&format!("word.role.{role}")));
    let space = values::scope_label(about.space.as_deref(), text);
    let name = about.name.clone().unwrap_or_else(unknown);
    let number = about.count.unwrap_or_default();
    let (count, uses) = (thousands(number), text.count("out.invite.uses", number));
    let places = [
        ("name", name.as_str()),
        ("role", role.as_str()),
        ("space", space.as_str()),
        ("count", count.as_str()),
        ("uses", uses.as_str()),
    ];
    let key = match about.target {
        Some(target) => format!("act.{}.{target}", act.kind),
        None => format!("act.{}", act.kind),
    };
    if act.kind == "join" && about.role.is_none() {
        return text.say("act.join.unknown");
    }
    text.with(&key, &places)
}

#[cfg(test)]
mod tests {
    use sync_core::entry::EntryKind;
    use sync_core::schema::Lang;

    use super::*;

    #[test]
    fn every_statement_has_words_in_both_languages() {
        let statements = EntryKind::ALL
            .iter()
            .filter(|(kind, _)| kind.code() < EntryKind::CHANGE.code());
        let words: Vec<&str> = statements.map(|(_, word)| *word).collect();
        assert!(words.contains(&"found") && words.contains(&"profile"));
        for text in [Text::of(Lang::En), Text::of(Lang::Zh)] {
            for word in &words {
                assert!(text.find(&format!("act.{word}")).is_some(), "{word}");
            }
        }
    }
}
