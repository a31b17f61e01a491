//! Which rows are twins, whatever order they come in, and how many are compared for it.

use proptest::prelude::*;
use serde_json::json;

use super::*;

fn record(n: u64) -> RecordId {
    let mut bytes = [0; 16];
    bytes[8..].copy_from_slice(&n.to_be_bytes());
    RecordId::new(bytes)
}

fn village(n: u8) -> LaneId {
    LaneId::new([n; 16])
}

fn row(kind: &str, n: u64, space: u8, fields: &serde_json::Value) -> ViewRow {
    ViewRow {
        record: record(n),
        kind: kind.to_owned(),
        space: village(space),
        state: None,
        due: None,
        day: None,
        title: String::new(),
        fields: fields.to_string(),
        created_by: DeviceId::ZERO,
        created_at: Millis(i64::try_from(n).unwrap()),
        updated_by: DeviceId::ZERO,
        updated_at: Millis(0),
        conflicts: 0,
    }
}

fn home(n: u64, space: u8, fields: serde_json::Value) -> ViewRow {
    row("household", n, space, &fields)
}

fn person(n: u64, space: u8, fields: serde_json::Value) -> ViewRow {
    row("resident", n, space, &fields)
}

fn twins(rows: &[ViewRow]) -> Twins {
    let mut twins = Twins::new(Schema::station());
    rows.iter().for_each(|row| twins.put(row));
    twins
}

/// The clues of the only pair; none if there is no pair.
fn clues(one: ViewRow, two: ViewRow) -> Option<Vec<Clue>> {
    let (first, second) = (one.record, two.record);
    let twins = twins(&[one, two]);
    let [pair] = twins.pairs() else {
        assert!(twins.pairs().is_empty());
        return None;
    };
    assert_eq!((pair.first, pair.second), (first, second));
    Some(pair.clues.iter().copied().collect())
}

#[test]
fn households_and_residents_of_the_station_take_part() {
    let kinds: Vec<String> = twins(&[]).kinds().map(str::to_owned).collect();
    assert_eq!(kinds, ["household", "resident"]);
    let visit = row("visit", 1, 1, &json!({"household": "3号门"}));
    let other = row("visit", 2, 1, &json!({"household": "3号门"}));
    assert!(twins(&[visit, other]).pairs().is_empty());
}

#[test]
fn one_name_in_two_villages_is_not_enough() {
    let named = |n, space, more: serde_json::Value| {
        let mut fields = json!({"name": "周桂芳"});
        fields
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        person(n, space, fields)
    };
    let both = |a: serde_json::Value, b: serde_json::Value| clues(named(1, 1, a), named(2, 2, b));
    assert_eq!(both(json!({}), json!({})), None);
    assert_eq!(
        both(json!({"birth_year": 1948}), json!({"birth_year": 1948})),
        Some(vec![Clue::Name, Clue::BirthYear])
    );
    assert_eq!(
        both(
            json!({"phone": "158 0000 0213"}),
            json!({"phone": "15800000213"})
        ),
        Some(vec![Clue::Name, Clue::Phone])
    );
    let near = both(json!({"birth_year": 1948}), json!({"birth_year": 1949}));
    assert_eq!(near, None, "a year that is near does not say enough alone");
    let apart = both(
        json!({"birth_year": 1948, "phone": "15800000213"}),
        json!({"birth_year": 1978, "phone": "15800000213"}),
    );
    assert_eq!(apart, None, "a mother and a daughter");
}

#[test]
fn people_who_share_a_telephone_are_not_one_unless_one_name_says_less() {
    let phone = "15800000213";
    let called = |n, name: &str| {
        person(
            n,
            1,
            json!({"name": name, "phone": phone, "birth_year": 1948}),
        )
    };
    assert_eq!(clues(called(1, "周桂芳"), called(2, "李国强")), None);
    assert_eq!(clues(called(1, "周桂芳"), called(2, "周桂兰")), None);
    assert_eq!(
        clues(called(1, "周桂芳"), called(2, "周奶奶")),
        Some(vec![Clue::Surname, Clue::Phone, Clue::BirthYear])
    );
    let only_called = |n, home: u64| {
        person(
            n,
            1,
            json!({"name": "周奶奶", "home": record(home).to_string()}),
        )
    };
    assert_eq!(
        clues(only_called(1, 9), only_called(2, 9)),
        Some(vec![Clue::Called, Clue::Home])
    );
    assert_eq!(clues(only_called(1, 8), only_called(2, 9)), None);
}

#[test]
fn people_are_found_by_the_doors_of_their_homes_whichever_comes_first() {
    let at = |n, home: u64| {
        person(
            n,
            1,
            json!({"name": "周桂芳", "home": record(home).to_string()}),
        )
    };
    let rows = [
        at(1, 11),
        at(2, 12),
        home(11, 1, json!({"door": "石桥巷10号"})),
        home(12, 2, json!({"door": "石桥巷 １０ 号"})),
    ];
    let there = twins(&rows);
    let people = there.pairs().iter().find(|pair| pair.first == record(1));
    let people = people.unwrap();
    assert_eq!(people.clues, BTreeSet::from([Clue::Name, Clue::Door]));
    let homes = there.pairs().iter().find(|pair| pair.first == record(11));
    assert_eq!(
        homes.unwrap().clues,
        BTreeSet::from([Clue::Door, Clue::Resident])
    );
    let mut moved = there;
    moved.put(&home(12, 2, json!({"door": "仁和里3号"})));
    assert!(moved.pairs().is_empty());
    moved.put(&home(12, 2, json!({"door": "石桥巷十号之一"})));
    assert!(
        moved.pairs().is_empty(),
        "a near door and a name are little"
    );
    moved.put(&person(
        1,
        1,
        json!({"name": "周桂芳", "home": record(11).to_string(), "birth_year": 1948}),
    ));
    moved.put(&person(
        2,
        1,
        json!({"name": "周桂芳", "home": record(12).to_string(), "birth_year": 1949}),
    ));
    let [pair] = moved.pairs() else {
        panic!("{:?}", moved.pairs());
    };
    let expected = [Clue::Name, Clue::NearDoor, Clue::NearYear];
    assert_eq!(pair.clues, BTreeSet::from(expected));
}

#[test]
fn one_door_of_two_villages_needs_more() {
    let at = |n, space, more: serde_json::Value| {
        let mut fields = json!({"door": if n == 1 { "一巷3号" } else { "1巷3" }});
        fields
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        home(n, space, fields)
    };
    let (none, phone) = (json!({}), json!({"phone": "0757-85430213"}));
    let place = json!({"place": record(77).to_string()});
    let elsewhere = json!({"place": record(78).to_string()});
    assert_eq!(clues(at(1, 1, none.clone()), at(2, 2, none.clone())), None);
    assert_eq!(
        clues(at(1, 1, none.clone()), at(2, 1, none)),
        Some(vec![Clue::Door])
    );
    assert_eq!(
        clues(at(1, 1, phone.clone()), at(2, 2, phone.clone())),
        Some(vec![Clue::Phone, Clue::Door])
    );
    assert_eq!(
        clues(at(1, 1, place.clone()), at(2, 2, place.clone())),
        Some(vec![Clue::Door, Clue::Place])
    );
    assert_eq!(clues(at(1, 1, place), at(2, 1, elsewhere)), None);
    let far = home(2, 2, json!({"door": "仁和里3号", "phone": "0757-85430213"}));
    assert_eq!(clues(at(1, 1, phone), far), None, "a son's telephone");
}

/// Three records of one person.
fn three(marks: [serde_json::Value; 3]) -> Twins {
    let rows = (1_u64..).zip(marks).map(|(n, marks)| {
        let mut fields = json!({"name": "周桂芳", "birth_year": 1948});
        fields
            .as_object_mut()
            .unwrap()
            .extend(marks.as_object().unwrap().clone());
        person(n, u8::try_from(n).unwrap(), fields)
    });
    twins(&rows.collect::<Vec<_>>())
}

fn ends(twins: &Twins) -> Vec<(RecordId, RecordId)> {
    let pairs = twins.pairs().iter();
    pairs.map(|pair| (pair.first, pair.second)).collect()
}

#[test]
fn what_was_said_does_not_come_back() {
    let id = |n| record(n).to_string();
    let none = || json!({});
    assert_eq!(three([none(), none(), none()]).pairs().len(), 3);
    let copy = three([none(), json!({"same_as": id(1)}), none()]);
    assert_eq!(ends(&copy), [(record(1), record(3))]);
    assert_eq!(copy.group_of(&record(2)), [record(1), record(2)]);
    let other = json!({"other_than": [id(2)]});
    let both = three([none(), json!({"same_as": id(1)}), other]);
    assert!(
        both.pairs().is_empty(),
        "what is other than the copy is other than all"
    );
    let chain = three([none(), json!({"same_as": id(1)}), json!({"same_as": id(2)})]);
    assert!(chain.pairs().is_empty());
    assert_eq!(chain.first_of(&record(3)), record(1));
    let gone = three([none(), json!({"same_as": id(99)}), none()]);
    assert_eq!(
        gone.pairs().len(),
        3,
        "a copy of what is not here stands for itself"
    );
}

#[test]
fn contradictions_and_circles_are_no_end() {
    let id = |n| record(n).to_string();
    let none = || json!({});
    let disputed = json!({"same_as": id(1), "other_than": [id(1)]});
    let disputed = three([none(), disputed, none()]);
    assert_eq!(disputed.pairs().len(), 3, "the pair is asked about again");
    let a = json!({"same_as": id(2)});
    let b = json!({"same_as": id(1)});
    let circle = three([a, b, json!({"same_as": id(3)})]);
    for n in [1, 2] {
        assert_eq!(circle.first_of(&record(n)), record(1));
        assert_eq!(circle.group_of(&record(n)), [record(1), record(2)]);
    }
    assert_eq!(ends(&circle), [(record(1), record(3))]);
}

#[test]
fn comparisons_grow_with_the_rows_and_not_with_their_square() {
    // Everybody is called alike and born in a few years; every hundredth is written down twice.
    let compared = |people: u64| {
        let mut twins = Twins::new(Schema::station());
        let fields = |n: u64| {
            let phone = format!("138{n:08}");
            json!({"name": "李伟", "birth_year": 1940 + n % 5, "phone": phone})
        };
        for n in 0..people {
            twins.put(&person(n, u8::try_from(n % 6).unwrap(), fields(n)));
            if n % 100 == 0 {
                twins.put(&person(people + n, 7, fields(n)));
            }
        }
        let is_twice = |pair: &&Pair| pair.clues.contains(&Clue::Phone);
        let twice = twins.pairs().iter().filter(is_twice).count() as u64;
        assert_eq!(twice, people / 100);
        twins.find().1 as u64
    };
    let neighbours = u64::try_from(NEIGHBOURS_MAX).unwrap();
    for people in [1_000, 4_000] {
        let rows = people + people / 100;
        let (compared, square) = (compared(people), rows * rows / 10);
        assert!(
            compared <= (neighbours + 1) * rows,
            "{compared} of {square}"
        );
    }
}

#[test]
fn people_with_nothing_in_common_are_not_compared() {
    let mut twins = Twins::new(Schema::station());
    for n in 0..2_000_u64 {
        let fields = json!({"name": format!("周{n}"), "birth_year": 1948});
        twins.put(&person(n, 1, fields));
        let door = format!("石桥巷{n}号");
        twins.put(&home(10_000 + n, 1, json!({"door": door})));
    }
    assert_eq!(twins.find().1, 0);
}

fn any_row() -> impl Strategy<Value = ViewRow> {
    let name = prop::sample::select(vec!["周桂芳", "周奶奶", "李伟", "Wang Fang", ""]);
    let door = prop::sample::select(vec!["10号", "石桥巷10号", "石桥巷十号之一", "3幢", ""]);
    let phone = prop::sample::select(vec!["15800000213", "85430213、15800000213", ""]);
    let link = 0_u64..14;
    let ids = (0_u64..14, name, door, phone, 0_i64..3, link.clone());
    (
        ids,
        link.clone(),
        prop::collection::vec(link, 0..2),
        1_u8..3,
    )
        .prop_map(
            |((n, name, door, phone, year, home_of), same, others, space)| {
                let id = |n: u64| record(n).to_string();
                let others: Vec<String> = others.into_iter().map(id).collect();
                let mut fields = json!({"phone": phone, "other_than": others});
                if same % 3 == 0 {
                    fields["same_as"] = id(same).into();
                }
                if n < 8 {
                    fields["name"] = name.into();
                    fields["birth_year"] = (1947 + year).into();
                    fields["home"] = id(home_of).into();
                    person(n, space, fields)
                } else {
                    fields["door"] = door.into();
                    home(n, space, fields)
                }
            },
        )
}

proptest! {
    #[test]
    fn order_in_which_rows_come_and_go_does_not_matter(
        rows in prop::collection::vec(any_row(), 0..40),
        removed in prop::collection::vec(0_u64..14, 0..6),
        shuffle in any::<u64>(),
    ) {
        let mut followed = twins(&rows);
        // Looked at in between, so that nothing of what was found then stays.
        let _before = followed.pairs().len();
        removed.iter().for_each(|n| followed.remove(&record(*n)));
        let mut last: BTreeMap<RecordId, ViewRow> = BTreeMap::new();
        for row in rows {
            last.insert(row.record, row);
        }
        removed.iter().for_each(|n| drop(last.remove(&record(*n))));
        let mut rest: Vec<ViewRow> = last.into_values().collect();
        rest.sort_by_key(|row| blake3::hash(&[&shuffle.to_be_bytes()[..], row.record.as_bytes()].concat()).as_bytes().to_vec());
        let anew = twins(&rest);
        prop_assert_eq!(followed.pairs(), anew.pairs());
        prop_assert_eq!(&followed.blocks, &anew.blocks);
        prop_assert_eq!(&followed.shared, &anew.shared);
        for row in &rest {
            prop_assert_eq!(followed.group_of(&row.record), anew.group_of(&row.record));
        }
    }
}
