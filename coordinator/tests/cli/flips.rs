//! A changed byte anywhere: found and named, or harmless; never a panic, never something lost.

use std::fs;
use std::path::Path;

use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};
use serde_json::Value;

use crate::run::{Desk, Ran, command, ran};

/// Seeds the places that are changed; a failure names its place.
const SEED: u64 = 2;
const STORE: &str = "community.sqlite";
const LOG: &str = "community.sqlite-wal";

/// Reads everything that people can ask for.
fn questions(record: &str) -> [Vec<&str>; 6] {
    [
        vec!["list", "--json"],
        vec!["list", "--person", "李芳", "--sort", "day", "--json"],
        vec!["status", "--json"],
        vec!["show", record, "--history", "--json"],
        vec!["members", "--json"],
        vec!["space", "list", "--json"],
    ]
}

/// A desk with visits and edits, and the first record.
fn busy_desk() -> (Desk, String) {
    let desk = Desk::with_village();
    let records: Vec<String> = (1..=6)
        .map(|door| desk.put_visit(&format!("{door}号门")))
        .collect();
    for record in &records {
        desk.run(["edit", record, "findings=血压偏高，下周再来"])
            .ok();
    }
    (desk, records[0].clone())
}

fn copy(from: &Path, to: &Path) {
    let _none = fs::remove_dir_all(to);
    fs::create_dir_all(to).unwrap();
    for file in fs::read_dir(from).unwrap() {
        let file = file.unwrap();
        // The index of the write-ahead log is made anew after a kill.
        if !file.file_name().to_string_lossy().ends_with("-shm") {
            fs::copy(file.path(), to.join(file.file_name())).unwrap();
        }
    }
}

fn ask(data: &Path, question: &[&str]) -> Ran {
    ran(&command(data).args(question).output().unwrap())
}

/// A refusal that names the store and says what to do.
#[track_caller]
fn assert_said(answer: &Ran, data: &Path, codes: &[i32], at: usize) {
    assert!(codes.contains(&answer.code), "byte {at}: {answer:?}");
    assert!(!answer.err.contains("panicked"), "byte {at}: {answer:?}");
    let error: Value =
        serde_json::from_str(&answer.err).unwrap_or_else(|error| panic!("{error}: {answer:?}"));
    let message = error["error"]["message"].as_str().unwrap();
    let store = data.join(STORE).display().to_string();
    assert!(message.contains(&store), "byte {at}: {message}");
}

/// Changes one bit in a copy of a file and asks everything; says how many answers were refusals.
fn flip(desk: &Desk, name: &str, at: usize, bit: u8, good: &[(Vec<&str>, String)]) -> usize {
    let (from, data) = (desk.data(), desk.path("flipped"));
    copy(&from, &data);
    let mut bytes = fs::read(from.join(name)).unwrap();
    bytes[at] ^= 1 << bit;
    fs::write(data.join(name), &bytes).unwrap();
    let mut refusals = 0;
    for (question, right) in good {
        let answer = ask(&data, question);
        if answer.code == 0 {
            assert_eq!(&answer.out, right, "byte {at} of {name}: {question:?}");
            continue;
        }
        refusals += 1;
        // A flip in the format number looks like the file of a newer program.
        assert_said(&answer, &data, &[6, 9, 19], at);
    }
    if refusals == good.len() {
        let left = fs::read(data.join(name)).unwrap();
        assert!(left == bytes, "byte {at} of {name}: the file was changed");
    }
    refusals
}

#[test]
fn changed_byte_of_a_store_is_named_or_harmless() {
    let (desk, record) = busy_desk();
    let good: Vec<(Vec<&str>, String)> = questions(&record)
        .into_iter()
        .map(|question| (question.clone(), desk.run(question).ok().out))
        .collect();
    let len = fs::read(desk.data().join(STORE)).unwrap().len();
    let mut rng = ChaCha8Rng::seed_from_u64(SEED);
    // The header, the page that lists the tables, and places all over the rest.
    let mut places: Vec<usize> = (0..100).step_by(3).collect();
    places.extend((0..10).map(|_| rng.random_range(100..4096)));
    places.extend((0..56).map(|_| rng.random_range(4096..len)));
    let mut refusals = 0;
    for at in places {
        let bit = rng.random_range(0..8);
        refusals += usize::from(flip(&desk, STORE, at, bit, &good) > 0);
    }
    assert!(refusals > 10, "only {refusals} were noticed");
}

#[test]
fn search_in_a_changed_store_may_miss_and_never_invents() {
    let (desk, record) = busy_desk();
    let words = ["list", "--search", "4号门 血压", "--json"];
    let right = desk.run(words).ok().json();
    assert_eq!(right.as_array().unwrap().len(), 1);
    assert_ne!(right[0]["record"], record.as_str());
    let (from, data) = (desk.data(), desk.path("flipped"));
    let good = fs::read(from.join(STORE)).unwrap();
    // The pages with the words, and some others.
    let mark = "\u{e000}".as_bytes();
    let marks = good.windows(3).enumerate();
    let mut places: Vec<usize> = marks
        .filter(|(_, bytes)| *bytes == mark)
        .flat_map(|(at, _)| (0..40).map(move |more| at + more * 5))
        .collect();
    assert!(!places.is_empty(), "words lie in the file");
    let mut rng = ChaCha8Rng::seed_from_u64(SEED);
    places.truncate(80);
    places.extend((0..30).map(|_| rng.random_range(4096..good.len())));
    for at in places {
        copy(&from, &data);
        let mut bytes = good.clone();
        bytes[at] ^= 1 << rng.random_range(0..8);
        fs::write(data.join(STORE), &bytes).unwrap();
        let answer = ask(&data, &words);
        if answer.code == 0 {
            let found = answer.json();
            let is_right = found == right || found.as_array().unwrap().is_empty();
            assert!(is_right, "byte {at}: {answer:?}");
        } else {
            assert_said(&answer, &data, &[6, 9, 19], at);
        }
    }
}

#[test]
fn write_to_a_changed_store_is_whole_or_refused() {
    let (desk, _) = busy_desk();
    let data = desk.path("flipped");
    let bytes = fs::read(desk.data().join(STORE)).unwrap();
    let mut rng = ChaCha8Rng::seed_from_u64(SEED);
    for _ in 0..40 {
        let at = rng.random_range(0..bytes.len());
        copy(&desk.data(), &data);
        let mut bytes = bytes.clone();
        bytes[at] ^= 1 << rng.random_range(0..8);
        fs::write(data.join(STORE), &bytes).unwrap();
        let words = ["household=7号门", "date=2026-03-04", "purpose=health"];
        let put = ["--json", "put", "visit", "--space", "良登村"];
        let done = ask(&data, &[put.as_slice(), &words].concat());
        if done.code != 0 {
            assert_said(&done, &data, &[6, 9, 19], at);
            continue;
        }
        let list = ask(&data, &["list", "--json"]);
        if list.code == 0 {
            let rows = list.json().as_array().unwrap().len();
            assert_eq!(rows, 7, "byte {at}: something is gone");
        } else {
            assert_said(&list, &data, &[6], at);
        }
    }
}

/// A store as a kill leaves it: the newest five transactions are in the write-ahead log alone.
fn killed_desk() -> Desk {
    let (desk, record) = busy_desk();
    // As long as somebody reads, nobody else moves the log's pages into the store.
    let reader = rusqlite::Connection::open(desk.data().join(STORE)).unwrap();
    reader.execute_batch("BEGIN; SELECT * FROM meta;").unwrap();
    for state in ["one", "two", "three", "four"] {
        desk.run(["edit", &record, &format!("findings={state}")])
            .ok();
    }
    let killed = desk.path("killed");
    copy(&desk.data(), &killed);
    drop(reader);
    copy(&killed, &desk.data());
    desk
}

#[test]
fn changed_byte_of_the_write_ahead_log_never_loses_what_whole_writes_follow() {
    let desk = killed_desk();
    let (from, data) = (desk.data(), desk.path("flipped"));
    let bytes = fs::read(from.join(LOG)).unwrap();
    let page = 4096 + 24;
    let whole = {
        copy(&from, &data);
        ask(&data, &["list", "--json"]).ok().out
    };
    // Up to and with the second last frame that ends a transaction; see below for what follows.
    let ends: Vec<usize> = (32..bytes.len())
        .step_by(page)
        .filter(|at| bytes[at + 4..at + 8] != [0; 4])
        .collect();
    let last_but_one = ends[ends.len() - 2];
    assert!(ends.len() >= 4 && last_but_one > 8 * page, "{ends:?}");
    let mut rng = ChaCha8Rng::seed_from_u64(SEED);
    let mut places: Vec<usize> = (0..56).collect();
    places.extend((0..60).map(|_| rng.random_range(56..last_but_one)));
    let mut refusals = 0;
    for at in places {
        copy(&from, &data);
        let mut bytes = bytes.clone();
        bytes[at] ^= 1 << rng.random_range(0..8);
        fs::write(data.join(LOG), &bytes).unwrap();
        let answer = ask(&data, &["list", "--json"]);
        if answer.code == 0 {
            assert_eq!(
                answer.out, whole,
                "byte {at} of the log was lost in silence"
            );
            continue;
        }
        assert_said(&answer, &data, &[6], at);
        assert!(answer.err.contains("write-ahead log"), "{answer:?}");
        assert!(fs::read(data.join(LOG)).unwrap() == bytes, "byte {at}");
        refusals += 1;
    }
    assert!(refusals > 90, "only {refusals} were noticed");
}

#[test]
fn log_that_a_kill_cut_off_anywhere_opens_with_what_was_whole() {
    let desk = killed_desk();
    let (from, data) = (desk.data(), desk.path("cut"));
    let bytes = fs::read(from.join(LOG)).unwrap();
    let mut rng = ChaCha8Rng::seed_from_u64(SEED);
    for _ in 0..40 {
        let end = rng.random_range(0..bytes.len());
        copy(&from, &data);
        fs::write(data.join(LOG), &bytes[..end]).unwrap();
        let rows = ask(&data, &["list", "--json"]).ok().json();
        assert_eq!(rows.as_array().unwrap().len(), 6, "cut at {end}");
        let edit = ["put", "visit", "--space", "良登村", "household=8号门"];
        let words = ["date=2026-03-04", "purpose=health"];
        ask(&data, &[edit.as_slice(), &words].concat()).ok();
    }
}

#[test]
fn cut_off_store_is_named_and_left_alone() {
    let (desk, _) = busy_desk();
    let data = desk.path("cut");
    let bytes = fs::read(desk.data().join(STORE)).unwrap();
    let len = bytes.len();
    for end in [0, 1, 99, 100, 512, 4096, 4097, 20_000, len / 2, len - 4096] {
        copy(&desk.data(), &data);
        fs::write(data.join(STORE), &bytes[..end]).unwrap();
        for question in questions("a") {
            let question = [["--json"].as_slice(), &question].concat();
            let answer = ask(&data, &question);
            assert_said(&answer, &data, &[6], end);
        }
        assert!(fs::read(data.join(STORE)).unwrap() == bytes[..end], "{end}");
    }
}

#[test]
fn every_changed_letter_of_a_key_file_is_found() {
    let desk = Desk::with_village();
    let key = desk.data().join("device.key");
    let good = fs::read(&key).unwrap();
    for at in 0..good.len() {
        let mut bad = good.clone();
        bad[at] ^= 1;
        fs::write(&key, &bad).unwrap();
        let said = desk.run(["status"]);
        if said.code == 0 {
            // The line break at the end says nothing.
            assert_eq!(good[at], b'\n', "letter {at}");
            continue;
        }
        assert!(said.fails(6).contains("device.key"), "letter {at}");
        assert_eq!(fs::read(&key).unwrap(), bad);
    }
}
