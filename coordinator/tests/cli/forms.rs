//! Files of survey programs, maps and our own exports, in and in again.

use serde_json::Value;

use crate::run::{Desk, Ran};

fn data(name: &str) -> String {
    format!("{}/tests/data/{name}", env!("CARGO_MANIFEST_DIR"))
}

fn import(desk: &Desk, file: &str, more: &[&str]) -> Ran {
    desk.run(["import", file, "--json"].iter().chain(more))
}

/// What is imported when the rows that do not fit are left out; without that word nothing is.
fn import_rest(desk: &Desk, file: &str, more: &[&str]) -> Value {
    assert_eq!(import(desk, file, more).code, 15);
    import(desk, file, &[more, &["--skip"]].concat())
        .ok()
        .json()
}

fn rows(desk: &Desk, kind: &str) -> Vec<Value> {
    let rows = desk.run(["list", "--kind", kind, "--json"]).ok().json();
    let mut rows = rows.as_array().unwrap().clone();
    rows.sort_by_key(|row| row["title"].as_str().unwrap().to_owned());
    rows
}

/// The record of a kind that stands first in the order of titles.
fn first(desk: &Desk, kind: &str) -> String {
    rows(desk, kind)[0]["record"].as_str().unwrap().to_owned()
}

/// What a report counts: new, same, changed, problems.
fn counts(report: &Value) -> [u64; 4] {
    let count = |key: &str| report[key].as_u64().unwrap();
    let skipped = report["skipped"].as_array().unwrap().len() as u64;
    [count("new"), count("same"), count("changed"), skipped]
}

const HERE: [&str; 4] = ["--space", "良登村", "--kind", "visit"];

#[test]
fn odk_submissions_become_visits_once() {
    let desk = Desk::with_village();
    let file = data("odk-visits.csv");
    let report = import(&desk, &file, &HERE).ok().json();
    assert_eq!(counts(&report), [2, 0, 0, 0], "{report}");
    assert_eq!(report["left_out"], serde_json::json!(["visit-story"]));
    let visits = rows(&desk, "visit");
    assert_eq!(visits[0]["fields"]["point"], "23.021, 113.122");
    assert_eq!(visits[0]["fields"]["minutes"], 35);
    let again = import(&desk, &file, &HERE).ok().json();
    assert_eq!(counts(&again), [0, 2, 0, 0], "{again}");
    assert_eq!(rows(&desk, "visit").len(), 2);
}

#[test]
fn repeats_find_the_record_of_their_parent() {
    let desk = Desk::with_village();
    import(&desk, &data("odk-visits.csv"), &HERE).ok();
    let mapping = desk.path("m.json");
    let mapping = mapping.to_str().unwrap();
    let file = data("odk-visits-met.csv");
    let task = ["--kind", "task", "--space", "良登村"];
    let write = ["--write-mapping", mapping];
    let ran = desk
        .run(["import", &file].iter().chain(&task).chain(&write))
        .ok();
    assert!(ran.out.contains("m.json"), "{ran:?}");
    let json = std::fs::read_to_string(mapping).unwrap();
    let mut json: Value = serde_json::from_str(&json).unwrap();
    json["columns"][0]["field"] = "title".into();
    json["columns"][2]["field"] = "about".into();
    std::fs::write(mapping, json.to_string()).unwrap();
    // A task may be about any record; then nothing says of which kind the parent is.
    let mapped = ["--space", "良登村", "--mapping", mapping];
    let said = import_rest(&desk, &file, &mapped);
    assert_eq!(counts(&said), [0, 0, 0, 2], "{said}");
    json["kind"] = "need".into();
    json["columns"][2]["field"] = "visit".into();
    json["constants"] = serde_json::json!({"category": "health", "urgency": "low"});
    std::fs::write(mapping, json.to_string()).unwrap();
    let report = import(&desk, &file, &["--space", "良登村", "--mapping", mapping])
        .ok()
        .json();
    assert_eq!(counts(&report), [2, 0, 0, 0], "{report}");
    assert_eq!(
        rows(&desk, "need")[0]["fields"]["visit"],
        first(&desk, "visit")
    );
}

#[test]
fn kobo_submissions_become_households_by_their_doors() {
    let desk = Desk::with_village();
    let file = data("kobo-households.csv");
    let here = ["--space", "良登村", "--kind", "household"];
    // "care" is nobody's name for it but this form's.
    let mapping = desk.path("m.json");
    let mapping = mapping.to_str().unwrap();
    import(
        &desk,
        &file,
        &[&here[..], &["--write-mapping", mapping]].concat(),
    )
    .ok();
    let report = import(&desk, &file, &["--mapping", mapping]).ok().json();
    assert_eq!(counts(&report), [2, 0, 0, 0], "{report}");
    let homes = rows(&desk, "household");
    assert_eq!(homes[0]["fields"]["size"], 3);
    assert_eq!(
        homes[0]["fields"]["tags"],
        serde_json::json!(["chronic", "elder_alone"])
    );
    assert_eq!(homes[0]["fields"]["point"], "23.021, 113.122");
    let again = import(&desk, &file, &["--mapping", mapping]).ok().json();
    assert_eq!(counts(&again), [0, 2, 0, 0], "{again}");
}

#[test]
fn comapeo_and_mapeo_observations_become_places() {
    let desk = Desk::with_village();
    let here = ["--space", "良登村", "--kind", "place"];
    for (file, new) in [("comapeo-places.geojson", 2), ("mapeo-places.geojson", 1)] {
        let report = import(&desk, &data(file), &here).ok().json();
        assert_eq!(counts(&report), [new, 0, 0, 0], "{file} {report}");
        let again = import(&desk, &data(file), &here).ok().json();
        assert_eq!(counts(&again), [0, new, 0, 0], "{file} {again}");
    }
    let places = rows(&desk, "place");
    let well = places.iter().find(|row| row["title"] == "古井").unwrap();
    assert_eq!(well["fields"]["point"], "23.0214, 113.1220");
    assert_eq!(well["fields"]["note"], "水清");
    assert_eq!(well["fields"]["level"], "group");
}

#[test]
fn what_people_changed_since_stays_and_what_the_source_changed_comes() {
    let desk = Desk::with_village();
    let file = data("odk-visits.csv");
    import(&desk, &file, &HERE).ok();
    let visit = first(&desk, "visit");
    desk.run(["edit", &visit, "minutes=40", "findings=现场记录"])
        .ok();
    let again = import(&desk, &file, &HERE).ok().json();
    assert_eq!(
        counts(&again),
        [0, 2, 0, 0],
        "an old file takes nothing back: {again}"
    );
    let table = std::fs::read_to_string(&file).unwrap();
    let newer = table
        .replace(",35,", ",55,")
        .replace(",health,", ",safety,");
    let newer = desk.file("newer.csv", newer);
    let newer = newer.to_str().unwrap();
    let report = import(&desk, newer, &HERE).ok().json();
    assert_eq!(counts(&report), [0, 1, 1, 1], "{report}");
    assert_eq!(report["skipped"][0]["column"], "visit-minutes");
    let fields = &rows(&desk, "visit")[0]["fields"];
    assert_eq!(
        (&fields["minutes"], &fields["purpose"]),
        (&40.into(), &"safety".into())
    );
    assert_eq!(
        counts(&import(&desk, newer, &HERE).ok().json()),
        [0, 2, 0, 1]
    );
}

#[test]
fn erased_record_is_not_imported_again() {
    let desk = Desk::with_village();
    let file = data("odk-visits.csv");
    import(&desk, &file, &HERE).ok();
    let visit = first(&desk, "visit");
    desk.run(["erase", &visit, "--yes"]).ok();
    let again = import_rest(&desk, &file, &HERE);
    assert_eq!(counts(&again), [0, 1, 0, 1], "{again}");
    assert!(
        again["skipped"][0]["reason"]
            .as_str()
            .unwrap()
            .contains("erased")
    );
}

fn exported(desk: &Desk, name: &str, more: &[&str]) -> String {
    let out = desk.path(name);
    let out = out.to_str().unwrap().to_owned();
    let format = name.rsplit('.').next().unwrap();
    let args = ["export", "--format", format, "--out", &out, "--personal"];
    desk.run(args.iter().chain(more)).ok();
    out
}

fn furnished() -> Desk {
    let desk = Desk::with_village();
    import(&desk, &data("odk-visits.csv"), &HERE).ok();
    let visit = first(&desk, "visit");
    let more = [
        "findings==1+1\n第二行",
        "alone=yes",
        "mood=calm",
        "visitors=李芳",
    ];
    desk.run(["edit", &visit].iter().chain(&more)).ok();
    let event = [
        "put",
        "event",
        "--space",
        "良登村",
        "title=@茶",
        "place=祠堂",
        "date=2026-03-05",
    ];
    let more = [
        "category=culture",
        "materials=茶\n[x] 米",
        "groups=elders,children",
        "starts=2026-03-05 09:30",
    ];
    desk.run(event.iter().chain(&more)).ok();
    desk
}

#[test]
fn our_own_exports_come_back_without_a_change() {
    let desk = furnished();
    for (name, kind) in [
        ("v.csv", "visit"),
        ("e.csv", "event"),
        ("all.xlsx", "visit"),
        ("a.xlsx", "event"),
        ("m.geojson", "visit"),
    ] {
        for lang in ["zh", "en"] {
            let name = format!("{lang}-{name}");
            let only = ["--kind", kind, "--lang", lang];
            let file = exported(
                &desk,
                &name,
                if name.contains("all") {
                    &only[2..]
                } else {
                    &only
                },
            );
            let report = import(&desk, &file, &["--kind", kind]).ok().json();
            let [new, same, changed, problems] = counts(&report);
            assert_eq!([new, changed, problems], [0, 0, 0], "{name} {report}");
            assert!(same > 0, "{name}");
        }
    }
}

#[test]
fn changed_cells_of_an_export_are_the_only_changes() {
    let desk = furnished();
    let file = exported(&desk, "v.csv", &["--kind", "visit"]);
    let table = std::fs::read_to_string(&file).unwrap();
    let changed = table.replace("Calm", "Worried").replace(",35,", ",,");
    assert!(changed != table);
    std::fs::write(&file, table.replace("Calm", "Worried")).unwrap();
    let report = import(&desk, &file, &[]).ok().json();
    assert_eq!(counts(&report), [0, 1, 1, 0], "{report}");
    let visit = &rows(&desk, "visit")[0];
    assert_eq!(visit["fields"]["mood"], "worried");
    let history = desk
        .run([
            "show",
            visit["record"].as_str().unwrap(),
            "--history",
            "--json",
        ])
        .ok()
        .json();
    let last = history["history"].as_array().unwrap().last().unwrap();
    assert_eq!(last["changes"].as_array().unwrap().len(), 1, "{last}");
    assert_eq!(counts(&import(&desk, &file, &[]).ok().json()), [0, 2, 0, 0]);
    // A number cannot be emptied; and somebody has changed the record since the file was made.
    std::fs::write(&file, changed.replace("Worried", "Happy")).unwrap();
    let report = import_rest(&desk, &file, &[]);
    assert_eq!(counts(&report), [0, 1, 0, 1], "{report}");
    let stale = table.replace("Calm", "Upset");
    std::fs::write(&file, stale).unwrap();
    let report = import_rest(&desk, &file, &[]);
    assert_eq!(counts(&report), [0, 1, 0, 1], "{report}");
    assert!(
        report["skipped"][0]["reason"]
            .as_str()
            .unwrap()
            .contains("export it again")
    );
}

#[test]
fn export_without_residents_leaves_what_it_does_not_have() {
    let desk = furnished();
    let out = desk.path("v.csv");
    let out = out.to_str().unwrap();
    desk.run(["export", "--format", "csv", "--kind", "visit", "--out", out])
        .ok();
    let table = std::fs::read_to_string(out).unwrap();
    std::fs::write(out, table.replace("2026-03-04", "2026-03-03")).unwrap();
    let report = import(&desk, out, &[]).ok().json();
    assert_eq!(counts(&report), [0, 1, 1, 0], "{report}");
    let visit = &rows(&desk, "visit")[0];
    assert_eq!(visit["fields"]["mood"], "calm");
    assert_eq!(visit["title"], "3号门");
}

#[test]
fn columns_that_are_only_likely_ask_for_a_persons_word() {
    let desk = Desk::with_village();
    let file = desk.file("t.csv", "Houshold,date,purpose\n3号门,2026-03-04,health\n");
    let file = file.to_str().unwrap();
    let said = desk.run(["import", file].iter().chain(&HERE)).fails(4);
    assert!(
        said.contains("Houshold") && said.contains("Household"),
        "{said}"
    );
    let mapping = desk.path("m.json");
    let mapping = mapping.to_str().unwrap();
    desk.run(
        ["import", file, "--write-mapping", mapping]
            .iter()
            .chain(&HERE),
    )
    .ok();
    let taken = desk.run(
        ["import", file, "--write-mapping", mapping]
            .iter()
            .chain(&HERE),
    );
    assert!(taken.fails(2).contains("exists already"));
    let report = import(&desk, file, &["--mapping", mapping]).ok().json();
    assert_eq!(counts(&report), [1, 0, 0, 0], "{report}");
}

#[test]
fn plain_tables_are_imported_once_and_equal_rows_are_several() {
    let desk = Desk::with_village();
    let file = desk.file(
        "t.csv",
        "住户,走访日期,走访目的\nA,2026-03-04,健康随访\nA,2026-03-04,健康随访\n",
    );
    let file = file.to_str().unwrap();
    assert_eq!(
        counts(&import(&desk, file, &HERE).ok().json()),
        [2, 0, 0, 0]
    );
    assert_eq!(
        counts(&import(&desk, file, &HERE).ok().json()),
        [0, 2, 0, 0]
    );
    // The same rows in another order of columns and another encoding.
    let (bytes, _, _) =
        encoding_rs::GB18030.encode("走访日期\t住户\t走访目的\n2026-03-04\tA\t健康随访\n");
    let other = desk.file("o.tsv", bytes);
    assert_eq!(
        counts(&import(&desk, other.to_str().unwrap(), &HERE).ok().json()),
        [0, 1, 0, 0]
    );
}

#[test]
fn kinds_and_spaces_must_be_said() {
    let desk = Desk::with_village();
    let file = desk.file("t.csv", "household,date,purpose\nA,2026-03-04,health\n");
    let file = file.to_str().unwrap();
    assert!(
        desk.run(["import", file, "--space", "良登村"])
            .fails(2)
            .contains("--kind")
    );
    assert!(
        desk.run(["import", file, "--kind", "visit"])
            .fails(2)
            .contains("--space")
    );
}

#[test]
fn cells_that_do_not_fit_are_named_by_row_and_column() {
    let desk = Desk::with_village();
    let table =
        "household,date,purpose,people\n\"A\n\",2026-03-04,health,\nB,2026-03-04,dance,many\n";
    let file = desk.file("t.csv", table);
    let file = file.to_str().unwrap();
    let report = import(&desk, file, &[&HERE[..], &["--dry-run"]].concat())
        .ok()
        .json();
    let problems = report["skipped"].as_array().unwrap();
    let place = |n: usize| {
        (
            &problems[n]["row"],
            &problems[n]["line"],
            &problems[n]["column"],
        )
    };
    assert_eq!(
        place(0),
        (&3.into(), &4.into(), &"purpose".into()),
        "{report}"
    );
    assert_eq!(problems[0]["typed"], "dance");
    assert_eq!(problems[1]["column"], "people");
    assert_eq!(
        problems[1]["typed"],
        Value::Null,
        "what is about residents is not repeated"
    );
    assert!(rows(&desk, "visit").is_empty());
}
