//! The committed bytes of version 1 are read as what they are, and written as they are, for ever.
#![allow(
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test that reads files; helpers of tests count as code to the lints"
)]

#[path = "fixtures/expected.rs"]
mod expected;
#[path = "../src/wire/tests/newer.rs"]
mod newer;

use std::collections::BTreeSet;

use expected::{BEFORE, COMMUNITY, DIR, Fixture, Value, all, epoch, join_place, keys};
use sync_core::bundle::{BundleReader, Item, Manifest, Word};
use sync_core::certificate::SignedCertificate;
use sync_core::entry::seal::BatchCipher;
use sync_core::entry::{Body, EntryKind, VerifiedBatch};
use sync_core::id::ChainHash;
use sync_core::keys::Signer as _;
use sync_core::nearby::PeerCode;
use sync_core::record::{
    BeginRule, Candidate, MAX_PAYLOAD, Payload, RecordDoc, Verdict, decompress,
};
use sync_core::roster::statement::Statement;
use sync_core::roster::ticket::Ticket;
use sync_core::wire::batches::{BatchReader, decode_join};
use sync_core::wire::{FRAME_TYPES, Frame, frame_len};

/// Kinds whose numbers are kept for later, without a layout yet.
const RESERVED: [EntryKind; 2] = [EntryKind::SNAPSHOT, EntryKind::ATTACHMENT];

fn read(fixture: &Fixture) -> Vec<u8> {
    let path = format!("{DIR}/{}", fixture.name);
    std::fs::read(&path).unwrap_or_else(|error| {
        panic!("{path}: {error}; cargo run -p sync-core --example write-fixtures writes new files")
    })
}

fn frame(bytes: &[u8]) -> Frame {
    let (len, prefix) = frame_len(bytes).unwrap().unwrap();
    assert_eq!(bytes.len(), prefix + len);
    Frame::decode(&bytes[prefix..]).unwrap()
}

fn check_batch(
    bytes: &[u8],
    expected: &VerifiedBatch,
    is_explicit: bool,
    plain: &[Option<Vec<u8>>],
) {
    let Frame::Batches(batches) = frame(bytes) else {
        panic!("not a frame of batches")
    };
    let received = BatchReader::default().read(batches).unwrap().pop().unwrap();
    assert_eq!(received.prev, is_explicit.then_some(BEFORE.chain));
    let verified = received.batch.verify(&COMMUNITY, &BEFORE.chain).unwrap();
    assert_eq!(&verified, expected);
    let cipher = BatchCipher::of(&COMMUNITY, &verified, &epoch());
    let opened: Vec<_> = verified
        .entries()
        .enumerate()
        .map(|(index, entry)| match entry.body {
            Body::Present(bytes) => Some(cipher.open(index, entry.kind, bytes).unwrap()),
            Body::Erased { .. } => None,
        })
        .collect();
    assert_eq!(opened, plain);
}

fn check_bundle(bytes: &[u8], manifest: &Manifest, word: &Word, batch: &VerifiedBatch) {
    let open = |info: &[u8], sealed: &[u8]| keys().open(info, sealed).ok();
    let mut reader = BundleReader::open(bytes, &COMMUNITY, open).unwrap();
    assert_eq!(reader.manifest(), manifest);
    assert_eq!(reader.next_item(), Ok(Some(Item::Word(word.clone()))));
    assert!(word.verify(&COMMUNITY).is_ok());
    let Ok(Some(Item::Batches(mut batches))) = reader.next_item() else {
        panic!("the batches come after the word")
    };
    let received = batches.pop().unwrap();
    assert!(batches.is_empty());
    assert_eq!(received.prev, Some(BEFORE.chain));
    let verified = received.batch.verify(&COMMUNITY, &BEFORE.chain).unwrap();
    assert_eq!(&verified, batch);
    assert_eq!(reader.next_item(), Ok(None));
    assert_eq!(reader.bytes_read(), bytes.len() as u64);
}

fn check_change(bytes: &[u8], expected: &Payload) {
    let content = decompress(bytes, MAX_PAYLOAD).unwrap();
    assert_eq!(&Payload::decode(&content).unwrap(), expected);
    assert_eq!(content, expected.encode());
    let signer = sync_core::id::ActorId::derive(&keys().device(), &join_place().log.incarnation);
    let chunk = expected.chunk.clone();
    let verdicts = RecordDoc::new().apply(&[Candidate {
        signer,
        begin: BeginRule::Begin,
        chunk,
    }]);
    assert_eq!(verdicts, [Verdict::Merged]);
}

fn kind_of(fixture: &Fixture) -> EntryKind {
    let word = fixture
        .name
        .trim_start_matches("entry-")
        .trim_end_matches(".bin");
    EntryKind::ALL
        .iter()
        .find(|(_, known)| *known == word)
        .unwrap()
        .0
}

#[test]
fn committed_bytes_are_read_as_what_they_are() {
    for fixture in all() {
        let bytes = read(&fixture);
        match &fixture.value {
            Value::Bundle(manifest, word, batch) => check_bundle(&bytes, manifest, word, batch),
            Value::Certificate(expected) => {
                let text = String::from_utf8(bytes).unwrap();
                let signed: SignedCertificate = text.parse().unwrap();
                assert_eq!(signed.certificate(), expected);
            }
            Value::Change(payload) => check_change(&bytes, payload),
            Value::Frame(expected) => assert_eq!(&frame(&bytes), expected, "{}", fixture.name),
            Value::Join(expected) => {
                let join = decode_join(&COMMUNITY, &bytes).unwrap();
                assert_eq!(join.place(), &join_place());
                assert_eq!(
                    &join.verify(&COMMUNITY, &ChainHash::ZERO).unwrap(),
                    expected
                );
            }
            Value::Statement(expected) => {
                let statement = Statement::decode(kind_of(&fixture), &bytes);
                assert_eq!(statement.as_ref(), Some(expected), "{}", fixture.name);
            }
            Value::Peer(expected) => {
                let text = String::from_utf8(bytes).unwrap();
                assert_eq!(&text.parse::<PeerCode>().unwrap(), expected);
                assert!(expected.is_of(&COMMUNITY));
            }
            Value::Ticket(expected) => {
                let text = String::from_utf8(bytes).unwrap();
                assert_eq!(&text.parse::<Ticket>().unwrap(), expected);
            }
            Value::Wire(expected, is_explicit, plain) => {
                check_batch(&bytes, expected, *is_explicit, plain);
            }
        }
    }
}

#[test]
fn this_version_writes_the_committed_bytes() {
    for fixture in all() {
        // Which bytes a compressor finds, or what a sealing draws, is their own choice; that they are read
        // right is tested above.
        if !matches!(fixture.value, Value::Change(_) | Value::Bundle(..)) {
            assert!(
                fixture.value.encode() == read(&fixture),
                "{} is written otherwise",
                fixture.name
            );
        }
    }
}

#[test]
fn committed_statements_are_read_with_fields_of_newer_versions_in_them() {
    for fixture in all() {
        if let Value::Statement(expected) = &fixture.value {
            let bytes = newer::with_new_fields(&read(&fixture));
            let statement = Statement::decode(kind_of(&fixture), &bytes);
            assert_eq!(statement.as_ref(), Some(expected), "{}", fixture.name);
        }
    }
}

#[test]
fn every_kind_and_every_frame_type_has_its_file_and_no_file_is_left_over() {
    let names: BTreeSet<String> = all().into_iter().map(|fixture| fixture.name).collect();
    let kinds = EntryKind::ALL
        .iter()
        .filter(|(kind, _)| !RESERVED.contains(kind))
        .map(|(_, word)| format!("entry-{word}.bin"));
    let frames = FRAME_TYPES
        .iter()
        .map(|(_, name)| format!("frame-{name}.bin"));
    for wanted in kinds.chain(frames) {
        assert!(names.contains(&wanted), "there is no fixture {wanted}");
    }
    let files: BTreeSet<String> = std::fs::read_dir(DIR)
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(files, names);
}
