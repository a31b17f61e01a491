//! Records: begun, written, read, listed.

use std::collections::{BTreeMap, HashMap};

use sync_core::id::{Millis, RecordId};
use sync_core::replica::{Choice, Replica, ReplicaError};
use sync_core::schema::{FieldEdit, Kind, Schema};
use sync_core::store::{Cursor, Order, RowFilter};

use crate::community::Community;
use crate::error::BanyanError;
use crate::fault::Fault;
use crate::told;
use crate::values::{Filter, HistoryStep, Keep, ListOrder, Place, RecordView, Row, Ticks};

#[uniffi::export]
impl Community {
    /// Creates a record from what was typed for its fields, and returns its id.
    ///
    /// # Errors
    /// `Invalid` for an unknown kind or a field that does not fit or is missing; `NotFound` for the
    /// space; `NotAllowed`. Nothing is written then.
    pub async fn create(
        &self,
        kind: String,
        space: String,
        fields: HashMap<String, String>,
    ) -> Result<String, BanyanError> {
        self.call(move |replica, moment| {
            let kind = find_kind(replica.schema(), &kind)?;
            let edits = parse_edits(kind, fields)?;
            let kind = kind.name().to_owned();
            let space = replica.find_space(&space)?;
            Ok(replica.create(&kind, space, &edits, moment)?.to_string())
        })
        .await
    }

    /// Creates many records of one kind at once: all of them, or none. Returns their ids, in order.
    ///
    /// # Errors
    /// As `create`, for the first that fails.
    pub async fn create_all(
        &self,
        kind: String,
        space: String,
        rows: Vec<HashMap<String, String>>,
    ) -> Result<Vec<String>, BanyanError> {
        self.call(move |replica, moment| {
            let kind = find_kind(replica.schema(), &kind)?;
            let rows = rows.into_iter().map(|fields| parse_edits(kind, fields));
            let rows = rows.collect::<Result<Vec<_>, _>>()?;
            let kind = kind.name().to_owned();
            let space = replica.find_space(&space)?;
            let made = replica.create_all(&kind, space, &rows, moment)?;
            Ok(made.iter().map(ToString::to_string).collect())
        })
        .await
    }

    /// Changes fields of a record to what was typed. Returns whether anything is different now.
    ///
    /// A name that ends with `+` adds to a set, or to the end of a list; one that ends with `-` takes out of a
    /// set, or takes the item of this id out of a list. What others add at the same time stays.
    ///
    /// # Errors
    /// `NotFound` for the record; `Invalid` for a field that does not fit; `NotAllowed`. Nothing is
    /// written then.
    pub async fn edit(
        &self,
        record: String,
        fields: HashMap<String, String>,
    ) -> Result<bool, BanyanError> {
        let lang = self.lang;
        self.call(move |replica, moment| {
            let id = replica.find_record(&record)?;
            let kind = kind_of(replica, id)?;
            let edits = parse_edits(&kind, fields)?;
            let words = told::words(lang, &kind);
            let edited = replica.edit_and_tell(id, &edits, &words, moment)?;
            Ok(edited.is_changed)
        })
        .await
    }

    /// Types into a text field: at `position` removes `delete` and inserts `text`, beside what others
    /// type there at the same time. Positions are counted in Unicode code points. Returns whether anything
    /// is different now.
    ///
    /// # Errors
    /// `NotFound` for the record; `Invalid` for a field that is no text or a place outside of it;
    /// `NotAllowed`. Nothing is written then.
    pub async fn splice(
        &self,
        record: String,
        field: String,
        position: u32,
        delete: u32,
        text: String,
    ) -> Result<bool, BanyanError> {
        self.call(move |replica, moment| {
            let id = replica.find_record(&record)?;
            let (position, delete) = (count(position), count(delete));
            let edited = replica.splice(id, &field, position, delete, &text, moment)?;
            Ok(edited.is_changed)
        })
        .await
    }

    /// Puts a record into the next state of its kind, such as `accepted` or `returned`, with a reason where
    /// the state needs one. Works offline like every other change.
    ///
    /// # Errors
    /// `NotFound`; `Invalid` for a state that does not follow, or lacks its reason; `NotAllowed`.
    #[uniffi::method(default(reason = None))]
    pub async fn review(
        &self,
        record: String,
        state: String,
        reason: Option<String>,
    ) -> Result<bool, BanyanError> {
        let state = ("state".to_owned(), state);
        let reason = reason.map(|reason| ("reason".to_owned(), reason));
        let fields = [state].into_iter().chain(reason).collect();
        self.edit(record, fields).await
    }

    /// Decides which of several values of a field stands; `seen` is that of the field as the person saw it.
    /// Other members whose value is not kept are told in a comment. A state that needs a reason takes along
    /// the one that was written with it, unless one is given here. Returns whether anything is different now.
    ///
    /// # Errors
    /// `NotFound` for the record; `Invalid` if the values have changed since they were seen, if there is no
    /// such value, for values other than texts that are all to be kept, and for a state that lacks a reason;
    /// `NotAllowed`. Nothing is written then.
    #[uniffi::method(default(reason = None))]
    pub async fn settle(
        &self,
        record: String,
        field: String,
        seen: String,
        keep: Keep,
        reason: Option<String>,
    ) -> Result<bool, BanyanError> {
        let lang = self.lang;
        self.call(move |replica, moment| {
            let id = replica.find_record(&record)?;
            let kind = kind_of(replica, id)?;
            let words = told::words(lang, &kind);
            let choice = Choice {
                field: &field,
                seen: &seen,
                keep: keep.into(),
                reason: reason.as_deref(),
            };
            Ok(replica.settle(id, &choice, &words, moment)?.is_changed)
        })
        .await
    }

    /// One record, whole, with the values that were set at the same time.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn show(&self, record: String) -> Result<RecordView, BanyanError> {
        let lang = self.lang;
        self.call(move |replica, _| {
            let record = replica.find_record(&record)?;
            let view = replica.show(record)?;
            let held = replica.store().held_of(&record)?;
            Ok(RecordView::new(replica, view, &held, lang))
        })
        .await
    }

    /// Who changed which field of a record from what to what. A change stands behind those that its
    /// author had seen.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn history(&self, record: String) -> Result<Vec<HistoryStep>, BanyanError> {
        self.call(move |replica, _| {
            let record = replica.find_record(&record)?;
            let entries = replica.history(record)?.into_iter();
            Ok(entries.map(HistoryStep::from).collect())
        })
        .await
    }

    /// Records in the order asked for, the newest change first unless said otherwise. A long list is read in
    /// pages: the next one is `after` the `place` of the last row, also if rows have moved meanwhile.
    ///
    /// # Errors
    /// `Invalid` for an unknown kind; `NotFound` for the space.
    pub async fn list(&self, filter: Filter) -> Result<Vec<Row>, BanyanError> {
        self.call(move |replica, _| {
            let filter = row_filter(replica, &filter)?;
            let rows = replica.list(&filter)?.into_iter();
            rows.map(|row| Row::new(replica, row)).collect()
        })
        .await
    }

    /// How many records fit, whatever page the filter asks for.
    ///
    /// # Errors
    /// As `list`.
    pub async fn count(&self, filter: Filter) -> Result<u64, BanyanError> {
        self.call(move |replica, _| Ok(replica.count(&row_filter(replica, &filter)?)?))
            .await
    }

    /// How far each of these records has come: saved here, on the relay, with a colleague, with a
    /// coordinator.
    ///
    /// # Errors
    /// `NotFound` for the first that is not here.
    pub async fn ticks(&self, records: Vec<String>) -> Result<Vec<Ticks>, BanyanError> {
        self.call(move |replica, _| {
            let ids = find_records(replica, &records)?;
            let ticks = replica.ticks_of(&ids)?.into_iter();
            let ticks = ids.iter().zip(ticks);
            Ok(ticks
                .map(|(id, ticks)| Ticks::new(replica, id, &ticks))
                .collect())
        })
        .await
    }
}

pub(crate) fn find_records(replica: &Replica, typed: &[String]) -> Result<Vec<RecordId>, Fault> {
    let ids = typed.iter().map(|typed| Ok(replica.find_record(typed)?));
    ids.collect()
}

/// A phone whose words are shorter than 32 bits has not so many records or letters.
fn count(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

/// What a record is, by its row.
fn kind_of(replica: &Replica, record: RecordId) -> Result<Kind, Fault> {
    let row = replica.store().row(&record)?;
    let row = row.ok_or_else(|| ReplicaError::UnknownRecord(record.to_string()))?;
    Ok(find_kind(replica.schema(), &row.kind)?.clone())
}

fn find_kind<'s>(schema: &'s Schema, name: &str) -> Result<&'s Kind, Fault> {
    let kind = schema.kind(name).ok_or_else(|| {
        let known: Vec<&str> = schema.kinds().iter().map(Kind::name).collect();
        ReplicaError::UnknownKind {
            kind: name.to_owned(),
            known: known.join(", "),
        }
    });
    Ok(kind?)
}

/// In the order of names, so that the first fault found is always the same.
fn parse_edits(kind: &Kind, fields: HashMap<String, String>) -> Result<Vec<FieldEdit>, Fault> {
    let fields: BTreeMap<String, String> = fields.into_iter().collect();
    let edits = fields
        .iter()
        .map(|(name, typed)| Ok(kind.parse_edit(name, typed)?));
    edits
        .collect::<Result<_, ReplicaError>>()
        .map_err(Fault::from)
}

fn row_filter(replica: &Replica, filter: &Filter) -> Result<RowFilter, Fault> {
    let kind = filter
        .kind
        .as_deref()
        .map(|name| find_kind(replica.schema(), name))
        .transpose()?;
    let space = filter
        .space
        .as_deref()
        .map(|name| replica.find_space(name))
        .transpose()?;
    let after = filter.after.as_ref().map(cursor).transpose()?;
    Ok(RowFilter {
        kind: kind.map(|kind| kind.name().to_owned()),
        space,
        only_conflicts: filter.only_conflicts,
        states: filter.states.clone(),
        search: filter.search.clone(),
        day_from: filter.day_from.clone(),
        day_to: filter.day_to.clone(),
        due_to: filter.due_to.clone(),
        order: match filter.order {
            Some(ListOrder::Newest) | None => Order::Newest,
            Some(ListOrder::Due) => Order::Due,
            Some(ListOrder::Day) => Order::Day,
        },
        after,
        limit: filter.limit.map(count),
        offset: count(filter.offset),
        ..RowFilter::default()
    })
}

fn cursor(place: &Place) -> Result<Cursor, Fault> {
    let unknown = |_| ReplicaError::UnknownRecord(place.record.clone());
    Ok(Cursor {
        updated_at: Millis(place.updated_at_ms),
        due: place.due.clone(),
        day: place.day.clone(),
        record: place.record.parse().map_err(unknown)?,
    })
}
