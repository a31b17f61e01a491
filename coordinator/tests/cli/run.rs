//! A person at a keyboard: one data folder, and commands run in it.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

/// What a command printed and how it ended.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ran {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The value, after checking that the command succeeded.
    #[track_caller]
    pub(crate) fn ok(self) -> Self {
        assert_eq!(self.code, 0, "{self:?}");
        self
    }

    /// The sentence, after checking that the command failed with this code.
    #[track_caller]
    pub(crate) fn fails(self, code: i32) -> String {
        assert_eq!(self.code, code, "{self:?}");
        assert!(!self.err.contains("panicked"), "{self:?}");
        self.err
    }
}

/// One data folder in a temporary place.
#[derive(Debug)]
pub(crate) struct Desk {
    temp: TempDir,
}

impl Desk {
    pub(crate) fn new() -> Self {
        Self {
            temp: tempfile::tempdir().unwrap(),
        }
    }

    /// A desk with a community that has one village.
    pub(crate) fn with_village() -> Self {
        let desk = Self::new();
        desk.run(["found", "--name", "丹灶", "--as", "李芳"]).ok();
        desk.run(["space", "add", "良登村"]).ok();
        desk
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.temp.path().join("data")
    }

    /// Writes a file beside the data folder.
    pub(crate) fn file(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.temp.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.temp.path().join(name)
    }

    pub(crate) fn run<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Ran {
        ran(&command(&self.data()).args(args).output().unwrap())
    }

    /// A visit; returns its id.
    pub(crate) fn put_visit(&self, household: &str) -> String {
        let household = format!("household={household}");
        let args = [
            "put",
            "visit",
            "--space",
            "良登村",
            &household,
            "date=2026-03-04",
            "purpose=health",
        ];
        self.run(args).ok().out.trim().to_owned()
    }

    /// A need called 路灯; returns its id.
    pub(crate) fn put_need(&self) -> String {
        let args = [
            "put",
            "need",
            "--space",
            "良登村",
            "title=路灯",
            "category=roads",
            "urgency=high",
        ];
        self.run(args).ok().out.trim().to_owned()
    }
}

/// What a record has in a field, as `show` tells it; null for what it does not have.
pub(crate) fn value(desk: &Desk, record: &str, field: &str) -> Value {
    let shown = desk.run(["--json", "show", record]).ok().json();
    let fields = shown["fields"].as_array().unwrap().iter();
    let mut named = fields.filter(|it| it["name"] == field);
    named.next().map_or(Value::Null, |it| it["value"].clone())
}

/// `banyan` with a data folder, in English, untouched by the settings of this computer.
pub(crate) fn command(data: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_banyan"));
    command
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("TZ", "Asia/Shanghai")
        .arg("--data")
        .arg(data);
    command
}

pub(crate) fn ran(output: &Output) -> Ran {
    Ran {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8(output.stdout.clone()).unwrap(),
        err: String::from_utf8(output.stderr.clone()).unwrap(),
    }
}
