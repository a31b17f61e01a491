use sync_core::id::Millis;
use sync_core::peer::moment;
use sync_core::schema::Lang;
use sync_core::store::RowFilter;

use super::*;
use crate::exchange::scene::station;

fn surveyed(kind: &str, text: &str) -> Survey {
    let wanted = Wanted {
        kind: Some(kind),
        ..Wanted::default()
    };
    survey(text.as_bytes(), "表.csv", Schema::station(), wanted).unwrap()
}

#[test]
fn columns_come_with_samples_and_what_they_probably_are() {
    let survey = surveyed(
        "visit",
        "住户,Dat,走访目的,颜色\n3号门,2026-03-04,Helth,红\n3号门,2026-03-05,quux,\n",
    );
    let columns = survey.columns();
    assert_eq!(columns[0].field.as_deref(), Some("household"));
    assert_eq!(columns[0].samples, ["3号门"]);
    assert_eq!(columns[1].samples, ["2026-03-04", "2026-03-05"]);
    assert_eq!(columns[2].words[0].word, "quux");
    let left = &columns[3];
    assert!(left.field.is_none() && !left.is_of_the_source);
}

#[test]
fn somebody_says_what_a_word_means_and_sees_it_again() {
    let mut survey = surveyed("visit", "住户,走访日期,走访目的\n3号门,2026-03-04,quux\n");
    assert!(!survey.mean(2, "other", "health"));
    assert!(!survey.mean(2, "quux", "no such choice"));
    assert!(!survey.mean(9, "quux", "health"));
    assert!(survey.mean(2, "quux", "health"));
    let word = survey.columns()[2].words[0].clone();
    assert_eq!(
        (word.word.as_str(), word.meant.as_str()),
        ("quux", "health")
    );
    let (replica, space, _) = station();
    let planned = plan(&survey, &replica, Some(space), TimeZone::UTC).unwrap();
    assert_eq!((planned.report.new, planned.report.refused), (1, 0));
}

#[test]
fn work_is_taken_in_pieces_until_there_is_none() {
    let (replica, space, _) = station();
    let rows = (0..450).map(|row| format!("{row}号门,2026-03-04,健康随访\n"));
    let table = format!("住户,走访日期,走访目的\n{}", rows.collect::<String>());
    let survey = surveyed("visit", &table);
    let mut planned = plan(&survey, &replica, Some(space), TimeZone::UTC).unwrap();
    let sizes: Vec<usize> = std::iter::from_fn(|| Some(planned.take_piece()?.len())).collect();
    assert_eq!(sizes, [200, 200, 50]);
}

#[test]
fn nothing_is_written_while_rows_do_not_fit_unless_they_are_left_out() {
    let (mut replica, space, mut rng) = station();
    let survey = surveyed(
        "visit",
        "住户,走访日期,走访目的\n3号门,2026-03-04,健康随访\n4号门,soon,健康随访\n",
    );
    let planned = plan(&survey, &replica, Some(space), TimeZone::UTC).unwrap();
    let text = Text::of(Lang::Zh);
    let problem = &planned.report.problems[0];
    assert_eq!(problem.column.as_deref(), Some("走访日期"));
    assert!(problem.place(&text).contains('3') && problem.reason(&text).contains("2026"));
    let now = &mut moment(Millis(3), &mut rng);
    let refused = apply(&planned, &mut replica, Misfits::Refuse, now, &mut |_| {});
    assert!(refused.unwrap_err().is_about("err.import.misfits"));
    assert!(replica.list(&RowFilter::default()).unwrap().is_empty());
    let applied = apply(&planned, &mut replica, Misfits::Skip, now, &mut |_| {}).unwrap();
    assert_eq!(applied.begun.len(), 1);
    let again = plan(&survey, &replica, Some(space), TimeZone::UTC).unwrap();
    assert_eq!(
        (again.len(), again.report.same, again.report.refused),
        (0, 1, 1)
    );
}

#[test]
fn somebody_says_what_a_column_is() {
    let mut survey = surveyed("visit", "A,B,住户\nx,2026-03-04,y\n");
    let text = Text::of(Lang::En);
    assert!(survey.clone().settle(&text).is_err());
    survey.assign(0, Some("household")).unwrap();
    survey.assign(1, Some("date")).unwrap();
    let fields: Vec<_> = survey
        .columns()
        .into_iter()
        .map(|column| column.field)
        .collect();
    let expected = [Some("household"), Some("date"), None];
    assert_eq!(fields, expected.map(|field| field.map(str::to_owned)));
    assert!(survey.assign(0, Some("colour")).is_err());
    survey.assign(1, None).unwrap();
    assert_eq!(survey.columns()[1].field, None);
    assert!(survey.settle(&text).unwrap().is_empty());
}

#[test]
fn spaces_and_kinds_must_be_said() {
    let (replica, _, _) = station();
    let text = "住户,走访日期,走访目的\n";
    let none = survey(
        text.as_bytes(),
        "t.csv",
        Schema::station(),
        Wanted::default(),
    );
    assert!(none.unwrap_err().is_about("err.import.no_kind"));
    let none = plan(&surveyed("visit", text), &replica, None, TimeZone::UTC);
    assert!(none.unwrap_err().is_about("err.import.no_space"));
}
