//! The vectors of docs/protocol.md, computed again and compared, so that the text cannot drift.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use data_encoding::HEXLOWER;
use rand::SeedableRng;
use rand::rngs::ChaCha8Rng;

use super::seal::{BatchCipher, PlainEntry, open_text, seal_batch, seal_text};
use super::{Body, Commit, EntryKind, Place, SignedBatch, entries_root, preimage};
use crate::epoch::EpochKey;
use crate::id::{
    ActorId, Arrival, ChainHash, Head, Incarnation, LaneId, LogId, Millis, Seq, StoreId,
};
use crate::keys::{self, DeviceKeys, Secret, Signer, domain, epoch_seal_info, seal_key};
use crate::receipt::{LanesMark, Reading, VerifiedReceipt};
use crate::roster::role::{Role, Scope};
use crate::roster::statement::{AddDevice, Found, Join, Space, Statement, StatementId};
use crate::roster::ticket::{RelayAddr, Ticket};
use crate::roster::{commons, community_of, member_of, roster_lane, space_of};
use crate::session::carrier::{BatchRef, Lost, lane_digest, lost_digest, set_digest};
use crate::wire::Frame;
use crate::wire::batches::{BatchWriter, Batches};
use crate::wire::erased::HasErased;

const PROTOCOL: &str = include_str!("../../../docs/protocol.md");

/// Lines of `name  value` as they stand in the text.
#[derive(Default)]
struct Lines(String);

impl Lines {
    fn hex(&mut self, name: &str, bytes: &[u8]) {
        self.text(name, &HEXLOWER.encode(bytes));
    }

    fn text(&mut self, name: &str, value: &str) {
        writeln!(self.0, "{name:<22}{value}").unwrap();
    }

    /// Every line must stand in the text; if not, the message is what to put there.
    fn stand_in_the_text(&self) {
        let missing: Vec<_> = self
            .0
            .lines()
            .filter(|line| !PROTOCOL.contains(line))
            .collect();
        assert!(missing.is_empty(), "docs/protocol.md must say:\n{}", self.0);
    }
}

fn counted<const N: usize>(from: u8) -> [u8; N] {
    let mut bytes = [0; N];
    bytes
        .iter_mut()
        .zip(from..)
        .for_each(|(byte, value)| *byte = value);
    bytes
}

/// Of an erasure whose bytes are `erase`.
fn erase_id() -> StatementId {
    StatementId::derive(&community(), &device().device(), EntryKind::ERASE, b"erase")
}

fn device() -> DeviceKeys {
    DeviceKeys::from_secrets(&Secret::new(counted(0x20)), Secret::new(counted(0x40)))
}

fn found() -> Vec<u8> {
    let found = Statement::Found(Found {
        recovery_sealing: None,
        nonce: vec![1; 16].into(),
        sealing: device().sealing_key(),
        recovery: crate::id::DeviceId::new([2; 32]),
        title: vec![3; 4].into(),
    });
    found.encode().1
}

fn community() -> crate::id::CommunityId {
    community_of(&device().device(), &found())
}

fn space_bytes() -> Vec<u8> {
    let space = Space {
        nonce: vec![4; 16].into(),
        title: vec![5; 4].into(),
    };
    Statement::Space(space).encode().1
}

fn space() -> LaneId {
    space_of(&community(), &device().device(), &space_bytes())
}

fn epoch() -> EpochKey {
    EpochKey::from_secret(Secret::new(counted(0x60)))
}

fn incarnation() -> Incarnation {
    Incarnation::new(counted(1))
}

#[test]
fn keys_and_ids_are_as_the_text_says() {
    let mut lines = Lines::default();
    let ticket_secret: [u8; 16] = counted(0);
    let invite = DeviceKeys::derive_for_invite(&ticket_secret);
    let (signing, sealing) = invite.to_secrets();
    lines.hex("ticket secret", &ticket_secret);
    lines.hex("invite signing secret", signing.expose());
    lines.hex("invite id", invite.invite().as_bytes());
    lines.hex("invite sealing secret", sealing.expose());
    lines.hex("invite sealing key", invite.sealing_key().as_bytes());
    let (signing, sealing) = device().to_secrets();
    lines.hex("device signing secret", signing.expose());
    lines.hex("device id", device().device().as_bytes());
    lines.hex("device sealing secret", sealing.expose());
    lines.hex("device sealing key", device().sealing_key().as_bytes());
    lines.text("device id as text", &device().device().to_string());
    lines.hex("found", &found());
    lines.hex("community", community().as_bytes());
    lines.hex("roster lane", roster_lane(&community()).as_bytes());
    lines.hex("commons", commons(&community()).as_bytes());
    lines.hex("space statement", &space_bytes());
    lines.hex("space", space().as_bytes());
    lines.hex(
        "member",
        member_of(&community(), &device().device()).as_bytes(),
    );
    let by = device().device();
    let id = StatementId::derive(&community(), &by, EntryKind::SPACE, &space_bytes());
    lines.hex("space statement id", id.as_bytes());
    lines.hex("incarnation", incarnation().as_bytes());
    lines.hex("actor", ActorId::derive(&by, &incarnation()).as_bytes());
    lines.hex("epoch key", epoch().secret().expose());
    lines.hex("epoch", epoch().id().as_bytes());
    lines.stand_in_the_text();
}

#[test]
#[cfg(feature = "crdt")]
fn record_ids_are_as_the_text_says() {
    use crate::record::{KindName, Target};
    let mut lines = Lines::default();
    let begin = Target::Begin {
        kind: KindName::new("visit").unwrap(),
        nonce: counted(0xa0),
    };
    let key = "danzao-2-301".to_owned();
    let keyed = Target::BeginKeyed {
        kind: KindName::new("household").unwrap(),
        key,
    };
    for (name, target) in [("record visit", begin), ("record household", keyed)] {
        lines.hex(
            name,
            target
                .record_id(&device().device(), &incarnation())
                .as_bytes(),
        );
    }
    lines.stand_in_the_text();
}

#[test]
fn one_batch_is_as_the_text_says() {
    let log = LogId {
        lane: space(),
        device: device().device(),
        incarnation: incarnation(),
    };
    let after = Head {
        seq: Seq(4),
        chain: ChainHash::new([0xaa; 32]),
    };
    let entry = PlainEntry {
        kind: EntryKind::CHANGE,
        bytes: b"hello".to_vec(),
    };
    let rng = &mut ChaCha8Rng::seed_from_u64(1);
    let batch = seal_batch(
        &device(),
        &community(),
        log,
        &after,
        Some(&epoch()),
        &[entry],
        rng,
    )
    .unwrap();
    let place = Place {
        log,
        first_seq: Seq(5),
        epoch: epoch().id(),
    };
    let stored = batch.entries().next().unwrap();
    let Body::Present(sealed) = stored.body else {
        panic!("nothing was erased")
    };
    let root = entries_root(std::iter::once((stored.kind, stored.body)));
    let signed = preimage(&community(), &place, 1, &after.chain, batch.salt(), &root);
    let epoch_key = epoch();
    let key = [
        epoch_key.secret().expose().as_slice(),
        &batch.salt().0,
        log.device.as_bytes(),
        log.incarnation.as_bytes(),
        &5_u64.to_be_bytes(),
    ];
    let mut writer = BatchWriter::default();
    writer.push(&batch, false);
    let frame: Batches = writer.take();

    let mut lines = Lines::default();
    lines.hex("salt", &batch.salt().0);
    lines.hex(
        "batch key",
        keys::derive(domain::BATCH_KEY, &key).as_bytes(),
    );
    lines.hex("sealed", sealed);
    lines.hex(
        "commit",
        Commit::from_hash(&blake3::hash(sealed)).as_bytes(),
    );
    lines.hex("entries root", &root);
    lines.hex("preimage", &signed);
    lines.hex("chain hash", batch.head().chain.as_bytes());
    lines.hex("signature", batch.tail().get(16..80).unwrap());
    lines.hex("tail", batch.tail());
    lines.hex("wire batch", frame.batches.first().unwrap());
    lines.hex("wire rows", &frame.rows);
    lines.hex("frame", &Frame::Batches(frame).encode());
    lines.stand_in_the_text();

    let received = SignedBatch::parse(place, batch.tail().to_vec()).unwrap();
    let verified = received.verify(&community(), &after.chain).unwrap();
    let opened = BatchCipher::of(&community(), &verified, &epoch()).open(0, stored.kind, sealed);
    assert_eq!(opened, Ok(b"hello".to_vec()));
}

#[test]
fn sealed_keys_and_texts_are_as_the_text_says() {
    let rng = &mut ChaCha8Rng::seed_from_u64(2);
    let older = EpochKey::from_secret(Secret::new(counted(0x80)));
    let wrapped = epoch().wrap(&older);
    let info = epoch_seal_info(&community());
    let sealed = seal_key(&device().sealing_key(), &info, epoch().secret(), rng).unwrap();
    let by = device().device();
    let text = seal_text(&by, &epoch(), "丹灶", rng);

    let mut lines = Lines::default();
    lines.hex("older epoch key", older.secret().expose());
    lines.hex("older epoch", older.id().as_bytes());
    lines.hex("wrapped older key", &wrapped);
    lines.hex("hpke info", &info);
    lines.hex("sealed epoch key", &sealed);
    lines.hex("sealed text", &text);
    lines.stand_in_the_text();

    assert_eq!(epoch().unwrap_older(&older.id(), &wrapped), Some(older));
    assert_eq!(device().open(&info, &sealed).as_ref(), Ok(epoch().secret()));
    let key = epoch();
    assert_eq!(
        open_text(&by, &text, |_| Some(&key)).as_deref(),
        Some("丹灶")
    );
}

#[test]
fn digests_proofs_and_tickets_are_as_the_text_says() {
    let mut lines = Lines::default();
    let by = device().device();
    let log = LogId {
        lane: space(),
        device: by,
        incarnation: incarnation(),
    };
    let head = Head {
        seq: Seq(5),
        chain: ChainHash::new([0xcc; 32]),
    };
    let digest = lane_digest(&[(log, head)], &[]);
    lines.hex("lane digest", &digest.0);
    let lost = Lost {
        log,
        chain: ChainHash::new([0xbb; 32]),
        batch: BatchRef {
            arrival: Arrival(3),
            last_seq: Seq(5),
            entries: 1,
            bytes: 100,
        },
    };
    let lost_digest = lost_digest(&[lost]).unwrap();
    lines.hex("lost digest", &lost_digest.0);
    let with_lost = lane_digest(&[(log, head)], &[lost]);
    lines.hex("lane digest with it", &with_lost.0);
    lines.hex("set digest", &set_digest([(space(), digest)]).0);
    let (invite, sealing) = (
        DeviceKeys::derive_for_invite(&counted(0)),
        device().sealing_key(),
    );
    let proof = invite
        .sign(&Join::proof_bytes(&community(), &by, &sealing))
        .unwrap();
    lines.hex("join proof", proof.as_bytes());
    let member = member_of(&community(), &by);
    let proof = AddDevice::proof_bytes(&community(), &member, &by, &sealing);
    lines.hex("device proof", device().sign(&proof).unwrap().as_bytes());
    let store = StoreId::new([0xdd; 16]);
    let lanes = LanesMark::of(&BTreeSet::from([space()]));
    lines.hex("receipt lanes", &lanes.0);
    let reading = Reading {
        store,
        position: 7,
        at: Millis(1_700_000_000_000),
        lanes,
    };
    lines.hex("receipt bytes", &reading.signed_bytes(&community(), &by));
    let receipt = VerifiedReceipt::sign(&device(), &community(), reading).unwrap();
    lines.hex("receipt signature", receipt.signature().as_bytes());
    let erased = HasErased::sign(&device(), &community(), store, vec![erase_id()]).unwrap();
    lines.hex("erase statement id", erase_id().as_bytes());
    lines.hex("relay's word", &erased.signature);
    let ticket = Ticket {
        community: community(),
        secret: counted(0).into(),
        scope: Scope::Space(space()),
        role: Role::Volunteer,
        relays: vec![RelayAddr {
            relay: by,
            addr: "relay.example:4433".to_owned(),
        }],
    };
    lines.text("ticket", &ticket.to_string());
    lines.stand_in_the_text();
}
