//! How this device shows things: language, size of letters, light or dark. A small file beside the store.

use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sync_core::schema::Lang;

use crate::durable;
use crate::failure::Failure;

const FILE: &str = "looks.json";

/// What a person chose.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Prefs {
    /// `zh` or `en`.
    pub(super) lang: String,
    /// `auto`, `light` or `dark`.
    pub(super) theme: String,
    /// `normal` or `large`.
    pub(super) text: String,
}

impl Default for Prefs {
    fn default() -> Self {
        Self {
            lang: String::new(),
            theme: "auto".to_owned(),
            text: "normal".to_owned(),
        }
    }
}

impl Prefs {
    /// The language; the program's own if none was chosen.
    pub(super) fn lang(&self, own: Lang) -> Lang {
        match self.lang.as_str() {
            "zh" => Lang::Zh,
            "en" => Lang::En,
            _ => own,
        }
    }
}

/// Where the choices are kept.
#[derive(Debug, Clone)]
pub(super) struct PrefsFile(PathBuf);

impl PrefsFile {
    pub(super) fn in_folder(dir: &Path) -> Self {
        Self(dir.join(FILE))
    }

    /// What was chosen. A file that cannot be read counts as none: only looks hang on it.
    pub(super) fn read(&self) -> Prefs {
        let text = fs::read_to_string(&self.0).unwrap_or_default();
        serde_json::from_str(&text).unwrap_or_default()
    }

    /// Keeps a choice, whole or not at all.
    pub(super) fn write(&self, prefs: &Prefs) -> Result<(), Failure> {
        let json = serde_json::to_vec_pretty(prefs).expect("plain texts are written as JSON");
        durable::write(&self.0, &json, true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn choices_come_back_and_a_broken_file_counts_as_none() {
        let dir = tempfile::tempdir().unwrap();
        let file = PrefsFile::in_folder(dir.path());
        assert_eq!(file.read(), Prefs::default());
        let chosen = Prefs {
            lang: "en".to_owned(),
            ..Prefs::default()
        };
        file.write(&chosen).unwrap();
        assert_eq!(file.read(), chosen);
        fs::write(dir.path().join(FILE), "{").unwrap();
        assert_eq!(file.read(), Prefs::default());
    }
}
