//! What the system, other programs and other versions refuse: a sentence each, and nothing lost.

use std::net::{Ipv4Addr, SocketAddr};
use std::process::{Command, Stdio};
use std::sync::Arc;

use rand::SeedableRng;
use rand::rngs::ChaCha8Rng;
use sync_core::id::{CommunityId, Incarnation};
use sync_core::keys::{DeviceKeys, Signer};
use sync_core::wire::{Bye, Digest, Frame, Hello, PeerKind, Refusal, Refuse, VERSION_MAX};
use sync_link::{FrameReader, FrameWriter, Incoming, Transport, endpoint, server_config};
use tokio::runtime::Runtime;

use crate::run::{Desk, ran};

const STORE: &str = "community.sqlite";
const VISIT: [&str; 7] = [
    "put",
    "visit",
    "--space",
    "良登村",
    "household=9号门",
    "date=2026-03-04",
    "purpose=health",
];

/// A store that another program writes to is waited for, and then the command says so.
#[test]
fn store_that_another_program_writes_to_is_busy() {
    let desk = Desk::with_village();
    let other = rusqlite::Connection::open(desk.data().join(STORE)).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let said = desk.run(VISIT).fails(8);
    assert!(said.contains(STORE), "{said}");
    assert_eq!(desk.run(["list", "--json"]).ok().out.trim(), "[]");
    drop(other);
    desk.run(VISIT).ok();
}

#[test]
fn store_of_a_newer_version_is_left_alone() {
    let desk = Desk::with_village();
    let path = desk.data().join(STORE);
    let newer = rusqlite::Connection::open(&path).unwrap();
    newer.pragma_update(None, "user_version", 99).unwrap();
    drop(newer);
    let before = std::fs::read(&path).unwrap();
    for command in [VISIT.as_slice(), &["list"], &["sync"]] {
        let said = desk.run(command).fails(9);
        assert!(said.contains("99") && said.contains("update"), "{said}");
    }
    let zh = [["--lang", "zh"].as_slice(), &["list"]].concat();
    assert!(desk.run(zh).fails(9).contains("更新"));
    assert_eq!(std::fs::read(&path).unwrap(), before);
}

/// Whether a test may make namespaces: for disks of its own, and users who own nothing.
#[cfg(target_os = "linux")]
fn has_namespaces() -> bool {
    let tried = Command::new("unshare").args(["-rm", "true"]).output();
    tried.is_ok_and(|output| output.status.success())
}

#[cfg(target_os = "linux")]
#[test]
fn files_that_the_system_withholds_are_named() {
    use std::os::unix::fs::PermissionsExt;
    if !has_namespaces() {
        return;
    }
    let desk = Desk::with_village();
    let store = desk.data().join(STORE);
    let key = desk.data().join("device.key");
    for (path, mode) in [(&store, 0o400), (&store, 0), (&key, 0), (&desk.data(), 0)] {
        let kept = std::fs::metadata(path).unwrap().permissions();
        std::fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
        let mut command = Command::new("unshare");
        command.arg("-U").arg(env!("CARGO_BIN_EXE_banyan"));
        let output = command.arg("--data").arg(desk.data()).arg("list").output();
        std::fs::set_permissions(path, kept).unwrap();
        let said = ran(&output.unwrap()).fails(20);
        assert!(said.contains(path.to_str().unwrap()), "{said}");
    }
    desk.run(VISIT).ok();
}

/// A disk of 700 KiB: a community, a file that takes all that is left, and what banyan says then.
#[cfg(target_os = "linux")]
#[test]
fn full_disk_refuses_the_edit_and_keeps_what_was_there() {
    if !has_namespaces() {
        return;
    }
    let script = r#"
        mount -t tmpfs -o size=700k none "$DISK" || exit 99
        banyan() { "$BANYAN" --data "$DISK/data" "$@"; }
        put() { banyan put visit --space V household=$1 date=2026-03-04 purpose=health; }
        banyan found --name A --as B >/dev/null; banyan space add V >/dev/null
        put before >/dev/null; echo "put $?"
        dd if=/dev/zero of="$DISK/filler" bs=1k count=2000 2>/dev/null
        n=0; while put more >/dev/null 2>"$DISK.said" && [ $n -lt 200 ]; do n=$((n+1)); done
        put more >/dev/null 2>"$DISK.said"; echo "full $?"; cat "$DISK.said"
        banyan edit zzzz household=x >/dev/null 2>&1; echo "edit $?"
        rm "$DISK/filler"
        banyan list --json | grep -c '"record"' | sed "s/^/rows /"; echo "expected $((n+1))"
        put after >/dev/null; echo "after $?"
    "#;
    let desk = Desk::new();
    let disk = desk.path("disk");
    std::fs::create_dir(&disk).unwrap();
    let mut command = Command::new("unshare");
    command.args(["-rm", "sh", "-c", script]).env("DISK", &disk);
    command.env("BANYAN", env!("CARGO_BIN_EXE_banyan"));
    command.env("LANG", "en");
    let done = ran(&command.output().unwrap());
    let line = |start: &str| {
        let found = done.out.lines().find_map(|line| line.strip_prefix(start));
        found.unwrap_or_else(|| panic!("{done:?}")).to_owned()
    };
    assert_eq!(line("put "), "0", "{done:?}");
    assert_eq!(line("full "), "7", "{done:?}");
    assert!(done.out.contains("The disk is full"), "{done:?}");
    assert_eq!(line("rows "), line("expected "), "{done:?}");
    assert_eq!(line("after "), "0", "{done:?}");
    assert!(!done.err.contains("panicked"), "{done:?}");
}

/// A file may grow no further: what a quota does, and what systems without namespaces can do.
#[cfg(unix)]
#[test]
fn limit_on_the_size_of_files_refuses_the_edit_and_keeps_what_was_there() {
    let desk = Desk::with_village();
    desk.put_visit("3号门");
    let before = desk.run(["list", "--json"]).ok().out;
    let script = r#"trap '' XFSZ; ulimit -f 8; exec "$@""#;
    let mut command = Command::new("sh");
    command.args(["-c", script, "sh", env!("CARGO_BIN_EXE_banyan"), "--data"]);
    let output = command.arg(desk.data()).args(VISIT).output().unwrap();
    let said = ran(&output).fails(7);
    assert!(said.contains("disk is full"), "{said}");
    assert_eq!(desk.run(["list", "--json"]).ok().out, before);
    desk.run(VISIT).ok();
}

/// What something that is not quite a relay answers to the first frame.
fn stranger(answer: Vec<u8>) -> (String, std::thread::JoinHandle<()>) {
    let keys = Arc::new(DeviceKeys::generate(&mut ChaCha8Rng::seed_from_u64(5)));
    let runtime = Runtime::new().unwrap();
    let config = server_config(Arc::clone(&keys) as Arc<dyn Signer>, &Transport::relay()).unwrap();
    let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let server = {
        let _inside = runtime.enter();
        endpoint(Some(listen), Some(config)).unwrap()
    };
    let text = format!("{}@{}", keys.device(), server.local_addr().unwrap());
    let serving = std::thread::spawn(move || {
        runtime.block_on(async move {
            let connection = server.accept().await.unwrap().await.unwrap();
            let (send, recv) = connection.accept_bi().await.unwrap();
            let mut reader = FrameReader::new(recv);
            let hello = reader.read().await.unwrap().unwrap();
            assert!(matches!(hello, Incoming::Frame(Frame::Hello(_))));
            let mut writer = FrameWriter::new(send);
            writer.get_mut().write_all(&answer).await.unwrap();
            // Until the other side has had enough.
            while let Ok(Some(_)) = reader.read().await {}
            let _unheard = writer.write(&Frame::Bye(Bye {})).await;
            let _unheard = writer.finish().await;
            connection.closed().await;
        });
    });
    (text, serving)
}

fn hello(version_min: u16, version_max: u16) -> Vec<u8> {
    Frame::Hello(Hello {
        blobs: None,
        store: None,
        receipts: None,
        tip: None,
        read: None,
        version_min,
        version_max,
        community: CommunityId::ZERO,
        kind: PeerKind::Relay,
        nonce: [0; 8].into(),
        digest: Digest([0; 16]),
        incarnation: Incarnation::ZERO,
        join: None,
        lanes: None,
    })
    .encode()
}

fn refuse(refusal: Refusal) -> Vec<u8> {
    let code = refusal.code();
    Frame::Refuse(Refuse { code, batch: None }).encode()
}

#[track_caller]
fn sync_with(answer: Vec<u8>, code: i32) -> String {
    let desk = Desk::with_village();
    let (relay, serving) = stranger(answer);
    let said = desk.run(["sync", "--relay", &relay]).fails(code);
    serving.join().unwrap();
    assert!(desk.run(["sync"]).fails(10).contains("no relay"));
    desk.run(VISIT).ok();
    said
}

#[test]
fn relay_of_a_newer_protocol_says_which_side_to_update() {
    let newer = VERSION_MAX + 1;
    let said = sync_with(hello(newer, newer + 1), 13);
    assert!(said.contains("update Banyan on this device"), "{said}");
    let said = sync_with(refuse(Refusal::VersionTooNew), 13);
    assert!(said.contains("update Banyan on this device"), "{said}");
}

#[test]
fn relay_of_an_older_protocol_says_which_side_to_update() {
    let said = sync_with(hello(0, 0), 13);
    assert!(said.contains("it has to be updated"), "{said}");
    let said = sync_with(refuse(Refusal::VersionTooOld), 13);
    assert!(said.contains("it has to be updated"), "{said}");
}

#[test]
fn relay_that_talks_nonsense_is_refused_in_a_sentence() {
    for nonsense in [vec![0xff; 64], vec![5, 1, 0xff, 0xff, 0xff, 0xff], vec![0]] {
        let said = sync_with(nonsense.clone(), 12);
        assert!(said.len() > 40, "{nonsense:?}: {said}");
    }
    // A length that is never filled is a connection that ends too early.
    assert!(!sync_with(hello(VERSION_MAX, VERSION_MAX), 12).is_empty());
}

#[test]
fn full_standard_output_is_said() {
    let desk = Desk::with_village();
    let Ok(full) = std::fs::OpenOptions::new().write(true).open("/dev/full") else {
        return;
    };
    let mut command = crate::run::command(&desk.data());
    let output = command.arg("status").stdout(Stdio::from(full)).output();
    ran(&output.unwrap()).fails(7);
}
