//! Lists: items that are put in, ticked, written, moved and taken out, by one and by several.

use super::*;

#[test]
fn items_are_put_in_ticked_written_moved_and_taken_out() {
    let (mut doc, _) = planned();
    write(&mut doc, 1, &[insert(Place::Last, &["一", "二", "三"])]);
    write(&mut doc, 1, &[insert(Place::First, &["零"])]);
    let (one, three) = (id_of(&doc, "一"), id_of(&doc, "三"));
    write(
        &mut doc,
        1,
        &[item(ItemEdit::Move {
            item: three,
            place: Place::After(one),
        })],
    );
    assert_eq!(words(&doc), ["[ ] 零", "[ ] 一", "[ ] 三", "[ ] 二"]);
    assert_eq!(
        last_deeds(&doc),
        [(Deed::Moved, Some(text("三")), Some(text("三")))]
    );
    write(
        &mut doc,
        1,
        &[item(ItemEdit::Tick {
            item: one,
            done: true,
        })],
    );
    assert_eq!(
        last_deeds(&doc),
        [(Deed::Ticked, Some(text("一")), Some(text("一")))]
    );
    write(
        &mut doc,
        1,
        &[item(ItemEdit::Write {
            item: one,
            text: "第一件".into(),
        })],
    );
    assert_eq!(
        last_deeds(&doc),
        [(Deed::Reworded, Some(text("一")), Some(text("第一件")))]
    );
    assert_eq!(id_of(&doc, "第一件"), one);
    write(&mut doc, 1, &[item(ItemEdit::Remove(three))]);
    assert_eq!(last_deeds(&doc), [(Deed::Removed, Some(text("三")), None)]);
    assert_eq!(words(&doc), ["[ ] 零", "[x] 第一件", "[ ] 二"]);
    write(
        &mut doc,
        1,
        &[item(ItemEdit::Tick {
            item: one,
            done: false,
        })],
    );
    assert_eq!(
        last_deeds(&doc),
        [(Deed::Unticked, Some(text("第一件")), Some(text("第一件")))]
    );
    let gone = item(ItemEdit::Tick {
        item: three,
        done: true,
    });
    let field = "agenda".to_owned();
    assert_eq!(
        try_write(&mut doc, 1, &[gone]),
        Err(EditError::NoSuchItem { field })
    );
}

#[test]
fn history_names_who_was_added_and_who_was_taken_out() {
    let (mut doc, _) = planned();
    write(&mut doc, 1, &[add(&["wang", "li"])]);
    let added = |who| (Deed::Added, None, Some(text(who)));
    assert_eq!(last_deeds(&doc), [added("li"), added("wang")]);
    write(&mut doc, 1, &[remove(&["li"])]);
    assert_eq!(last_deeds(&doc), [(Deed::Removed, Some(text("li")), None)]);
}

#[test]
fn one_item_moved_and_written_by_two_is_still_one_item() {
    let (mut one, first) = planned();
    let mut two = RecordDoc::new();
    let begun = write(
        &mut one,
        1,
        &[insert(Place::Last, &["路灯", "停车", "水沟"])],
    );
    merge(&mut two, &[first, begun]);
    let lamp = id_of(&one, "路灯");
    let mine = write(
        &mut one,
        1,
        &[
            item(ItemEdit::Move {
                item: lamp,
                place: Place::Last,
            }),
            item(ItemEdit::Write {
                item: lamp,
                text: "桥头路灯".into(),
            }),
        ],
    );
    let behind = Place::After(id_of(&two, "停车"));
    let theirs = write(
        &mut two,
        2,
        &[
            item(ItemEdit::Move {
                item: lamp,
                place: behind,
            }),
            item(ItemEdit::Write {
                item: lamp,
                text: "路灯不亮".into(),
            }),
            item(ItemEdit::Tick {
                item: lamp,
                done: true,
            }),
        ],
    );
    exchange(&mut one, &mut two, mine, theirs);
    let found = agenda(&one);
    assert_eq!(found.len(), 3);
    let found = found.iter().find(|item| item.id == Some(lamp)).unwrap();
    assert_eq!((found.text.as_str(), found.done), ("桥头路灯不亮", true));
}

#[test]
fn an_item_moved_while_another_takes_it_out_stays_with_its_words() {
    let (mut one, first) = planned();
    let mut two = RecordDoc::new();
    let begun = write(&mut one, 1, &[insert(Place::Last, &["路灯", "停车"])]);
    merge(&mut two, &[first, begun]);
    let lamp = id_of(&one, "路灯");
    let mine = write(&mut one, 1, &[item(ItemEdit::Remove(lamp))]);
    let theirs = write(
        &mut two,
        2,
        &[item(ItemEdit::Move {
            item: lamp,
            place: Place::Last,
        })],
    );
    exchange(&mut one, &mut two, mine, theirs);
    assert_eq!(words(&one), ["[ ] 停车", "[ ] 路灯"]);
}

#[test]
fn agendas_written_apart_do_not_mix() {
    let (mut one, first) = planned();
    let mut two = RecordDoc::new();
    merge(&mut two, &[first]);
    let mine = write(&mut one, 1, &[insert(Place::Last, &["a1", "a2", "a3"])]);
    let theirs = write(&mut two, 2, &[insert(Place::Last, &["b1", "b2", "b3"])]);
    exchange(&mut one, &mut two, mine, theirs);
    let mut found = words(&one);
    if found[0].ends_with("b1") {
        found.rotate_left(3);
    }
    assert_eq!(
        found,
        ["a1", "a2", "a3", "b1", "b2", "b3"].map(|it| format!("[ ] {it}"))
    );
}

#[test]
fn a_form_that_knows_only_words_keeps_the_items_that_it_does_not_change() {
    let (mut doc, _) = planned();
    write(
        &mut doc,
        1,
        &[insert(Place::Last, &["一", "二", "三", "四"])],
    );
    let before: Vec<Option<ItemId>> = agenda(&doc).iter().map(|item| item.id).collect();
    let wanted = session()
        .parse_edit("agenda", "四\n一\n[x] 二\n五")
        .unwrap();
    write(&mut doc, 1, &[wanted]);
    assert_eq!(words(&doc), ["[ ] 四", "[ ] 一", "[x] 二", "[ ] 五"]);
    let after: Vec<Option<ItemId>> = agenda(&doc).iter().map(|item| item.id).collect();
    assert_eq!(after[..3], [before[3], before[0], before[1]]);
    let deeds: Vec<Deed> = last_deeds(&doc)
        .into_iter()
        .map(|(deed, ..)| deed)
        .collect();
    let count = |deed| deeds.iter().filter(|it| **it == deed).count();
    assert_eq!(
        [Deed::Moved, Deed::Added, Deed::Removed, Deed::Ticked].map(count),
        [1, 1, 1, 1]
    );
    // What was taken out comes back under its own name.
    let back: Vec<Item> = before
        .iter()
        .map(|id| Item {
            id: *id,
            ..Item::new("又")
        })
        .collect();
    write(&mut doc, 1, &[set("agenda", Value::List(back.clone()))]);
    assert_eq!(agenda(&doc), back);
    // One name twice is one item.
    let twice = [back.as_slice(), &back].concat();
    assert_eq!(
        try_write(&mut doc, 1, &[set("agenda", Value::List(twice))]),
        Ok(None)
    );
}
