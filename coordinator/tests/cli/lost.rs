//! The story of a lost phone, with the programs as they are built.

use std::path::PathBuf;
use std::process::Command;

use crate::run::{Desk, command, ran};

/// The relay's program beside ours; made if only this package was built.
fn relay_program() -> PathBuf {
    let beside = PathBuf::from(env!("CARGO_BIN_EXE_banyan")).with_file_name("banyan-relay");
    if !beside.is_file() {
        let folder = beside.ancestors().nth(2).unwrap();
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args(["build", "--package", "relay", "--bin", "banyan-relay"]);
        let built = cargo.arg("--target-dir").arg(folder).status().unwrap();
        assert!(built.success());
    }
    beside
}

#[test]
fn story_of_a_lost_phone_holds_in_every_claim() {
    relay_program();
    let desk = Desk::new();
    let keep = desk.path("kept");
    let mut told = command(&desk.data());
    told.args(["demo", "--lost-phone", "--json", "--no-serve", "--keep"])
        .arg(&keep);
    let outcome = ran(&told.output().unwrap()).ok().json();
    let claims = outcome["claims"].as_array().unwrap();
    assert!(claims.len() > 10, "{outcome}");
    assert!(
        claims.iter().all(|claim| claim["holds"] == true),
        "{outcome}"
    );
    assert_eq!(outcome["held"], 3);
    assert_eq!(outcome["released"], 1);
    // What is kept can be looked at with the other commands.
    let mut look = command(&keep.join("coordinator"));
    let held = ran(&look.args(["held", "--json"]).output().unwrap())
        .ok()
        .json();
    assert!(held.as_array().unwrap().len() >= 3, "{held}");
    let mut again = command(&desk.data());
    again
        .args(["demo", "--lost-phone", "--no-serve", "--keep"])
        .arg(&keep);
    ran(&again.output().unwrap()).fails(2);
}

#[test]
fn story_is_told_in_chinese_too_and_says_that_all_holds() {
    relay_program();
    let mut told = command(&Desk::new().data());
    told.args(["--lang", "zh", "demo", "--lost-phone", "--no-serve"]);
    let told = ran(&told.output().unwrap()).ok().out;
    assert!(told.contains("全部成立") && !told.contains('✗'), "{told}");
    assert!(told.contains("3号门 王奶奶 → 无人居住"), "{told}");
}

#[cfg(unix)]
#[test]
fn story_without_the_relay_program_says_where_it_was_looked_for() {
    let alone = Desk::new();
    let program = alone.path("banyan");
    std::fs::copy(env!("CARGO_BIN_EXE_banyan"), &program).unwrap();
    let mut told = Command::new(&program);
    let told = told.args(["--lang", "en", "demo", "--lost-phone"]).output();
    let said = ran(&told.unwrap()).fails(15);
    assert!(said.contains("banyan-relay"), "{said}");
}
