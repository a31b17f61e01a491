//! The program as an operator meets it: one line, exit codes, sentences.

use std::io::{BufRead as _, BufReader, Read as _};
use std::net::UdpSocket;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use sync_core::roster::ticket::RelayAddr;

fn relay(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_banyan-relay"));
    command
        .args(args)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .env_remove("RUST_LOG");
    command
}

fn run(args: &[&str]) -> (i32, String) {
    let Output { status, stderr, .. } = relay(args).output().unwrap();
    (status.code().unwrap(), String::from_utf8(stderr).unwrap())
}

fn start(folder: &Path) -> (Child, RelayAddr) {
    let data = folder.display().to_string();
    let mut child = relay(&["--data", &data, "--listen", "127.0.0.1:0", "--open"])
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().unwrap())
        .read_line(&mut line)
        .unwrap();
    let addr = line
        .strip_prefix("relay ready ")
        .expect(&line)
        .trim()
        .parse()
        .unwrap();
    (child, addr)
}

fn ask_to_stop(child: &Child) {
    let pid = child.id().to_string();
    assert!(
        Command::new("kill")
            .args(["-TERM", &pid])
            .status()
            .unwrap()
            .success()
    );
}

#[test]
fn ready_line_then_a_clean_end_when_asked() {
    let folder = tempfile::tempdir().unwrap();
    let (mut child, first) = start(folder.path());
    ask_to_stop(&child);
    assert_eq!(child.wait().unwrap().code(), Some(0));
    let mut rest = String::new();
    child.stdout.unwrap().read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "", "the ready line is all that it prints");
    let (mut child, second) = start(folder.path());
    assert_eq!(first.relay, second.relay, "the key is kept");
    ask_to_stop(&child);
    child.wait().unwrap();
}

#[test]
fn killed_relay_starts_again_with_its_key() {
    let folder = tempfile::tempdir().unwrap();
    let (mut child, first) = start(folder.path());
    child.kill().unwrap();
    child.wait().unwrap();
    let (mut child, second) = start(folder.path());
    assert_eq!(first.relay, second.relay);
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn each_trouble_has_its_exit_code_and_its_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().display().to_string();
    let listen = "127.0.0.1:0";
    let (code, words) = run(&["--data", &data, "--listen", listen, "--opne"]);
    assert_eq!(code, 2, "{words}");
    let (code, words) = run(&["--listen", listen, "--open"]);
    assert_eq!(code, 2);
    assert!(words.contains("--data is missing"), "{words}");
    let (code, words) = run(&["--data", &data, "--listen", listen]);
    assert_eq!(code, 3);
    assert!(words.contains("--allow"), "{words}");
    let (code, words) = run(&["--config", "no/such/file.toml"]);
    assert_eq!(code, 3);
    assert!(words.contains("no/such/file.toml"), "{words}");
    let taken = UdpSocket::bind(listen).unwrap();
    let addr = taken.local_addr().unwrap().to_string();
    let (code, words) = run(&["--data", &data, "--listen", &addr, "--open"]);
    assert_eq!(code, 5, "{words}");
    assert!(words.contains(&addr), "{words}");
    std::fs::write(folder.path().join("relay.key"), b"not a key").unwrap();
    let (code, words) = run(&["--data", &data, "--listen", listen, "--open"]);
    assert_eq!(code, 7);
    assert!(words.contains("relay.key is damaged"), "{words}");
}

#[test]
fn folder_of_a_running_relay_is_in_use() {
    let folder = tempfile::tempdir().unwrap();
    let (mut child, _) = start(folder.path());
    let data = folder.path().display().to_string();
    let (code, words) = run(&["--data", &data, "--listen", "127.0.0.1:0", "--open"]);
    assert_eq!(code, 4, "{words}");
    assert!(words.contains(&data), "{words}");
    ask_to_stop(&child);
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn log_that_is_cut_off_damaged_or_newer_is_named_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let (mut child, _) = start(folder.path());
    ask_to_stop(&child);
    child.wait().unwrap();
    let path = folder.path().join("relay.db");
    let whole = std::fs::read(&path).unwrap();
    let data = folder.path().display().to_string();
    let newer = {
        let mut bytes = whole.clone();
        bytes[60..64].copy_from_slice(&99_u32.to_be_bytes());
        bytes
    };
    let other = {
        let mut bytes = whole.clone();
        bytes[..16].fill(b'x');
        bytes
    };
    let cases = [
        (whole[..0].to_vec(), 7),
        (whole[..99].to_vec(), 7),
        (whole[..whole.len() / 2].to_vec(), 7),
        (other, 7),
        (newer, 8),
    ];
    for (bytes, expected) in cases {
        std::fs::write(&path, &bytes).unwrap();
        let (code, words) = run(&["--data", &data, "--listen", "127.0.0.1:0", "--open"]);
        assert_eq!(code, expected, "{words}");
        assert!(words.contains("relay.db"), "{words}");
        assert_eq!(std::fs::read(&path).unwrap(), bytes, "{words}");
    }
}

/// A limit on the size of files, so small that the log does not fit: as a quota does it.
#[cfg(unix)]
#[test]
fn full_disk_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let script = r#"trap '' XFSZ; ulimit -f 8
        exec "$RELAY" --data "$DISK/relay" --listen 127.0.0.1:0 --open"#;
    let output = Command::new("sh")
        .args(["-c", script])
        .env("DISK", folder.path())
        .env("RELAY", env!("CARGO_BIN_EXE_banyan-relay"))
        .output()
        .unwrap();
    let words = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(6), "{words}");
    assert!(words.contains("full") || words.contains("space"), "{words}");
}

#[test]
fn verify_says_what_it_proved_and_keeps_away_from_a_relay_that_serves() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().display().to_string();
    let (code, said) = run(&["--data", &data, "--verify"]);
    assert_eq!(code, 9, "{said}");
    let (mut child, _) = start(folder.path());
    let (code, said) = run(&["--data", &data, "--verify"]);
    assert_eq!(code, 4, "{said}");
    ask_to_stop(&child);
    child.wait().unwrap();
    let output = relay(&["--data", &data, "--verify"]).output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.contains("0 communities"), "{said}");
    let output = relay(&["--data", &data, "--verify", "--json"])
        .output()
        .unwrap();
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(json["batches"], 0);
}

fn list(data: &str, args: &[&str]) -> String {
    let output = relay(&[&["--data", data, "--list"], args].concat())
        .output()
        .unwrap();
    let words = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(0), "{words}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn list_is_told_beside_a_relay_that_serves_and_after_it() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().display().to_string();
    let (code, said) = run(&["--data", &data, "--list"]);
    assert_eq!(code, 9, "{said}");
    let (mut child, _) = start(folder.path());
    let said = list(&data, &[]);
    assert!(said.starts_with("serving"), "{said}");
    assert!(
        said.contains("last seen") && said.contains("because"),
        "{said}"
    );
    let json: serde_json::Value = serde_json::from_str(&list(&data, &["--json"])).unwrap();
    assert_eq!(json["is_serving"], true);
    assert!(json["communities"].as_array().unwrap().is_empty());
    ask_to_stop(&child);
    child.wait().unwrap();
    let before = std::fs::read(folder.path().join("relay.db")).unwrap();
    let json: serde_json::Value = serde_json::from_str(&list(&data, &["--json"])).unwrap();
    assert_eq!(json["is_serving"], false);
    assert_eq!(json["connections"], serde_json::Value::Null);
    let after = std::fs::read(folder.path().join("relay.db")).unwrap();
    assert_eq!(before, after, "it only looks");
    let (mut child, _) = start(folder.path());
    ask_to_stop(&child);
    assert_eq!(
        child.wait().unwrap().code(),
        Some(0),
        "nothing is in its way"
    );
}

#[test]
fn flags_that_do_not_go_together_are_wrong_usage() {
    let (code, words) = run(&["--data", "x", "--list", "--verify"]);
    assert_eq!(code, 2, "{words}");
    let (code, words) = run(&["--data", "x", "--json"]);
    assert_eq!(code, 2, "{words}");
    assert!(words.contains("--list"), "{words}");
}
