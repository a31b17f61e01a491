//! What phones say of who has what, and what is so.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use sync_core::id::{LogId, MemberId, RecordId, Seq};
use sync_core::replica::{Replica, TickLevel};
use sync_core::store::{RowFilter, StoreRead};

use super::net::Node;
use super::phone::Life;
use super::{Broken, Outcome, World, broken};

fn unreadable(error: impl std::fmt::Display) -> Broken {
    Broken(format!("a phone cannot be read: {error}"))
}

impl World {
    /// Whoever is said to have a record has all entries that it was made of. Not so where somebody lies
    /// of themselves, a relay was set back, or a store went on from a copy of yesterday.
    pub(super) fn check_ticks(&self) -> Outcome {
        if !self.is_plain() {
            return Ok(());
        }
        for index in self.phones_on() {
            let replica = self.replica(index)?;
            let rows = replica.list(&RowFilter::default()).map_err(unreadable)?;
            let records: Vec<_> = rows.iter().map(|row| row.record).collect();
            let ticks = replica.ticks_of(&records).map_err(unreadable)?;
            for (record, ticks) in records.iter().zip(&ticks) {
                let newest = replica.newest_entries(record).map_err(unreadable)?;
                for member in ticks.colleagues.iter().chain(&ticks.coordinators) {
                    let has = self.devices_of(replica, member).into_iter().any(|other| {
                        let mut newest = newest.iter();
                        newest.all(|(log, seq)| self.has_entry(other, log, *seq))
                    });
                    if !has {
                        return broken!(
                            "phone {index} says that {} has record {}, and they have not: {newest:?}{}",
                            member.short(),
                            record.short(),
                            self.told_of_readings(record)?
                        );
                    }
                }
                if ticks.on_relay && !newest.iter().all(|(log, seq)| self.hub_has(log, *seq)) {
                    return broken!(
                        "phone {index} says that the relay has record {}, and it has not",
                        record.short()
                    );
                }
            }
        }
        Ok(())
    }

    fn devices_of(&self, replica: &Replica, member: &MemberId) -> Vec<usize> {
        let phones = self.phones.iter().enumerate();
        let theirs = phones.filter(|(_, phone)| {
            replica.roster().member_id(&phone.device()).as_ref() == Some(member)
        });
        theirs.map(|(index, _)| index).collect()
    }

    fn has_entry(&self, index: usize, log: &LogId, seq: Seq) -> bool {
        let head = self.phones.get(index).map(|phone| match &phone.life {
            Life::On { replica, .. } => replica.store().head(log),
            Life::Off(store) => store.head(log),
        });
        // A disk that was killed cannot be asked before it is revived.
        head.is_some_and(|head| head.map_or(true, |head| head.seq >= seq))
    }

    fn hub_has(&self, log: &LogId, seq: Seq) -> bool {
        let rows = self.hub.rows();
        let mut rows = rows.iter().filter(|row| row.batch.log() == log);
        rows.any(|row| row.batch.last_seq() >= seq)
    }

    /// What each phone has of receipts and of a record's entries, for whoever reads of a failure.
    fn told_of_readings(&self, record: &RecordId) -> Outcome<String> {
        let mut told = String::new();
        for row in self.hub.rows() {
            let (log, last) = (row.batch.log(), row.batch.last_seq());
            let (lane, device) = (log.lane.short(), log.device.short());
            _ = write!(told, "\nat {}: {lane} {device} upto {last}", row.arrival.0);
        }
        for index in self.phones_on() {
            let replica = self.replica(index)?;
            let newest = replica.newest_entries(record).map_err(unreadable)?;
            let member = replica.roster().member_id(&replica.device());
            _ = write!(
                told,
                "\nphone {index}, {member:?}, has {newest:?} and of receipts:"
            );
            for (log, seq) in &newest {
                let first = replica.store().missing(log, *seq, 1).map_err(unreadable)?;
                let arrival = first.first().map(|batch| batch.arrival).unwrap_or_default();
                let store = self.hub.store_id();
                let position = replica.store().position(&store, arrival);
                _ = write!(told, " at {:?};", position.map_err(unreadable)?);
            }
            for kept in replica.store().receipts().map_err(unreadable)? {
                let reading = kept.receipt.reading();
                let device = kept.receipt.device().short();
                let (position, lanes) = (reading.position, kept.lanes.len());
                _ = write!(told, " {device} at {position} of {lanes} lanes;");
            }
        }
        Ok(told)
    }

    /// Everybody says how far they have read, and hears it of all others.
    pub(super) fn settle_receipts(&mut self) -> Outcome {
        let place = self.meeting_place();
        if place != Node::Relay {
            return Ok(());
        }
        for _ in 0..2 {
            for index in self.phones_in() {
                self.meet_and_part(index, place)?;
            }
        }
        Ok(())
    }

    /// When all have read everything and heard of each other, every record has all its ticks.
    pub(super) fn check_ticks_are_whole(&self) -> Outcome {
        if !self.is_plain() || self.meeting_place() != Node::Relay {
            return Ok(());
        }
        let phones = self.phones_in();
        for index in &phones {
            let replica = self.replica(*index)?;
            let roster = replica.roster();
            let us = roster.member_id(&replica.device());
            let rows = replica.list(&RowFilter::default()).map_err(unreadable)?;
            for row in rows {
                let ticks = replica.ticks(row.record).map_err(unreadable)?;
                let told: BTreeSet<MemberId> = ticks
                    .colleagues
                    .iter()
                    .chain(&ticks.coordinators)
                    .copied()
                    .collect();
                let devices = phones.iter().filter_map(|phone| self.phones.get(*phone));
                let readers = devices
                    .map(super::phone::Phone::device)
                    .filter(|device| roster.may_read(device, &row.space));
                let readers = readers.filter_map(|device| roster.member_id(&device));
                let readers: BTreeSet<MemberId> =
                    readers.filter(|member| Some(*member) != us).collect();
                // Who has lost their phone may have read it too.
                let is_whole = told.is_superset(&readers)
                    && ticks.on_relay
                    && ticks.pending == 0
                    && (readers.is_empty() || ticks.level >= TickLevel::Colleague);
                if !is_whole {
                    return broken!(
                        "phone {index}: all have record {} and its ticks are {ticks:?}; readers: \
                         {readers:?}{}",
                        row.record.short(),
                        self.told_of_readings(&row.record)?
                    );
                }
            }
            for other in replica.freshness().map_err(unreadable)? {
                let is_here = phones.iter().any(|phone| {
                    let device = self.phones.get(*phone).map(super::phone::Phone::device);
                    device.and_then(|device| roster.member_id(&device)) == Some(other.member)
                });
                if is_here && (other.lacks > 0 || (!other.is_self && other.heard_at.is_none())) {
                    return broken!("phone {index}: all have everything, and it says {other:?}");
                }
            }
        }
        Ok(())
    }
}
