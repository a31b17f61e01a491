//! Sets and lists: what people put in at the same time all stays, and what does not belong there counts for
//! nothing.

mod hostile;
mod lists;
mod orders;

use std::collections::BTreeSet;

use super::{actor, candidate, keyed, merge, set, text};
use crate::id::Millis;
use crate::record::{Candidate, Deed, EditError, FieldChange, RecordDoc, Verdict};
use crate::schema::{Edit, FieldEdit, Item, ItemEdit, ItemId, Kind, Place, Schema, Value};

fn session() -> &'static Kind {
    Schema::station().kind("session").unwrap()
}

fn elements(of: &[&str]) -> BTreeSet<String> {
    of.iter().map(|it| (*it).to_owned()).collect()
}

fn edit(field: &str, value: Edit) -> FieldEdit {
    FieldEdit {
        field: field.to_owned(),
        value,
    }
}

fn add(of: &[&str]) -> FieldEdit {
    edit("attendees", Edit::Add(elements(of)))
}

fn remove(of: &[&str]) -> FieldEdit {
    edit("attendees", Edit::Remove(elements(of)))
}

fn item(step: ItemEdit) -> FieldEdit {
    edit("agenda", Edit::Item(step))
}

fn insert(place: Place, words: &[&str]) -> FieldEdit {
    let items = words.iter().map(|words| Item::new(words)).collect();
    item(ItemEdit::Insert { place, items })
}

fn try_write(
    doc: &mut RecordDoc,
    by: u8,
    edits: &[FieldEdit],
) -> Result<Option<Candidate>, EditError> {
    let made = doc.edit(actor(by), Millis(1_700_000_000_000), session(), edits)?;
    Ok(made.map(|made| candidate(by, &made.chunk)))
}

fn write(doc: &mut RecordDoc, by: u8, edits: &[FieldEdit]) -> Candidate {
    try_write(doc, by, edits).unwrap().unwrap()
}

/// A session that everybody has, without attendees and agenda, and its first change.
fn planned() -> (RecordDoc, Candidate) {
    let mut doc = RecordDoc::new();
    let made = write(&mut doc, 1, &[set("title", text("三月议事会"))]);
    (doc, keyed(1, &made.chunk))
}

fn value(doc: &RecordDoc, field: &str) -> Option<Value> {
    let fields = doc.fields(session());
    let state = fields.into_iter().find(|state| state.name == field)?;
    assert!(state.others.is_empty(), "sets and lists have no conflicts");
    Some(state.winner)
}

fn attendees(doc: &RecordDoc) -> BTreeSet<String> {
    match value(doc, "attendees") {
        Some(Value::Set(elements)) => elements,
        None => BTreeSet::new(),
        other => panic!("{other:?}"),
    }
}

fn agenda(doc: &RecordDoc) -> Vec<Item> {
    match value(doc, "agenda") {
        Some(Value::List(items)) => items,
        None => Vec::new(),
        other => panic!("{other:?}"),
    }
}

fn words(doc: &RecordDoc) -> Vec<String> {
    let items = agenda(doc).into_iter();
    items.map(|item| item.to_string()).collect()
}

fn id_of(doc: &RecordDoc, words: &str) -> ItemId {
    let found = agenda(doc).into_iter().find(|item| item.text == words);
    found.and_then(|item| item.id).unwrap()
}

/// Both have both changes, and see the same.
fn exchange(one: &mut RecordDoc, other: &mut RecordDoc, mine: Candidate, theirs: Candidate) {
    merge(one, &[theirs]);
    merge(other, &[mine]);
    assert_eq!(shown(one), shown(other));
}

fn shown(doc: &RecordDoc) -> String {
    format!("{:?}\n{:?}", doc.fields(session()), doc.history(session()))
}

/// What the last change did.
fn last_deeds(doc: &RecordDoc) -> Vec<(Deed, Option<Value>, Option<Value>)> {
    let last = doc.history(session()).pop().unwrap().changes.into_iter();
    last.map(|FieldChange { deed, from, to, .. }| (deed, from, to))
        .collect()
}

#[test]
fn members_added_at_the_same_time_all_stay_even_to_a_set_begun_twice() {
    let (mut one, first) = planned();
    let mut two = RecordDoc::new();
    merge(&mut two, &[first]);
    let mine = write(&mut one, 1, &[add(&["wang", "li"])]);
    let theirs = write(&mut two, 2, &[add(&["chen", "li"])]);
    exchange(&mut one, &mut two, mine, theirs);
    assert_eq!(attendees(&one), elements(&["chen", "li", "wang"]));
}

#[test]
fn who_is_added_again_while_another_takes_them_out_stays() {
    let (mut one, first) = planned();
    let mut two = RecordDoc::new();
    let begun = write(&mut one, 1, &[add(&["wang", "li"])]);
    merge(&mut two, &[first, begun]);
    let mine = [
        write(&mut one, 1, &[remove(&["li"])]),
        write(&mut one, 1, &[add(&["li"])]),
    ];
    let theirs = write(&mut two, 2, &[remove(&["li", "wang"])]);
    merge(&mut one, &[theirs]);
    merge(&mut two, &mine);
    assert_eq!(attendees(&one), elements(&["li"]));
    assert_eq!(shown(&one), shown(&two));
}

#[test]
fn what_a_form_sets_leaves_alone_what_others_added_meanwhile() {
    let (mut one, first) = planned();
    let mut two = RecordDoc::new();
    let begun = write(&mut one, 1, &[add(&["wang", "li"])]);
    merge(&mut two, &[first, begun]);
    let whole = Value::Set(elements(&["li", "zhou"]));
    let mine = write(&mut one, 1, &[set("attendees", whole)]);
    let theirs = write(&mut two, 2, &[add(&["chen"])]);
    exchange(&mut one, &mut two, mine, theirs);
    assert_eq!(attendees(&one), elements(&["chen", "li", "zhou"]));
}

#[test]
fn steps_that_come_to_nothing_are_no_change() {
    let (mut doc, _) = planned();
    write(
        &mut doc,
        1,
        &[add(&["wang"]), insert(Place::Last, &["茶水"])],
    );
    let same = Value::List(agenda(&doc));
    let plain = Value::List(vec![Item::new("茶水")]);
    let nothing: [&[FieldEdit]; 6] = [
        &[add(&["wang"])],
        &[remove(&["li"])],
        &[add(&["li"]), remove(&["li"])],
        &[set("agenda", same)],
        &[set("agenda", plain)],
        &[item(ItemEdit::Remove("aaaaaaaa".parse().unwrap()))],
    ];
    for edits in nothing {
        assert_eq!(try_write(&mut doc, 1, edits), Ok(None), "{edits:?}");
    }
}

#[test]
fn steps_that_undo_each_other_within_a_change_pass_the_gate() {
    let (mut one, first) = planned();
    let mut two = RecordDoc::new();
    let begun = write(
        &mut one,
        1,
        &[add(&["wang"]), insert(Place::Last, &["茶水", "座位"])],
    );
    let tea = id_of(&one, "茶水");
    let there_and_back = [
        remove(&["wang"]),
        add(&["wang", "li"]),
        remove(&["li"]),
        item(ItemEdit::Tick {
            item: tea,
            done: true,
        }),
        item(ItemEdit::Move {
            item: tea,
            place: Place::Last,
        }),
        item(ItemEdit::Move {
            item: tea,
            place: Place::First,
        }),
        item(ItemEdit::Write {
            item: tea,
            text: "热茶".into(),
        }),
        insert(Place::After(tea), &["点心"]),
        item(ItemEdit::Tick {
            item: tea,
            done: false,
        }),
        add(&["zhou"]),
    ];
    let made = write(&mut one, 1, &there_and_back);
    merge(&mut two, &[first, begun, made]);
    assert_eq!(words(&two), ["[ ] 热茶", "[ ] 点心", "[ ] 座位"]);
    assert_eq!(attendees(&two), elements(&["wang", "zhou"]));
    assert_eq!(shown(&one), shown(&two));
}
