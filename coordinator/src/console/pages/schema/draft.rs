//! What the community has laid over the station's schema from the console, as it is changed.
//!
//! The console writes one addition. Two coordinators may each have written a version of it without knowing of
//! the other's: whoever changes it next goes on from both.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sync_core::replica::{Moment, Replica, ReplicaError};
use sync_core::schema::{BadAddition, Labels, Schema, SchemaAddition};

use crate::console::cx::{Cx, Trouble};
use crate::failure::Failure;

/// Whose addition it is.
const ID: &str = "console";

/// The addition; what this program does not know of it is kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Draft {
    id: String,
    version: u32,
    #[serde(default)]
    kinds: Vec<KindPart>,
    #[serde(flatten)]
    rest: Map<String, Value>,
}

/// What is said of a kind.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct KindPart {
    pub(super) name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) labels: Option<Labels>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) group: Option<String>,
    /// The field that stands for a record; only of kinds that are the community's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) title: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) create: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) edit: Option<Value>,
    /// For how many days without a change a record is kept; of the station's own kinds only if shorter.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) retention_days: Option<u32>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) fields: Vec<FieldPart>,
    #[serde(flatten)]
    pub(super) rest: Map<String, Value>,
}

/// What is said of a field.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct FieldPart {
    pub(super) name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) labels: Option<Labels>,
    /// What is said below the label in a form.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) help: Option<Labels>,
    /// Only of fields that are the community's own.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub(super) ty: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) required: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) personal: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) hidden: Option<bool>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) kinds: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) choices: Vec<ChoicePart>,
    #[serde(flatten)]
    pub(super) rest: Map<String, Value>,
}

/// One of the values of a choice.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct ChoicePart {
    pub(super) value: String,
    pub(super) labels: Labels,
    #[serde(flatten)]
    pub(super) rest: Map<String, Value>,
}

/// What has become of a change.
pub(super) enum Saved {
    Done,
    /// Why not, as a sentence.
    Refused(String),
}

impl Draft {
    /// What counts now.
    pub(super) fn of(replica: &Replica) -> Result<Self, Trouble> {
        let mut draft = Self {
            id: ID.to_owned(),
            version: 0,
            kinds: Vec::new(),
            rest: Map::new(),
        };
        let additions = replica.schema().additions().iter();
        for addition in additions.filter(|addition| addition.id() == ID) {
            let other: Self =
                serde_json::from_str(&addition.to_json()).map_err(Failure::internal)?;
            draft.take_in(other);
        }
        Ok(draft)
    }

    /// Grows with every change.
    pub(super) fn version(&self) -> u32 {
        self.version
    }

    fn take_in(&mut self, other: Self) {
        self.version = self.version.max(other.version);
        self.rest.extend(other.rest);
        for part in other.kinds {
            self.kind_mut(&part.name).take_in(part);
        }
    }

    pub(super) fn kind(&self, name: &str) -> Option<&KindPart> {
        self.kinds.iter().find(|kind| kind.name == name)
    }

    /// The part about a kind, begun if there is none.
    pub(super) fn kind_mut(&mut self, name: &str) -> &mut KindPart {
        let known = self.kinds.iter().position(|kind| kind.name == name);
        let at = known.unwrap_or(self.kinds.len());
        if known.is_none() {
            self.kinds.push(KindPart {
                name: name.to_owned(),
                ..KindPart::default()
            });
        }
        self.kinds.get_mut(at).expect("it was found or put there")
    }

    /// Whether this addition has made the kind.
    pub(super) fn has_made_kind(&self, name: &str) -> bool {
        self.kind(name).is_some_and(|kind| kind.title.is_some())
    }

    /// Whether this addition has made the field.
    pub(super) fn has_made_field(&self, kind: &str, name: &str) -> bool {
        let part = self.kind(kind).and_then(|kind| kind.field(name));
        part.is_some_and(|field| field.ty.is_some())
    }

    /// Whether the console may change the kind: the station's own, and those that it has made.
    pub(super) fn may_change_kind(&self, name: &str) -> bool {
        Schema::station().kind(name).is_some() || self.has_made_kind(name)
    }

    /// The same for a field.
    pub(super) fn may_change_field(&self, kind: &str, name: &str) -> bool {
        let station = Schema::station().kind(kind);
        let is_built_in = station.is_some_and(|kind| kind.field(name).is_some());
        self.may_change_kind(kind) && (is_built_in || self.has_made_field(kind, name))
    }

    /// Writes it as the next version; nothing if nothing is different.
    pub(super) fn write(
        mut self,
        replica: &mut Replica,
        moment: &mut Moment<'_>,
        cx: &Cx,
    ) -> Result<Saved, Trouble> {
        if self == Self::of(replica)? {
            return Ok(Saved::Done);
        }
        self.version = self.version.saturating_add(1);
        let json = serde_json::to_string(&self).map_err(Failure::internal)?;
        let addition = match SchemaAddition::parse(&json) {
            Ok(addition) => addition,
            Err(BadAddition::TooLong) => return Ok(Saved::Refused(cx.say("console.schema.full"))),
            Err(error @ (BadAddition::Json { .. } | BadAddition::Unnamed)) => {
                return Err(Failure::internal(error).into());
            }
        };
        match replica.extend_schema(&addition, moment) {
            Ok(_) => Ok(Saved::Done),
            Err(error @ (ReplicaError::Addition(_) | ReplicaError::OldAddition(_))) => {
                Ok(Saved::Refused(cx.sentence(&error.into())))
            }
            Err(error) => Err(error.into()),
        }
    }
}

impl KindPart {
    fn take_in(&mut self, other: Self) {
        for field in other.fields {
            self.field_mut(&field.name).take_in(field);
        }
        self.labels = other.labels.or_else(|| self.labels.take());
        self.group = other.group.or_else(|| self.group.take());
        self.title = other.title.or_else(|| self.title.take());
        self.create = other.create.or_else(|| self.create.take());
        self.edit = other.edit.or_else(|| self.edit.take());
        // Whoever has promised to keep it for a shorter time is believed.
        let days = self.retention_days.into_iter().chain(other.retention_days);
        self.retention_days = days.min();
        self.rest.extend(other.rest);
    }

    pub(super) fn field(&self, name: &str) -> Option<&FieldPart> {
        self.fields.iter().find(|field| field.name == name)
    }

    /// The part about a field, begun if there is none.
    pub(super) fn field_mut(&mut self, name: &str) -> &mut FieldPart {
        let known = self.fields.iter().position(|field| field.name == name);
        let at = known.unwrap_or(self.fields.len());
        if known.is_none() {
            self.fields.push(FieldPart {
                name: name.to_owned(),
                ..FieldPart::default()
            });
        }
        self.fields.get_mut(at).expect("it was found or put there")
    }

    /// Puts a field of the community's own before the one of these that stands before it.
    pub(super) fn move_up(&mut self, name: &str) {
        let own = self.fields.iter().enumerate();
        let own: Vec<usize> = own
            .filter(|(_, field)| field.ty.is_some())
            .map(|(at, _)| at)
            .collect();
        let is_it = |at: &usize| self.fields.get(*at).is_some_and(|it| it.name == name);
        let place = own.iter().position(is_it);
        let before = place.and_then(|place| place.checked_sub(1));
        if let (Some(now), Some(before)) = (
            place.and_then(|place| own.get(place)),
            before.and_then(|before| own.get(before)),
        ) {
            self.fields.swap(*now, *before);
        }
    }
}

impl FieldPart {
    fn take_in(&mut self, other: Self) {
        for choice in other.choices {
            if self.choices.iter().all(|it| it.value != choice.value) {
                self.choices.push(choice);
            }
        }
        self.labels = other.labels.or_else(|| self.labels.take());
        self.help = other.help.or_else(|| self.help.take());
        self.ty = other.ty.or_else(|| self.ty.take());
        self.required = other.required.or(self.required);
        // Whoever has promised that it stays hidden is believed.
        let is_personal = self.personal == Some(true) || other.personal == Some(true);
        self.personal = is_personal
            .then_some(true)
            .or(other.personal)
            .or(self.personal);
        self.hidden = other.hidden.or(self.hidden);
        if !other.kinds.is_empty() {
            self.kinds = other.kinds;
        }
        self.rest.extend(other.rest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft(json: &str) -> Draft {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn two_versions_made_apart_go_on_together_and_unknown_parts_stay() {
        let mut one = draft(
            r#"{"id": "console", "version": 3, "later": 1, "kinds": [{"name": "visit", "fields": [
                {"name": "dialect", "type": "choice", "colour": "red", "labels": {"zh": "话", "en": "D"},
                 "choices": [{"value": "a", "labels": {"zh": "甲", "en": "A"}}]}]}]}"#,
        );
        one.take_in(draft(
            r#"{"id": "console", "version": 3, "kinds": [
                {"name": "visit", "labels": {"zh": "上门", "en": "Call"}, "fields": [
                  {"name": "dialect", "type": "choice", "colour": "red", "labels": {"zh": "话", "en": "D"},
                   "choices": [{"value": "b", "labels": {"zh": "乙", "en": "B"}}]}]},
                {"name": "lesson", "title": "title"}]}"#,
        ));
        assert_eq!(one.version, 3);
        assert!(one.has_made_kind("lesson") && one.has_made_field("visit", "dialect"));
        let dialect = one.kind("visit").unwrap().field("dialect").unwrap();
        let values: Vec<&str> = dialect.choices.iter().map(|it| it.value.as_str()).collect();
        assert_eq!(values, ["a", "b"]);
        let json = serde_json::to_string(&one).unwrap();
        assert!(json.contains("\"colour\":\"red\"") && json.contains("\"later\":1"));
        assert_eq!(draft(&json), one);
    }

    #[test]
    fn own_field_moves_past_what_is_said_of_the_stations() {
        let mut kind = KindPart::default();
        for (name, ty) in [("a", Some("line")), ("mood", None), ("b", Some("line"))] {
            kind.field_mut(name).ty = ty.map(str::to_owned);
        }
        let names = |kind: &KindPart| -> Vec<String> {
            kind.fields.iter().map(|field| field.name.clone()).collect()
        };
        kind.move_up("a");
        assert_eq!(names(&kind), ["a", "mood", "b"]);
        kind.move_up("b");
        assert_eq!(names(&kind), ["b", "mood", "a"]);
        kind.move_up("mood");
        assert_eq!(names(&kind), ["b", "mood", "a"]);
    }
}
