//! The inputs of forms about the schema.

use sync_core::roster::role::Role;
use sync_core::schema::{Field, FieldType, Group, Kind, Lang, Schema};

use crate::console::cx::Cx;
use crate::console::form::Form;
use crate::console::inputs::Wrong;
use crate::console::views::schema::{ChoiceRow, Draft};
use crate::console::views::shared::{Choice, FormError, Input, Notice};

/// Types that a field of the community's own may have.
pub(super) const TYPES: [&str; 15] = [
    "line", "text", "number", "minutes", "date", "time", "flag", "choice", "choices", "member",
    "members", "link", "links", "list", "point",
];
/// Who may be let write a kind of the community's own.
pub(super) const CREATORS: [Role; 3] = [Role::Volunteer, Role::Lead, Role::Coordinator];

/// The input that says for how long records are kept, and the longest time, in days.
pub(super) const KEPT: &str = "kept";
pub(super) const KEPT_DAYS_MAX: u32 = 36_500;

/// What was typed, if anything was, and what is wrong with it.
#[derive(Default)]
pub(super) struct Asked<'a> {
    pub(super) typed: Option<&'a Form>,
    pub(super) wrong: Wrong,
}

impl<'a> Asked<'a> {
    pub(super) fn refused(form: &'a Form, wrong: Wrong) -> Self {
        Self {
            typed: Some(form),
            wrong,
        }
    }

    /// A form of these inputs, with what is wrong above it, and what stays as it is and why.
    pub(super) fn form(&self, cx: &Cx, inputs: Vec<Input>, stays: &[&str]) -> Draft {
        let errors = inputs.iter().filter(|input| input.has_error);
        let errors: Vec<FormError> = errors
            .map(|input| FormError {
                name: input.name.clone(),
                label: input.label.clone(),
                text: input.error.clone(),
            })
            .collect();
        let whole = self.wrong.get("").map(|line| Notice {
            tone: "bad".to_owned(),
            icon: "warn".to_owned(),
            text: line.clone(),
        });
        let stays = (!stays.is_empty()).then(|| Notice {
            tone: "info".to_owned(),
            icon: "info".to_owned(),
            text: stays
                .iter()
                .map(|key| cx.say(key))
                .collect::<Vec<_>>()
                .join("\n"),
        });
        Draft {
            has_errors: !errors.is_empty(),
            errors_title: cx.count("console.form.errors", errors.len() as u64),
            errors,
            notices: whole.into_iter().chain(stays).collect(),
            inputs,
            ..Draft::default()
        }
    }

    fn input(&self, cx: &Cx, name: &str, label: &str, input: &str) -> Input {
        let error = self.wrong.get(name).cloned().unwrap_or_default();
        Input {
            name: name.to_owned(),
            label: cx.say(label),
            input: input.to_owned(),
            described: if error.is_empty() {
                String::new()
            } else {
                format!("er-{name}")
            },
            has_error: !error.is_empty(),
            error,
            ..Input::default()
        }
    }

    fn line(&self, cx: &Cx, name: &str, label: &str, kept: &str) -> Input {
        let typed = self.typed.map_or(kept, |form| form.get(name));
        Input {
            value: typed.to_owned(),
            must: cx.say("console.form.must"),
            ..self.input(cx, name, label, "line")
        }
    }

    /// A line that may stay empty.
    fn may_line(&self, cx: &Cx, name: &str, label: &str, kept: &str) -> Input {
        Input {
            must: String::new(),
            ..self.line(cx, name, label, kept)
        }
    }

    /// For how many days records are kept; empty: for good, or as long as the station says.
    fn days(&self, cx: &Cx, kept: Option<u32>) -> Input {
        let kept = kept.map_or_else(String::new, |days| days.to_string());
        let typed = self.typed.map_or(kept.as_str(), |form| form.get(KEPT));
        let mut input = Input {
            value: typed.to_owned(),
            unit: cx.say("console.unit.days"),
            has_hint: true,
            hint: cx.say("console.schema.kept_hint"),
            ..self.input(cx, KEPT, "console.schema.kept", "number")
        };
        input.described = format!("hi-{KEPT} {}", input.described);
        input
    }

    fn select(
        &self,
        cx: &Cx,
        name: &str,
        label: &str,
        kept: &str,
        options: Vec<(String, String)>,
    ) -> Input {
        let typed = self.typed.map_or(kept, |form| form.get(name));
        let options = options.into_iter().map(|(value, label)| Choice {
            on: value == typed,
            value,
            label,
        });
        Input {
            options: options.collect(),
            ..self.input(cx, name, label, "select")
        }
    }

    fn flag(&self, cx: &Cx, name: &str, label: &str, kept: bool) -> Input {
        Input {
            on: self.typed.map_or(kept, |form| form.has(name)),
            ..self.input(cx, name, label, "flag")
        }
    }

    /// Choices that are not there yet, one a line.
    fn choice_lines(&self, cx: &Cx, label: &str) -> Input {
        let typed = self.typed.map_or("", |form| form.get("choices"));
        let mut input = Input {
            value: typed.to_owned(),
            has_hint: true,
            hint: cx.say("console.schema.choices_hint"),
            ..self.input(cx, "choices", label, "text")
        };
        input.described = format!("hi-choices {}", input.described);
        input
    }
}

fn both<'l>(label: impl Fn(Lang) -> &'l str) -> (&'l str, &'l str) {
    (label(Lang::Zh), label(Lang::En))
}

fn creators(cx: &Cx) -> Vec<(String, String)> {
    let creators = CREATORS.iter().map(|role| role.name());
    creators
        .map(|name| (name.to_owned(), cx.say(&format!("word.role.{name}"))))
        .collect()
}

fn groups(cx: &Cx) -> Vec<(String, String)> {
    let groups = Group::ALL.iter().map(|group| group.name());
    groups
        .map(|name| (name.to_owned(), cx.say(&format!("console.group.{name}"))))
        .collect()
}

/// What is asked about a new kind.
pub(super) fn new_kind(cx: &Cx, asked: &Asked<'_>) -> Vec<Input> {
    let group = Group::Work.name();
    let create = Role::Volunteer.name();
    vec![
        asked.line(cx, "label_zh", "console.schema.label_zh", ""),
        asked.line(cx, "label_en", "console.schema.label_en", ""),
        asked.select(cx, "group", "console.schema.group", group, groups(cx)),
        asked.select(cx, "create", "console.schema.create", create, creators(cx)),
        asked.line(cx, "title_zh", "console.schema.title_zh", ""),
        asked.line(cx, "title_en", "console.schema.title_en", ""),
        asked.flag(cx, "personal", "console.schema.is_personal", false),
        asked.days(cx, None),
    ]
}

/// What may be changed about a kind.
pub(super) fn kind(cx: &Cx, asked: &Asked<'_>, kind: &Kind, is_made_here: bool) -> Vec<Input> {
    let (zh, en) = both(|lang| kind.label(lang));
    let mut inputs = vec![
        asked.line(cx, "label_zh", "console.schema.label_zh", zh),
        asked.line(cx, "label_en", "console.schema.label_en", en),
    ];
    if is_made_here {
        let (group, create) = (kind.group().name(), kind.least_to_create().name());
        inputs.push(asked.select(cx, "group", "console.schema.group", group, groups(cx)));
        inputs.push(asked.select(cx, "create", "console.schema.create", create, creators(cx)));
    }
    inputs.push(asked.days(cx, kind.retention_days()));
    inputs
}

/// What is asked about a new field.
pub(super) fn new_field(cx: &Cx, asked: &Asked<'_>, schema: &Schema) -> Vec<Input> {
    let types = TYPES.iter().map(|ty| {
        let word = cx.say(&format!("console.type.{ty}"));
        ((*ty).to_owned(), word)
    });
    let types = types.collect();
    let lang = cx.text.lang();
    let typed = |kind: &Kind| {
        let mut chosen = asked.typed.into_iter().flat_map(|form| form.all("kinds"));
        chosen.any(|name| name == kind.name())
    };
    let kinds = schema.kinds().iter().map(|kind| Choice {
        value: kind.name().to_owned(),
        label: kind.label(lang).to_owned(),
        on: typed(kind),
    });
    let kinds = Input {
        group: true,
        options: kinds.collect(),
        has_hint: true,
        hint: cx.say("console.schema.kinds_hint"),
        ..asked.input(cx, "kinds", "console.schema.kinds", "choices")
    };
    vec![
        asked.line(cx, "field_zh", "console.schema.label_zh", ""),
        asked.line(cx, "field_en", "console.schema.label_en", ""),
        asked.may_line(cx, "help_zh", "console.schema.help_zh", ""),
        asked.may_line(cx, "help_en", "console.schema.help_en", ""),
        asked.select(cx, "type", "console.schema.type", "line", types),
        asked.choice_lines(cx, "console.schema.choices"),
        kinds,
        asked.flag(cx, "required", "console.schema.is_required", false),
        asked.flag(cx, "personal", "console.schema.is_personal", false),
    ]
}

/// What may be changed about a field.
pub(super) fn field(cx: &Cx, asked: &Asked<'_>, field: &Field, may: MayChange) -> Vec<Input> {
    let (zh, en) = both(|lang| field.label(lang));
    let (help_zh, help_en) = both(|lang| field.help(lang).unwrap_or_default());
    let mut inputs = vec![
        asked.line(cx, "field_zh", "console.schema.label_zh", zh),
        asked.line(cx, "field_en", "console.schema.label_en", en),
        asked.may_line(cx, "help_zh", "console.schema.help_zh", help_zh),
        asked.may_line(cx, "help_en", "console.schema.help_en", help_en),
    ];
    if is_choice(field) {
        inputs.push(asked.choice_lines(cx, "console.schema.more_choices"));
    }
    if may.required {
        let kept = field.required();
        inputs.push(asked.flag(cx, "required", "console.schema.is_required", kept));
    }
    if may.personal {
        let kept = field.personal();
        inputs.push(asked.flag(cx, "personal", "console.schema.is_personal", kept));
    }
    inputs
}

/// What of a field may be changed beside its words.
#[derive(Debug, Clone, Copy)]
pub(super) struct MayChange {
    pub(super) required: bool,
    pub(super) personal: bool,
}

/// Whether it takes choices of its own; a state's are the kind's course.
pub(super) fn is_choice(field: &Field) -> bool {
    matches!(field.ty(), FieldType::Choice(_) | FieldType::Choices(_))
        && field.name() != sync_core::schema::STATE_FIELD
}

/// What can be chosen now, one row each.
pub(super) fn choice_rows(asked: &Asked<'_>, field: &Field) -> Vec<ChoiceRow> {
    if !is_choice(field) {
        return Vec::new();
    }
    let choices = field.ty().choices().iter();
    choices
        .map(|choice| {
            let key = choice.value();
            let said = |lang: &str, kept: &str| {
                let name = format!("choice.{key}.{lang}");
                asked.typed.map_or(kept, |form| form.get(&name)).to_owned()
            };
            let (zh, en) = both(|lang| choice.label(lang));
            let error = asked.wrong.get(&format!("choice.{key}"));
            ChoiceRow {
                key: key.to_owned(),
                zh: said("zh", zh),
                en: said("en", en),
                has_error: error.is_some(),
                error: error.cloned().unwrap_or_default(),
            }
        })
        .collect()
}
