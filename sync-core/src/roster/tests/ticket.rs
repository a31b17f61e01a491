use proptest::prelude::*;

use crate::id::{CommunityId, DeviceId, LaneId};
use crate::keys::Signer;
use crate::roster::role::{Role, Scope};
use crate::roster::ticket::{
    ParseTicketError, RelayAddr, TICKET_RELAYS_MAX, TICKET_TEXT_MAX, Ticket,
};

fn ticket() -> impl Strategy<Value = Ticket> {
    let relay = (
        any::<[u8; 32]>(),
        "[a-z]{1,20}(\\.[a-z]{2,5}){0,2}:[1-9][0-9]{0,3}",
    )
        .prop_map(|(relay, addr)| RelayAddr {
            relay: DeviceId::new(relay),
            addr,
        });
    let scope = proptest::option::of(any::<[u8; 16]>())
        .prop_map(|lane| lane.map_or(Scope::Community, |it| Scope::Space(LaneId::new(it))));
    let relays = proptest::collection::vec(relay, 0..=TICKET_RELAYS_MAX);
    (
        any::<[u8; 32]>(),
        any::<[u8; 16]>(),
        scope,
        0_usize..5,
        relays,
    )
        .prop_map(|(community, secret, scope, role, relays)| Ticket {
            community: CommunityId::new(community),
            secret: secret.into(),
            scope,
            role: Role::DESCENDING[role],
            relays,
        })
}

fn plain() -> Ticket {
    Ticket {
        community: CommunityId::new([1; 32]),
        secret: [2; 16].into(),
        scope: Scope::Community,
        role: Role::Volunteer,
        relays: Vec::new(),
    }
}

proptest! {
    #[test]
    fn ticket_comes_back_in_either_case_and_with_any_space(
        ticket in ticket(),
        at in any::<prop::sample::Index>(),
        space in prop::sample::select(vec![" ", "\n", "\t", "\r\n", "\u{3000}"]),
    ) {
        prop_assert_eq!(&ticket.to_string().parse::<Ticket>().unwrap(), &ticket);
        prop_assert_eq!(&ticket.qr_text().parse::<Ticket>().unwrap(), &ticket);
        let mut text = ticket.to_string();
        text.insert_str(at.index(text.len()), space);
        prop_assert_eq!(&text.parse::<Ticket>().unwrap(), &ticket);
        prop_assert!(text.len() <= TICKET_TEXT_MAX);
    }

    #[test]
    fn any_wrong_letter_is_noticed(
        ticket in ticket(),
        at in any::<prop::sample::Index>(),
        to in prop::sample::select(b"abcdefghijklmnopqrstuvwxyz234567".to_vec()),
    ) {
        let text = ticket.to_string();
        let mut letters = text.clone().into_bytes();
        let at = "banyan1".len() + at.index(text.len() - "banyan1".len());
        prop_assume!(letters[at] != to);
        letters[at] = to;
        let wrong = String::from_utf8(letters).unwrap();
        prop_assert_eq!(wrong.parse::<Ticket>(), Err(ParseTicketError::Damaged));
    }

    #[test]
    fn missing_and_swapped_letters_are_noticed(ticket in ticket(), at in any::<prop::sample::Index>()) {
        let text = ticket.to_string();
        let at = "banyan1".len() + at.index(text.len() - "banyan1".len() - 1);
        let mut shorter = text.clone();
        shorter.remove(at);
        prop_assert_eq!(shorter.parse::<Ticket>(), Err(ParseTicketError::Damaged));
        let mut swapped = text.clone().into_bytes();
        swapped.swap(at, at + 1);
        let swapped = String::from_utf8(swapped).unwrap();
        prop_assume!(swapped != text);
        prop_assert_eq!(swapped.parse::<Ticket>(), Err(ParseTicketError::Damaged));
    }

    #[test]
    fn any_text_is_a_ticket_or_refused(text in "\\PC{0,80}", rest in "[A-Z2-7]{0,120}") {
        prop_assert!(text.parse::<Ticket>().is_err());
        prop_assert!(["BANYAN1", &rest].concat().parse::<Ticket>().is_err());
    }
}

#[test]
fn ticket_of_a_newer_version_is_told_apart_from_a_damaged_one() {
    let text = plain().to_string();
    let newer = text.replacen("banyan1", "banyan2", 1);
    assert_eq!(newer.parse::<Ticket>(), Err(ParseTicketError::Newer));
    let other = text.replacen("banyan1", "banana1", 1);
    assert_eq!(other.parse::<Ticket>(), Err(ParseTicketError::NotATicket));
    let mut crowded = plain();
    let relay = RelayAddr {
        relay: DeviceId::new([3; 32]),
        addr: "relay:1".to_owned(),
    };
    crowded.relays = vec![relay; TICKET_RELAYS_MAX + 1];
    assert_eq!(
        crowded.to_string().parse::<Ticket>(),
        Err(ParseTicketError::Newer)
    );
    assert_eq!("".parse::<Ticket>(), Err(ParseTicketError::NotATicket));
    assert_eq!(
        "x".repeat(TICKET_TEXT_MAX + 1).parse::<Ticket>(),
        Err(ParseTicketError::NotATicket)
    );
}

#[test]
fn two_tickets_have_different_keys_and_never_show_their_secret() {
    let (one, mut two) = (plain(), plain());
    two.secret = [3; 16].into();
    assert_ne!(one.keys().device(), two.keys().device());
    assert_ne!(one.keys().sealing_key(), two.keys().sealing_key());
    assert!(!format!("{one:?}").contains("secret"));
}

#[test]
fn relay_is_written_as_it_is_printed() {
    let relay = RelayAddr {
        relay: DeviceId::new([3; 32]),
        addr: "[::1]:4433".to_owned(),
    };
    assert_eq!(relay.to_string().parse(), Ok(relay.clone()));
    for wrong in [
        "",
        "@",
        "x@y:1",
        "relay:1",
        &format!("{}@host", relay.relay),
        &format!("{}@:1", relay.relay),
        &format!("{}@host:99999", relay.relay),
    ] {
        assert!(wrong.parse::<RelayAddr>().is_err(), "{wrong}");
    }
}
