//! One statement more: what it reaches is settled again, and gives what evaluating everything gives.

use std::cell::RefCell;

use proptest::prelude::any;
use proptest::test_runner::{Config, TestRunner};
use rand::RngExt;
use rand::seq::SliceRandom;

use super::soup::{Saying, Soup, saying_or_merging};
use super::*;
use crate::entry::EntryKind;
use crate::roster::follow::News;
use crate::roster::follow::change::Change;
use crate::roster::statement::{Grant, Profile, Revoke, Target};

/// Says something and follows it.
fn follow(
    world: &mut World,
    roster: &mut Roster,
    say: impl FnOnce(&mut World) -> StatementId,
) -> Change {
    let before = world.said.len();
    say(world);
    let mut news = News::default();
    for (said, _) in &world.said[before..] {
        news.add(said.clone());
    }
    follow_news(roster, &world.book(), &news)
}

/// Follows what has come, and compares the roster and what it says has changed with all evaluated.
fn follow_news(roster: &mut Roster, book: &Book, news: &News) -> Change {
    let before = roster.clone();
    let change = roster.follow(book, news);
    assert_eq!(*roster, Roster::evaluate(roster.community(), book));
    let mut difference = Change::between(before, roster);
    difference.effort = change.effort;
    difference.is_whole = change.is_whole;
    assert_eq!(change, difference);
    change
}

fn epoch_of(world: &mut World, space: LaneId, to: &DeviceKeys) -> Statement {
    let key = EpochKey::generate(&mut world.rng);
    let sealed = world.sealed(&key, to).into();
    let recipient = to_device(to);
    Statement::Epoch(Epoch {
        space,
        epoch: key.id(),
        keys: vec![KeyFor { recipient, sealed }],
        older: Vec::new(),
    })
}

#[test]
fn one_statement_reaches_few_others_and_tells_what_it_changes() {
    let mut world = World::new(5);
    let owner = world.owner.clone();
    let lead = world.member(Role::Lead, Scope::Community);
    let volunteer = world.member(Role::Volunteer, Scope::Community);
    for _ in 0..20 {
        world.member(Role::Volunteer, Scope::Community);
    }
    let mut roster = world.roster();
    let said = |by: &DeviceKeys, statement: Statement| {
        let by = by.clone();
        move |world: &mut World| world.say(&by, statement)
    };
    let name = Statement::Profile(Profile {
        name: vec![1].into(),
        version: 3,
    });
    let change = follow(&mut world, &mut roster, said(&volunteer, name.clone()));
    assert!(change.is_any && !change.is_of_rights());
    let space = crate::roster::commons(&world.community);
    let epoch = epoch_of(&mut world, space, &lead);
    assert!(follow(&mut world, &mut roster, said(&lead, epoch)).is_any);
    let stranger = world.device();
    assert!(!follow(&mut world, &mut roster, said(&stranger, name)).is_any);
    let grant = Statement::Grant(Grant {
        member: member_of(&world.community, &volunteer.device()),
        scope: Scope::Community,
        role: Role::Lead,
        nonce: vec![].into(),
        at: None,
    });
    let change = follow(&mut world, &mut roster, said(&owner, grant));
    assert!(change.is_of_rights() && !change.has_narrowed(&roster));
    let revoke = Statement::Revoke(Revoke {
        target: Target::Device(lead.device()),
        cuts: world.cuts_of(&lead.device(), 0).into_iter().collect(),
        nonce: vec![].into(),
    });
    let change = follow(&mut world, &mut roster, said(&owner, revoke));
    assert!(change.is_of_rights() && change.has_narrowed(&roster));
    assert!(!change.is_whole && change.effort < 20, "{change:?}");
}

#[test]
fn who_came_by_the_word_of_a_removed_lead_goes_with_it_and_comes_with_its_proof() {
    let mut world = World::new(7);
    let owner = world.owner.clone();
    let lead = world.member(Role::Lead, Scope::Community);
    let ticket = world.invite(&lead, Role::Volunteer, Scope::Community, 1);
    let (guest, _) = world.join(&ticket);
    let cuts = world.cuts_of(&lead.device(), 0).into_iter().collect();
    let target = Target::Member(member_of(&world.community, &lead.device()));
    let nonce = vec![].into();
    let revoke = Statement::Revoke(Revoke {
        target,
        cuts,
        nonce,
    });
    world.say(&owner, revoke);
    // The batch of the lead's that the cut names comes last.
    let late = world
        .said
        .iter()
        .rposition(|(said, _)| said.author == lead.device());
    let (late, link) = world.said.remove(late.unwrap());
    let mut book = world.book();
    book.add(late.clone());
    let mut roster = Roster::evaluate(&world.community, &book);
    assert!(!roster.knows(&guest.device()));
    let mut news = News::default();
    book.link(&link);
    book.add_carried(late, &link);
    news.note(lead.device());
    assert!(!follow_news(&mut roster, &book, &news).is_whole);
    assert!(roster.knows(&guest.device()));
}

#[test]
fn second_join_with_a_ticket_for_one_takes_the_first_ones_place_away() {
    let mut world = World::new(6);
    let owner = world.owner.clone();
    let ticket = world.invite(&owner, Role::Volunteer, Scope::Community, 1);
    let (first, _) = world.join(&ticket);
    let mut roster = world.roster();
    assert!(roster.knows(&first.device()));
    let change = follow(&mut world, &mut roster, |world| world.join(&ticket).1);
    assert!(change.has_narrowed(&roster));
    assert!(
        !roster.knows(&first.device()),
        "a lead must say which is right"
    );
}

#[test]
fn founding_is_evaluated_with_all_that_came_before_it() {
    let mut world = World::new(8);
    world.member(Role::Lead, Scope::Community);
    let (found, rest) = world.said.split_first().unwrap();
    let mut book = book_of(rest);
    let mut roster = Roster::evaluate(&world.community, &book);
    assert!(roster.members().is_empty());
    let mut news = News::default();
    book.add_carried(found.0.clone(), &found.1);
    news.add(found.0.clone());
    assert!(follow_news(&mut roster, &book, &news).is_whole);
    assert_eq!(roster.members().len(), 2);
}

/// How often each kind of statement was followed without evaluating everything, and how often it
/// changed something so.
type Followed = BTreeMap<(EntryKind, &'static str), (usize, usize)>;

fn kind_of(statement: &Statement) -> (EntryKind, &'static str) {
    let target = if let Statement::Revoke(revoke) = statement {
        match revoke.target {
            Target::Member(_) => "member",
            Target::Device(_) => "device",
            Target::Grant(_) => "grant",
            Target::Invite(_) => "invite",
        }
    } else {
        ""
    };
    (statement.encode().0, target)
}

#[test]
fn following_gives_what_evaluating_all_gives_for_every_kind_of_statement() {
    let followed = RefCell::new(Followed::new());
    let sayings = proptest::collection::vec(saying_or_merging(), 0..60);
    let cases = (0_u64..4, sayings, any::<u64>());
    let mut runner = TestRunner::new(Config {
        failure_persistence: None,
        ..Config::default()
    });
    let outcome = runner.run(&cases, |(seed, sayings, shuffle)| {
        let mut soup = Soup::new(seed);
        one_by_one(&mut soup, &sayings, &mut followed.borrow_mut());
        in_any_order(&soup.world, &mut ChaCha8Rng::seed_from_u64(shuffle));
        Ok(())
    });
    outcome.unwrap();
    let kinds = EntryKind::ALL.iter().map(|(kind, _)| *kind);
    let revoked = ["member", "device", "grant", "invite"].map(|target| (EntryKind::REVOKE, target));
    // The founding alone is evaluated with everything.
    let expected = kinds
        .filter(|kind| *kind < EntryKind::CHANGE)
        .filter(|kind| ![EntryKind::FOUND, EntryKind::REVOKE].contains(kind))
        .map(|kind| (kind, ""))
        .chain(revoked);
    for kind in expected {
        let (count, changes) = followed.borrow().get(&kind).copied().unwrap_or_default();
        let has_effect = kind.0 != EntryKind::SETTINGS;
        assert!(count > 100, "{kind:?}: {count}");
        assert!(changes > 2 || !has_effect, "{kind:?}: {changes}");
    }
}

fn one_by_one(soup: &mut Soup, sayings: &[Saying], followed: &mut Followed) {
    let mut roster = soup.world.roster();
    for saying in sayings {
        let before = soup.world.said.len();
        soup.hear(std::slice::from_ref(saying));
        for (said, _) in &soup.world.said[before..] {
            let mut news = News::default();
            news.add(said.clone());
            let change = follow_news(&mut roster, &soup.world.book(), &news);
            if !change.is_whole {
                let (count, changes) = followed.entry(kind_of(&said.statement)).or_default();
                *count += 1;
                *changes += usize::from(change.is_any);
            }
        }
    }
}

/// What comes of a statement: its words before they are sealed, its batch, or that batch as proof.
#[derive(Clone, Copy)]
enum Coming {
    Words,
    Link,
    Batch,
}

/// A few at a time, proofs before and after what they prove, some things twice.
fn in_any_order(world: &World, rng: &mut ChaCha8Rng) {
    let mut coming: Vec<(Coming, &(Said, Link))> = Vec::new();
    for said in &world.said {
        coming.push((Coming::Batch, said));
        match rng.random_range(0..4) {
            0 => coming.push((Coming::Words, said)),
            1 => coming.push((Coming::Link, said)),
            _ => {}
        }
    }
    coming.shuffle(rng);
    let (mut book, mut roster) = (Book::default(), Roster::empty(world.community));
    while !coming.is_empty() {
        let some = coming.split_off(coming.len().saturating_sub(rng.random_range(1..6)));
        let mut news = News::default();
        for (coming, (said, link)) in some {
            if !matches!(coming, Coming::Words) && book.link(link) {
                news.note(said.author);
            }
            let is_new = match coming {
                Coming::Words => book.add(said.clone()),
                Coming::Link => false,
                Coming::Batch => book.add_carried(said.clone(), link),
            };
            if is_new {
                news.add(said.clone());
            }
        }
        follow_news(&mut roster, &book, &news);
    }
}
