//! The boundary as an app meets it: generated bindings, the built library, a real relay.
//!
//! Cargo builds the library of the package under test before its tests and puts it beside them, so
//! nothing is built here: what is loaded is what was compiled for this run.

#![expect(clippy::unwrap_used, reason = "a test that cannot set its scene fails")]

use std::env;
use std::fs;
use std::net::{Ipv4Addr, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use bindings::Language;
use relay::config::RelayConfig;
use relay::server::RelayServer;

/// The library that apps load, with its symbols.
fn library() -> PathBuf {
    let name = format!(
        "{}mobile_ffi{}",
        env::consts::DLL_PREFIX,
        env::consts::DLL_SUFFIX
    );
    let library = env::current_exe().unwrap().with_file_name(name);
    assert!(
        library.is_file(),
        "cargo puts the library beside its tests, but there is no {}",
        library.display()
    );
    library
}

fn generate(language: Language, to: &Path) {
    let library = library();
    let (library, to) = (library.as_path().try_into(), to.try_into());
    bindings::generate(language, library.unwrap(), to.unwrap())
        .unwrap_or_else(|error| panic!("{error:?}"));
}

#[track_caller]
fn run(command: &mut Command) -> String {
    let output = command
        .output()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let text =
        [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned());
    let [out, err] = &text;
    assert!(
        output.status.success(),
        "{command:?} ended with {}\n{out}\n{err}",
        output.status
    );
    text.concat()
}

/// An empty folder under the one that cargo keeps for tests.
fn fresh(name: &str) -> PathBuf {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    if dir.exists() {
        fs::remove_dir_all(&dir).unwrap();
    }
    fs::create_dir_all(&dir).unwrap();
    dir
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_phones_and_a_relay_hold_what_the_python_app_expects() {
    let python = Command::new("python3")
        .arg("--version")
        .stdout(Stdio::null())
        .status();
    assert!(
        python.is_ok_and(|status| status.success()),
        "this test runs a Python program: install python3, then run it again"
    );
    let dir = fresh("python");
    generate(Language::Python, &dir);
    let library = library();
    fs::copy(&library, dir.join(library.file_name().unwrap())).unwrap();

    let relay = RelayServer::start(RelayConfig::open(
        &dir.join("relay"),
        (Ipv4Addr::LOCALHOST, 0).into(),
    ))
    .await
    .unwrap();
    // A port that takes packets and never answers.
    let silent = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let silent = format!("{}@{}", relay.id(), silent.local_addr().unwrap());
    let scenario = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bindings/test_community.py");
    let mut program = Command::new("python3");
    program
        .arg(&scenario)
        .args([relay.relay_addr().to_string(), silent])
        .arg(dir.join("data"))
        .env("PYTHONPATH", &dir)
        .env("PYTHONUTF8", "1")
        .env("PYTHONDONTWRITEBYTECODE", "1");
    let said = tokio::task::block_in_place(|| run(&mut program));
    relay.shut_down().await.unwrap();
    assert_eq!(steps_said(&said), steps_of(&scenario), "{said}");
}

/// The steps that the program says it has taken.
fn steps_said(said: &str) -> Vec<String> {
    let steps = said.lines().filter_map(|line| line.strip_prefix("holds: "));
    steps.map(str::to_owned).collect()
}

/// The steps that the program has, which is every coroutine but the one that takes them: one that is
/// not taken is missed.
fn steps_of(scenario: &Path) -> Vec<String> {
    let source = fs::read_to_string(scenario).unwrap();
    let coroutines = source
        .lines()
        .filter_map(|line| line.strip_prefix("async def ")?.split('(').next());
    coroutines
        .filter(|name| *name != "main")
        .map(|name| name.trim_start_matches("step_").to_owned())
        .collect()
}

#[test]
fn kotlin_and_swift_have_the_names_that_apps_import() {
    let dir = fresh("names");
    generate(Language::Kotlin, &dir);
    generate(Language::Swift, &dir);
    let kotlin = fs::read_to_string(dir.join("org/banyan/banyan.kt")).unwrap();
    assert!(kotlin.contains("package org.banyan"));
    assert!(
        kotlin.contains("fun `shutdown`()"),
        "Kotlin keeps close() for itself"
    );
    assert!(!kotlin.contains("fun `close`()"));
    assert!(kotlin.contains("val `title`"), "records are immutable");
    assert!(!kotlin.contains("var `title`"), "records are immutable");
    let swift = fs::read_to_string(dir.join("Banyan.swift")).unwrap();
    assert!(swift.contains("public let title"), "records are immutable");
    insta::assert_snapshot!("api", signatures(&swift));
}

/// What Swift apps see, in the order of the file and without its comments; fields as the arguments
/// that make a record. A change of it is a change for every app.
fn signatures(swift: &str) -> String {
    const BEGINS: &str = "public protocol CommunityProtocol";
    const ENDS: &str = "private enum InitializationResult";
    const OF_APPS: [&str; 7] = [
        "public protocol ",
        "public struct ",
        "public enum ",
        "enum ",
        "public static func ",
        "    case ",
        "    func ",
    ];
    let of_apps = |line: &&str| {
        let is_argument = line.trim_start().starts_with("*/");
        let is_of_apps = OF_APPS.iter().any(|start| line.starts_with(start));
        (is_argument && !line.ends_with("*/"))
            || (is_of_apps && !line.contains("FfiConverter") && !line.starts_with("    case ."))
    };
    let (_, from) = swift.split_once(BEGINS).unwrap();
    let (of_ours, _) = from.split_once(ENDS).unwrap();
    let lines = of_ours.lines().filter(of_apps).map(|line| {
        let line = line.trim_end_matches(['{', ' ', ',']);
        line.replace("     */", "    ")
    });
    let mut signatures = format!("{BEGINS}\n");
    for line in lines {
        signatures.push_str(&line);
        signatures.push('\n');
    }
    signatures
}
