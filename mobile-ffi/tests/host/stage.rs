//! What every language needs to run: the built library, its bindings, a relay, a port that never answers.

use std::env;
use std::fs;
use std::net::{Ipv4Addr, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::Command;

use bindings::Language;
use relay::config::RelayConfig;
use relay::server::RelayServer;
use serde_json::Value;

/// A relay, and a port that takes packets and never answers.
pub(crate) struct Network {
    relay: RelayServer,
    silent: UdpSocket,
}

impl Network {
    pub(crate) async fn start(dir: &Path) -> Self {
        let listen = (Ipv4Addr::LOCALHOST, 0).into();
        let relay = RelayServer::start(RelayConfig::open(&dir.join("relay"), listen));
        Self {
            relay: relay.await.unwrap(),
            silent: UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap(),
        }
    }

    /// How apps write the relay and the port.
    pub(crate) fn addresses(&self) -> [String; 2] {
        let silent = self.silent.local_addr().unwrap();
        [
            self.relay.relay_addr().to_string(),
            format!("{}@{silent}", self.relay.id()),
        ]
    }

    pub(crate) async fn stop(self) {
        self.relay.shut_down().await.unwrap();
    }
}

/// The scenario that apps in every language run.
pub(crate) fn scenario() -> PathBuf {
    here().join("tests/scenario/village.json")
}

/// The names of its steps.
pub(crate) fn steps_of_scenario() -> Vec<String> {
    let text = fs::read_to_string(scenario()).unwrap();
    let json: Value = serde_json::from_str(&text).unwrap();
    let steps = json["steps"].as_array().unwrap().iter();
    steps
        .map(|step| step["name"].as_str().unwrap().to_owned())
        .collect()
}

pub(crate) fn here() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The library that apps load, with its symbols.
pub(crate) fn library() -> PathBuf {
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

pub(crate) fn generate(language: Language, to: &Path) {
    let library = library();
    let (library, to) = (library.as_path().try_into(), to.try_into());
    bindings::generate(language, library.unwrap(), to.unwrap())
        .unwrap_or_else(|error| panic!("{error:?}"));
}

#[track_caller]
pub(crate) fn run(command: &mut Command) -> String {
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
pub(crate) fn fresh(name: &str) -> PathBuf {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    if dir.exists() {
        fs::remove_dir_all(&dir).unwrap();
    }
    fs::create_dir_all(&dir).unwrap();
    dir
}

/// Copies the files of a folder.
pub(crate) fn copy_all(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for file in fs::read_dir(from).unwrap() {
        let file = file.unwrap();
        fs::copy(file.path(), to.join(file.file_name())).unwrap();
    }
}

/// The steps that the program says it has taken.
pub(crate) fn steps_said(said: &str) -> Vec<String> {
    let steps = said.lines().filter_map(|line| line.strip_prefix("holds: "));
    steps.map(str::to_owned).collect()
}
