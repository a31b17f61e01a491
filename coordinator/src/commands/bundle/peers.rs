//! Whom a bundle is for, and what they are known to have.

use std::collections::BTreeSet;
use std::path::Path;

use sync_core::bundle::{Item, Word};
use sync_core::id::DeviceId;
use sync_core::replica::{Known, Replica, ReplicaError};

use super::{broken, open, refused};
use crate::exit::Exit;
use crate::failure::Failure;

/// The devices of a member, or the one that was named.
pub(super) fn devices(replica: &Replica, typed: &str) -> Result<BTreeSet<DeviceId>, Failure> {
    let member = match replica.find_member(typed) {
        Ok(member) => member,
        Err(error @ ReplicaError::UnknownMember(_)) => {
            let device = replica.find_device(typed);
            return device
                .map(|it| BTreeSet::from([it]))
                .map_err(|_| error.into());
        }
        Err(error) => return Err(error.into()),
    };
    let known = replica.roster().members().get(&member);
    let devices = known.map(|member| member.devices.clone());
    match devices.filter(|devices| !devices.is_empty()) {
        Some(devices) => Ok(devices),
        None => Err(Failure::new(Exit::Unknown, "err.bundle.no_device").with("who", typed)),
    }
}

/// What somebody is known to have: by a bundle of theirs, or by what has come of them before. Of a member
/// with several devices, what every one of them has.
pub(super) fn known(replica: &Replica, typed: &str) -> Result<Vec<Known>, Failure> {
    let path = Path::new(typed);
    if path.is_file() {
        return Ok(vec![Known::of_word(word_in(replica, path)?)]);
    }
    let devices = devices(replica, typed)?;
    let known = devices.iter().map(|device| replica.known_of(device));
    let known: Vec<Known> = known.collect::<Result<_, _>>()?;
    if known.iter().all(Known::is_empty) {
        let nothing = Failure::new(Exit::Unknown, "err.bundle.nothing_known");
        return Err(nothing.with("who", typed));
    }
    Ok(known)
}

/// What the sender of a bundle says to have.
fn word_in(replica: &Replica, path: &Path) -> Result<Word, Failure> {
    let no_word = || Failure::new(Exit::BadFile, "err.bundle.no_word").with("path", path.display());
    let (file, _) = open(path)?;
    let reader = replica.read_bundle(file);
    let mut reader = reader.map_err(|error| refused(path, error))?;
    let item = reader.next_item().map_err(|error| broken(path, error))?;
    let Some(Item::Word(word)) = item else {
        return Err(no_word());
    };
    let belongs = replica.roster().devices().contains_key(&word.device);
    if belongs && word.verify(&replica.community()).is_ok() {
        Ok(word)
    } else {
        Err(no_word())
    }
}
