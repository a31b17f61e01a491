//! What is done to the schema: kinds and fields added, called otherwise, put in another order, retired.

use sync_core::replica::{Moment, Replica, ReplicaError};
use sync_core::roster::role::Role;
use sync_core::schema::{Field, Kind, Labels, Lang};

use super::draft::{ChoicePart, Draft, FieldPart, Saved};
use super::inputs::{Asked, CREATORS, TYPES, is_choice};
use super::kind::{field_asked, field_page, kind_asked, may_retire, page, what_may_change};
use super::{href, may_change, names, new_kind};
use crate::console::answer::Answer;
use crate::console::cx::{Cx, Trouble};
use crate::console::form::Form;
use crate::console::gate::Flash;
use crate::console::inputs::Wrong;

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

/// The hint in both languages, or what is said beside the one that is missing; none if neither is there.
fn help(cx: &Cx, form: &Form, wrong: &mut Wrong) -> Option<Labels> {
    let is_empty = |lang: &str| form.get(lang).trim().is_empty();
    if is_empty("help_zh") && is_empty("help_en") {
        return None;
    }
    Some(labels(cx, form, "help", wrong))
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

fn right(least: &str) -> serde_json::Value {
    serde_json::json!({ "any": { "least": least } })
}

/// What counts now, for whoever may change it: others are told so before anything else.
fn to_change(replica: &Replica) -> Result<Draft, Trouble> {
    if may_change(replica) {
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

/// Adds a field to a kind.
pub(in crate::console) fn add_field(
    replica: &mut Replica,
    moment: &mut Moment<'_>,
    cx: &Cx,
    form: &Form,
) -> Result<Answer, Trouble> {
    let kind = kind_asked(replica, cx)?;
    let address = href(kind.name());
    let mut draft = to_change(replica)?;
    if !draft.may_change_kind(kind.name()) {
        return Err(Trouble::Missing);
    }
    let refused = match new_field(replica, cx, kind, &draft, form) {
        Ok(part) => {
            let label = part.labels.as_ref().map(|it| words_of(cx, it));
            let line = cx.with(
                "console.schema.added",
                &[("field", label.unwrap_or_default())],
            );
            let kind = draft.kind_mut(kind.name());
            let name = part.name.clone();
            *kind.field_mut(&name) = part;
            match draft.write(replica, moment, cx)? {
                Saved::Done => return Ok(Answer::done(address, line)),
                Saved::Refused(line) => whole(line),
            }
        }
        Err(wrong) => wrong,
    };
    let field = Asked::refused(form, refused);
    let shown = page(replica, cx, &Asked::default(), &field)?;
    Ok(Answer::Again(shown.refused()))
}

fn new_field(
    replica: &Replica,
    cx: &Cx,
    kind: &Kind,
    draft: &Draft,
    form: &Form,
) -> Result<FieldPart, Wrong> {
    let mut wrong = Wrong::new();
    let words = labels(cx, form, "field", &mut wrong);
    let help = help(cx, form, &mut wrong);
    let ty = offered(cx, form, "type", TYPES.into_iter(), &mut wrong);
    let mut fields = kind.fields().iter();
    if fields.any(|field| is_field_called(field, &words)) {
        wrong.insert("field_zh".to_owned(), cx.say("console.schema.twice"));
    }
    let mut part = FieldPart {
        ty: Some(ty.to_owned()),
        help,
        required: Some(form.has("required")),
        personal: Some(form.has("personal")),
        ..FieldPart::default()
    };
    if matches!(ty, "choice" | "choices") {
        add_choices(&mut part, form, |_| false);
        if part.choices.is_empty() {
            wrong.insert("choices".to_owned(), cx.say("console.schema.no_choices"));
        }
    }
    if matches!(ty, "link" | "links") {
        let chosen = form.all("kinds");
        let chosen = chosen.filter(|name| replica.schema().kind(name).is_some());
        part.kinds = chosen.map(str::to_owned).collect();
    }
    if !wrong.is_empty() {
        return Err(wrong);
    }
    let said = draft.kind(kind.name());
    let is_taken = |name: &str| {
        kind.field(name).is_some() || said.is_some_and(|part| part.field(name).is_some())
    };
    part.name = names::name(&words.en, "field", is_taken);
    part.labels = Some(words);
    Ok(part)
}

fn is_field_called(field: &Field, words: &Labels) -> bool {
    field.label(Lang::Zh) == words.zh || field.label(Lang::En) == words.en
}

/// Adds the choices that were typed one a line.
fn add_choices(part: &mut FieldPart, form: &Form, is_taken: impl Fn(&str) -> bool) {
    for labels in names::lines(form.get("choices")) {
        let is_there =
            |name: &str| is_taken(name) || part.choices.iter().any(|choice| choice.value == name);
        part.choices.push(ChoicePart {
            value: names::name(&labels.en, "choice", is_there),
            labels,
            rest: serde_json::Map::new(),
        });
    }
}

/// Changes a field's words, its choices, and whether it is needed or personal.
pub(in crate::console) fn change_field(
    replica: &mut Replica,
    moment: &mut Moment<'_>,
    cx: &Cx,
    form: &Form,
) -> Result<Answer, Trouble> {
    let kind = kind_asked(replica, cx)?;
    let field = field_asked(kind, cx)?;
    let address = href(kind.name());
    let mut draft = to_change(replica)?;
    if !draft.may_change_field(kind.name(), field.name()) {
        return Err(Trouble::Missing);
    }
    let may = what_may_change(kind, field, &draft);
    let mut wrong = Wrong::new();
    let words = labels(cx, form, "field", &mut wrong);
    let mut others = kind.fields().iter();
    if others.any(|other| other.name() != field.name() && is_field_called(other, &words)) {
        wrong.insert("field_zh".to_owned(), cx.say("console.schema.twice"));
    }
    let help = help(cx, form, &mut wrong);
    let part = draft.kind_mut(kind.name()).field_mut(field.name());
    if !is_helped(field, help.as_ref()) {
        part.help = help;
    }
    if field.label(Lang::Zh) != words.zh || field.label(Lang::En) != words.en {
        part.labels = Some(words);
    }
    if may.required {
        part.required = Some(form.has("required"));
    }
    if may.personal && form.has("personal") {
        part.personal = Some(true);
    }
    if is_choice(field) {
        change_choices(cx, field, part, form, &mut wrong);
        add_choices(part, form, |name| {
            let mut choices = field.ty().choices().iter();
            choices.any(|choice| choice.value() == name)
        });
    }
    let refused = if wrong.is_empty() {
        match draft.write(replica, moment, cx)? {
            Saved::Done => return Ok(Answer::done(address, cx.say("console.saved"))),
            Saved::Refused(line) => whole(line),
        }
    } else {
        wrong
    };
    let shown = field_page(replica, cx, &Asked::refused(form, refused))?;
    Ok(Answer::Again(shown.refused()))
}

/// Whether a field says this already to whoever fills it in.
fn is_helped(field: &Field, help: Option<&Labels>) -> bool {
    let said = |lang| help.map(|help| help.get(lang));
    field.help(Lang::Zh) == said(Lang::Zh) && field.help(Lang::En) == said(Lang::En)
}

/// Choices called otherwise. None is taken out: records that hold it would show its bare value.
fn change_choices(cx: &Cx, field: &Field, part: &mut FieldPart, form: &Form, wrong: &mut Wrong) {
    for choice in field.ty().choices() {
        let value = choice.value();
        let word = |lang: &str| {
            form.get(&format!("choice.{value}.{lang}"))
                .trim()
                .to_owned()
        };
        let labels = Labels {
            zh: word("zh"),
            en: word("en"),
        };
        if labels.zh.is_empty() || labels.en.is_empty() {
            wrong.insert(format!("choice.{value}"), cx.say("console.err.empty"));
        } else if choice.label(Lang::Zh) != labels.zh || choice.label(Lang::En) != labels.en {
            match part.choices.iter_mut().find(|known| known.value == value) {
                Some(known) => known.labels = labels,
                None => part.choices.push(ChoicePart {
                    value: value.to_owned(),
                    labels,
                    rest: serde_json::Map::new(),
                }),
            }
        }
    }
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
