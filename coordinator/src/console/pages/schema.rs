//! The kinds of records that the community writes, and what is asked in each: looked at by all, changed by
//! coordinators.

pub(in crate::console) mod acts;
mod draft;
mod inputs;
pub(in crate::console) mod kind;
mod names;

use std::collections::BTreeMap;

use sync_core::replica::Replica;
use sync_core::schema::{Kind, Schema};

use self::draft::Draft;
use self::inputs::Asked;
use crate::console::answer::Shown;
use crate::console::cx::{Cx, Trouble, is_coordinator};
use crate::console::fields;
use crate::console::views::schema as views;
use crate::output::thousands;

/// Where the kinds are listed.
const HREF: &str = "/schema";

/// Where a kind is looked at and changed.
fn href(kind: &str) -> String {
    format!("{HREF}/{kind}")
}

pub(in crate::console) fn view(replica: &Replica, cx: &Cx) -> Result<Shown, Trouble> {
    let draft = Draft::of(replica)?;
    let mut records: BTreeMap<String, u64> = BTreeMap::new();
    for count in replica.counts()? {
        *records.entry(count.kind).or_default() += count.records;
    }
    let kinds = replica.schema().kinds().iter();
    let kinds = kinds.map(|kind| {
        let records = records.get(kind.name()).copied().unwrap_or_default();
        line(cx, kind, records)
    });
    let version = thousands(u64::from(draft.version()));
    let page = views::Schema {
        can_edit: is_coordinator(replica),
        kinds: kinds.collect(),
        version_line: cx.with("console.schema.version", &[("n", &version)]),
    };
    Ok(Shown::new("schema", "records roster", page))
}

fn line(cx: &Cx, kind: &Kind, records: u64) -> views::KindLine {
    let fields = thousands(kind.fields().len() as u64);
    let places = [("n", fields.as_str()), ("m", &thousands(records))];
    let is_own = Schema::station().kind(kind.name()).is_none();
    views::KindLine {
        href: href(kind.name()),
        icon: fields::kind_icon(kind.name()).to_owned(),
        label: kind.label(cx.text.lang()).to_owned(),
        meta: cx.with("console.schema.n_fields", &places),
        has_flag: is_own,
        flag: cx.say("console.schema.own"),
    }
}

/// The form for a kind that is not there yet.
pub(in crate::console) fn blank(replica: &Replica, cx: &Cx) -> Result<Shown, Trouble> {
    if !is_coordinator(replica) {
        return Err(Trouble::Missing);
    }
    Ok(new_kind(cx, &Asked::default()))
}

fn new_kind(cx: &Cx, asked: &Asked<'_>) -> Shown {
    let form = views::Draft {
        action: href("new"),
        save_label: cx.say("console.schema.add"),
        ..asked.form(cx, inputs::new_kind(cx, asked), &[])
    };
    let page = views::SchemaDraft {
        title: cx.say("console.schema.add"),
        up_href: HREF.to_owned(),
        up: String::new(),
        form,
    };
    Shown::new("schema", "", page)
}
