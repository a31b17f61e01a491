//! What the columns of a file are, and what its words mean.

use std::collections::BTreeMap;

use sync_core::schema::Kind;

use super::{begun, fixed};
use crate::console::answer::Shown;
use crate::console::cx::{Cx, Trouble};
use crate::console::form::Form;
use crate::console::imports::{Draft, Waiting};
use crate::console::inputs::Wrong;
use crate::console::views::exchange::{Import, MapColumn, MapWord};
use crate::console::views::shared::Choice;
use crate::exchange::import::{Column, Word};
use crate::output::thousands;

/// What came of a form.
pub(super) enum Taken {
    /// Everything is said.
    All,
    /// Its columns have words that nobody was asked about.
    Words,
    /// Two columns go to one field; nothing was taken.
    Twice(String),
    /// What is to stand in every row does not fit these fields.
    Unfit(Wrong),
}

/// What was typed, and what is wrong.
#[derive(Default)]
pub(super) struct Said<'f> {
    pub(super) typed: Option<&'f Form>,
    pub(super) error: Option<String>,
    /// By field.
    pub(super) wrong: Wrong,
}

impl Said<'_> {
    pub(super) fn error(error: String) -> Self {
        Self {
            error: Some(error),
            ..Self::default()
        }
    }
}

/// The page; with what was typed, if that could not be taken.
pub(super) fn page(cx: &Cx, waiting: &Waiting, draft: &Draft, said: &Said<'_>) -> Shown {
    let kind = &draft.survey.kind;
    let columns = draft.survey.columns();
    let missing = missing(cx, draft);
    let places = [
        ("file", waiting.file.clone()),
        ("n", thousands(draft.survey.sheet.rows.len() as u64)),
        ("m", columns.len().to_string()),
    ];
    let places = places
        .each_ref()
        .map(|(place, text)| (*place, text.as_str()));
    let columns = (0..).zip(&columns).map(|(place, column)| {
        let field = said.typed.map_or_else(
            || column.field.as_deref().unwrap_or_default(),
            |typed| typed.get(&map_name(place)),
        );
        shown(cx, kind, place, column, field)
    });
    let page = Import {
        has_error: said.error.is_some(),
        error: said.error.clone().unwrap_or_default(),
        upload: waiting.key.clone(),
        title: cx.with("console.import.map", &places),
        note: missing,
        columns: columns.collect(),
        fixed: fixed::shown(cx, draft, said),
        ..begun(cx, "map")
    };
    Shown::new("import", "", page)
}

/// Which fields every record needs and nothing gives.
fn missing(cx: &Cx, draft: &Draft) -> String {
    let constants = &draft.survey.mapping.constants;
    let missing = fixed::without_column(draft).into_iter();
    let missing = missing.filter(|field| !constants.contains_key(field.name()));
    let labels: Vec<&str> = missing.map(|field| field.label(cx.text.lang())).collect();
    if labels.is_empty() {
        return String::new();
    }
    let labels = labels.join(&cx.say("word.and"));
    cx.with("console.import.missing", &[("fields", &labels)])
}

fn map_name(place: usize) -> String {
    format!("map.{place}")
}

fn shown(cx: &Cx, kind: &Kind, place: usize, column: &Column, field: &str) -> MapColumn {
    let skip = Choice {
        value: String::new(),
        label: cx.say("console.import.skip"),
        on: field.is_empty(),
    };
    let fields = kind.fields().iter().map(|known| Choice {
        value: known.name().to_owned(),
        label: known.label(cx.text.lang()).to_owned(),
        on: known.name() == field,
    });
    let note = if column.is_guess {
        cx.say("console.import.guess")
    } else if column.is_of_the_source {
        cx.say("console.import.of_source")
    } else {
        String::new()
    };
    let words = column.words.iter();
    MapColumn {
        key: place.to_string(),
        name: column.name.clone(),
        example: column.samples.join(" · "),
        map_label: cx.with("console.import.to", &[("column", &column.name)]),
        options: std::iter::once(skip).chain(fields).collect(),
        note,
        words: words.map(|word| asked(cx, kind, column, word)).collect(),
    }
}

/// Which choice a word means.
fn asked(cx: &Cx, kind: &Kind, column: &Column, word: &Word) -> MapWord {
    let field = column.field.as_deref().and_then(|name| kind.field(name));
    let choices = field.map_or(&[][..], |field| field.ty().choices());
    let value = |choice: &str| format!("{choice}={}", word.word);
    let leave = Choice {
        value: value(""),
        label: cx.say("console.import.word_skip"),
        on: word.meant.is_empty(),
    };
    let choices = choices.iter().map(|choice| Choice {
        value: value(choice.value()),
        label: choice.label(cx.text.lang()).to_owned(),
        on: choice.value() == word.meant,
    });
    MapWord {
        word: word.word.clone(),
        label: cx.with("console.import.word", &[("word", &word.word)]),
        options: std::iter::once(leave).chain(choices).collect(),
    }
}

/// Takes what a form says of the columns and their words.
pub(super) fn take(cx: &Cx, draft: &mut Draft, form: &Form) -> Result<Taken, Trouble> {
    let before = draft.survey.columns();
    let mut taken: BTreeMap<&str, &str> = BTreeMap::new();
    for (place, column) in before.iter().enumerate() {
        let field = form.get(&map_name(place));
        if field.is_empty() {
            continue;
        }
        if let Some(first) = taken.insert(field, &column.name) {
            let label = draft.survey.kind.field(field);
            let label = label.map_or(field, |field| field.label(cx.text.lang()));
            let places = [("field", label), ("first", first), ("second", &column.name)];
            return Ok(Taken::Twice(cx.with("console.import.twice", &places)));
        }
    }
    for (place, column) in before.iter().enumerate() {
        let name = map_name(place);
        let field = Some(form.get(&name)).filter(|field| !field.is_empty());
        if form.has(&name) && (field != column.field.as_deref() || column.is_guess) {
            draft.survey.assign(place, field)?;
        }
    }
    for place in 0..before.len() {
        for said in form.all(&format!("word.{place}")) {
            if let Some((choice, word)) = said.split_once('=') {
                // A word of a field that the column is no longer is not asked about any more.
                let _is_still = draft.survey.mean(place, word, choice);
            }
        }
    }
    let wrong = fixed::take(cx, draft, form);
    if !wrong.is_empty() {
        return Ok(Taken::Unfit(wrong));
    }
    let is_new = |(old, new): (&Column, &Column)| {
        let mut words = new.words.iter();
        words.any(|word| word.meant.is_empty() && !old.words.iter().any(|it| it.word == word.word))
    };
    let after = draft.survey.columns();
    let has_new = before.iter().zip(&after).any(is_new);
    Ok(if has_new { Taken::Words } else { Taken::All })
}
