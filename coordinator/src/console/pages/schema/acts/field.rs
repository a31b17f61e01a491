//! What is done to a field: it is added, called otherwise, given choices, needed or hidden.

use sync_core::replica::{Moment, Replica};
use sync_core::schema::{Field, Kind, Labels, Lang};

use super::super::draft::{ChoicePart, Draft, FieldPart, Saved};
use super::super::inputs::{Asked, TYPES, is_choice};
use super::super::kind::{field_asked, field_page, kind_asked, page, what_may_change};
use super::super::{href, names};
use super::{labels, offered, to_change, whole, words_of};
use crate::console::answer::Answer;
use crate::console::cx::{Cx, Trouble};
use crate::console::form::Form;
use crate::console::inputs::Wrong;

/// The hint in both languages, or what is said beside the one that is missing; none if neither is there.
fn help(cx: &Cx, form: &Form, wrong: &mut Wrong) -> Option<Labels> {
    let is_empty = |lang: &str| form.get(lang).trim().is_empty();
    if is_empty("help_zh") && is_empty("help_en") {
        return None;
    }
    Some(labels(cx, form, "help", wrong))
}

/// Adds a field to a kind.
pub(in crate::console) fn add(
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
pub(in crate::console) fn change(
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
