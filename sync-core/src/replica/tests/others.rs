//! What went wrong in other systems, and does not here. docs/threat-model.md says whose case each is.

use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::entry::SignedBatch;
use crate::entry::seal::{PlainEntry, seal_batch};
use crate::epoch::EpochKey;
use crate::id::{ChainHash, EpochId, MemberId};
use crate::keys::epoch_seal_info;
use crate::record::compress;
use crate::replica::mind::each_in_lane;
use crate::replica::{Hold, Removal};
use crate::roster::statement::Recipient;
use crate::wire::batches::Received;

fn member_of(phone: &Phone) -> MemberId {
    let device = phone.replica.device();
    phone.replica.roster().member_id(&device).unwrap()
}

impl Phone {
    fn takes_away(&mut self, removal: Removal) {
        let (now, mut rng) = self.moment_parts();
        let moment = &mut Moment { now, rng: &mut rng };
        self.replica.revoke(&removal, moment).unwrap();
    }

    fn signer(&self) -> Arc<dyn Signer> {
        Arc::clone(&self.replica.mind.signer)
    }

    /// The epoch of each batch of a space.
    fn sealed_under(&self, space: LaneId) -> BTreeMap<ChainHash, EpochId> {
        let mut epochs = BTreeMap::new();
        each_in_lane(self.replica.store(), &space, |batch| {
            epochs.insert(batch.head().chain, batch.place().epoch);
        })
        .unwrap();
        epochs
    }

    /// The epochs under which a space was sealed since.
    fn sealed_since(&self, space: LaneId, before: &Self) -> BTreeSet<EpochId> {
        let before = before.sealed_under(space);
        let now = self.sealed_under(space).into_iter();
        let new = now.filter(|(chain, _)| !before.contains_key(chain));
        new.map(|(_, epoch)| epoch).collect()
    }

    /// Every key that these keys open, out of all that was ever said as this phone has heard it.
    fn opens(&self, keys: &dyn Signer, as_who: &Recipient) -> BTreeSet<EpochId> {
        let info = epoch_seal_info(&self.replica.community());
        let epochs = self.replica.roster().epochs();
        let sealed = epochs
            .values()
            .filter_map(|epoch| epoch.sealed.get(as_who))
            .flatten();
        let opened = sealed.filter_map(|copy| keys.open(&info, copy).ok());
        let mut ring: BTreeMap<EpochId, EpochKey> = opened
            .map(EpochKey::from_secret)
            .map(|key| (key.id(), key))
            .collect();
        loop {
            let before = ring.len();
            for ((_, id), epoch) in epochs {
                let Some(key) = ring.get(id).cloned() else {
                    continue;
                };
                for (older, copies) in &epoch.older {
                    let unwrapped = copies.iter().find_map(|it| key.unwrap_older(older, it));
                    ring.extend(unwrapped.map(|key| (key.id(), key)));
                }
            }
            if ring.len() == before {
                return ring.into_keys().collect();
            }
        }
    }

    /// What another phone has or could open, if it got hold of all that this one has heard.
    fn opened_by(&self, other: &Self) -> BTreeSet<EpochId> {
        let device = Recipient::Device(other.replica.device());
        let mut opened = self.opens(&*other.signer(), &device);
        opened.extend(other.replica.mind.keyring.iter().map(EpochKey::id));
        opened
    }

    /// As it is now.
    fn copy(&self) -> Self {
        Self {
            replica: Replica::open(backup(&self.replica), self.signer()).unwrap(),
            rng: ChaCha8Rng::seed_from_u64(99),
            now: self.now,
        }
    }
}

fn everybody_meets(phones: &mut [&mut Phone]) {
    for _ in 0..2 {
        let (first, others) = phones.split_first_mut().unwrap();
        for other in others {
            meet(other, first);
        }
    }
}

#[test]
fn after_concurrent_removals_neither_of_the_removed_reads_what_is_written() {
    let (mut founder, mut x, space) = village();
    let scope = Scope::Space(space);
    let mut people = [(3, Role::Lead), (4, Role::Lead), (5, Role::Volunteer)]
        .map(|(seed, role)| join_by_hand(&mut founder, scope, role, seed, "何姐"));
    let [a, b, y] = &mut people;
    everybody_meets(&mut [&mut founder, a, b, &mut x, y]);
    // Each lead hears of one lost phone, and both go on writing before they meet.
    a.takes_away(Removal::Member(member_of(&x)));
    b.takes_away(Removal::Member(member_of(y)));
    let mut records = vec![visit(a, space), visit(b, space)];
    for lead in [&mut *a, &mut *b] {
        let (now, mut rng) = lead.moment_parts();
        let moment = &mut Moment { now, rng: &mut rng };
        lead.replica.seal_pending(moment).unwrap();
    }
    everybody_meets(&mut [&mut founder, a, b]);
    let before = founder.copy();
    let used: BTreeSet<EpochId> = before.sealed_under(space).into_values().collect();
    assert!(!used.is_subset(&before.opened_by(&x)));
    for phone in [&mut founder, &mut *a, &mut *b] {
        records.push(visit(phone, space));
    }
    everybody_meets(&mut [&mut founder, a, b]);
    let since = founder.sealed_since(space, &before);
    assert!(!since.is_empty());
    for removed in [&x, &*y] {
        assert!(since.is_disjoint(&founder.opened_by(removed)));
    }
    // Who stays reads all of it, under whichever key it was written.
    for phone in [&founder, &*a, &*b] {
        for record in &records {
            assert!(phone.replica.show(*record).is_ok());
        }
    }
}

#[test]
fn whoever_stays_and_whoever_comes_reads_what_is_written_after_a_removal() {
    let (mut founder, mut removed, space) = village();
    let scope = Scope::Space(space);
    let mut stays = join_by_hand(&mut founder, scope, Role::Observer, 3, "李阿姨");
    everybody_meets(&mut [&mut founder, &mut stays, &mut removed]);
    let early = visit(&mut removed, space);
    meet(&mut removed, &mut founder);
    let before = founder.copy();
    founder.takes_away(Removal::Member(member_of(&removed)));
    let late = visit(&mut founder, space);
    meet(&mut stays, &mut founder);
    let mut comes = join_by_hand(&mut founder, scope, Role::Volunteer, 4, "新人");
    meet(&mut comes, &mut founder);
    for phone in [&stays, &comes] {
        assert!(phone.replica.show(early).is_ok() && phone.replica.show(late).is_ok());
    }
    let since = founder.sealed_since(space, &before);
    let lost = founder.opened_by(&removed);
    assert!(!since.is_empty() && since.is_disjoint(&lost));
    assert!(since.is_subset(&founder.opened_by(&comes)));
    // The new key leads to the old ones, and none of the old ones to it.
    assert!(!lost.is_empty() && lost.is_subset(&founder.opened_by(&comes)));
}

#[test]
fn ticket_that_was_taken_back_opens_nothing_that_is_written_later() {
    let (mut founder, _, space) = village();
    let (now, mut rng) = founder.moment_parts();
    let moment = &mut Moment { now, rng: &mut rng };
    let invited = founder
        .replica
        .invite(Scope::Space(space), Role::Volunteer, 5, moment);
    let ticket = invited.unwrap();
    visit(&mut founder, space);
    founder.replica.seal_pending(moment).unwrap();
    let before = founder.copy();
    founder.takes_away(Removal::Invite(ticket.invite()));
    visit(&mut founder, space);
    founder.replica.seal_pending(moment).unwrap();
    // Whoever has the ticket has heard everything, before and after.
    let thief = Recipient::Invite(ticket.invite());
    let mut opened = before.opens(&ticket.keys(), &thief);
    opened.extend(founder.opens(&ticket.keys(), &thief));
    let until_then: BTreeSet<EpochId> = before.sealed_under(space).into_values().collect();
    let since = founder.sealed_since(space, &before);
    assert!(!since.is_empty() && since.is_disjoint(&opened));
    assert!(!until_then.is_disjoint(&opened), "it did open something");
}

#[test]
fn member_whose_role_in_a_village_ends_reads_nothing_new_there() {
    let (mut founder, mut volunteer, space) = village();
    let (now, mut rng) = founder.moment_parts();
    let moment = &mut Moment { now, rng: &mut rng };
    let other = founder.replica.add_space("仙湖村", moment).unwrap();
    let (member, scope) = (member_of(&volunteer), Scope::Space(other));
    let granted = founder.replica.grant(member, scope, Role::Lead, moment);
    assert_eq!(granted, Ok(true));
    everybody_meets(&mut [&mut founder, &mut volunteer]);
    let old = visit(&mut founder, other);
    everybody_meets(&mut [&mut founder, &mut volunteer]);
    let before = founder.copy();
    founder.takes_away(Removal::Role(member, scope, Role::Lead));
    let new = visit(&mut founder, other);
    let here = visit(&mut founder, space);
    everybody_meets(&mut [&mut founder, &mut volunteer]);
    assert!(volunteer.replica.show(old).is_ok(), "nobody forgets");
    assert!(volunteer.replica.show(new).is_err());
    assert!(volunteer.replica.show(here).is_ok());
    let since = founder.sealed_since(other, &before);
    assert!(!since.is_empty() && since.is_disjoint(&founder.opened_by(&volunteer)));
}

#[test]
fn clock_that_is_set_back_brings_nothing_past_the_cut() {
    let (mut founder, mut thief, space) = village();
    visit(&mut thief, space);
    meet(&mut thief, &mut founder);
    let (device, titles) = (thief.replica.device(), founder.titles());
    founder.takes_away(Removal::Device(device));
    for now in [1, i64::MAX / 2] {
        thief.now = now;
        visit(&mut thief, space);
    }
    meet(&mut thief, &mut founder);
    assert_eq!(founder.titles(), titles);
    let held = founder.replica.held().unwrap();
    let reasons: Vec<_> = held
        .iter()
        .map(|(_, row)| Hold::from_code(row.reason))
        .collect();
    assert_eq!(reasons, [Some(Hold::CutOff); 2]);
}

/// Signs what this phone has pending again, as if it were of another space.
fn moved(phone: &Phone, to: LaneId) -> Received {
    let mind = &phone.replica.mind;
    let pending = phone.replica.store().pending().unwrap();
    let entries: Vec<PlainEntry> = pending
        .iter()
        .map(|row| PlainEntry {
            kind: row.kind,
            bytes: compress(&row.bytes),
        })
        .collect();
    let log = mind.own_log(to);
    let head = phone.replica.store().head(&log).unwrap();
    let (signer, key) = (phone.signer(), mind.key_to_write(&to));
    let rng = &mut ChaCha8Rng::seed_from_u64(77);
    let batch = seal_batch(&*signer, &mind.community, log, &head, key, &entries, rng).unwrap();
    let batch = SignedBatch::parse(*batch.place(), batch.tail().to_vec()).unwrap();
    Received {
        batch,
        prev: None,
        position: None,
    }
}

#[test]
fn what_was_written_for_one_village_counts_in_no_other() {
    let (mut founder, _, space) = village();
    let (now, mut rng) = founder.moment_parts();
    let moment = &mut Moment { now, rng: &mut rng };
    let other = founder.replica.add_space("仙湖村", moment).unwrap();
    let known = visit(&mut founder, space);
    let mut reader = join_by_hand(&mut founder, Scope::Community, Role::Coordinator, 3, "何姐");
    meet(&mut reader, &mut founder);
    assert!(reader.replica.show(known).is_ok());
    let mut copy = founder.copy();
    let begun = visit(&mut copy, space);
    copy.edit(known, "household", "elsewhere");
    let received = moved(&copy, other);
    let ingested = reader
        .replica
        .ingest(vec![received], &[], &Source::default(), moment);
    assert!(ingested.is_ok());
    let held = reader.replica.held().unwrap();
    let reasons: Vec<_> = held
        .iter()
        .map(|(_, row)| Hold::from_code(row.reason))
        .collect();
    // A beginning that is elsewhere at home waits for a good one, for ever.
    assert_eq!(reasons, [Some(Hold::Waiting), Some(Hold::OtherSpace)]);
    assert!(reader.replica.show(begun).is_err());
    assert_eq!(reader.replica.show(known).unwrap().title, VISIT[0].1);
}
