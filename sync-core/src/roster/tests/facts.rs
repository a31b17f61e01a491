use super::*;
use crate::roster::statement::{Profile, SealedKey};
use crate::roster::{commons, roster_lane};

#[test]
fn founder_is_the_owner_of_the_community() {
    let world = World::new(1);
    let roster = world.roster();
    assert_eq!(
        world.role(&world.owner, Scope::Community),
        Some(Role::Owner)
    );
    assert!(roster.is_founded());
    assert_eq!(roster.members().len(), 1);
    let owner = roster.members().values().next().unwrap();
    assert!(!owner.is_provisional);
}

#[test]
fn founding_bytes_said_by_another_device_found_nothing() {
    let mut world = World::new(2);
    let thief = world.device();
    let (kind, bytes) = Statement::Found(found_by(&world.owner)).encode();
    assert_eq!(read_raw(&world, &thief, kind, &bytes), None);
}

#[test]
fn lead_invites_a_volunteer_and_not_an_equal() {
    let mut world = World::new(3);
    let lead = world.member(Role::Lead, Scope::Community);
    for (role, expected) in [
        (Role::Observer, true),
        (Role::Volunteer, true),
        (Role::Lead, false),
        (Role::Owner, false),
    ] {
        let ticket = world.invite(&lead, role, Scope::Community, 1);
        let (joiner, _) = world.join(&ticket);
        assert_eq!(
            world.role(&joiner, Scope::Community),
            expected.then_some(role),
            "{role}"
        );
    }
}

#[test]
fn volunteer_invites_nobody() {
    let mut world = World::new(4);
    let volunteer = world.member(Role::Volunteer, Scope::Community);
    let ticket = world.invite(&volunteer, Role::Observer, Scope::Community, 1);
    let (joiner, _) = world.join(&ticket);
    assert_eq!(world.role(&joiner, Scope::Community), None);
}

#[test]
fn lead_of_one_village_cannot_invite_into_another() {
    let mut world = World::new(5);
    let owner = world.owner.clone();
    let (a, b) = (world.space(&owner, 1), world.space(&owner, 2));
    let lead = world.member(Role::Lead, Scope::Space(a));
    for (scope, expected) in [
        (Scope::Space(a), Some(Role::Volunteer)),
        (Scope::Space(b), None),
        (Scope::Community, None),
    ] {
        let ticket = world.invite(&lead, Role::Volunteer, scope, 1);
        let (joiner, _) = world.join(&ticket);
        assert_eq!(world.role(&joiner, scope), expected);
    }
}

#[test]
fn role_in_one_village_is_none_in_another_and_reads_the_commons() {
    let mut world = World::new(6);
    let owner = world.owner.clone();
    let (a, b) = (world.space(&owner, 1), world.space(&owner, 2));
    let device = world.member(Role::Volunteer, Scope::Space(a)).device();
    let roster = world.roster();
    assert!(roster.may_read(&device, &a) && roster.may_write(&device, &a));
    assert!(!roster.may_read(&device, &b) && !roster.may_write(&device, &b));
    let lanes = [roster_lane(&world.community), commons(&world.community), a];
    assert_eq!(roster.lanes_of(&device), lanes.into_iter().collect());
}

#[test]
fn observer_reads_and_does_not_write() {
    let mut world = World::new(7);
    let owner = world.owner.clone();
    let space = world.space(&owner, 1);
    let device = world.member(Role::Observer, Scope::Space(space)).device();
    let roster = world.roster();
    assert!(roster.may_read(&device, &space));
    assert!(!roster.may_write(&device, &space));
}

#[test]
fn space_of_a_lead_is_no_space() {
    let mut world = World::new(8);
    let lead = world.member(Role::Lead, Scope::Community);
    let coordinator = world.member(Role::Coordinator, Scope::Community);
    let not_one = world.space(&lead, 1);
    let one = world.space(&coordinator, 2);
    let roster = world.roster();
    assert!(!roster.spaces().contains_key(&not_one));
    assert!(roster.spaces().contains_key(&one));
}

#[test]
fn join_with_a_forged_proof_is_ignored() {
    let mut world = World::new(9);
    let owner = world.owner.clone();
    let ticket = world.invite(&owner, Role::Volunteer, Scope::Community, 1);
    let thief = world.device();
    let mut join = world.join_of(&thief, &thief);
    join.invite = ticket.invite();
    world.say(&thief, Statement::Join(join));
    assert_eq!(world.role(&thief, Scope::Community), None);
    assert!(
        world
            .roster()
            .invites()
            .values()
            .all(|invite| invite.joins.is_empty())
    );
}

#[test]
fn join_copied_by_another_device_is_ignored() {
    let mut world = World::new(10);
    let owner = world.owner.clone();
    let ticket = world.invite(&owner, Role::Volunteer, Scope::Community, 1);
    let (joiner, _) = world.join(&ticket);
    let copy = Statement::Join(world.join_of(&joiner, &ticket));
    let thief = world.device();
    world.say(&thief, copy);
    assert_eq!(world.role(&thief, Scope::Community), None);
    assert_eq!(world.role(&joiner, Scope::Community), Some(Role::Volunteer));
}

#[test]
fn more_joins_than_uses_are_all_held_until_confirmed() {
    let mut world = World::new(11);
    let lead = world.member(Role::Lead, Scope::Community);
    let ticket = world.invite(&lead, Role::Volunteer, Scope::Community, 1);
    let (one, join) = world.join(&ticket);
    assert_eq!(world.role(&one, Scope::Community), Some(Role::Volunteer));
    let (two, _) = world.join(&ticket);
    assert_eq!(world.role(&one, Scope::Community), None);
    assert_eq!(world.role(&two, Scope::Community), None);
    world.confirm(&lead, join);
    assert_eq!(world.role(&one, Scope::Community), Some(Role::Volunteer));
    assert_eq!(world.role(&two, Scope::Community), None);
}

#[test]
fn confirmed_join_survives_any_number_of_later_ones() {
    let mut world = World::new(12);
    let lead = world.member(Role::Lead, Scope::Community);
    let ticket = world.invite(&lead, Role::Volunteer, Scope::Community, 1);
    let (first, join) = world.join(&ticket);
    world.confirm(&lead, join);
    for _ in 0..3 {
        let (late, _) = world.join(&ticket);
        assert_eq!(world.role(&late, Scope::Community), None);
    }
    assert_eq!(world.role(&first, Scope::Community), Some(Role::Volunteer));
}

#[test]
fn same_device_joining_twice_uses_the_invite_once() {
    let mut world = World::new(13);
    let owner = world.owner.clone();
    let ticket = world.invite(&owner, Role::Volunteer, Scope::Community, 1);
    let (joiner, _) = world.join(&ticket);
    let mut again = world.join_of(&joiner, &ticket);
    again.sealing = world.device().sealing_key();
    let bytes = Join::proof_bytes(&world.community, &joiner.device(), &again.sealing);
    again.proof = ticket.sign(&bytes).unwrap().as_bytes().to_vec().into();
    world.say(&joiner, Statement::Join(again));
    assert_eq!(world.role(&joiner, Scope::Community), Some(Role::Volunteer));
}

#[test]
fn confirm_by_too_low_a_rank_is_ignored() {
    let mut world = World::new(14);
    let owner = world.owner.clone();
    let (a, b) = (world.space(&owner, 1), world.space(&owner, 2));
    let ticket = world.invite(&owner, Role::Lead, Scope::Space(a), 1);
    let (joiner, join) = world.join(&ticket);
    let useless = [
        world.member(Role::Lead, Scope::Space(a)),
        world.member(Role::Volunteer, Scope::Community),
        world.member(Role::Coordinator, Scope::Space(b)),
        world.device(),
        joiner.clone(),
    ];
    for by in &useless {
        world.confirm(by, join);
    }
    let member = member_of(&world.community, &joiner.device());
    assert!(
        world
            .roster()
            .members()
            .get(&member)
            .unwrap()
            .is_provisional
    );
    world.confirm(&owner, join);
    assert!(
        !world
            .roster()
            .members()
            .get(&member)
            .unwrap()
            .is_provisional
    );
}

#[test]
fn joins_to_confirm_are_told_to_those_who_may() {
    let mut world = World::new(15);
    let lead = world.member(Role::Lead, Scope::Community);
    let volunteer = world.member(Role::Volunteer, Scope::Community);
    let ticket = world.invite(&lead, Role::Volunteer, Scope::Community, 1);
    let (_, join) = world.join(&ticket);
    let roster = world.roster();
    assert_eq!(
        roster.to_confirm(&lead.device()),
        [join].into_iter().collect()
    );
    assert!(roster.to_confirm(&volunteer.device()).is_empty());
    world.confirm(&lead, join);
    assert!(world.roster().to_confirm(&lead.device()).is_empty());
}

#[test]
fn further_device_needs_both_sides() {
    let mut world = World::new(16);
    let volunteer = world.member(Role::Volunteer, Scope::Community);
    let (phone, kidnapped) = (world.device(), world.device());
    world.add_device(&volunteer, &phone, &phone);
    world.add_device(&volunteer, &kidnapped, &volunteer);
    assert_eq!(world.role(&phone, Scope::Community), Some(Role::Volunteer));
    assert_eq!(world.role(&kidnapped, Scope::Community), None);
    let roster = world.roster();
    assert_eq!(
        roster.member_id(&phone.device()),
        roster.member_id(&volunteer.device())
    );
}

#[test]
fn further_device_speaks_and_adds_as_its_member() {
    let mut world = World::new(17);
    let lead = world.member(Role::Lead, Scope::Community);
    let (phone, computer) = (world.device(), world.device());
    world.add_device(&lead, &phone, &phone);
    world.add_device(&phone, &computer, &computer);
    let ticket = world.invite(&computer, Role::Volunteer, Scope::Community, 1);
    let (joiner, join) = world.join(&ticket);
    world.confirm(&phone, join);
    assert_eq!(world.role(&joiner, Scope::Community), Some(Role::Volunteer));
    assert!(
        world
            .roster()
            .invites_of(ticket.invite())
            .all(|invite| !invite.is_open())
    );
}

#[test]
fn role_taken_up_on_a_further_device_is_its_members() {
    let mut world = World::new(18);
    let owner = world.owner.clone();
    let space = world.space(&owner, 1);
    let lead = world.member(Role::Lead, Scope::Community);
    let phone = world.device();
    world.add_device(&lead, &phone, &phone);
    let ticket = world.invite(&owner, Role::Observer, Scope::Space(space), 1);
    let join = world.join_of(&phone, &ticket);
    world.say(&phone, Statement::Join(join));
    let roster = world.roster();
    assert_eq!(roster.members().len(), 2);
    let member = roster
        .members()
        .get(&roster.member_id(&phone.device()).unwrap())
        .unwrap();
    assert!(
        member
            .roles
            .contains(&(Scope::Space(space), Role::Observer))
    );
    assert!(member.roles.contains(&(Scope::Community, Role::Lead)));
}

#[test]
fn invite_that_copies_anothers_ticket_hides_and_changes_nothing() {
    // Ids decide the order of equals, so several seeds try both orders.
    for seed in 100..110 {
        let mut world = World::new(seed);
        let owner = world.owner.clone();
        let (a, b) = (world.space(&owner, 1), world.space(&owner, 2));
        let honest = world.member(Role::Lead, Scope::Space(a));
        let thief = world.member(Role::Lead, Scope::Space(b));
        let ticket = world.invite(&honest, Role::Volunteer, Scope::Space(a), 1);
        let (joiner, _) = world.join(&ticket);
        let mut copy = invite_to(&ticket, Role::Volunteer, Scope::Space(b), 0);
        copy.sealing = thief.sealing_key();
        world.say(&thief, Statement::Invite(copy));
        assert_eq!(world.role(&joiner, Scope::Space(a)), Some(Role::Volunteer));
        assert_eq!(world.role(&joiner, Scope::Space(b)), None);
        assert!(
            world
                .roster()
                .readers(&a)
                .contains(&(to_ticket(&ticket), ticket.sealing_key()))
        );
    }
}

#[test]
fn epochs_by_outsiders_and_observers_are_ignored() {
    let mut world = World::new(19);
    let owner = world.owner.clone();
    let (a, b) = (world.space(&owner, 1), world.space(&owner, 2));
    let useless = [
        world.device(),
        world.member(Role::Observer, Scope::Space(a)),
        world.member(Role::Lead, Scope::Space(b)),
    ];
    for by in &useless {
        world.epoch(by, a, &[]);
    }
    assert!(world.roster().epochs().is_empty());
    let volunteer = world.member(Role::Volunteer, Scope::Space(a));
    let key = world.epoch(&volunteer, a, &[]);
    assert!(world.roster().epochs().contains_key(&(a, key.id())));
}

#[test]
fn planted_key_copies_do_not_hide_the_good_ones() {
    let mut world = World::new(20);
    let owner = world.owner.clone();
    let space = world.space(&owner, 1);
    let volunteer = world.member(Role::Volunteer, Scope::Space(space));
    let old = EpochKey::generate(&mut world.rng);
    for round in 0..4 {
        let key = EpochKey::generate(&mut world.rng);
        let good = world.sealed(&key, &owner);
        let wrapped = key.wrap(&old);
        let older = |bytes: Vec<u8>| {
            vec![Older {
                epoch: old.id(),
                wrapped: bytes.into(),
            }]
        };
        world.share(
            &volunteer,
            space,
            &key,
            &[(to_device(&owner), vec![round; 80])],
            older(vec![0; 48]),
        );
        world.share(
            &owner,
            space,
            &key,
            &[(to_device(&owner), good)],
            older(wrapped),
        );
        world.share(
            &volunteer,
            space,
            &key,
            &[(to_device(&owner), vec![9; 80])],
            older(vec![9; 48]),
        );
        let roster = world.roster();
        let epoch = roster.epochs().get(&(space, key.id())).unwrap();
        let info = epoch_seal_info(&world.community);
        let copies = epoch.sealed.get(&to_device(&owner)).unwrap();
        assert!(
            copies
                .iter()
                .any(|copy| owner.open(&info, copy).as_ref() == Ok(key.secret()))
        );
        let copies = epoch.older.get(&old.id()).unwrap();
        assert!(
            copies
                .iter()
                .any(|copy| key.unwrap_older(&old.id(), copy).as_ref() == Some(&old))
        );
    }
}

#[test]
fn readers_are_devices_that_may_read_and_open_invites() {
    let mut world = World::new(21);
    let owner = world.owner.clone();
    let (a, b) = (world.space(&owner, 1), world.space(&owner, 2));
    let of_a = world.member(Role::Observer, Scope::Space(a));
    let of_b = world.member(Role::Volunteer, Scope::Space(b));
    let to_a = world.invite(&owner, Role::Volunteer, Scope::Space(a), 1);
    let to_b = world.invite(&owner, Role::Volunteer, Scope::Space(b), 1);
    let reads = |world: &World, space: &LaneId, keys: &DeviceKeys, as_ticket: bool| {
        let recipient = if as_ticket {
            to_ticket(keys)
        } else {
            to_device(keys)
        };
        world
            .roster()
            .readers(space)
            .contains(&(recipient, keys.sealing_key()))
    };
    for (keys, as_ticket, in_a, in_b) in [
        (&owner, false, true, true),
        (&of_a, false, true, false),
        (&of_b, false, false, true),
        (&to_a, true, true, false),
        (&to_b, true, false, true),
    ] {
        assert_eq!(reads(&world, &a, keys, as_ticket), in_a);
        assert_eq!(reads(&world, &b, keys, as_ticket), in_b);
        assert!(reads(&world, &commons(&world.community), keys, as_ticket));
    }
    let (_, join) = world.join(&to_a);
    assert!(
        reads(&world, &a, &to_a, true),
        "an invite stays open until a join is confirmed"
    );
    world.confirm(&owner, join);
    assert!(!reads(&world, &a, &to_a, true));
}

#[test]
fn epoch_is_usable_while_all_its_recipients_may_read() {
    let mut world = World::new(22);
    let owner = world.owner.clone();
    let (a, b) = (world.space(&owner, 1), world.space(&owner, 2));
    let of_b = world.member(Role::Volunteer, Scope::Space(b));
    let to_a = world.invite(&owner, Role::Volunteer, Scope::Space(a), 1);
    let to_b = world.invite(&owner, Role::Volunteer, Scope::Space(b), 1);
    let outsider = world.device();
    let good = world.epoch(
        &owner,
        a,
        &[(to_device(&owner), vec![]), (to_ticket(&to_a), vec![])],
    );
    for recipient in [
        to_device(&of_b),
        to_device(&outsider),
        to_ticket(&to_b),
        to_ticket(&outsider),
    ] {
        world.epoch(
            &owner,
            a,
            &[(to_device(&owner), vec![]), (recipient, vec![])],
        );
    }
    assert_eq!(world.roster().epochs().len(), 5);
    assert_eq!(world.roster().usable_epochs(&a), [good.id()]);
    let (_, join) = world.join(&to_a);
    world.confirm(&owner, join);
    assert_eq!(
        world.roster().usable_epochs(&a),
        [good.id()],
        "used-up invites still stand"
    );
}

#[test]
fn keys_in_an_invite_count_as_sealed_to_it_where_it_may_read() {
    let mut world = World::new(23);
    let owner = world.owner.clone();
    let (a, b) = (world.space(&owner, 1), world.space(&owner, 2));
    let lead = world.member(Role::Lead, Scope::Space(a));
    let (of_a, of_b) = (world.epoch(&owner, a, &[]), world.epoch(&owner, b, &[]));
    let ticket = world.device();
    let mut invite = invite_to(&ticket, Role::Volunteer, Scope::Space(a), 1);
    invite.keys = [(a, of_a.id()), (b, of_b.id())]
        .map(|(space, epoch)| SealedKey {
            space,
            epoch,
            sealed: vec![1; 80].into(),
        })
        .into();
    world.say(&lead, Statement::Invite(invite));
    let roster = world.roster();
    let sealed = |space, key: &EpochKey| {
        roster
            .epochs()
            .get(&(space, key.id()))
            .unwrap()
            .sealed
            .contains_key(&to_ticket(&ticket))
    };
    assert!(sealed(a, &of_a));
    assert!(!sealed(b, &of_b));
    assert_eq!(
        roster.usable_epochs(&b),
        [of_b.id()],
        "nobody spoils another village's key"
    );
}

#[test]
fn depth_of_an_epoch_is_its_longest_way_down() {
    let mut world = World::new(24);
    let owner = world.owner.clone();
    let space = world.space(&owner, 1);
    let keys: Vec<_> = (0..4).map(|_| EpochKey::generate(&mut world.rng)).collect();
    for pair in keys.windows(2) {
        let older = Older {
            epoch: pair[0].id(),
            wrapped: pair[1].wrap(&pair[0]).into(),
        };
        world.share(&owner, space, &pair[1], &[], vec![older]);
    }
    let roster = world.roster();
    assert_eq!(roster.epoch_depth(&space, &keys[3].id()), 3);
    assert_eq!(roster.epoch_depth(&space, &keys[0].id()), 0);
}

#[test]
fn latest_profile_names_a_member() {
    let mut world = World::new(25);
    let volunteer = world.member(Role::Volunteer, Scope::Community);
    let outsider = world.device();
    for (by, name, version) in [
        (&volunteer, "old", 0),
        (&volunteer, "new", 1),
        (&outsider, "forged", 9),
    ] {
        let profile = Profile {
            name: name.as_bytes().to_vec().into(),
            version,
        };
        world.say(by, Statement::Profile(profile));
    }
    let roster = world.roster();
    let member = roster
        .members()
        .get(&roster.member_id(&volunteer.device()).unwrap())
        .unwrap();
    assert_eq!(member.name, Some((volunteer.device(), b"new".to_vec())));
}

#[test]
fn statements_of_unknown_kinds_and_broken_bytes_say_nothing() {
    let world = World::new(26);
    let owner = world.owner.clone();
    for kind in [0, 16, 31, 32, 33, 34, 255] {
        assert_eq!(
            read_raw(&world, &owner, EntryKind::from_code(kind), &[0xa0]),
            None
        );
    }
    let (kind, bytes) = Statement::Space(Space {
        nonce: vec![1].into(),
        title: vec![2].into(),
    })
    .encode();
    assert!(read_raw(&world, &owner, kind, &bytes).is_some());
    assert_eq!(
        read_raw(&world, &owner, kind, &bytes[..bytes.len() - 1]),
        None
    );
    let longer = [bytes.as_slice(), &[0]].concat();
    assert_eq!(
        read_raw(&world, &owner, kind, &longer),
        None,
        "nothing hides behind the map"
    );
}

#[test]
fn statement_with_a_field_of_a_newer_version_is_read_without_it() {
    let world = World::new(27);
    let mut bytes = Vec::new();
    let mut cbor = minicbor::Encoder::new(&mut bytes);
    let fields = cbor.map(3).unwrap().u8(0).unwrap().bytes(&[1]).unwrap();
    fields
        .u8(1)
        .unwrap()
        .bytes(&[2])
        .unwrap()
        .u8(99)
        .unwrap()
        .array(1)
        .unwrap()
        .str("new")
        .unwrap();
    let said = read_raw(&world, &world.owner, EntryKind::SPACE, &bytes).unwrap();
    let expected = Space {
        nonce: vec![1].into(),
        title: vec![2].into(),
    };
    assert_eq!(said.statement, Statement::Space(expected));
}
