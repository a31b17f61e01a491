//! Writes the Kotlin, Swift and Python side of `mobile-ffi` from its built library.

use std::fs;

use anyhow::{Context, Result};
use camino::{Utf8Path, Utf8PathBuf};
use clap::ValueEnum;
use uniffi_bindgen::bindings::{GenerateOptions, TargetLanguage, generate_with_bindgen_paths};
use uniffi_bindgen::{BindgenPaths, BindgenPathsLayer};

/// The crate whose files are written, and where it says the names of packages and modules.
const CRATE: &str = "mobile_ffi";

/// What an app is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Language {
    /// Kotlin on Android.
    Android,
    /// Kotlin on the JVM.
    Kotlin,
    /// iOS.
    Swift,
    /// Tests and computers.
    Python,
}

impl Language {
    /// Where names of packages and modules stand, in the crate's folder.
    fn config(self) -> &'static str {
        match self {
            Self::Android => "uniffi-android.toml",
            Self::Kotlin | Self::Swift | Self::Python => "uniffi.toml",
        }
    }
}

impl From<Language> for TargetLanguage {
    fn from(language: Language) -> Self {
        match language {
            Language::Android | Language::Kotlin => Self::Kotlin,
            Language::Swift => Self::Swift,
            Language::Python => Self::Python,
        }
    }
}

/// Writes the files of one language into a folder, which is made if it is not there.
///
/// `library` is the built `mobile-ffi` with its symbols: a stripped one does not say what it exports.
///
/// # Errors
/// If the library cannot be read or exports nothing, or the folder cannot be written.
pub fn generate(language: Language, library: &Utf8Path, out_dir: &Utf8Path) -> Result<()> {
    fs::metadata(library).with_context(|| format!("{library} is not there: build it first"))?;
    let mut paths = BindgenPaths::default();
    paths.add_layer(ThisWorkspace {
        config: language.config(),
    });
    let options = GenerateOptions {
        languages: vec![language.into()],
        source: library.to_owned(),
        out_dir: out_dir.to_owned(),
        ..GenerateOptions::default()
    };
    generate_with_bindgen_paths(options, paths)
        .with_context(|| format!("{library} could not be described for {language:?}"))
}

/// Finds the crate beside this one, without running cargo inside of cargo.
struct ThisWorkspace {
    config: &'static str,
}

impl BindgenPathsLayer for ThisWorkspace {
    fn get_crate_root(&self, crate_name: &str) -> Option<Utf8PathBuf> {
        let here = Utf8Path::new(env!("CARGO_MANIFEST_DIR"));
        (crate_name == CRATE).then(|| here.parent().unwrap_or(here).to_owned())
    }

    fn get_config_path(&self, crate_name: &str) -> Option<Utf8PathBuf> {
        Some(self.get_crate_root(crate_name)?.join(self.config))
    }
}
