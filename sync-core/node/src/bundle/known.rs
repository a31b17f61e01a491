//! Whom a bundle is for, and what they are known to have.

use std::collections::BTreeSet;
use std::path::Path;

use sync_core::bundle::{Item, Word};
use sync_core::id::DeviceId;
use sync_core::replica::{Known, Replica, ReplicaError};

use super::{BundleFileError, open};

/// The devices of a member, or the one that was named.
pub(super) fn devices(
    replica: &Replica,
    named: &str,
) -> Result<BTreeSet<DeviceId>, BundleFileError> {
    let member = match replica.find_member(named) {
        Ok(member) => member,
        Err(error @ ReplicaError::UnknownMember(_)) => {
            let device = replica.find_device(named);
            return device
                .map(|it| BTreeSet::from([it]))
                .map_err(|_| error.into());
        }
        Err(error) => return Err(error.into()),
    };
    let known = replica.roster().members().get(&member);
    let devices = known.map(|member| member.devices.clone());
    let devices = devices.filter(|devices| !devices.is_empty());
    devices.ok_or_else(|| BundleFileError::NoDevice(named.to_owned()))
}

/// What somebody is known to have: by a bundle of theirs, or by what has come of them before. Of a member
/// with several devices, what every one of them has.
pub(super) fn known(replica: &Replica, named: &str) -> Result<Vec<Known>, BundleFileError> {
    let path = Path::new(named);
    if path.is_file() {
        return Ok(vec![Known::of_word(word_in(replica, path)?)]);
    }
    let devices = devices(replica, named)?;
    let known = devices.iter().map(|device| replica.known_of(device));
    let known: Vec<Known> = known.collect::<Result<_, _>>()?;
    if known.iter().all(Known::is_empty) {
        return Err(BundleFileError::NothingKnown(named.to_owned()));
    }
    Ok(known)
}

/// What the sender of a bundle says to have.
fn word_in(replica: &Replica, path: &Path) -> Result<Word, BundleFileError> {
    let (file, _) = open(path)?;
    let reader = replica.read_bundle(file);
    let mut reader = reader.map_err(|error| BundleFileError::bad(path, error))?;
    let item = reader.next_item();
    let item = item.map_err(|error| BundleFileError::broken(path, error))?;
    let said = match item {
        Some(Item::Word(word)) => Some(word),
        Some(Item::Batches(_) | Item::BlobList(..) | Item::BlobChunk { .. }) | None => None,
    };
    let is_true = |word: &Word| {
        replica.roster().devices().contains_key(&word.device)
            && word.verify(&replica.community()).is_ok()
    };
    said.filter(is_true)
        .ok_or_else(|| BundleFileError::NoWord(path.to_owned()))
}
