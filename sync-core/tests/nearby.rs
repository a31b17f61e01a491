//! What devices announce, show and compare when they meet without a relay.
#![allow(
    clippy::indexing_slicing,
    reason = "helpers of tests count as code to the lints"
)]

use proptest::prelude::*;
use rand::SeedableRng as _;
use rand::rngs::ChaCha8Rng;

use sync_core::id::{CommunityId, DeviceId};
use sync_core::nearby::{
    CODE_ADDRS_MAX, Instance, PHRASE_DIGITS, ParseAnnouncedError, PeerAddr, PeerCode, SERVICE, Tag,
    check_phrase,
};
use sync_core::roster::ticket::ParseTicketError;

fn rng() -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(18)
}

fn addr(text: &str) -> PeerAddr {
    text.parse().expect("an address")
}

#[test]
fn members_know_their_communitys_tags_and_others_see_nothing_in_common() {
    let (ours, theirs) = (CommunityId::new([1; 32]), CommunityId::new([2; 32]));
    let mut rng = rng();
    let (one, other) = (Tag::random(&ours, &mut rng), Tag::random(&ours, &mut rng));
    assert!(one.is_of(&ours) && other.is_of(&ours) && !one.is_of(&theirs));
    let (one, other) = (one.to_bytes(), other.to_bytes());
    assert!(one.iter().zip(&other).filter(|(a, b)| a == b).count() <= 2);
}

#[test]
fn a_tag_with_another_salt_is_of_no_community() {
    let ours = CommunityId::new([1; 32]);
    let mut bytes = Tag::random(&ours, &mut rng()).to_bytes();
    bytes[0] ^= 1;
    assert!(!Tag::from_bytes(&bytes).is_of(&ours));
}

#[test]
fn both_people_read_the_same_eight_digits_and_a_third_device_gives_others() {
    let devices: Vec<DeviceId> = (1..=3).map(|byte| DeviceId::new([byte; 32])).collect();
    let phrase = check_phrase(&devices[0], &devices[1]);
    assert_eq!(phrase, check_phrase(&devices[1], &devices[0]));
    assert_ne!(phrase, check_phrase(&devices[0], &devices[2]));
    let digits = phrase.chars().filter(char::is_ascii_digit).count();
    assert_eq!((digits, phrase.len()), (PHRASE_DIGITS, PHRASE_DIGITS + 1));
}

#[test]
fn addresses_that_nobody_can_dial_are_none() {
    for text in [
        "0.0.0.0:4433",
        "10.0.0.1:0",
        "224.0.0.251:5353",
        "[::]:1",
        "relay:4433",
        "",
    ] {
        assert!(text.parse::<PeerAddr>().is_err(), "{text}");
    }
    assert_eq!(addr("[::ffff:10.0.0.1]:4433"), addr("10.0.0.1:4433"));
}

#[test]
fn a_code_names_one_to_four_addresses() {
    let tag = Tag::random(&CommunityId::new([1; 32]), &mut rng());
    let code = |count| {
        let addrs = (1..=count).map(|port| addr(&format!("10.0.0.1:{port}")));
        PeerCode::new(tag, DeviceId::new([7; 32]), addrs)
    };
    assert_eq!(code(9).addrs().len(), CODE_ADDRS_MAX);
    assert_eq!(
        code(0).to_string().parse::<PeerCode>(),
        Err(ParseTicketError::Newer)
    );
    assert_eq!(code(4).qr_text().parse(), Ok(code(4)));
}

#[test]
fn what_is_announced_by_others_under_the_same_service_is_no_instance() {
    for name in [
        "printer._banyan._udp.local.",
        "",
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    ] {
        assert_eq!(
            Instance::of_full_name(name),
            Err(ParseAnnouncedError),
            "{name}"
        );
    }
}

proptest! {
    #[test]
    fn what_is_announced_comes_back_from_its_text(bytes: [u8; 16], short: u64) {
        let tag = Tag::from_bytes(&bytes);
        prop_assert_eq!(tag.to_string().parse(), Ok(tag));
        let instance = Instance::random(&mut ChaCha8Rng::seed_from_u64(short));
        let name = format!("{instance}.{SERVICE}");
        prop_assert_eq!(Instance::of_full_name(&name), Ok(instance));
    }

    #[test]
    fn a_code_comes_back_from_its_text_and_not_from_a_damaged_one(
        tag: [u8; 16], device: [u8; 32], v4: [u8; 4], v6: [u8; 16], port in 1u16.., at in 0usize..1000,
    ) {
        let sockets = [(v4, port).into(), (v6, port).into()];
        let addrs: Vec<PeerAddr> = sockets.into_iter().filter_map(PeerAddr::new).collect();
        prop_assume!(!addrs.is_empty());
        let code = PeerCode::new(Tag::from_bytes(&tag), DeviceId::new(device), addrs);
        let text = code.to_string();
        prop_assert_eq!(text.parse(), Ok(code.clone()));
        prop_assert_eq!(code.qr_text().parse(), Ok(code));
        let mut letters: Vec<char> = text.chars().collect();
        let at = at % letters.len();
        letters[at] = if letters[at] == 'a' { 'b' } else { 'a' };
        let damaged: String = letters.into_iter().collect();
        prop_assert!(damaged.parse::<PeerCode>().is_err());
    }
}
