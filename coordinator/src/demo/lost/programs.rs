//! The two programs as processes: the relay, and `banyan` in somebody's data folder.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;
use sync_core::schema::Lang;

use crate::exit::Exit;
use crate::failure::Failure;

/// Where the programs are.
#[derive(Debug)]
pub(super) struct Programs {
    banyan: PathBuf,
    relay: PathBuf,
    lang: &'static str,
}

impl Programs {
    /// This program, and the relay's beside it.
    pub(super) fn beside_this(lang: Lang) -> Result<Self, Failure> {
        let banyan = std::env::current_exe().map_err(Failure::internal)?;
        let relay = banyan.with_file_name(format!("banyan-relay{}", std::env::consts::EXE_SUFFIX));
        if !relay.is_file() {
            let missing = Failure::new(Exit::BadFile, "demo.lost.no_relay");
            return Err(missing.with("program", relay.display()));
        }
        let lang = match lang {
            Lang::Zh => "zh",
            Lang::En => "en",
        };
        Ok(Self {
            banyan,
            relay,
            lang,
        })
    }

    /// Starts the relay, and waits until it says where it is.
    pub(super) fn start_relay(&self, dir: &Path) -> Result<RelayProcess, Failure> {
        let failed = |reason: String| {
            let failed = Failure::new(Exit::System, "demo.lost.relay_failed");
            failed
                .with("program", self.relay.display())
                .with("reason", reason)
        };
        let log = dir.join("relay.log");
        let log = File::create(&log).map_err(|error| Failure::io(&log, &error))?;
        let mut child = Command::new(&self.relay)
            .arg("--data")
            .arg(dir.join("relay"))
            .args(["--listen", "127.0.0.1:0", "--open"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .map_err(|error| failed(error.to_string()))?;
        let stdout = child.stdout.take();
        let mut relay = RelayProcess {
            child,
            addr: String::new(),
        };
        let mut line = String::new();
        if let Some(stdout) = stdout {
            let read = BufReader::new(stdout).read_line(&mut line);
            read.map_err(|error| failed(error.to_string()))?;
        }
        let addr = line.strip_prefix("relay ready ").map(str::trim);
        let addr = addr.ok_or_else(|| failed(line.trim().to_owned()))?;
        addr.clone_into(&mut relay.addr);
        Ok(relay)
    }

    fn command(&self, home: &Path, args: &[&str]) -> Command {
        let mut command = Command::new(&self.banyan);
        command
            .arg("--data")
            .arg(home)
            .args(["--lang", self.lang])
            .args(args)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }
}

/// A relay that ends with this.
#[derive(Debug)]
pub(super) struct RelayProcess {
    child: Child,
    pub(super) addr: String,
}

impl Drop for RelayProcess {
    fn drop(&mut self) {
        // Its log is durable at every moment; one that has ended already is all the better.
        let _gone = self.child.kill();
        let _reaped = self.child.wait();
    }
}

/// Somebody with a data folder.
#[derive(Debug, Clone)]
pub(super) struct Person {
    pub(super) name: String,
    pub(super) home: PathBuf,
}

/// What a command printed, and how it ended.
#[derive(Debug)]
pub(super) struct Ran {
    pub(super) code: i32,
    pub(super) out: String,
    pub(super) err: String,
    command: String,
}

/// A command on its way.
#[derive(Debug)]
pub(super) struct Running {
    child: Child,
    command: String,
}

impl Person {
    pub(super) fn new(dir: &Path, folder: &str, name: String) -> Self {
        Self {
            name,
            home: dir.join(folder),
        }
    }

    /// The bytes of this person's key file.
    pub(super) fn key_file(&self) -> Result<Vec<u8>, Failure> {
        let path = self.home.join("device.key");
        std::fs::read(&path).map_err(|error| Failure::io(&path, &error))
    }

    /// Begins a command in this person's folder.
    pub(super) fn begin(&self, programs: &Programs, args: &[&str]) -> Result<Running, Failure> {
        let command = format!("banyan {}", args.join(" "));
        let child = programs.command(&self.home, args).spawn();
        let child = child.map_err(|error| step_failed(&command, error))?;
        Ok(Running { child, command })
    }

    /// Runs a command that may end in any way.
    pub(super) fn run(&self, programs: &Programs, args: &[&str]) -> Result<Ran, Failure> {
        self.begin(programs, args)?.end()
    }

    /// Runs a command that must do what it is asked; gives what it printed.
    pub(super) fn does(&self, programs: &Programs, args: &[&str]) -> Result<String, Failure> {
        Ok(self.run(programs, args)?.done()?.out)
    }

    /// The same with `--json`.
    pub(super) fn json(&self, programs: &Programs, args: &[&str]) -> Result<Value, Failure> {
        let ran = self.run(programs, &[&["--json"], args].concat())?.done()?;
        serde_json::from_str(&ran.out).map_err(|error| step_failed(&ran.command, error))
    }
}

impl Running {
    /// Waits until it has ended.
    pub(super) fn end(self) -> Result<Ran, Failure> {
        let Self { child, command } = self;
        let output = child.wait_with_output();
        let output: Output = output.map_err(|error| step_failed(&command, error))?;
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).trim_end().to_owned();
        Ok(Ran {
            code: output.status.code().unwrap_or(-1),
            out: text(output.stdout),
            err: text(output.stderr),
            command,
        })
    }
}

impl Ran {
    /// Itself, if the command did what it was asked.
    pub(super) fn done(self) -> Result<Self, Failure> {
        match self.code {
            0 => Ok(self),
            _ => Err(step_failed(&self.command, &self.err)),
        }
    }
}

fn step_failed(command: &str, reason: impl ToString) -> Failure {
    Failure::new(Exit::Internal, "demo.lost.step_failed")
        .with("command", command)
        .with("reason", reason)
}

/// What stands at a path of what a program printed; null if there is nothing.
pub(super) fn at<'v>(printed: &'v Value, path: &str) -> &'v Value {
    static NOTHING: Value = Value::Null;
    printed.pointer(path).unwrap_or(&NOTHING)
}
