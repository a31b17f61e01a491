//! Records as files for other programs.

use relay::relay::Admission;
use serde_json::Value;

use crate::relay::Served;
use crate::run::{Desk, Ran};

fn with_records() -> Desk {
    let desk = Desk::with_village();
    let put = |args: &[&str]| {
        let words = ["put", args[0], "--space", "良登村"];
        let ran = desk.run(words.iter().chain(&args[1..])).ok();
        ran.out.trim().to_owned()
    };
    let home = put(&[
        "household",
        "door=仁和里12号",
        "tags=elder_alone",
        "point=23.02149, 113.12199",
    ]);
    put(&[
        "visit",
        "household=3号门 王奶奶",
        "date=2026-03-04",
        "purpose=health",
        "findings=血压偏高",
        "minutes=95",
        &format!("home={home}"),
        "point=23.02149, 113.12199",
    ]);
    put(&[
        "event",
        "title==SUM(A1:A9)",
        "place=祠堂",
        "date=2026-03-05",
        "category=culture",
        "point=23.021499, 113.121999",
        "materials=茶\n[x] 米",
    ]);
    desk
}

fn export(desk: &Desk, out: &str, more: &[&str]) -> Ran {
    let format = out.rsplit('.').next().unwrap();
    let format = if format == "zip" { "csv" } else { format };
    let out = desk.path(out);
    let out = out.to_str().unwrap();
    let args = ["export", "--format", format, "--out", out];
    desk.run(args.iter().chain(more))
}

fn text(desk: &Desk, name: &str) -> String {
    std::fs::read_to_string(desk.path(name)).unwrap()
}

fn map(desk: &Desk, name: &str) -> Value {
    serde_json::from_str(&text(desk, name)).unwrap()
}

#[test]
fn csv_is_marked_as_utf8_and_keeps_residents_out() {
    let desk = with_records();
    let said = export(&desk, "v.csv", &["--kind", "visit"]).ok().out;
    assert!(said.contains("Wrote 1 record to"), "{said}");
    let table = text(&desk, "v.csv");
    assert!(table.starts_with('\u{feff}') && table.ends_with("\r\n"));
    for there in [
        "Date [date]",
        "2026-03-04",
        "Health",
        "3**",
        "95",
        "[$record:visit]",
        "良登村",
    ] {
        assert!(table.contains(there), "{there}: {table}");
    }
    for personal in [
        "王奶奶",
        "血压",
        "仁和里",
        "113.12",
        "[household]",
        "[findings]",
        "[home]",
    ] {
        assert!(!table.contains(personal), "{personal}: {table}");
    }
    let about = text(&desk, "v-about.txt");
    let status = desk.run(["status", "--json"]).ok().json();
    let digest = status["digest"].as_str().unwrap();
    for there in ["丹灶", "李芳", digest, "Findings"] {
        assert!(about.contains(there), "{there}: {about}");
    }
    assert!(about.contains("居民个人") && about.contains("residents were left out"));
}

#[test]
fn personal_data_is_in_it_when_an_owner_asks_and_the_file_says_so() {
    let desk = with_records();
    let said = export(&desk, "v.csv", &["--kind", "visit", "--personal"])
        .ok()
        .out;
    assert!(said.contains("contains personal data"), "{said}");
    let table = text(&desk, "v.csv");
    for there in [
        "3号门 王奶奶",
        "血压偏高",
        "仁和里12号",
        "\"23.021, 113.122\"",
    ] {
        assert!(table.contains(there), "{there}: {table}");
    }
    assert!(text(&desk, "v-about.txt").contains("含有居民个人信息"));
}

#[test]
fn personal_data_is_refused_to_others_than_leads() {
    let served = Served::new(Admission::Open);
    let [owner, volunteer] = [Desk::new(), Desk::new()];
    let relay = served.text();
    owner
        .run(["found", "--name", "丹灶", "--as", "李芳", "--relay", &relay])
        .ok();
    owner.run(["space", "add", "良登村"]).ok();
    let ticket = owner
        .run(["invite", "--space", "良登村", "--role", "volunteer"])
        .ok()
        .out;
    owner.run(["sync"]).ok();
    volunteer
        .run(["join", ticket.trim(), "--name", "阿明"])
        .ok();
    owner.run(["sync"]).ok();
    volunteer.put_visit("3号门 王奶奶");
    for more in [
        &["--kind", "visit"][..],
        &["--kind", "event"],
        &["--space", "良登村"],
    ] {
        let more: Vec<&str> = more.iter().copied().chain(["--personal"]).collect();
        let said = export(&volunteer, "v.csv", &more).fails(5);
        assert!(said.contains("only by a lead"), "{said}");
    }
    assert!(!volunteer.path("v.csv").exists());
    export(&volunteer, "v.csv", &["--kind", "visit"]).ok();
    assert!(text(&volunteer, "v.csv").contains("3**"));
}

#[test]
fn formulas_are_defused_in_csv() {
    let desk = with_records();
    export(&desk, "e.csv", &["--kind", "event"]).ok();
    let table = text(&desk, "e.csv");
    assert!(table.contains(",'=SUM(A1:A9),"), "{table}");
}

#[test]
fn several_kinds_go_into_one_zip_or_workbook() {
    let desk = with_records();
    assert!(export(&desk, "all.csv", &[]).fails(2).contains(".zip"));
    export(&desk, "all.zip", &[]).ok();
    let bytes = std::fs::read(desk.path("all.zip")).unwrap();
    let mut zip = zip::ZipArchive::new(std::io::Cursor::new(bytes)).unwrap();
    let mut names: Vec<String> = (0..zip.len())
        .map(|index| zip.by_index(index).unwrap().name().unwrap().into_owned())
        .collect();
    names.sort();
    assert_eq!(
        names,
        ["about.txt", "event.csv", "household.csv", "visit.csv"]
    );
    export(&desk, "all.xlsx", &["--lang", "zh"]).ok();
    let sheets = calamine::open_workbook_auto(desk.path("all.xlsx")).unwrap();
    let names = calamine::Reader::sheet_names(&sheets);
    assert_eq!(names, ["说明", "入户走访", "活动", "住户档案"]);
}

#[test]
fn workbooks_have_real_days_and_numbers() {
    use calamine::{Data, Reader};
    let desk = with_records();
    export(&desk, "v.xlsx", &["--kind", "visit"]).ok();
    let mut book = calamine::open_workbook_auto(desk.path("v.xlsx")).unwrap();
    let sheet = book.worksheet_range("Home visit").unwrap();
    let cell = |heading: &str| {
        let mut row = sheet.rows().next().unwrap().iter();
        let column = row
            .position(|cell| cell.to_string().contains(heading))
            .unwrap();
        sheet.rows().nth(1).unwrap()[column].clone()
    };
    assert!(
        matches!(cell("[date]"), Data::DateTime(_)),
        "{:?}",
        cell("[date]")
    );
    assert_eq!(cell("[minutes]"), Data::Float(95.0));
    assert_eq!(cell("[purpose]"), Data::String("Health".to_owned()));
}

#[test]
fn maps_have_longitude_first_and_no_finer_than_allowed() {
    let desk = with_records();
    let said = export(&desk, "m.geojson", &[]).ok().out;
    assert!(said.contains("Not on the map"), "{said}");
    let map = map(&desk, "m.geojson");
    assert_eq!(map["type"], "FeatureCollection");
    let features = map["features"].as_array().unwrap();
    assert_eq!(features.len(), 1, "places of homes are personal: {map}");
    assert_eq!(
        features[0]["geometry"]["coordinates"],
        serde_json::json!([113.122, 23.0215])
    );
    assert_eq!(features[0]["properties"]["category"], "culture");
    assert_eq!(
        (&map["banyan"]["records"], &map["banyan"]["personal"]),
        (&1.into(), &false.into())
    );
    export(&desk, "p.geojson", &["--personal"]).ok();
    assert_eq!(
        self::map(&desk, "p.geojson")["features"]
            .as_array()
            .unwrap()
            .len(),
        3
    );
}

#[test]
fn equal_records_make_equal_files() {
    let desk = with_records();
    for (a, b) in [
        ("a.zip", "b.zip"),
        ("a.xlsx", "b.xlsx"),
        ("a.geojson", "b.geojson"),
    ] {
        export(&desk, a, &["--personal"]).ok();
        export(&desk, b, &["--personal"]).ok();
    }
    let same = |a: &str, b: &str| {
        std::fs::read(desk.path(a)).unwrap() == std::fs::read(desk.path(b)).unwrap()
    };
    let csv = |name: &str| {
        export(&desk, name, &["--kind", "visit"]).ok();
    };
    csv("a.csv");
    csv("b.csv");
    assert!(same("a.csv", "b.csv"));
    let without_about = |name: &str| {
        let mut map = map(&desk, name);
        map["banyan"]["made_at"].take();
        map
    };
    assert_eq!(without_about("a.geojson"), without_about("b.geojson"));
}

#[test]
fn files_that_exist_are_replaced_only_by_force() {
    let desk = with_records();
    desk.file("v-about.txt", "mine");
    let said = export(&desk, "v.csv", &["--kind", "visit"]).fails(2);
    assert!(said.contains("v-about.txt"), "{said}");
    assert!(!desk.path("v.csv").exists(), "nothing is written by halves");
    export(&desk, "v.csv", &["--kind", "visit", "--force"]).ok();
    assert!(text(&desk, "v-about.txt").contains("丹灶"));
}

#[test]
fn nothing_to_export_is_said() {
    let desk = Desk::with_village();
    assert!(
        export(&desk, "v.csv", &["--kind", "visit"])
            .fails(4)
            .contains("no such records")
    );
}
