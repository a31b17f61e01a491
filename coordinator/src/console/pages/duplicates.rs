//! Records that may be one home or person written down twice: side by side, and what they are.

use std::collections::BTreeSet;

use serde_json::{Map, Value};
use sync_core::id::{DeviceId, LaneId, RecordId};
use sync_core::replica::{Finding, Moment, Replica};
use sync_core::schema::{Field, Kind};
use sync_core::store::ViewRow;
use sync_core::view::twins::{self, Clue, Twins};

use super::rows;
use crate::commands::duplicates::why;
use crate::console::answer::{Answer, Shown};
use crate::console::cx::{Cx, Trouble};
use crate::console::fields;
use crate::console::form::Form;
use crate::console::views::duplicates::{Duplicates, Pair, Side, SideField};
use crate::output::thousands;

/// Pairs on the page; the rest follows when these are settled.
const PAIRS_MAX: usize = 30;
/// What stands between the two records of a pair in forms and addresses.
const BETWEEN: char = '-';

pub(in crate::console) fn view(replica: &Replica, cx: &Cx) -> Result<Shown, Trouble> {
    let found = replica.twins()?.pairs();
    let mut pairs = Vec::new();
    for pair in found.iter().take(PAIRS_MAX) {
        pairs.extend(side_by_side(replica, cx, pair)?);
    }
    let count = found.len() as u64;
    let (show_word, show_href) = cx.personal_link("/duplicates", "");
    let page = Duplicates {
        lead: if count == 0 {
            String::new()
        } else {
            cx.count("console.dup.lead", count)
        },
        has_masked: count > 0,
        show_word,
        show_href,
        is_cut: found.len() > PAIRS_MAX,
        cut: cx.count("console.dup.cut", PAIRS_MAX as u64),
        pairs,
    };
    Ok(Shown::new("duplicates", "records roster", page))
}

/// Names a pair in forms and addresses.
pub(super) fn id_of(first: &RecordId, second: &RecordId) -> String {
    format!("{first}{BETWEEN}{second}")
}

/// Whether this person may say what a record is a copy of.
pub(super) fn may_settle(
    replica: &Replica,
    kind: &str,
    space: &LaneId,
    begun_by: &DeviceId,
) -> bool {
    replica.role_to_edit_as(kind, space, begun_by).is_ok()
}

/// Pairs that this person may settle.
pub(super) fn to_settle(replica: &Replica) -> Result<u64, Trouble> {
    let pairs = replica.twins()?.pairs().iter();
    let own = pairs.filter(|pair| may_settle_pair(replica, pair));
    Ok(own.count() as u64)
}

fn may_settle_pair(replica: &Replica, pair: &twins::Pair) -> bool {
    may_settle(replica, &pair.kind, &pair.space, &pair.begun_by)
}

fn side_by_side(replica: &Replica, cx: &Cx, pair: &twins::Pair) -> Result<Option<Pair>, Trouble> {
    let (first, second) = (
        replica.store().row(&pair.first)?,
        replica.store().row(&pair.second)?,
    );
    let (Some(first), Some(second)) = (first, second) else {
        return Ok(None);
    };
    let Some(kind) = replica.schema().kind(&first.kind) else {
        return Ok(None);
    };
    let values = |row: &ViewRow| -> Map<String, Value> {
        serde_json::from_str(&row.fields).unwrap_or_default()
    };
    let (of_first, of_second) = (values(&first), values(&second));
    let side = |row: &ViewRow, own: &Map<String, Value>, other: &Map<String, Value>| Side {
        href: rows::href(row),
        title: fields::title(replica, cx, row),
        meta: meta(replica, cx, row),
        fields: compared(kind, own, other)
            .map(|field| {
                let name = field.name();
                let differs = own.get(name) != other.get(name) && !is_alike(kind, name, pair);
                // What is masked looks alike when it is not, and does not show when it is.
                let is_masked = field.personal() && !cx.shows_personal();
                SideField {
                    differs,
                    same: is_masked && !differs,
                    ..side_field(replica, cx, (kind, field), own)
                }
            })
            .collect(),
    };
    let place = fields::space_label(cx, &replica.space_name(&second.space));
    Ok(Some(Pair {
        id: id_of(&pair.first, &pair.second),
        title: fields::title(replica, cx, &first),
        why: why(&cx.text, pair),
        sides: vec![
            side(&first, &of_first, &of_second),
            side(&second, &of_second, &of_first),
        ],
        effect: effect(replica, cx, pair)?,
        can_settle: may_settle_pair(replica, pair),
        who_can: cx.with("console.dup.readonly", &[("space", &place)]),
    }))
}

fn meta(replica: &Replica, cx: &Cx, row: &ViewRow) -> String {
    let places = [
        ("kind", fields::kind_label(replica, cx, &row.kind)),
        (
            "space",
            fields::space_label(cx, &replica.space_name(&row.space)),
        ),
        ("who", replica.name_of(&row.created_by)),
    ];
    let places: Vec<(&str, &str)> = places.iter().map(|(at, it)| (*at, it.as_str())).collect();
    cx.with("console.dup.meta", &places)
}

/// The fields of which one of two records says something, beside what was said about twins.
fn compared<'k>(
    kind: &'k Kind,
    one: &Map<String, Value>,
    two: &Map<String, Value>,
) -> impl Iterator<Item = &'k Field> {
    let is_said = |values: &Map<String, Value>, name: &str| {
        values
            .get(name)
            .is_some_and(|value| !fields::is_nothing(value))
    };
    let fields = kind.fields().iter().filter(move |field| {
        let name = field.name();
        let is_mark = name == twins::SAME_FIELD || name == twins::OTHER_FIELD;
        !is_mark && (is_said(one, name) || is_said(two, name))
    });
    fields.collect::<Vec<_>>().into_iter()
}

fn side_field(
    replica: &Replica,
    cx: &Cx,
    (kind, field): (&Kind, &Field),
    own: &Map<String, Value>,
) -> SideField {
    let name = field.name();
    let said = own.get(name).filter(|value| !fields::is_nothing(value));
    SideField {
        label: field.label(cx.text.lang()).to_owned(),
        text: said.map_or_else(
            || cx.say("console.dup.empty"),
            |value| fields::shown(replica, cx, kind, name, value),
        ),
        ..SideField::default()
    }
}

/// Whether a field says the same in two ways of writing: what is said to be the same must not be called another.
fn is_alike(kind: &Kind, name: &str, pair: &twins::Pair) -> bool {
    let has = |clue: Clue| pair.clues.contains(&clue);
    let key = kind.natural_key().unwrap_or_else(|| kind.title());
    (name == "phone" && has(Clue::Phone))
        || (name == key && [Clue::Name, Clue::Called, Clue::Door].into_iter().any(has))
}

/// How much would be found in one place.
fn effect(replica: &Replica, cx: &Cx, pair: &twins::Pair) -> Result<String, Trouble> {
    let twins: &Twins = replica.twins()?;
    let groups = [&pair.first, &pair.second].map(|record| twins.group_of(record));
    let mut leading: BTreeSet<RecordId> = BTreeSet::new();
    for record in groups.iter().flatten() {
        let links = replica.links_to(*record)?;
        leading.extend(links.into_iter().map(|(from, _)| from));
    }
    let (mut visits, mut needs) = (0, 0);
    for record in leading {
        let row = replica.store().row(&record)?;
        match row.as_ref().map(|row| row.kind.as_str()) {
            Some("visit") => visits += 1,
            Some("need") => needs += 1,
            Some(_) | None => {}
        }
    }
    let (visits, needs) = (thousands(visits), thousands(needs));
    Ok(cx.with("console.dup.effect", &[("n", &visits), ("m", &needs)]))
}

/// Writes down what two records are to each other.
pub(in crate::console) fn settle(
    replica: &mut Replica,
    moment: &mut Moment<'_>,
    cx: &Cx,
    form: &Form,
) -> Result<Answer, Trouble> {
    let pair = form.get("pair").split_once(BETWEEN);
    let pair = pair.and_then(|(one, two)| Some((one.parse().ok()?, two.parse().ok()?)));
    let pair: (RecordId, RecordId) = pair.ok_or(Trouble::Missing)?;
    let (finding, line) = match form.get("do") {
        "same" => (Finding::Same, "console.dup.said_same"),
        "other" => (Finding::Other, "console.dup.said_other"),
        "open" => (Finding::Open, "console.dup.said_open"),
        _ => return Err(Trouble::Missing),
    };
    let is_changed = replica.settle_twins(pair, finding, moment)?;
    let line = if is_changed {
        line
    } else {
        "console.dup.said_before"
    };
    Ok(Answer::done(Answer::back_of(form), cx.say(line)))
}
