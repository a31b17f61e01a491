//! Keys behind a passphrase.

use std::fs;

use relay::relay::Admission;

use crate::relay::Served;
use crate::run::{Desk, Ran, command, ran};

const WORDS: &str = "four plain words";

impl Desk {
    /// Runs a command with variables that a script would set.
    fn with(&self, variables: &[(&str, &str)], args: &[&str]) -> Ran {
        let mut command = command(&self.data());
        command.envs(variables.iter().copied()).args(args);
        ran(&command.output().unwrap())
    }

    fn unlocked(&self, args: &[&str]) -> Ran {
        self.with(&[("BANYAN_PASSPHRASE", WORDS)], args)
    }

    fn set_passphrase(&self) {
        let new = [("BANYAN_NEW_PASSPHRASE", WORDS)];
        self.with(&new, &["passphrase", "set"]).ok();
    }
}

#[test]
fn keys_behind_a_passphrase_open_with_it_alone() {
    let desk = Desk::with_village();
    let id = desk.put_visit("3号门");
    desk.set_passphrase();
    let key = fs::read(desk.data().join("device.key")).unwrap();
    let asked = desk.run(["list"]).fails(21);
    assert!(asked.contains("--passphrase-file"), "{asked}");
    let wrong = [("BANYAN_PASSPHRASE", "four plain word")];
    for args in [
        ["list"].as_slice(),
        &["edit", &id, "household=x"],
        &["passphrase", "remove"],
    ] {
        let refused = desk.with(&wrong, args).fails(21);
        assert!(refused.contains("not the passphrase"), "{refused}");
    }
    assert_eq!(fs::read(desk.data().join("device.key")).unwrap(), key);
    let list = desk.unlocked(&["list", "--json"]).ok().json();
    assert_eq!(list[0]["title"], "3号门");
    let file = desk.file("words", format!("{WORDS}\r\n"));
    let file = file.to_str().unwrap();
    desk.run(["--passphrase-file", file, "verify"]).ok();
    // A file that is named counts more than the variable.
    let both = desk.with(&wrong, &["status", "--passphrase-file", file]);
    both.ok();
}

#[test]
fn passphrase_is_changed_and_removed() {
    let desk = Desk::with_village();
    let said = desk.run(["passphrase", "change"]).fails(2);
    assert!(said.contains("passphrase set"), "{said}");
    let short = [("BANYAN_NEW_PASSPHRASE", "short")];
    let said = desk.with(&short, &["passphrase", "set"]).fails(2);
    assert!(said.contains("8 characters"), "{said}");
    desk.run(["passphrase", "set"]).fails(21);
    desk.run(["list"]).ok();
    desk.set_passphrase();
    let said = desk.unlocked(&["passphrase", "set"]).fails(2);
    assert!(said.contains("passphrase change"), "{said}");
    let new = desk.file("new", "four other words\n");
    let change = [
        "passphrase",
        "change",
        "--new-passphrase-file",
        new.to_str().unwrap(),
    ];
    desk.with(&[("BANYAN_PASSPHRASE", "wrong words")], &change)
        .fails(21);
    desk.unlocked(&change).ok();
    desk.unlocked(&["list"]).fails(21);
    let words = [("BANYAN_PASSPHRASE", "four other words")];
    let removed = desk.with(&words, &["--json", "passphrase", "remove"]).ok();
    assert_eq!(removed.json()["protected"], false);
    desk.run(["list"]).ok();
}

#[test]
fn damaged_key_file_with_a_passphrase_is_told_apart_from_a_wrong_passphrase() {
    let desk = Desk::with_village();
    desk.set_passphrase();
    let key = desk.data().join("device.key");
    let good = fs::read_to_string(&key).unwrap();
    let sealed = good.lines().nth(4).unwrap();
    let other = if sealed.starts_with('A') { "B" } else { "A" };
    let bad = good.replace(sealed, &format!("{other}{}", &sealed[1..]));
    fs::write(&key, &bad).unwrap();
    let said = desk.unlocked(&["list"]).fails(6);
    assert!(said.contains("device.key"), "{said}");
    // What a guess costs is read within bounds: a file cannot make the program take all memory.
    fs::write(&key, good.replace("m=65536", "m=4000000000")).unwrap();
    desk.unlocked(&["list"]).fails(6);
    assert_eq!(fs::read_to_string(&key).unwrap().lines().count(), 6);
    fs::write(&key, good).unwrap();
    desk.unlocked(&["list"]).ok();
}

#[test]
fn removed_phone_destroys_its_key_behind_a_passphrase_too() {
    let served = Served::new(Admission::Open);
    let desk = Desk::new();
    desk.run(["found", "--name", "丹灶", "--relay", &served.text()])
        .ok();
    desk.run(["space", "add", "良登村"]).ok();
    let invite = ["invite", "--space", "良登村", "--role", "volunteer"];
    let ticket = desk.run(invite).ok().out;
    desk.run(["sync"]).ok();
    let phone = Desk::new();
    phone.run(["join", ticket.trim(), "--name", "陈小明"]).ok();
    phone.set_passphrase();
    desk.run(["sync"]).ok();
    let before = fs::read_to_string(phone.data().join("device.key")).unwrap();
    desk.run(["revoke", "陈小明"]).ok();
    desk.run(["sync"]).ok();
    phone.unlocked(&["sync"]).fails(5);
    let status = phone.unlocked(&["status", "--json"]).ok().json();
    assert_eq!(status["farewell"], "confirmed");
    let after = fs::read_to_string(phone.data().join("device.key")).unwrap();
    assert_eq!(before.lines().nth(2), after.lines().nth(2), "the same lock");
    assert_ne!(
        before.lines().nth(4),
        after.lines().nth(4),
        "another key in it"
    );
    phone.run(["status"]).fails(21);
}
