//! `banyan duplicates`: records that may be one home or person written down twice, and what they are.

use serde_json::{Value, json};
use sync_core::peer::moment;
use sync_core::replica::{Finding, Replica};
use sync_core::store::ViewRow;
use sync_core::view::twins::{Clue, Pair};

use super::App;
use crate::cli::DuplicatesArgs;
use crate::failure::Failure;
use crate::output::Table;
use crate::text::Text;
use crate::{mask, place, values};

pub(super) fn run(app: &mut App, args: &DuplicatesArgs) -> Result<(), Failure> {
    let said = [
        (&args.same, Finding::Same),
        (&args.different, Finding::Other),
        (&args.open, Finding::Open),
    ];
    let mut said = said.into_iter();
    let said = said.find_map(|(typed, finding)| Some((typed.as_deref()?, finding)));
    match said {
        Some(([one, two], finding)) => settle(app, (one, two), finding),
        // The command line takes two or none.
        Some(_) | None => list(app, args.personal),
    }
}

fn list(app: &mut App, personal: bool) -> Result<(), Failure> {
    let replica = app.replica()?;
    let mut pairs = Vec::new();
    for pair in replica.twins()?.pairs() {
        let rows = (
            replica.store().row(&pair.first)?,
            replica.store().row(&pair.second)?,
        );
        if let (Some(first), Some(second)) = rows {
            pairs.push((pair, first, second));
        }
    }
    if app.is_json {
        let pairs: Vec<Value> = pairs
            .iter()
            .map(|(pair, first, second)| as_json(&replica, pair, [first, second], personal))
            .collect();
        return app.out.json(&pairs);
    }
    if pairs.is_empty() {
        return app.say("out.duplicates.none", &[]);
    }
    let heads = [
        "head.record",
        "head.title",
        "head.kind",
        "head.space",
        "head.why",
    ];
    let mut table = Table::new(heads.iter().map(|key| app.text.say(key)).collect(), 4);
    for (pair, first, second) in &pairs {
        for (row, why) in [(first, why(&app.text, pair)), (second, String::new())] {
            table.row(vec![
                row.record.short(),
                title(row, personal),
                values::kind_label(&row.kind, &app.text),
                values::space_label(&replica.space_name(&row.space), &app.text),
                why,
            ]);
        }
    }
    table.print(&mut app.out)?;
    app.out.line("")?;
    let count = app.text.count("out.duplicates.pairs", pairs.len() as u64);
    app.out.line(&count)?;
    if !personal {
        app.say("out.duplicates.masked", &[])?;
    }
    app.say("out.duplicates.next", &[])
}

fn title(row: &ViewRow, personal: bool) -> String {
    if personal {
        row.title.clone()
    } else {
        mask::by_word(&row.title)
    }
}

fn as_json(replica: &Replica, pair: &Pair, rows: [&ViewRow; 2], personal: bool) -> Value {
    let records = rows.map(|row| {
        json!({
            "record": row.record.to_string(),
            "title": title(row, personal),
            "space": replica.space_name(&row.space),
            "created_by": replica.name_of(&row.created_by),
            "created_at": row.created_at.0,
        })
    });
    let [first, _] = rows;
    json!({
        "kind": first.kind,
        "records": records,
        "clues": pair.clues.iter().map(|clue| clue.name()).collect::<Vec<_>>(),
        "score": pair.score,
    })
}

/// What two records have in common, in words.
pub(crate) fn why(text: &Text, pair: &Pair) -> String {
    let clues = pair.clues.iter().copied();
    let words = clues.map(|clue: Clue| text.say(&format!("word.clue.{}", clue.name())));
    words.collect::<Vec<_>>().join(&text.say("word.and"))
}

fn settle(app: &mut App, (one, two): (&str, &str), finding: Finding) -> Result<(), Failure> {
    let mut replica = app.replica()?;
    let (one, two) = (replica.find_record(one)?, replica.find_record(two)?);
    let mut rng = rand::rng();
    let now = &mut moment(place::now(), &mut rng);
    let is_changed = replica.settle_twins((one, two), finding, now)?;
    if app.is_json {
        let twins = replica.twins()?;
        return app.out.json(&json!({
            "changed": is_changed,
            "first": twins.first_of(&two).to_string(),
        }));
    }
    let key = match finding {
        _ if !is_changed => "out.duplicates.said",
        Finding::Same => "out.duplicates.same",
        Finding::Other => "out.duplicates.different",
        Finding::Open => "out.duplicates.open",
    };
    let twins = replica.twins()?;
    let (first, second) = match twins.original_of(&one) {
        Some(first) if finding == Finding::Same => (first, one),
        Some(_) | None => (one, two),
    };
    let (first, second) = (first.short(), second.short());
    app.say(key, &[("first", &first), ("second", &second)])
}
