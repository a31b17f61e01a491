//! Where the data lies, and the moment at which something is done.

use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use sync_core::id::Millis;

use crate::exit::Exit;
use crate::failure::Failure;

const DATA_VARIABLE: &str = "BANYAN_DATA";
const FOLDER: &str = "banyan";

/// The data folder: what was asked for, else `BANYAN_DATA`, else the system's place for such data.
pub(crate) fn data_dir(asked: Option<PathBuf>) -> Result<PathBuf, Failure> {
    let variable = |name: &str| {
        let value = std::env::var_os(name).filter(|value| !value.is_empty());
        value.map(PathBuf::from)
    };
    let of_system = || {
        if cfg!(windows) {
            return variable("APPDATA").map(|dir| dir.join(FOLDER));
        }
        let shared = variable("XDG_DATA_HOME").filter(|dir| dir.is_absolute());
        shared
            .or_else(|| variable("HOME").map(|home| home.join(".local/share")))
            .map(|dir| dir.join(FOLDER))
    };
    asked
        .or_else(|| variable(DATA_VARIABLE))
        .or_else(of_system)
        .ok_or_else(|| Failure::new(Exit::Usage, "err.usage.no_data_dir"))
}

/// What the system calls the person at the keyboard.
pub(crate) fn user_name() -> Option<String> {
    ["USER", "LOGNAME", "USERNAME"].iter().find_map(|name| {
        std::env::var(name)
            .ok()
            .filter(|name| !name.trim().is_empty())
    })
}

/// The clock of this computer.
pub(crate) fn now() -> Millis {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    Millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
