//! A record that goes from every device, and who has said that it is gone.

use std::collections::{BTreeMap, BTreeSet};

use sync_core::id::{DeviceId, RecordId};
use sync_core::replica::{ErasureView, Moment, Replica};

use super::super::confirm::{self, Question};
use super::super::rows;
use super::{Open, open};
use crate::console::answer::{Answer, Shown};
use crate::console::cx::{Cx, Trouble};
use crate::console::fields;
use crate::console::form::Form;
use crate::console::views::record as views;

/// What is asked before.
pub(super) fn question(replica: &Replica, cx: &Cx, open: &Open) -> String {
    let title = fields::title(replica, cx, &open.row);
    cx.with("console.record.erase_ask", &[("title", &title)])
}

/// Erases the record after somebody has confirmed it, and shows what is left.
pub(in crate::console) fn erase(
    replica: &mut Replica,
    moment: &mut Moment<'_>,
    cx: &Cx,
    form: &Form,
) -> Result<Answer, Trouble> {
    let open = open(replica, cx)?;
    if !confirm::is_confirmed(form) {
        let points = ["console.erase.p1", "console.erase.p2", "console.erase.p3"];
        let said = points.iter().map(|key| cx.say(key));
        let question = Question {
            section: "records",
            title: cx.say("console.erase.sure"),
            points: std::iter::once(question(replica, cx, &open))
                .chain(said)
                .collect(),
            yes: cx.say("console.erase.yes"),
        };
        return Ok(confirm::ask(cx, form, question));
    }
    replica.erase(&[open.id], moment)?;
    let line = cx.say("console.record.erased");
    Ok(Answer::done(rows::href(&open.row), line))
}

/// What stands where a record was; none if it was not erased, or has come again.
pub(super) fn instead(replica: &Replica, cx: &Cx) -> Result<Option<Shown>, Trouble> {
    let record: RecordId = match cx.asked.param("id").parse() {
        Ok(record) => record,
        Err(_) => return Ok(None),
    };
    let mut records = replica.roster().erasures().records().iter();
    if !records.any(|(erased, _)| *erased == record) {
        return Ok(None);
    }
    let all = replica.erasures()?;
    let of_it: Vec<&ErasureView> = all.iter().filter(|it| it.record == record).collect();
    let Some(last) = of_it.last() else {
        return Ok(None);
    };
    let (receipts, done) = receipts(replica, cx, &of_it);
    let (n, m) = (done.to_string(), receipts.len().to_string());
    let page = views::Erased {
        id: record.to_string(),
        line: by(replica, cx, last),
        receipts_title: cx.with("console.erase.receipts", &[("n", &n), ("m", &m)]),
        receipts,
    };
    Ok(Some(Shown::new("records", "roster sync", page)))
}

fn by(replica: &Replica, cx: &Cx, erasure: &ErasureView) -> String {
    let who = replica.name_of(&erasure.by);
    cx.with("console.erase.by", &[("who", &who)])
}

/// Who has still to carry out something of it, then who has; and how many those are.
fn receipts(replica: &Replica, cx: &Cx, erasures: &[&ErasureView]) -> (Vec<views::Receipt>, usize) {
    let (waits, done) = parties(erasures);
    let line = |(device, is_relay): &(DeviceId, bool), is_done: bool| {
        let who = if *is_relay {
            cx.say("word.the_relay")
        } else {
            replica.name_of(device)
        };
        let key = if is_done {
            "console.erase.device_done"
        } else {
            "console.erase.device_wait"
        };
        let device = device.short();
        views::Receipt {
            is_done,
            line: cx.with(key, &[("who", &who), ("device", &device)]),
        }
    };
    let open = waits.iter().map(|party| line(party, false));
    let closed = done.iter().map(|party| line(party, true));
    (open.chain(closed).collect(), done.len())
}

/// Devices and relays (`true`) that have not yet, and those that have carried out all of it.
type Parties = BTreeSet<(DeviceId, bool)>;

fn parties(erasures: &[&ErasureView]) -> (Parties, Parties) {
    let (mut waits, mut done) = (Parties::new(), Parties::new());
    for erasure in erasures {
        add(
            &mut waits,
            &erasure.outstanding,
            &erasure.relays_outstanding,
        );
        add(&mut done, &erasure.confirmed, &erasure.relays_confirmed);
    }
    done.retain(|party| !waits.contains(party));
    (waits, done)
}

fn add(to: &mut Parties, devices: &BTreeSet<DeviceId>, relays: &BTreeSet<DeviceId>) {
    to.extend(devices.iter().map(|device| (*device, false)));
    to.extend(relays.iter().map(|relay| (*relay, true)));
}

/// All records that were erased, with how far each is gone.
pub(in crate::console) fn list(replica: &Replica, cx: &Cx) -> Result<Shown, Trouble> {
    let all = replica.erasures()?;
    let mut records: BTreeMap<RecordId, Vec<&ErasureView>> = BTreeMap::new();
    for erasure in &all {
        records.entry(erasure.record).or_default().push(erasure);
    }
    let rows = records.iter().filter_map(|(record, of_it)| {
        let last = of_it.last()?;
        let (waits, done) = parties(of_it);
        let (n, m) = (
            done.len().to_string(),
            (waits.len() + done.len()).to_string(),
        );
        Some(views::ErasureLine {
            href: format!("/record/{record}"),
            line: by(replica, cx, last),
            is_done: waits.is_empty(),
            confirmed: cx.with("console.erase.waiting", &[("n", &n), ("m", &m)]),
        })
    });
    let page = views::Erasures {
        rows: rows.collect(),
    };
    Ok(Shown::new("audit", "roster sync", page))
}
