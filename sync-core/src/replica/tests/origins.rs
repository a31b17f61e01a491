//! Rows of files: the same row is the same record, wherever its maker is known.

use super::*;
use crate::record::KindName;
use crate::replica::{Import, Origin, natural_record};
use crate::schema::Schema;

impl Phone {
    fn import(
        &mut self,
        kind: &str,
        space: LaneId,
        row: &str,
        fields: &[(&str, &str)],
    ) -> Result<RecordId, ReplicaError> {
        let known = Schema::station().kind(kind).unwrap();
        let edits = fields
            .iter()
            .map(|(field, typed)| known.parse_edit(field, typed).unwrap())
            .collect();
        let origin = Origin::of("odk", row);
        let Self { replica, rng, now } = self;
        let moment = &mut Moment {
            now: Millis(*now),
            rng,
        };
        let made = replica.import(kind, space, &[Import { origin, edits }], moment)?;
        Ok(made[0])
    }
}

const VISIT: [(&str, &str); 3] = [
    ("household", "3号门"),
    ("date", "2026-03-04"),
    ("purpose", "health"),
];

#[test]
fn row_that_was_imported_is_found_again_and_not_begun_twice() {
    let (mut founder, mut volunteer, space) = village();
    let made = volunteer.import("visit", space, "uuid:1", &VISIT).unwrap();
    let again = volunteer.import("visit", space, "uuid:1", &VISIT);
    assert!(
        matches!(again, Err(ReplicaError::AlreadyThere(_))),
        "{again:?}"
    );
    let other = volunteer.import("visit", space, "uuid:2", &VISIT).unwrap();
    assert_ne!(made, other);
    meet(&mut volunteer, &mut founder);
    // Others know the log that it came by.
    let kind = KindName::new("visit").unwrap();
    let logs = founder.replica.store().logs().unwrap();
    let mut ids = logs.iter().map(|log| {
        Origin::of("odk", "uuid:1").record_id(&kind, &space, &log.device, &log.incarnation)
    });
    assert!(ids.any(|id| id == made));
    assert_eq!(
        founder.titles().len(),
        2,
        "imported records merge like any other"
    );
}

#[test]
fn row_is_another_record_in_another_space_kind_or_source() {
    let origin = Origin::of("odk", "1");
    assert_ne!(origin, Origin::of("kobo", "1"));
    assert_ne!(Origin::of("a", "bc"), Origin::of("ab", "c"));
    let (mut founder, _, space) = village();
    let commons = founder.replica.find_space("commons").unwrap();
    let here = founder.import("visit", space, "1", &VISIT).unwrap();
    let there = founder.import("visit", commons, "1", &VISIT).unwrap();
    assert_ne!(here, there);
}

#[test]
fn imported_things_with_a_natural_key_go_by_it() {
    let (mut founder, _, space) = village();
    let door = [("door", "仁和里12号")];
    let made = founder.import("household", space, "1", &door).unwrap();
    let household = Schema::station().kind("household").unwrap();
    assert_eq!(
        natural_record(household, &space, " 仁和里１２号"),
        Some(made)
    );
    let again = founder.import("household", space, "2", &door);
    assert!(matches!(again, Err(ReplicaError::AlreadyThere(_))));
    assert_eq!(natural_record(household, &space, &"户".repeat(300)), None);
    let visit = Schema::station().kind("visit").unwrap();
    assert_eq!(natural_record(visit, &space, "x"), None);
}

#[test]
fn erased_record_is_not_imported_again() {
    let (mut founder, _, space) = village();
    let made = founder.import("visit", space, "1", &VISIT).unwrap();
    let Phone { replica, rng, now } = &mut founder;
    let moment = &mut Moment {
        now: Millis(*now),
        rng,
    };
    replica.erase(&[made], moment).unwrap();
    let again = founder.import("visit", space, "1", &VISIT);
    assert!(
        matches!(again, Err(ReplicaError::RecordErased)),
        "{again:?}"
    );
}
