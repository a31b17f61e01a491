//! A roster of whatever is said, by whomever.
//!
//! ```text
//! input = seed u8 | saying …
//! saying = by u8 | what u8 | three picks u8                       a statement about what is there
//!        | by u8 | 0xff | kind u8 | len u16 | bytes               a statement as it stands
//! ```

mod scene;

use rand::SeedableRng;
use rand::rngs::ChaCha8Rng;
use rand::seq::SliceRandom;
use sync_core::entry::EntryKind;
use sync_core::entry::place::Link;
use sync_core::id::CommunityId;
use sync_core::roster::book::Book;
use sync_core::roster::follow::News;
use sync_core::roster::{Roster, Said};

use self::scene::{Saying, Scene};
use super::{Input, put_prefixed};

/// More take long and say nothing new.
const SAYINGS_MAX: usize = 24;
const RAW: u8 = 0xff;

pub(super) fn roster(input: &[u8]) {
    let (seed, scene) = heard(input);
    let base = Scene::begun().said.len();
    let community = &scene.community;
    let whole = evaluated(community, &scene.said);
    let rng = &mut ChaCha8Rng::seed_from_u64(u64::from(seed));
    let mut again = scene.said.clone();
    again.extend_from_within(base / 2..);
    again.shuffle(rng);
    let any_order = evaluated(community, &again);
    assert_eq!(any_order, whole, "order or repetition counts");
    let inside = scene.said.iter();
    let inside = inside.filter(|(said, _)| !scene.is_outsider(&said.author));
    let inside: Vec<_> = inside.cloned().collect();
    let without = evaluated(community, &inside);
    assert_eq!(without, whole, "an outsider has changed something");
    assert_followed(community, &scene.said, base, 1 + usize::from(seed % 4));
    assert_sound(&whole);
}

/// What the input begins with, and the community after all that is said in it.
fn heard(input: &[u8]) -> (u8, Scene) {
    let mut input = Input(input);
    let seed = input.byte().unwrap_or_default();
    let mut scene = Scene::begun().clone();
    for _ in 0..SAYINGS_MAX {
        if hear(&mut scene, &mut input).is_none() {
            break;
        }
    }
    (seed, scene)
}

fn hear(scene: &mut Scene, input: &mut Input<'_>) -> Option<()> {
    let (by, what) = (input.byte()?, input.byte()?);
    if what == RAW {
        let kind = EntryKind::from_code(input.byte()?);
        scene.say_raw(by, kind, input.prefixed()?);
        return Some(());
    }
    let picks = [input.byte()?, input.byte()?, input.byte()?];
    scene.say(&Saying { by, what, picks });
    Some(())
}

fn book_of(said: &[(Said, Link)]) -> Book {
    let mut book = Book::default();
    for (said, link) in said {
        book.add_carried(said.clone(), link);
        book.link(link);
    }
    book
}

fn evaluated(community: &CommunityId, said: &[(Said, Link)]) -> Roster {
    Roster::evaluate(community, &book_of(said))
}

/// Following what comes, a few at a time, gives what evaluating all of it gives.
fn assert_followed(community: &CommunityId, said: &[(Said, Link)], base: usize, group: usize) {
    let (before, after) = said.split_at(base);
    let mut book = book_of(before);
    let mut roster = Roster::evaluate(community, &book);
    for some in after.chunks(group) {
        let mut news = News::default();
        for (said, link) in some {
            book.add_carried(said.clone(), link);
            book.link(link);
            news.add(said.clone());
        }
        roster.follow(&book, &news);
        assert_eq!(roster, Roster::evaluate(community, &book), "{some:?}");
    }
}

/// What holds in every roster.
fn assert_sound(roster: &Roster) {
    assert!(roster.is_founded());
    for (id, member) in roster.members() {
        for device in &member.devices {
            assert_eq!(roster.member_id(device), Some(*id));
            assert!(!member.removed_devices.contains(device));
            assert!(roster.devices().contains_key(device));
        }
    }
    for device in roster.devices().keys() {
        assert!(!roster.former().contains_key(device), "both in and out");
    }
    for space in roster.all_lanes() {
        for epoch in roster.usable_epochs(&space) {
            assert!(roster.epochs().contains_key(&(space, epoch)));
        }
    }
}

pub(super) mod seeds {
    use super::scene::{KINDS, Scene};
    use super::{EntryKind, RAW, put_prefixed};
    use crate::fuzz::genuine;

    /// Each kind of statement by people of several ranks, some of them one after the other, and the
    /// committed statements as they stand.
    pub(in crate::fuzz) fn roster() -> Vec<Vec<u8>> {
        let mut all = Vec::new();
        let people = Scene::begun().people_count();
        for what in 0..KINDS {
            let mut several = vec![what];
            for by in 0..people {
                let picks = [by.wrapping_mul(7), what + by, by.wrapping_mul(3)];
                several.extend([&[by, what], picks.as_slice()].concat());
            }
            all.push(several);
        }
        let mut turns = vec![3];
        for turn in 0..24_u8 {
            let (by, what) = (turn.wrapping_mul(5) % people, turn % KINDS);
            turns.extend([by, what, turn, turn.wrapping_mul(11), turn / 2]);
        }
        all.push(turns);
        all.push(good());
        all.push(raw());
        all
    }

    /// Two join, a member becomes a lead, an entry is erased, a key and a space are made, one of the two goes.
    fn good() -> Vec<u8> {
        let sayings: [[u8; 5]; 7] = [
            [9, 2, 1, 0, 0],
            [10, 2, 2, 0, 0],
            [0, 8, 7, 0, 3],
            [0, 12, 1, 1, 5],
            [0, 6, 1, 0, 0],
            [0, 0, 0, 0, 5],
            [0, 14, 9, 1, 0],
        ];
        [&[1], sayings.concat().as_slice()].concat()
    }

    fn raw() -> Vec<u8> {
        let mut out = vec![1];
        for (word, by) in [
            ("space", 0),
            ("grant", 1),
            ("revoke", 0),
            ("epoch", 4),
            ("erase", 0),
        ] {
            let kinds = EntryKind::ALL.iter();
            let kind = kinds
                .filter(|(_, known)| *known == word)
                .map(|(kind, _)| kind);
            for (kind, bytes) in kind.zip(genuine::files(&format!("entry-{word}"))) {
                out.extend([by, RAW, kind.code()]);
                put_prefixed(&mut out, &bytes);
            }
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_in_the_corpus_counts() {
        let before = {
            let scene = Scene::begun();
            evaluated(&scene.community, &scene.said)
        };
        assert_eq!(before.devices().len(), 9);
        let inputs = seeds::roster().into_iter();
        let rosters = inputs.map(|input| {
            let (_, scene) = heard(&input);
            evaluated(&scene.community, &scene.said)
        });
        let rosters: Vec<Roster> = rosters.collect();
        let some = |holds: &dyn Fn(&Roster) -> bool| rosters.iter().any(holds);
        assert!(some(&|roster| roster.devices().len() > 9), "nobody joins");
        assert!(some(&|roster| !roster.former().is_empty()), "nobody goes");
        assert!(some(&|roster| roster.spaces().len() > 2), "no space");
        assert!(some(&|roster| !roster.epochs().is_empty()), "no key");
        let roles = |roster: &Roster| {
            let members = roster.members().values();
            members.map(|member| member.roles.len()).max()
        };
        assert!(some(&|roster| roles(roster) > Some(1)), "no grant");
        let erased = |roster: &Roster| !roster.erasures().said().is_empty();
        assert!(some(&erased), "no erasure");
    }
}
