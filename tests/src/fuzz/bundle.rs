//! Bundles: what somebody carries, and what a member with bad intent seals into one.

use rand::SeedableRng;
use rand::rngs::ChaCha8Rng;
use sync_core::bundle::{BundleReader, BundleWriter, Item, Manifest, Word};
use sync_core::keys::Signer;

use super::expected::{COMMUNITY, keys};
use super::{Input, genuine};

/// Whatever is taken from a bundle, the fixtures' device has signed. The input is a file; and it is frames,
/// a length before each, that somebody has sealed to us.
pub(super) fn bundle(input: &[u8]) {
    read_through(input);
    let mut writer = begin();
    writer.manifest(&seeds::genuine().0);
    let mut frames = Input(input);
    while let Some(frame) = frames.prefixed() {
        writer.put_anything(frame);
    }
    writer.end();
    read_through(&writer.take());
}

fn begin() -> BundleWriter {
    let rng = &mut ChaCha8Rng::seed_from_u64(1);
    let writer = BundleWriter::begin(&COMMUNITY, &[keys().sealing_key()], rng);
    writer.expect("our key is a key")
}

fn read_through(bytes: &[u8]) {
    let open = |info: &[u8], sealed: &[u8]| keys().open(info, sealed).ok();
    let Ok(mut reader) = BundleReader::open(bytes, &COMMUNITY, open) else {
        return;
    };
    let Manifest { part, parts, .. } = reader.manifest();
    assert!((1..=*parts).contains(part), "part {part} of {parts}");
    while let Ok(Some(item)) = reader.next_item() {
        match item {
            Item::Batches(batches) => {
                for one in batches {
                    let prev = one.prev.expect("in a bundle it is spelled out");
                    if let Ok(batch) = one.batch.verify(&COMMUNITY, &prev) {
                        genuine::assert_signed(&batch);
                    }
                }
            }
            Item::Word(word) => assert_said(&word),
            // Its id is the list's, and a chunk is one of the list's or none.
            Item::BlobList(name, list) => assert_eq!(list.id(), &name.id),
            Item::BlobChunk { .. } => {}
        }
    }
    assert!(reader.bytes_read() <= bytes.len() as u64);
}

fn assert_said(word: &Word) {
    if word.verify(&COMMUNITY).is_ok() {
        assert_eq!(word, &seeds::genuine().1, "nobody said this");
    }
}

pub(super) mod seeds {
    use sync_core::bundle::{Manifest, Word};
    use sync_core::wire::batches::BatchWriter;
    use sync_core::wire::{Frame, frame_len};

    use crate::fuzz::expected::{Value, all};
    use crate::fuzz::{genuine, put_prefixed};

    /// What the fixtures' bundle is, and what its sender says to have.
    pub(super) fn genuine() -> (Manifest, Word) {
        let found = all().into_iter().find_map(|fixture| match fixture.value {
            Value::Bundle(manifest, word, _) => Some((*manifest, *word)),
            Value::Certificate(_)
            | Value::Change(_)
            | Value::Frame(_)
            | Value::Peer(_)
            | Value::Join(_)
            | Value::Statement(_)
            | Value::Ticket(_)
            | Value::Wire(..) => None,
        });
        found.expect("there is a bundle among the fixtures")
    }

    /// A frame of batches as it is inside of a bundle: its type and its map.
    fn batches(is_explicit: bool) -> Vec<u8> {
        let mut writer = BatchWriter::default();
        genuine::batches()
            .iter()
            .for_each(|batch| writer.push(batch, is_explicit));
        let frame = Frame::Batches(writer.take()).encode();
        let prefix = frame_len(&frame).ok().flatten();
        let prefix = prefix.map_or(0, |(_, prefix)| prefix);
        frame.get(prefix..).unwrap_or_default().to_vec()
    }

    /// One head of one lane.
    fn heads() -> Vec<u8> {
        let lane = [&[0xa2, 0x00, 0x50][..], &[3; 16]].concat();
        let head = [&[0x01, 0x58, 73][..], &[6; 32], &[5; 8], &[9], &[2; 32]].concat();
        [&[65][..], &lane, &head].concat()
    }

    pub(in crate::fuzz) fn bundle() -> Vec<Vec<u8>> {
        let word = [&[66, 0xa1, 0x00, 0x58, 64][..], &[1; 64]].concat();
        let framed = |frames: &[&[u8]]| {
            let mut input = Vec::new();
            frames
                .iter()
                .for_each(|frame| put_prefixed(&mut input, frame));
            input
        };
        let mut all = genuine::files("bundle");
        let whole = all.first().cloned().unwrap_or_default();
        all.push(whole.get(..whole.len() / 2).unwrap_or_default().to_vec());
        all.push(framed(&[&heads(), &word, &batches(true)]));
        all.push(framed(&[&batches(true), &batches(true)]));
        all.push(framed(&[&batches(false)]));
        all.push(framed(&[&[67, 0xa0]]));
        all.push(framed(&[&[79, 0xa0], &heads(), &heads()]));
        all
    }
}
