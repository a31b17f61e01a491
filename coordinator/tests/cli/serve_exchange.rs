//! Imports and exports in the console.

use serde_json::Value;

use crate::console::{Console, Reply};
use crate::run::Desk;

const TABLE: &str = "住户,走访日期,走访目的,备注甲\n\
                     3号门,2026-03-04,健康随访,一\n\
                     4号门,2026-03-05,串门,二\n\
                     5号门,那天,健康随访,三\n";

fn visits(desk: &Desk) -> Vec<Value> {
    let rows = desk.run(["list", "--kind", "visit", "--json"]).ok().json();
    rows.as_array().unwrap().clone()
}

fn in_chinese(desk: &Desk) -> Console {
    let console = Console::entered(desk);
    console.post("/settings", "/settings", &[("lang", "zh")]);
    console
}

fn space(console: &Console) -> String {
    let page = console.get("/import").body;
    let (_, rest) = page.split_once("name=\"space\">").unwrap();
    let (_, rest) = rest.split_once("value=\"").unwrap();
    rest.split('"').next().unwrap().to_owned()
}

fn take(console: &Console, name: &str, content: &str) -> Reply {
    let space = space(console);
    let fields = [("kind", "visit"), ("space", space.as_str())];
    console.upload("/import", &fields, (name, content))
}

fn place(reply: &Reply) -> String {
    assert_eq!(reply.status, 303, "{}", reply.body);
    reply.header("location").unwrap().to_owned()
}

/// The page of an import that has ended.
fn ended(console: &Console, at: &str) -> Reply {
    let mut news = console.listen();
    let mut page = console.get(at);
    while !page.body.contains("导完了") {
        assert!(page.body.contains("已导入"), "{}", page.body);
        crate::console::wait_for(&mut news, "records");
        page = console.get(at);
    }
    page
}

#[test]
fn table_is_looked_through_tried_and_imported_once() {
    let desk = Desk::with_village();
    let console = in_chinese(&desk);
    let map = place(&take(&console, "走访.csv", TABLE));
    let page = console.get(&map);
    assert!(page.body.contains("走访.csv：3 行，4 列"), "{}", page.body);
    assert!(page.body.contains("“串门”是指"), "{}", page.body);
    let upload = page.hidden("upload");
    let said = [
        ("upload", upload.as_str()),
        ("map.0", "household"),
        ("map.1", "date"),
        ("map.2", "purpose"),
        ("map.3", "findings"),
        ("word.2", "check_in=串门"),
    ];
    let check = place(&console.post(&map, "/import/check", &said));
    let page = console.get(&check);
    assert!(page.body.contains("什么都还没保存"), "{}", page.body);
    assert!(page.body.contains("那天") && page.body.contains("走访日期"));
    assert!(page.body.contains("导入 2 条"), "{}", page.body);
    assert!(visits(&desk).is_empty());
    let done = place(&console.post(&check, "/import/do", &[("upload", &upload)]));
    let page = ended(&console, &done);
    assert!(page.hrefs().contains(&"/records?kind=visit".to_owned()));
    let rows = visits(&desk);
    let mut purposes: Vec<_> = rows.iter().map(|row| &row["fields"]["purpose"]).collect();
    purposes.sort_by_key(|purpose| purpose.to_string());
    assert_eq!(purposes, ["check_in", "health"]);
    // The file once more, mended: only what is new is begun.
    let map = place(&take(
        &console,
        "走访.csv",
        &TABLE.replace("那天", "2026-03-06"),
    ));
    let upload = console.get(&map).hidden("upload");
    let said: Vec<_> = std::iter::once(("upload", upload.as_str()))
        .chain(said.into_iter().skip(1))
        .collect();
    let check = place(&console.post(&map, "/import/check", &said));
    let page = console.get(&check).body;
    assert!(page.contains("导入 1 条"), "{page}");
    let done = place(&console.post(&check, "/import/do", &[("upload", &upload)]));
    ended(&console, &done);
    assert_eq!(visits(&desk).len(), 3);
}

#[test]
fn words_of_a_column_that_was_chosen_now_are_asked_about_first() {
    let desk = Desk::with_village();
    let console = in_chinese(&desk);
    let table = "住户,走访日期,缘由\n3号门,2026-03-04,串门\n";
    let map = place(&take(&console, "t.csv", table));
    let upload = console.get(&map).hidden("upload");
    let said = [
        ("upload", upload.as_str()),
        ("map.0", "household"),
        ("map.1", "date"),
        ("map.2", "purpose"),
    ];
    let asked = console.post(&map, "/import/check", &said);
    assert_eq!(asked.status, 200);
    assert!(asked.body.contains("“串门”是指"), "{}", asked.body);
    // Said to be left out: then the row does not fit, and the page says so.
    let said: Vec<_> = said.into_iter().chain([("word.2", "=串门")]).collect();
    let check = place(&console.post(&map, "/import/check", &said));
    let page = console.get(&check).body;
    assert!(page.contains("没有要导入的"), "{page}");
}

#[test]
fn what_no_column_says_is_said_once_for_all_rows() {
    let desk = Desk::with_village();
    let console = in_chinese(&desk);
    let map = place(&take(&console, "t.csv", "住户\n3号门\n4号门\n"));
    let page = console.get(&map);
    assert!(page.body.contains("每行都一样的内容"), "{}", page.body);
    let upload = page.hidden("upload");
    let said = |date| {
        [
            ("upload", upload.as_str()),
            ("map.0", "household"),
            ("fix.date", date),
            ("fix.purpose", "health"),
        ]
    };
    let refused = console.post(&map, "/import/check", &said("那天"));
    assert_eq!(refused.status, 422);
    assert!(refused.body.contains("id=\"er-date\""), "{}", refused.body);
    assert!(refused.body.contains("value=\"那天\""), "it is kept");
    let check = place(&console.post(&map, "/import/check", &said("2026-03-04")));
    let page = console.get(&check).body;
    assert!(page.contains("导入 2 条"), "{page}");
    let done = place(&console.post(&check, "/import/do", &[("upload", &upload)]));
    ended(&console, &done);
    for row in visits(&desk) {
        assert_eq!(row["fields"]["purpose"], "health");
        assert_eq!(row["fields"]["date"], "2026-03-04");
    }
}

#[test]
fn two_columns_for_one_field_are_refused_and_what_was_chosen_stays() {
    let desk = Desk::with_village();
    let console = in_chinese(&desk);
    let map = place(&take(&console, "t.csv", TABLE));
    let upload = console.get(&map).hidden("upload");
    let said = [
        ("upload", upload.as_str()),
        ("map.0", "findings"),
        ("map.3", "findings"),
    ];
    let again = console.post(&map, "/import/check", &said);
    assert_eq!(again.status, 422);
    assert!(again.body.contains("只能有一列"), "{}", again.body);
    assert_eq!(again.body.matches("value=\"findings\" selected").count(), 2);
}

#[test]
fn what_is_no_table_is_refused_with_a_sentence_and_what_was_chosen_stays() {
    let desk = Desk::with_village();
    let console = in_chinese(&desk);
    for (name, content, says) in [
        ("a.csv", "", "空"),
        ("a.xlsx", "PK\u{3}\u{4}rest", "损坏"),
        ("a.geojson", "{\"type\":\"FeatureCollection\"", "GeoJSON"),
    ] {
        let reply = take(&console, name, content);
        assert_eq!(reply.status, 422, "{name}");
        assert!(
            reply.body.contains("role=\"alert\""),
            "{name}: {}",
            reply.body
        );
        assert!(reply.body.contains(says), "{name}: {}", reply.body);
        assert!(reply.body.contains("value=\"visit\" selected"), "{name}");
    }
    let nothing = console.upload(
        "/import",
        &[("kind", ""), ("space", "")],
        ("t.csv", "a,b\n1,2\n"),
    );
    assert!(nothing.body.contains("请选一种"), "{}", nothing.body);
    assert!(
        console
            .get("/import?upload=other")
            .body
            .contains("已经不在这里了")
    );
}

#[test]
fn file_that_another_site_sends_is_not_looked_at() {
    let desk = Desk::with_village();
    let console = in_chinese(&desk);
    let fields = [("csrf", "guessed"), ("kind", "visit")];
    let reply = console.send_file("/import", &fields, ("t.csv", TABLE));
    assert_eq!(reply.status, 403);
    let fields = [("format", "csv"), ("csrf", "guessed")];
    let reply = console.send("POST", "/export", &[], &crate::console::form(&fields));
    assert_eq!(reply.status, 403);
    assert!(reply.header("content-disposition").is_none());
}

#[test]
fn records_go_out_as_files_without_what_is_personal_unless_it_is_asked_for() {
    let desk = Desk::with_village();
    let visit = desk.put_visit("3号门 王奶奶");
    desk.run(["edit", &visit, "point=23.05,112.95"]).ok();
    let console = in_chinese(&desk);
    let export = |format: &str, personal: &str| {
        let fields = [
            ("format", format),
            ("kind", "visit"),
            ("space", ""),
            ("personal", personal),
        ];
        let reply = console.post("/export", "/export", &fields);
        assert_eq!(reply.status, 200, "{}", reply.body);
        let named = reply.header("content-disposition").unwrap();
        assert!(
            named.contains("attachment; filename=\"banyan-visit."),
            "{named}"
        );
        reply.body
    };
    assert!(export("xlsx", "").starts_with("PK"));
    assert!(export("csv", "").starts_with("PK"));
    let map = export("geojson", "");
    assert!(!map.contains("王奶奶") && map.contains("李芳"), "{map}");
    let map = export("geojson", "yes");
    assert!(map.contains("王奶奶"), "{map}");
    let none = [("format", "xlsx"), ("kind", "proposal")];
    let none = console.post("/export", "/export", &none);
    assert_eq!(none.status, 422);
    assert!(none.body.contains("没有这样的记录"), "{}", none.body);
}
