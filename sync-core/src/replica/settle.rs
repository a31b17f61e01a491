//! Settling: one of several values of a field stands from now on, and those whose value was not kept are told.

use std::collections::{BTreeMap, BTreeSet};

use thiserror::Error;

use crate::id::{LaneId, MemberId, RecordId};
use crate::keys::domain;
use crate::record::{ChangeHash, Concurrent, RecordDoc, distinct};
use crate::replica::mind::Mind;
use crate::replica::{Moment, Replica, ReplicaError};
use crate::schema::{
    Edit, FieldEdit, FieldError, FieldType, Kind, REASON_FIELD, STATE_FIELD, Value,
};
use crate::store::StoreTx;

/// The kind of what is said about a record, and its fields.
const COMMENT: &str = "comment";
const TEXT_FIELD: &str = "text";
const ABOUT_FIELD: &str = "about";
const MENTIONS_FIELD: &str = "mentions";
/// Letters of what names the values that somebody saw.
const SEEN_LEN: usize = 16;

/// What is chosen between the values of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Choice<'c> {
    /// The field's name.
    pub field: &'c str,
    /// Names the values that the choice is between: [`FieldView::seen`](crate::replica::FieldView::seen) as
    /// it was when they were shown.
    pub seen: &'c str,
    /// What is kept.
    pub keep: Keep,
    /// The reason for a state that needs one; without, the one that was written with it.
    pub reason: Option<&'c str>,
}

/// What is kept of several values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// The value at this place: 0 is the one that is shown, the others follow in their order.
    One(usize),
    /// All of them in one text: behind each other in a line, else below each other.
    All,
}

/// Why a choice is not made; nothing is written then.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SettleError {
    /// The values are others than those that were seen, or only one is left.
    #[error("the values of this field have changed since they were shown: look again, then choose")]
    MovedSince,
    /// There are not so many values.
    #[error("this field has no such value to choose: look again, then choose")]
    NoSuchValue,
    /// The values are no texts that could stand in one.
    #[error("the values of \"{field}\" cannot stand together: choose one of them")]
    NotTogether {
        /// The field's name.
        field: String,
    },
}

/// What the words of a comment are to say. Never the value itself: the comment is a record of its own, which
/// an erasure of this one does not reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Told<'t> {
    /// The field's name.
    pub field: &'t str,
    /// Those who wrote what stands there now, by name.
    pub by: &'t [String],
}

/// Says what a comment says; the words are the app's.
pub type Words<'w> = &'w dyn Fn(&Told<'_>) -> String;

/// What an edit that may settle a conflict did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settled {
    /// Whether anything changed.
    pub is_changed: bool,
    /// Those who are told of it.
    pub told: BTreeSet<MemberId>,
}

impl Replica {
    /// Decides which of the values of a field stands, as a signed change like any other. Every other member
    /// whose value was not kept is told with these words, in a comment that is durable together with it.
    ///
    /// With a state that needs a reason, the reason that was written with it comes along.
    ///
    /// # Errors
    /// [`ReplicaError::Settle`]; [`ReplicaError::State`] with
    /// [`NoReason`](crate::schema::StateError::NoReason) if no reason was written with the state and none is
    /// given; as [`Replica::edit`]. Nothing is written then.
    pub fn settle(
        &mut self,
        record: RecordId,
        choice: &Choice<'_>,
        words: Words<'_>,
        moment: &mut Moment<'_>,
    ) -> Result<Settled, ReplicaError> {
        self.write(moment, |tx, mind, moment| {
            mind.settle(tx, record, choice, words, moment)
        })
    }

    /// Changes fields of a record. Of those that were in conflict, every other member whose value is not kept
    /// by it is told as by [`Replica::settle`].
    ///
    /// # Errors
    /// As [`Replica::edit`].
    pub fn edit_and_tell(
        &mut self,
        record: RecordId,
        edits: &[FieldEdit],
        words: Words<'_>,
        moment: &mut Moment<'_>,
    ) -> Result<Settled, ReplicaError> {
        self.write(moment, |tx, mind, moment| {
            mind.edit_and_tell(tx, record, edits, words, moment)
        })
    }
}

/// What stands between values of a field that are put into one; none if they cannot be.
#[must_use]
pub fn joint(ty: &FieldType) -> Option<&'static str> {
    match ty {
        FieldType::Line => Some(" / "),
        FieldType::Text => Some("\n"),
        FieldType::Blob
        | FieldType::Choice(_)
        | FieldType::Choices(_)
        | FieldType::Date
        | FieldType::Flag
        | FieldType::Link(_)
        | FieldType::Links(_)
        | FieldType::List
        | FieldType::Member
        | FieldType::Members
        | FieldType::Minutes
        | FieldType::Number
        | FieldType::Other(_)
        | FieldType::Point { .. }
        | FieldType::Time => None,
    }
}

/// A field that is decided: the values that it was between, and the one that stands from now on.
#[derive(Debug)]
pub(super) struct Decision {
    field: String,
    rivals: Vec<Concurrent>,
    stands: Value,
    /// Those whose value stands are told too: it was decided otherwise before.
    tells_all: bool,
}

impl Decision {
    /// What an edit decides; nothing if its field is not in conflict.
    fn made(doc: &RecordDoc, edit: &FieldEdit) -> Option<Self> {
        Self::of(edit, doc.rivals(&edit.field), false)
    }

    /// What is decided anew by an edit that takes a change back; nothing if that had decided nothing.
    pub(super) fn undone(doc: &RecordDoc, change: &ChangeHash, edit: &FieldEdit) -> Option<Self> {
        let mut rivals = doc.decided(change, &edit.field);
        let author = doc.author_of(change).filter(|_| !rivals.is_empty());
        let made = doc.value_with(change, &edit.field);
        if let Some((actor, value)) = author.zip(made)
            && rivals.iter().all(|rival| rival.value != value)
        {
            // Neither of the values, but one that the author of the change wrote instead of them.
            let change = *change;
            rivals.push(Concurrent {
                value,
                change,
                actor,
            });
        }
        Self::of(edit, rivals, true)
    }

    fn of(edit: &FieldEdit, rivals: Vec<Concurrent>, tells_all: bool) -> Option<Self> {
        let stands = edit.value.value().filter(|_| !rivals.is_empty())?;
        Some(Self {
            field: edit.field.clone(),
            rivals,
            stands: stands.clone(),
            tells_all,
        })
    }

    /// The states that it is between; none if it is about another field.
    pub(super) fn states(&self) -> impl Iterator<Item = &Concurrent> {
        let is_state = self.field == STATE_FIELD;
        self.rivals.iter().filter(move |_| is_state)
    }

    /// Those who are to hear of it.
    fn told(&self, mind: &Mind) -> BTreeSet<MemberId> {
        let us = mind.roster.member_id(&mind.us);
        let rivals = self.rivals.iter();
        let meant = rivals.filter(|rival| self.tells_all || rival.value != self.stands);
        let members =
            meant.filter_map(|rival| mind.roster.member_id(&mind.device_of(&rival.actor)));
        members.filter(|member| Some(*member) != us).collect()
    }

    /// Those who wrote what stands, by name.
    fn authors(&self, mind: &Mind) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        for rival in self.rivals.iter().filter(|it| it.value == self.stands) {
            let name = mind.name_of(&mind.device_of(&rival.actor));
            if !names.contains(&name) {
                names.push(name);
            }
        }
        if names.is_empty() {
            names.push(mind.name_of(&mind.us));
        }
        names
    }
}

impl Mind {
    fn settle(
        &mut self,
        tx: &mut dyn StoreTx,
        record: RecordId,
        choice: &Choice<'_>,
        words: Words<'_>,
        moment: &mut Moment<'_>,
    ) -> Result<Settled, ReplicaError> {
        self.step_aside(tx, &record, moment)?;
        let (work, kind) = self.work_to_edit(tx, record)?;
        let edits = edits_of(work.doc(), &kind, choice);
        let is_told = matches!(choice.keep, Keep::One(_));
        let decisions = edits.iter().flatten().filter(|_| is_told);
        let decisions: Vec<Decision> = decisions
            .filter_map(|edit| Decision::made(work.doc(), edit))
            .collect();
        self.keep_work(work);
        self.write_and_tell(tx, record, &edits?, decisions, words, moment)
    }

    pub(super) fn edit_and_tell(
        &mut self,
        tx: &mut dyn StoreTx,
        record: RecordId,
        edits: &[FieldEdit],
        words: Words<'_>,
        moment: &mut Moment<'_>,
    ) -> Result<Settled, ReplicaError> {
        self.step_aside(tx, &record, moment)?;
        let (work, _) = self.work_to_edit(tx, record)?;
        let decisions = edits
            .iter()
            .filter_map(|edit| Decision::made(work.doc(), edit));
        let decisions: Vec<Decision> = decisions.collect();
        self.keep_work(work);
        self.write_and_tell(tx, record, edits, decisions, words, moment)
    }

    /// Writes the edits, and tells what they decide.
    pub(super) fn write_and_tell(
        &mut self,
        tx: &mut dyn StoreTx,
        record: RecordId,
        edits: &[FieldEdit],
        decisions: Vec<Decision>,
        words: Words<'_>,
        moment: &mut Moment<'_>,
    ) -> Result<Settled, ReplicaError> {
        let is_changed = self.edit(tx, record, edits, moment)?.is_changed;
        let mut told = BTreeSet::new();
        if is_changed && !decisions.is_empty() {
            let unknown = || ReplicaError::UnknownRecord(record.to_string());
            let space = tx.row(&record)?.ok_or_else(unknown)?.space;
            let mut tell: BTreeMap<&str, BTreeSet<MemberId>> = decisions
                .iter()
                .map(|decision| (decision.field.as_str(), decision.told(self)))
                .collect();
            // A reason belongs to its state: of both one thing is said.
            if tell.contains_key(STATE_FIELD)
                && let Some(of_reason) = tell.remove(REASON_FIELD)
            {
                tell.entry(STATE_FIELD).or_default().extend(of_reason);
            }
            for decision in &decisions {
                let Some(members) = tell.remove(decision.field.as_str()) else {
                    continue;
                };
                let by = decision.authors(self);
                let field = &decision.field;
                let text = words(&Told { field, by: &by });
                self.tell(tx, (record, space), &members, &text, moment)?;
                told.extend(members);
            }
        }
        Ok(Settled { is_changed, told })
    }

    /// A comment about a record that is meant for these members.
    fn tell(
        &mut self,
        tx: &mut dyn StoreTx,
        (record, space): (RecordId, LaneId),
        members: &BTreeSet<MemberId>,
        text: &str,
        moment: &mut Moment<'_>,
    ) -> Result<(), ReplicaError> {
        if members.is_empty() {
            return Ok(());
        }
        let kind = self.kind(COMMENT)?;
        let members: Vec<String> = members.iter().map(ToString::to_string).collect();
        let edits = [
            kind.parse_edit(TEXT_FIELD, text)?,
            kind.parse_edit(ABOUT_FIELD, &record.to_string())?,
            kind.parse_edit(MENTIONS_FIELD, &members.join(","))?,
        ];
        self.create(tx, COMMENT, space, &edits, None, moment)?;
        Ok(())
    }
}

/// What a choice writes.
fn edits_of(
    doc: &RecordDoc,
    kind: &Kind,
    choice: &Choice<'_>,
) -> Result<Vec<FieldEdit>, ReplicaError> {
    let field = choice.field;
    let known = kind.field(field).ok_or_else(|| kind.unknown_field(field))?;
    if sight(doc, field).as_deref() != Some(choice.seen) {
        return Err(SettleError::MovedSince.into());
    }
    let rivals = doc.rivals(field);
    let values = distinct(rivals.clone());
    let edit = match choice.keep {
        Keep::One(place) => {
            let value = values.get(place).ok_or(SettleError::NoSuchValue)?;
            FieldEdit::set(field, value.value.clone())
        }
        Keep::All => joined(kind, known.ty(), field, &values)?,
    };
    let mut edits = vec![edit];
    let given = choice.reason.map(str::trim).filter(|it| !it.is_empty());
    let reason = match given {
        Some(reason) => Some(kind.parse_edit(REASON_FIELD, reason)?),
        None => reason_for(doc, kind, &edits, rivals.iter()),
    };
    edits.extend(reason);
    Ok(edits)
}

/// All values in one text, which has to fit the field like any that is typed.
fn joined(
    kind: &Kind,
    ty: &FieldType,
    field: &str,
    values: &[Concurrent],
) -> Result<FieldEdit, ReplicaError> {
    let not_together = || SettleError::NotTogether {
        field: field.to_owned(),
    };
    let joint = joint(ty).ok_or_else(not_together)?;
    let texts = values.iter().map(|it| it.value.to_string());
    let text = texts.collect::<Vec<_>>().join(joint);
    let edit: Result<FieldEdit, FieldError> = kind.parse_edit(field, &text);
    Ok(edit?)
}

/// The reason that goes with the state that is asked for, if that needs one and none is given: the one that
/// was written with that state.
pub(super) fn reason_for<'r>(
    doc: &RecordDoc,
    kind: &Kind,
    edits: &[FieldEdit],
    rivals: impl IntoIterator<Item = &'r Concurrent>,
) -> Option<FieldEdit> {
    if edits.iter().any(|edit| edit.field == REASON_FIELD) {
        return None;
    }
    let asked = edits.iter().find(|edit| edit.field == STATE_FIELD)?;
    let asked = asked.value.value()?;
    let mut rivals = rivals.into_iter().filter(|rival| rival.value == *asked);
    let reason = rivals
        .find_map(|rival| reason_with(doc, kind, STATE_FIELD, &rival.value, &rival.change))?;
    Some(FieldEdit {
        field: REASON_FIELD.to_owned(),
        value: Edit::Set(Value::Text(reason)),
    })
}

/// The reason that somebody wrote with a state that needs one. An honest device writes both in one change; a
/// reason that stood there already in the same words is not written again.
pub(super) fn reason_with(
    doc: &RecordDoc,
    kind: &Kind,
    field: &str,
    value: &Value,
    change: &ChangeHash,
) -> Option<String> {
    let Value::Text(state) = value else {
        return None;
    };
    let state = kind.state(state).filter(|_| kind.is_state(field));
    state.filter(|state| state.needs_reason())?;
    match doc.value_with(change, REASON_FIELD) {
        Some(Value::Text(reason)) if !reason.trim().is_empty() => Some(reason),
        Some(_) | None => None,
    }
}

/// Names the values of a field that has several, and whose they are: another name if any is another.
pub(super) fn sight(doc: &RecordDoc, field: &str) -> Option<String> {
    let values = distinct(doc.rivals(field));
    if values.is_empty() {
        return None;
    }
    let mut hasher = blake3::Hasher::new_derive_key(domain::SIGHT);
    for value in values {
        let text = value.value.to_json().to_string();
        hasher.update(&value.change.0);
        hasher.update(&(text.len() as u64).to_be_bytes());
        hasher.update(text.as_bytes());
    }
    let mut name = hasher.finalize().to_hex().to_string();
    name.truncate(SEEN_LEN);
    Some(name)
}
