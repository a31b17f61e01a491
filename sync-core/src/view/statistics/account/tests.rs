//! Each figure is what its filter counts, waits are waits that somebody had, and order changes nothing.

use super::*;
use crate::id::{LaneId, Millis, RecordId};
use crate::store::{LinkTarget, Person};

const DAY: i64 = 86_400_000;
const ANN: MemberId = MemberId::new([7; MemberId::LEN]);
const BEN: MemberId = MemberId::new([8; MemberId::LEN]);

fn row(n: u8, kind: &str, state: &str, day: &str, fields: Json) -> ViewRow {
    ViewRow {
        record: RecordId::new([n; RecordId::LEN]),
        kind: kind.to_owned(),
        space: LaneId::new([n % 2; LaneId::LEN]),
        state: Some(state.to_owned()),
        due: None,
        day: Some(day.to_owned()),
        title: String::new(),
        fields: fields.to_string(),
        created_by: DeviceId::new([n % 3; DeviceId::LEN]),
        created_at: Millis(0),
        updated_by: DeviceId::ZERO,
        updated_at: Millis(0),
        conflicts: u32::from(n == 3),
    }
}

/// Device 1 is Ann's; nobody knows the others.
fn member_of(device: &DeviceId) -> Option<MemberId> {
    (*device == DeviceId::new([1; DeviceId::LEN])).then_some(ANN)
}

fn rows() -> Vec<ViewRow> {
    use serde_json::json;
    let (ann, ben) = (ANN.to_string(), BEN.to_string());
    let event = |category, came| json!({ "category": category, "headcount": came });
    vec![
        row(1, "event", "held", "2026-03-01", event("health", 12)),
        row(2, "event", "accepted", "2026-03-09", event("culture", 30)),
        row(3, "event", "planned", "2026-04-01", event("health", 99)),
        row(
            4,
            "training",
            "passed",
            "2026-04-02",
            json!({ "members": [ann, ben] }),
        ),
        row(
            5,
            "training",
            "attended",
            "2026-04-03",
            json!({ "members": [ben] }),
        ),
        row(
            6,
            "training",
            "planned",
            "2026-04-03",
            json!({ "members": [ann] }),
        ),
        row(
            7,
            "hours",
            "claimed",
            "2026-04-03",
            json!({ "member": ben, "minutes": 90 }),
        ),
        row(
            8,
            "hours",
            "confirmed",
            "2026-04-04",
            json!({ "member": ann, "minutes": 30 }),
        ),
        row(
            9,
            "hours",
            "refused",
            "2026-04-04",
            json!({ "member": ann, "minutes": 600 }),
        ),
    ]
}

fn account(question: &Question, rows: &[ViewRow]) -> (Account, People) {
    let schema = Schema::station();
    let mut counting = Counting::new(schema, question);
    for row in rows {
        counting.add(row, &[], member_of);
    }
    counting.finish(Statistics::of(schema, rows), &[])
}

fn total(account: &Account, name: &str) -> i64 {
    account.figures[name].total
}

#[test]
fn figures_take_only_rows_in_their_states_and_add_up_by_space_month_and_category() {
    let (all, _) = account(&Question::default(), &rows());
    assert_eq!((total(&all, "events"), total(&all, "attendance")), (2, 42));
    assert_eq!(all.figures["attendance"].by_category["culture"], 30);
    assert_eq!(all.figures["attendance"].by_month["2026-03"], 42);
    assert_eq!((total(&all, "trainings"), total(&all, "trained")), (2, 2));
    let claimed = total(&all, "minutes_claimed");
    assert_eq!((claimed, total(&all, "minutes_confirmed")), (120, 30));
    assert_eq!((total(&all, "in_conflict"), all.active), (1, 1));
    for figure in all.figures.values() {
        assert!(figure.by_space.values().sum::<i64>() >= figure.total);
    }
}

#[test]
fn hours_are_of_the_member_they_name_and_not_of_who_wrote_them_down() {
    let (_, people) = account(&Question::default(), &rows());
    // Ann's device wrote Ben's hours.
    assert_eq!(people.0["minutes_claimed"][&BEN.to_string()], 90);
    assert_eq!(people.0["minutes_claimed"][&ANN.to_string()], 30);
    assert_eq!(people.0["events"], BTreeMap::from([(ANN.to_string(), 1)]));
    let person = Person {
        member: ANN,
        devices: vec![DeviceId::new([1; DeviceId::LEN])],
    };
    let question = Question {
        person: Some(person),
        ..Question::default()
    };
    let (of_ann, people) = account(&question, &rows());
    assert_eq!(total(&of_ann, "minutes_claimed"), 30);
    assert!(!people.0["minutes_claimed"].contains_key(&BEN.to_string()));
    let filter = Measure::named("minutes_claimed").unwrap().filter(&question);
    assert_eq!(filter.linked, Some(LinkTarget::Member(ANN)));
    assert_eq!(filter.person, None);
}

#[test]
fn order_of_rows_changes_no_byte() {
    let (mut back, question) = (rows(), Question::default());
    back.reverse();
    let json = |rows: &[ViewRow]| serde_json::to_string(&account(&question, rows)).unwrap();
    assert_eq!(json(&rows()), json(&back));
}

fn moved(moves: &[(i64, &str)]) -> Vec<(Millis, String)> {
    let moves = moves.iter();
    moves
        .map(|(days, state)| (Millis(days * DAY), (*state).to_owned()))
        .collect()
}

fn timed(rows: &[(ViewRow, Vec<(Millis, String)>)]) -> (Waits, OnTime) {
    let question = Question::default();
    let mut counting = Counting::new(Schema::station(), &question);
    for (row, moves) in rows {
        assert!(asks_for_moves(
            Schema::station().kind(&row.kind).unwrap(),
            row
        ));
        counting.add(row, moves, member_of);
    }
    let (account, _) = counting.finish(Statistics::default(), &[]);
    (account.waits, account.on_time)
}

#[test]
fn waits_of_needs_end_when_they_are_first_solved_and_those_declined_have_none() {
    let need = |n, state: &str, moves: &[(i64, &str)]| {
        let row = row(n, "need", state, "2026-03-01", serde_json::json!({}));
        (row, moved(moves))
    };
    let (waits, _) = timed(&[
        need(
            1,
            "closed",
            &[
                (3, "solved"),
                (9, "assigned"),
                (20, "solved"),
                (21, "closed"),
            ],
        ),
        need(2, "solved", &[(7, "solved")]),
        need(3, "confirmed", &[(-2, "solved")]),
        need(4, "closed", &[(1, "declined"), (2, "closed")]),
    ]);
    let days = waits.need_days;
    assert_eq!((days.count, days.median, days.p90), (3, 3, 7));
}

#[test]
fn answers_are_timed_from_the_last_time_that_a_record_was_handed_in() {
    let visit = row(1, "visit", "accepted", "2026-03-01", serde_json::json!({}));
    let moves = [
        (0, "draft"),
        (1, "submitted"),
        (3, "returned"),
        (4, "resubmitted"),
        (5, "accepted"),
    ];
    let (waits, _) = timed(&[(visit, moved(&moves))]);
    let hours = waits.review_hours;
    assert_eq!((hours.count, hours.median, hours.p90), (2, 24, 48));
}

#[test]
fn tasks_are_on_time_by_the_day_on_which_they_were_last_done() {
    let task = |n, due: &str, moves: &[(i64, &str)]| {
        let row = row(
            n,
            "task",
            "done",
            "2026-03-01",
            serde_json::json!({ "due": due }),
        );
        (row, moved(moves))
    };
    // Day 1 is the second of January 1970, from four in the afternoon of the first on in UTC.
    let (_, on_time) = timed(&[
        task(1, "1970-01-02", &[(1, "done")]),
        task(2, "1970-01-02", &[(1, "done"), (2, "doing"), (3, "done")]),
        task(3, "", &[(1, "done")]),
    ]);
    assert_eq!((on_time.with_due, on_time.on_time), (2, 1));
}

#[test]
fn promotions_count_people_and_leave_out_those_without_a_day_where_a_time_is_asked() {
    let given = |member, day: Option<&str>| Promotion {
        member,
        space: None,
        day: day.map(str::to_owned),
    };
    let given = [
        given(ANN, Some("2026-03-04")),
        given(ANN, Some("2026-05-04")),
        given(BEN, None),
    ];
    let all = Promoted::of(&given, &Question::default());
    assert_eq!((all.total, all.undated), (2, 1));
    assert_eq!(all.by_space["community"], 2);
    let question = Question {
        from: Some("2026-04-01".to_owned()),
        ..Question::default()
    };
    let since = Promoted::of(&given, &question);
    assert_eq!(
        (since.total, since.undated, since.by_month.len()),
        (1, 0, 1)
    );
}
