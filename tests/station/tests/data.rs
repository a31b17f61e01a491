//! Facts about the generated data, at the scales that the demo and the benchmarks use.

use std::collections::{BTreeMap, BTreeSet};

use jiff::ToSpan as _;
use jiff::civil::date;
use jiff::tz::TimeZone;
use station::{Act, Language, Scale, Station, Telling, What, generate, generate_as};
use sync_core::schema::{Kind, Schema, Value};

fn fields(act: &Act) -> &[(String, String)] {
    match &act.what {
        What::Create { fields, .. } | What::Edit { fields } => fields,
    }
}

/// The acts of each record, in their order.
fn by_record(station: &Station) -> BTreeMap<usize, Vec<&Act>> {
    let mut records: BTreeMap<usize, Vec<&Act>> = BTreeMap::new();
    for act in &station.acts {
        records.entry(act.record).or_default().push(act);
    }
    records
}

fn kind_of(acts: &[&Act]) -> &'static Kind {
    match &acts.first().expect("a record has acts").what {
        What::Create { kind, .. } => Schema::station().kind(kind).expect("a kind of the station"),
        What::Edit { .. } => panic!("an edit comes before its record"),
    }
}

/// The findings of all visits as first written.
fn notes(station: &Station) -> Vec<&str> {
    let creates = station
        .acts
        .iter()
        .filter(|act| matches!(act.what, What::Create { .. }));
    let findings = creates
        .flat_map(fields)
        .filter(|(field, _)| field == "findings");
    findings.map(|(_, text)| text.as_str()).collect()
}

fn is_chinese(text: &str) -> bool {
    text.chars().any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c))
}

#[test]
fn same_seed_gives_same_data_and_another_seed_other_data() {
    let scale = Scale::times(1);
    assert_eq!(generate(7, &scale), generate(7, &scale));
    assert_ne!(generate(7, &scale).acts, generate(8, &scale).acts);
}

#[test]
fn scales_have_the_records_and_changes_that_benchmarks_name() {
    for (times, seeds) in [(1, 0..5), (10, 0..1)] {
        let scale = Scale::times(times);
        assert_eq!(
            (scale.records(), scale.volunteers()),
            (1_366 * times, 60 * times)
        );
        for seed in seeds {
            let station = generate(seed, &scale);
            assert_eq!(station.villages.len(), 6 * times);
            assert_eq!(station.volunteers.len(), scale.volunteers());
            assert_eq!(by_record(&station).len(), scale.records());
            let changes = station.acts.len();
            assert!(
                (4_400 * times..=5_000 * times).contains(&changes),
                "{changes} changes"
            );
        }
    }
}

#[test]
fn half_of_the_notes_are_chinese_and_hardly_two_are_alike() {
    let station = generate(7, &Scale::times(10));
    let notes = notes(&station);
    let chinese = notes.iter().filter(|note| is_chinese(note)).count();
    assert!(
        (notes.len() * 45 / 100..=notes.len() * 55 / 100).contains(&chinese),
        "{chinese}"
    );
    let distinct: BTreeSet<&str> = notes.iter().copied().collect();
    assert!(
        distinct.len() * 100 > notes.len() * 95,
        "{} of {}",
        distinct.len(),
        notes.len()
    );
    for note in notes {
        assert!((40..=200).contains(&note.chars().count()), "{note}");
    }
}

#[test]
fn every_value_is_valid_for_the_station_schema_and_every_record_complete() {
    for acts in by_record(&generate(7, &Scale::times(10))).values() {
        let kind = kind_of(acts);
        for (index, act) in acts.iter().enumerate() {
            let parse = |(field, text): &(String, String)| {
                let edit = kind.parse_edit(field, text).expect("a valid value");
                let value = edit.value.value().expect("a whole value");
                assert_eq!(&value.to_string(), text, "parsing does not change it");
                edit
            };
            let edits: Vec<_> = fields(act).iter().map(parse).collect();
            assert!(!edits.is_empty());
            assert_eq!(index == 0, matches!(act.what, What::Create { .. }));
            if index == 0 {
                assert_eq!(kind.check_complete(&edits), Ok(()));
            }
        }
    }
}

#[test]
fn acts_are_in_time_order_over_three_years_and_stay_in_their_village() {
    let station = generate(7, &Scale::times(2));
    assert!(station.acts.is_sorted_by_key(|act| act.at));
    // 1 March 2023 and 1 March 2026, midnight UTC.
    let years = 1_677_628_800_000..1_772_323_200_000;
    assert!(station.acts.iter().all(|act| years.contains(&act.at)));
    let mut edited_by_others = 0;
    for acts in by_record(&station).values() {
        assert!(acts.windows(2).all(|two| two[0].at < two[1].at));
        let villages: BTreeSet<_> = acts
            .iter()
            .map(|act| station.volunteers[act.by].village)
            .collect();
        assert_eq!(villages.len(), 1);
        edited_by_others += usize::from(acts.iter().any(|act| act.by != acts[0].by));
    }
    assert!(edited_by_others * 2 > by_record(&station).len());
}

#[test]
fn about_three_records_in_a_hundred_end_with_two_people_at_odds_over_a_field() {
    let station = generate(7, &Scale::times(10));
    let records = by_record(&station);
    let mut disputed = 0;
    for acts in records.values() {
        let Some((last, before)) = acts.split_last() else {
            continue;
        };
        assert!(
            before.iter().all(|act| !act.concurrent),
            "only the last act can be concurrent"
        );
        if !last.concurrent {
            continue;
        }
        disputed += 1;
        let first = before.last().expect("a concurrent act has one before it");
        assert_ne!(first.by, last.by);
        let ([(field, one)], [(same_field, other)]) = (fields(first), fields(last)) else {
            panic!("a dispute is about one field");
        };
        assert_eq!(field, same_field);
        assert_ne!(one, other);
    }
    assert!(
        (2 * records.len()..=4 * records.len()).contains(&(disputed * 100)),
        "{disputed}"
    );
}

#[test]
fn every_edit_changes_each_field_that_it_names() {
    for acts in by_record(&generate(7, &Scale::times(10))).values() {
        let mut state: BTreeMap<&str, &str> = BTreeMap::new();
        let mut before = state.clone();
        for act in acts {
            let seen = if act.concurrent { &before } else { &state };
            for (field, text) in fields(act) {
                assert_ne!(seen.get(field.as_str()), Some(&text.as_str()), "{field}");
            }
            before.clone_from(&state);
            state.extend(
                fields(act)
                    .iter()
                    .map(|(field, text)| (field.as_str(), text.as_str())),
            );
        }
    }
}

#[test]
fn votes_rise_and_long_text_grows_as_people_work_on_it() {
    let station = generate(7, &Scale::times(1));
    let (mut growing, mut edited) = (0, 0);
    for acts in by_record(&station).values() {
        let kind = kind_of(acts);
        let agreed = acts.iter().filter(|act| !act.concurrent);
        let mut votes = 0;
        let mut text_chars = BTreeMap::new();
        for (field, text) in agreed.flat_map(|act| fields(act)) {
            let edit = kind.parse_edit(field, text).expect("a valid value");
            if let ("votes", Some(Value::Number(count))) = (field.as_str(), edit.value.value()) {
                assert!(*count > votes);
                votes = *count;
            }
            if matches!(field.as_str(), "body" | "findings") {
                let before = text_chars.insert(field, text.chars().count());
                edited += usize::from(before.is_some());
                growing += usize::from(before < Some(text.chars().count()) && before.is_some());
            }
        }
    }
    assert!(growing * 10 > edited * 8, "{growing} of {edited}");
}

#[test]
fn station_without_people_or_villages_is_empty() {
    let nobody = Scale {
        volunteers_per_village: 0,
        ..Scale::times(1)
    };
    assert!(generate(7, &nobody).acts.is_empty());
    let nowhere = Scale {
        villages: 0,
        ..Scale::times(1)
    };
    assert!(generate(7, &nowhere).acts.is_empty());
    let alone = Scale {
        volunteers_per_village: 1,
        ..Scale::times(1)
    };
    assert!(generate(7, &alone).acts.iter().all(|act| !act.concurrent));
}

#[test]
fn telling_moves_the_years_ends_them_and_keeps_to_one_language() {
    let scale = Scale::times(1);
    let usual = generate(7, &scale);
    assert_eq!(generate_as(7, &scale, &Telling::default()), usual);
    let last = usual.acts.last().expect("acts").at;
    let end = date(2029, 6, 4);
    let telling = Telling {
        first_day: end.saturating_sub(Telling::BEGIN_DAYS.days()),
        end: Some(end),
        language: Some(Language::Chinese),
    };
    let told = generate_as(7, &scale, &telling);
    let end = end
        .to_zoned(TimeZone::UTC)
        .expect("a day that is")
        .timestamp();
    let end = end.as_millisecond();
    assert!(told.acts.iter().all(|act| act.at < end && act.at > last));
    // Somebody has written in the last week, and some work is unfinished.
    assert!(told.acts.iter().any(|act| act.at > end - 7 * 86_400_000));
    assert!(
        told.acts.len() < usual.acts.len() && by_record(&told).len() == by_record(&usual).len()
    );
    for (field, text) in told.acts.iter().flat_map(fields) {
        let is_typed = matches!(field.as_str(), "title" | "findings" | "household" | "place");
        assert!(
            !is_typed || text.chars().all(|c| !c.is_ascii_alphabetic()),
            "{text}"
        );
    }
}
