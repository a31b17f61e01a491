//! Edits on one device, and what a record shows.

use super::{actor, begun, candidate, merge, put, set, shown, text, value, visit};
use crate::id::Millis;
use crate::record::{DocError, EditError, MAX_OPS, RecordDoc};
use crate::schema::Value;

#[test]
fn edit_to_the_present_value_is_no_change() {
    let (mut doc, _) = begun();
    let edits = [
        set("people", Value::Number(3)),
        set("findings", text("今天去看了，she is fine")),
    ];
    assert_eq!(doc.edit(actor(1), Millis(0), visit(), &edits), Ok(None));
    assert_eq!(
        doc.edit(actor(1), Millis(0), visit(), &[set("mood", text(""))]),
        Ok(None)
    );
    assert_eq!(doc.change_count(), 1);
}

#[test]
fn empty_text_clears_a_line() {
    let (mut doc, _) = begun();
    put(&mut doc, 1, "household", text(""));
    assert_eq!(value(&doc, "household"), None);
    let last = doc.history(visit()).pop().unwrap();
    assert_eq!(last.changes[0].from, Some(text("2-301 王")));
    assert_eq!(last.changes[0].to, None);
}

#[test]
fn fields_come_in_the_order_of_the_kind() {
    let (doc, _) = begun();
    let names: Vec<_> = doc
        .fields(visit())
        .into_iter()
        .map(|state| state.name)
        .collect();
    assert_eq!(names, ["household", "date", "people", "alone", "findings"]);
    assert!(
        doc.fields(visit())
            .iter()
            .all(|state| state.set_by == actor(1))
    );
    assert!(
        doc.fields(visit())
            .iter()
            .all(|state| state.others.is_empty())
    );
}

#[test]
fn fields_of_another_schema_are_shown_behind_ours() {
    use automerge::transaction::Transactable;
    let (mut doc, _) = begun();
    doc.edit_raw(actor(1), Millis(0), |tx| {
        tx.put(automerge::ROOT, "zeal", 7.5)
    })
    .unwrap();
    let last = doc.fields(visit()).pop().unwrap();
    assert_eq!((last.name.as_str(), last.winner), ("zeal", text("7.5")));
}

#[test]
fn wrong_field_or_type_is_refused() {
    let (mut doc, _) = begun();
    let edit = |doc: &mut RecordDoc, field, value| {
        doc.edit(actor(1), Millis(0), visit(), &[set(field, value)])
            .unwrap_err()
    };
    let field = "nothing".to_owned();
    assert_eq!(
        edit(&mut doc, "nothing", text("x")),
        EditError::UnknownField { field }
    );
    let field = "people".to_owned();
    assert_eq!(
        edit(&mut doc, "people", text("x")),
        EditError::WrongType { field }
    );
}

#[test]
fn too_large_an_edit_leaves_the_record_as_it_was() {
    let (mut doc, _) = begun();
    let before = shown(&doc);
    let long = "长".repeat(MAX_OPS + 1);
    for field in ["findings", "household"] {
        let edits = [
            set("people", Value::Number(9)),
            set(field, text(&long.repeat(2))),
        ];
        assert_eq!(
            doc.edit(actor(2), Millis(0), visit(), &edits),
            Err(EditError::TooLarge)
        );
    }
    let typed = doc.splice(actor(2), Millis(0), "findings", 0, 0, &long);
    assert_eq!(typed, Err(EditError::TooLarge));
    assert_eq!(shown(&doc), before);
    put(&mut doc, 2, "people", Value::Number(4));
    assert_eq!(
        RecordDoc::load(&doc.save(), std::iter::empty())
            .unwrap()
            .heads(),
        doc.heads()
    );
}

#[test]
fn splice_counts_code_points() {
    let (mut doc, _) = begun();
    doc.splice(actor(1), Millis(0), "findings", 2, 1, "👩‍🌾走")
        .unwrap()
        .unwrap();
    assert_eq!(
        value(&doc, "findings"),
        Some(text("今天👩‍🌾走看了，she is fine"))
    );
    let beyond = doc.splice(actor(1), Millis(0), "findings", 9999, 0, "x");
    assert!(matches!(beyond, Err(EditError::OutOfRange { .. })));
    doc.splice(actor(1), Millis(0), "diary", 0, 0, "new")
        .unwrap()
        .unwrap();
    assert_eq!(value(&doc, "diary"), Some(text("new")));
}

#[test]
fn base_and_tails_load_to_the_same_record() {
    let (mut doc, _) = begun();
    let (base, heads) = (doc.save(), doc.heads());
    put(&mut doc, 2, "people", Value::Number(4));
    let first = doc.save_after(&heads);
    let heads = doc.heads();
    put(&mut doc, 3, "mood", text("calm"));
    let second = doc.save_after(&heads);
    let loaded = RecordDoc::load(&base, [first.as_slice(), &second].into_iter()).unwrap();
    assert_eq!(shown(&loaded), shown(&doc));
    assert_eq!(loaded.len_ops(), doc.len_ops());
    let whole = doc.save_after(&[]);
    let from_changes = RecordDoc::load(&[], std::iter::once(whole.as_slice())).unwrap();
    assert_eq!(shown(&from_changes), shown(&doc));
    let gap = RecordDoc::load(&base, std::iter::once(second.as_slice()));
    assert_eq!(gap.err(), Some(DocError::Incomplete));
}

#[test]
fn damaged_store_is_an_error_or_the_same_record() {
    let (mut doc, _) = begun();
    put(&mut doc, 2, "people", Value::Number(4));
    let saved = doc.save();
    for at in 0..saved.len() {
        let mut bytes = saved.clone();
        bytes[at] ^= 1;
        if let Ok(loaded) = RecordDoc::load(&bytes, std::iter::empty()) {
            assert_eq!(shown(&loaded), shown(&doc), "byte {at}");
        }
    }
}

#[test]
fn absurd_times_are_clamped() {
    for (claimed, shown) in [(i64::MIN, 0), (i64::MAX, 253_402_300_799_999)] {
        let mut doc = RecordDoc::new();
        doc.edit(
            actor(1),
            Millis(claimed),
            visit(),
            &[set("people", Value::Number(1))],
        )
        .unwrap();
        assert_eq!(doc.created(), Some((actor(1), Millis(shown))));
    }
}

#[test]
fn long_text_is_cut_in_history() {
    let (mut doc, _) = begun();
    put(&mut doc, 1, "findings", text(&"长".repeat(5000)));
    let last = doc.history(visit()).pop().unwrap();
    assert_eq!(last.changes[0].to, Some(text(&"长".repeat(2000))));
}

#[test]
fn typed_text_passes_the_gate_char_by_char() {
    let (mut ours, first) = begun();
    let mut theirs = RecordDoc::new();
    merge(&mut theirs, &[first]);
    for (n, letter) in "typing 打字, one by one".chars().enumerate() {
        let by = if n % 5 < 3 { 1 } else { 2 };
        let at = Millis(1_700_000_000_000);
        let pos = if n % 7 == 6 { 2 } else { n };
        let del = usize::from(n % 4 == 3);
        let change = ours
            .splice(actor(by), at, "findings", pos, del, &letter.to_string())
            .unwrap()
            .unwrap();
        merge(&mut theirs, &[candidate(by, &change.chunk)]);
    }
    assert_eq!(shown(&ours), shown(&theirs));
}
