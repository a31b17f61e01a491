//! What should not be kept any longer, and whether people have agreed to what is written down about them.
//!
//! Everything here reminds and nothing forbids: whoever writes or erases decides.

use std::collections::BTreeSet;

use sync_core::id::RecordId;
use sync_core::replica::Replica;
use sync_core::schema::{Field, FieldType, Kind};
use sync_core::store::{RowFilter, ViewRow};
use sync_core::view::consent::{ABOUT_FIELD, CONSENT, Consent};
use sync_core::view::retention;

use crate::console::cx::{Cx, Trouble};
use crate::console::fields;
use crate::console::inputs::SPACE;
use crate::console::views::shared::ConsentNote;
use crate::console::views::work::QueueRow;

/// Kinds that are written about a person or a home, and whose empty forms can be opened from there.
const WRITTEN_ABOUT: [&str; 2] = ["visit", "need"];
const YEAR_DAYS: u32 = 365;

/// Of what this person may erase; where they may erase nothing, of all that they read.
fn to_erase(replica: &Replica, filter: RowFilter) -> RowFilter {
    let mut spaces = fields::spaces(replica);
    let all = spaces.len();
    spaces.retain(|space| replica.may_erase_in(space));
    if spaces.len() == all {
        // A list of everything asks for no space.
        spaces.clear();
    }
    RowFilter { spaces, ..filter }
}

/// Records past the time that the community keeps them.
pub(super) fn past(replica: &Replica, cx: &Cx) -> RowFilter {
    let filter = RowFilter {
        unchanged_since: Some(retention::past(replica.schema(), cx.clock.now)),
        ..RowFilter::default()
    };
    to_erase(replica, filter)
}

/// Records of people and homes who have withdrawn their consent.
pub(super) fn withdrawn(replica: &Replica, cx: &Cx) -> Result<RowFilter, Trouble> {
    let records = replica.withdrawn(cx.clock.now)?;
    let filter = RowFilter {
        records: Some(records.into_iter().collect()),
        ..RowFilter::default()
    };
    Ok(to_erase(replica, filter))
}

/// What waits to be erased, for those who may; each line opens its list.
pub(super) fn queue(replica: &Replica, cx: &Cx) -> Result<Vec<QueueRow>, Trouble> {
    let spaces = fields::spaces(replica);
    if !spaces.iter().any(|space| replica.may_erase_in(space)) {
        return Ok(Vec::new());
    }
    let lines = [
        (
            withdrawn(replica, cx)?,
            "flag=withdrawn",
            "console.today.withdrawn",
            "console.today.withdrawn_meta",
        ),
        (
            past(replica, cx),
            "flag=past",
            "console.today.past",
            "console.today.past_meta",
        ),
    ];
    let mut rows = Vec::new();
    for (filter, query, title, meta) in lines {
        let count = replica.count(&filter)?;
        if count > 0 {
            rows.push(QueueRow {
                href: format!("/records?{query}"),
                title: cx.count(title, count),
                meta: cx.say(meta),
            });
        }
    }
    Ok(rows)
}

/// Why a record might be erased, beside the button that does it.
pub(super) fn reasons(
    replica: &Replica,
    cx: &Cx,
    kind: &Kind,
    row: &ViewRow,
) -> Result<Vec<String>, Trouble> {
    let mut reasons = Vec::new();
    if is_subject(replica, &row.kind)
        && let Consent::Withdrawn { on } = replica.consent(row.record, cx.clock.now)?
    {
        let date = cx.clock.kept_day(&on);
        reasons.push(cx.with("console.erase.withdrawn", &[("date", &date)]));
    }
    let (at, now) = (row.updated_at, cx.clock.now);
    if let Some(days) = kind.retention_days()
        && retention::is_past(kind, at, now)
    {
        let date = cx.clock.moment(at);
        let places = [("date", date.as_str()), ("time", &time_kept(cx, days))];
        reasons.push(cx.with("console.erase.past", &places));
        return Ok(reasons);
    }
    let labels = retention::fields_past(kind, at, now).filter(|field| has_value(row, field));
    let labels: Vec<&str> = labels.map(|field| field.label(cx.text.lang())).collect();
    if !labels.is_empty() {
        let labels = labels.join(&cx.say("word.and"));
        reasons.push(cx.with("console.erase.field_past", &[("fields", &labels)]));
    }
    Ok(reasons)
}

fn has_value(row: &ViewRow, field: &Field) -> bool {
    let fields = row.values();
    let value = fields.get(field.name());
    value.is_some_and(|value| !value.is_null() && value.as_str() != Some(""))
}

/// `3 years`, `400 days`.
fn time_kept(cx: &Cx, days: u32) -> String {
    if days.is_multiple_of(YEAR_DAYS) {
        cx.count("console.keep.years", u64::from(days / YEAR_DAYS))
    } else {
        cx.count("console.keep.days", u64::from(days))
    }
}

/// Whether consents are written about records of a kind.
pub(super) fn is_subject(replica: &Replica, kind: &str) -> bool {
    let consent = replica.schema().kind(CONSENT);
    let about = consent.and_then(|consent| consent.field(ABOUT_FIELD));
    about.is_some_and(|about| about.ty().kinds().iter().any(|of| of == kind))
}

/// The people and homes that a record of a kind with these values is about.
pub(super) fn subjects(
    replica: &Replica,
    kind: &Kind,
    ids: impl Fn(&Field) -> Vec<RecordId>,
) -> BTreeSet<RecordId> {
    let leads = |field: &&Field| {
        let kinds = field.ty().kinds();
        !field.hidden() && kinds.iter().any(|kind| is_subject(replica, kind))
    };
    let is_said = kind.name() != CONSENT && !is_subject(replica, kind.name());
    let fields = kind.fields().iter().filter(|_| is_said).filter(leads);
    fields.flat_map(ids).collect()
}

/// What is said of somebody's consent, with the way to write it down. None of what is no such record.
pub(super) fn note(
    replica: &Replica,
    cx: &Cx,
    record: RecordId,
) -> Result<Option<ConsentNote>, Trouble> {
    let row = replica.store().row(&record)?;
    let Some(row) = row.filter(|row| is_subject(replica, &row.kind)) else {
        return Ok(None);
    };
    let title = fields::title(replica, cx, &row);
    let (tone, icon, text) = said(replica, cx, &title, replica.consent(record, cx.clock.now)?);
    let is_good = tone == "good";
    let record_href = if is_good {
        String::new()
    } else {
        blank_form(replica, CONSENT, &row).unwrap_or_default()
    };
    Ok(Some(ConsentNote {
        tone: tone.to_owned(),
        icon: icon.to_owned(),
        text,
        href: format!("/record/{record}"),
        record_href,
        forms: Vec::new(),
    }))
}

/// The same on the page of the person or the home, with the forms that are about them.
pub(super) fn note_with_forms(
    replica: &Replica,
    cx: &Cx,
    row: &ViewRow,
) -> Result<Vec<ConsentNote>, Trouble> {
    let Some(note) = note(replica, cx, row.record)? else {
        return Ok(Vec::new());
    };
    let forms = WRITTEN_ABOUT.into_iter().filter_map(|kind| {
        let href = blank_form(replica, kind, row)?;
        let label = fields::kind_label(replica, cx, kind);
        Some((href, cx.with("console.form.new", &[("kind", &label)])))
    });
    Ok(vec![ConsentNote {
        forms: forms.collect(),
        href: String::new(),
        ..note
    }])
}

/// Tone, picture and words.
fn said(
    replica: &Replica,
    cx: &Cx,
    title: &str,
    consent: Consent,
) -> (&'static str, &'static str, String) {
    let on = |key: &str, date: &str| {
        let date = cx.clock.kept_day(date);
        cx.with(key, &[("title", title), ("date", &date)])
    };
    match consent {
        Consent::None => {
            let line = cx.with("console.consent.none", &[("title", title)]);
            ("warn", "consent", line)
        }
        Consent::Given { until, withdrawn } => {
            let line = until.map_or_else(
                || cx.with("console.consent.given", &[("title", title)]),
                |until| on("console.consent.until", &until),
            );
            if withdrawn.is_empty() {
                return ("good", "consent", line);
            }
            let gone = withdrawn.iter();
            let gone: Vec<String> = gone.map(|it| purpose(replica, cx, it)).collect();
            let gone = gone.join(&cx.say("word.and"));
            let gone = cx.with("console.consent.but", &[("purposes", &gone)]);
            ("warn", "consent", format!("{line} {gone}"))
        }
        Consent::Expired { on: date } => ("warn", "clock", on("console.consent.expired", &date)),
        Consent::Withdrawn { on: date } => ("bad", "warn", on("console.consent.withdrawn", &date)),
    }
}

/// What a purpose is called; a consent may also say none.
fn purpose(replica: &Replica, cx: &Cx, value: &str) -> String {
    let kind = replica.schema().kind(CONSENT);
    let mut choices = kind.into_iter().flat_map(|kind| {
        let fields = kind.fields().iter();
        fields.flat_map(|field| field.ty().choices())
    });
    let known = choices.find(|choice| choice.value() == value);
    match known {
        Some(choice) => choice.label(cx.text.lang()).to_owned(),
        None if value.is_empty() => cx.say("console.consent.no_purpose"),
        None => value.to_owned(),
    }
}

/// The empty form of a kind about a record, in its space; none if this person may not write one there.
fn blank_form(replica: &Replica, kind: &str, about: &ViewRow) -> Option<String> {
    let kind = replica.schema().kind(kind)?;
    let role = replica
        .roster()
        .role_in_space(&replica.device(), &about.space)?;
    let mut fields = kind.fields().iter();
    let field = fields.find(|field| {
        let is_link = matches!(field.ty(), FieldType::Link(_) | FieldType::Links(_));
        is_link && field.ty().kinds().contains(&about.kind)
    })?;
    kind.may_create(role).then(|| {
        let (name, field, record, space) = (kind.name(), field.name(), about.record, about.space);
        format!("/new/{name}?{SPACE}={space}&{field}={record}")
    })
}
