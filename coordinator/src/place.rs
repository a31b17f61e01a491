//! Where the data lies, and the moment at which something is done.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use sync_core::id::Millis;
use sync_node::Home;

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

/// The folders that hold a community: those that were asked for, each once; in place of one that holds none,
/// the folders in it that do, by name. One in which there is none stays, to say so.
pub(crate) fn communities_in(asked: &[PathBuf]) -> Vec<PathBuf> {
    let mut seen = BTreeSet::new();
    let each = asked.iter().flat_map(|dir| {
        let within = if is_community(dir) {
            Vec::new()
        } else {
            within(dir)
        };
        if within.is_empty() {
            vec![dir.clone()]
        } else {
            within
        }
    });
    // One folder may have several names.
    let named = |dir: &PathBuf| dir.canonicalize().unwrap_or_else(|_| dir.clone());
    each.filter(|dir| seen.insert(named(dir))).collect()
}

fn is_community(dir: &Path) -> bool {
    Home::at(dir).store_path().exists()
}

fn within(dir: &Path) -> Vec<PathBuf> {
    // A folder that cannot be read stays, and says so when it is opened.
    let entries = dir.read_dir().into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> = entries
        .map(|entry| entry.path())
        .filter(|path| is_community(path))
        .collect();
    found.sort();
    found
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folder_with_communities_in_it_stands_for_them_and_none_comes_twice() {
        let temp = tempfile::tempdir().unwrap();
        let folder = |name: &str| {
            let dir = temp.path().join(name);
            std::fs::create_dir_all(&dir).unwrap();
            dir
        };
        let (b, a, empty) = (folder("b"), folder("a"), folder("empty"));
        for dir in [&a, &b] {
            std::fs::write(Home::at(dir).store_path(), "x").unwrap();
        }
        let all = [a.clone(), b.clone()];
        assert_eq!(communities_in(&[temp.path().to_owned()]), all);
        assert_eq!(communities_in(&[b.clone(), temp.path().to_owned()]), [b, a]);
        assert_eq!(communities_in(std::slice::from_ref(&empty)), [empty]);
    }
}
