//! Tables from office computers.

use crate::run::{Desk, Ran};

const HEAD: &str = "住户,走访日期,走访目的,走访情况\n";
const GOOD: &str =
    "3号门 王奶奶,2026/3/4,健康随访,\"血压偏高，\n屋顶漏水\"\n4号门,2026-03-05,health,\n";

fn import(desk: &Desk, bytes: &[u8], more: &[&str]) -> Ran {
    let file = desk.file("table.csv", bytes);
    let file = file.to_str().unwrap();
    let args = [
        "import",
        file,
        "--kind",
        "visit",
        "--space",
        "良登村",
        "--json",
    ];
    desk.run(args.iter().chain(more))
}

fn titles(desk: &Desk) -> Vec<String> {
    let list = desk.run(["list", "--json"]).ok().json();
    let mut titles: Vec<String> = list
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["title"].as_str().unwrap().to_owned())
        .collect();
    titles.sort();
    titles
}

#[test]
fn utf8_with_and_without_mark_and_gb18030_give_the_same_records() {
    let text = format!("{HEAD}{GOOD}");
    let marked = format!("\u{feff}{text}");
    let (gb18030, _, _) = encoding_rs::GB18030.encode(&text);
    for bytes in [text.as_bytes(), marked.as_bytes(), &gb18030] {
        let desk = Desk::with_village();
        let report = import(&desk, bytes, &[]).ok().json();
        assert_eq!(report["imported"], 2, "{report}");
        assert_eq!(titles(&desk), ["3号门 王奶奶", "4号门"]);
        assert_eq!(report["records"].as_array().unwrap().len(), 2);
    }
}

#[test]
fn bad_rows_are_named_by_line_and_skipped_when_asked() {
    let desk = Desk::with_village();
    let table = format!("{HEAD}{GOOD}5号门,yesterday,health,\n\n,2026-03-04,health,\n");
    let report = import(&desk, table.as_bytes(), &["--skip"]).ok().json();
    assert_eq!(report["imported"], 2);
    let lines: Vec<u64> = report["skipped"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["line"].as_u64().unwrap())
        .collect();
    assert_eq!(lines, [5, 7]);
    assert!(
        report["skipped"][0]["reason"]
            .as_str()
            .unwrap()
            .contains("date")
    );
    let desk = Desk::with_village();
    let file = desk.file("table.csv", &table);
    let plain = desk
        .run([
            "import",
            file.to_str().unwrap(),
            "--kind",
            "visit",
            "--space",
            "良登村",
            "--skip",
        ])
        .ok();
    assert!(
        plain.err.contains("line 5: ") && plain.err.contains("line 7: "),
        "{plain:?}"
    );
    assert!(
        plain.out.contains("Imported 2 rows; 2 rows were skipped."),
        "{plain:?}"
    );
}

#[test]
fn files_with_bad_rows_and_dry_runs_import_nothing() {
    let desk = Desk::with_village();
    let table = format!("{HEAD}{GOOD}5号门,yesterday,health,\n");
    let said = import(&desk, table.as_bytes(), &[]).fails(15);
    assert!(said.contains("line 5") && said.contains("--skip"), "{said}");
    let report = import(&desk, table.as_bytes(), &["--dry-run"]).ok().json();
    assert_eq!(
        (&report["imported"], &report["good"]),
        (&0.into(), &2.into())
    );
    assert!(titles(&desk).is_empty());
    import(&desk, format!("{HEAD}{GOOD}").as_bytes(), &[]).ok();
    assert_eq!(titles(&desk).len(), 2);
}

#[test]
fn files_that_are_no_tables_are_refused_whole() {
    let desk = Desk::with_village();
    assert!(
        import(&desk, b"\xff\xff\xff\n", &[])
            .fails(15)
            .contains("GB18030")
    );
    assert!(import(&desk, b"", &[]).fails(15).contains("empty"));
    let cut = format!("{HEAD}3号门,\"2026");
    assert!(
        import(&desk, cut.as_bytes(), &[])
            .fails(15)
            .contains("line 2")
    );
    let mut flipped = format!("{HEAD}{GOOD}").into_bytes();
    let place = HEAD.len() + 1 + "号门 ".len();
    flipped[place] ^= 0x20;
    assert!(import(&desk, &flipped, &[]).fails(15).contains("line 2"));
    assert!(
        import(&desk, "住户,颜色\nA,红\n".as_bytes(), &[])
            .fails(4)
            .contains("颜色")
    );
    let missing = [
        "import",
        "nowhere.csv",
        "--kind",
        "visit",
        "--space",
        "良登村",
    ];
    assert!(desk.run(missing).fails(15).contains("nowhere.csv"));
    assert!(titles(&desk).is_empty());
}
