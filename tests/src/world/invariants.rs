//! What must hold: now and then on the way, and all of it in the end.

use std::collections::{BTreeMap, BTreeSet, hash_map::DefaultHasher};
use std::fmt::Write as _;
use std::hash::{Hash, Hasher};

use sync_core::epoch::EpochKey;
use sync_core::id::{Arrival, EpochId, LaneId};
use sync_core::keys::Secret;
use sync_core::record::RecordDoc;
use sync_core::replica::{Farewell, HistoryEntry, Hold, RecordView, Replica};
use sync_core::roster::statement::Statement;
use sync_core::roster::{Said, roster_lane};
use sync_core::session::carrier::Carrier as _;
use sync_core::store::{HeldRow, RowFilter, ViewRow};

use super::heal::IN_SYNC_BYTES_MAX;
use super::net::Node;
use super::oracle::{Fate, Found, Way, tokens_in};
use super::{Broken, Outcome, World, broken};

/// Everything that a phone shows of one space.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Shown {
    rows: Vec<ViewRow>,
    records: Vec<(RecordView, Vec<HistoryEntry>)>,
    held: Vec<HeldRow>,
}

fn unreadable(error: impl std::fmt::Display) -> Broken {
    Broken(format!("a phone cannot be read: {error}"))
}

fn shown(world: &World, index: usize, space: LaneId) -> Outcome<Shown> {
    let replica = world.replica(index)?;
    let filter = RowFilter {
        space: Some(space),
        ..RowFilter::default()
    };
    let rows = replica.list(&filter).map_err(unreadable)?;
    let records = rows
        .iter()
        .map(|row| Ok((replica.show(row.record)?, replica.history(row.record)?)))
        .collect::<Result<_, sync_core::replica::ReplicaError>>()
        .map_err(unreadable)?;
    let held = replica
        .held()
        .map_err(unreadable)?
        .into_iter()
        .map(|(_, row)| row);
    // A losing branch is known to those who heard of it before it lost.
    let held = held
        .filter(|row| row.entry.log.lane == space && row.reason != Hold::Forked.code())
        .collect();
    Ok(Shown {
        rows,
        records,
        held,
    })
}

/// How often each token is shown.
fn found_in(shown: &Shown) -> BTreeMap<Way, Found> {
    let mut found: BTreeMap<Way, Found> = BTreeMap::new();
    let mut count = |way, text: &str| {
        for token in tokens_in(text) {
            *found
                .entry(way)
                .or_default()
                .entry(token.to_owned())
                .or_default() += 1;
        }
    };
    for (record, history) in &shown.records {
        for field in &record.fields {
            let others = field.conflicts.iter().map(|conflict| &conflict.value);
            for text in others
                .chain([&field.value])
                .filter_map(|value| value.as_str())
            {
                count(Way::Text, text);
            }
        }
        for change in history.iter().flat_map(|entry| &entry.changes) {
            let text = |value: &Option<serde_json::Value>| {
                value
                    .as_ref()
                    .and_then(|it| it.as_str())
                    .unwrap_or_default()
                    .to_owned()
            };
            let before = text(&change.from);
            for token in tokens_in(&text(&change.to)).filter(|token| !before.contains(*token)) {
                count(Way::Title, &super::oracle::mark(token));
            }
        }
    }
    found
}

impl World {
    /// A connection on which nothing moves has nothing left to do.
    pub(super) fn check_silent_connections(&self) -> Outcome {
        for id in self.net.ids() {
            let Some(connection) = self.net.get(id) else {
                continue;
            };
            let ends = [connection.dialer, connection.acceptor];
            let is_plain = self.summary.revocations == 0
                && !(ends.contains(&Node::Relay) && self.summary.lies > 0);
            if connection.is_cut || !connection.is_silent() || !self.is_honest(id) || !is_plain {
                continue;
            }
            for end in ends {
                let Node::Phone(index) = end else { continue };
                let replica = self.replica(index)?;
                let talk = self
                    .phones
                    .get(index)
                    .and_then(|phone| phone.talks.get(&id));
                let Some(peer) = talk.and_then(|talk| talk.peer.as_ref()) else {
                    return broken!("phone {index} waits for a hello on {id:?} for ever");
                };
                if !peer.is_done(replica) {
                    return broken!("phone {index}'s session {id:?} stands still: {peer:#?}");
                }
                let lacking = peer.report().lacking;
                if !lacking.is_empty() && self.is_relay_true() {
                    return broken!("phone {index} reports a loss that was none: {lacking:?}");
                }
                let refusals = peer.report().refusals;
                if !refusals.is_empty() && self.is_plain() {
                    return broken!("phone {index} was refused {refusals:?} on {id:?}");
                }
            }
            self.check_equal(ends)?;
        }
        Ok(())
    }

    /// Whether every phone is itself and belongs, and the relay keeps its word.
    pub(super) fn is_plain(&self) -> bool {
        self.summary.copies == 0
            && self.summary.revocations == 0
            && self.villain.is_none()
            && self.is_relay_true()
    }

    /// Two between whom nothing moves have the same in all lanes that both may have.
    fn check_equal(&self, ends: [Node; 2]) -> Outcome {
        if !self.is_plain() {
            return Ok(());
        }
        let [Node::Phone(one), Node::Phone(other)] = ends else {
            return self.hub_equals(ends);
        };
        let (a, b) = (self.replica(one)?, self.replica(other)?);
        let lanes = a.lanes_for(&b.device());
        for lane in lanes.intersection(&b.lanes_for(&a.device())) {
            if !(a.own_lanes().contains(lane) && b.own_lanes().contains(lane)) {
                continue;
            }
            let heads = |replica: &Replica| replica.store().heads(lane).map_err(unreadable);
            if heads(a)? != heads(b)? {
                return broken!(
                    "phones {one} and {other} are silent and differ in lane {}:\n{:?}\n{:?}",
                    lane.short(),
                    heads(a)?,
                    heads(b)?
                );
            }
        }
        Ok(())
    }

    /// Judging everything again from the entries changes nothing, nor does opening the store again.
    pub(super) fn check_rebuild(&mut self, index: usize) -> Outcome {
        if self.phone(index).has_faults {
            return Ok(());
        }
        let lanes: BTreeSet<LaneId> = self.replica(index)?.own_lanes();
        let all = |world: &Self| -> Outcome<Vec<Shown>> {
            lanes
                .iter()
                .map(|lane| shown(world, index, *lane))
                .collect()
        };
        let before = all(self)?;
        let rebuilt = self
            .phone(index)
            .with(0, |replica, _| replica.rebuild_all());
        if let Some(Err(error)) = rebuilt {
            return broken!("phone {index} could not be rebuilt: {error}");
        }
        same(&before, &all(self)?, &format!("rebuilding phone {index}"))?;
        let roster = self.replica(index)?.roster().clone();
        let copy = self.phone(index).copy_of_disk()?;
        drop(copy);
        same(
            &before,
            &all(self)?,
            &format!("opening phone {index} again"),
        )?;
        if roster != *self.replica(index)?.roster() {
            return broken!("phone {index} knows another roster after it was opened again");
        }
        Ok(())
    }

    pub(super) fn check_all(&mut self) -> Outcome {
        self.check_rosters()?;
        self.check_views()?;
        self.check_villain()?;
        for index in self.phones_in() {
            self.check_nothing_foreign(index)?;
        }
        for index in self.phones_left() {
            self.check_gone(index)?;
        }
        self.hub_check()?;
        let left = self.phones_left();
        if let Some(index) = self.pick(&left) {
            self.check_rebuild(index)?;
        }
        self.settle_receipts()?;
        self.check_ticks()?;
        self.check_ticks_are_whole()?;
        self.check_in_sync()
    }

    fn check_rosters(&self) -> Outcome {
        let reference = self.reference();
        let roster = self.replica(reference)?.roster();
        for index in self.phones_in() {
            if self.replica(index)?.roster() != roster {
                return broken!(
                    "phones {reference} and {index} have the same entries and other rosters"
                );
            }
        }
        Ok(())
    }

    /// The same entries make the same view, and all that was durable is in it.
    fn check_views(&self) -> Outcome {
        let mut known: BTreeMap<LaneId, (usize, Shown)> = BTreeMap::new();
        let honest = self.phones_in().into_iter();
        for index in honest.filter(|index| !self.is_villain(*index)) {
            let replica = self.replica(index)?;
            for lane in replica.own_lanes() {
                let mine = shown(self, index, lane)?;
                match known.get(&lane) {
                    Some((other, theirs)) => {
                        let what = format!("lane {} on phones {other} and {index}", lane.short());
                        same(std::slice::from_ref(theirs), &[mine], &what)?;
                    }
                    None => {
                        known.insert(lane, (index, mine));
                    }
                }
            }
            if let Some((epoch, count)) = replica.store().waited_for().map_err(unreadable)?.first()
            {
                return broken!("phone {index}: {count} entries wait for key {epoch:?}");
            }
        }
        for (lane, (index, shown)) in &known {
            self.check_oracle(*lane, *index, shown)?;
        }
        Ok(())
    }

    fn check_oracle(&self, space: LaneId, index: usize, shown: &Shown) -> Outcome {
        let found = found_in(shown);
        for written in self.oracle.of_space(space) {
            let times = found
                .get(&written.way)
                .and_then(|it| it.get(&written.token));
            let times = times.copied().unwrap_or(0);
            let is_fine = match written.fate {
                Fate::Sure => times == 1,
                Fate::Open => times <= written.lives,
                Fate::Never => times == 0,
            };
            if !is_fine {
                let held: Vec<_> = shown
                    .held
                    .iter()
                    .map(|row| (row.entry.seq, row.reason))
                    .collect();
                return broken!("phone {index} shows {times} times {written:?}; held: {held:?}");
            }
        }
        Ok(())
    }

    /// A phone that was removed and has met everybody has nothing left, and all know that.
    fn check_gone(&self, index: usize) -> Outcome {
        let replica = self.replica(index)?;
        let device = replica.device();
        if !replica.roster().former().contains_key(&device) {
            return Ok(());
        }
        if replica.pending_count().map_err(unreadable)? > 0 {
            // The key that it would need came after it had gone.
            return Ok(());
        }
        if replica.farewell() != Some(Farewell::Confirmed) {
            return broken!(
                "phone {index} ({}) was removed and has come so far in leaving: {:?}",
                device.short(),
                replica.farewell()
            );
        }
        let store = replica.store();
        let logs = store.logs().map_err(unreadable)?;
        let roster = roster_lane(&replica.community());
        let records = store.records().map_err(unreadable)?;
        let is_empty = logs.iter().all(|log| log.lane == roster)
            && records.is_empty()
            && store.meta("keyring").map_err(unreadable)?.is_none()
            && store
                .held()
                .map_err(unreadable)?
                .iter()
                .all(|row| row.entry.log.lane == roster);
        if !is_empty {
            return broken!("phone {index} was removed and still has {logs:?}, {records:?}");
        }
        if !self.replica(self.reference())?.roster().has_left(&device) {
            return broken!("phone {index} has erased everything and nobody knows");
        }
        Ok(())
    }

    /// A phone has no batches, records or keys of spaces that it may not read.
    fn check_nothing_foreign(&self, index: usize) -> Outcome {
        let replica = self.replica(index)?;
        let store = replica.store();
        let lanes = replica.roster().lanes_of(&replica.device());
        let logs = store.logs().map_err(unreadable)?;
        // A space whose maker turns out to have been cut off before is none. What has come of it is kept, for
        // it is one again if a higher word cuts them off later; it is shown and offered to nobody (ADR 21).
        let all = replica.roster().all_lanes();
        let is_own = |lane: &LaneId| lanes.contains(lane) || !all.contains(lane);
        if let Some(log) = logs.iter().find(|log| !is_own(&log.lane)) {
            return broken!(
                "phone {index} carries lane {} and may not",
                log.lane.short()
            );
        }
        let rows = store.rows(&RowFilter::default()).map_err(unreadable)?;
        if let Some(row) = rows.iter().find(|row| !lanes.contains(&row.space)) {
            return broken!(
                "phone {index} shows a record of {} and may not",
                row.space.short()
            );
        }
        for record in store.records().map_err(unreadable)? {
            let doc = store.doc(&record).map_err(unreadable)?;
            let Some(doc) = doc.filter(|doc| !lanes.contains(&doc.space)) else {
                continue;
            };
            // Of a space that is none nothing is merged; which entries are held is noted.
            let tails = store.tails(&record).map_err(unreadable)?;
            let merged = RecordDoc::load(&doc.base, tails.iter().map(|tail| tail.chunk.as_slice()));
            if all.contains(&doc.space) || merged.map_err(unreadable)?.change_count() > 0 {
                return broken!("phone {index} has a document of a space that it may not read");
            }
        }
        let own = self.epochs_of(replica, &lanes)?;
        let ring = store
            .meta("keyring")
            .map_err(unreadable)?
            .unwrap_or_default();
        for secret in ring.as_chunks::<32>().0 {
            let id = EpochKey::from_secret(Secret::new(*secret)).id();
            if !own.contains(&id) {
                return broken!("phone {index} has a reading key of a space that is not its own");
            }
        }
        Ok(())
    }

    /// The keys of these lanes that anybody has ever made: also those that do not count open what was
    /// written under them. A space that counts no more has left its key behind, and nothing to read.
    fn epochs_of(&self, replica: &Replica, lanes: &BTreeSet<LaneId>) -> Outcome<BTreeSet<EpochId>> {
        let community = replica.community();
        let lane = roster_lane(&community);
        let batches = replica.stretch(&lane, Arrival(0), Arrival(u64::MAX), usize::MAX);
        let batches = batches.map_err(unreadable)?;
        let said = batches
            .iter()
            .flat_map(|carried| Said::in_batch(&community, &carried.batch));
        let all = replica.roster().all_lanes();
        let is_own = |space: &LaneId| lanes.contains(space) || !all.contains(space);
        let own = said.filter_map(|said| {
            let Statement::Epoch(epoch) = said.statement else {
                return None;
            };
            is_own(&epoch.space).then_some(epoch.epoch)
        });
        Ok(own.collect())
    }

    /// Two who have the same find it out with a handful of bytes.
    fn check_in_sync(&mut self) -> Outcome {
        let place = self.meeting_place();
        for index in self.phones_in() {
            for with in [place, Node::Phone(self.reference()), Node::Phone(1)] {
                let is_odd = |phone| self.is_out(phone) || self.is_villain(phone);
                if is_odd(index) || matches!(with, Node::Phone(other) if is_odd(other)) {
                    continue;
                }
                if with == Node::Phone(index)
                    || self.device_at(with) == Some(self.phone(index).device())
                {
                    continue;
                }
                let Some(id) = self.dial(index, with)? else {
                    continue;
                };
                self.flow_to_silence()?;
                let Some(bytes) = self.net.get(id).map(super::net::Connection::bytes) else {
                    return broken!("phone {index} and {with:?} have the same and cannot talk");
                };
                let talk = self.phone(index).talks.get(&id);
                let report = talk
                    .and_then(|talk| talk.peer.as_ref())
                    .map(|peer| peer.report());
                let trips = report.map_or(0, |report| report.round_trips);
                if bytes > IN_SYNC_BYTES_MAX || trips != 1 {
                    return broken!(
                        "phone {index} and {with:?} have the same, and it took {bytes} bytes and \
                         {trips} round trips to know it"
                    );
                }
                self.net.cut(id, &mut self.rng);
                self.close_if_over(id)?;
            }
        }
        Ok(())
    }

    /// Of everything that was told and of what all have in the end.
    pub(super) fn digest(&self) -> Outcome<u64> {
        let mut hasher = DefaultHasher::new();
        self.trace.hash(&mut hasher);
        for index in self.phones_left() {
            self.replica(index)?
                .heads_digest()
                .map_err(unreadable)?
                .hash(&mut hasher);
        }
        self.oracle.sure_count().hash(&mut hasher);
        Ok(hasher.finish())
    }
}

/// Says where two views differ first.
fn same(one: &[Shown], other: &[Shown], what: &str) -> Outcome {
    for (a, b) in one.iter().zip(other) {
        if a == b {
            continue;
        }
        let mut told = String::new();
        if let Some((x, y)) = a.rows.iter().zip(&b.rows).find(|(x, y)| x != y) {
            _ = write!(told, "\nrows:\n{x:?}\n{y:?}");
        }
        if let Some((x, y)) = a.records.iter().zip(&b.records).find(|(x, y)| x != y) {
            _ = write!(told, "\nrecords:\n{x:?}\n{y:?}");
        }
        let only = |p: &Shown, q: &Shown| -> Vec<HeldRow> {
            let own = p.held.iter().filter(|row| !q.held.contains(row));
            own.cloned().collect()
        };
        if a.held != b.held {
            _ = write!(told, "\nheld:\n{:?}\n{:?}", only(a, b), only(b, a));
        }
        if !told.is_empty() {
            return broken!("{what}: what is shown differs:{told}");
        }
        let titles = |p: &Shown, q: &Shown| -> Vec<ViewRow> {
            p.rows
                .iter()
                .filter(|row| !q.rows.contains(row))
                .cloned()
                .collect()
        };
        return broken!(
            "{what}: rows are missing:\n{:?}\n{:?}",
            titles(a, b),
            titles(b, a)
        );
    }
    Ok(())
}
