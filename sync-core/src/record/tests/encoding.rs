//! Payloads and their compression.

use proptest::prelude::*;

use crate::id::{DeviceId, Incarnation, RecordId};
use crate::record::{
    BadPayload, DecompressError, HoldReason, KindName, MAX_PAYLOAD, NEWEST_DICTIONARY, Payload,
    Target, compress, decompress,
};

fn payload() -> impl Strategy<Value = Payload> {
    let kind = "[a-z0-9_]{1,64}".prop_map(|name| KindName::new(&name).unwrap());
    let target = prop_oneof![
        (kind.clone(), any::<[u8; 8]>()).prop_map(|(kind, nonce)| Target::Begin { kind, nonce }),
        (kind, "\\PC{1,64}").prop_map(|(kind, key)| Target::BeginKeyed { kind, key }),
        any::<[u8; 16]>().prop_map(|id| Target::Edit(RecordId::new(id))),
    ];
    let chunk = proptest::collection::vec(any::<u8>(), 1..300);
    (target, chunk).prop_map(|(target, chunk)| Payload { target, chunk })
}

proptest! {
    #[test]
    fn payload_survives_encoding(payload in payload()) {
        prop_assert_eq!(Payload::decode(&payload.encode()), Ok(payload));
    }

    #[test]
    fn arbitrary_bytes_are_a_payload_or_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(payload) = Payload::decode(&bytes) {
            prop_assert_eq!(payload.encode(), bytes);
        }
    }

    #[test]
    fn content_survives_compression(content in proptest::collection::vec(0_u8..9, 0..3000)) {
        let packed = compress(&content);
        prop_assert!(packed.len() <= content.len() + 1);
        prop_assert_eq!(decompress(&packed, MAX_PAYLOAD), Ok(content));
    }

    #[test]
    fn damaged_content_never_exceeds_its_cap(
        content in "[a-z]{20,200}",
        at in any::<prop::sample::Index>(),
        bits in 1_u8..,
        cap in 0_usize..300,
    ) {
        let mut packed = compress(content.as_bytes());
        let at = at.index(packed.len());
        packed[at] ^= bits;
        if let Ok(found) = decompress(&packed, cap) {
            prop_assert!(found.len() <= cap);
        }
    }
}

#[test]
fn payload_layouts_are_as_drawn() {
    let kind = KindName::new("visit").unwrap();
    let begin = Target::Begin {
        kind: kind.clone(),
        nonce: [7; 8],
    };
    let bytes = Payload {
        target: begin,
        chunk: vec![0xcc],
    }
    .encode();
    assert_eq!(bytes, b"\x01\x05visit\x07\x07\x07\x07\x07\x07\x07\x07\xcc");
    let keyed = Target::BeginKeyed {
        kind,
        key: "2-301".to_owned(),
    };
    let bytes = Payload {
        target: keyed,
        chunk: vec![0xcc],
    }
    .encode();
    assert_eq!(bytes, b"\x02\x05visit\x00\x052-301\xcc");
    let edit = Target::Edit(RecordId::new([9; 16]));
    let bytes = Payload {
        target: edit,
        chunk: vec![0xcc],
    }
    .encode();
    assert_eq!(bytes, [&[3][..], &[9; 16], &[0xcc]].concat());
}

#[test]
fn bad_payloads_say_what_is_wrong() {
    let refused = |bytes: &[u8]| Payload::decode(bytes).unwrap_err();
    assert_eq!(refused(b""), BadPayload::Short);
    assert_eq!(refused(b"\x09abc"), BadPayload::UnknownTag(9));
    assert_eq!(
        refused(b"\x01\x05Visit\0\0\0\0\0\0\0\0\xcc"),
        BadPayload::Kind
    );
    assert_eq!(refused(b"\x01\x05vis"), BadPayload::Short);
    assert_eq!(
        refused(b"\x01\x01\xff\0\0\0\0\0\0\0\0\xcc"),
        BadPayload::Text
    );
    assert_eq!(refused(b"\x02\x01v\x00\x00\xcc"), BadPayload::Key);
    assert_eq!(refused(b"\x02\x01v\x01\x01\xcc"), BadPayload::Key);
    assert_eq!(refused(&[&[3][..], &[9; 16]].concat()), BadPayload::Short);
}

#[test]
fn record_id_commits_to_kind_and_beginner() {
    let kind = |name| KindName::new(name).unwrap();
    let begin = |name, n| Target::Begin {
        kind: kind(name),
        nonce: [n; 8],
    };
    let keyed = |name, key: &str| Target::BeginKeyed {
        kind: kind(name),
        key: key.to_owned(),
    };
    let (ours, theirs) = (DeviceId::new([1; 32]), DeviceId::new([2; 32]));
    let (first, second) = (Incarnation::new([1; 8]), Incarnation::new([2; 8]));
    let id = begin("visit", 1).record_id(&ours, &first);
    for (target, device, incarnation) in [
        (begin("need", 1), &ours, &first),
        (begin("visit", 2), &ours, &first),
        (begin("visit", 1), &theirs, &first),
        (begin("visit", 1), &ours, &second),
        (keyed("visit", "1"), &ours, &first),
    ] {
        assert_ne!(target.record_id(device, incarnation), id);
    }
    let household = keyed("home", "2-301").record_id(&ours, &first);
    assert_eq!(
        keyed("home", "2-301").record_id(&theirs, &second),
        household
    );
    assert_ne!(keyed("home2", "-301").record_id(&ours, &first), household);
}

#[test]
fn content_that_grows_is_kept_raw() {
    let content: Vec<u8> = (0..=255)
        .map(|n: u8| n.wrapping_mul(167) ^ (n >> 3))
        .collect();
    let packed = compress(&content);
    assert_eq!(packed, [&[0][..], &content].concat());
}

#[test]
fn bomb_stops_at_the_cap() {
    let content = vec![b'a'; MAX_PAYLOAD];
    let packed = compress(&content);
    assert_eq!(packed[0], NEWEST_DICTIONARY);
    assert!(packed.len() < 200);
    assert_eq!(
        decompress(&packed, MAX_PAYLOAD - 1),
        Err(DecompressError::TooLarge)
    );
    assert_eq!(decompress(&packed, MAX_PAYLOAD), Ok(content));
}

#[test]
fn unknown_codec_is_named() {
    assert_eq!(
        decompress(&[200, 1], 10),
        Err(DecompressError::UnknownCodec(200))
    );
    assert_eq!(decompress(&[], 10), Err(DecompressError::Empty));
    assert_eq!(decompress(&[0, 1, 2], 1), Err(DecompressError::TooLarge));
    assert_eq!(decompress(&[1, 2, 3], 10), Err(DecompressError::Damaged));
}

#[test]
fn hold_reasons_survive_their_codes() {
    for (reason, code) in HoldReason::ALL {
        assert_eq!(reason.code(), code);
        assert_eq!(HoldReason::from_code(code), Some(reason));
        assert!(reason.to_string().len() > 10);
    }
    assert_eq!(HoldReason::from_code(0), None);
    assert!(HoldReason::ALL.is_sorted());
}
