//! Who said what about who belongs, and whether all that is here is what was signed.

use std::collections::BTreeMap;

use sync_core::replica::{Act, Replica};

use crate::commands::{log, verify};
use crate::console::answer::Shown;
use crate::console::cx::{Cx, Trouble};
use crate::console::proofs::Proof;
use crate::console::views::proof::{ActLine, Audit, Proving};
use crate::console::views::shared::Choice;
use crate::output::thousands;

/// Acts on a page.
const PAGE_ACTS: usize = 50;

/// What a verification said: whether all is sound, and the lines about it.
type Verified = (bool, Vec<String>);

pub(in crate::console) fn view(replica: &Replica, cx: &Cx) -> Result<Shown, Trouble> {
    page(replica, cx, None)
}

fn page(replica: &Replica, cx: &Cx, verified: Option<Verified>) -> Result<Shown, Trouble> {
    let query = &cx.asked.query;
    let (who, from) = (query.get("who"), query.get("from"));
    let from: usize = from.parse().unwrap_or(0);
    let acts = replica.acts()?;
    let names: BTreeMap<String, String> = acts
        .iter()
        .map(|act| (author(replica, act), act.by.clone()))
        .collect();
    let mut acts = acts.iter().rev();
    let mut acts: Vec<&Act> = acts
        .by_ref()
        .filter(|act| who.is_empty() || author(replica, act) == who)
        .skip(from)
        .take(PAGE_ACTS + 1)
        .collect();
    let has_older = acts.len() > PAGE_ACTS;
    acts.truncate(PAGE_ACTS);
    let (result_tone, result_icon, result) = match &verified {
        Some((true, _)) => ("good", "shield", "console.audit.good"),
        Some((false, _)) => ("bad", "warn", "console.audit.bad"),
        None => ("", "info", "console.audit.verify"),
    };
    let page = Audit {
        has_result: verified.is_some(),
        result_tone: result_tone.to_owned(),
        result_icon: result_icon.to_owned(),
        result: cx.say(result),
        result_lines: verified.map_or_else(Vec::new, |(_, lines)| lines),
        who: options(cx, who, &names),
        acts: acts.iter().map(|act| line(cx, act)).collect(),
        has_newer: from > 0,
        newer_href: address(who, from.saturating_sub(PAGE_ACTS)),
        has_older,
        older_href: address(who, from.saturating_add(PAGE_ACTS)),
    };
    Ok(Shown::new("audit", "roster", page))
}

/// Whose act it is: the member, or the device of somebody whom nobody knows.
fn author(replica: &Replica, act: &Act) -> String {
    let member = replica.roster().member_id(&act.device);
    member.map_or_else(|| act.device.to_string(), |member| member.to_string())
}

fn options(cx: &Cx, who: &str, names: &BTreeMap<String, String>) -> Vec<Choice> {
    let any = Choice {
        value: String::new(),
        label: cx.say("console.filter.any"),
        on: who.is_empty(),
    };
    let people = names.iter().map(|(id, name)| Choice {
        value: id.clone(),
        label: name.clone(),
        on: id == who,
    });
    std::iter::once(any).chain(people).collect()
}

fn address(who: &str, from: usize) -> String {
    format!("/audit?who={who}&from={from}")
}

fn line(cx: &Cx, act: &Act) -> ActLine {
    let (tone, note) = if !act.counts {
        ("warn", "word.without_effect")
    } else if act.is_pending {
        ("info", "word.not_sent")
    } else {
        ("", "")
    };
    let icon = match act.kind {
        "found" => "banyan",
        "space" => "pin",
        "invite" => "qr",
        "join" | "confirm" | "profile" => "person",
        "revoke" | "discard" | "erase" | "erased" => "x",
        "epoch" => "key",
        "add-device" | "device" => "phone",
        "settings" => "settings",
        _ => "shield",
    };
    let places = [("id", &*act.device.short()), ("n", &act.seq.to_string())];
    ActLine {
        icon: icon.to_owned(),
        tone: tone.to_owned(),
        who: act.by.clone(),
        act: log::sentence(act, &cx.text),
        from: cx.with("console.audit.from", &places),
        has_note: !note.is_empty(),
        note: if note.is_empty() {
            String::new()
        } else {
            cx.say(note)
        },
    }
}

/// The acts with what the last proof found, as `banyan verify` says it.
pub(in crate::console) fn proved(
    replica: &Replica,
    cx: &Cx,
    proof: &Proof,
) -> Result<Shown, Trouble> {
    let Proof::Done(at, found) = proof else {
        return view(replica, cx);
    };
    let (is_sound, mut lines) = match found {
        Ok(audit) => (true, verify::lines(audit, &cx.text)),
        Err(failure) => (false, vec![cx.sentence(failure)]),
    };
    lines.push(cx.with("console.audit.at", &[("when", &cx.clock.moment(*at))]));
    page(replica, cx, Some((is_sound, lines)))
}

/// How far the proof is that goes on.
pub(in crate::console) fn underway(cx: &Cx, done: u64, total: u64) -> Shown {
    let (n, total) = (thousands(done), thousands(total));
    let places = [("n", n.as_str()), ("total", &total)];
    let page = Proving {
        line: cx.with("console.audit.underway", &places),
    };
    Shown::new("audit", "proof", page)
}
