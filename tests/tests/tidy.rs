//! What must hold of the repository itself.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const FILE_LINES_MAX: usize = 800;
const FILE_BYTES_MAX: u64 = 1024 * 1024;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap()
        .to_owned()
}

/// Every file of the project, without what is built or fetched.
fn files() -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![root()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            let fetched_or_built = ["target", ".git", "__pycache__", "node_modules"];
            if fetched_or_built.contains(&name.as_str()) {
                continue;
            }
            if path.is_dir() {
                folders.push(path)
            } else {
                found.push(path)
            }
        }
    }
    found.sort();
    assert!(found.len() > 100, "the project's files were not found");
    found
}

fn sources() -> impl Iterator<Item = (PathBuf, String)> {
    files()
        .into_iter()
        .filter(|path| path.extension().is_some_and(|ending| ending == "rs"))
        .map(|path| (path.clone(), fs::read_to_string(path).unwrap()))
}

#[test]
fn no_source_file_is_too_long() {
    for (path, text) in sources() {
        assert!(
            text.lines().count() <= FILE_LINES_MAX,
            "{} is too long",
            path.display()
        );
    }
}

#[test]
fn no_module_is_named_mod_rs() {
    for (path, _) in sources() {
        assert_ne!(path.file_name().unwrap(), "mod.rs", "{}", path.display());
    }
}

/// Whether Cargo builds a file by itself.
fn is_root(path: &Path) -> bool {
    let folder = path.parent().unwrap();
    let of_package = |name: &str| {
        let manifest = folder.parent().unwrap().join("Cargo.toml");
        let manifest = fs::read_to_string(manifest).unwrap_or_default();
        folder.ends_with(name) && !manifest.contains("autotests = false")
    };
    let name = path.file_name().unwrap().to_string_lossy();
    ["lib.rs", "main.rs", "build.rs", "runner.rs"].contains(&&*name)
        || ["bin", "benches", "examples", "fuzz_targets"]
            .iter()
            .any(|kind| folder.ends_with(kind))
        || of_package("tests")
}

#[test]
fn every_source_file_is_compiled() {
    for (path, _) in sources().filter(|(path, _)| !is_root(path)) {
        let folder = path.parent().unwrap();
        let stem = path.file_stem().unwrap().to_string_lossy();
        let beside = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().path());
        let mut may_name_it = beside.chain([folder.with_extension("rs")]);
        let named = format!("mod {stem};");
        let is_named = may_name_it.any(|file| {
            let is_source = file.extension().is_some_and(|ending| ending == "rs");
            is_source && fs::read_to_string(&file).is_ok_and(|text| text.contains(&named))
        });
        assert!(is_named, "nothing says \"{named}\" of {}", path.display());
    }
}

#[test]
fn nothing_is_left_undone() {
    let words = [
        "TO".to_owned() + "DO",
        "FIX".to_owned() + "ME",
        "unimpl".to_owned() + "emented!(",
    ];
    for (path, text) in sources() {
        for word in &words {
            assert!(
                !text.contains(word.as_str()),
                "{} has {word}",
                path.display()
            );
        }
        assert!(
            !text.contains(&("#[ign".to_owned() + "ore]")),
            "{} skips a test without saying why",
            path.display()
        );
    }
}

#[test]
fn every_file_is_small() {
    for path in files() {
        let bytes = fs::metadata(&path).unwrap().len();
        assert!(
            bytes <= FILE_BYTES_MAX,
            "{} has {bytes} bytes",
            path.display()
        );
    }
}

#[test]
fn every_crate_keeps_the_lints() {
    for path in files()
        .into_iter()
        .filter(|path| path.ends_with("Cargo.toml"))
    {
        let text = fs::read_to_string(&path).unwrap();
        assert!(
            text.contains("[workspace.lints.rust]") || text.contains("[lints]\nworkspace = true"),
            "{} has no lints",
            path.display()
        );
    }
}

#[test]
fn relay_cannot_decode_documents() {
    let tree = Command::new(env!("CARGO"))
        .args([
            "tree",
            "--offline",
            "-p",
            "relay",
            "-e",
            "normal",
            "--prefix",
            "none",
        ])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(
        tree.status.success(),
        "{}",
        String::from_utf8_lossy(&tree.stderr)
    );
    let tree = String::from_utf8(tree.stdout).unwrap();
    assert!(tree.contains("sync-core"), "the tree is not the relay's");
    for banned in ["automerge", "zstd"] {
        assert!(!tree.contains(banned), "the relay depends on {banned}");
    }
}

#[test]
fn core_is_held_to_purity() {
    let rules = fs::read_to_string(root().join("sync-core/clippy.toml")).unwrap();
    for banned in [
        "Instant::now",
        "SystemTime::now",
        "thread::spawn",
        "fs::File::open",
    ] {
        assert!(
            rules.contains(banned),
            "sync-core/clippy.toml lets {banned} through"
        );
    }
    let tree = Command::new(env!("CARGO"))
        .args([
            "tree",
            "--offline",
            "-p",
            "sync-core",
            "-e",
            "normal",
            "--prefix",
            "none",
        ])
        .current_dir(root())
        .output()
        .unwrap();
    let tree = String::from_utf8(tree.stdout).unwrap();
    for banned in ["tokio v", "quinn v", "mio v"] {
        assert!(
            !tree.lines().any(|line| line.starts_with(banned)),
            "the core depends on {banned}"
        );
    }
}

/// The words of a text that stand between backticks.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

#[test]
fn every_test_that_the_threat_model_names_is_there() {
    let text = fs::read_to_string(root().join("docs/threat-model.md")).unwrap();
    let is_word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    let names: Vec<&str> = quoted(&text)
        .filter(|word| word.chars().all(is_word) && word.matches('_').count() >= 2)
        .collect();
    assert!(names.len() > 50, "the names were not found");
    let sources: Vec<String> = sources().map(|(_, text)| text).collect();
    for name in names {
        let function = format!("fn {name}(");
        let is_there = sources.iter().any(|text| text.contains(&function));
        assert!(
            is_there,
            "docs/threat-model.md names {name}, which is no test"
        );
    }
    for module in quoted(&text).filter(|word| word.contains("::tests::")) {
        let file = format!("sync-core/src/{}.rs", module.replace("::", "/"));
        assert!(root().join(&file).exists(), "there is no {file}");
    }
}
