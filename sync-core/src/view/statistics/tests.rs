//! Numbers do not hang on the order of rows, and each is what a filter counts.

use super::*;
use crate::id::{DeviceId, Millis, RecordId};

fn row(n: u8, kind: &str, state: Option<&str>, day: &str, fields: &str) -> ViewRow {
    ViewRow {
        record: RecordId::new([n; RecordId::LEN]),
        kind: kind.to_owned(),
        space: LaneId::new([n % 2; LaneId::LEN]),
        state: state.map(str::to_owned),
        due: None,
        day: Some(day.to_owned()),
        title: String::new(),
        fields: fields.to_owned(),
        created_by: DeviceId::ZERO,
        created_at: Millis(0),
        updated_by: DeviceId::ZERO,
        updated_at: Millis(0),
        conflicts: u32::from(n == 3),
    }
}

fn rows() -> Vec<ViewRow> {
    vec![
        row(
            1,
            "event",
            Some("held"),
            "2026-03-01",
            r#"{"category":"health","headcount":12}"#,
        ),
        row(
            2,
            "event",
            Some("held"),
            "2026-03-09",
            r#"{"category":"culture","headcount":30}"#,
        ),
        row(
            3,
            "event",
            Some("planned"),
            "2026-04-01",
            r#"{"category":"health"}"#,
        ),
        row(
            4,
            "training",
            Some("passed"),
            "2026-04-02",
            r#"{"members":["a","b"]}"#,
        ),
        row(
            5,
            "training",
            Some("passed"),
            "2026-04-03",
            r#"{"members":["b","c"]}"#,
        ),
        row(6, "strange", None, "2026-04-03", r#"{"x":1}"#),
    ]
}

#[test]
fn rows_are_counted_by_state_month_choice_and_sum() {
    let all = Statistics::of(Schema::station(), &rows());
    let event = &all.0["event"];
    assert_eq!((event.records, event.in_conflict), (3, 1));
    assert_eq!(
        event.by_state,
        BTreeMap::from([("held".into(), 2), ("planned".into(), 1)])
    );
    assert_eq!(event.by_month["2026-03"], 2);
    assert_eq!(event.by_choice["category"]["health"], 2);
    assert!(!event.by_choice.contains_key("state"));
    assert_eq!(event.sums["headcount"], 42);
    assert_eq!(all.0["training"].different["members"], 3);
    assert_eq!(all.0["strange"].records, 1);
}

#[test]
fn numbers_are_byte_equal_in_whatever_order_rows_come() {
    let mut rows = rows();
    let json =
        |rows: &[ViewRow]| serde_json::to_vec(&Statistics::of(Schema::station(), rows)).unwrap();
    let one = json(&rows);
    rows.reverse();
    assert_eq!(one, json(&rows));
}
