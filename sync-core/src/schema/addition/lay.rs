//! Laying one addition over a schema, part by part: each as a whole or not at all.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::SchemaAddition;
use crate::roster::role::Role;
use crate::schema::definition::{
    FieldDefinition, KindDefinition, RightDefinition, SchemaDefinition, is_name,
};
use crate::schema::{Kind, Labels, SchemaError};

const KIND_PARTS: &[&str] = &[
    "name",
    "labels",
    "group",
    "icon",
    "retention_days",
    "title",
    "create",
    "edit",
    "natural_key",
    "states",
    "fields",
];
const FIELD_PARTS: &[&str] = &[
    "name",
    "labels",
    "help",
    "type",
    "choices",
    "kinds",
    "decimals",
    "required",
    "personal",
    "sensitive",
    "hidden",
    "retention_days",
];
const CHOICE_PARTS: &[&str] = &["value", "labels"];
const STATE_PARTS: &[&str] = &["value", "labels", "from", "who", "needs_reason", "is_end"];
const LABEL_PARTS: &[&str] = &["zh", "en"];

impl SchemaAddition {
    pub(super) fn lay_over(
        &self,
        written: &mut SchemaDefinition,
        base: &SchemaDefinition,
        problems: &mut Vec<SchemaError>,
    ) {
        for part in parts(self.json.get("kinds")) {
            let Some(name) = named(part, "name", "the addition", problems) else {
                continue;
            };
            let built_in = base.kinds.iter().find(|kind| kind.name == name);
            match written.kinds.iter_mut().find(|kind| kind.name == name) {
                Some(kind) => lay_over_kind(kind, part, built_in, problems),
                None => written.kinds.extend(new_kind(part, problems)),
            }
        }
    }
}

/// A kind that is not there yet; `None` if this version cannot read it.
fn new_kind(part: &Map<String, Value>, problems: &mut Vec<SchemaError>) -> Option<KindDefinition> {
    let mut known = known_parts(part, KIND_PARTS);
    for (list, parts_of) in [("fields", FIELD_PARTS), ("states", STATE_PARTS)] {
        if let Some(Value::Array(items)) = known.get_mut(list) {
            items
                .iter_mut()
                .for_each(|item| trim_inside(item, parts_of));
        }
    }
    let kind: KindDefinition = read(known)?;
    match Kind::of(&kind) {
        Ok(_) => Some(kind),
        Err(problem) => {
            problems.push(problem);
            None
        }
    }
}

fn lay_over_kind(
    kind: &mut KindDefinition,
    part: &Map<String, Value>,
    built_in: Option<&KindDefinition>,
    problems: &mut Vec<SchemaError>,
) {
    if let Some(built_in) = built_in
        && let Some(loosened) = loosened(built_in, part)
    {
        problems.push(SchemaError::BuiltIn {
            part: loosened,
            place: format!("the kind \"{}\"", kind.name),
        });
        return;
    }
    attempt(kind, problems, |kind| {
        relabel(&mut kind.labels, part.get("labels"));
        kind.retention_days = shorter(kind.retention_days, part);
        for state in parts(part.get("states")) {
            let known = kind.states.iter_mut();
            let mut known =
                known.filter(|known| state.get("value") == Some(&known.value.as_str().into()));
            if let Some(known) = known.next() {
                relabel(&mut known.labels, state.get("labels"));
            }
        }
    });
    for field in parts(part.get("fields")) {
        let place = format!("the kind \"{}\"", kind.name);
        let Some(name) = named(field, "name", &place, problems) else {
            continue;
        };
        let built_in = built_in.and_then(|kind| kind.fields.iter().find(|it| it.name == name));
        if kind.fields.iter().any(|known| known.name == name) {
            lay_over_field(kind, name, field, built_in, problems);
        } else if let Some(new) = new_field(field) {
            attempt(kind, problems, |kind| kind.fields.push(new));
        }
    }
}

/// What of a kind of the station's own an addition would open to more people, if it can be read at all.
fn loosened(built_in: &KindDefinition, part: &Map<String, Value>) -> Option<&'static str> {
    let before = Kind::of(built_in).ok()?;
    let mut wanted = built_in.clone();
    if let Some(create) = part.get("create").and_then(Value::as_str) {
        create.clone_into(&mut wanted.create);
    }
    if let Some(edit) = part.get("edit").and_then(right) {
        wanted.edit = edit;
    }
    for state in parts(part.get("states")) {
        let Some(value) = state.get("value").and_then(Value::as_str) else {
            continue;
        };
        let who = state.get("who").and_then(right);
        let known = wanted.states.iter_mut().find(|known| known.value == value);
        if let (Some(known), Some(who)) = (known, who) {
            known.who = who;
        }
    }
    let Ok(after) = Kind::of(&wanted) else {
        return Some("right");
    };
    let mut ranks = Role::GIVEN
        .into_iter()
        .flat_map(|role| [(role, false), (role, true)]);
    let is_looser = |role: Role, is_own: bool| {
        let enters = |kind: &Kind, state: &str| kind.may_enter(state, role, is_own);
        let mut states = before.states().iter().map(|state| state.value());
        (after.may_create(role) && !before.may_create(role))
            || (after.may_edit(role, is_own) && !before.may_edit(role, is_own))
            || states.any(|state| enters(&after, state) && !enters(&before, state))
    };
    ranks
        .any(|(role, is_own)| is_looser(role, is_own))
        .then_some("right")
}

fn right(json: &Value) -> Option<RightDefinition> {
    serde_json::from_value(json.clone()).ok()
}

fn new_field(part: &Map<String, Value>) -> Option<FieldDefinition> {
    let mut field = Value::Object(part.clone());
    trim_inside(&mut field, FIELD_PARTS);
    serde_json::from_value(field).ok()
}

fn lay_over_field(
    kind: &mut KindDefinition,
    name: &str,
    part: &Map<String, Value>,
    built_in: Option<&FieldDefinition>,
    problems: &mut Vec<SchemaError>,
) {
    let says = |key: &str, value: bool| part.get(key) == Some(&Value::Bool(value));
    let taken = built_in.and_then(|field| {
        let is_other_type = part.get("type").is_some_and(|ty| ty != field.ty.as_str());
        let is_exposed = (field.personal && says("personal", false))
            || (field.sensitive && says("sensitive", false));
        if is_other_type {
            Some("type")
        } else {
            is_exposed.then_some("protection")
        }
    });
    if let Some(taken) = taken {
        problems.push(SchemaError::BuiltIn {
            part: taken,
            place: format!("the field \"{name}\" of the kind \"{}\"", kind.name),
        });
        return;
    }
    attempt(kind, problems, |kind| {
        let fields = kind.fields.iter_mut();
        let Some(field) = fields.into_iter().find(|field| field.name == name) else {
            return;
        };
        if part.get("type").is_some_and(|ty| ty != field.ty.as_str()) {
            return;
        }
        relabel(&mut field.labels, part.get("labels"));
        if let Some(help) = part.get("help").and_then(Value::as_object) {
            field.help = read(known_parts(help, LABEL_PARTS)).or_else(|| field.help.take());
        }
        field.hidden = part
            .get("hidden")
            .and_then(Value::as_bool)
            .unwrap_or(field.hidden);
        field.personal |= says("personal", true);
        field.sensitive |= says("sensitive", true);
        field.retention_days = shorter(field.retention_days, part);
        add_choices(field, part);
    });
}

/// For how many days something is kept: never longer than somebody was told.
fn shorter(known: Option<u32>, part: &Map<String, Value>) -> Option<u32> {
    let days = part.get("retention_days").and_then(Value::as_u64);
    let days = days.and_then(|days| u32::try_from(days).ok());
    let days = days.filter(|days| *days > 0);
    known.into_iter().chain(days).min()
}

fn add_choices(field: &mut FieldDefinition, part: &Map<String, Value>) {
    for choice in parts(part.get("choices")) {
        let value = choice.get("value").and_then(Value::as_str);
        let known = field.choices.iter_mut();
        let mut known = known.filter(|known| value == Some(known.value.as_str()));
        match known.next() {
            Some(known) => relabel(&mut known.labels, choice.get("labels")),
            None => {
                let mut choice = Value::Object(choice.clone());
                trim_inside(&mut choice, CHOICE_PARTS);
                field.choices.extend(serde_json::from_value(choice));
            }
        }
    }
}

/// Changes a kind if it is a sound one afterwards.
fn attempt(
    kind: &mut KindDefinition,
    problems: &mut Vec<SchemaError>,
    change: impl FnOnce(&mut KindDefinition),
) {
    let mut changed = kind.clone();
    change(&mut changed);
    match Kind::of(&changed) {
        Ok(_) => *kind = changed,
        Err(problem) => problems.push(problem),
    }
}

/// Other words, in whichever languages they are given.
fn relabel(labels: &mut Labels, part: Option<&Value>) {
    let word = |lang: &str| {
        let word = part?.get(lang)?.as_str()?;
        (!word.trim().is_empty()).then(|| word.to_owned())
    };
    if let Some(zh) = word("zh") {
        labels.zh = zh;
    }
    if let Some(en) = word("en") {
        labels.en = en;
    }
}

fn parts(list: Option<&Value>) -> impl Iterator<Item = &Map<String, Value>> {
    let list = list.and_then(Value::as_array).map(Vec::as_slice);
    list.unwrap_or_default().iter().filter_map(Value::as_object)
}

fn named<'p>(
    part: &'p Map<String, Value>,
    key: &str,
    place: &str,
    problems: &mut Vec<SchemaError>,
) -> Option<&'p str> {
    let name = part.get(key)?.as_str()?;
    if is_name(name) {
        return Some(name);
    }
    problems.push(SchemaError::Name {
        name: name.chars().take(32).collect(),
        place: place.to_owned(),
    });
    None
}

fn known_parts(part: &Map<String, Value>, known: &[&str]) -> Map<String, Value> {
    let known = |key: &str| known.contains(&key);
    let kept = part.iter().filter(|(key, _)| known(key));
    let mut kept: Map<String, Value> = kept
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    for key in ["labels", "help"] {
        if let Some(Value::Object(labels)) = kept.get_mut(key) {
            *labels = known_parts_of_labels(labels);
        }
    }
    kept
}

fn known_parts_of_labels(labels: &Map<String, Value>) -> Map<String, Value> {
    let kept = labels
        .iter()
        .filter(|(key, _)| LABEL_PARTS.contains(&key.as_str()));
    kept.map(|(key, value)| (key.clone(), value.clone()))
        .collect()
}

/// Leaves out what this version does not know of a field, a choice or a state.
fn trim_inside(item: &mut Value, parts_of: &[&str]) {
    let Value::Object(object) = item else { return };
    *object = known_parts(object, parts_of);
    if let Some(Value::Array(choices)) = object.get_mut("choices") {
        for choice in choices {
            if let Value::Object(choice) = choice {
                *choice = known_parts(choice, CHOICE_PARTS);
            }
        }
    }
}

fn read<T: DeserializeOwned>(object: Map<String, Value>) -> Option<T> {
    serde_json::from_value(Value::Object(object)).ok()
}
