//! Trains the dictionary that payloads are compressed with.
//!
//! ```text
//! cargo run --release -p e2e --bin train-dictionary -- sync-core/src/record/dictionary-2.bin
//! ```
//! The samples are the payloads of generated stations, where everybody has another device for each record: what
//! is learnt is words and structure, and no id. The figures printed are for a station of another seed.
//!
//! A dictionary that has been in use is never trained again: a new one gets the next number in
//! `sync-core/src/record/compress.rs`, and the old ones stay.

#![expect(clippy::print_stdout, reason = "a program that people run")]

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};
use clap::Parser;
use rand::rngs::ChaCha8Rng;
use rand::{RngExt as _, SeedableRng as _};
use station::{Act, Scale, Station, What};
use sync_core::id::{ActorId, DeviceId, Incarnation, Millis, RecordId};
use sync_core::record::{
    BeginRule, Candidate, KindName, NEWEST_DICTIONARY, Payload, RecordDoc, Target, Verdict,
    compress,
};
use sync_core::schema::{FieldEdit, Kind, Schema};

const TRAINING_SEED: u64 = 20_260_301;
const HELD_OUT_SEED: u64 = 7;
const DICTIONARY_BYTES: usize = 64 * 1024;
/// The level that the core compresses with.
const LEVEL: i32 = 6;

#[derive(Debug, Parser)]
#[command(about = "Trains the dictionary that payloads are compressed with")]
struct Args {
    /// File to write the dictionary to
    file: PathBuf,
}

fn main() -> Result<()> {
    let Args { file: path } = Args::parse();
    let samples: Vec<Vec<u8>> = payloads(&station::generate(TRAINING_SEED, &Scale::times(3)))?
        .into_iter()
        .map(|sample| sample.bytes)
        .collect();
    let dictionary = zstd::dict::from_samples(&samples, DICTIONARY_BYTES)
        .context("the samples do not make a dictionary")?;
    std::fs::write(&path, &dictionary)
        .with_context(|| format!("cannot write {}", path.display()))?;
    println!(
        "{} samples, {} bytes of dictionary",
        samples.len(),
        dictionary.len()
    );
    report(
        &payloads(&station::generate(HELD_OUT_SEED, &Scale::times(1)))?,
        &dictionary,
    )
}

/// One payload and what it does.
struct Sample {
    what: String,
    bytes: Vec<u8>,
}

/// The payloads of all changes of a station.
fn payloads(station: &Station) -> Result<Vec<Sample>> {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let mut records: BTreeMap<usize, Record> = BTreeMap::new();
    let mut signers: BTreeMap<(usize, usize), Signer> = BTreeMap::new();
    station
        .acts
        .iter()
        .map(|act| {
            let signer = signers
                .entry((act.record, act.by))
                .or_insert_with(|| Signer {
                    device: DeviceId::new(rng.random()),
                    incarnation: Incarnation::new(rng.random()),
                    nonce: rng.random(),
                });
            match &act.what {
                What::Create { kind, fields } => {
                    let kind = Schema::station().kind(kind).context("an unknown kind")?;
                    let (record, sample) = Record::begin(kind, act, fields, signer)?;
                    records.insert(act.record, record);
                    Ok(sample)
                }
                What::Edit { fields } => {
                    let record = records
                        .get_mut(&act.record)
                        .context("an edit before its record")?;
                    record.edit(act, fields, signer)
                }
            }
        })
        .collect()
}

struct Signer {
    device: DeviceId,
    incarnation: Incarnation,
    nonce: [u8; 8],
}

impl Signer {
    fn actor(&self) -> ActorId {
        ActorId::derive(&self.device, &self.incarnation)
    }
}

struct Record {
    id: RecordId,
    kind: &'static Kind,
    doc: RecordDoc,
    /// As it was before the last change, for a change made at the same time.
    before: RecordDoc,
}

impl Record {
    fn begin(
        kind: &'static Kind,
        act: &Act,
        fields: &[(String, String)],
        signer: &Signer,
    ) -> Result<(Self, Sample)> {
        let mut doc = RecordDoc::new();
        let change = doc
            .edit(signer.actor(), Millis(act.at), kind, &edits(kind, fields)?)?
            .context("a beginning without fields")?;
        let target = Target::Begin {
            kind: KindName::new(kind.name())?,
            nonce: signer.nonce,
        };
        let id = target.record_id(&signer.device, &signer.incarnation);
        let bytes = Payload {
            target,
            chunk: change.chunk,
        }
        .encode();
        let sample = Sample {
            what: format!("{} begun", kind.name()),
            bytes,
        };
        Ok((
            Self {
                id,
                kind,
                doc,
                before: RecordDoc::new(),
            },
            sample,
        ))
    }

    fn edit(&mut self, act: &Act, fields: &[(String, String)], signer: &Signer) -> Result<Sample> {
        let mut doc = if act.concurrent {
            self.before.clone()
        } else {
            self.doc.clone()
        };
        let change = doc
            .edit(
                signer.actor(),
                Millis(act.at),
                self.kind,
                &edits(self.kind, fields)?,
            )?
            .context("an edit that alters nothing")?;
        self.before = self.doc.clone();
        let candidate = Candidate {
            signer: signer.actor(),
            begin: BeginRule::Edit,
            chunk: change.chunk,
        };
        if self.doc.apply(std::slice::from_ref(&candidate)) != [Verdict::Merged] {
            bail!("a generated edit was not merged");
        }
        let bytes = Payload {
            target: Target::Edit(self.id),
            chunk: candidate.chunk,
        }
        .encode();
        Ok(Sample {
            what: format!("{} edited", self.kind.name()),
            bytes,
        })
    }
}

fn edits(kind: &Kind, fields: &[(String, String)]) -> Result<Vec<FieldEdit>> {
    let edit = |(field, value): &(String, String)| Ok(kind.parse_edit(field, value)?);
    fields.iter().map(edit).collect()
}

/// Prints sizes before and after, with the new dictionary and with the one in the core.
fn report(samples: &[Sample], dictionary: &[u8]) -> Result<()> {
    let mut new = zstd::bulk::Compressor::with_dictionary(LEVEL, dictionary)?;
    new.include_magicbytes(false)?;
    new.include_checksum(false)?;
    new.include_contentsize(false)?;
    new.include_dictid(false)?;
    let mut sums: BTreeMap<&str, [usize; 4]> = BTreeMap::new();
    for sample in samples {
        let packed = new
            .compress(&sample.bytes)?
            .len()
            .min(sample.bytes.len())
            .saturating_add(1);
        for name in [sample.what.as_str(), "all"] {
            let sum = sums.entry(name).or_default();
            let parts = [1, sample.bytes.len(), packed, compress(&sample.bytes).len()];
            for (sum, part) in sum.iter_mut().zip(parts) {
                *sum = sum.saturating_add(part);
            }
        }
    }
    println!(
        "{:<18} {:>8} {:>8} {:>8} {:>8}",
        "",
        "changes",
        "before",
        "new",
        format!("no. {NEWEST_DICTIONARY}")
    );
    for (name, [count, before, new, present]) in sums {
        let mean = |sum: usize| sum.checked_div(count).unwrap_or_default();
        println!(
            "{name:<18} {count:>8} {:>8} {:>8} {:>8}",
            mean(before),
            mean(new),
            mean(present)
        );
    }
    Ok(())
}
