//! The boundary as an app meets it: generated bindings, the built library, a real relay.

#![expect(clippy::unwrap_used, reason = "a test that cannot set its scene fails")]

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::net::{Ipv4Addr, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use relay::config::RelayConfig;
use relay::limits::Limits;
use relay::relay::Admission;
use relay::server::RelayServer;

/// Where cargo puts what it builds with the profile of this test.
struct Built {
    dir: PathBuf,
}

impl Built {
    /// Builds the library and the generator, each by itself: together they would share features, and
    /// the library would carry the generator.
    fn new() -> Self {
        let test = env::current_exe().unwrap();
        let dir = test
            .ancestors()
            .nth(2)
            .expect("tests lie in <target>/<profile>/deps");
        let profile = match dir.file_name().and_then(OsStr::to_str) {
            Some("debug") | None => "dev",
            Some(profile) => profile,
        };
        let target = dir
            .parent()
            .expect("the profile's folder lies in the target folder");
        for package in ["mobile-ffi", "uniffi-bindgen"] {
            run(Command::new(env!("CARGO"))
                .current_dir(env!("CARGO_MANIFEST_DIR"))
                .args([
                    "build",
                    "--quiet",
                    "-p",
                    package,
                    "--profile",
                    profile,
                    "--target-dir",
                ])
                .arg(target));
        }
        Self {
            dir: dir.to_owned(),
        }
    }

    fn library(&self) -> PathBuf {
        let name = format!(
            "{}mobile_ffi{}",
            env::consts::DLL_PREFIX,
            env::consts::DLL_SUFFIX
        );
        self.dir.join(name)
    }

    fn generate(&self, language: &str, to: &Path) {
        let generator = format!("uniffi-bindgen{}", env::consts::EXE_SUFFIX);
        run(Command::new(self.dir.join(generator))
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .args([
                "generate",
                "--no-format",
                "--metadata-no-deps",
                "--language",
                language,
            ])
            .arg("--out-dir")
            .arg(to)
            .arg(self.library()));
    }
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
async fn two_people_write_sync_and_see_conflicts_and_errors_from_python() {
    let python = Command::new("python3")
        .arg("--version")
        .stdout(Stdio::null())
        .status();
    assert!(
        python.is_ok_and(|status| status.success()),
        "this test runs a Python program: install python3, then run it again"
    );
    let dir = fresh("python");
    let built = tokio::task::spawn_blocking(Built::new).await.unwrap();
    built.generate("python", &dir);
    let library = built.library();
    fs::copy(&library, dir.join(library.file_name().unwrap())).unwrap();

    let relay = RelayServer::start(RelayConfig {
        data: dir.join("relay"),
        listen: (Ipv4Addr::LOCALHOST, 0).into(),
        admission: Admission::Open,
        metrics: None,
        limits: Limits::default(),
    })
    .await
    .unwrap();
    // A port that takes packets and never answers.
    let silent = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let dead = format!("{}@{}", relay.id(), silent.local_addr().unwrap());
    let mut program = Command::new("python3");
    program
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bindings/test_community.py"))
        .args([relay.relay_addr().to_string(), dead])
        .arg(dir.join("data"))
        .env("PYTHONPATH", &dir)
        .env("PYTHONUTF8", "1")
        .env("PYTHONDONTWRITEBYTECODE", "1");
    let said = tokio::task::spawn_blocking(move || run(&mut program))
        .await
        .unwrap();
    println!("{said}");
    assert!(said.contains("everything holds"), "{said}");
    relay.shut_down().await.unwrap();
}

#[test]
fn kotlin_and_swift_have_the_names_that_apps_import() {
    let dir = fresh("names");
    let built = Built::new();
    built.generate("kotlin", &dir);
    built.generate("swift", &dir);
    let kotlin = fs::read_to_string(dir.join("org/banyan/banyan.kt")).unwrap();
    assert!(kotlin.contains("package org.banyan"));
    assert!(
        kotlin.contains("fun `shutdown`()"),
        "Kotlin keeps close() for itself"
    );
    assert!(!kotlin.contains("fun `close`()"));
    assert!(kotlin.contains("val `title`"), "records are immutable");
    let swift = fs::read_to_string(dir.join("Banyan.swift")).unwrap();
    assert!(swift.contains("public let title"), "records are immutable");
    assert!(swift.contains("func close()throws") || swift.contains("func close() throws"));
}
