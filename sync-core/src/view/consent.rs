//! What a resident or a household has agreed to, out of the consents that are written down about them.
//!
//! Each consent says to what (*purposes*), from which day on and until when; one that was withdrawn counts as
//! a word of the day on which it was withdrawn, so that it also ends what was said of the same purpose before.
//! A later consent begins anew. The answer follows from the rows and from `today` alone.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value as Json;

use crate::schema::day_of;
use crate::store::ViewRow;

use super::day_at;

/// The kind that says it.
pub const CONSENT: &str = "consent";
/// Its field that leads to whom it is about.
pub const ABOUT_FIELD: &str = "about";
/// Its state once it was withdrawn.
pub const WITHDRAWN: &str = "withdrawn";

const GIVEN: &str = "given";
const PURPOSES_FIELD: &str = "purposes";
const UNTIL_FIELD: &str = "until";

/// How somebody stands to what is written down about them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Consent {
    /// Nobody has written down that they were asked.
    None,
    /// They have agreed.
    Given {
        /// The first day, `YYYY-MM-DD`, on which something that they agreed to ends; none if nothing does.
        until: Option<String>,
        /// What they do not agree to any more, as the choices of the field `purposes`.
        withdrawn: BTreeSet<String>,
    },
    /// They had agreed, and it has ended.
    Expired {
        /// Its last day.
        on: String,
    },
    /// They do not agree any more.
    Withdrawn {
        /// The day on which that was written down.
        on: String,
    },
}

/// What one consent says.
struct Said {
    purposes: BTreeSet<String>,
    /// The day, and of one day the moment by the clock of the one who wrote it.
    begin: (String, i64),
    until: Option<String>,
    /// When it was withdrawn.
    withdrawn: Option<(String, i64)>,
    is_given: bool,
    changed_on: String,
}

impl Said {
    fn read(row: &ViewRow) -> Self {
        let fields = row.values();
        let text = |name: &str| fields.get(name).and_then(Json::as_str);
        let purposes = fields.get(PURPOSES_FIELD).and_then(Json::as_array);
        let purposes = purposes.into_iter().flatten().filter_map(Json::as_str);
        let mut purposes: BTreeSet<String> = purposes.map(str::to_owned).collect();
        if purposes.is_empty() {
            // It does not say to what: it is a purpose of its own.
            purposes.insert(String::new());
        }
        let on = |at| day_at(at).unwrap_or_default();
        let changed_on = on(row.updated_at);
        let day = row.day.clone().unwrap_or_else(|| on(row.created_at));
        let is_withdrawn = row.state.as_deref() == Some(WITHDRAWN);
        Self {
            purposes,
            begin: (day, row.created_at.0),
            until: text(UNTIL_FIELD).and_then(day_of).map(str::to_owned),
            withdrawn: is_withdrawn.then(|| (changed_on.clone(), row.updated_at.0)),
            is_given: row.state.as_deref() == Some(GIVEN),
            changed_on,
        }
    }

    fn is_over(&self, today: &str) -> bool {
        !self.is_given || self.until.as_deref().is_some_and(|until| until < today)
    }

    /// The day with which it ended.
    fn ended(&self) -> &str {
        self.until.as_deref().unwrap_or(&self.changed_on)
    }
}

/// A day when something ends; what never ends comes last.
type End = (bool, Option<String>);

impl Consent {
    /// Out of the rows of all consents about one person or home; `today` as `YYYY-MM-DD`.
    #[must_use]
    pub fn of<'r>(rows: impl IntoIterator<Item = &'r ViewRow>, today: &str) -> Self {
        let said: Vec<Said> = rows.into_iter().map(Said::read).collect();
        let mut withdrawn: BTreeMap<&str, &(String, i64)> = BTreeMap::new();
        for one in &said {
            let Some(at) = &one.withdrawn else { continue };
            for purpose in &one.purposes {
                let last = withdrawn.entry(purpose).or_insert(at);
                *last = at.max(last);
            }
        }
        let ends = in_force(&said, &withdrawn, today);
        let first = ends.values().min().cloned();
        if let Some((_, until)) = first {
            let gone = withdrawn.keys().filter(|it| !ends.contains_key(**it));
            let withdrawn = gone.map(|purpose| (*purpose).to_owned()).collect();
            return Self::Given { until, withdrawn };
        }
        if let Some((on, _)) = withdrawn.into_values().max() {
            return Self::Withdrawn { on: on.clone() };
        }
        let last = said.iter().map(Said::ended).max();
        last.map_or(Self::None, |on| Self::Expired { on: on.to_owned() })
    }
}

/// What is agreed to on a day, with the day until which it is.
fn in_force<'s>(
    said: &'s [Said],
    withdrawn: &BTreeMap<&str, &(String, i64)>,
    today: &str,
) -> BTreeMap<&'s str, End> {
    let mut ends: BTreeMap<&str, End> = BTreeMap::new();
    for one in said.iter().filter(|one| !one.is_over(today)) {
        for purpose in &one.purposes {
            let end = withdrawn.get(purpose.as_str());
            if end.is_some_and(|end| one.begin <= **end) {
                continue;
            }
            let until: End = (one.until.is_none(), one.until.clone());
            let last = ends.entry(purpose).or_insert_with(|| until.clone());
            *last = until.max(last.clone());
        }
    }
    ends
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::id::{DeviceId, LaneId, Millis, RecordId};

    const TODAY: &str = "2026-09-17";

    /// The moment of a day at noon in Guangdong.
    fn noon(day: &str) -> Millis {
        let at: jiff::Timestamp = format!("{day}T12:00:00+08:00").parse().unwrap();
        Millis(at.as_millisecond())
    }

    fn row(state: &str, day: &str, changed: &str, purposes: &[&str], until: &str) -> ViewRow {
        ViewRow {
            record: RecordId::new([1; 16]),
            kind: CONSENT.to_owned(),
            space: LaneId::new([1; 16]),
            state: Some(state.to_owned()),
            due: None,
            day: Some(day.to_owned()),
            title: String::new(),
            fields: json!({ "purposes": purposes, "until": until }).to_string(),
            created_by: DeviceId::new([1; 32]),
            created_at: noon(day),
            updated_by: DeviceId::new([1; 32]),
            updated_at: noon(changed),
            conflicts: 0,
        }
    }

    fn given(day: &str, purposes: &[&str], until: &str) -> ViewRow {
        row(GIVEN, day, day, purposes, until)
    }

    fn withdrawn(day: &str, on: &str, purposes: &[&str]) -> ViewRow {
        row(WITHDRAWN, day, on, purposes, "")
    }

    fn still(until: Option<&str>, withdrawn: &[&str]) -> Consent {
        Consent::Given {
            until: until.map(str::to_owned),
            withdrawn: withdrawn.iter().map(|it| (*it).to_owned()).collect(),
        }
    }

    fn gone(on: &str) -> Consent {
        Consent::Withdrawn { on: on.to_owned() }
    }

    #[test]
    fn consent_is_given_until_its_last_day() {
        assert_eq!(Consent::of([], TODAY), Consent::None);
        let open = given("2026-01-01", &["visits"], "");
        assert_eq!(Consent::of([&open], TODAY), still(None, &[]));
        let today = given("2026-01-01", &["visits"], TODAY);
        assert_eq!(Consent::of([&today], TODAY), still(Some(TODAY), &[]));
        let over = given("2025-01-01", &["visits"], "2026-09-16");
        let on = "2026-09-16".to_owned();
        assert_eq!(Consent::of([&over], TODAY), Consent::Expired { on });
        let said = row("expired", "2025-01-01", "2026-02-02", &["visits"], "");
        let on = "2026-02-02".to_owned();
        assert_eq!(Consent::of([&said], TODAY), Consent::Expired { on });
        assert_eq!(Consent::of([&over, &open], TODAY), still(None, &[]));
        let photos = given("2026-01-01", &["photos"], "2026-12-31");
        let until = Some("2026-12-31");
        assert_eq!(Consent::of([&open, &photos], TODAY), still(until, &[]));
    }

    #[test]
    fn withdrawal_ends_what_was_said_before_it_of_the_same_and_a_later_consent_begins_anew() {
        let old = given("2026-01-01", &["visits"], "");
        let ended = withdrawn("2025-05-05", "2026-06-06", &["visits"]);
        assert_eq!(Consent::of([&old, &ended], TODAY), gone("2026-06-06"));
        assert_eq!(Consent::of([&ended, &old], TODAY), gone("2026-06-06"));
        let anew = given("2026-07-07", &["visits"], "");
        assert_eq!(Consent::of([&old, &ended, &anew], TODAY), still(None, &[]));
        let same_day = given("2026-06-06", &["visits"], "");
        assert_eq!(Consent::of([&ended, &same_day], TODAY), gone("2026-06-06"));
    }

    #[test]
    fn withdrawal_of_one_purpose_leaves_the_others() {
        let old = given("2026-01-01", &["visits", "photos"], "");
        let ended = withdrawn("2026-02-02", "2026-06-06", &["photos"]);
        let all = [&old, &ended];
        assert_eq!(Consent::of(all, TODAY), still(None, &["photos"]));
        let rest = withdrawn("2026-02-02", "2026-08-08", &["visits"]);
        let all = [&old, &ended, &rest];
        assert_eq!(Consent::of(all, TODAY), gone("2026-08-08"));
    }

    #[test]
    fn consent_that_does_not_say_to_what_is_read_too() {
        let given = given("2026-01-01", &[], "");
        assert_eq!(Consent::of([&given], TODAY), still(None, &[]));
        let broken = ViewRow {
            fields: "no JSON".to_owned(),
            ..withdrawn("2026-01-01", "2026-03-03", &[])
        };
        assert_eq!(Consent::of([&given, &broken], TODAY), gone("2026-03-03"));
    }
}
