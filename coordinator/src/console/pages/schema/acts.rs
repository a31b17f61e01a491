//! What is done to the schema: kinds and fields added, called otherwise, put in another order, retired.

pub(in crate::console) mod field;

use sync_core::replica::{Moment, Replica, ReplicaError};
use sync_core::roster::role::Role;
use sync_core::schema::{Kind, Labels, Lang, Schema};

use super::draft::{Draft, FieldPart, Saved};
use super::inputs::{Asked, CREATORS, KEPT, KEPT_DAYS_MAX};
use super::kind::{kind_asked, may_retire, page};
use super::{href, names, new_kind};
use crate::console::answer::Answer;
use crate::console::cx::{Cx, Trouble, is_coordinator};
use crate::console::form::Form;
use crate::console::gate::Flash;
use crate::console::inputs::Wrong;
use crate::output::thousands;

/// Words in both languages, or what is said beside the one that is missing.
fn labels(cx: &Cx, form: &Form, stem: &str, wrong: &mut Wrong) -> Labels {
    let mut word = |lang: &str| {
        let name = format!("{stem}_{lang}");
        let typed = form.get(&name).trim().to_owned();
        if typed.is_empty() {
            wrong.insert(name, cx.say("console.err.empty"));
        }
        typed
    };
    Labels {
        zh: word("zh"),
        en: word("en"),
    }
}

/// One of the values that a form offers.
fn offered<'f>(
    cx: &Cx,
    form: &'f Form,
    name: &str,
    mut values: impl Iterator<Item = &'static str>,
    wrong: &mut Wrong,
) -> &'f str {
    let typed = form.get(name);
    if !values.any(|value| value == typed) {
        wrong.insert(name.to_owned(), cx.say("console.err.choose"));
    }
    typed
}

fn creator<'f>(cx: &Cx, form: &'f Form, wrong: &mut Wrong) -> &'f str {
    let creators = CREATORS.iter().map(|role| role.name());
    offered(cx, form, "create", creators, wrong)
}

fn group<'f>(cx: &Cx, form: &'f Form, wrong: &mut Wrong) -> &'f str {
    let groups = sync_core::schema::Group::ALL.iter();
    offered(cx, form, "group", groups.map(|it| it.name()), wrong)
}

/// For how many days records are kept, if that is said: not longer than the station promises.
fn days_kept(cx: &Cx, form: &Form, kind: Option<&str>, wrong: &mut Wrong) -> Option<u32> {
    let typed = form.get(KEPT).trim();
    if typed.is_empty() {
        return None;
    }
    let station = kind.and_then(|kind| Schema::station().kind(kind));
    let promised = station.and_then(Kind::retention_days);
    let days: Option<u32> = typed.parse().ok();
    let days = days.filter(|days| (1..=KEPT_DAYS_MAX).contains(days));
    match (days, promised) {
        (None, _) => {
            let most = thousands(u64::from(KEPT_DAYS_MAX));
            let line = cx.with("console.schema.kept_bad", &[("n", &most)]);
            wrong.insert(KEPT.to_owned(), line);
            None
        }
        (Some(days), Some(promised)) if days > promised => {
            let line = cx.count("console.schema.kept_longer", u64::from(promised));
            wrong.insert(KEPT.to_owned(), line);
            None
        }
        // What the station says need not be said again.
        (Some(days), promised) => Some(days).filter(|days| promised != Some(*days)),
    }
}

fn right(least: &str) -> serde_json::Value {
    serde_json::json!({ "any": { "least": least } })
}

/// What counts now, for whoever may change it: others are told so before anything else.
fn to_change(replica: &Replica) -> Result<Draft, Trouble> {
    if is_coordinator(replica) {
        return Draft::of(replica);
    }
    let least = Role::Coordinator;
    Err(ReplicaError::NotAllowed { least }.into())
}

fn whole(line: String) -> Wrong {
    Wrong::from([(String::new(), line)])
}

/// Makes a kind with the one field that stands for its records.
pub(in crate::console) fn make_kind(
    replica: &mut Replica,
    moment: &mut Moment<'_>,
    cx: &Cx,
    form: &Form,
) -> Result<Answer, Trouble> {
    let mut draft = to_change(replica)?;
    let mut wrong = Wrong::new();
    let words = labels(cx, form, "label", &mut wrong);
    let title = labels(cx, form, "title", &mut wrong);
    let group = group(cx, form, &mut wrong).to_owned();
    let create = creator(cx, form, &mut wrong).to_owned();
    let retention_days = days_kept(cx, form, None, &mut wrong);
    let kinds = replica.schema().kinds();
    if kinds.iter().any(|kind| is_called(kind, &words)) {
        wrong.insert("label_zh".to_owned(), cx.say("console.schema.twice"));
    }
    let again = |wrong| {
        let shown = new_kind(cx, &Asked::refused(form, wrong)).refused();
        Ok(Answer::Again(shown))
    };
    if !wrong.is_empty() {
        return again(wrong);
    }
    let is_taken = |name: &str| replica.schema().kind(name).is_some() || draft.kind(name).is_some();
    let name = names::name(&words.en, "kind", is_taken);
    let line = cx.with("console.schema.made", &[("kind", words_of(cx, &words))]);
    let kind = draft.kind_mut(&name);
    kind.labels = Some(words);
    kind.group = Some(group);
    kind.edit = Some(right(&create));
    kind.create = Some(create);
    kind.retention_days = retention_days;
    let field = names::name(&title.en, "title", |_| false);
    *kind.field_mut(&field) = FieldPart {
        name: field.clone(),
        labels: Some(title),
        ty: Some("line".to_owned()),
        required: Some(true),
        personal: Some(form.has("personal")),
        ..FieldPart::default()
    };
    kind.title = Some(field);
    match draft.write(replica, moment, cx)? {
        Saved::Done => Ok(Answer::done(href(&name), line)),
        Saved::Refused(line) => again(whole(line)),
    }
}

fn words_of<'l>(cx: &Cx, labels: &'l Labels) -> &'l str {
    labels.get(cx.text.lang())
}

fn is_called(kind: &Kind, words: &Labels) -> bool {
    kind.label(Lang::Zh) == words.zh || kind.label(Lang::En) == words.en
}

/// Calls a kind otherwise; of the community's own, also puts it elsewhere or lets others write it.
pub(in crate::console) fn change_kind(
    replica: &mut Replica,
    moment: &mut Moment<'_>,
    cx: &Cx,
    form: &Form,
) -> Result<Answer, Trouble> {
    let kind = kind_asked(replica, cx)?;
    let name = kind.name().to_owned();
    let mut draft = to_change(replica)?;
    if !draft.may_change_kind(&name) {
        return Err(Trouble::Missing);
    }
    let mut wrong = Wrong::new();
    let words = labels(cx, form, "label", &mut wrong);
    let mut others = replica.schema().kinds().iter();
    if others.any(|other| other.name() != name && is_called(other, &words)) {
        wrong.insert("label_zh".to_owned(), cx.say("console.schema.twice"));
    }
    let is_same = kind.label(Lang::Zh) == words.zh && kind.label(Lang::En) == words.en;
    if draft.has_made_kind(&name) {
        let group = group(cx, form, &mut wrong).to_owned();
        let create = creator(cx, form, &mut wrong).to_owned();
        let part = draft.kind_mut(&name);
        part.group = Some(group);
        part.edit = Some(right(&create));
        part.create = Some(create);
    }
    if !is_same {
        draft.kind_mut(&name).labels = Some(words);
    }
    let days = days_kept(cx, form, Some(&name), &mut wrong);
    if draft.kind(&name).and_then(|part| part.retention_days) != days {
        draft.kind_mut(&name).retention_days = days;
    }
    let refused = if wrong.is_empty() {
        match draft.write(replica, moment, cx)? {
            Saved::Done => return Ok(Answer::done(href(&name), cx.say("console.saved"))),
            Saved::Refused(line) => whole(line),
        }
    } else {
        wrong
    };
    let about = Asked::refused(form, refused);
    let shown = page(replica, cx, &about, &Asked::default())?;
    Ok(Answer::Again(shown.refused()))
}

/// Moves a field of the community's own before the one above it.
pub(in crate::console) fn move_up(
    replica: &mut Replica,
    moment: &mut Moment<'_>,
    cx: &Cx,
    form: &Form,
) -> Result<Answer, Trouble> {
    let name = kind_asked(replica, cx)?.name().to_owned();
    let mut draft = to_change(replica)?;
    if !draft.has_made_field(&name, form.get("field")) {
        return Err(Trouble::Missing);
    }
    draft.kind_mut(&name).move_up(form.get("field"));
    saved_or_told(draft.write(replica, moment, cx)?, cx, &name)
}

/// Asks for a field no more, or again; what was written in it stays.
pub(in crate::console) fn retire(
    replica: &mut Replica,
    moment: &mut Moment<'_>,
    cx: &Cx,
    form: &Form,
) -> Result<Answer, Trouble> {
    let kind = kind_asked(replica, cx)?;
    let name = kind.name().to_owned();
    let field = kind.field(form.get("field")).ok_or(Trouble::Missing)?;
    let mut draft = to_change(replica)?;
    let is_own = draft.has_made_field(&name, field.name());
    if !draft.may_change_field(&name, field.name()) || !may_retire(kind, field, is_own) {
        return Err(Trouble::Missing);
    }
    let is_retired = form.get("do") == "retire";
    let part = draft.kind_mut(&name).field_mut(field.name());
    part.hidden = Some(is_retired);
    if is_retired && is_own {
        part.required = Some(false);
    }
    saved_or_told(draft.write(replica, moment, cx)?, cx, &name)
}

fn saved_or_told(saved: Saved, cx: &Cx, kind: &str) -> Result<Answer, Trouble> {
    Ok(match saved {
        Saved::Done => Answer::done(href(kind), cx.say("console.saved")),
        Saved::Refused(line) => Answer::Go {
            to: href(kind),
            flash: Some(Flash::bad(line)),
        },
    })
}
