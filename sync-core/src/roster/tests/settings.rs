//! What is settled for the whole community.

use super::*;
use crate::roster::statement::Settings;

impl World {
    fn settle(&mut self, by: &DeviceKeys, name: &str, version: u64, value: u8) -> StatementId {
        self.say(
            by,
            Statement::Settings(Settings {
                name: name.to_owned(),
                version,
                value: vec![value].into(),
            }),
        )
    }

    fn settled(&self, name: &str) -> Vec<u8> {
        let roster = self.roster();
        let all = roster.settled(name).into_iter();
        all.filter_map(|(_, setting)| setting.value.first().copied())
            .collect()
    }
}

#[test]
fn owners_and_coordinators_of_the_community_settle_things_and_nobody_else() {
    for (role, counts) in [
        (Role::Coordinator, true),
        (Role::Lead, false),
        (Role::Volunteer, false),
        (Role::Observer, false),
    ] {
        let mut world = World::new(31);
        let member = world.member(role, Scope::Community);
        world.settle(&member, "schema", 1, 7);
        assert_eq!(world.settled("schema") == [7], counts, "{role}");
    }
    let mut world = World::new(32);
    let owner = world.owner.clone();
    let space = Scope::Space(world.space(&owner, 1));
    let local = world.member(Role::Coordinator, space);
    world.settle(&local, "schema", 1, 7);
    assert!(world.settled("schema").is_empty());
    world.settle(&owner, "schema", 1, 8);
    assert_eq!(world.settled("schema"), [8]);
}

#[test]
fn of_one_name_the_highest_version_comes_last_and_then_the_greater_id() {
    let mut world = World::new(33);
    let owner = world.owner.clone();
    let other = world.member(Role::Coordinator, Scope::Community);
    world.settle(&owner, "schema", 2, 20);
    world.settle(&other, "relays", 9, 90);
    let one = world.settle(&owner, "schema", 1, 10);
    let two = world.settle(&other, "schema", 1, 11);
    let firsts = if one < two { [10, 11] } else { [11, 10] };
    assert_eq!(world.settled("schema"), [firsts[0], firsts[1], 20]);
    assert_eq!(world.settled("relays"), [90]);
}
