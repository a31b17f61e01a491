//! Bundles: what one device writes into files, another one has after taking them in.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::bundle::{BUNDLE_BYTES_MIN, BadBundle};
use crate::replica::{Brought, BundleAsk, BundleError, Known};
use crate::wire::Refusal;

impl Phone {
    pub(super) fn export(&mut self, ask: &BundleAsk) -> Vec<Vec<u8>> {
        self.try_export(ask).unwrap()
    }

    fn try_export(&mut self, ask: &BundleAsk) -> Result<Vec<Vec<u8>>, BundleError> {
        let (now, mut rng) = self.moment_parts();
        let moment = &mut Moment { now, rng: &mut rng };
        let plan = Arc::new(self.replica.plan_bundle(ask, moment)?);
        let mut files = Vec::new();
        let mut entries = 0;
        for part in 1..=plan.parts() {
            let file = self.replica.begin_part(&plan, part, moment)?;
            let mut file = file.unwrap();
            let mut bytes = Vec::new();
            while let Some(some) = file.next_bytes(&self.replica)? {
                bytes.extend(some);
            }
            entries += file.entries();
            files.push(bytes);
        }
        assert_eq!(entries, plan.totals().entries);
        assert!(
            self.replica
                .begin_part(&plan, plan.parts() + 1, moment)?
                .is_none()
        );
        Ok(files)
    }

    pub(super) fn all(&mut self) -> Vec<u8> {
        self.export(&BundleAsk::default()).remove(0)
    }

    pub(super) fn bring(&mut self, bytes: &[u8]) -> Brought {
        let (now, mut rng) = self.moment_parts();
        let moment = &mut Moment { now, rng: &mut rng };
        let mut import = self.replica.import_bundle(bytes).unwrap();
        while import.step(&mut self.replica, moment).unwrap() {}
        import.finish(&mut self.replica, moment).unwrap()
    }

    /// What this device is known to have, by a bundle of its own.
    fn known_by(&self, replica: &Replica) -> Known {
        replica.known_of(&self.replica.device()).unwrap()
    }
}

fn assert_same(a: &Phone, b: &Phone) {
    assert_eq!(a.replica.heads_digest(), b.replica.heads_digest());
    assert_eq!(a.titles(), b.titles());
}

#[test]
fn whole_exchange_by_file_ends_with_the_same_on_both_sides() {
    let (mut town, mut villager, space) = village();
    let record = visit(&mut villager, space);
    meet(&mut villager, &mut town);
    town.edit(record, "household", "三号门 王阿婆");
    villager.edit(record, "household", "3号门 王奶奶家");
    visit(&mut villager, space);
    let brought = town.bring(&villager.all());
    assert_eq!(
        (brought.broken, brought.waiting, brought.for_others),
        (None, 0, 0)
    );
    assert_eq!(
        (
            brought.tally.received,
            brought.tally.merged,
            brought.tally.conflicts
        ),
        (2, 2, 1)
    );
    assert!(brought.known > 0 && brought.is_word_kept);
    assert_eq!(brought.tally.by_kind.get("visit"), Some(&2));
    // The answer has only what the villager lacks.
    let answer = BundleAsk {
        known: vec![villager.known_by(&town.replica)],
        ..BundleAsk::default()
    };
    let answer = town.export(&answer).remove(0);
    let brought = villager.bring(&answer);
    assert_eq!((brought.tally.received, brought.known), (1, 0));
    assert!(brought.manifest.is_partial);
    assert_same(&town, &villager);
    assert_eq!(villager.bring(&answer).tally.received, 0);
}

#[test]
fn export_moves_no_mark_and_needs_nobody() {
    let (mut town, mut villager, space) = village();
    visit(&mut villager, space);
    let receipts = villager.replica.store().receipts();
    let first = villager.all();
    assert_eq!(villager.replica.store().receipts(), receipts);
    // It was lost on the way; the next has it all the same.
    drop(first);
    assert_eq!(town.bring(&villager.all()).tally.merged, 1);
}

#[test]
fn who_joins_without_any_network_is_let_in_by_files_alone() {
    let (mut town, _, space) = village();
    visit(&mut town, space);
    let scope = Scope::Space(space);
    let ticket = town.with_moment(|it, moment| it.invite(scope, Role::Volunteer, 1, moment));
    let mut joiner = Phone::join(7, &ticket.unwrap(), "黄姐");
    let refused = joiner.try_export(&BundleAsk::default()).unwrap_err();
    assert_eq!(refused, BundleError::NobodyYet);
    joiner.bring(&town.all());
    assert_eq!(joiner.titles(), town.titles());
    visit(&mut joiner, space);
    let brought = town.bring(&joiner.all());
    assert_eq!(brought.tally.merged, 1);
    joiner.bring(&town.all());
    assert_same(&town, &joiner);
}

#[test]
fn truncated_bundle_brings_what_is_whole_and_the_whole_one_goes_on() {
    let (town, mut villager, space) = village();
    for _ in 0..8 {
        visit(&mut villager, space);
        villager
            .with_moment(|it, moment| it.seal_pending(moment))
            .unwrap();
    }
    let bytes = villager.all();
    let signer = Arc::clone(&town.replica.mind.signer);
    for len in (0..bytes.len()).step_by(10) {
        let store = backup(&town.replica);
        let replica = Replica::open(store, Arc::clone(&signer)).unwrap();
        let cut = &bytes[..len];
        match replica.import_bundle(cut) {
            Err(error) => assert!(
                matches!(error, BadBundle::Truncated | BadBundle::NotABundle),
                "{len}: {error}"
            ),
            Ok(import) => {
                let mut copy = Phone {
                    replica,
                    rng: ChaCha8Rng::seed_from_u64(3),
                    now: town.now,
                };
                drop(import);
                assert_eq!(copy.bring(cut).broken, Some(BadBundle::Truncated), "{len}");
                if len % 500 == 0 {
                    copy.bring(&bytes);
                    assert_eq!(copy.replica.heads_digest(), villager.replica.heads_digest());
                }
            }
        }
    }
}

#[test]
fn batch_that_somebody_made_up_changes_nothing() {
    let (mut town, mut villager, space) = village();
    visit(&mut villager, space);
    let moment = &mut Moment {
        now: Millis(1),
        rng: &mut ChaCha8Rng::seed_from_u64(5),
    };
    villager.replica.seal_pending(moment).unwrap();
    // Whoever is sealed to can seal another bundle; signatures are what they cannot make.
    let community = villager.replica.community();
    let readers = [town.replica.mind.signer.sealing_key()];
    let mut writer = crate::bundle::BundleWriter::begin(&community, &readers, moment.rng).unwrap();
    let bytes = villager.all();
    let genuine = town.replica.read_bundle(bytes.as_slice()).unwrap();
    writer.manifest(genuine.manifest());
    let mut batches = crate::wire::batches::BatchWriter::default();
    let last = villager.replica.store().last_arrival().unwrap();
    let carried = villager.replica.store().batch(last).unwrap().unwrap();
    batches.push(&carried.batch, true);
    let mut frame = batches.take();
    let tail = frame.batches[0].to_vec();
    let mut changed = tail;
    *changed.last_mut().unwrap() ^= 1;
    frame.batches[0] = changed.into();
    writer.put_anything(&[&[6][..], &minicbor::to_vec(frame).unwrap()].concat());
    writer.end();
    let before = town.replica.heads_digest();
    let brought = town.bring(&writer.take());
    assert_eq!(
        brought.rejected.into_iter().collect::<Vec<_>>(),
        [(Refusal::BadSignature, 1)]
    );
    assert_eq!(brought.tally.received, 0);
    assert_eq!(town.replica.heads_digest(), before);
}

#[test]
fn files_of_one_export_may_come_in_any_order_and_nothing_is_lost() {
    let (mut town, mut villager, space) = village();
    for n in 0..90 {
        let record = visit(&mut villager, space);
        let findings: String = (0..9_000_u32)
            .filter_map(|at| char::from_u32(0x4e00 + (at * 7919 + n * 104_729) % 20_000))
            .collect();
        villager.edit(record, "findings", &findings);
        villager
            .with_moment(|it, moment| it.seal_pending(moment))
            .unwrap();
    }
    let ask = BundleAsk {
        bytes_max: Some(BUNDLE_BYTES_MIN),
        ..BundleAsk::default()
    };
    let files = villager.export(&ask);
    assert!(files.len() >= 2, "{}", files.len());
    assert!(
        files
            .iter()
            .all(|file| file.len() as u64 <= BUNDLE_BYTES_MIN)
    );
    let last = files.len() as u64;
    let brought = town.bring(files.last().unwrap());
    assert!(brought.waiting > 0 && brought.lacks_earlier());
    assert_eq!(brought.missing.len() as u64, last);
    for file in &files {
        let brought = town.bring(file);
        assert_eq!((brought.waiting, brought.broken), (0, None));
    }
    assert_eq!(town.bring(&files[0]).missing, Vec::<u64>::new());
    assert_same(&town, &villager);
}

#[test]
fn bundle_for_one_device_has_what_it_may_have_and_nobody_else_opens_it() {
    let (mut town, mut villager, space) = village();
    let other = town.with_moment(|it, moment| it.add_space("沙滘村", moment));
    let other = other.unwrap();
    visit(&mut town, space);
    visit(&mut town, other);
    let mut neighbour = join_by_hand(&mut town, Scope::Space(other), Role::Volunteer, 4, "黄姐");
    let everything = town.all();
    let brought = villager.bring(&everything);
    assert!(brought.for_others > 0);
    assert_eq!(villager.titles().len(), 1);
    let ask = BundleAsk {
        readers: BTreeSet::from([neighbour.replica.device()]),
        ..BundleAsk::default()
    };
    let only = town.export(&ask).remove(0);
    let refused = villager.replica.read_bundle(only.as_slice());
    assert_eq!(refused.err(), Some(BadBundle::NotForUs));
    assert_eq!(neighbour.bring(&only).for_others, 0);
    assert_eq!(neighbour.replica.heads_digest(), {
        let lanes = neighbour
            .replica
            .roster()
            .lanes_of(&neighbour.replica.device());
        town.replica.digest_of(&lanes)
    });
}

#[test]
fn partial_bundle_without_what_it_builds_on_waits() {
    let (mut town, mut villager, space) = village();
    let lead = join_by_hand(&mut town, Scope::Space(space), Role::Lead, 3, "何姐");
    meet(&mut villager, &mut town);
    visit(&mut villager, space);
    town.bring(&villager.all());
    // The town's word goes to the villager, who then writes for the town alone.
    villager.bring(&town.all());
    visit(&mut villager, space);
    let ask = BundleAsk {
        known: vec![town.known_by(&villager.replica)],
        ..BundleAsk::default()
    };
    let news = villager.export(&ask).remove(0);
    let mut lead = lead;
    let brought = lead.bring(&news);
    assert_eq!((brought.waiting, brought.lacks_earlier()), (1, false));
    lead.bring(&villager.all());
    assert_eq!(lead.bring(&news).waiting, 0);
    assert_eq!(town.bring(&news).tally.merged, 1);
    assert_eq!(lead.titles(), villager.titles());
}

#[test]
fn forked_log_comes_whole_by_file() {
    let (mut town, mut villager, space) = village();
    let mut lead = join_by_hand(&mut town, Scope::Space(space), Role::Lead, 3, "何姐");
    meet(&mut villager, &mut town);
    let signer = Arc::clone(&villager.replica.mind.signer);
    let mut copy = Phone {
        replica: Replica::open(backup(&villager.replica), signer).unwrap(),
        rng: ChaCha8Rng::seed_from_u64(99),
        now: 5,
    };
    visit(&mut villager, space);
    visit(&mut copy, space);
    town.bring(&villager.all());
    town.bring(&copy.all());
    assert_eq!(town.titles().len(), 1);
    lead.bring(&town.all());
    assert_eq!(lead.titles(), town.titles());
    assert_eq!(
        lead.replica.held().unwrap().len(),
        town.replica.held().unwrap().len()
    );
    assert_eq!(lead.replica.heads_digest(), town.replica.heads_digest());
}

#[test]
fn removed_device_opens_no_later_bundle() {
    let (mut town, mut villager, space) = village();
    visit(&mut town, space);
    meet(&mut villager, &mut town);
    let device = villager.replica.device();
    let member = town.replica.roster().member_id(&device).unwrap();
    town.with_moment(|it, moment| it.revoke(&Removal::Member(member), moment))
        .unwrap();
    let later = town.all();
    let refused = villager.replica.read_bundle(later.as_slice());
    assert_eq!(refused.err(), Some(BadBundle::NotForUs));
}

#[test]
fn step_takes_as_many_entries_as_it_may_and_a_batch_at_least() {
    let (mut town, mut villager, space) = village();
    meet(&mut villager, &mut town);
    for _ in 0..6 {
        visit(&mut villager, space);
        let (now, mut rng) = villager.moment_parts();
        let moment = &mut Moment { now, rng: &mut rng };
        villager.replica.seal_pending(moment).unwrap();
    }
    let bytes = villager.all();
    let (now, mut rng) = town.moment_parts();
    let moment = &mut Moment { now, rng: &mut rng };
    let mut steps = |town: &mut Phone, at_once: usize| {
        let mut import = town.replica.import_bundle(bytes.as_slice()).unwrap();
        import.take_at_once(at_once);
        let mut steps = 1;
        while import.step(&mut town.replica, moment).unwrap() {
            steps += 1;
        }
        (steps, import.finish(&mut town.replica, moment).unwrap())
    };
    let (of_two, brought) = steps(&mut town, 2);
    assert_eq!((brought.tally.received, brought.broken), (6, None));
    let (of_one, again) = steps(&mut town, 0);
    assert_eq!((again.tally.received, again.broken), (0, None));
    let (of_all, _) = steps(&mut town, usize::MAX);
    // Six batches of a visit: at once, in three pairs, one by one.
    assert!(
        of_all + 2 <= of_two && of_two + 3 <= of_one,
        "{of_all} {of_two} {of_one}"
    );
    assert_same(&town, &villager);
}

/// What happens to a file on its way.
#[derive(Debug, Clone)]
enum Mishap {
    Cut(usize),
    Flip(usize, u8),
    Drop(usize),
    Swap(usize, usize),
    Double(usize),
    /// A record of another export in place of one.
    Mix(usize),
}

/// What lies before the records, and the records.
fn records_of(bytes: &[u8]) -> (Vec<u8>, Vec<Vec<u8>>) {
    let readers = u32::from_be_bytes(*bytes[45..].first_chunk().unwrap());
    let (beginning, mut rest) = bytes.split_at(49 + 80 * readers as usize);
    let mut records = Vec::new();
    while let Some(len) = rest.first_chunk::<4>() {
        let (record, next) = rest.split_at(4 + u32::from_be_bytes(*len) as usize);
        records.push(record.to_vec());
        rest = next;
    }
    (beginning.to_vec(), records)
}

fn suffer(bytes: &[u8], other: &[u8], mishaps: &[Mishap]) -> Vec<u8> {
    let (beginning, mut records) = records_of(bytes);
    let (_, others) = records_of(other);
    for mishap in mishaps {
        if records.is_empty() {
            break;
        }
        let count = records.len();
        match *mishap {
            Mishap::Drop(at) => drop(records.remove(at % count)),
            Mishap::Swap(a, b) => records.swap(a % count, b % count),
            Mishap::Double(at) => records.insert(at % count, records[at % count].clone()),
            Mishap::Mix(at) => records[at % count] = others[at % others.len()].clone(),
            Mishap::Cut(_) | Mishap::Flip(..) => {}
        }
    }
    let mut bytes = [beginning, records.concat()].concat();
    for mishap in mishaps {
        let len = bytes.len().max(1);
        if let Mishap::Cut(at) = *mishap {
            bytes.truncate(at % len);
        }
        if let Mishap::Flip(at, bit) = *mishap
            && let Some(byte) = bytes.get_mut(at % len)
        {
            *byte ^= 1 << bit;
        }
    }
    bytes
}

fn mishap() -> impl Strategy<Value = Mishap> {
    let at = any::<usize>;
    prop_oneof![
        at().prop_map(Mishap::Cut),
        (at(), 0_u8..8).prop_map(|(at, bit)| Mishap::Flip(at, bit)),
        at().prop_map(Mishap::Drop),
        (at(), at()).prop_map(|(a, b)| Mishap::Swap(a, b)),
        at().prop_map(Mishap::Double),
        at().prop_map(Mishap::Mix),
    ]
}

/// A town that lacks eight visits, the file that has them, and another file of the same phone.
fn carried() -> (Phone, Phone, Vec<u8>, Vec<u8>) {
    let (town, mut villager, space) = village();
    let before = villager.all();
    for _ in 0..8 {
        visit(&mut villager, space);
        villager
            .with_moment(|it, moment| it.seal_pending(moment))
            .unwrap();
    }
    let bytes = villager.all();
    (town, villager, bytes, before)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]
    #[test]
    fn whatever_befell_a_file_the_whole_one_brings_everything_after_it(
        mishaps in prop::collection::vec(mishap(), 1..4),
        at_once in prop_oneof![Just(1), Just(usize::MAX)],
    ) {
        thread_local! {
            static CARRIED: (Phone, Phone, Vec<u8>, Vec<u8>) = carried();
        }
        CARRIED.with(|(town, villager, bytes, other)| {
            let signer = Arc::clone(&town.replica.mind.signer);
            let mut copy = Phone {
                replica: Replica::open(backup(&town.replica), signer).unwrap(),
                rng: ChaCha8Rng::seed_from_u64(3),
                now: town.now,
            };
            let there = copy.titles();
            let suffered = suffer(bytes, other, &mishaps);
            let (now, mut rng) = copy.moment_parts();
            let moment = &mut Moment { now, rng: &mut rng };
            if let Ok(mut import) = copy.replica.import_bundle(suffered.as_slice()) {
                import.take_at_once(at_once);
                let brought = import.finish(&mut copy.replica, moment).unwrap();
                // Nobody who is no member can make something that does not verify.
                assert!(brought.rejected.is_empty() && brought.waiting == 0, "{brought:?}");
                // The sealed keys of other readers may be anything: they are not ours to open.
                let is_all = copy.titles() == villager.titles();
                assert!(brought.broken.is_some() || is_all, "{mishaps:?}");
            }
            assert!(there.iter().all(|title| copy.titles().contains(title)));
            copy.bring(bytes);
            assert_eq!(copy.titles(), villager.titles());
            copy.replica.audit(&mut |_, _| {}).unwrap();
        });
    }
}
