//! One statement more: what touches one thing is put in its place, the rest is evaluated.

use super::*;
use crate::roster::follow::News;
use crate::roster::statement::{Profile, Revoke, Target};

/// Says something, follows it, and tells whether everything had to be gone through for it.
fn follow(
    world: &mut World,
    roster: &mut Roster,
    say: impl FnOnce(&mut World) -> StatementId,
) -> bool {
    let before = world.said.len();
    say(world);
    let mut news = News::default();
    for (said, _) in &world.said[before..] {
        news.add(said.clone());
    }
    let is_all = roster.follow(&world.book(), &news);
    assert_eq!(*roster, world.roster());
    is_all
}

#[test]
fn everyday_statements_are_followed_and_rights_are_evaluated() {
    let mut world = World::new(5);
    let owner = world.owner.clone();
    let volunteer = world.member(Role::Volunteer, Scope::Community);
    let mut roster = world.roster();
    let name = |by: &DeviceKeys, version| {
        let by = by.clone();
        move |world: &mut World| {
            let name = vec![1].into();
            world.say(&by, Statement::Profile(Profile { name, version }))
        }
    };
    assert!(!follow(&mut world, &mut roster, name(&volunteer, 3)));
    assert!(!follow(&mut world, &mut roster, name(&volunteer, 2)));
    let ticket = world.device();
    let invite = invite_to(&ticket, Role::Lead, Scope::Community, 1);
    let by = owner.clone();
    assert!(!follow(&mut world, &mut roster, move |world| {
        world.say(&by, Statement::Invite(invite))
    }));
    let mut joined = None;
    assert!(!follow(&mut world, &mut roster, |world| {
        let (device, join) = world.join(&ticket);
        joined = Some((device, join));
        join
    }));
    let (lead, join) = joined.unwrap();
    let by = owner.clone();
    assert!(!follow(&mut world, &mut roster, move |world| {
        world.say(&by, Statement::Confirm(Confirm { join }))
    }));
    let space = crate::roster::commons(&world.community);
    let epoch = epoch_of(&mut world, space, &lead);
    let by = owner.clone();
    assert!(!follow(&mut world, &mut roster, move |world| {
        world.say(&by, epoch)
    }));
    let stranger = world.device();
    assert!(!follow(&mut world, &mut roster, name(&stranger, 1)));
    let revoke = Revoke {
        target: Target::Device(lead.device()),
        cuts: world.cuts_of(&lead.device(), 0).into_iter().collect(),
        nonce: vec![].into(),
    };
    assert!(follow(&mut world, &mut roster, move |world| {
        world.say(&owner, Statement::Revoke(revoke))
    }));
    assert!(
        follow(&mut world, &mut roster, name(&lead, 1)),
        "a batch of a log that was cut off may prove something"
    );
}

fn epoch_of(world: &mut World, space: LaneId, to: &DeviceKeys) -> Statement {
    let key = EpochKey::generate(&mut world.rng);
    let sealed = world.sealed(&key, to).into();
    let recipient = to_device(to);
    Statement::Epoch(Epoch {
        space,
        epoch: key.id(),
        keys: vec![KeyFor { recipient, sealed }],
        older: Vec::new(),
    })
}

#[test]
fn second_join_with_a_ticket_for_one_takes_the_first_ones_place_away() {
    let mut world = World::new(6);
    let owner = world.owner.clone();
    let ticket = world.invite(&owner, Role::Volunteer, Scope::Community, 1);
    let (first, _) = world.join(&ticket);
    let mut roster = world.roster();
    assert!(roster.knows(&first.device()));
    assert!(follow(&mut world, &mut roster, |world| world
        .join(&ticket)
        .1));
    assert!(
        !roster.knows(&first.device()),
        "a lead must say which is right"
    );
}
