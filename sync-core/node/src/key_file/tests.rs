use tempfile::TempDir;

use super::*;

fn passphrase(text: &str) -> Passphrase {
    Passphrase::new(text.to_owned())
}

fn lock(text: &str) -> Option<Lock> {
    Lock::new(&passphrase(text), &mut rand::rng())
}

/// A folder and a key file in it under "four plain words".
fn locked() -> (TempDir, KeyFile) {
    let dir = tempfile::tempdir().unwrap();
    let mut file = KeyFile::create(dir.path().join("device.key")).unwrap();
    file.change_lock(lock("four plain words")).unwrap();
    (dir, file)
}

fn read(file: &KeyFile, text: &str) -> Result<KeyFile, KeyFileError> {
    KeyFile::read(file.path.clone(), Some(&passphrase(text)))
}

fn text_of(file: &KeyFile) -> String {
    fs::read_to_string(&file.path).unwrap()
}

#[test]
fn passphrase_opens_what_it_closed_and_no_other_does() {
    let (_dir, file) = locked();
    let opened = read(&file, "four plain words").unwrap();
    assert_eq!(opened.device(), file.device());
    assert_eq!(opened.sealing_key(), file.sealing_key());
    for other in ["four plain word", "Four plain words", ""] {
        let refused = read(&file, other);
        assert!(matches!(refused, Err(KeyFileError::WrongPassphrase)));
    }
    let without = KeyFile::read(file.path, None);
    assert!(matches!(without, Err(KeyFileError::Locked)));
}

#[test]
fn locked_file_shows_neither_secret_and_only_its_owner_reads_it() {
    let dir = tempfile::tempdir().unwrap();
    let mut file = KeyFile::create(dir.path().join("device.key")).unwrap();
    let open = text_of(&file);
    file.change_lock(lock("four plain words")).unwrap();
    let closed = text_of(&file);
    for secret in open.lines().skip(1) {
        assert!(!closed.contains(secret));
    }
    assert!(KeyFile::is_locked(&file.path).unwrap());
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = fs::metadata(&file.path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    file.change_lock(None).unwrap();
    assert_eq!(text_of(&file), open);
}

#[test]
fn changed_letter_is_damage_and_never_a_wrong_passphrase() {
    let (_dir, file) = locked();
    let good = text_of(&file);
    for at in 0..good.len() - 1 {
        let mut bad = good.clone().into_bytes();
        bad[at] ^= 1;
        fs::write(&file.path, &bad).unwrap();
        // Told before the passphrase is tried, which would cost as much for every letter.
        assert!(Stored::read(&file.path).unwrap().is_none(), "letter {at}");
    }
    let refused = read(&file, "four plain words");
    assert!(matches!(refused, Err(KeyFileError::Damaged)));
}

#[test]
fn destroying_the_sealing_key_works_behind_a_passphrase_and_keeps_it() {
    let (dir, file) = locked();
    let before = text_of(&file);
    let old = File::open(&file.path).unwrap();
    file.destroy_sealing_key().unwrap();
    let after = read(&file, "four plain words").unwrap();
    assert_eq!(after.device(), file.device());
    assert_ne!(after.sealing_key(), file.sealing_key());
    // The same key under the same nonce would show what changed.
    let (before, after) = (before.lines(), text_of(&after));
    let fresh = before.zip(after.lines()).map(|(old, new)| old != new);
    assert_eq!(
        fresh.collect::<Vec<_>>(),
        [false, false, false, true, true, true]
    );
    let mut left = Vec::new();
    (&old).read_to_end(&mut left).unwrap();
    assert!(left.iter().all(|byte| *byte == 0), "the old file is wiped");
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
}

#[test]
fn draft_that_a_killed_program_left_is_gone_after_the_next_start() {
    let (_dir, file) = locked();
    let draft = draft_of(&file.path);
    fs::write(&draft, open_text(&file.keys).as_bytes()).unwrap();
    // Whoever does not know the passphrase changes nothing.
    assert!(read(&file, "another one").is_err());
    assert!(draft.exists());
    read(&file, "four plain words").unwrap();
    assert!(!draft.exists());
}
