//! The relay as a process of its own, so that its memory and time are its own too.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result};
use sync_core::roster::ticket::RelayAddr;

pub(crate) struct RelayProcess {
    child: Child,
    pub(crate) addr: RelayAddr,
}

impl RelayProcess {
    /// A relay that lets one device do as much as it can.
    pub(crate) fn start(programs: &Path, data: &Path) -> Result<Self> {
        let mut limits = "[limits]\nconnections_per_device_max = 100000\n".to_owned();
        for of in ["frames", "community_frames", "relay_frames", "newcomers"] {
            limits += &format!("{of}_per_second = 100000\n{of}_burst = 100000\n");
        }
        Self::with_limits(programs, data, &limits)
    }

    pub(crate) fn with_limits(programs: &Path, data: &Path, limits: &str) -> Result<Self> {
        fs::create_dir_all(data)?;
        let config = data.join("relay.toml");
        fs::write(&config, limits)?;
        let mut child = Command::new(programs.join("banyan-relay"))
            .arg("--data")
            .arg(data)
            .args(["--listen", "127.0.0.1:0", "--open", "--config"])
            .arg(&config)
            .env("RUST_LOG", "warn")
            .stdout(Stdio::piped())
            .spawn()
            .context("build banyan-relay first: cargo build --release --bin banyan-relay")?;
        let stdout = child.stdout.take().context("the relay's output")?;
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line)?;
        let addr = line
            .strip_prefix("relay ready ")
            .context("the relay did not start")?;
        Ok(Self {
            child,
            addr: addr.trim().parse()?,
        })
    }

    /// Stops as an operator would, so that it writes down what it has counted.
    pub(crate) fn stop(mut self) -> Result<()> {
        let pid = self.child.id().to_string();
        Command::new("kill").args(["-TERM", &pid]).status()?;
        self.child.wait()?;
        Ok(())
    }

    /// Resident memory, in KiB.
    pub(crate) fn rss_kib(&self) -> Result<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status
            .lines()
            .find(|line| line.starts_with("VmRSS:"))
            .context("VmRSS")?;
        Ok(line.split_whitespace().nth(1).context("VmRSS")?.parse()?)
    }

    /// Processor time used so far, in seconds (proc(5): ticks of 10 ms).
    pub(crate) fn cpu_seconds(&self) -> Result<f64> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        let rest = stat.rsplit_once(')').context("stat")?.1;
        let fields: Vec<&str> = rest.split_whitespace().collect();
        let ticks = |at: usize| -> Result<f64> { Ok(fields.get(at).context("stat")?.parse()?) };
        Ok((ticks(11)? + ticks(12)?) / 100.0)
    }
}

impl Drop for RelayProcess {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _reaped = self.child.wait();
    }
}
