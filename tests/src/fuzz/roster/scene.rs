//! People of every rank, and what they can be told to say.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use sync_core::entry::EntryKind;
use sync_core::entry::place::Link;
use sync_core::id::{
    ChainHash, CommunityId, DeviceId, EpochId, Head, Incarnation, LaneId, LogId, RecordId, Seq,
};
use sync_core::keys::{DeviceKeys, Secret, Signer as _};
use sync_core::roster::role::{Role, Scope};
use sync_core::roster::statement::{
    AddDevice, Confirm, Cut, Epoch, Erase, Erased, Found, Grant, Invite, Join, KeyFor, Older,
    Profile, Recipient, Release, Revoke, SealedKey, Space, Statement, StatementId, Stretch, Target,
};
use sync_core::roster::{Said, commons, community_of, member_of, roster_lane, space_of};

/// How many kinds of statements can be said.
pub(super) const KINDS: u8 = 15;

/// A statement to be said: by whom, what, and three choices of what it is about.
pub(super) struct Saying {
    pub(super) by: u8,
    pub(super) what: u8,
    pub(super) picks: [u8; 3],
}

/// Everything that was said, and everything that can be named.
#[derive(Clone)]
pub(super) struct Scene {
    pub(super) community: CommunityId,
    /// Each statement in a batch of its own, in its author's log.
    pub(super) said: Vec<(Said, Link)>,
    heads: BTreeMap<DeviceId, Head>,
    /// Members, the owner first; then people with tickets in their hands.
    people: Vec<DeviceKeys>,
    /// They hold no ticket, and agree to nothing.
    outsiders: Vec<DeviceKeys>,
    tickets: Vec<DeviceKeys>,
    spaces: Vec<LaneId>,
    ids: Vec<StatementId>,
}

fn keys(number: u8) -> DeviceKeys {
    DeviceKeys::from_secrets(&Secret::new([number; 32]), Secret::new([number ^ 0x80; 32]))
}

fn pick<T>(from: &[T], choice: u8) -> &T {
    let at = usize::from(choice).checked_rem(from.len());
    at.and_then(|at| from.get(at))
        .expect("there is one of everything")
}

impl Scene {
    /// The community that every input begins with.
    pub(super) fn begun() -> &'static Self {
        static BEGUN: OnceLock<Scene> = OnceLock::new();
        BEGUN.get_or_init(Self::new)
    }

    fn new() -> Self {
        let owner = keys(1);
        let found = Statement::Found(Found {
            nonce: vec![1; 16].into(),
            sealing: owner.sealing_key(),
            recovery: keys(2).device(),
            title: b"title".to_vec().into(),
            recovery_sealing: None,
        });
        let community = community_of(&owner.device(), &found.encode().1);
        let mut scene = Self {
            community,
            said: Vec::new(),
            heads: BTreeMap::new(),
            people: vec![owner.clone()],
            outsiders: vec![keys(70), keys(71)],
            tickets: Vec::new(),
            spaces: vec![commons(&community)],
            ids: Vec::new(),
        };
        scene.put(&owner, &found);
        for name in 1..=2 {
            let space = space(name);
            let id = space_of(&community, &owner.device(), &space.encode().1);
            scene.put(&owner, &space);
            scene.spaces.push(id);
        }
        scene.let_members_in();
        for number in 0..3 {
            let ticket = keys(50 + number);
            let invite = invite(&ticket, Role::Volunteer, Scope::Community, number.into());
            scene.put(&owner, &Statement::Invite(invite));
            scene.tickets.push(ticket);
        }
        scene.people.extend([60, 61, 62].map(keys));
        scene
    }

    /// One of each rank below the owner for the community and for one village.
    fn let_members_in(&mut self) {
        let owner = keys(1);
        let village = Scope::Space(*pick(&self.spaces, 1));
        let ranks = [
            Role::Coordinator,
            Role::Lead,
            Role::Volunteer,
            Role::Observer,
        ];
        for (rank, role) in (0_u8..).zip(ranks) {
            for (number, scope) in (0_u8..).zip([Scope::Community, village]) {
                let ticket = keys(10 + 2 * rank + number);
                let member = keys(30 + 2 * rank + number);
                self.put(&owner, &Statement::Invite(invite(&ticket, role, scope, 1)));
                let join = self.put(&member, &Statement::Join(self.join(&member, &ticket)));
                self.put(&owner, &Statement::Confirm(Confirm { join }));
                self.people.push(member);
            }
        }
    }

    /// Whether they hold no ticket and have agreed to nothing.
    pub(super) fn is_outsider(&self, device: &DeviceId) -> bool {
        self.outsiders.iter().any(|keys| keys.device() == *device)
    }

    /// How many can be told to say something.
    pub(super) fn people_count(&self) -> u8 {
        u8::try_from(self.people.len() + self.outsiders.len()).expect("they are few")
    }

    fn author(&self, by: u8) -> DeviceKeys {
        let all = [self.people.as_slice(), &self.outsiders].concat();
        pick(&all, by).clone()
    }

    /// Somebody says something about what is there.
    pub(super) fn say(&mut self, saying: &Saying) {
        let by = self.author(saying.by);
        let statement = self.statement(&by, saying);
        let id = self.put(&by, &statement);
        self.ids.push(id);
    }

    /// Somebody signs bytes as they stand.
    pub(super) fn say_raw(&mut self, by: u8, kind: EntryKind, bytes: &[u8]) {
        let by = self.author(by);
        self.log(&by, kind, bytes);
    }

    fn put(&mut self, by: &DeviceKeys, statement: &Statement) -> StatementId {
        let (kind, bytes) = statement.encode();
        self.log(by, kind, &bytes);
        let id = StatementId::derive(&self.community, &by.device(), kind, &bytes);
        self.ids.push(id);
        id
    }

    fn log(&mut self, by: &DeviceKeys, kind: EntryKind, bytes: &[u8]) {
        let Some(said) = Said::read(&self.community, by.device(), kind, bytes) else {
            return;
        };
        let place = (self.said.len() as u64).to_be_bytes();
        let chain = ChainHash::from_hash(&blake3::hash(&place));
        let head = self.heads.entry(said.author).or_insert(Head::EMPTY);
        let link = Link {
            prev: head.chain,
            chain,
        };
        *head = Head {
            seq: head.seq.plus(1),
            chain,
        };
        self.said.push((said, link));
    }

    fn join(&self, device: &DeviceKeys, ticket: &DeviceKeys) -> Join {
        let sealing = device.sealing_key();
        let bytes = Join::proof_bytes(&self.community, &device.device(), &sealing);
        Join {
            invite: ticket.invite(),
            sealing,
            proof: signed(ticket, &bytes).into(),
        }
    }

    fn statement(&self, by: &DeviceKeys, saying: &Saying) -> Statement {
        let [x, y, z] = saying.picks;
        let space_id = *pick(&self.spaces, x);
        let scope = *pick(&[Scope::Community, Scope::Space(space_id)], y);
        let role = *pick(&Role::DESCENDING, z);
        let nonce = vec![z % 8];
        match saying.what % KINDS {
            0 => space(z % 8),
            1 => {
                let mut invite = invite(pick(&self.tickets, z), role, scope, u16::from(z % 3));
                invite.keys.push(SealedKey {
                    space: space_id,
                    epoch: EpochId::new([x % 4; 16]),
                    sealed: nonce.into(),
                });
                Statement::Invite(invite)
            }
            2 | 3 => {
                // Outsiders hold no ticket, so they sign the proof themselves.
                let ticket = pick(&self.tickets, x);
                let holds_it = !self.is_outsider(&by.device());
                let mut join = self.join(by, if holds_it { ticket } else { by });
                join.invite = ticket.invite();
                Statement::Join(join)
            }
            4 => Statement::Confirm(Confirm {
                join: *pick(&self.ids, x),
            }),
            5 => Statement::AddDevice(self.add_device(by, x, y)),
            6 => epoch(
                space_id,
                x,
                *pick(&[by.device(), DeviceId::new([7; 32])], y),
                nonce,
            ),
            7 => Statement::Profile(Profile {
                name: nonce.into(),
                version: u64::from(y % 3),
            }),
            8 | 9 => Statement::Grant(Grant {
                member: member_of(&self.community, &pick(&self.people, x).device()),
                scope,
                role,
                nonce: nonce.into(),
                at: None,
            }),
            10 => Statement::Release(self.verdict(space_id, y, z)),
            11 => Statement::Discard(self.verdict(space_id, y, z)),
            12 => Statement::Erase(Erase {
                record: RecordId::new([y % 4; 16]),
                entries: self.verdict(space_id, y, z).entries,
            }),
            13 => Statement::Erased(Erased {
                statement: *pick(&self.ids, x),
            }),
            _ => Statement::Revoke(self.revoke(x, y, z)),
        }
    }

    fn revoke(&self, x: u8, y: u8, z: u8) -> Revoke {
        let device = pick(&self.people, x).device();
        let target = match y % 4 {
            0 => Target::Device(device),
            1 => Target::Member(member_of(&self.community, &device)),
            2 => Target::Grant(*pick(&self.ids, z)),
            _ => Target::Invite(pick(&self.tickets, z).invite()),
        };
        Revoke {
            target,
            cuts: self.cut_of(&device, usize::from(z)).into_iter().collect(),
            nonce: vec![z % 8].into(),
        }
    }

    /// Where a device's log ends, so many statements before its end; nothing if it has not begun.
    fn cut_of(&self, device: &DeviceId, back: usize) -> Option<Cut> {
        let said = self.said.iter();
        let theirs: Vec<_> = said.filter(|(said, _)| said.author == *device).collect();
        let left = theirs.len().checked_sub(back % (theirs.len() + 1))?;
        let (_, link) = theirs.get(left.checked_sub(1)?)?;
        let log = LogId {
            lane: roster_lane(&self.community),
            device: *device,
            incarnation: Incarnation::new([0; 8]),
        };
        let head = Head {
            seq: Seq(left as u64),
            chain: link.chain,
        };
        Some(Cut::at(&log, &head))
    }

    fn verdict(&self, space: LaneId, y: u8, z: u8) -> Release {
        let device = pick(&self.people, y).device();
        let entries = vec![Stretch {
            lane: space,
            device,
            incarnation: Incarnation::new([0; 8]),
            first: u64::from(z % 4),
            last: u64::from(z / 4),
            chain: self.heads.get(&device).map(|head| head.chain),
        }];
        Release { entries }
    }

    /// Somebody's device, who agrees or not, or one of an outsider, who never does.
    fn add_device(&self, by: &DeviceKeys, x: u8, y: u8) -> AddDevice {
        let all = [self.people.as_slice(), &self.outsiders].concat();
        let new = pick(&all, x);
        let agrees = !self.is_outsider(&new.device()) && y.is_multiple_of(2);
        let member = member_of(&self.community, &by.device());
        let (device, sealing) = (new.device(), new.sealing_key());
        let bytes = AddDevice::proof_bytes(&self.community, &member, &device, &sealing);
        AddDevice {
            device,
            sealing,
            proof: signed(if agrees { new } else { by }, &bytes).into(),
            label: Vec::new().into(),
        }
    }
}

fn signed(by: &DeviceKeys, bytes: &[u8]) -> Vec<u8> {
    let signature = by.sign(bytes).expect("keys in memory sign");
    signature.as_bytes().to_vec()
}

fn space(name: u8) -> Statement {
    Statement::Space(Space {
        nonce: vec![name; 16].into(),
        title: vec![name].into(),
    })
}

fn invite(ticket: &DeviceKeys, role: Role, scope: Scope, uses: u16) -> Invite {
    Invite {
        invite: ticket.invite(),
        sealing: ticket.sealing_key(),
        scope,
        role,
        uses,
        keys: Vec::new(),
    }
}

fn epoch(space: LaneId, which: u8, to: DeviceId, sealed: Vec<u8>) -> Statement {
    let key = KeyFor {
        recipient: Recipient::Device(to),
        sealed: sealed.into(),
    };
    let older = Older {
        epoch: EpochId::new([9; 16]),
        wrapped: vec![1].into(),
    };
    Statement::Epoch(Epoch {
        space,
        epoch: EpochId::new([which % 4; 16]),
        keys: vec![key],
        older: vec![older],
    })
}
