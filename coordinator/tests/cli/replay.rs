//! Traces: typed again by phones, and refused where they are damaged.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::json;

use crate::run::{Desk, Ran};

/// Two people type apart, then one of them merges; one types on from an older state.
fn trace() -> serde_json::Value {
    let txn = |parents: &[usize], children: usize, agent: usize, patches: serde_json::Value| {
        json!({
            "parents": parents, "numChildren": children, "agent": agent,
            "time": "2023-11-22T03:57:32+00:00", "patches": patches,
        })
    };
    json!({
        "kind": "concurrent",
        "endContent": "榕树下 hi，好!",
        "numAgents": 2,
        "txns": [
            txn(&[], 2, 0, json!([[0, 0, "榕树"]])),
            txn(&[0], 1, 0, json!([[2, 0, "上"], [2, 1, "下"]])),
            txn(&[0], 1, 1, json!([[0, 0, ""], [2, 0, " hi"]])),
            txn(&[1, 2], 2, 1, json!([[6, 0, "，好"]])),
            txn(&[3], 0, 0, json!([[8, 0, "!"]])),
            txn(&[3], 0, 1, json!([])),
        ],
    })
}

fn replay(desk: &Desk, bytes: &[u8], more: &[&str]) -> Ran {
    let file = desk.file("trace.json", bytes);
    desk.run(
        ["replay", file.to_str().unwrap(), "--json"]
            .iter()
            .chain(more),
    )
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn trace_is_replayed_and_the_phones_can_be_explored() {
    let desk = Desk::new();
    let keep = desk.path("phones");
    let bytes = gzip(trace().to_string().as_bytes());
    let done = replay(&desk, &bytes, &["--keep", keep.to_str().unwrap()])
        .ok()
        .json();
    assert_eq!(done["transactions"], 6, "{done}");
    assert_eq!(done["changes"], 5);
    assert_eq!(done["characters"], 9);
    assert!(done["bytes_sealed"].as_u64().unwrap() > 0);
    let record = done["record"].as_str().unwrap();
    for phone in ["agent-0", "agent-1"] {
        let path = keep.join(phone);
        let shown = crate::run::ran(
            &crate::run::command(&path)
                .args(["show", record, "--json"])
                .output()
                .unwrap(),
        );
        let shown = shown.ok().json();
        let body = shown["fields"]
            .as_array()
            .unwrap()
            .iter()
            .find(|f| f["name"] == "body");
        assert_eq!(body.unwrap()["value"], trace()["endContent"]);
    }
    let again = replay(&desk, &bytes, &["--keep", keep.to_str().unwrap()]);
    assert!(again.fails(2).contains("not empty"));
}

#[test]
fn agent_with_two_states_at_once_types_on_two_phones() {
    let mut trace = trace();
    trace["txns"][5]["parents"] = json!([0]);
    trace["txns"][0]["numChildren"] = json!(3);
    trace["txns"][3]["numChildren"] = json!(1);
    trace["txns"][5]["patches"] = json!([[0, 2, ""]]);
    trace["endContent"] = json!("下 hi，好!");
    let done = replay(&Desk::new(), trace.to_string().as_bytes(), &[])
        .ok()
        .json();
    assert_eq!((&done["agents"], &done["phones"]), (&2.into(), &3.into()));
}

#[test]
fn damaged_traces_end_in_a_sentence_that_names_the_transaction() {
    let desk = Desk::new();
    let damaged = |change: &dyn Fn(&mut serde_json::Value)| {
        let mut trace = trace();
        change(&mut trace);
        replay(&desk, trace.to_string().as_bytes(), &[])
    };
    let said = damaged(&|trace| trace["txns"][4]["parents"] = json!([77])).fails(16);
    assert!(said.contains("Transaction 4"), "{said}");
    let said = damaged(&|trace| trace["txns"][2]["parents"] = json!([3])).fails(16);
    assert!(said.contains("Transaction 2"), "{said}");
    let said = damaged(&|trace| trace["txns"][3]["patches"] = json!([[7, 0, "x"]])).fails(16);
    assert!(
        said.contains("Transaction 3") && said.contains("6 characters"),
        "{said}"
    );
    let said = damaged(&|trace| trace["txns"][3]["agent"] = json!(2)).fails(16);
    assert!(said.contains("Transaction 3"), "{said}");
    let said = damaged(&|trace| trace["txns"][1]["time"] = json!("noon")).fails(16);
    assert!(said.contains("Transaction 1"), "{said}");
    let said = damaged(&|trace| trace["endContent"] = json!("榕树下 hi，坏!")).fails(17);
    assert!(said.contains("character 7"), "{said}");
    let said = damaged(&|trace| trace["kind"] = json!("sequential")).fails(15);
    assert!(said.contains("sequential"), "{said}");
    let said = damaged(&|trace| trace["txns"][2]["patches"] = json!([["x", 0, ""]])).fails(15);
    assert!(said.contains("transaction 2"), "{said}");
}

#[test]
fn cut_off_and_flipped_files_are_refused() {
    let desk = Desk::new();
    let json = trace().to_string();
    let packed = gzip(json.as_bytes());
    let said = replay(&desk, &packed[..packed.len() / 2], &[]).fails(15);
    assert!(said.contains("gzip"), "{said}");
    let mut flipped = packed.clone();
    let middle = packed.len() / 2;
    flipped[middle] ^= 1;
    replay(&desk, &flipped, &[]).fails(15);
    replay(&desk, &json.as_bytes()[..json.len() - 60], &[]).fails(15);
    replay(&desk, &[0xff; 64], &[]).fails(15);
    desk.run(["replay", "nowhere.gz"]).fails(15);
}
