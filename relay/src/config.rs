//! What an operator may choose: flags and a file; flags win.

use std::collections::BTreeSet;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use clap::Parser;
use serde::Deserialize;
use sync_core::id::{CommunityId, DeviceId};
use sync_core::roster::ticket::RelayAddr;
use thiserror::Error;

use crate::limits::Limits;
use crate::relay::Admission;

/// Everything a relay needs to know to start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RelayConfig {
    /// Folder of its key and its log.
    pub data: PathBuf,
    /// Address that it serves at.
    pub listen: SocketAddr,
    /// Name or address and port at which phones reach it, if that is another.
    pub public: Option<String>,
    /// Which communities it takes.
    pub admission: Admission,
    /// Loopback address of its metrics page.
    pub metrics: Option<SocketAddr>,
    /// Its limits.
    pub limits: Limits,
}

impl RelayConfig {
    /// A relay that takes any community, within the limits that go without saying.
    #[must_use]
    pub fn open(data: &Path, listen: SocketAddr) -> Self {
        Self {
            data: data.to_owned(),
            listen,
            public: None,
            admission: Admission::Open,
            metrics: None,
            limits: Limits::default(),
        }
    }

    /// Whether phones are told an address that means "any" and leads nowhere from outside.
    #[must_use]
    pub fn is_unreachable(&self) -> bool {
        self.public.is_none() && self.listen.ip().is_unspecified()
    }
}

/// A relay carries the sealed batches of communities between their devices. It can read none of them.
#[derive(Debug, Clone, Parser)]
#[command(name = "banyan-relay", version, after_help = EXAMPLES)]
pub struct Flags {
    /// Folder of the relay's key and log; made if it is not there
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Address and UDP port to serve at
    #[arg(long, value_name = "ADDR")]
    pub listen: Option<SocketAddr>,
    /// Name or address, and port, at which phones reach it; needed if --listen is any address (0.0.0.0)
    #[arg(long, value_name = "HOST:PORT")]
    pub public: Option<String>,
    /// Take any community that comes
    #[arg(long)]
    pub open: bool,
    /// Take this community; may be given many times
    #[arg(long, value_name = "COMMUNITY")]
    pub allow: Vec<CommunityId>,
    /// Loopback address to show metrics at, in the OpenMetrics format
    #[arg(long, value_name = "ADDR")]
    pub metrics: Option<SocketAddr>,
    /// Prove every batch in the log again, instead of serving
    #[arg(long)]
    pub verify: bool,
    /// List communities, their sizes, devices when last seen and refusals, while the relay serves or not
    #[arg(long, conflicts_with = "verify")]
    pub list: bool,
    /// With --list or --verify: for scripts
    #[arg(long)]
    pub json: bool,
    /// TOML file with the same settings and limits; flags win over it
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

const EXAMPLES: &str = "\
Examples:
  banyan-relay --data /var/lib/banyan --listen 0.0.0.0:7400 --public relay.example.org:7400 --open
  banyan-relay --data relay --listen 127.0.0.1:7400 --allow <community id> --metrics 127.0.0.1:9400
  banyan-relay --config /etc/banyan/relay.toml
  banyan-relay --data /var/lib/banyan --verify
  banyan-relay --data /var/lib/banyan --list
  banyan-relay --data /var/lib/banyan --list --json

When it serves it prints one line, which phones need: relay ready <relay id>@<address>
Exit codes: 0 stopped as asked, 1 a fault of its own, 2 wrong usage, 3 wrong configuration,
4 data folder in use, 5 address in use, 6 disk full, 7 key or log damaged, 8 log of a newer version,
9 the system refuses the data folder.";

/// The same in a file.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct File {
    data: Option<PathBuf>,
    listen: Option<SocketAddr>,
    public: Option<String>,
    open: bool,
    allow: Vec<String>,
    metrics: Option<SocketAddr>,
    limits: Limits,
}

/// Why the settings cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("the configuration file {} cannot be read: {reason}", path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// What the system said.
        reason: String,
    },
    /// The file is not what it should be.
    #[error("the configuration file {} is wrong: {reason}", path.display())]
    Wrong {
        /// Which.
        path: PathBuf,
        /// What is wrong, and on which line.
        reason: String,
    },
    /// A setting is in neither the flags nor the file.
    #[error("{flag} is missing: give it as a flag, or as \"{key}\" in the file of --config")]
    Missing {
        /// Its flag.
        flag: &'static str,
        /// Its name in the file.
        key: &'static str,
    },
    /// Nothing would be carried.
    #[error("no community would be carried: give --open, or --allow with a community's id")]
    NobodyAllowed,
    /// Phones could not dial it.
    #[error(
        "\"{0}\" is no address that phones can dial: give --public a name or address and a port, such as relay.example.org:7400"
    )]
    Public(String),
    /// Metrics are for this machine alone.
    #[error("metrics are shown on a loopback address only, such as 127.0.0.1:9400, not on {0}")]
    MetricsNotLoopback(SocketAddr),
}

impl Flags {
    /// The data folder, from the flags or the file.
    ///
    /// # Errors
    /// [`ConfigError`] in a sentence that says what to change.
    pub fn data_folder(&self) -> Result<PathBuf, ConfigError> {
        let (file, _) = match &self.config {
            Some(path) => read(path)?,
            None => Default::default(),
        };
        let missing = ConfigError::Missing {
            flag: "--data",
            key: "data",
        };
        self.data.clone().or(file.data).ok_or(missing)
    }

    /// Reads the file, if one is named, and puts the flags over it.
    ///
    /// # Errors
    /// [`ConfigError`] in a sentence that says what to change.
    pub fn into_config(self) -> Result<RelayConfig, ConfigError> {
        let (file, allowed) = match &self.config {
            Some(path) => read(path)?,
            None => Default::default(),
        };
        let missing = |flag, key| ConfigError::Missing { flag, key };
        let data = self
            .data
            .or(file.data)
            .ok_or_else(|| missing("--data", "data"))?;
        let listen = self
            .listen
            .or(file.listen)
            .ok_or_else(|| missing("--listen", "listen"))?;
        let public = self.public.or(file.public).map(check_public).transpose()?;
        let metrics = self.metrics.or(file.metrics);
        if let Some(addr) = metrics.filter(|addr| !addr.ip().is_loopback()) {
            return Err(ConfigError::MetricsNotLoopback(addr));
        }
        let listed: BTreeSet<CommunityId> = self.allow.into_iter().chain(allowed).collect();
        let admission = match (self.open || file.open, listed.is_empty()) {
            (true, _) => Admission::Open,
            (false, false) => Admission::Listed(listed),
            (false, true) => return Err(ConfigError::NobodyAllowed),
        };
        Ok(RelayConfig {
            data,
            listen,
            public,
            admission,
            metrics,
            limits: file.limits,
        })
    }
}

/// What tickets will name must be what tickets take.
fn check_public(public: String) -> Result<String, ConfigError> {
    let is_port = |port: &str| port.parse::<u16>().is_ok_and(|port| port > 0);
    let has_port = public
        .rsplit_once(':')
        .is_some_and(|(_, port)| is_port(port));
    let is_any = public
        .parse()
        .is_ok_and(|addr: SocketAddr| addr.ip().is_unspecified());
    let is_one_word = !public.contains(|c: char| c.is_whitespace() || c == '@');
    let ticket = format!("{}@{public}", DeviceId::ZERO).parse::<RelayAddr>();
    if has_port && !is_any && is_one_word && ticket.is_ok() {
        Ok(public)
    } else {
        Err(ConfigError::Public(public))
    }
}

fn read(path: &Path) -> Result<(File, Vec<CommunityId>), ConfigError> {
    let text = fs::read_to_string(path).map_err(|error| ConfigError::Unreadable {
        path: path.to_owned(),
        reason: error.to_string(),
    })?;
    let wrong = |reason: String| ConfigError::Wrong {
        path: path.to_owned(),
        reason,
    };
    let file: File = toml::from_str(&text).map_err(|error| wrong(error.to_string()))?;
    let allowed = file
        .allow
        .iter()
        .map(|id| {
            id.parse()
                .map_err(|error| wrong(format!("allow = [\"{id}\"]: {error}")))
        })
        .collect::<Result<_, _>>()?;
    Ok((file, allowed))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(flags: &[&str], file: Option<&str>) -> Result<RelayConfig, ConfigError> {
        let folder = tempfile::tempdir().unwrap();
        let mut all = vec!["banyan-relay".to_owned()];
        all.extend(flags.iter().map(|flag| (*flag).to_owned()));
        if let Some(text) = file {
            let path = folder.path().join("relay.toml");
            fs::write(&path, text).unwrap();
            all.push(format!("--config={}", path.display()));
        }
        Flags::try_parse_from(all).unwrap().into_config()
    }

    #[test]
    fn flags_win_over_the_file() {
        let file =
            "data = \"a\"\nlisten = \"127.0.0.1:1\"\nopen = true\n[limits]\nframes_burst = 7";
        let both = config(&["--listen", "127.0.0.1:2"], Some(file)).unwrap();
        assert_eq!(both.listen.port(), 2);
        assert_eq!(both.data, Path::new("a"));
        assert_eq!(both.admission, Admission::Open);
        assert_eq!(both.limits.frames_burst, 7);
        assert_eq!(
            both.limits.connections_max,
            Limits::default().connections_max
        );
    }

    #[test]
    fn unknown_setting_is_named_with_its_line() {
        let file = "open = true\nlisten_on = \"x\"";
        let Err(ConfigError::Wrong { reason, .. }) = config(&[], Some(file)) else {
            panic!()
        };
        assert!(
            reason.contains("listen_on") && reason.contains("line 2"),
            "{reason}"
        );
        let Err(ConfigError::Wrong { reason, .. }) = config(&[], Some("[limits]\nmore = 1")) else {
            panic!()
        };
        assert!(reason.contains("more"), "{reason}");
    }

    #[test]
    fn relay_that_would_carry_nobody_is_refused() {
        let flags = ["--data", "a", "--listen", "127.0.0.1:1"];
        assert_eq!(config(&flags, None), Err(ConfigError::NobodyAllowed));
        let id = CommunityId::new([1; 32]);
        let file = format!("allow = [\"{id}\"]");
        let listed = Admission::Listed(BTreeSet::from([id]));
        assert_eq!(config(&flags, Some(&file)).unwrap().admission, listed);
        assert!(matches!(
            config(&flags, Some("allow = [\"x\"]")),
            Err(ConfigError::Wrong { .. })
        ));
    }

    #[test]
    fn metrics_for_everybody_are_refused() {
        let flags = [
            "--data",
            "a",
            "--listen",
            "127.0.0.1:1",
            "--open",
            "--metrics",
            "0.0.0.0:9",
        ];
        let error = ConfigError::MetricsNotLoopback("0.0.0.0:9".parse().unwrap());
        assert_eq!(config(&flags, None), Err(error));
    }

    #[test]
    fn missing_folder_is_named() {
        let error = ConfigError::Missing {
            flag: "--data",
            key: "data",
        };
        assert_eq!(
            config(&["--listen", "127.0.0.1:1", "--open"], None),
            Err(error)
        );
    }

    #[test]
    fn phones_are_told_an_address_that_they_can_dial() {
        let base = ["--data", "d", "--listen", "0.0.0.0:7400", "--open"];
        assert!(config(&base, None).unwrap().is_unreachable());
        let with = |public| config(&[&base[..], &["--public", public]].concat(), None);
        for public in [
            "relay.example.org:7400",
            "203.0.113.7:7400",
            "[2001:db8::7]:7400",
        ] {
            let config = with(public).unwrap();
            assert_eq!(config.public.as_deref(), Some(public));
            assert!(!config.is_unreachable());
        }
        for public in [
            "relay.example.org",
            "0.0.0.0:7400",
            "[::]:7400",
            "a b:7400",
            ":7400",
            "a:0",
        ] {
            assert_eq!(
                with(public),
                Err(ConfigError::Public(public.to_owned())),
                "{public}"
            );
        }
    }
}
