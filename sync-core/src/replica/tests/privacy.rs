//! Records past their time, and people who have withdrawn their consent: found until they are erased.

use super::*;
use crate::store::RowFilter;
use crate::view::consent::Consent;
use crate::view::retention;

const DAY_MILLIS: i64 = 86_400_000;

impl Phone {
    fn past(&self, days_from_now: i64) -> Vec<RecordId> {
        let now = Millis(self.now + days_from_now * DAY_MILLIS);
        let filter = RowFilter {
            unchanged_since: Some(retention::past(self.replica.schema(), now)),
            ..RowFilter::default()
        };
        let rows = self.replica.list(&filter).unwrap();
        assert_eq!(self.replica.count(&filter).unwrap(), rows.len() as u64);
        rows.iter().map(|row| row.record).collect()
    }

    fn consent_of(&self, record: RecordId) -> Consent {
        self.replica.consent(record, Millis(self.now)).unwrap()
    }

    fn withdrawn(&self) -> Vec<RecordId> {
        let found = self.replica.withdrawn(Millis(self.now)).unwrap();
        found.into_iter().collect()
    }

    fn put_consent(&mut self, space: LaneId, about: RecordId) -> RecordId {
        let about = about.to_string();
        let fields = [
            ("subject", "周桂芳"),
            ("about", about.as_str()),
            ("purposes", "visits,health"),
            ("how", "signed"),
            ("date", "2020-01-01"),
        ];
        self.put("consent", space, &fields)
    }

    fn erase_one(&mut self, record: RecordId) {
        self.with_moment(|replica, moment| replica.erase(&[record], moment))
            .unwrap();
    }
}

#[test]
fn record_past_its_time_is_found_until_it_is_changed_or_erased() {
    let (mut founder, _, space) = village();
    let one = visit(&mut founder, space);
    let two = visit(&mut founder, space);
    assert!(founder.past(1094).is_empty());
    assert_eq!(founder.past(1096).len(), 2);
    founder.now += 30 * DAY_MILLIS;
    founder.edit(one, "household", "9号门");
    assert_eq!(founder.past(1094), [two], "what is changed is still needed");
    founder.erase_one(two);
    assert!(founder.past(1094).is_empty());
    assert_eq!(founder.past(1096), [one]);
}

#[test]
fn consent_of_a_resident_is_followed_from_none_to_withdrawn_to_erased() {
    let (mut founder, _, space) = village();
    let born = [("name", "周桂芳"), ("birth_year", "1948")];
    let resident = founder.put("resident", space, &born);
    assert_eq!(founder.consent_of(resident), Consent::None);
    let consent = founder.put_consent(space, resident);
    assert!(matches!(
        founder.consent_of(resident),
        Consent::Given { until: None, .. }
    ));
    assert!(founder.withdrawn().is_empty());
    founder.now += DAY_MILLIS;
    founder.edit(consent, "state", "withdrawn");
    assert!(matches!(
        founder.consent_of(resident),
        Consent::Withdrawn { .. }
    ));
    assert_eq!(founder.withdrawn(), [resident]);
    let copy = founder.put("resident", space, &born);
    assert_eq!(founder.consent_of(copy), Consent::None);
    let settled = founder.with_moment(|replica, moment| {
        replica.settle_twins((resident, copy), Finding::Same, moment)
    });
    assert!(settled.unwrap());
    let mut both = [resident, copy];
    both.sort_unstable();
    assert_eq!(founder.withdrawn(), both, "both records are of her");
    let about = founder.replica.about_any(&both.into()).unwrap();
    assert!(about.contains(&consent) && about.len() == 3);
    founder.erase_one(resident);
    founder.erase_one(copy);
    assert!(founder.withdrawn().is_empty(), "she is erased already");
}
