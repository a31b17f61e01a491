//! Whatever is said, by whomever and in whatever order, gives one roster.

use proptest::prelude::*;
use rand::seq::SliceRandom;

use super::*;
use crate::id::EpochId;
use crate::roster::follow::News;
use crate::roster::statement::{Grant, Profile, Revoke, SealedKey, Target};

/// A statement to be said: by whom, what, and three choices of what it is about.
#[derive(Debug, Clone)]
struct Saying {
    by: usize,
    what: u8,
    picks: [usize; 3],
}

fn saying() -> impl Strategy<Value = Saying> {
    (any::<usize>(), 0_u8..11, any::<[usize; 3]>()).prop_map(|(by, what, picks)| Saying {
        by,
        what,
        picks,
    })
}

/// A community with every rank, two outsiders, and all things that can be named.
struct Soup {
    world: World,
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
    fn new(seed: u64) -> Self {
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

    fn hear(&mut self, sayings: &[Saying]) {
        for saying in sayings {
            let all = [&self.members, &self.strangers, &self.outsiders]
                .map(Vec::as_slice)
                .concat();
            let by = pick(&all, saying.by).clone();
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
            1 | 2 => {
                let mut invite = invite_to(
                    pick(&self.tickets, z),
                    role,
                    scope,
                    u16::try_from(z % 3).unwrap(),
                );
                invite.keys.push(SealedKey {
                    space,
                    epoch,
                    sealed: nonce.into(),
                });
                Statement::Invite(invite)
            }
            3 | 4 => {
                // Outsiders hold no ticket, so they sign the proof themselves.
                let ticket = pick(&self.tickets, x);
                let holds_it = !self.is_outsider(&by.device());
                let mut join = self.world.join_of(by, if holds_it { ticket } else { by });
                join.invite = ticket.invite();
                Statement::Join(join)
            }
            5 => Statement::Confirm(Confirm {
                join: *pick(&self.ids, x),
            }),
            6 => Statement::AddDevice(self.add_device(by, saying)),
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
                })
            }
            _ => Statement::Revoke(self.revoke(saying, nonce)),
        }
    }

    fn revoke(&self, saying: &Saying, nonce: Vec<u8>) -> Revoke {
        let [x, y, z] = saying.picks;
        let all = [self.members.as_slice(), &self.strangers].concat();
        let device = pick(&all, x).device();
        let target = match y % 4 {
            0 => Target::Device(device),
            1 => Target::Member(member_of(&self.world.community, &device)),
            2 => Target::Grant(*pick(&self.ids, z)),
            _ => Target::Invite(pick(&self.tickets, z).invite()),
        };
        let cuts = self.world.cuts_of(&device, z).into_iter().collect();
        Revoke {
            target,
            cuts,
            nonce: nonce.into(),
        }
    }

    /// A device of a stranger, who agrees or not, or one of an outsider, who never does.
    fn add_device(&self, by: &DeviceKeys, saying: &Saying) -> AddDevice {
        let [x, y, _] = saying.picks;
        let candidates = [self.strangers.as_slice(), &self.outsiders].concat();
        let new = pick(&candidates, x);
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
        sayings in proptest::collection::vec(saying(), 0..60),
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
    fn following_each_statement_gives_what_evaluating_all_gives(
        seed in 0_u64..4,
        sayings in proptest::collection::vec(saying(), 0..60),
        shuffle in any::<u64>(),
    ) {
        let mut soup = Soup::new(seed);
        let mut roster = soup.world.roster();
        for saying in &sayings {
            let before = soup.world.said.len();
            soup.hear(std::slice::from_ref(saying));
            let mut news = News::default();
            soup.world.said[before..].iter().for_each(|(said, _)| news.add(said.clone()));
            roster.follow(&soup.world.book(), &news);
            prop_assert_eq!(&roster, &soup.world.roster());
        }
        // The same in any order, a few at a time.
        let rng = &mut ChaCha8Rng::seed_from_u64(shuffle);
        let mut said = soup.world.said.clone();
        said.shuffle(rng);
        let (mut book, mut roster) = (Book::default(), Roster::empty(soup.world.community));
        for some in said.chunks(3) {
            let mut news = News::default();
            for (said, link) in some {
                book.add_carried(said.clone(), link);
                book.link(link);
                news.add(said.clone());
            }
            roster.follow(&book, &news);
            prop_assert_eq!(&roster, &Roster::evaluate(&soup.world.community, &book));
        }
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
            // Whoever holds a ticket may join with it as somebody new.
            if !matches!(statement, Statement::Join(_)) {
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
