//! Writing a record, and changing one.

use serde_json::Value;
use sync_core::id::RecordId;
use sync_core::replica::{Moment, Replica, ReplicaError};
use sync_core::schema::{FieldType, Kind};
use sync_core::store::ViewRow;
use sync_core::view::consent::{ABOUT_FIELD, CONSENT};

use super::privacy;
use crate::console::answer::{Answer, Shown};
use crate::console::cx::{Cx, Trouble};
use crate::console::fields;
use crate::console::form::Form;
use crate::console::inputs::{self, SPACE, Seen, Wrong};
use crate::console::views::shared::{Choice, ConsentNote, FormError, Input, Notice};
use crate::console::views::work;
use crate::exit::Exit;
use crate::told;

/// So many people's consent is told above a form.
const CONSENTS_MAX: usize = 8;

fn kind_asked(replica: &Replica, cx: &Cx) -> Result<Kind, Trouble> {
    let kind = replica.schema().kind(cx.asked.param("kind"));
    kind.cloned().ok_or(Trouble::Missing)
}

/// An empty form for a new record.
pub(in crate::console) fn blank(replica: &Replica, cx: &Cx) -> Result<Shown, Trouble> {
    let kind = kind_asked(replica, cx)?;
    new_form(replica, cx, &kind, None, &Wrong::new())
}

fn new_form(
    replica: &Replica,
    cx: &Cx,
    kind: &Kind,
    typed: Option<&Form>,
    wrong: &Wrong,
) -> Result<Shown, Trouble> {
    let label = kind.label(cx.text.lang());
    let seen = beginning(replica, cx, kind)?;
    let mut inputs = inputs::inputs(replica, cx, kind, &seen, typed, wrong)?;
    inputs.insert(0, space_input(replica, cx, kind, typed));
    let form = work::Form {
        title: cx.with("console.form.new", &[("kind", label)]),
        lead: cx.say("console.form.new_lead"),
        up: cx.say("console.nav.new"),
        up_href: "/new".to_owned(),
        action: format!("/new/{}", kind.name()),
        seen: packed(&seen),
        inputs,
        save_label: cx.say("console.act.save"),
        consents: consents(replica, cx, (kind, None), &seen, typed)?,
        ..with_errors(cx, kind, wrong)
    };
    Ok(Shown::new("new", "sync", form))
}

fn with_errors(cx: &Cx, kind: &Kind, wrong: &Wrong) -> work::Form {
    let whole = wrong.get("").map(|line| Notice {
        tone: "bad".to_owned(),
        icon: "warn".to_owned(),
        text: line.clone(),
    });
    let notices = whole.into_iter().chain(consent(cx, kind)).collect();
    let errors: Vec<FormError> = inputs::errors(cx, kind, wrong);
    work::Form {
        has_errors: !errors.is_empty(),
        errors_title: cx.count("console.form.errors", errors.len() as u64),
        errors,
        notices,
        ..work::Form::default()
    }
}

/// Said above forms that ask for what is somebody's own affair.
fn consent(cx: &Cx, kind: &Kind) -> Vec<Notice> {
    let asks = kind.name() != "consent" && kind.fields().iter().any(|field| field.sensitive());
    let notice = asks.then(|| Notice {
        tone: "info".to_owned(),
        icon: "consent".to_owned(),
        text: cx.say("console.form.consent"),
    });
    notice.into_iter().collect()
}

/// Whether those whom the record is about have agreed.
fn consents(
    replica: &Replica,
    cx: &Cx,
    (kind, record): (&Kind, Option<RecordId>),
    seen: &Seen,
    typed: Option<&Form>,
) -> Result<Vec<ConsentNote>, Trouble> {
    let mut subjects = privacy::subjects(replica, kind, |field| {
        inputs::records_in(replica, field, seen.get(field.name()), typed)
    });
    subjects.extend(record.filter(|_| privacy::is_subject(replica, kind.name())));
    let mut notes = Vec::new();
    for subject in subjects.into_iter().take(CONSENTS_MAX) {
        notes.extend(privacy::note(replica, cx, subject)?);
    }
    Ok(notes)
}

/// What a new record begins with: a day that it is about is most often today, and the address may say what it
/// leads to.
fn beginning(replica: &Replica, cx: &Cx, kind: &Kind) -> Result<Seen, Trouble> {
    let mut seen = Seen::new();
    let mut about = Vec::new();
    let today = cx.clock.today().to_string();
    for field in inputs::asked_fields(kind) {
        let name = field.name();
        if kind.day_field() == Some(name) && *field.ty() == FieldType::Date {
            seen.insert(name.to_owned(), today.clone().into());
        }
        let asked = cx.asked.query.all(name).map(str::parse::<RecordId>);
        let mut rows = Vec::new();
        for record in asked.filter_map(Result::ok) {
            let row = replica.store().row(&record)?;
            let kinds = field.ty().kinds();
            rows.extend(row.filter(|row| kinds.is_empty() || kinds.contains(&row.kind)));
        }
        let ids: Vec<String> = rows.iter().map(|row| row.record.to_string()).collect();
        match (field.ty(), ids.as_slice()) {
            (FieldType::Link(_), [id, ..]) => {
                seen.insert(name.to_owned(), id.clone().into());
                seen.extend(consenting(replica, kind, name, &rows));
            }
            (FieldType::Links(_), [_, ..]) => {
                seen.insert(name.to_owned(), ids.into());
            }
            _ => {}
        }
        about.append(&mut rows);
    }
    for row in &about {
        for (name, value) in shared(replica, kind, row) {
            seen.entry(name).or_insert(value);
        }
    }
    Ok(seen)
}

/// What a record leads to by a field of the same name and type as one of the new record: a need that a visit
/// raises is about the home and the residents of the visit.
fn shared(replica: &Replica, kind: &Kind, about: &ViewRow) -> Vec<(String, Value)> {
    let Some(of) = replica.schema().kind(&about.kind) else {
        return Vec::new();
    };
    let values = about.values();
    let links = inputs::asked_fields(kind).filter(|field| !field.ty().kinds().is_empty());
    let same = links.filter(|field| {
        let other = of.field(field.name());
        other.is_some_and(|other| other.ty() == field.ty())
    });
    let same = same.filter_map(|field| Some((field.name(), values.get(field.name())?)));
    let told = same.filter(|(_, value)| !value.is_null());
    told.map(|(name, value)| (name.to_owned(), value.clone()))
        .collect()
}

/// Who consents, if the consent is about a person; in a home it may be anybody.
fn consenting(
    replica: &Replica,
    kind: &Kind,
    field: &str,
    about: &[ViewRow],
) -> Option<(String, Value)> {
    let row = about.first()?;
    let is_consent = kind.name() == CONSENT && field == ABOUT_FIELD;
    let is_person = replica.schema().kind(&row.kind)?.natural_key().is_none();
    (is_consent && is_person).then(|| (kind.title().to_owned(), row.title.clone().into()))
}

/// Spaces in which this person may begin such a record.
fn space_input(replica: &Replica, cx: &Cx, kind: &Kind, typed: Option<&Form>) -> Input {
    let roster = replica.roster();
    let us = replica.device();
    let asked = &cx.asked.query;
    let chosen = typed.or_else(|| asked.has(SPACE).then_some(asked));
    let chosen = chosen.map(|form| form.get(SPACE).to_owned());
    let mut open = fields::spaces(replica);
    open.retain(|space| {
        let role = roster.role_in_space(&us, space);
        role.is_some_and(|role| kind.may_create(role))
    });
    let options = open.iter().enumerate().map(|(n, space)| Choice {
        value: space.to_string(),
        label: fields::space_label(cx, &replica.space_name(space)),
        on: chosen
            .as_ref()
            .map_or(n == 0, |chosen| *chosen == space.to_string()),
    });
    Input {
        name: SPACE.to_owned(),
        label: cx.say("console.form.space"),
        input: "select".to_owned(),
        must: cx.say("console.form.must"),
        options: options.collect(),
        ..Input::default()
    }
}

/// Values as they stand in the form, to be told apart from what is typed.
fn packed(seen: &Seen) -> String {
    serde_json::to_string(seen).expect("JSON values are written as JSON")
}

fn unpacked(form: &Form) -> Seen {
    // A form that was tampered with is one that saw nothing: everything typed is new.
    serde_json::from_str(form.get("seen")).unwrap_or_default()
}

/// Writes the new record.
pub(in crate::console) fn create(
    replica: &mut Replica,
    moment: &mut Moment<'_>,
    cx: &Cx,
    form: &Form,
) -> Result<Answer, Trouble> {
    let kind = kind_asked(replica, cx)?;
    // Nothing of a new record is kept yet, so that a day that was only offered is written too.
    let edits = match inputs::edits(replica, cx, &kind, form, &Seen::new()) {
        Ok(edits) => edits,
        Err(wrong) => {
            let again = new_form(replica, cx, &kind, Some(form), &wrong)?;
            return Ok(Answer::Again(again.refused()));
        }
    };
    let space = form.get(SPACE).parse().map_err(|_| Trouble::Missing)?;
    match replica.create(kind.name(), space, &edits, moment) {
        Ok(record) => Ok(Answer::done(
            format!("/record/{record}"),
            cx.say("console.saved"),
        )),
        Err(error) => {
            let line = said_above(cx, error)?;
            let again = new_form(replica, cx, &kind, Some(form), &line)?;
            Ok(Answer::Again(again.refused()))
        }
    }
}

/// What stands above the form when the whole is refused: what was typed must not get lost for it.
fn said_above(cx: &Cx, error: ReplicaError) -> Result<Wrong, Trouble> {
    match Trouble::from(error) {
        Trouble::Failed(failure) if matches!(failure.exit(), Exit::NotAllowed | Exit::Unknown) => {
            Ok(Wrong::from([(String::new(), cx.sentence(&failure))]))
        }
        trouble @ (Trouble::Missing | Trouble::Failed(_)) => Err(trouble),
    }
}

/// A record's kind and values.
fn kept(replica: &Replica, cx: &Cx) -> Result<(RecordId, Kind, Seen), Trouble> {
    let record: RecordId = cx.asked.param("id").parse().map_err(|_| Trouble::Missing)?;
    let view = replica.show(record)?;
    let kind = replica.schema().kind(&view.kind).cloned();
    let kind = kind.ok_or(Trouble::Missing)?;
    let fields = view.fields.into_iter();
    let seen = fields.map(|field| (field.name, field.value)).collect();
    Ok((record, kind, seen))
}

/// The form for a record that is there.
pub(in crate::console) fn filled(replica: &Replica, cx: &Cx) -> Result<Shown, Trouble> {
    let (record, kind, seen) = kept(replica, cx)?;
    let wrong = Wrong::new();
    old_form(replica, cx, (record, &kind), &seen, None, &wrong)
}

fn old_form(
    replica: &Replica,
    cx: &Cx,
    (record, kind): (RecordId, &Kind),
    seen: &Seen,
    typed: Option<&Form>,
    wrong: &Wrong,
) -> Result<Shown, Trouble> {
    let label = kind.label(cx.text.lang());
    let form = work::Form {
        title: cx.with("console.form.edit", &[("kind", label)]),
        lead: cx.say("console.form.edit_lead"),
        up: cx.say("console.form.back"),
        up_href: format!("/record/{record}"),
        action: format!("/record/{record}/edit"),
        seen: packed(seen),
        inputs: inputs::inputs(replica, cx, kind, seen, typed, wrong)?,
        save_label: cx.say("console.act.save"),
        consents: consents(replica, cx, (kind, Some(record)), seen, typed)?,
        ..with_errors(cx, kind, wrong)
    };
    Ok(Shown::new("records", "records", form))
}

/// Writes what was changed. What somebody else changed meanwhile in the same field is shown first.
pub(in crate::console) fn change(
    replica: &mut Replica,
    moment: &mut Moment<'_>,
    cx: &Cx,
    form: &Form,
) -> Result<Answer, Trouble> {
    let (record, kind, now) = kept(replica, cx)?;
    let seen = unpacked(form);
    let edits = match inputs::edits(replica, cx, &kind, form, &seen) {
        Ok(edits) => edits,
        Err(wrong) => {
            let again = old_form(replica, cx, (record, &kind), &seen, Some(form), &wrong)?;
            return Ok(Answer::Again(again.refused()));
        }
    };
    let mut overtaken = Wrong::new();
    for edit in edits.iter().filter(|edit| edit.value.value().is_some()) {
        if seen.get(&edit.field) != now.get(&edit.field) {
            let value = now.get(&edit.field).cloned().unwrap_or_default();
            let value = fields::shown(replica, cx, &kind, &edit.field, &value);
            let line = cx.with("console.form.overtaken", &[("value", &value)]);
            overtaken.insert(edit.field.clone(), line);
        }
    }
    if !overtaken.is_empty() {
        let again = old_form(replica, cx, (record, &kind), &now, Some(form), &overtaken)?;
        return Ok(Answer::Again(again.refused()));
    }
    let words = told::words(&cx.text, kind.name());
    let edited = replica.edit_and_tell(record, &edits, &words, moment);
    match edited {
        Ok(edited) if edited.is_changed => Ok(Answer::done(
            format!("/record/{record}"),
            cx.say("console.saved"),
        )),
        Ok(_) => Ok(Answer::Go {
            to: format!("/record/{record}"),
            flash: None,
        }),
        Err(error) => {
            let line = said_above(cx, error)?;
            let again = old_form(replica, cx, (record, &kind), &seen, Some(form), &line)?;
            Ok(Answer::Again(again.refused()))
        }
    }
}
