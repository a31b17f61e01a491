//! A device that lacks a key is told whose device can give it.

use super::devices::new_device;
use super::revocations::three;
use super::*;
use crate::epoch::Keyring;
use crate::replica::KeyWait;

fn names(wait: &KeyWait) -> Vec<(Option<&str>, &str, bool)> {
    let givers = wait.from.iter();
    givers
        .map(|giver| (giver.name.as_deref(), giver.role.as_str(), giver.is_self))
        .collect()
}

impl Phone {
    /// As if the keys of a space had not come yet.
    fn forget_keys_of(&mut self, space: LaneId) {
        let mind = &mut self.replica.mind;
        let is_of_space = |id| mind.roster.epochs().contains_key(&(space, id));
        let mut others = Keyring::default();
        for key in mind.keyring.iter().filter(|key| !is_of_space(key.id())) {
            others.insert(key.clone());
        }
        mind.keyring = others;
    }
}

#[test]
fn device_without_a_key_is_told_who_can_give_it_until_it_is_there() {
    let (mut founder, mut volunteer, mut other, space) = three();
    let mut lead = join_by_hand(&mut founder, Scope::Space(space), Role::Lead, 8, "何姐");
    let (mut tablet, answer) = new_device(&volunteer, 30);
    volunteer.add_device(&answer).unwrap();
    meet(&mut volunteer, &mut founder);
    for _ in 0..2 {
        for phone in [&mut lead, &mut other, &mut tablet] {
            meet(phone, &mut founder);
            assert_eq!(phone.replica.key_waits().unwrap(), []);
        }
    }
    tablet.forget_keys_of(space);
    let waits = tablet.replica.key_waits().unwrap();
    let [wait] = waits.as_slice() else {
        panic!("{waits:?}");
    };
    assert_eq!(wait.space, "良登村");
    // Another volunteer's device hands nothing on; the member's own does.
    assert_eq!(
        names(wait),
        [
            (Some("陈小明"), "volunteer", true),
            (Some("Li Fang"), "owner", false),
            (Some("何姐"), "lead", false),
        ]
    );
    assert_eq!(tablet.replica.status().unwrap().key_waits, waits);
    tablet.replica.is_stale = true;
    tablet.replica.refresh().unwrap();
    assert_eq!(tablet.replica.key_waits().unwrap(), []);
}
