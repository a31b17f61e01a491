//! The station's account: alike on all devices with the same records, and what its filters count.

use super::*;
use crate::view::statistics::Question;
use crate::view::statistics::account::{MEASURES, What};

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
