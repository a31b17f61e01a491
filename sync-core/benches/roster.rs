//! The roster of a large community: 5,000 members, 50,000 statements, one member in fifty cut off.
//! `cargo bench -p sync-core --bench roster`.
//!
//! The owner invited the leads, each lead the members after it. What is wanted: 5 ms for one more
//! statement.

#![expect(clippy::unwrap_used, reason = "a measurement may stop loudly")]

use std::collections::BTreeMap;

use divan::Bencher;
use rand::SeedableRng;
use rand::rngs::ChaCha8Rng;
use sync_core::entry::place::Link;
use sync_core::id::{
    ChainHash, CommunityId, DeviceId, EpochId, Head, Incarnation, LogId, MemberId,
};
use sync_core::keys::{DeviceKeys, Signer};
use sync_core::roster::book::Book;
use sync_core::roster::follow::News;
use sync_core::roster::role::{Role, Scope};
use sync_core::roster::statement::{
    AddDevice, Confirm, Cut, Epoch, Found, Grant, Invite, Join, KeyFor, Profile, Recipient,
    Release, Revoke, SealedKey, Statement, StatementId, Stretch, Target,
};
use sync_core::roster::{Roster, Said, commons, community_of, member_of, roster_lane};

const MEMBERS: u64 = 5_000;
const STATEMENTS: usize = 50_000;
const CUT_OFF_EVERY: u64 = 50;
/// Every lead invites all up to the next.
const LEAD_EVERY: u64 = 100;
const SEALED_LEN: usize = 80;

fn main() {
    divan::main();
}

struct Community {
    id: CommunityId,
    owner: DeviceKeys,
    lead_every: u64,
    book: Book,
    said: Vec<Said>,
    heads: BTreeMap<DeviceId, Head>,
}

impl Community {
    fn new(lead_every: u64) -> Self {
        let owner = keys(0);
        let found = Statement::Found(Found {
            nonce: vec![1; 16].into(),
            sealing: owner.sealing_key(),
            title: vec![0; 40].into(),
            recovery: owner.device(),
            recovery_sealing: None,
        });
        let (_, bytes) = found.encode();
        let id = community_of(&owner.device(), &bytes);
        let mut this = Self {
            id,
            owner,
            lead_every,
            book: Book::default(),
            said: Vec::new(),
            heads: BTreeMap::new(),
        };
        let owner = this.owner.clone();
        this.say(&owner, &found);
        for number in 1..=MEMBERS {
            this.add_member(number);
        }
        let mut version = 2;
        while this.book.len() < STATEMENTS {
            let by = keys(1 + version % MEMBERS);
            this.name(&by, version);
            version += 1;
        }
        this
    }

    /// Each statement in a batch of its own.
    fn say(&mut self, by: &DeviceKeys, statement: &Statement) -> StatementId {
        let (kind, bytes) = statement.encode();
        let said = Said::read(&self.id, by.device(), kind, &bytes).unwrap();
        let id = said.id;
        let head = self.heads.entry(by.device()).or_insert(Head::EMPTY);
        let link = Link {
            prev: head.chain,
            chain: ChainHash::from_hash(&blake3::hash(id.as_bytes())),
        };
        *head = Head {
            seq: head.seq.plus(1),
            chain: link.chain,
        };
        self.said.push(said.clone());
        self.book.add_carried(said, &link);
        self.book.link(&link);
        id
    }

    fn name(&mut self, by: &DeviceKeys, version: u64) {
        let name = version.to_be_bytes().repeat(5).into();
        self.say(by, &Statement::Profile(Profile { name, version }));
    }

    fn add_member(&mut self, number: u64) {
        let device = keys(number);
        self.invite(number);
        let join = self.join(number);
        self.say(&self.inviter(number), &Statement::Confirm(Confirm { join }));
        self.name(&device, 1);
        if number.is_multiple_of(CUT_OFF_EVERY) {
            self.remove(number, true);
        }
    }

    /// A lead, or, for the leads themselves, the owner.
    fn inviter(&self, number: u64) -> DeviceKeys {
        let place = (number - 1) % self.lead_every;
        if place == 0 {
            self.owner.clone()
        } else {
            keys(number - place)
        }
    }

    /// An invitation that carries one reading key of the commons, and the ticket's own copy of it.
    fn invite(&mut self, number: u64) {
        let by = self.inviter(number);
        let ticket = ticket(number);
        let role = if by.device() == self.owner.device() {
            Role::Lead
        } else {
            Role::Volunteer
        };
        let invite = Invite {
            invite: ticket.invite(),
            sealing: ticket.sealing_key(),
            scope: Scope::Community,
            role,
            uses: 1,
            keys: vec![SealedKey {
                space: commons(&self.id),
                epoch: EpochId::ZERO,
                sealed: vec![0; SEALED_LEN].into(),
            }],
        };
        self.say(&by, &Statement::Invite(invite));
    }

    fn join(&mut self, number: u64) -> StatementId {
        let (ticket, device) = (ticket(number), keys(number));
        let proof = Join::proof_bytes(&self.id, &device.device(), &device.sealing_key());
        let join = Join {
            invite: ticket.invite(),
            sealing: device.sealing_key(),
            proof: ticket.sign(&proof).unwrap().as_bytes().to_vec().into(),
        };
        self.say(&device, &Statement::Join(join))
    }

    /// Seals the key of the commons to some members.
    fn hand_on(&mut self, to: std::ops::RangeInclusive<u64>) {
        let sealed = |number| KeyFor {
            recipient: Recipient::Device(keys(number).device()),
            sealed: vec![0; SEALED_LEN].into(),
        };
        let epoch = Epoch {
            space: commons(&self.id),
            epoch: EpochId::ZERO,
            keys: to.map(sealed).collect(),
            older: Vec::new(),
        };
        self.say(&self.owner.clone(), &Statement::Epoch(epoch));
    }

    fn grant(&mut self, number: u64) -> StatementId {
        let grant = Grant {
            member: self.member(number),
            scope: Scope::Community,
            role: Role::Lead,
            nonce: vec![0; 16].into(),
            at: None,
        };
        self.say(&self.owner.clone(), &Statement::Grant(grant))
    }

    fn add_device(&mut self, number: u64) {
        let (by, new) = (keys(number), keys(3 * MEMBERS + number));
        let (device, sealing) = (new.device(), new.sealing_key());
        let bytes = AddDevice::proof_bytes(&self.id, &self.member(number), &device, &sealing);
        let add = AddDevice {
            device,
            sealing,
            proof: new.sign(&bytes).unwrap().as_bytes().to_vec().into(),
            label: Vec::new().into(),
        };
        self.say(&by, &Statement::AddDevice(add));
    }

    fn release(&mut self, number: u64) {
        let log = self.log(number);
        let stretch = Stretch {
            lane: commons(&self.id),
            device: log.device,
            incarnation: log.incarnation,
            first: 1,
            last: 2,
            chain: Some(ChainHash::ZERO),
        };
        let entries = vec![stretch];
        self.say(
            &self.owner.clone(),
            &Statement::Release(Release { entries }),
        );
    }

    fn revoke(&mut self, target: Target, cuts: Vec<Cut>) {
        let nonce = vec![0; 16].into();
        let revoke = Revoke {
            target,
            cuts,
            nonce,
        };
        self.say(&self.owner.clone(), &Statement::Revoke(revoke));
    }

    /// Removes a member, who keeps what was said so far, or whose words never counted.
    fn remove(&mut self, number: u64, stays: bool) {
        let cuts = if stays { self.cuts(number) } else { Vec::new() };
        self.revoke(Target::Member(self.member(number)), cuts);
    }

    fn cuts(&self, number: u64) -> Vec<Cut> {
        let log = self.log(number);
        let head = self.heads.get(&log.device).unwrap();
        vec![Cut::at(&log, head)]
    }

    fn log(&self, number: u64) -> LogId {
        LogId {
            lane: roster_lane(&self.id),
            device: keys(number).device(),
            incarnation: Incarnation::ZERO,
        }
    }

    fn member(&self, number: u64) -> MemberId {
        member_of(&self.id, &keys(number).device())
    }
}

/// The keys of the invitation that a member came with.
fn ticket(number: u64) -> DeviceKeys {
    keys(2 * MEMBERS + number)
}

fn keys(seed: u64) -> DeviceKeys {
    DeviceKeys::generate(&mut ChaCha8Rng::seed_from_u64(seed))
}

/// Everything evaluated from nothing.
#[divan::bench]
fn evaluate(bencher: Bencher<'_, '_>) {
    let community = Community::new(LEAD_EVERY);
    let roster = Roster::evaluate(&community.id, &community.book);
    let former = MEMBERS / CUT_OFF_EVERY;
    assert_eq!(roster.devices().len() as u64, MEMBERS + 1 - former);
    bencher.bench(|| Roster::evaluate(&community.id, &community.book));
}

type Say = fn(&mut Community);

/// One more statement, said after all others were evaluated.
fn follow_in(bencher: Bencher<'_, '_>, mut community: Community, [before, last]: [Say; 2]) {
    before(&mut community);
    let roster = Roster::evaluate(&community.id, &community.book);
    let known = community.said.len();
    last(&mut community);
    let mut news = News::default();
    let new = community.said.iter().skip(known);
    new.for_each(|said| news.add(said.clone()));
    let change = roster.clone().follow(&community.book, &news);
    assert!(change.is_any);
    bencher
        .with_inputs(|| roster.clone())
        .bench_local_refs(|roster| roster.follow(&community.book, &news));
}

fn follow(bencher: Bencher<'_, '_>, last: Say) {
    follow_in(bencher, Community::new(LEAD_EVERY), [|_| {}, last]);
}

#[divan::bench]
fn follow_a_name(bencher: Bencher<'_, '_>) {
    follow(bencher, |it| it.name(&keys(2), u64::MAX));
}

#[divan::bench]
fn follow_an_invitation(bencher: Bencher<'_, '_>) {
    follow(bencher, |it| it.invite(MEMBERS + 1));
}

#[divan::bench]
fn follow_a_join(bencher: Bencher<'_, '_>) {
    let says: [Say; 2] = [
        |it| it.invite(MEMBERS + 1),
        |it| {
            it.join(MEMBERS + 1);
        },
    ];
    follow_in(bencher, Community::new(LEAD_EVERY), says);
}

/// A key of which five thousand copies are there already.
#[divan::bench]
fn follow_a_handed_on_key(bencher: Bencher<'_, '_>) {
    let says: [Say; 2] = [|it| it.hand_on(1..=MEMBERS), |it| it.hand_on(0..=0)];
    follow_in(bencher, Community::new(LEAD_EVERY), says);
}

#[divan::bench]
fn follow_a_grant(bencher: Bencher<'_, '_>) {
    follow(bencher, |it| {
        it.grant(2);
    });
}

#[divan::bench]
fn follow_a_further_device(bencher: Bencher<'_, '_>) {
    follow(bencher, |it| it.add_device(2));
}

#[divan::bench]
fn follow_a_release(bencher: Bencher<'_, '_>) {
    follow(bencher, |it| it.release(CUT_OFF_EVERY));
}

#[divan::bench]
fn follow_removal_of_a_member(bencher: Bencher<'_, '_>) {
    follow(bencher, |it| it.remove(2, true));
}

#[divan::bench]
fn follow_removal_of_a_device(bencher: Bencher<'_, '_>) {
    follow(bencher, |it| {
        let cuts = it.cuts(2);
        it.revoke(Target::Device(keys(2).device()), cuts);
    });
}

#[divan::bench]
fn follow_removal_of_a_grant(bencher: Bencher<'_, '_>) {
    let says: [Say; 2] = [
        |it| {
            it.grant(2);
        },
        |it| {
            let grant = it.said.last().unwrap().id;
            it.revoke(Target::Grant(grant), it.cuts(2));
        },
    ];
    follow_in(bencher, Community::new(LEAD_EVERY), says);
}

#[divan::bench]
fn follow_removal_of_an_invitation(bencher: Bencher<'_, '_>) {
    follow(bencher, |it| {
        let cuts = it.cuts(2);
        it.revoke(Target::Invite(ticket(2).invite()), cuts);
    });
}

/// Somebody who invited a hundred members, or half of all.
#[divan::bench(args = [LEAD_EVERY, MEMBERS / 2])]
fn follow_removal_of_a_lead_whose_guests_stay(bencher: Bencher<'_, '_>, lead_every: u64) {
    let says: [Say; 2] = [|_| {}, |it| it.remove(1, true)];
    follow_in(bencher, Community::new(lead_every), says);
}

/// The same with all who came by them.
#[divan::bench(args = [LEAD_EVERY, MEMBERS / 2])]
fn follow_removal_of_a_lead_with_all_guests(bencher: Bencher<'_, '_>, lead_every: u64) {
    let says: [Say; 2] = [|_| {}, |it| it.remove(1, false)];
    follow_in(bencher, Community::new(lead_every), says);
}

/// A further role for somebody who invited a hundred members, or half of all.
#[divan::bench(args = [LEAD_EVERY, MEMBERS / 2])]
fn follow_a_grant_to_a_lead(bencher: Bencher<'_, '_>, lead_every: u64) {
    let says: [Say; 2] = [
        |_| {},
        |it| {
            let grant = Grant {
                member: it.member(1),
                scope: Scope::Community,
                role: Role::Coordinator,
                nonce: vec![0; 16].into(),
                at: None,
            };
            it.say(&it.owner.clone(), &Statement::Grant(grant));
        },
    ];
    follow_in(bencher, Community::new(lead_every), says);
}
