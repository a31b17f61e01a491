mod facts;
mod follow;
mod grants;
mod others;
mod recovery;
mod revocations;
mod settings;
mod soup;
mod ticket;

use std::collections::BTreeMap;

use rand::SeedableRng;
use rand::rngs::ChaCha8Rng;

use crate::entry::EntryKind;
use crate::entry::place::Link;
use crate::epoch::EpochKey;
use crate::id::{ChainHash, CommunityId, DeviceId, Head, Incarnation, LaneId, LogId, Seq};
use crate::keys::{DeviceKeys, Signer, epoch_seal_info, seal_key};
use crate::roster::book::Book;
use crate::roster::role::{Role, Scope};
use crate::roster::statement::{
    AddDevice, Confirm, Cut, Epoch, Found, Invite, Join, KeyFor, Older, Recipient, Space,
    Statement, StatementId,
};
use crate::roster::{Roster, Said, community_of, member_of, roster_lane, space_of};

fn book_of<'a>(said: impl IntoIterator<Item = &'a (Said, Link)>) -> Book {
    let mut book = Book::default();
    for (said, link) in said {
        book.add_carried(said.clone(), link);
        book.link(link);
    }
    book
}

/// A community whose people say things with real keys.
struct World {
    rng: ChaCha8Rng,
    community: CommunityId,
    owner: DeviceKeys,
    /// Each statement in a batch of its own, in its author's log.
    said: Vec<(Said, Link)>,
    heads: BTreeMap<DeviceId, Head>,
}

impl World {
    fn new(seed: u64) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let owner = DeviceKeys::generate(&mut rng);
        let (kind, bytes) = Statement::Found(found_by(&owner)).encode();
        let community = community_of(&owner.device(), &bytes);
        let said = Said::read(&community, owner.device(), kind, &bytes).unwrap();
        let mut world = Self {
            rng,
            community,
            owner,
            said: vec![],
            heads: BTreeMap::new(),
        };
        world.log(said);
        world
    }

    fn log(&mut self, said: Said) {
        let head = self.heads.entry(said.author).or_insert(Head::EMPTY);
        let prev = head.chain;
        let place = u64::try_from(self.said.len()).unwrap() + 1;
        let chain = ChainHash::from_hash(&blake3::hash(&place.to_be_bytes()));
        *head = Head {
            seq: head.seq.plus(1),
            chain,
        };
        self.said.push((said, Link { prev, chain }));
    }

    /// Where a device's log ends, so many statements before its end; nothing if it has not begun.
    fn cuts_of(&self, device: &DeviceId, back: usize) -> Option<Cut> {
        let log = LogId {
            lane: roster_lane(&self.community),
            device: *device,
            incarnation: Incarnation::new([0; 8]),
        };
        let said: Vec<&(Said, Link)> = self
            .said
            .iter()
            .filter(|(said, _)| said.author == *device)
            .collect();
        let at = said
            .len()
            .checked_sub(back % (said.len() + 1))?
            .checked_sub(1)?;
        let head = Head {
            seq: Seq(at as u64 + 1),
            chain: said.get(at)?.1.chain,
        };
        Some(Cut::at(&log, &head))
    }

    /// What a device says next stands beside what it said last: its log forks.
    fn fork(&mut self, device: &DeviceId, back: usize) {
        if let Some(cut) = self.cuts_of(device, back) {
            self.heads.insert(*device, cut.head());
        }
    }

    fn book(&self) -> Book {
        book_of(&self.said)
    }

    fn device(&mut self) -> DeviceKeys {
        DeviceKeys::generate(&mut self.rng)
    }

    fn say(&mut self, by: &DeviceKeys, statement: Statement) -> StatementId {
        let (kind, bytes) = statement.encode();
        if let Some(said) = Said::read(&self.community, by.device(), kind, &bytes) {
            self.log(said);
        }
        StatementId::derive(&self.community, &by.device(), kind, &bytes)
    }

    fn space(&mut self, by: &DeviceKeys, name: u8) -> LaneId {
        let statement = Statement::Space(Space {
            nonce: vec![name; 16].into(),
            title: vec![name].into(),
        });
        let (_, bytes) = statement.encode();
        self.say(by, statement);
        space_of(&self.community, &by.device(), &bytes)
    }

    /// Returns the ticket's keys.
    fn invite(&mut self, by: &DeviceKeys, role: Role, scope: Scope, uses: u16) -> DeviceKeys {
        let ticket = self.device();
        self.say(by, Statement::Invite(invite_to(&ticket, role, scope, uses)));
        ticket
    }

    fn join(&mut self, ticket: &DeviceKeys) -> (DeviceKeys, StatementId) {
        let device = self.device();
        let join = self.join_of(&device, ticket);
        let id = self.say(&device, Statement::Join(join));
        (device, id)
    }

    fn join_of(&self, device: &DeviceKeys, ticket: &DeviceKeys) -> Join {
        let bytes = Join::proof_bytes(&self.community, &device.device(), &device.sealing_key());
        let proof = ticket.sign(&bytes).unwrap().as_bytes().to_vec();
        Join {
            invite: ticket.invite(),
            sealing: device.sealing_key(),
            proof: proof.into(),
        }
    }

    fn confirm(&mut self, by: &DeviceKeys, join: StatementId) {
        self.say(by, Statement::Confirm(Confirm { join }));
    }

    /// Somebody with this role, invited by the owner and confirmed.
    fn member(&mut self, role: Role, scope: Scope) -> DeviceKeys {
        let owner = self.owner.clone();
        let ticket = self.invite(&owner, role, scope, 1);
        let (device, join) = self.join(&ticket);
        self.confirm(&owner, join);
        device
    }

    fn add_device(&mut self, by: &DeviceKeys, new: &DeviceKeys, proved_by: &DeviceKeys) {
        let member = self.roster().member_id(&by.device()).unwrap();
        let (device, sealing) = (new.device(), new.sealing_key());
        let bytes = AddDevice::proof_bytes(&self.community, &member, &device, &sealing);
        let proof = proved_by.sign(&bytes).unwrap().as_bytes().to_vec();
        let label = Vec::new().into();
        self.say(
            by,
            Statement::AddDevice(AddDevice {
                device,
                sealing,
                proof: proof.into(),
                label,
            }),
        );
    }

    fn epoch(&mut self, by: &DeviceKeys, space: LaneId, to: &[(Recipient, Vec<u8>)]) -> EpochKey {
        let key = EpochKey::generate(&mut self.rng);
        self.share(by, space, &key, to, Vec::new());
        key
    }

    fn share(
        &mut self,
        by: &DeviceKeys,
        space: LaneId,
        key: &EpochKey,
        to: &[(Recipient, Vec<u8>)],
        older: Vec<Older>,
    ) {
        let keys = to
            .iter()
            .map(|(recipient, sealed)| KeyFor {
                recipient: recipient.clone(),
                sealed: sealed.clone().into(),
            })
            .collect();
        self.say(
            by,
            Statement::Epoch(Epoch {
                space,
                epoch: key.id(),
                keys,
                older,
            }),
        );
    }

    fn sealed(&mut self, key: &EpochKey, to: &DeviceKeys) -> Vec<u8> {
        let info = epoch_seal_info(&self.community);
        seal_key(&to.sealing_key(), &info, key.secret(), &mut self.rng).unwrap()
    }

    fn roster(&self) -> Roster {
        Roster::evaluate(&self.community, &self.book())
    }

    fn role(&self, who: &DeviceKeys, scope: Scope) -> Option<Role> {
        self.roster().role_in(&who.device(), &scope)
    }
}

/// The recovery sheet of every community here.
fn sheet() -> DeviceKeys {
    DeviceKeys::derive_for_recovery(&[7; 16])
}

fn found_by(owner: &DeviceKeys) -> Found {
    Found {
        nonce: vec![1; 16].into(),
        sealing: owner.sealing_key(),
        recovery: sheet().device(),
        title: b"title".to_vec().into(),
        recovery_sealing: Some(sheet().sealing_key()),
    }
}

fn invite_to(ticket: &DeviceKeys, role: Role, scope: Scope, uses: u16) -> Invite {
    Invite {
        invite: ticket.invite(),
        sealing: ticket.sealing_key(),
        scope,
        role,
        uses,
        keys: Vec::new(),
    }
}

fn to_device(keys: &DeviceKeys) -> Recipient {
    Recipient::Device(keys.device())
}

fn to_ticket(keys: &DeviceKeys) -> Recipient {
    Recipient::Invite(keys.invite())
}

/// Signs a statement's bytes as they stand, to say things that this version cannot write.
fn read_raw(world: &World, by: &DeviceKeys, kind: EntryKind, bytes: &[u8]) -> Option<Said> {
    Said::read(&world.community, by.device(), kind, bytes)
}
