//! Whatever is said, by whomever and in whatever order, gives one roster.

use proptest::prelude::*;
use rand::seq::SliceRandom;

use super::*;
use crate::id::{EpochId, RecordId};
use crate::roster::statement::{
    Erase, Erased, Grant, Profile, Release, Revoke, SealedKey, Settings, Stretch, Target,
};

/// A statement to be said: by whom, what, and three choices of what it is about.
#[derive(Debug, Clone)]
pub(super) struct Saying {
    by: usize,
    what: u8,
    picks: [usize; 3],
}

fn saying() -> impl Strategy<Value = Saying> {
    saying_of(0..16)
}

/// One that may take a member's device over into another member, with that device's agreement.
pub(super) fn saying_or_merging() -> impl Strategy<Value = Saying> {
    saying_of(0..17)
}

fn saying_of(what: std::ops::Range<u8>) -> impl Strategy<Value = Saying> {
    (any::<usize>(), what, any::<[usize; 3]>()).prop_map(|(by, what, picks)| Saying {
        by,
        what,
        picks,
    })
}

/// A community with every rank, two outsiders, and all things that can be named.
pub(super) struct Soup {
    pub(super) world: World,
    members: Vec<DeviceKeys>,
    strangers: Vec<DeviceKeys>,
    outsiders: Vec<DeviceKeys>,
    tickets: Vec<DeviceKeys>,
    spaces: Vec<LaneId>,
    ids: Vec<StatementId>,
}

fn pick<T>(from: &[T], choice: usize) -> &T {
    &from[choice % from.len()]
}

impl Soup {
    pub(super) fn new(seed: u64) -> Self {
        let mut world = World::new(seed);
        let owner = world.owner.clone();
        let (a, b) = (world.space(&owner, 1), world.space(&owner, 2));
        let mut members = vec![owner.clone()];
        for role in [
            Role::Coordinator,
            Role::Lead,
            Role::Volunteer,
            Role::Observer,
        ] {
            for scope in [Scope::Community, Scope::Space(a), Scope::Space(b)] {
                members.push(world.member(role, scope));
            }
        }
        let tickets = (0..3)
            .map(|uses| world.invite(&owner, Role::Volunteer, Scope::Space(a), uses))
            .collect();
        let strangers = (0..3).map(|_| world.device()).collect();
        let outsiders = (0..2).map(|_| world.device()).collect();
        let ids = world.said.iter().map(|(said, _)| said.id).collect();
        let spaces = vec![a, b, crate::roster::commons(&world.community)];
        Self {
            world,
            members,
            strangers,
            outsiders,
            tickets,
            spaces,
            ids,
        }
    }

    pub(super) fn hear(&mut self, sayings: &[Saying]) {
        for saying in sayings {
            let all = [&self.members, &self.strangers, &self.outsiders]
                .map(Vec::as_slice)
                .concat();
            let by = pick(&all, saying.by).clone();
            if saying.picks[1] % 8 == 7 {
                self.world.fork(&by.device(), 1 + saying.picks[2] % 3);
            }
            let statement = self.statement(&by, saying);
            let id = self.world.say(&by, statement);
            self.ids.push(id);
        }
    }

    fn is_outsider(&self, device: &DeviceId) -> bool {
        self.outsiders.iter().any(|keys| keys.device() == *device)
    }

    fn statement(&self, by: &DeviceKeys, saying: &Saying) -> Statement {
        let [x, y, z] = saying.picks;
        let space = *pick(&self.spaces, x);
        let scope = *pick(&[Scope::Community, Scope::Space(space)], y);
        let role = *pick(&Role::DESCENDING, z);
        let epoch = EpochId::new([u8::try_from(x % 4).unwrap(); 16]);
        let nonce = vec![u8::try_from(z % 8).unwrap()];
        match saying.what {
            0 => Statement::Space(Space {
                nonce: nonce.into(),
                title: vec![1].into(),
            }),
            1 | 2 => Statement::Invite(self.invite(saying, (scope, role), (space, epoch))),
            3 | 4 => {
                // Outsiders hold no ticket, so they sign the proof themselves.
                let ticket = pick(&self.tickets, x);
                let holds_it = !self.is_outsider(&by.device());
                let mut join = self.world.join_of(by, if holds_it { ticket } else { by });
                join.invite = ticket.invite();
                Statement::Join(join)
            }
            5 => Statement::Confirm(Confirm {
                join: self.source(x, true),
            }),
            6 => {
                let candidates = [self.strangers.as_slice(), &self.outsiders].concat();
                Statement::AddDevice(self.add_device(by, &candidates, saying))
            }
            7 => {
                let to = *pick(&[by.device(), DeviceId::new([7; 32])], y);
                Statement::Epoch(epoch_for(space, epoch, to, nonce))
            }
            8 => Statement::Profile(Profile {
                name: nonce.into(),
                version: (y % 3) as u64,
            }),
            9 => {
                let all = [self.members.as_slice(), &self.strangers].concat();
                let member = member_of(&self.world.community, &pick(&all, x).device());
                Statement::Grant(Grant {
                    member,
                    scope,
                    role,
                    nonce: nonce.into(),
                    at: None,
                })
            }
            10 | 11 => Statement::Revoke(self.revoke(saying, nonce)),
            12 => Statement::Release(self.decision(saying)),
            13 => Statement::Discard(self.decision(saying)),
            14 => Statement::Erased(Erased {
                statement: *pick(&self.ids, x),
            }),
            15 if y % 2 == 0 => Statement::Settings(Settings {
                name: String::new(),
                version: 1,
                value: nonce.into(),
            }),
            15 => Statement::Erase(Erase {
                record: RecordId::new([1; 16]),
                entries: self.decision(saying).entries,
            }),
            _ => Statement::AddDevice(self.add_device(by, &self.members, saying)),
        }
    }

    fn invite(
        &self,
        saying: &Saying,
        (scope, role): (Scope, Role),
        (space, epoch): (LaneId, EpochId),
    ) -> Invite {
        let z = saying.picks[2];
        let uses = u16::try_from(z % 3).unwrap();
        let mut invite = invite_to(pick(&self.tickets, z), role, scope, uses);
        invite.keys.push(SealedKey {
            space,
            epoch,
            sealed: vec![u8::try_from(z % 8).unwrap()].into(),
        });
        invite
    }

    /// A grant or a join: any of them or, if it is to, one of the latest.
    fn source(&self, choice: usize, is_late: bool) -> StatementId {
        let said = self.world.said.iter().map(|(said, _)| said);
        let gives =
            |said: &&Said| matches!(said.statement, Statement::Grant(_) | Statement::Join(_));
        let sources: Vec<StatementId> = said.filter(gives).map(|said| said.id).collect();
        let first = if is_late { sources.len() - 3 } else { 0 };
        *pick(&sources[first..], choice)
    }

    fn decision(&self, saying: &Saying) -> Release {
        let [x, y, z] = saying.picks;
        let stretch = Stretch {
            lane: *pick(&self.spaces, x),
            device: pick(&self.members, y).device(),
            incarnation: Incarnation::ZERO,
            first: 1,
            last: 2 + (z % 3) as u64,
            chain: Some(ChainHash::ZERO),
        };
        Release {
            entries: vec![stretch],
        }
    }

    fn revoke(&self, saying: &Saying, nonce: Vec<u8>) -> Revoke {
        let [x, y, z] = saying.picks;
        let all = [self.members.as_slice(), &self.strangers].concat();
        let device = pick(&all, x).device();
        let target = match y % 4 {
            0 => Target::Device(device),
            1 => Target::Member(member_of(&self.world.community, &device)),
            2 => Target::Grant(self.source(z, z % 2 == 0)),
            _ => Target::Invite(pick(&self.tickets, z).invite()),
        };
        let cuts = self.world.cuts_of(&device, z).into_iter().collect();
        Revoke {
            target,
            cuts,
            nonce: nonce.into(),
        }
    }

    /// A device that agrees or not; an outsider's never does.
    fn add_device(&self, by: &DeviceKeys, from: &[DeviceKeys], saying: &Saying) -> AddDevice {
        let [x, y, _] = saying.picks;
        let new = pick(from, x);
        let agrees = !self.is_outsider(&new.device()) && y % 2 == 0;
        let member = member_of(&self.world.community, &by.device());
        let (device, sealing) = (new.device(), new.sealing_key());
        let bytes = AddDevice::proof_bytes(&self.world.community, &member, &device, &sealing);
        let proof = if agrees { new } else { by }
            .sign(&bytes)
            .unwrap()
            .as_bytes()
            .to_vec();
        AddDevice {
            device,
            sealing,
            proof: proof.into(),
            label: Vec::new().into(),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn any_order_and_any_repetition_gives_the_same_roster(
        seed in 0_u64..4,
        sayings in proptest::collection::vec(saying_or_merging(), 0..60),
        shuffle in any::<u64>(),
    ) {
        let mut soup = Soup::new(seed);
        soup.hear(&sayings);
        let expected = soup.world.roster();
        let rng = &mut ChaCha8Rng::seed_from_u64(shuffle);
        let mut said = soup.world.said.clone();
        let repeated = said.len() / 2;
        said.shuffle(rng);
        said.extend_from_within(..repeated);
        said.shuffle(rng);
        prop_assert_eq!(&Roster::evaluate(&soup.world.community, &book_of(&said)), &expected);
        let (first, second) = said.split_at(repeated);
        let regrouped = second.iter().chain(first);
        prop_assert_eq!(&Roster::evaluate(&soup.world.community, &book_of(regrouped)), &expected);
    }

    #[test]
    fn what_outsiders_say_never_changes_the_roster(
        seed in 0_u64..4,
        sayings in proptest::collection::vec(saying(), 0..60),
    ) {
        let mut soup = Soup::new(seed);
        soup.hear(&sayings);
        let inside = soup.world.said.iter().filter(|(said, _)| !soup.is_outsider(&said.author));
        let expected = Roster::evaluate(&soup.world.community, &book_of(inside));
        prop_assert_eq!(soup.world.roster(), expected);
    }

    #[test]
    fn owners_and_coordinators_lose_nothing_by_the_word_of_their_equals_or_of_lower_ranks(
        seed in 0_u64..4,
        sayings in proptest::collection::vec(saying(), 0..60),
    ) {
        let mut soup = Soup::new(seed);
        let before = soup.world.roster();
        soup.hear(&sayings);
        let after = soup.world.roster();
        let revokes: Vec<DeviceId> = soup
            .world
            .said
            .iter()
            .filter(|(said, _)| matches!(said.statement, Statement::Revoke(_)))
            .map(|(said, _)| said.author)
            .collect();
        for (id, member) in before.members() {
            let Some((_, role)) = member.roles.iter().max_by_key(|(_, role)| *role) else { continue };
            // A stranger may have become an owner's second device meanwhile.
            let is_owners = |by: &DeviceId| {
                let member = after.member_id(by).and_then(|id| before.members().get(&id));
                member.is_some_and(|member| member.roles.iter().any(|(_, role)| *role == Role::Owner))
            };
            let may_remove = |by: &DeviceId| {
                let was_owner = before.role_in(by, &Scope::Community) == Some(Role::Owner);
                let is_owner = was_owner || is_owners(by);
                is_owner && *role < Role::Owner || after.member_id(by) == Some(*id)
            };
            if *role >= Role::Coordinator && !revokes.iter().any(may_remove) {
                prop_assert!(after.members()[id].roles.is_superset(&member.roles));
            }
        }
    }

    #[test]
    fn what_is_said_after_a_cut_off_changes_nothing(
        seed in 0_u64..4,
        before in proptest::collection::vec(saying(), 0..30),
        after in proptest::collection::vec(saying(), 0..30),
        who in 1_usize..9,
    ) {
        let mut soup = Soup::new(seed);
        soup.hear(&before);
        let owner = soup.world.owner.clone();
        let thief = pick(&soup.members, who).clone();
        prop_assume!(thief.device() != owner.device());
        // The owner may have removed the device that is to say it.
        let owners_role = soup.world.roster().role_in(&owner.device(), &Scope::Community);
        prop_assume!(owners_role == Some(Role::Owner));
        let community = soup.world.community;
        let target = Target::Member(member_of(&community, &thief.device()));
        let cuts = soup.world.cuts_of(&thief.device(), 0).into_iter().collect();
        let revoke = Revoke { target, cuts, nonce: vec![].into() };
        soup.world.say(&owner, Statement::Revoke(revoke));
        let expected = soup.world.roster();
        for saying in &after {
            let statement = soup.statement(&thief, saying);
            // Whoever holds a ticket may join with it as somebody new, and a removed device may say that
            // it has erased.
            if !matches!(statement, Statement::Erased(_) | Statement::Join(_)) {
                soup.world.say(&thief, statement);
            }
        }
        prop_assert_eq!(soup.world.roster(), expected);
    }
}

fn epoch_for(space: LaneId, epoch: EpochId, to: DeviceId, sealed: Vec<u8>) -> Epoch {
    let key = KeyFor {
        recipient: Recipient::Device(to),
        sealed: sealed.into(),
    };
    let older = Older {
        epoch: EpochId::new([9; 16]),
        wrapped: vec![1].into(),
    };
    Epoch {
        space,
        epoch,
        keys: vec![key],
        older: vec![older],
    }
}
