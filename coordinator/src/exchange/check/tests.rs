use jiff::tz::TimeZone;
use proptest::prelude::*;
use rand::rngs::ChaCha8Rng;
use sync_core::id::Millis;
use sync_core::peer::moment;
use sync_core::schema::Schema;
use sync_core::store::RowFilter;

use super::*;
use crate::exchange::apply::apply;
use crate::exchange::mapping::suggest;
use crate::exchange::scene::station;
use crate::exchange::sheet::parse;

struct Station {
    replica: Replica,
    rng: ChaCha8Rng,
    space: LaneId,
}

impl Station {
    fn new() -> Self {
        let (replica, space, rng) = station();
        Self {
            replica,
            rng,
            space,
        }
    }

    fn check(&self, text: &str) -> Checked {
        self.check_as("visit", text)
    }

    fn check_as(&self, kind: &str, text: &str) -> Checked {
        let sheet = parse(text.as_bytes(), "t.csv").unwrap().remove(0);
        let kind = Schema::station().kind(kind).unwrap();
        let mapping = suggest(&sheet, kind).mapping;
        let context = Context {
            replica: &self.replica,
            kind,
            space: Some(self.space),
            zone: TimeZone::UTC,
        };
        check(&sheet, &mapping, &context).unwrap()
    }

    fn apply(&mut self, work: &[Work]) -> usize {
        let Self { replica, rng, .. } = self;
        let mut pieces = 0;
        let now = &mut moment(Millis(3), rng);
        let applied = apply(replica, "visit", work, now, &mut |_| pieces += 1).unwrap();
        assert!(applied.problems.is_empty(), "{:?}", applied.problems);
        pieces
    }

    fn count(&self) -> usize {
        self.replica.list(&RowFilter::default()).unwrap().len()
    }
}

fn counts(checked: &Checked) -> [u64; 4] {
    let Report {
        new,
        same,
        changed,
        refused,
        ..
    } = checked.report;
    [new, same, changed, refused]
}

fn table(rows: usize) -> String {
    let rows = (0..rows).map(|row| format!("{row}号门,2026-03-04,health\n"));
    format!("household,date,purpose\n{}", rows.collect::<String>())
}

#[test]
fn checking_writes_nothing() {
    let station = Station::new();
    let checked = station.check(&table(3));
    assert_eq!(counts(&checked), [3, 0, 0, 0]);
    assert_eq!(checked.report.examples.len(), 3);
    assert_eq!(station.count(), 0);
}

#[test]
fn import_that_is_stopped_in_the_middle_is_finished_by_the_next() {
    let mut station = Station::new();
    let text = table(450);
    let checked = station.check(&text);
    assert_eq!(station.apply(&checked.work[..230]), 2);
    let again = station.check(&text);
    assert_eq!(counts(&again), [220, 230, 0, 0]);
    station.apply(&again.work);
    assert_eq!(station.count(), 450);
    assert_eq!(counts(&station.check(&text)), [0, 450, 0, 0]);
}

#[test]
fn two_imports_of_one_file_planned_at_the_same_time_begin_nothing_twice() {
    let mut station = Station::new();
    let [first, second] = [station.check(&table(5)), station.check(&table(5))];
    station.apply(&first.work);
    let Station { replica, rng, .. } = &mut station;
    let applied = apply(
        replica,
        "visit",
        &second.work,
        &mut moment(Millis(4), rng),
        &mut |_| {},
    );
    assert_eq!(applied.unwrap().problems.len(), 5);
    assert_eq!(station.count(), 5);
}

#[test]
fn one_row_that_the_replica_refuses_does_not_stop_its_piece() {
    let mut station = Station::new();
    let first = station.check(&table(1));
    station.apply(&first.work);
    let mut work = station.check(&table(4)).work;
    work.insert(1, first.work[0].clone());
    let Station { replica, rng, .. } = &mut station;
    let now = &mut moment(Millis(4), rng);
    let applied = apply(replica, "visit", &work, now, &mut |_| {}).unwrap();
    assert_eq!((applied.begun.len(), applied.problems.len()), (3, 1));
    assert_eq!(applied.problems[0].row, 2);
}

#[test]
fn things_with_a_natural_key_stand_in_a_file_once() {
    let station = Station::new();
    let text = "door,size\n仁和里12号,3\n仁和里１２号,4\n";
    let checked = station.check_as("household", text);
    assert_eq!(counts(&checked), [1, 0, 0, 1]);
    assert!(
        checked.report.problems[0]
            .failure
            .is_about("err.import.twice")
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// Whatever is in a file: it is read or refused, and what it does is done once.
    #[test]
    fn any_table_is_imported_once(cells in proptest::collection::vec(
        ("[ -~\\n\"一-十]{0,12}", "(2026-03-0[0-9]|[ -~]{0,8})", "(health|健康随访|x)"), 0..12,
    )) {
        let mut station = Station::new();
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer.write_record(["household", "date", "purpose"]).unwrap();
        for (a, b, c) in &cells {
            writer.write_record([a, b, c]).unwrap();
        }
        let text = String::from_utf8(writer.into_inner().unwrap()).unwrap();
        let checked = station.check(&text);
        let [new, same, changed, _] = counts(&checked);
        prop_assert_eq!(same + changed, 0);
        station.apply(&checked.work);
        prop_assert_eq!(station.count() as u64, new);
        prop_assert_eq!(&counts(&station.check(&text))[..3], &[0, new, 0]);
    }

    #[test]
    fn no_bytes_end_the_program(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        for start in ["", "PK\u{3}\u{4}", "{\"type\":\"FeatureCollection\",\"features\":["] {
            let bytes = [start.as_bytes(), &bytes].concat();
            // Read or refused.
            let _either = parse(&bytes, "x");
        }
    }
}
