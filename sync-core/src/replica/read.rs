//! What people look at: lists, one record with its history, who is here, how things stand.

use serde::Serialize;

use crate::entry::VerifiedBatch;
use crate::id::{ActorId, DeviceId, LaneId, MemberId, Millis, RecordId};
use crate::keys::domain;
use crate::record::{ChangeHash, FieldState, HistoryItem, Payload, RecordDoc};
use crate::replica::leave::Farewell;
use crate::replica::merge::load;
use crate::replica::mind::meta;
use crate::replica::settle::{reason_with, sight};
use crate::replica::{Hold, KeyWait, Replica, ReplicaError};
use crate::roster::role::{Role, Scope};
use crate::roster::{Member, commons};
use crate::schema::{Kind, Value};
use crate::store::{
    EntryRef, HeldRow, KindCount, LinkTarget, Person, RowFilter, StateCount, StoreError, ViewRow,
};
use crate::view;

/// One member, as people know them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MemberView {
    /// The member's id.
    pub id: String,
    /// Their name; none until it can be read.
    pub name: Option<String>,
    /// Highest role and where, in words: `lead of <space>`.
    pub roles: Vec<(String, Option<String>)>,
    /// Their devices; none are left of a former member.
    pub devices: Vec<String>,
    /// Devices that were theirs and were removed.
    pub removed_devices: Vec<String>,
    /// Those of them that have not said that they have erased what they had.
    pub unconfirmed_devices: Vec<String>,
    /// Joined, and not yet confirmed by a lead.
    pub is_provisional: bool,
}

impl MemberView {
    /// Whether they belonged and were removed.
    #[must_use]
    pub fn is_removed(&self) -> bool {
        self.devices.is_empty()
    }
}

/// A value that is not the one shown, and whose it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Conflict {
    /// The value.
    pub value: serde_json::Value,
    /// Who set it.
    pub by: String,
    /// Their member id, if they are known.
    pub member: Option<String>,
    /// When, in milliseconds, by their clock.
    pub at: Option<i64>,
    /// What they saw in the field before.
    pub saw: Option<serde_json::Value>,
    /// The reason that they gave with it, if it is a state that needs one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// One field of a record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FieldView {
    /// The field's name.
    pub name: String,
    /// The value shown.
    pub value: serde_json::Value,
    /// Who set it.
    pub by: String,
    /// Other values that were set at the same time.
    pub conflicts: Vec<Conflict>,
    /// The value shown like the others, where there are any.
    pub shown: Option<Conflict>,
    /// Names all these values as they stand, where there are several: a [`Choice`] is between them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seen: Option<String>,
}

/// One record, whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RecordView {
    /// The record.
    pub record: String,
    /// Its kind.
    pub kind: String,
    /// The space, by name.
    pub space: String,
    /// The title field's value.
    pub title: String,
    /// Who began it.
    pub created_by: String,
    /// When, in milliseconds, by their clock.
    pub created_at: i64,
    /// Whose change is the latest.
    pub updated_by: String,
    /// When, in milliseconds, by their clock.
    pub updated_at: i64,
    /// All fields.
    pub fields: Vec<FieldView>,
    /// Entries of the record that are held, with the reason.
    pub held: Vec<(String, String)>,
}

/// One step of a record's history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HistoryEntry {
    /// Names the step.
    pub id: String,
    /// Who.
    pub by: String,
    /// When, in milliseconds, by their clock.
    pub at: i64,
    /// With whose changes it was merged, which it did not know of.
    pub beside: Vec<String>,
    /// What it did, field by field.
    pub changes: Vec<ChangeView>,
}

/// What one step did to one field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ChangeView {
    /// The field's name.
    pub field: String,
    /// What was done: `set`, `added`, `removed`, `ticked`, `unticked`, `reworded` or `moved`.
    pub deed: &'static str,
    /// The value before; of a set or a list, the element or the words of the item.
    pub from: Option<serde_json::Value>,
    /// The value after.
    pub to: Option<serde_json::Value>,
}

/// How up to date a replica is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Freshness {
    /// Relay, by key.
    pub relay: String,
    /// Its address.
    pub addr: String,
}

/// How things stand on this device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Status {
    /// The community's id.
    pub community: String,
    /// Its name; none until it can be read.
    pub title: Option<String>,
    /// This device.
    pub device: String,
    /// This person's name.
    pub name: Option<String>,
    /// Role and space (none: the whole community).
    pub roles: Vec<(String, Option<String>)>,
    /// Whether the community knows this device.
    pub is_member: bool,
    /// Whether it belonged and was removed.
    pub is_removed: bool,
    /// How far it has come in leaving, if it was.
    pub farewell: Option<Farewell>,
    /// Joined, and not yet confirmed by a lead.
    pub is_provisional: bool,
    /// Whether this person alone is owner or coordinator, with others to look after: should their
    /// devices be lost, only the recovery sheet helps.
    pub is_alone_at_top: bool,
    /// Members.
    pub members: usize,
    /// Spaces by id and name.
    pub spaces: Vec<(String, String)>,
    /// Records by space and kind.
    pub records: Vec<(String, String, u64)>,
    /// Records with a conflict.
    pub conflicts: u64,
    /// Entries held.
    pub held: u64,
    /// Entries that wait for a reading key.
    pub waiting_for_key: u64,
    /// Spaces whose reading keys this device lacks, and who can give them.
    pub key_waits: Vec<KeyWait>,
    /// Edits of this device not sent yet.
    pub pending: u64,
    /// Relays.
    pub relays: Vec<Freshness>,
    /// Digest of all heads: equal on devices that have the same.
    pub digest: String,
}

impl Replica {
    /// A member's name by one of their devices; the device's short id until the name can be read.
    #[must_use]
    pub fn name_of(&self, device: &DeviceId) -> String {
        self.mind.name_of(device)
    }

    /// A member's name.
    #[must_use]
    pub fn member_name(&self, member: &MemberId) -> String {
        let member_row = self.mind.roster.members().get(member);
        member_row
            .and_then(|row| self.mind.open_text(row.name.as_ref()?))
            .unwrap_or_else(|| member.short())
    }

    /// A space's name; its short id until the name can be read.
    #[must_use]
    pub fn space_name(&self, space: &LaneId) -> String {
        if *space == commons(&self.mind.community) {
            return "commons".to_owned();
        }
        let title = self.mind.roster.spaces().get(space);
        title
            .and_then(|row| self.mind.open_text(&row.title))
            .unwrap_or_else(|| space.short())
    }

    /// The community's name, once it can be read.
    #[must_use]
    pub fn title(&self) -> Option<String> {
        self.mind.open_text(self.mind.roster.title()?)
    }

    /// The space with this name or id (or the beginning of an id); `commons` is the commons.
    ///
    /// # Errors
    /// [`ReplicaError::UnknownSpace`]; [`ReplicaError::Removed`] if this device has left.
    pub fn find_space(&self, text: &str) -> Result<LaneId, ReplicaError> {
        let unknown = || self.unless_erased(ReplicaError::UnknownSpace(text.to_owned()));
        if text == "commons" {
            return Ok(self.mind.commons);
        }
        let spaces = self.mind.roster.spaces();
        let named = spaces.keys().find(|space| self.space_name(space) == text);
        let by_id = || {
            let mut like = spaces
                .keys()
                .filter(|space| space.to_string().starts_with(text));
            like.next()
                .filter(|_| !text.is_empty() && like.next().is_none())
        };
        named.or_else(by_id).copied().ok_or_else(unknown)
    }

    fn was_erased(&self, prefix: &str) -> bool {
        let records = self.mind.roster.erasures().records().iter();
        !prefix.is_empty()
            && records
                .map(|(record, _)| record.to_string())
                .any(|id| id.starts_with(prefix))
    }

    /// Why nothing is found: on a device that has left, because everything is erased.
    fn unless_erased(&self, error: ReplicaError) -> ReplicaError {
        match self.mind.farewell {
            Some(_) => ReplicaError::Removed,
            None => error,
        }
    }

    /// The record with this id, or the only one whose id begins so.
    ///
    /// # Errors
    /// [`ReplicaError::UnknownRecord`] or [`ReplicaError::AmbiguousRecord`].
    pub fn find_record(&self, text: &str) -> Result<RecordId, ReplicaError> {
        let text = text.trim().to_ascii_lowercase();
        let mut like = self.store.records_like(&text, 2)?.into_iter();
        match (like.next(), like.next()) {
            (Some(record), None) => Ok(record),
            (Some(_), Some(_)) => Err(ReplicaError::AmbiguousRecord(text)),
            (None, _) if self.was_erased(&text) => Err(ReplicaError::RecordErased),
            (None, _) => Err(self.unless_erased(ReplicaError::UnknownRecord(text))),
        }
    }

    /// Rows of the view, as the filter says.
    ///
    /// # Errors
    /// The store's.
    pub fn list(&self, filter: &RowFilter) -> Result<Vec<ViewRow>, ReplicaError> {
        let Some(search) = filter.words_wanted() else {
            return Ok(self.store.rows(filter)?);
        };
        // The index of words has no checksums: what it names is looked at.
        let was_whole = self.are_rows_ours()?;
        let mut rows = self.store.rows(filter)?;
        let all = rows.len();
        rows.retain(|row| {
            let words = view::words_of_row(self.mind.kind_or_plain(&row.kind), row);
            words.is_some_and(|words| search.fits(&words))
        });
        // Another program may be making rows by a schema that this one has not read yet.
        if rows.len() < all && was_whole && self.are_rows_ours()? {
            let (what, place) = ("the index of words", "the list of rows".to_owned());
            return Err(StoreError::Corrupt { what, place }.into());
        }
        Ok(rows)
    }

    /// How many records fit, whatever part of them the filter asks for. Of a search, as many as the index of
    /// words names: those that it names by damage are looked at only when they are shown.
    ///
    /// # Errors
    /// The store's.
    pub fn count(&self, filter: &RowFilter) -> Result<u64, ReplicaError> {
        Ok(self.store.count_rows(filter)?)
    }

    /// Which fields of which records lead to a record, by record and field.
    ///
    /// # Errors
    /// The store's.
    pub fn links_to(&self, record: RecordId) -> Result<Vec<(RecordId, String)>, ReplicaError> {
        Ok(self.store.links_to(&LinkTarget::Record(record))?)
    }

    /// A member with all devices that they have or had, to find what is theirs.
    ///
    /// # Errors
    /// [`ReplicaError::UnknownMember`].
    pub fn person(&self, member: MemberId) -> Result<Person, ReplicaError> {
        let row = self.mind.roster.members().get(&member);
        let row = row.ok_or_else(|| ReplicaError::UnknownMember(member.to_string()))?;
        let devices = row.devices.iter().chain(&row.removed_devices);
        let devices = devices.copied().collect();
        Ok(Person { member, devices })
    }

    /// Records by space, kind and state.
    ///
    /// # Errors
    /// The store's.
    pub fn state_counts(&self) -> Result<Vec<StateCount>, ReplicaError> {
        Ok(self.store.state_counts()?)
    }

    /// Records by space and kind.
    ///
    /// # Errors
    /// The store's.
    pub fn counts(&self) -> Result<Vec<KindCount>, ReplicaError> {
        Ok(self.store.counts()?)
    }

    /// One record, whole.
    ///
    /// # Errors
    /// [`ReplicaError::UnknownRecord`]; the store's.
    pub fn show(&self, record: RecordId) -> Result<RecordView, ReplicaError> {
        let unknown = || ReplicaError::UnknownRecord(record.to_string());
        let row = self.store.row(&record)?.ok_or_else(unknown)?;
        let work = load(&*self.store, &record)?.ok_or_else(unknown)?;
        let kind = self.mind.kind_or_plain(work.kind());
        let fields = work
            .doc()
            .fields(kind)
            .into_iter()
            .map(|field| self.field_view(work.doc(), kind, field))
            .collect();
        let held = self
            .store
            .held_of(&record)?
            .into_iter()
            .map(|held| (self.name_of(&held.entry.log.device), reason_of(&held)))
            .collect();
        Ok(RecordView {
            record: record.to_string(),
            space: self.space_name(&row.space),
            title: row.title,
            created_by: self.name_of(&row.created_by),
            created_at: row.created_at.0,
            updated_by: self.name_of(&row.updated_by),
            updated_at: row.updated_at.0,
            kind: row.kind,
            fields,
            held,
        })
    }

    fn field_view(&self, doc: &RecordDoc, kind: &Kind, field: FieldState) -> FieldView {
        let rival = |value: &Value, actor: &ActorId, change: &ChangeHash| {
            let made = doc.history_of(kind, change);
            let device = self.mind.device_of(actor);
            let step = made.as_ref().and_then(|made| {
                let mut steps = made.changes.iter();
                steps.find(|step| step.field == field.name)
            });
            Conflict {
                value: value.to_json(),
                by: self.name_of(&device),
                member: self.mind.roster.member_id(&device).map(|id| id.to_string()),
                at: made.as_ref().map(|made| made.at.0),
                saw: step.and_then(|step| step.from.as_ref().map(Value::to_json)),
                reason: reason_with(doc, kind, &field.name, value, change),
            }
        };
        let others = field.others.iter();
        FieldView {
            value: field.winner.to_json(),
            by: self.name_of(&self.mind.device_of(&field.set_by)),
            conflicts: others
                .map(|other| rival(&other.value, &other.actor, &other.change))
                .collect(),
            shown: field
                .set_in
                .map(|change| rival(&field.winner, &field.set_by, &change)),
            seen: field.set_in.and_then(|_| sight(doc, &field.name)),
            name: field.name,
        }
    }

    /// Who changed which field of a record from what to what, in causal order.
    ///
    /// # Errors
    /// [`ReplicaError::UnknownRecord`]; the store's.
    pub fn history(&self, record: RecordId) -> Result<Vec<HistoryEntry>, ReplicaError> {
        let work = load(&*self.store, &record)?
            .ok_or_else(|| ReplicaError::UnknownRecord(record.to_string()))?;
        let kind = self.mind.kind_or_plain(work.kind());
        let entries = work
            .doc()
            .history(kind)
            .into_iter()
            .map(|item| self.history_entry(item));
        Ok(entries.collect())
    }

    pub(super) fn history_entry(&self, item: HistoryItem) -> HistoryEntry {
        let changes = item.changes.into_iter().map(|change| ChangeView {
            deed: change.deed.name(),
            from: change.from.as_ref().map(Value::to_json),
            to: change.to.as_ref().map(Value::to_json),
            field: change.field,
        });
        let beside = item.beside.iter();
        let beside = beside.map(|actor| self.name_of(&self.mind.device_of(actor)));
        HistoryEntry {
            id: item.hash.to_string(),
            beside: beside.collect(),
            by: self.name_of(&self.mind.device_of(&item.actor)),
            at: item.at.0,
            changes: changes.collect(),
        }
    }

    /// Everybody who belongs, and who belonged.
    #[must_use]
    pub fn members(&self) -> Vec<MemberView> {
        let members = self.mind.roster.members();
        members
            .iter()
            .map(|(id, member)| MemberView {
                id: id.to_string(),
                name: member
                    .name
                    .as_ref()
                    .and_then(|name| self.mind.open_text(name)),
                roles: self.roles_in_words(&member.roles),
                devices: member.devices.iter().map(ToString::to_string).collect(),
                removed_devices: member
                    .removed_devices
                    .iter()
                    .map(ToString::to_string)
                    .collect(),
                unconfirmed_devices: member
                    .removed_devices
                    .iter()
                    .filter(|device| !self.mind.roster.has_left(device))
                    .map(ToString::to_string)
                    .collect(),
                is_provisional: member.is_provisional,
            })
            .collect()
    }

    fn roles_in_words<'r>(
        &self,
        roles: impl IntoIterator<Item = &'r (Scope, Role)>,
    ) -> Vec<(String, Option<String>)> {
        roles
            .into_iter()
            .map(|(scope, role)| {
                let space = match scope {
                    Scope::Community => None,
                    Scope::Space(space) => Some(self.space_name(space)),
                };
                (role.name().to_owned(), space)
            })
            .collect()
    }

    /// Every held entry: whose, and why.
    ///
    /// # Errors
    /// The store's.
    pub fn held(&self) -> Result<Vec<(DeviceId, HeldRow)>, ReplicaError> {
        let mut held = self.store.held()?;
        for lost in self.store.lost()? {
            let carried = self.store.batch(lost.batch.arrival)?;
            held.extend(carried.iter().flat_map(|carried| forked(&carried.batch)));
        }
        held.sort_by_key(|row| row.entry);
        Ok(held
            .into_iter()
            .map(|row| (row.entry.log.device, row))
            .collect())
    }

    fn held_count(&self) -> Result<u64, ReplicaError> {
        let lost = self.store.lost()?;
        let forked: u64 = lost.iter().map(|lost| lost.batch.entries).sum();
        Ok(self.store.held_count()? + forked)
    }

    /// How things stand.
    ///
    /// # Errors
    /// The store's.
    pub fn status(&self) -> Result<Status, ReplicaError> {
        let roster = &self.mind.roster;
        let member = roster
            .member_id(&self.mind.us)
            .and_then(|id| roster.members().get(&id));
        let counts = self.store.counts()?;
        let name = self
            .store
            .meta(meta::NAME)?
            .map(|name| String::from_utf8_lossy(&name).into());
        let own = self.mind.own_lanes();
        let spaces = own.iter().filter(|lane| **lane != self.mind.roster_lane);
        Ok(Status {
            community: self.mind.community.to_string(),
            title: self.title(),
            device: self.mind.us.to_string(),
            name,
            roles: member
                .map(|member| self.roles_in_words(&member.roles))
                .unwrap_or_default(),
            is_member: roster.devices().contains_key(&self.mind.us),
            is_removed: self.mind.is_removed(),
            farewell: self.farewell(),
            is_provisional: member.is_some_and(|member| member.is_provisional),
            is_alone_at_top: self.is_alone_at_top(),
            members: roster
                .members()
                .values()
                .filter(|member| !member.is_former())
                .count(),
            spaces: spaces
                .map(|lane| (lane.to_string(), self.space_name(lane)))
                .collect(),
            conflicts: counts.iter().map(|count| count.in_conflict).sum(),
            records: counts
                .into_iter()
                .map(|count| (self.space_name(&count.space), count.kind, count.records))
                .collect(),
            held: self.held_count()?,
            waiting_for_key: self
                .store
                .waited_for()?
                .iter()
                .map(|(_, count)| count)
                .sum(),
            key_waits: self.key_waits()?,
            pending: self.pending_count()?,
            relays: self
                .mind
                .relays
                .iter()
                .map(|relay| Freshness {
                    relay: relay.relay.to_string(),
                    addr: relay.addr.clone(),
                })
                .collect(),
            digest: data_encoding::HEXLOWER.encode(&self.heads_digest()?.0),
        })
    }

    /// Whether this person alone is owner or coordinator, with others to look after.
    #[must_use]
    pub fn is_alone_at_top(&self) -> bool {
        let is_top = |member: &&Member| {
            let mut roles = member.roles.iter();
            roles.any(|(scope, role)| *scope == Scope::Community && *role >= Role::Coordinator)
        };
        let members = self.mind.roster.members();
        let us = self.mind.roster.member_id(&self.mind.us);
        let is_ours = us
            .and_then(|id| members.get(&id))
            .is_some_and(|us| is_top(&us));
        let there = members.values().filter(|member| !member.is_former());
        is_ours && there.clone().count() > 1 && there.filter(is_top).count() == 1
    }

    /// The changes in a batch, as far as this device can open them: for tools that check or measure.
    #[must_use]
    pub fn payloads(&self, batch: &VerifiedBatch) -> Vec<(RecordId, Payload)> {
        let log = batch.log();
        let opened = self
            .mind
            .open_batch(batch)
            .into_iter()
            .filter_map(|(_, opened)| opened.ok());
        opened
            .map(|incoming| {
                let target = &incoming.payload.target;
                (
                    target.record_id(&log.device, &log.incarnation),
                    incoming.payload,
                )
            })
            .collect()
    }

    /// Digest of all rows that this device shows of a space: equal on devices that show the same.
    ///
    /// # Errors
    /// The store's.
    pub fn view_digest(&self, space: &LaneId) -> Result<blake3::Hash, ReplicaError> {
        let filter = RowFilter {
            space: Some(*space),
            ..RowFilter::default()
        };
        let mut rows = self.store.rows(&filter)?;
        rows.sort_unstable_by_key(|row| row.record);
        let mut hasher = blake3::Hasher::new_derive_key(domain::VIEW_DIGEST);
        for row in rows {
            for part in [
                row.kind.as_bytes(),
                row.title.as_bytes(),
                row.fields.as_bytes(),
            ] {
                hasher.update(&(part.len() as u64).to_be_bytes());
                hasher.update(part);
            }
            for part in [&row.state, &row.due, &row.day] {
                let part = part.as_deref().unwrap_or_default();
                hasher.update(&(part.len() as u64).to_be_bytes());
                hasher.update(part.as_bytes());
            }
            hasher.update(row.record.as_bytes());
            hasher.update(row.created_by.as_bytes());
            hasher.update(&row.created_at.0.to_be_bytes());
            hasher.update(row.updated_by.as_bytes());
            hasher.update(&row.updated_at.0.to_be_bytes());
            hasher.update(&row.conflicts.to_be_bytes());
        }
        Ok(hasher.finalize())
    }

    /// When the records that this device shows were last changed, by their authors' clocks.
    ///
    /// # Errors
    /// The store's.
    pub fn newest_change(&self) -> Result<Option<Millis>, ReplicaError> {
        let filter = RowFilter {
            limit: Some(1),
            ..RowFilter::default()
        };
        Ok(self.store.rows(&filter)?.first().map(|row| row.updated_at))
    }
}

fn reason_of(held: &HeldRow) -> String {
    Hold::from_code(held.reason).map_or_else(
        || {
            format!(
                "held for a reason that a newer version knows ({})",
                held.reason.0
            )
        },
        |hold| hold.to_string(),
    )
}

/// Entries of a losing branch; their positions may be held for another reason too.
fn forked(batch: &VerifiedBatch) -> Vec<HeldRow> {
    let entries = batch.entries();
    let rows = entries.map(|stored| HeldRow {
        entry: EntryRef {
            log: *batch.log(),
            seq: stored.seq,
        },
        record: None,
        reason: Hold::Forked.code(),
    });
    rows.collect()
}
