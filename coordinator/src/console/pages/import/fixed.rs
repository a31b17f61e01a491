//! What stands in every row of a file alike, because no column says it.

use sync_core::schema::{Field, FieldType};

use super::columns::Said;
use crate::console::cx::Cx;
use crate::console::form::Form;
use crate::console::imports::Draft;
use crate::console::inputs::{Wrong, sentence};
use crate::console::views::exchange::MapFixed;
use crate::console::views::shared::Choice;
use crate::lookup::Lookup;
use crate::values;

/// The fields that every record needs and no column gives.
pub(super) fn without_column(draft: &Draft) -> Vec<&Field> {
    let (kind, columns) = (&draft.survey.kind, &draft.survey.mapping.columns);
    // A record begins in the first state unless something else is said.
    let is_given = |field: &Field| {
        let mut columns = columns.iter();
        kind.is_state(field.name()) || columns.any(|it| it.field.as_deref() == Some(field.name()))
    };
    let fields = kind.fields().iter();
    fields
        .filter(|field| field.required() && !is_given(field))
        .collect()
}

/// Those of them that can be typed here, and what has been typed before.
fn asked(draft: &Draft) -> Vec<&Field> {
    let can_be_typed = |field: &Field| {
        !matches!(
            field.ty(),
            FieldType::Member | FieldType::Members | FieldType::Link(_) | FieldType::Links(_)
        )
    };
    let constants = &draft.survey.mapping.constants;
    let lacking = without_column(draft);
    let fields = draft.survey.kind.fields().iter();
    fields
        .filter(|field| can_be_typed(field))
        .filter(|field| {
            let mut lacking = lacking.iter();
            constants.contains_key(field.name()) || lacking.any(|it| it.name() == field.name())
        })
        .collect()
}

fn name_of(field: &Field) -> String {
    format!("fix.{}", field.name())
}

pub(super) fn shown(cx: &Cx, draft: &Draft, said: &Said<'_>) -> Vec<MapFixed> {
    let constants = &draft.survey.mapping.constants;
    let fields = asked(draft).into_iter().map(|field| {
        let known = constants.get(field.name()).map_or("", String::as_str);
        let typed = said.typed.map(|typed| typed.get(&name_of(field)));
        let value = typed.unwrap_or(known);
        MapFixed {
            key: field.name().to_owned(),
            label: field.label(cx.text.lang()).to_owned(),
            options: options(cx, field, value),
            input: input(field).to_owned(),
            value: value.to_owned(),
            error: said.wrong.get(field.name()).cloned().unwrap_or_default(),
        }
    });
    fields.collect()
}

/// The browser's input for a field.
fn input(field: &Field) -> &'static str {
    let ty = field.ty();
    if matches!(ty, FieldType::Date) {
        "date"
    } else if matches!(ty, FieldType::Time) {
        "datetime-local"
    } else if matches!(ty, FieldType::Number | FieldType::Minutes) {
        "number"
    } else {
        "text"
    }
}

fn options(cx: &Cx, field: &Field, chosen: &str) -> Vec<Choice> {
    let choices = field.ty().choices();
    if choices.is_empty() {
        return Vec::new();
    }
    let unset = Choice {
        value: String::new(),
        label: cx.say("console.form.unset"),
        on: chosen.is_empty(),
    };
    let choices = choices.iter().map(|choice| Choice {
        value: choice.value().to_owned(),
        label: choice.label(cx.text.lang()).to_owned(),
        on: choice.value() == chosen,
    });
    std::iter::once(unset).chain(choices).collect()
}

/// Takes what a form says of them; gives what does not fit, by field.
pub(super) fn take(cx: &Cx, draft: &mut Draft, form: &Form) -> Wrong {
    let mut wrong = Wrong::new();
    let kind = draft.survey.kind.clone();
    for field in kind.fields() {
        let name = name_of(field);
        let typed = form.get(&name).trim();
        if !form.has(&name) {
            continue;
        }
        if typed.is_empty() {
            draft.survey.mapping.constants.remove(field.name());
            continue;
        }
        match values::edit(&kind, field, typed, Lookup::default()) {
            Ok(_fits) => {
                let constants = &mut draft.survey.mapping.constants;
                constants.insert(field.name().to_owned(), typed.to_owned());
            }
            Err(error) => {
                wrong.insert(field.name().to_owned(), sentence(cx, error));
            }
        }
    }
    wrong
}
