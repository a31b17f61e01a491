//! A device that lacks a key is told whose device can give it.

use super::devices::new_device;
use super::revocations::{member_of, three};
use super::*;
use crate::replica::{KeyWait, Removal};

fn names(wait: &KeyWait) -> Vec<(Option<&str>, &str, bool)> {
    let givers = wait.from.iter();
    givers
        .map(|giver| (giver.name.as_deref(), giver.role.as_str(), giver.is_self))
        .collect()
}

#[test]
fn device_without_a_key_is_told_who_can_give_it_until_they_have() {
    let (mut founder, mut volunteer, mut other, space) = three();
    let mut lead = join_by_hand(&mut founder, Scope::Space(space), Role::Lead, 8, "何姐");
    let leaver = join_by_hand(
        &mut founder,
        Scope::Space(space),
        Role::Volunteer,
        9,
        "何妹",
    );
    for phone in [&mut lead, &mut other, &mut volunteer] {
        meet(phone, &mut founder);
        assert_eq!(phone.replica.key_waits().unwrap(), []);
    }
    // A new key is made for everybody whom the lead knows, and a tablet is added elsewhere meanwhile.
    let (mut tablet, answer) = new_device(&volunteer, 30);
    volunteer.add_device(&answer).unwrap();
    meet(&mut tablet, &mut volunteer);
    meet(&mut tablet, &mut volunteer);
    assert_eq!(tablet.replica.key_waits().unwrap(), []);
    lead.revoke(Removal::Member(member_of(&leaver))).unwrap();
    let record = visit(&mut lead, space);
    meet(&mut lead, &mut other);
    meet(&mut other, &mut tablet);
    assert!(tablet.replica.show(record).is_err());
    let waits = tablet.replica.key_waits().unwrap();
    let of_village = waits.iter().find(|wait| wait.space == "良登村").unwrap();
    assert_eq!(
        names(of_village),
        [
            (Some("陈小明"), "volunteer", true),
            (Some("Li Fang"), "owner", false),
            (Some("何姐"), "lead", false),
        ]
    );
    assert_eq!(tablet.replica.status().unwrap().key_waits, waits);
    meet(&mut lead, &mut tablet);
    meet(&mut lead, &mut tablet);
    assert!(tablet.replica.show(record).is_ok());
    assert_eq!(tablet.replica.key_waits().unwrap(), []);
}
