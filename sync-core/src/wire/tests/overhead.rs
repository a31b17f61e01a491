//! What a batch costs on the wire beyond what people wrote, on real encodings (docs/protocol.md §6).

use super::batches::{Log, epoch};
use crate::id::Seq;
use crate::wire::Frame;
use crate::wire::batches::BatchWriter;

/// Bytes of a whole frame with one batch, less its payloads, on a connection that has been in use:
/// 200 logs are known, and the log is 20,000 entries long.
fn overhead(payloads: &[usize]) -> usize {
    let key = epoch(1);
    let mut writer = BatchWriter::default();
    let mut log = None;
    for seed in 0..200 {
        let mut known = Log::new(u8::try_from(seed % 3).unwrap(), seed, Seq(20_000));
        writer.push(&known.write(Some(&key), &[10]), false);
        log = Some(known);
    }
    writer.take();
    writer.push(&log.unwrap().write(Some(&key), payloads), false);
    let frame = writer.take();
    assert!(frame.rows.is_empty() && frame.lanes.is_empty() && frame.epochs.is_empty());
    Frame::Batches(frame).encode().len() - payloads.iter().sum::<usize>()
}

/// Lengths of compressed payloads as they are met: a visit's first change 53, an edit 65, a long note.
const PAYLOADS: [usize; 8] = [20, 53, 65, 90, 110, 120, 140, 150];

#[test]
fn batch_of_one_costs_at_most_110_bytes() {
    for len in PAYLOADS {
        assert!(overhead(&[len]) <= 110, "{} beyond {len}", overhead(&[len]));
    }
    assert_eq!(overhead(&[65]), 109);
}

#[test]
fn longer_payloads_cost_a_few_bytes_of_length_more() {
    for len in [300, 2_000, 10_000, 100_000] {
        assert!(overhead(&[len]) <= 115, "{} beyond {len}", overhead(&[len]));
    }
}

#[test]
fn batch_of_five_costs_at_most_40_bytes_an_entry() {
    for len in PAYLOADS.into_iter().chain([300, 2_000, 12_000]) {
        let cost = overhead(&[len; 5]).div_ceil(5);
        assert!(cost <= 40, "{cost} an entry beyond {len}");
    }
}

#[test]
fn batch_of_twenty_costs_at_most_30_bytes_an_entry() {
    for len in PAYLOADS.into_iter().chain([300, 2_000, 3_000]) {
        let cost = overhead(&[len; 20]).div_ceil(20);
        assert!(cost <= 30, "{cost} an entry beyond {len}");
    }
}
