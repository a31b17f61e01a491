//! What keys open: nothing opens that was not sealed for it.

use std::sync::OnceLock;

use rand::SeedableRng;
use rand::rngs::ChaCha8Rng;
use sync_core::entry::seal::{BatchCipher, open_text, seal_text};
use sync_core::entry::{Body, EntryKind};
use sync_core::epoch::EpochKey;
use sync_core::keys::{Secret, Signer as _, epoch_seal_info, seal_key};

use super::expected::{COMMUNITY, epoch, keys};
use super::{Input, genuine};

/// Things that were sealed with the keys of the fixtures.
struct Sealed {
    keys: Vec<Vec<u8>>,
    wrapped: Vec<Vec<u8>>,
    texts: Vec<Vec<u8>>,
}

const TEXTS: [&str; 3] = ["", "良登村", "Li Fang"];

fn older() -> EpochKey {
    EpochKey::from_secret(Secret::new([9; 32]))
}

fn sealed() -> &'static Sealed {
    static SEALED: OnceLock<Sealed> = OnceLock::new();
    SEALED.get_or_init(|| {
        let rng = &mut ChaCha8Rng::seed_from_u64(1);
        let info = epoch_seal_info(&COMMUNITY);
        let to = keys().sealing_key();
        let sealed = [epoch(), older()].map(|key| seal_key(&to, &info, key.secret(), rng));
        let texts = TEXTS.map(|text| seal_text(&keys().device(), &epoch(), text, rng));
        Sealed {
            keys: sealed
                .map(|sealed| sealed.expect("the fixtures' key is a good one"))
                .into(),
            wrapped: vec![epoch().wrap(&older())],
            texts: texts.into(),
        }
    })
}

/// A reading key, sealed to a device.
pub(super) fn sealed_key(input: &[u8]) {
    let opened = keys().open(&epoch_seal_info(&COMMUNITY), input);
    let is_ours = sealed().keys.iter().any(|known| known == input);
    assert_eq!(opened.is_ok(), is_ours);
}

/// An older reading key under a newer one.
pub(super) fn wrapped_key(input: &[u8]) {
    let is_ours = sealed().wrapped.iter().any(|known| known == input);
    let opened = epoch().unwrap_older(&older().id(), input);
    assert_eq!(opened.is_some(), is_ours);
    assert_eq!(epoch().unwrap_older(&epoch().id(), input), None);
    assert_eq!(older().unwrap_older(&older().id(), input), None);
}

/// A name or title.
pub(super) fn sealed_text(input: &[u8]) {
    let epoch = epoch();
    let key = |id: &_| (*id == epoch.id()).then_some(&epoch);
    let opened = open_text(&keys().device(), input, key);
    let is_ours = sealed().texts.iter().any(|known| known == input);
    assert_eq!(opened.is_some(), is_ours);
}

/// An entry of a space: which place of which batch, and its stored bytes.
pub(super) fn sealed_entry(input: &[u8]) {
    let mut input = Input(input);
    let spaces = genuine::batches().iter();
    let spaces: Vec<_> = spaces
        .filter(|it| it.place().epoch == epoch().id())
        .collect();
    let (Some(batch), Some(index), Some(kind)) = (input.pick(&spaces), input.byte(), input.byte())
    else {
        return;
    };
    let (index, kind) = (usize::from(index), EntryKind::from_code(kind));
    let opened = BatchCipher::of(&COMMUNITY, batch, &epoch()).open(index, kind, input.0);
    // The fixtures, unlike real batches, have one salt, and so one key.
    let is_ours = spaces.iter().any(|batch| {
        let here = batch.entries().nth(index);
        here.is_some_and(|entry| entry.kind == kind && is_of(&entry.body, input.0))
    });
    assert_eq!(opened.is_ok(), is_ours);
}

/// An erased payload may still come from somebody who has kept it.
fn is_of(body: &Body<'_>, bytes: &[u8]) -> bool {
    match body {
        Body::Present(known) => *known == bytes,
        Body::Erased { commit, .. } => commit.as_bytes() == blake3::hash(bytes).as_bytes(),
    }
}

pub(super) mod seeds {
    use super::{Body, epoch, genuine, sealed};

    pub(in crate::fuzz) fn sealed_key() -> Vec<Vec<u8>> {
        sealed().keys.clone()
    }

    pub(in crate::fuzz) fn wrapped_key() -> Vec<Vec<u8>> {
        sealed().wrapped.clone()
    }

    pub(in crate::fuzz) fn sealed_text() -> Vec<Vec<u8>> {
        sealed().texts.clone()
    }

    pub(in crate::fuzz) fn sealed_entry() -> Vec<Vec<u8>> {
        let spaces = genuine::batches().iter();
        let spaces = spaces.filter(|it| it.place().epoch == epoch().id());
        let mut all = Vec::new();
        for (number, batch) in (0_u8..).zip(spaces) {
            for (index, entry) in (0_u8..).zip(batch.entries()) {
                if let Body::Present(bytes) = entry.body {
                    let seed: [&[u8]; 2] = [&[number, index, entry.kind.code()], bytes];
                    all.push(seed.concat());
                }
            }
        }
        all
    }
}
