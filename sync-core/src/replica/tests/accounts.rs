//! The station's account: alike on all devices with the same records, and what its filters count.

use std::collections::BTreeMap;

use super::*;
use crate::view::statistics::Question;
use crate::view::statistics::account::{MEASURES, Measure, What};

/// A founder and a volunteer, each with work that the other has not met yet.
fn at_work() -> (Phone, Phone, LaneId) {
    let (mut founder, mut volunteer, space) = village();
    let need = [
        ("title", "路灯"),
        ("category", "roads"),
        ("urgency", "high"),
    ];
    let need = volunteer.put("need", space, &need);
    founder.put(
        "event",
        space,
        &[
            ("title", "义诊"),
            ("place", "祠堂"),
            ("date", "2026-03-04"),
            ("category", "health"),
        ],
    );
    visit(&mut volunteer, space);
    meet(&mut volunteer, &mut founder);
    founder.edit(need, "state", "triaged");
    volunteer.edit(need, "category", "safety");
    (founder, volunteer, space)
}

fn json(phone: &Phone) -> String {
    let (account, people) = phone.replica.account(&Question::default()).unwrap();
    serde_json::to_string(&(account, people)).unwrap()
}

#[test]
fn account_is_the_same_bytes_where_the_same_is_known_and_each_figure_counts_its_rows() {
    let (mut founder, mut volunteer, space) = at_work();
    assert_ne!(json(&founder), json(&volunteer));
    meet(&mut volunteer, &mut founder);
    meet(&mut volunteer, &mut founder);
    let digests = [&founder, &volunteer].map(|phone| phone.replica.heads_digest().unwrap());
    assert_eq!(digests[0], digests[1]);
    assert_eq!(json(&founder), json(&volunteer));
    let question = Question {
        space: Some(space),
        ..Question::default()
    };
    let (account, _) = founder.replica.account(&question).unwrap();
    assert_eq!((account.figures["needs"].total, account.active), (1, 2));
    for measure in MEASURES.iter().filter(|it| it.what == What::Rows) {
        let counted = founder.replica.count(&measure.filter(&question)).unwrap();
        assert_eq!(account.figures[measure.name].total, counted as i64);
    }
}

#[test]
fn records_are_found_by_what_a_field_is_chosen_to_be_and_not_by_typing_it() {
    let (founder, volunteer, _) = at_work();
    let found = |phone: &Phone, value: &str| {
        let filter = RowFilter {
            kind: Some("need".to_owned()),
            choices: vec![("category".to_owned(), value.to_owned())],
            ..RowFilter::default()
        };
        let rows = phone.replica.list(&filter).unwrap();
        assert_eq!(phone.replica.count(&filter), Ok(rows.len() as u64));
        rows.len()
    };
    assert_eq!(
        (found(&founder, "roads"), found(&founder, "safety")),
        (1, 0)
    );
    assert_eq!(
        (found(&volunteer, "roads"), found(&volunteer, "safety")),
        (0, 1)
    );
    let typed = RowFilter {
        search: Some("category safety".to_owned()),
        ..RowFilter::default()
    };
    assert_eq!(volunteer.replica.count(&typed), Ok(0));
}

#[test]
fn volunteer_who_is_made_a_lead_is_promoted_on_the_day_when_it_was_said() {
    let (mut founder, volunteer, space) = village();
    assert_eq!(founder.replica.promotions(), []);
    let device = volunteer.replica.device();
    let member = founder.replica.roster().member_id(&device).unwrap();
    founder
        .with_moment(|replica, moment| {
            let scope = Scope::Space(space);
            replica.grant(member, scope, Role::Lead, moment)
        })
        .unwrap();
    let promotions = founder.replica.promotions();
    assert_eq!(promotions.len(), 1);
    assert_eq!(
        (promotions[0].member, promotions[0].space),
        (member, Some(space))
    );
    assert!(promotions[0].day.is_some());
    let (account, _) = founder.replica.account(&Question::default()).unwrap();
    assert_eq!((account.promoted.total, account.promoted.undated), (1, 0));
}

/// The rows behind a figure, and the figure.
fn undone(phone: &Phone, name: &str, question: &Question) -> (Vec<String>, i64) {
    let (account, _) = phone.replica.account(question).unwrap();
    let filter = Measure::named(name).unwrap().filter(question);
    let rows = phone.replica.list(&filter).unwrap();
    let mut titles: Vec<String> = rows.into_iter().map(|row| row.title).collect();
    titles.sort();
    (titles, account.figures[name].total)
}

fn spring(space: LaneId) -> Question {
    Question {
        from: Some("2026-03-01".to_owned()),
        to: Some("2026-03-31".to_owned()),
        space: Some(space),
        ..Question::default()
    }
}

#[test]
fn tasks_that_are_open_past_their_day_are_counted_whenever_they_were_begun() {
    let (mut founder, _, space) = village();
    for (title, due) in [
        ("oldest", "2025-12-01"),
        ("last", "2026-03-31"),
        ("later", "2026-04-01"),
    ] {
        founder.put("task", space, &[("title", title), ("due", due)]);
    }
    founder.put("task", space, &[("title", "never")]);
    let done = [("title", "done"), ("due", "2026-03-02")];
    let done = founder.put("task", space, &done);
    founder.edit(done, "state", "done");
    let question = spring(space);
    let (titles, count) = undone(&founder, "tasks_overdue", &question);
    assert_eq!((titles.join(" ").as_str(), count), ("last oldest", 2));
    let (account, _) = founder.replica.account(&question).unwrap();
    let figure = &account.figures["tasks_overdue"];
    assert_eq!(figure.by_space[&space.to_string()], 2);
    assert!(figure.by_month.is_empty());
    // A time without an end ends after everything that is ever due.
    let (titles, count) = undone(&founder, "tasks_overdue", &Question::default());
    assert_eq!((titles.len(), count), (3, 3));
}

#[test]
fn homes_that_no_visit_of_the_time_leads_to_are_counted_and_those_that_were_left_are_not() {
    let (mut founder, _, space) = village();
    let mut homes = BTreeMap::new();
    for door in ["1", "2", "3", "4"] {
        homes.insert(door, founder.put("household", space, &[("door", door)]));
    }
    founder.edit(homes["4"], "status", "moved");
    for (door, day) in [("1", "2026-03-04"), ("2", "2026-02-28")] {
        let home = homes[door].to_string();
        let visit = [
            ("household", door),
            ("date", day),
            ("purpose", "health"),
            ("home", &home),
        ];
        founder.put("visit", space, &visit);
    }
    let (titles, count) = undone(&founder, "households_unvisited", &spring(space));
    assert_eq!((titles.join(" ").as_str(), count), ("2 3", 2));
    let (titles, _) = undone(&founder, "households_unvisited", &Question::default());
    assert_eq!(titles.join(" "), "3");
}
