//! Damage in what is handed over: tickets, tables and traces, letter by letter and byte by byte.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::json;

use crate::run::{Desk, Ran};

/// Runs something for every place, on as many threads as there are cores.
fn everywhere(places: usize, check: impl Fn(usize) + Sync) {
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for worker in 0..workers {
            let check = &check;
            scope.spawn(move || (worker..places).step_by(workers).for_each(check));
        }
    });
}

#[test]
fn every_letter_of_a_ticket_counts() {
    let desk = Desk::with_village();
    let invite = ["invite", "--role", "lead", "--space", "良登村"];
    let ticket = desk.run(invite).ok().out;
    let ticket = ticket.trim();
    let joiner = Desk::new();
    everywhere(ticket.len(), |at| {
        let mut letters = ticket.as_bytes().to_vec();
        letters[at] = if letters[at] == b'q' { b'x' } else { b'q' };
        let changed = String::from_utf8(letters).unwrap();
        let left_out = format!("{}{}", &ticket[..at], &ticket[at + 1..]);
        for bad in [changed.as_str(), &left_out, &ticket[..at]] {
            if bad == ticket {
                continue;
            }
            let said = joiner.run(["join", bad, "--name", "x", "--offline"]);
            let said = if bad.is_empty() || bad.starts_with('-') {
                said
            } else {
                Ran {
                    err: said.fails(14),
                    code: 14,
                    out: String::new(),
                }
            };
            assert!(!said.err.contains("panicked"), "letter {at}: {said:?}");
        }
    });
    assert!(
        !joiner.data().exists(),
        "a bad ticket leaves nothing behind"
    );
    joiner
        .run(["join", ticket, "--name", "x", "--offline"])
        .ok();
}

#[test]
fn every_changed_byte_of_a_table_is_taken_for_a_row_or_named() {
    let desk = Desk::with_village();
    let table = "household,date,purpose,findings\n\
                 3号门 王奶奶,2026-03-04,health,\"血压, 偏高\"\n\
                 5号门,2026-03-05,care,好\n";
    let before = desk.run(["status", "--json"]).ok().json();
    everywhere(table.len(), |at| {
        let mut bytes = table.as_bytes().to_vec();
        bytes[at] ^= 1 << (at % 8);
        let file = desk.file(&format!("{at}.csv"), &bytes);
        let file = file.to_str().unwrap();
        let args = ["import", file, "--kind", "visit", "--space", "良登村"];
        let done = desk.run(args.iter().chain(&["--dry-run", "--json"]));
        assert!(!done.err.contains("panicked"), "byte {at}: {done:?}");
        match done.code {
            // A letter became another letter: the row is still a row, or it is named.
            0 => {
                let report = done.json();
                let rows = report["skipped"].as_array().unwrap();
                let is_told = rows
                    .iter()
                    .all(|row| row["line"].is_u64() && row["reason"].as_str().unwrap().len() > 10);
                assert!(is_told, "byte {at}: {done:?}");
            }
            4 | 15 => assert!(done.err.len() > 40, "byte {at}: {done:?}"),
            _ => panic!("byte {at}: {done:?}"),
        }
    });
    let after = desk.run(["status", "--json"]).ok().json();
    assert_eq!(
        before, after,
        "a table that is only looked at changes nothing"
    );
}

#[test]
fn bad_table_names_the_line_and_nothing_is_imported_until_asked() {
    let desk = Desk::with_village();
    let table = "household,date,purpose\nA,2026-03-04,health\nB,soon,health\nC,2026-03-04,health\n";
    let file = desk.file("visits.csv", table);
    let file = file.to_str().unwrap();
    let args = ["import", file, "--kind", "visit", "--space", "良登村"];
    let said = desk.run(args).fails(15);
    assert!(said.contains("line 3"), "{said}");
    assert_eq!(desk.run(["list", "--json"]).ok().json(), json!([]));
    let done = desk
        .run(args.iter().chain(&["--skip", "--json"]))
        .ok()
        .json();
    assert_eq!(
        (&done["imported"], &done["skipped"][0]["line"]),
        (&2.into(), &3.into())
    );
}

fn packed_trace() -> Vec<u8> {
    let txn = |parents: &[u32], children: u32, patches: serde_json::Value| {
        json!({
            "parents": parents, "numChildren": children, "agent": 0,
            "time": "2023-07-10T01:23:45.000Z", "patches": patches,
        })
    };
    let trace = json!({
        "kind": "concurrent", "endContent": "榕树下!", "numAgents": 1,
        "txns": [
            txn(&[], 1, json!([[0, 0, "榕树"]])),
            txn(&[0], 1, json!([[2, 0, "下"]])),
            txn(&[1], 0, json!([[3, 0, "!"]])),
        ],
    });
    let mut packer = GzEncoder::new(Vec::new(), Compression::best());
    packer.write_all(trace.to_string().as_bytes()).unwrap();
    packer.finish().unwrap()
}

#[test]
fn every_changed_byte_of_a_packed_trace_is_found_or_says_nothing() {
    let desk = Desk::new();
    let packed = packed_trace();
    everywhere(packed.len(), |at| {
        let mut bytes = packed.clone();
        bytes[at] ^= 1 << (at % 8);
        let file = desk.file(&format!("{at}.json.gz"), &bytes);
        let done = desk.run(["replay", file.to_str().unwrap(), "--json"]);
        assert!(!done.err.contains("panicked"), "byte {at}: {done:?}");
        if done.code == 0 {
            // The time and the system that gzip notes in its own head, and the bits that fill up
            // the last byte before its checksum.
            let says_nothing = (3..10).contains(&at) || at == packed.len() - 9;
            assert!(says_nothing, "byte {at}: {done:?}");
            assert_eq!(done.json()["transactions"], 3);
        } else {
            assert_eq!(done.code, 15, "byte {at}: {done:?}");
        }
    });
}

#[test]
fn packed_trace_cut_off_anywhere_is_refused() {
    let desk = Desk::new();
    let packed = packed_trace();
    everywhere(packed.len() / 3, |third| {
        let end = third * 3;
        let file = desk.file(&format!("{end}.json.gz"), &packed[..end]);
        let done = desk.run(["replay", file.to_str().unwrap()]);
        assert!(!done.fails(15).is_empty(), "cut at {end}");
    });
}
