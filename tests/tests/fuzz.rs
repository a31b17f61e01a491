//! The fuzz targets, with the inputs that are kept and with many that are made of them.

use std::collections::BTreeSet;
use std::fs;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};

use e2e::fuzz::{TARGETS, Target};
use rand::rngs::ChaCha8Rng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};

/// Longest input that is made; a longer one takes time and shows nothing that a short one does not.
const INPUT_BYTES_MAX: usize = 16 * 1024;
/// All inputs of all targets.
const CORPUS_BYTES_MAX: usize = 1024 * 1024;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz")
}

fn names(folder: &Path) -> BTreeSet<String> {
    let files = fs::read_dir(folder).unwrap();
    let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
    names.collect()
}

/// A target's inputs with their names, in the same order everywhere.
fn corpus(target: &Target) -> Vec<(String, Vec<u8>)> {
    let folder = folder().join("corpus").join(target.name);
    let inputs = names(&folder).into_iter();
    let inputs = inputs.map(|name| (name.clone(), fs::read(folder.join(name)).unwrap()));
    inputs.collect()
}

/// Runs the target; a failure names the input, so that it can be put into the corpus.
fn take(target: &Target, what: &str, input: &[u8]) {
    let run = target.run;
    if catch_unwind(|| run(input)).is_err() {
        let hex = data_encoding::HEXLOWER.encode(input);
        panic!("{} does not take {what}: {hex}", target.name);
    }
}

#[test]
fn every_committed_input_is_taken_without_a_panic() {
    let mut bytes = 0;
    for target in TARGETS {
        let inputs = corpus(target);
        assert!(!inputs.is_empty(), "{} has no corpus", target.name);
        for (name, input) in inputs {
            bytes += input.len();
            take(target, &name, &input);
        }
    }
    assert!(bytes <= CORPUS_BYTES_MAX, "{bytes} bytes are too many");
}

#[test]
fn every_target_has_its_program_and_its_corpus_and_nothing_is_left_over() {
    let targets: BTreeSet<String> = TARGETS.iter().map(|it| it.name.to_owned()).collect();
    assert_eq!(targets.len(), TARGETS.len(), "two targets have one name");
    assert_eq!(names(&folder().join("corpus")), targets);
    let programs = names(&folder().join("fuzz_targets"));
    let expected = targets.iter().map(|name| format!("{name}.rs")).collect();
    assert_eq!(programs, expected);
    let manifest = fs::read_to_string(folder().join("Cargo.toml")).unwrap();
    for name in targets {
        let program = format!("name = \"{name}\"\npath = \"fuzz_targets/{name}.rs\"");
        assert!(manifest.contains(&program), "no program {name}");
    }
}

#[test]
fn corpus_has_all_that_the_targets_begin_with() {
    for target in TARGETS {
        let kept: BTreeSet<Vec<u8>> = corpus(target).into_iter().map(|(_, it)| it).collect();
        for (number, seed) in (target.seeds)().into_iter().enumerate() {
            // Which bytes a compressor finds is its own choice.
            assert!(
                kept.contains(&seed) || target.name == "compressed",
                "{} lacks seed {number}; cargo run -p e2e --bin write-corpus writes it",
                target.name
            );
        }
    }
}

/// One input made of others.
fn changed(inputs: &[(String, Vec<u8>)], rng: &mut ChaCha8Rng) -> Vec<u8> {
    let mut input = inputs.choose(rng).unwrap().1.clone();
    for _ in 0..rng.random_range(1..4) {
        let at = rng.random_range(0..=input.len());
        match rng.random_range(0..7) {
            0 => input.truncate(at),
            1 | 2 => {
                if let Some(byte) = input.get_mut(at) {
                    *byte ^= 1 << rng.random_range(0..8);
                }
            }
            3 => {
                if let Some(byte) = input.get_mut(at) {
                    *byte = *[0, 1, 0x7f, 0x80, 0xff].choose(rng).unwrap();
                }
            }
            4 => input.insert(at, rng.random()),
            5 => {
                let len = rng.random_range(0..8).min(input.len() - at);
                input.drain(at..at + len);
            }
            _ => {
                // The end of another input behind the beginning of this one.
                let other = &inputs.choose(rng).unwrap().1;
                let from = rng.random_range(0..=other.len());
                input.truncate(at);
                input.extend_from_slice(other.get(from..).unwrap_or_default());
            }
        }
    }
    input.truncate(INPUT_BYTES_MAX);
    input
}

/// `BANYAN_SEED=<n>` tries others.
fn seed() -> u64 {
    let seed = std::env::var("BANYAN_SEED");
    seed.map_or(1, |seed| seed.parse().unwrap())
}

#[test]
fn committed_inputs_changed_at_random_are_taken_without_a_panic() {
    for target in TARGETS {
        let inputs = corpus(target);
        let rng = &mut ChaCha8Rng::seed_from_u64(seed());
        for number in 0..target.mutations {
            let input = changed(&inputs, rng);
            take(target, &format!("changed input {number}"), &input);
        }
    }
}
