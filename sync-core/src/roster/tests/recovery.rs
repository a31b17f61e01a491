//! The recovery key on paper.

use proptest::prelude::*;

use super::*;
use crate::roster::recovery::{ParseRecoveryKeyError, RecoverySheet, parse, printed};
use crate::roster::statement::{Grant, Revoke, Target};

const SECRET: [u8; 16] = *b"a founder's key.";

#[test]
fn recovery_key_is_printed_as_on_every_sheet_so_far() {
    assert_eq!(printed(&SECRET), "MEQG M33V NZSG K4RH OMQG WZLZ FZE5 SJL3");
}

#[test]
fn recovery_key_is_read_in_either_case_and_with_any_white_space() {
    let text = printed(&SECRET);
    let typed = format!("  {}\n", text.to_lowercase().replace(' ', "\n\t"));
    assert_eq!(parse(&typed), Ok(SECRET));
    assert_eq!(parse(&text.replace(' ', "")), Ok(SECRET));
}

#[test]
fn every_wrong_letter_at_every_place_is_found() {
    let text = printed(&SECRET);
    for (place, right) in text.char_indices().filter(|(_, letter)| *letter != ' ') {
        let others = ('A'..='Z').chain('2'..='7').chain(['0', '1', '?', '榕']);
        for wrong in others.filter(|wrong| *wrong != right) {
            let mut typed = text.clone();
            typed.replace_range(place..=place, &wrong.to_string());
            assert_eq!(parse(&typed), Err(ParseRecoveryKeyError), "{typed}");
        }
    }
}

#[test]
fn missing_and_added_letters_are_found() {
    let text = printed(&SECRET);
    for length in 0..text.len() {
        assert_eq!(parse(&text[..length]), Err(ParseRecoveryKeyError));
    }
    assert_eq!(
        parse(&format!("{text} AAAA AAAA")),
        Err(ParseRecoveryKeyError)
    );
    let padded = format!("{text}{}", " ".repeat(4096));
    assert_eq!(parse(&padded), Err(ParseRecoveryKeyError));
}

proptest! {
    #[test]
    fn recovery_key_that_is_printed_is_read_again(secret: [u8; 16]) {
        let text = printed(&secret);
        prop_assert_eq!(text.split(' ').map(str::len).collect::<Vec<_>>(), [4; 8]);
        prop_assert_eq!(parse(&text), Ok(secret));
    }

    #[test]
    fn any_text_is_read_or_refused(text in ".{0,300}") {
        if let Ok(secret) = parse(&text) {
            prop_assert_eq!(parse(&printed(&secret)), Ok(secret));
        }
    }
}

/// Somebody who holds the paper.
fn recovered(world: &mut World) -> DeviceKeys {
    world.join(&sheet()).0
}

#[test]
fn whoever_holds_the_sheet_stands_above_the_owner() {
    let mut world = World::new(1);
    let owner = world.owner.clone();
    let holder = recovered(&mut world);
    assert_eq!(world.role(&holder, Scope::Community), Some(Role::Recovered));
    let roster = world.roster();
    let member = roster.member_id(&holder.device()).unwrap();
    assert!(
        !roster.members()[&member].is_provisional,
        "nobody is left to vouch"
    );
    let remove = |device: &DeviceKeys, cuts| {
        Statement::Revoke(Revoke {
            target: Target::Device(device.device()),
            cuts,
            nonce: Vec::new().into(),
        })
    };
    world.say(&owner, remove(&holder, Vec::new()));
    assert_eq!(world.role(&holder, Scope::Community), Some(Role::Recovered));
    let people = world.member(Role::Lead, Scope::Community);
    let cuts = world.cuts_of(&owner.device(), 0).into_iter().collect();
    world.say(&holder, remove(&owner, cuts));
    assert_eq!(world.role(&owner, Scope::Community), None);
    assert_eq!(
        world.role(&people, Scope::Community),
        Some(Role::Lead),
        "what the owner did before stands"
    );
}

#[test]
fn nobody_gives_the_role_of_the_sheet() {
    let mut world = World::new(2);
    let owner = world.owner.clone();
    let ticket = world.invite(&owner, Role::Recovered, Scope::Community, 1);
    let (guest, join) = world.join(&ticket);
    world.confirm(&owner, join);
    assert_eq!(world.role(&guest, Scope::Community), None);
    let volunteer = world.member(Role::Volunteer, Scope::Community);
    let member = member_of(&world.community, &volunteer.device());
    world.say(
        &owner,
        Statement::Grant(Grant {
            member,
            scope: Scope::Community,
            role: Role::Recovered,
            nonce: Vec::new().into(),
            at: None,
        }),
    );
    assert_eq!(
        world.role(&volunteer, Scope::Community),
        Some(Role::Volunteer)
    );
}

#[test]
fn another_communitys_sheet_opens_nothing_here() {
    let mut world = World::new(3);
    let other = DeviceKeys::derive_for_recovery(&[8; 16]);
    let (thief, _) = world.join(&other);
    assert_eq!(world.role(&thief, Scope::Community), None);
}

#[test]
fn the_sheet_reads_every_space_and_nobody_takes_that_away() {
    let mut world = World::new(4);
    let owner = world.owner.clone();
    let space = world.space(&owner, 1);
    let revoke = Revoke {
        target: Target::Invite(sheet().invite()),
        cuts: Vec::new(),
        nonce: Vec::new().into(),
    };
    world.say(&owner, Statement::Revoke(revoke));
    let readers = world.roster().readers(&space);
    assert!(readers.contains(&(to_ticket(&sheet()), sheet().sealing_key())));
}

#[test]
fn the_whole_sheet_is_one_text() {
    let whole = RecoverySheet {
        community: CommunityId::new([3; 32]),
        secret: SECRET.into(),
        relays: Vec::new(),
    };
    let text = whole.to_string();
    assert!(text.starts_with("banyanrecover1"));
    assert_eq!(text.to_uppercase().parse(), Ok(whole.clone()));
    assert!(text[..text.len() - 1].parse::<RecoverySheet>().is_err());
    assert!(!format!("{whole:?}").contains("founder"), "{whole:?}");
}
