//! A community's own additions to the schema: everybody who has the same has the same rows.

use proptest::prelude::*;
use rand::RngExt;

use super::*;
use crate::schema::{SchemaAddition, SchemaError};
use crate::store::fault::{FaultKind, FaultStore};
use crate::store::{StoreError, ViewRow};

/// Proposals with a day when an answer is due, or without it, and other words for them.
fn answers(version: u32, with_due: bool) -> SchemaAddition {
    let due = r#"{"name": "answer_due", "type": "date", "labels": {"zh": "答复期限", "en": "Answer due"}}"#;
    let fields = if with_due { due } else { "" };
    let json = format!(
        r#"{{"id": "answers", "version": {version}, "kinds": [{{"name": "proposal",
            "labels": {{"zh": "提案{version}", "en": "Proposal {version}"}}, "fields": [{fields}]}}]}}"#
    );
    SchemaAddition::parse(&json).unwrap()
}

/// A kind that the station does not have.
fn lessons() -> SchemaAddition {
    let json = r#"{"id": "lessons", "version": 1, "kinds": [{"name": "lesson",
        "labels": {"zh": "课程", "en": "Lesson"}, "title": "what", "create": "lead",
        "edit": {"any": {"least": "lead"}}, "fields": [
            {"name": "what", "type": "line", "required": true, "labels": {"zh": "内容", "en": "What"}},
            {"name": "day", "type": "date", "required": true, "labels": {"zh": "日期", "en": "Day"}},
            {"name": "teacher", "type": "member", "labels": {"zh": "老师", "en": "Teacher"}}]}]}"#;
    SchemaAddition::parse(json).unwrap()
}

impl Phone {
    fn extends(&mut self, addition: &SchemaAddition) -> Result<bool, ReplicaError> {
        self.now += 1000;
        self.with_moment(|replica, moment| replica.extend_schema(addition, moment))
    }

    fn proposes(&mut self, space: LaneId, title: &str) -> RecordId {
        let fields = [
            ("title", title),
            ("category", "roads"),
            ("level", "village"),
        ];
        self.put("proposal", space, &fields)
    }

    fn rows(&self) -> Vec<ViewRow> {
        self.replica.list(&RowFilter::default()).unwrap()
    }
}

#[test]
fn added_field_is_written_shown_and_due_on_every_phone() {
    let (mut founder, mut volunteer, space) = village();
    let record = founder.proposes(space, "桥头路灯");
    meet(&mut volunteer, &mut founder);
    assert!(founder.extends(&answers(1, true)).unwrap());
    founder.edit(record, "answer_due", "2026-05-01");
    let due = |phone: &Phone| phone.rows()[0].due.clone();
    assert_eq!(due(&founder).as_deref(), Some("2026-05-01"));
    assert_eq!(due(&volunteer), None);
    meet(&mut volunteer, &mut founder);
    assert_eq!(volunteer.replica.schema(), founder.replica.schema());
    assert_eq!(volunteer.rows(), founder.rows());
    assert_eq!(due(&volunteer).as_deref(), Some("2026-05-01"));
    // Without the field again, what was written stays and is due no more.
    assert!(founder.extends(&answers(2, false)).unwrap());
    meet(&mut volunteer, &mut founder);
    assert_eq!((due(&founder), due(&volunteer)), (None, None));
    assert!(volunteer.rows()[0].fields.contains("2026-05-01"));
    assert_eq!(volunteer.rows(), founder.rows());
}

#[test]
fn whoever_may_not_is_refused_and_so_is_what_breaks_a_rule() {
    let (mut founder, mut volunteer, space) = village();
    let refused = volunteer.extends(&answers(1, true)).unwrap_err();
    let least = Role::Coordinator;
    assert_eq!(refused, ReplicaError::NotAllowed { least });
    let loosened =
        r#"{"id": "x", "version": 1, "kinds": [{"name": "place", "create": "volunteer"}]}"#;
    let loosened = SchemaAddition::parse(loosened).unwrap();
    let refused = founder.extends(&loosened).unwrap_err();
    assert!(matches!(
        refused,
        ReplicaError::Addition(SchemaError::BuiltIn { .. })
    ));
    assert!(founder.extends(&answers(3, true)).unwrap());
    assert!(
        !founder.extends(&answers(3, true)).unwrap(),
        "that is so already"
    );
    let refused = founder.extends(&answers(2, true)).unwrap_err();
    assert_eq!(refused, ReplicaError::OldAddition(3));
    let unknown =
        founder.with_moment(|replica, moment| replica.create("lesson", space, &[], moment));
    assert!(matches!(unknown, Err(ReplicaError::UnknownKind { .. })));
    meet(&mut volunteer, &mut founder);
    assert!(founder.extends(&lessons()).unwrap());
    founder.put(
        "lesson",
        space,
        &[("what", "量血压"), ("day", "2026-03-04")],
    );
    meet(&mut volunteer, &mut founder);
    let fields = volunteer.replica.schema().kind("lesson").unwrap();
    let fields = fields.parse_assignments(&["what=x".to_owned(), "day=2026-03-05".to_owned()]);
    let refused = volunteer
        .with_moment(|replica, moment| replica.create("lesson", space, &fields.unwrap(), moment));
    let least = Role::Lead;
    assert_eq!(refused, Err(ReplicaError::NotAllowed { least }));
    assert_eq!(volunteer.rows(), founder.rows());
    assert_eq!(volunteer.rows()[0].day.as_deref(), Some("2026-03-04"));
}

#[test]
fn newcomer_and_reopened_store_have_the_same_schema_and_rows() {
    let (mut founder, _, space) = village();
    founder.extends(&lessons()).unwrap();
    founder.extends(&answers(1, true)).unwrap();
    let record = founder.proposes(space, "桥头路灯");
    founder.edit(record, "answer_due", "2026-05-01");
    founder.put(
        "lesson",
        space,
        &[("what", "量血压"), ("day", "2026-03-04")],
    );
    let newcomer = join_by_hand(
        &mut founder,
        Scope::Space(space),
        Role::Volunteer,
        9,
        "新人",
    );
    assert_eq!(newcomer.replica.schema(), founder.replica.schema());
    assert_eq!(newcomer.rows(), founder.rows());
    let rows = founder.rows();
    let keys = DeviceKeys::generate(&mut ChaCha8Rng::seed_from_u64(1));
    let opened = Replica::open(founder.replica.into_store(), Arc::new(keys)).unwrap();
    assert_eq!(opened.list(&RowFilter::default()).unwrap(), rows);
    assert_eq!(opened.schema(), newcomer.replica.schema());
}

#[test]
fn program_that_is_killed_while_rows_follow_an_addition_begins_again() {
    let expected = {
        let (mut phone, _) = writer();
        assert!(phone.rows().iter().all(|row| row.due.is_none()));
        phone.extends(&answers(3, true)).unwrap();
        phone.rows()
    };
    assert!(expected.iter().all(|row| row.due.is_some()));
    for at in 1..12 {
        for kind in [
            FaultKind::KillBefore,
            FaultKind::KillAfterCommit,
            FaultKind::Full,
        ] {
            let (mut phone, keys) = writer();
            let store: Box<dyn std::any::Any> = phone.replica.into_store();
            let store = FaultStore::new(*store.downcast::<MemoryStore>().unwrap());
            let handle = store.handle();
            phone.replica =
                Replica::open(Box::new(store), Arc::<DeviceKeys>::clone(&keys)).unwrap();
            handle.fail_at(at, kind);
            let done = phone.extends(&answers(3, true));
            assert_eq!(
                done.is_err(),
                at <= 2,
                "what came in is durable with its own commit: {at}"
            );
            drop(phone);
            handle.revive();
            let left = handle.take_store().unwrap();
            let mut replica = Replica::open(Box::new(left), keys).unwrap();
            let mut rng = ChaCha8Rng::seed_from_u64(7);
            let moment = &mut Moment {
                now: Millis(9),
                rng: &mut rng,
            };
            replica.extend_schema(&answers(3, true), moment).unwrap();
            let rows = replica.list(&RowFilter::default()).unwrap();
            assert_eq!(rows, expected, "{at} {kind:?}");
        }
    }
}

#[test]
fn rows_that_could_not_follow_do_so_before_the_next_input() {
    let (mut phone, keys) = writer();
    let store: Box<dyn std::any::Any> = phone.replica.into_store();
    let store = FaultStore::new(*store.downcast::<MemoryStore>().unwrap());
    let handle = store.handle();
    phone.replica = Replica::open(Box::new(store), keys).unwrap();
    handle.fail_at(6, FaultKind::Full);
    assert!(phone.extends(&answers(3, true)).unwrap());
    assert!(phone.rows().iter().all(|row| row.due.is_none()));
    handle.fail_at(5, FaultKind::Full);
    let commons = phone.replica.find_space("commons").unwrap();
    let refused =
        phone.with_moment(|replica, moment| replica.create("proposal", commons, &[], moment));
    assert_eq!(refused, Err(ReplicaError::Store(StoreError::Full)));
    phone.proposes(commons, "再来");
    let due = phone.rows().into_iter().filter(|row| row.due.is_some());
    assert_eq!((due.count(), phone.rows().len()), (3, 4));
}

/// The same as [`answers`], with the same words in all versions.
fn wordless(version: u32, with_due: bool) -> SchemaAddition {
    let json = answers(version, with_due).to_json();
    let json = json.replace(&format!("提案{version}"), "提案");
    SchemaAddition::parse(&json.replace(&format!("Proposal {version}"), "Proposal")).unwrap()
}

#[test]
#[cfg(feature = "sqlite")]
fn two_programs_on_one_store_show_rows_by_the_newest_schema() {
    let folder = tempfile::TempDir::new().unwrap();
    let open = || Box::new(crate::store::SqliteStore::open(&folder.path().join("store")).unwrap());
    let keys = Arc::new(DeviceKeys::generate(&mut ChaCha8Rng::seed_from_u64(1)));
    let mut rng = ChaCha8Rng::seed_from_u64(2);
    let mut moment = Moment {
        now: Millis(1),
        rng: &mut rng,
    };
    let founding = Replica::found(open(), keys.clone(), "Danzao", "Li Fang", &[], &mut moment);
    let (mut first, now) = (founding.unwrap().replica, 1_700_000_000_000);
    first
        .extend_schema(&wordless(1, true), &mut moment)
        .unwrap();
    let mut one = Phone {
        replica: first,
        rng: ChaCha8Rng::seed_from_u64(3),
        now,
    };
    let commons = one.replica.find_space("commons").unwrap();
    let record = one.proposes(commons, "桥头路灯");
    one.edit(record, "answer_due", "2026-05-01");
    let replica = Replica::open(open(), keys).unwrap();
    let mut two = Phone {
        replica,
        rng: ChaCha8Rng::seed_from_u64(4),
        now,
    };
    let due = |phone: &Phone| phone.rows()[0].due.is_some();
    assert!(due(&one) && due(&two));
    two.extends(&wordless(2, false)).unwrap();
    assert!(!due(&one) && !due(&two));
    // The first program goes from its first schema to the third, which is like it.
    one.extends(&wordless(3, true)).unwrap();
    assert!(due(&one) && due(&two));
    assert!(two.replica.refresh().unwrap());
    two.proposes(commons, "水沟");
    assert_eq!(two.rows(), one.rows());
    assert_eq!(two.replica.schema(), one.replica.schema());
}

/// A phone with proposals that have a day in a field that their kind does not have at the moment.
fn writer() -> (Phone, Arc<DeviceKeys>) {
    let mut phone = Phone::found(1);
    let keys = DeviceKeys::generate(&mut ChaCha8Rng::seed_from_u64(1));
    let commons = phone.replica.find_space("commons").unwrap();
    phone.extends(&answers(1, true)).unwrap();
    for number in 0..3 {
        let record = phone.proposes(commons, &format!("提案 {number}"));
        phone.edit(record, "answer_due", "2026-05-01");
    }
    phone.extends(&answers(2, false)).unwrap();
    (phone, Arc::new(keys))
}

/// Several people write, add and meet in an order that follows from the seed.
fn live(seed: u64, steps: u32) -> (Vec<Phone>, LaneId) {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let (mut founder, volunteer, space) = village();
    let other = join_by_hand(&mut founder, Scope::Community, Role::Coordinator, 3, "李芳");
    let mut phones = vec![founder, volunteer, other];
    for step in 0..steps {
        let who = rng.random_range(0..3_usize);
        match rng.random_range(0..6_u8) {
            0 if who != 1 => {
                let with_due = rng.random_range(0..2_u8) == 0;
                // Whoever has a newer one already is refused.
                _ = phones[who].extends(&answers(step / 3 + 1, with_due));
            }
            1 if who != 1 => {
                phones[who].extends(&lessons()).unwrap();
            }
            2 => {
                phones[who].proposes(space, &format!("提案 {step}"));
            }
            3 => {
                let phone = &mut phones[who];
                let has_due = phone
                    .replica
                    .schema()
                    .kind("proposal")
                    .unwrap()
                    .field("answer_due");
                let proposals = phone.rows().into_iter().find(|row| row.kind == "proposal");
                if let Some(row) = proposals.filter(|_| has_due.is_some()) {
                    phone.edit(
                        row.record,
                        "answer_due",
                        &format!("2026-05-{:02}", step % 28 + 1),
                    );
                }
            }
            4 if phones[who].replica.schema().kind("lesson").is_some() && who != 1 => {
                phones[who].put(
                    "lesson",
                    space,
                    &[("what", "量血压"), ("day", "2026-03-04")],
                );
            }
            _ => {
                let mut pair = phones.split_off(1);
                let at = rng.random_range(0..pair.len());
                meet(&mut pair[at], &mut phones[0]);
                phones.extend(pair);
            }
        }
    }
    for _ in 0..2 {
        let (first, others) = phones.split_first_mut().unwrap();
        others.iter_mut().for_each(|other| {
            meet(other, first);
        });
    }
    (phones, space)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]
    #[test]
    fn whatever_came_first_schema_and_rows_are_the_same(seed: u64, steps in 5_u32..30) {
        let (mut phones, space) = live(seed, steps);
        let first = &phones[0];
        for phone in &phones {
            prop_assert_eq!(phone.replica.schema(), first.replica.schema());
            prop_assert_eq!(phone.replica.view_digest(&space).unwrap(), first.replica.view_digest(&space).unwrap());
            prop_assert_eq!(phone.rows(), first.rows());
        }
        // Rows are what comes of judging everything again.
        let rows = phones[1].rows();
        phones[1].replica.rebuild_all().unwrap();
        prop_assert_eq!(phones[1].rows(), rows);
    }
}
