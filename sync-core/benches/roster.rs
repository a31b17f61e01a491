//! The roster of a large community: 5,000 members, 50,000 statements, one member in fifty cut off.
//! `cargo bench -p sync-core --bench roster`.
//!
//! What is wanted: 5 ms for one more statement.

#![expect(clippy::unwrap_used, reason = "a measurement may stop loudly")]

use divan::Bencher;
use rand::SeedableRng;
use rand::rngs::ChaCha8Rng;
use sync_core::entry::place::Link;
use sync_core::id::{ChainHash, CommunityId, Head, Incarnation, LogId, MemberId, Seq};
use sync_core::keys::{DeviceKeys, Signer};
use sync_core::roster::book::Book;
use sync_core::roster::follow::News;
use sync_core::roster::role::{Role, Scope};
use sync_core::roster::statement::{
    Confirm, Cut, Found, Invite, Join, Profile, Revoke, Statement, StatementId, Target,
};
use sync_core::roster::{Roster, Said, community_of, member_of, roster_lane};

const MEMBERS: u64 = 5_000;
const STATEMENTS: usize = 50_000;
const CUT_OFF_EVERY: u64 = 50;

fn main() {
    divan::main();
}

struct Community {
    id: CommunityId,
    owner: DeviceKeys,
    book: Book,
    said: Vec<Said>,
    batches: u64,
}

impl Community {
    fn new() -> Self {
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
            book: Book::default(),
            said: Vec::new(),
            batches: 0,
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

    /// Each statement in a batch of its own, one log after the other.
    fn say(&mut self, by: &DeviceKeys, statement: &Statement) -> (StatementId, ChainHash) {
        let (kind, bytes) = statement.encode();
        let said = Said::read(&self.id, by.device(), kind, &bytes).unwrap();
        let id = said.id;
        self.batches += 1;
        let hash = |number: u64| ChainHash::from_hash(&blake3::hash(&number.to_be_bytes()));
        let link = Link {
            prev: ChainHash::ZERO,
            chain: hash(self.batches),
        };
        self.said.push(said.clone());
        self.book.add_carried(said, &link);
        self.book.link(&link);
        (id, link.chain)
    }

    fn name(&mut self, by: &DeviceKeys, version: u64) {
        let name = vec![0; 40].into();
        self.say(by, &Statement::Profile(Profile { name, version }));
    }

    fn add_member(&mut self, number: u64) {
        let owner = self.owner.clone();
        let device = keys(number);
        self.invite(number);
        let (join, chain) = self.join(number);
        self.say(&owner, &Statement::Confirm(Confirm { join }));
        self.name(&device, 1);
        if number.is_multiple_of(CUT_OFF_EVERY) {
            let log = LogId {
                lane: roster_lane(&self.id),
                device: device.device(),
                incarnation: Incarnation::new([0; 8]),
            };
            let head = Head { seq: Seq(1), chain };
            let member = member_of(&self.id, &device.device());
            self.remove(member, vec![Cut::at(&log, &head)]);
        }
    }

    fn invite(&mut self, number: u64) {
        let owner = self.owner.clone();
        let ticket = ticket(number);
        let role = if number.is_multiple_of(100) {
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
            keys: Vec::new(),
        };
        self.say(&owner, &Statement::Invite(invite));
    }

    fn join(&mut self, number: u64) -> (StatementId, ChainHash) {
        let (ticket, device) = (ticket(number), keys(number));
        let proof = Join::proof_bytes(&self.id, &device.device(), &device.sealing_key());
        let join = Join {
            invite: ticket.invite(),
            sealing: device.sealing_key(),
            proof: ticket.sign(&proof).unwrap().as_bytes().to_vec().into(),
        };
        self.say(&device, &Statement::Join(join))
    }

    fn remove(&mut self, member: MemberId, cuts: Vec<Cut>) {
        let owner = self.owner.clone();
        let revoke = Revoke {
            target: Target::Member(member),
            cuts,
            nonce: vec![0; 16].into(),
        };
        self.say(&owner, &Statement::Revoke(revoke));
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
    let community = Community::new();
    let roster = Roster::evaluate(&community.id, &community.book);
    let former = MEMBERS / CUT_OFF_EVERY;
    assert_eq!(roster.devices().len() as u64, MEMBERS + 1 - former);
    bencher.bench(|| Roster::evaluate(&community.id, &community.book));
}

/// One more statement, said after all others were evaluated.
fn follow(
    bencher: Bencher<'_, '_>,
    before: &dyn Fn(&mut Community),
    last: &dyn Fn(&mut Community),
) {
    let mut community = Community::new();
    before(&mut community);
    let roster = Roster::evaluate(&community.id, &community.book);
    let known = community.said.len();
    last(&mut community);
    let mut news = News::default();
    let new = community.said.iter().skip(known);
    new.for_each(|said| news.add(said.clone()));
    assert!(!news.is_empty());
    bencher
        .with_inputs(|| roster.clone())
        .bench_local_refs(|roster| roster.follow(&community.book, &news));
}

#[divan::bench]
fn follow_a_name(bencher: Bencher<'_, '_>) {
    follow(bencher, &|_| {}, &|community| {
        community.name(&keys(1), u64::MAX)
    });
}

#[divan::bench]
fn follow_an_invitation(bencher: Bencher<'_, '_>) {
    follow(bencher, &|_| {}, &|community| community.invite(MEMBERS + 1));
}

#[divan::bench]
fn follow_a_join(bencher: Bencher<'_, '_>) {
    let invited = |community: &mut Community| community.invite(MEMBERS + 1);
    follow(bencher, &invited, &|community| {
        community.join(MEMBERS + 1);
    });
}

/// What takes a right away is evaluated with all the rest.
#[divan::bench]
fn follow_a_removal(bencher: Bencher<'_, '_>) {
    follow(bencher, &|_| {}, &|community| {
        let member = member_of(&community.id, &keys(1).device());
        community.remove(member, Vec::new());
    });
}
