//! Which records are past the time that their community keeps them.
//!
//! The schema says for how many days records of a kind are kept, and single fields of them for less. The
//! time is counted from the last change of the record: what somebody still works on is still needed, and
//! whoever looks at a record can tell from its page when its time is over. So it follows from the entries,
//! the schema and `now` alone. Nothing is erased by itself: people are reminded, and decide.

use crate::id::Millis;
use crate::schema::{Field, Kind, Schema};

const DAY_MILLIS: i64 = 86_400_000;

/// What is past its time at a moment, for [`RowFilter::unchanged_since`](crate::store::RowFilter): each kind
/// that is not kept for good, with the moment before which its records must have been changed last.
#[must_use]
pub fn past(schema: &Schema, now: Millis) -> Vec<(String, Millis)> {
    let kinds = schema.kinds().iter();
    let limited = kinds.filter_map(|kind| Some((kind, kind.retention_days()?)));
    limited
        .map(|(kind, days)| (kind.name().to_owned(), before(now, days)))
        .collect()
}

/// Whether a record that was changed last at this moment is past its time.
#[must_use]
pub fn is_past(kind: &Kind, changed_at: Millis, now: Millis) -> bool {
    let days = kind.retention_days();
    days.is_some_and(|days| changed_at < before(now, days))
}

/// The fields that are kept for a shorter time than their record, and are past it.
pub fn fields_past(
    kind: &Kind,
    changed_at: Millis,
    now: Millis,
) -> impl Iterator<Item = &Field> + '_ {
    let is_past = move |field: &&Field| {
        let days = field.retention_days();
        days.is_some_and(|days| changed_at < before(now, days))
    };
    kind.fields().iter().filter(is_past)
}

fn before(now: Millis, days: u32) -> Millis {
    Millis(now.0.saturating_sub(i64::from(days) * DAY_MILLIS))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Millis = Millis(1_789_608_360_000);

    fn days_ago(days: i64) -> Millis {
        Millis(NOW.0 - days * DAY_MILLIS)
    }

    fn kind(name: &str) -> &'static Kind {
        Schema::station().kind(name).unwrap()
    }

    #[test]
    fn visit_is_past_its_time_three_years_after_its_last_change_and_a_proposal_never() {
        let visit = kind("visit");
        assert_eq!(visit.retention_days(), Some(1095));
        assert!(!is_past(visit, days_ago(1095), NOW));
        assert!(is_past(visit, Millis(days_ago(1095).0 - 1), NOW));
        assert!(!is_past(kind("proposal"), Millis(i64::MIN), NOW));
        assert!(
            !is_past(visit, Millis(0), Millis(i64::MIN)),
            "a clock gone wrong"
        );
    }

    #[test]
    fn filter_names_the_kinds_that_are_not_kept_for_good() {
        let past = past(Schema::station(), NOW);
        let of = |name: &str| {
            let mut of_kind = past.iter().filter(|(kind, _)| kind == name);
            of_kind.next().map(|(_, before)| *before)
        };
        assert_eq!(of("visit"), Some(days_ago(1095)));
        assert_eq!(of("resident"), Some(days_ago(1825)));
        assert_eq!(of("proposal"), None);
    }

    #[test]
    fn place_of_a_visit_is_past_its_time_before_the_visit() {
        let names = |changed_at| -> Vec<&str> {
            let fields = fields_past(kind("visit"), changed_at, NOW);
            fields.map(Field::name).collect()
        };
        assert_eq!(names(days_ago(366)), ["point"]);
        assert_eq!(names(days_ago(365)), [""; 0]);
    }
}
