//! What is kept and not merged, with what it would do, and what becomes of it.

use std::collections::{BTreeMap, BTreeSet};

use sync_core::id::{DeviceId, Millis, RecordId};
use sync_core::replica::{HeldOf, Hold, Moment, Preview, Previews, Replica, Step};
use sync_core::schema::{Field, Kind};
use sync_core::store::HeldRow;

use super::confirm::{self, Question};
use crate::commands::decide::said;
use crate::commands::held::reason;
use crate::console::answer::{Answer, Shown};
use crate::console::cx::{Cx, Trouble};
use crate::console::form::Form;
use crate::console::views::proof::{Held, HeldItem, HeldStep};
use crate::console::views::shared::Change;
use crate::console::{difference, fields};
use crate::mask;

/// Records on the page; the rest follows when these are decided.
const ITEMS_MAX: usize = 100;

pub(in crate::console) fn view(replica: &Replica, cx: &Cx) -> Result<Shown, Trouble> {
    let mut by_record: BTreeMap<Option<RecordId>, Vec<(DeviceId, HeldRow)>> = BTreeMap::new();
    for (device, row) in replica.held()? {
        by_record.entry(row.record).or_default().push((device, row));
    }
    let previews = replica.preview(&HeldOf::All)?;
    let is_cut = by_record.len() > ITEMS_MAX || previews.is_cut;
    let mut items = Vec::new();
    for (record, entries) in by_record.iter().take(ITEMS_MAX) {
        items.push(item(replica, cx, record.as_ref(), entries, &previews)?);
    }
    let (show_word, show_href) = cx.personal_link("/held", "");
    let page = Held {
        action: cx.asked.address(),
        has_masked: !previews.by_entry.is_empty(),
        show_word,
        show_href,
        is_cut,
        items,
    };
    Ok(Shown::new("held", "records roster", page))
}

fn item(
    replica: &Replica,
    cx: &Cx,
    record: Option<&RecordId>,
    entries: &[(DeviceId, HeldRow)],
    previews: &Previews,
) -> Result<HeldItem, Trouble> {
    let seen: Vec<&Preview> = entries
        .iter()
        .filter_map(|(_, row)| previews.by_entry.get(&row.entry))
        .collect();
    let first = seen.iter().find_map(|preview| match preview {
        Preview::Merges(step) => Some(step.as_ref()),
        Preview::Stays(_) => None,
    });
    let row = match record {
        Some(record) => replica.store().row(record)?,
        None => None,
    };
    let authors: BTreeSet<String> = entries
        .iter()
        .map(|(device, _)| replica.name_of(device))
        .collect();
    let authors: Vec<String> = authors.into_iter().collect();
    let kind = row.as_ref().map(|row| row.kind.as_str());
    let kind = kind.or_else(|| first.map(|step| step.kind.as_str()));
    let space = row.as_ref().map(|row| replica.space_name(&row.space));
    let space = space.or_else(|| first.map(|step| step.space.clone()));
    let parts = [
        kind.map(|kind| fields::kind_label(replica, cx, kind)),
        Some(authors.join(&cx.say("word.and"))),
        space.map(|space| fields::space_label(cx, &space)),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    let reasons: BTreeSet<String> = entries
        .iter()
        .map(|(_, row)| reason(row.reason, &cx.text))
        .collect();
    let can_decide = record.is_some() && !seen.is_empty();
    // Of all that is held, only what comes after a cut is for anybody to decide.
    let is_cut = entries
        .iter()
        .any(|(_, row)| row.reason == Hold::CutOff.code());
    let short = || record.map_or_else(|| "-".to_owned(), RecordId::short);
    Ok(HeldItem {
        id: record.map_or_else(String::new, ToString::to_string),
        title: match (&row, first) {
            (Some(row), _) => fields::title(replica, cx, row),
            (None, Some(step)) => step_title(replica, cx, step),
            (None, None) => short(),
        },
        meta: parts.join(" · "),
        reasons: reasons.into_iter().collect(),
        is_new: first.is_some_and(|step| step.is_new),
        can_decide,
        is_for_others: is_cut && !can_decide,
        steps: seen.iter().map(|it| held_step(replica, cx, it)).collect(),
    })
}

fn kind_of<'r>(replica: &'r Replica, step: &Step) -> &'r Kind {
    let known = replica.schema().kind(&step.kind);
    known.unwrap_or_else(|| Kind::plain())
}

fn step_title(replica: &Replica, cx: &Cx, step: &Step) -> String {
    let kind = kind_of(replica, step);
    let is_personal = kind.field(kind.title()).is_none_or(Field::personal);
    if is_personal && !cx.shows_personal() {
        mask::by_word(&step.title)
    } else {
        step.title.clone()
    }
}

fn held_step(replica: &Replica, cx: &Cx, preview: &Preview) -> HeldStep {
    let step = match preview {
        Preview::Merges(step) => step,
        Preview::Stays(hold) => {
            let reason = reason(hold.code(), &cx.text);
            let line = cx.with("out.held.stays", &[("reason", &reason)]);
            return HeldStep {
                by: line.trim().to_owned(),
                changes: Vec::new(),
            };
        }
    };
    let kind = kind_of(replica, step);
    let said = |name: &str, value| fields::shown(replica, cx, kind, name, value);
    let changes = step.change.changes.iter().map(|change| {
        let field = kind.field(&change.field);
        let label = field.map(|field| field.label(cx.text.lang()));
        let before = change.from.as_ref().map(|value| said(&change.field, value));
        let before = before.filter(|before| !before.is_empty());
        let after = match &change.to {
            Some(value) => said(&change.field, value),
            None => cx.say(&format!("word.deed.{}", change.deed)),
        };
        Change {
            field: label.unwrap_or(&change.field).to_owned(),
            pieces: difference::pieces(before.as_deref(), &after),
        }
    });
    let when = cx.clock.moment(Millis(step.change.at));
    HeldStep {
        by: format!("{} · {when}", step.change.by),
        changes: changes.collect(),
    }
}

/// Lets the entries of a record in, or leaves them out for good.
pub(in crate::console) fn decide(
    replica: &mut Replica,
    moment: &mut Moment<'_>,
    cx: &Cx,
    form: &Form,
) -> Result<Answer, Trouble> {
    let record: RecordId = form.get("record").parse().map_err(|_| Trouble::Missing)?;
    let is_final = match form.get("do") {
        "release" => false,
        "discard" => true,
        _ => return Err(Trouble::Missing),
    };
    if is_final && !confirm::is_confirmed(form) {
        let question = Question {
            section: "held",
            title: cx.say("console.held.sure"),
            points: vec![cx.say("console.held.sure_lead")],
            yes: cx.say("console.held.discard"),
        };
        return Ok(confirm::ask(cx, form, question));
    }
    let which = HeldOf::Record(record);
    let done = if is_final {
        replica.discard(&which, moment)?
    } else {
        replica.release(&which, moment)?
    };
    let line = said(&cx.text, is_final, done.tally.merged);
    Ok(Answer::done(Answer::back_of(form), line))
}
