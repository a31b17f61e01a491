//! The roster of a large community: 5,000 members, 50,000 statements, one member in fifty cut off.
//! `cargo bench -p sync-core --bench roster`.
//!
//! What is wanted: 5 ms for one more statement.

#![expect(clippy::unwrap_used, reason = "a measurement may stop loudly")]

use divan::Bencher;
use rand::SeedableRng;
use rand::rngs::ChaCha8Rng;
use sync_core::entry::place::Link;
use sync_core::id::{ChainHash, CommunityId, Head, Incarnation, LogId, Seq};
use sync_core::keys::{DeviceKeys, Signer};
use sync_core::roster::book::Book;
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
    batches: u64,
}

impl Community {
    fn new() -> Self {
        let owner = keys(0);
        let found = Statement::Found(Found {
            recovery_sealing: None,
            nonce: vec![1; 16].into(),
            sealing: owner.sealing_key(),
            title: vec![0; 40].into(),
            recovery: owner.device(),
        });
        let (_, bytes) = found.encode();
        let id = community_of(&owner.device(), &bytes);
        let mut this = Self {
            id,
            owner,
            book: Book::default(),
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
        let (ticket, device) = (keys(MEMBERS + number), keys(number));
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
        let proof = Join::proof_bytes(&self.id, &device.device(), &device.sealing_key());
        let join = Join {
            invite: ticket.invite(),
            sealing: device.sealing_key(),
            proof: ticket.sign(&proof).unwrap().as_bytes().to_vec().into(),
        };
        let (join, chain) = self.say(&device, &Statement::Join(join));
        self.say(&owner, &Statement::Confirm(Confirm { join }));
        self.name(&device, 1);
        if number.is_multiple_of(CUT_OFF_EVERY) {
            let log = LogId {
                lane: roster_lane(&self.id),
                device: device.device(),
                incarnation: Incarnation::new([0; 8]),
            };
            let head = Head { seq: Seq(1), chain };
            let revoke = Revoke {
                target: Target::Member(member_of(&self.id, &device.device())),
                cuts: vec![Cut::at(&log, &head)],
                nonce: vec![0; 16].into(),
            };
            self.say(&owner, &Statement::Revoke(revoke));
        }
    }
}

fn keys(seed: u64) -> DeviceKeys {
    DeviceKeys::generate(&mut ChaCha8Rng::seed_from_u64(seed))
}

/// Everything evaluated from nothing, as it is done for each further statement.
#[divan::bench]
fn evaluate(bencher: Bencher<'_, '_>) {
    let community = Community::new();
    let roster = Roster::evaluate(&community.id, &community.book);
    let former = MEMBERS / CUT_OFF_EVERY;
    assert_eq!(roster.devices().len() as u64, MEMBERS + 1 - former);
    bencher.bench(|| Roster::evaluate(&community.id, &community.book));
}
