//! What does not belong into a set or a list, and what is not known: nothing of it hinders anybody.

use automerge::transaction::{Transactable, Transaction};
use automerge::{AutomergeError, ObjType, ROOT, ScalarValue};

use super::*;

/// Operations as Automerge itself would write them.
type Operations = fn(&mut Transaction<'_>) -> Result<(), AutomergeError>;

#[test]
fn elements_and_steps_that_do_not_fit_are_refused() {
    let (mut doc, _) = planned();
    let before = shown(&doc);
    let wrong = |field: &str| {
        Err(EditError::WrongType {
            field: field.to_owned(),
        })
    };
    for bad in ["", "a/b", "王芳", "A", &"x".repeat(65)] {
        assert_eq!(
            try_write(&mut doc, 1, &[add(&[bad])]),
            wrong("attendees"),
            "{bad}"
        );
    }
    let misfits = [
        edit("title", Edit::Add(elements(&["a"]))),
        edit("agenda", Edit::Add(elements(&["a"]))),
        edit(
            "attendees",
            Edit::Item(ItemEdit::Remove("aaaaaaaa".parse().unwrap())),
        ),
        set("attendees", text("a")),
        set("agenda", Value::Set(elements(&["a"]))),
        set("title", Value::List(Vec::new())),
        set("guests", text("1")),
        set("length", text("1")),
    ];
    for misfit in misfits {
        let field = misfit.field.clone();
        assert_eq!(try_write(&mut doc, 1, &[misfit]), wrong(&field));
    }
    assert_eq!(shown(&doc), before);
}

/// Everything that the gate lets through, in keys where something else belongs.
fn strange(tx: &mut Transaction<'_>) -> Result<(), AutomergeError> {
    for key in ["attendees", "agenda"] {
        tx.put(ROOT, key, "words where a set or a list belongs")?;
    }
    tx.put(ROOT, "title/aaaaaaaa", true)?;
    tx.put(ROOT, "starts/aaaaaaaa", "V")?;
    for key in [
        "attendees/",
        "attendees/A B",
        "attendees/王",
        "attendees/a/b/c/d",
        "/",
        "//",
        "agenda/short/text",
    ] {
        tx.put(ROOT, key, true)?;
    }
    tx.put(ROOT, format!("attendees/{}", "x".repeat(200)), true)?;
    tx.put(ROOT, "attendees/no", false)?;
    tx.put(ROOT, "attendees/words", "yes")?;
    tx.put(ROOT, "attendees/nothing", ())?;
    tx.put(ROOT, "attendees/bytes", ScalarValue::Bytes(vec![1]))?;
    tx.put_object(ROOT, "attendees/text", ObjType::Text)?;
    tx.put(ROOT, "agenda/aaaaaaaa", true)?;
    tx.put(ROOT, "agenda/bbbbbbbb", "no text of its own")?;
    tx.put(ROOT, "agenda/cccccccc", "")?;
    for (id, place) in [
        ("cccccccc", None),
        ("dddddddd", Some("\u{0}\u{10ffff}")),
        ("eeeeeeee", Some("zzzzzzzz0")),
    ] {
        let words = tx.put_object(ROOT, format!("agenda/{id}/text"), ObjType::Text)?;
        tx.splice_text(&words, 0, 0, id)?;
        if let Some(place) = place {
            tx.put(ROOT, format!("agenda/{id}"), place)?;
        }
        tx.put(ROOT, format!("agenda/{id}/done"), 7)?;
    }
    tx.put(ROOT, "agenda/ffffffff", "V")?;
    tx.put(ROOT, "agenda/ffffffff/text", "no text object")?;
    Ok(())
}

#[test]
fn strange_shapes_are_shown_as_nothing_and_hinder_nobody() {
    let (mut one, first) = planned();
    let mut bad = RecordDoc::new();
    merge(&mut bad, std::slice::from_ref(&first));
    let made = bad.edit_raw(actor(9), Millis(0), strange).unwrap().unwrap();
    assert_eq!(one.apply(&[candidate(9, &made.chunk)]), [Verdict::Merged]);
    assert_eq!(value(&one, "title"), Some(text("三月议事会")));
    assert_eq!(value(&one, "starts"), None);
    assert_eq!(attendees(&one), BTreeSet::new());
    // Of the list, what can be an item at all is one.
    assert_eq!(
        words(&one),
        ["[ ] cccccccc", "[ ] dddddddd", "[ ] eeeeeeee"]
    );
    let honest = [
        add(&["no", "words", "nothing", "text"]),
        insert(Place::Last, &["末"]),
        insert(Place::First, &["首"]),
        item(ItemEdit::Tick {
            item: "dddddddd".parse().unwrap(),
            done: true,
        }),
    ];
    let made = write(&mut one, 1, &honest);
    assert_eq!(bad.apply(&[made]), [Verdict::Merged]);
    assert_eq!(
        attendees(&bad),
        elements(&["no", "nothing", "text", "words"])
    );
    let found = words(&bad);
    assert!(found.contains(&"[ ] 末".to_owned()) && found.contains(&"[x] dddddddd".to_owned()));
    let loaded = RecordDoc::load(&bad.save(), std::iter::empty()).unwrap();
    assert_eq!(shown(&loaded), shown(&one));
    write(
        &mut bad,
        1,
        &[
            set("agenda", Value::List(Vec::new())),
            remove(&["no", "words", "nothing", "text"]),
        ],
    );
    assert_eq!(
        (words(&bad), attendees(&bad)),
        (Vec::new(), BTreeSet::new())
    );
}

#[test]
fn something_else_written_over_an_element_or_an_item_at_the_same_time_hides_neither() {
    let (mut one, first) = planned();
    let begun = write(&mut one, 1, &[insert(Place::Last, &["路灯"])]);
    let lamp = id_of(&one, "路灯");
    let mut bad = RecordDoc::new();
    merge(&mut bad, &[first, begun]);
    let mine = write(
        &mut one,
        1,
        &[
            item(ItemEdit::Tick {
                item: lamp,
                done: true,
            }),
            insert(Place::First, &["停车"]),
            item(ItemEdit::Move {
                item: lamp,
                place: Place::First,
            }),
            add(&["wang"]),
        ],
    );
    let over = |tx: &mut Transaction<'_>| {
        tx.put(ROOT, format!("agenda/{lamp}"), true)?;
        tx.put(ROOT, "attendees/wang", "no")
    };
    let theirs = bad.edit_raw(actor(9), Millis(0), over).unwrap().unwrap();
    merge(&mut one, &[candidate(9, &theirs.chunk)]);
    merge(&mut bad, &[mine]);
    assert_eq!(shown(&one), shown(&bad));
    assert_eq!(words(&one), ["[x] 路灯", "[ ] 停车"]);
    assert_eq!(attendees(&one), elements(&["wang"]));
}

#[test]
fn objects_inside_the_record_are_held_whatever_they_hold() {
    let (doc, _) = planned();
    let nested: [Operations; 4] = [
        |tx| tx.put_object(ROOT, "attendees", ObjType::Map).map(drop),
        |tx| {
            let map = tx.put_object(ROOT, "attendees", ObjType::Map)?;
            tx.put(&map, "wang", true)
        },
        |tx| {
            let list = tx.put_object(ROOT, "agenda", ObjType::List)?;
            let item = tx.insert_object(&list, 0, ObjType::Map)?;
            tx.put(&item, "done", true)
        },
        |tx| {
            let mut object = tx.put_object(ROOT, "agenda", ObjType::Map)?;
            for _ in 0..1_000 {
                object = tx.put_object(&object, "deeper", ObjType::Map)?;
            }
            Ok(())
        },
    ];
    for operations in nested {
        let mut bad = doc.clone();
        let made = bad
            .edit_raw(actor(9), Millis(0), operations)
            .unwrap()
            .unwrap();
        let verdicts = doc.clone().apply(&[candidate(9, &made.chunk)]);
        assert!(matches!(verdicts.as_slice(), [Verdict::Held(_)]));
    }
}

#[test]
fn fields_that_this_schema_does_not_know_are_shown_and_left_alone() {
    let wide = Schema::station()
        .to_json()
        .replacen("\"attendees\"", "\"companions\"", 1);
    let wide = wide.replacen("\"agenda\"", "\"programme\"", 1);
    let newer = Schema::parse(&wide).unwrap();
    let newer = newer.kind("session").unwrap();
    let mut doc = RecordDoc::new();
    let steps = [
        set("title", text("会")),
        edit("companions", Edit::Add(elements(&["wang"]))),
        edit(
            "programme",
            Edit::Item(ItemEdit::Insert {
                place: Place::Last,
                items: vec![Item::new("茶")],
            }),
        ),
    ];
    doc.edit(actor(2), Millis(0), newer, &steps)
        .unwrap()
        .unwrap();
    let before: Vec<_> = doc
        .fields(newer)
        .into_iter()
        .filter(|it| it.name != "title")
        .collect();
    write(&mut doc, 1, &[set("title", text("议事会")), add(&["li"])]);
    let after: Vec<_> = doc
        .fields(newer)
        .into_iter()
        .filter(|it| it.name == "companions" || it.name == "programme")
        .collect();
    assert_eq!(after, before);
    let names: Vec<String> = doc
        .fields(session())
        .into_iter()
        .map(|it| it.name)
        .collect();
    assert_eq!(names, ["title", "attendees", "companions", "programme"]);
    assert_eq!(
        value(&doc, "companions"),
        Some(Value::Set(elements(&["wang"])))
    );
    assert!(matches!(value(&doc, "programme"), Some(Value::List(items)) if items[0].text == "茶"));
}
