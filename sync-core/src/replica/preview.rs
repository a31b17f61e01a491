//! What held changes would do, were they let in: worked out on a copy, under the gates of a merge.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};

use serde::Serialize;

use crate::id::RecordId;
use crate::record::{HoldReason, change_hash};
use crate::replica::rebuild::Judgement;
use crate::replica::{HeldOf, HistoryEntry, Hold, Replica, ReplicaError};
use crate::roster::role::{Role, Scope};
use crate::schema::Kind;
use crate::store::{EntryRef, HeldRow};

/// Most records that one preview looks into.
pub const PREVIEW_RECORDS_MAX: usize = 100;
/// Most changes that one preview shows.
pub const PREVIEW_STEPS_MAX: usize = 1_000;

/// What a held change would do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Preview {
    /// It would be merged, or is already because accepted work builds on it.
    Merges(Box<Step>),
    /// It would not be merged even so, for this reason.
    Stays(Hold),
}

/// One change of one record, as people read it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Step {
    /// The record's kind.
    pub kind: String,
    /// Its space, by name.
    pub space: String,
    /// Its title as it is now; of a record that is held as a whole, the one that it would have.
    pub title: String,
    /// Whether the record is held as a whole.
    pub is_new: bool,
    /// Who, when by their clock, and what.
    pub change: HistoryEntry,
}

/// Previews of held entries; there is none of what this device may not decide about.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Previews {
    /// By entry.
    pub by_entry: BTreeMap<EntryRef, Preview>,
    /// More is held than one preview shows; one record is to be named.
    pub is_cut: bool,
}

impl Replica {
    /// What held entries would do if [`Replica::release`] let all of them in, for whoever may do so.
    ///
    /// Nothing is written. Every record concerned is judged from all its entries as a merge does it,
    /// so what a merge would hold shows only the reason.
    ///
    /// # Errors
    /// The store's.
    pub fn preview(&self, which: &HeldOf) -> Result<Previews, ReplicaError> {
        let mut by_record: BTreeMap<RecordId, BTreeSet<EntryRef>> = BTreeMap::new();
        let held = self.store.held()?.into_iter();
        for row in held.filter(|row| is_of_interest(row) && which.means(row)) {
            if let Some(record) = row.record {
                by_record.entry(record).or_default().insert(row.entry);
            }
        }
        let mut previews = Previews {
            is_cut: by_record.len() > PREVIEW_RECORDS_MAX,
            ..Previews::default()
        };
        for (record, entries) in by_record.iter().take(PREVIEW_RECORDS_MAX) {
            self.preview_record(record, entries, &mut previews)?;
        }
        Ok(previews)
    }

    fn preview_record(
        &self,
        record: &RecordId,
        entries: &BTreeSet<EntryRef>,
        previews: &mut Previews,
    ) -> Result<(), ReplicaError> {
        let mind = &self.mind;
        let all = mind.gather(&*self.store, record, &[])?;
        let judgement = mind.judge(record, &all, |entry| {
            if entries.contains(entry) {
                self.role_if_released(entry)
            } else {
                mind.role_of_entry(entry)
            }
        });
        let row = self.store.row(record)?;
        for entry in entries {
            if previews.by_entry.len() >= PREVIEW_STEPS_MAX {
                previews.is_cut = true;
                return Ok(());
            }
            let preview = match judgement.holds.get(entry) {
                // Not for this device to decide.
                Some(Hold::CutOff | Hold::Discarded) => continue,
                Some(hold) if !hold.is_merged() => Preview::Stays(*hold),
                Some(_) | None => {
                    let chunk = all.get(entry).map(|incoming| &incoming.payload.chunk);
                    let title = row.as_ref().map(|row| row.title.as_str());
                    self.step(&judgement, chunk.map_or(&[], Vec::as_slice), title)
                }
            };
            previews.by_entry.insert(*entry, preview);
        }
        Ok(())
    }

    /// The role that an entry would count by if this device released it.
    fn role_if_released(&self, entry: &EntryRef) -> Option<Role> {
        let mind = &self.mind;
        let scope = Scope::Space(entry.log.lane);
        let Some(by) = mind.roster.role_in(&mind.us, &scope) else {
            return mind.role_of_entry(entry);
        };
        let ends_at = |chain: &_| mind.reach.get(chain).copied();
        let roster = &mind.roster;
        roster.role_once_released(&entry.log, entry.seq, by, ends_at)
    }

    /// What a merged change did; reading it back is guarded as merging it was.
    fn step(&self, judgement: &Judgement, chunk: &[u8], title: Option<&str>) -> Preview {
        let kind = self.mind.kind_or_plain(&judgement.kind);
        let read = catch_unwind(AssertUnwindSafe(|| {
            let item = judgement.doc.history_of(kind, &change_hash(chunk)?)?;
            let fields = judgement.doc.fields(kind);
            let of_title = fields.into_iter().find(|field| field.name == kind.title());
            let future = of_title.map_or_else(String::new, |field| Kind::title_of(&field.winner));
            Some((item, future))
        }));
        let Ok(Some((item, future))) = read else {
            return Preview::Stays(Hold::Change(HoldReason::Panicked));
        };
        let space = judgement.space.as_ref();
        Preview::Merges(Box::new(Step {
            kind: judgement.kind.clone(),
            space: space.map_or_else(String::new, |space| self.space_name(space)),
            title: title.map_or(future, str::to_owned),
            is_new: title.is_none(),
            change: self.history_entry(item),
        }))
    }
}

/// What a verdict can be about, or what was merged in spite of one.
fn is_of_interest(row: &HeldRow) -> bool {
    let hold = Hold::from_code(row.reason);
    matches!(hold, Some(Hold::CutOff | Hold::Discarded | Hold::BuiltOn))
}
