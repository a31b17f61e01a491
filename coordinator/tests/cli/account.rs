//! The station's account: the same numbers on every device, on the command line, on pages and on paper,
//! and behind each of them as many records as it says.

use serde_json::Value;

use crate::console::{Console, Reply, two_who_know_each_other};
use crate::run::{Desk, Ran};

const QUARTER: [&str; 4] = ["--json", "report", "--quarter", "2026Q1"];

fn put(desk: &Desk, kind: &str, fields: &[&str]) -> String {
    let args = ["put", kind, "--space", "良登村"];
    desk.run(args.iter().chain(fields))
        .ok()
        .out
        .trim()
        .to_owned()
}

/// Each writes what the other does not have, and then both have all.
fn both_at_work(lead: &Desk, other: &Desk) -> String {
    other.put_visit("3号门 王奶奶");
    other.put_visit("5号门 陈家");
    let event = ["place=祠堂", "date=2026-02-07", "category=health"];
    let held = put(lead, "event", &[&["title=义诊"], event.as_slice()].concat());
    lead.run(["edit", &held, "state=held", "headcount=43"]).ok();
    put(
        other,
        "event",
        &[&["title=讲座"], event.as_slice()].concat(),
    );
    lead.put_visit("7号门 何家");
    let need = other.put_need();
    put(
        lead,
        "need",
        &["title=积水", "category=water", "urgency=now"],
    );
    let hours = [
        "what=义诊",
        "member=陈小明",
        "date=2026-02-07",
        "minutes=90",
    ];
    let hours = put(other, "hours", &hours);
    for desk in [other, lead, other, lead] {
        desk.run(["sync"]).ok();
    }
    lead.run(["edit", &hours, "state=confirmed"]).ok();
    lead.run(["edit", &need, "state=triaged"]).ok();
    other.run(["edit", &need, "source=phone"]).ok();
    for desk in [lead, other, lead, other] {
        desk.run(["sync"]).ok();
    }
    need
}

/// The bytes of what is the same everywhere, as they were printed.
fn numbers(ran: &Ran) -> &str {
    let (_, rest) = ran.out.split_once("\n  \"numbers\": ").unwrap();
    rest.split_once("\n  \"people\": ").unwrap().0
}

#[test]
fn two_devices_with_the_same_digest_print_the_same_bytes_whatever_came_first() {
    let (_served, lead, other) = two_who_know_each_other();
    other.put_visit("1号门 李家");
    let early = [&lead, &other].map(|desk| desk.run(["--json", "report"]).ok());
    assert_ne!(numbers(&early[0]), numbers(&early[1]));
    assert_eq!(early[1].json()["as_of"]["pending"], 1);
    both_at_work(&lead, &other);
    let questions: [&[&str]; 4] = [
        &["--json", "report"],
        &QUARTER,
        &["--json", "report", "--space", "良登村", "--year", "2026"],
        &[
            "--json",
            "report",
            "--from",
            "2026-03-01",
            "--to",
            "2026-03-31",
        ],
    ];
    for question in questions {
        let [a, b] = [&lead, &other].map(|desk| desk.run(question).ok());
        let [of_a, of_b] = [&a, &b].map(|ran| ran.json()["as_of"].clone());
        assert_eq!(of_a["digest"], of_b["digest"]);
        assert_eq!((&of_a["pending"], &of_b["pending"]), (&0.into(), &0.into()));
        assert_eq!(numbers(&a), numbers(&b), "{question:?}");
        assert!(numbers(&a).contains("\"attendance\""));
    }
}

#[test]
fn report_counts_what_was_done_in_its_time_and_nobody_sees_figures_of_others_without_a_right() {
    let (_served, lead, other) = two_who_know_each_other();
    both_at_work(&lead, &other);
    let report = lead.run(QUARTER).ok().json();
    let figures = &report["numbers"]["account"]["figures"];
    let total = |name: &str| figures[name]["total"].as_i64().unwrap();
    assert_eq!(
        (total("visits"), total("events"), total("attendance")),
        (3, 1, 43)
    );
    assert_eq!(
        (total("minutes_claimed"), total("minutes_confirmed")),
        (90, 90)
    );
    // Needs are of the day on which they were written.
    assert_eq!(total("needs"), 0);
    assert_eq!(report["people"]["visits"].as_object().unwrap().len(), 2);
    let own = other.run(QUARTER).ok().json();
    let own = own["people"]["visits"].as_object().unwrap();
    assert_eq!(own.values().collect::<Vec<_>>(), [&Value::from(2)]);
    let refused = other.run(["report", "--person", "李芳"]).fails(5);
    assert!(refused.contains("leads of the space"), "{refused}");
    let mine = other.run(["report", "--person", "陈小明"]).ok().out;
    assert!(
        mine.contains("Hours confirmed") && mine.contains("1.5"),
        "{mine}"
    );
    lead.run(["grant", "陈小明", "--role", "lead", "--space", "良登村"])
        .ok();
    let promoted = &lead.run(["--json", "report"]).ok().json()["numbers"]["account"]["promoted"];
    assert_eq!(
        (&promoted["total"], &promoted["undated"]),
        (&1.into(), &0.into())
    );
    let before = lead.run(QUARTER).ok().json();
    assert_eq!(before["numbers"]["account"]["promoted"]["total"], 0);
}

#[test]
fn times_that_are_none_are_refused_with_a_sentence() {
    let desk = Desk::with_village();
    for (typed, said) in [
        (["--quarter", "2026Q5"], "no quarter"),
        (["--year", "26"], "no year"),
        (["--from", "soon"], "no day"),
    ] {
        let refused = desk.run(["report"].iter().chain(&typed)).fails(2);
        assert!(refused.contains(said), "{refused}");
    }
    let backwards = ["report", "--from", "2026-03-01", "--to", "2026-02-01"];
    assert!(desk.run(backwards).fails(2).contains("is before the first"));
    desk.run(["report", "--quarter", "2026Q1", "--year", "2026"])
        .fails(2);
    desk.run(["report", "--space", "无"]).fails(4);
    let offices = ["report", "--from", "2026/1/1", "--to", "2026年3月4日"];
    let offices = desk.run(offices).ok().out;
    assert!(offices.contains("2026-01-01 to 2026-03-04"), "{offices}");
    let empty = desk.run(["report", "--quarter", "2026 q2"]).ok().out;
    assert!(
        empty.contains("Quarter 2 of 2026") && empty.contains("As of"),
        "{empty}"
    );
}

/// Links with the number that stands in them: address and number.
fn counted(page: &str, before: &str, after: &str) -> Vec<(String, u64)> {
    let links = page.split("<a href=\"/records?").skip(1);
    let links = links.filter_map(|rest| {
        let (href, rest) = rest.split_once('"')?;
        let (inside, _) = rest.split_once("</a>")?;
        let (_, number) = inside.rsplit_once(before)?;
        let (number, _) = number.split_once(after)?;
        let href = href.replace("&#38;", "&").replace("&amp;", "&");
        Some((format!("/records?{href}"), number.parse().ok()?))
    });
    links.collect()
}

/// How many rows a list shows.
fn rows(list: &Reply) -> u64 {
    let (_, rest) = list.body.split_once("id=\"list\"").unwrap();
    let hrefs = rest.split("href=\"/record/").skip(1);
    let ids: std::collections::BTreeSet<&str> =
        hrefs.filter_map(|rest| rest.split('"').next()).collect();
    ids.len() as u64
}

/// Whether a list's number is of its rows, and not of what they hold.
fn counts_rows(label: &str) -> bool {
    [
        "Home visits",
        "Needs raised",
        "Needs solved or closed",
        "Proposals",
        "Events held",
    ]
    .contains(&label)
}

#[test]
fn every_number_of_a_page_is_the_commands_and_opens_as_many_records() {
    let (_served, lead, other) = two_who_know_each_other();
    both_at_work(&lead, &other);
    lead.run(["edit", &lead.put_visit("9号门 黄家"), "purpose=safety"])
        .ok();
    let console = Console::entered(&lead);
    let all = console.get("/reports?period=all");
    assert_eq!(all.status, 200, "{}", all.body);
    let told = lead.run(["--json", "report"]).ok().json();
    let figures = &told["numbers"]["account"]["figures"];
    let mut seen = 0;
    for item in all.body.split("<li><a href=\"/records?").skip(1) {
        let Some((_, rest)) = item.split_once("<b>") else {
            continue;
        };
        let Some((number, rest)) = rest.split_once("<small>") else {
            continue;
        };
        let (_, rest) = rest.split_once("<span>").unwrap();
        let label = rest.split_once("</span>").unwrap().0;
        let name = match label {
            "Home visits" => "visits",
            "Needs raised" => "needs",
            "Events held" => "events",
            "People who came" => "attendance",
            _ => continue,
        };
        seen += 1;
        assert_eq!(
            number.parse(),
            Ok(figures[name]["total"].as_i64().unwrap()),
            "{label}"
        );
        if counts_rows(label) {
            let href = item.split_once('"').unwrap().0.replace("&#38;", "&");
            let list = console.get(&format!("/records?{href}"));
            assert_eq!(rows(&list), number.parse::<u64>().unwrap(), "{label}");
        }
    }
    assert_eq!(seen, 4);
    // Bars: by category and by state; columns over time; cells of tables by village, month and person.
    let bars: Vec<_> = counted(&all.body, "<b>", "</b>");
    let (split, columns) = (
        counted(&all.body, "<b>0+", "</b>"),
        counted(&all.body, "\"> ", "</text>"),
    );
    assert!(
        bars.len() >= 5 && !split.is_empty() && columns.len() >= 2,
        "{}",
        all.body
    );
    for (href, number) in bars.iter().chain(&split).chain(&columns) {
        let list = console.get(href);
        assert_eq!((list.status, rows(&list)), (200, *number), "{href}");
    }
    let cells = all
        .body
        .split("<td class=\"r\"><a href=\"/records?")
        .skip(1);
    let of_visits = cells.filter(|cell| cell.starts_with("kind=visit&"));
    let mut of_people = 0;
    for cell in of_visits {
        let (href, rest) = cell.split_once("\">").unwrap();
        let href = format!(
            "/records?{}",
            href.replace("&#38;", "&").replace("&amp;", "&")
        );
        of_people += u32::from(href.contains("person="));
        let number: u64 = rest.split_once('<').unwrap().0.parse().unwrap();
        // Visits and, where there are any, households: no visit here names one.
        assert_eq!(rows(&console.get(&href)), number, "{href}");
    }
    assert_eq!(of_people, 2);
}

#[test]
fn list_behind_a_number_says_what_it_is_narrowed_by_and_keeps_it() {
    let desk = Desk::with_village();
    desk.put_need();
    desk.put_visit("3号门 王奶奶");
    let console = Console::entered(&desk);
    let narrowed = "/records?kind=visit&choice=purpose%3Ahealth&from=2026-03-01&to=2026-03-31";
    let list = console.get(narrowed);
    assert_eq!(rows(&list), 1);
    assert!(list.body.contains("Category: Health"), "{}", list.body);
    assert!(
        list.body
            .contains("name=\"choice\" value=\"purpose:health\"")
    );
    let others = console.get("/records?kind=visit&choice=purpose%3Asafety");
    assert!(others.body.contains("Category: ") && !others.body.contains("href=\"/record/"));
    let later = console.get("/records?kind=visit&from=2026-04-01");
    assert!(!later.body.contains("href=\"/record/"));
}

#[test]
fn volunteers_see_their_own_figures_and_no_names_beside_others() {
    let (_served, lead, other) = two_who_know_each_other();
    both_at_work(&lead, &other);
    let me = |desk: &Desk| {
        let report = desk.run(["--json", "report"]).ok().json();
        report["people"]["visits"].as_object().unwrap().clone()
    };
    let (all, own) = (me(&lead), me(&other));
    let lead_id = all.keys().find(|id| !own.contains_key(*id)).unwrap();
    let console = Console::entered(&other);
    let page = console.get("/reports?period=all");
    assert_eq!(page.status, 200);
    assert!(!page.body.contains(lead_id.as_str()));
    assert!(page.body.contains("id=\"by-person\""));
    let refused = console.get(&format!("/reports?period=all&person={lead_id}"));
    assert_eq!(refused.status, 403);
    assert_eq!(console.get("/reports?village=nowhere").status, 404);
    let wrong = console.get("/reports?from=2026-05-01&to=2026-04-01");
    assert_eq!(wrong.status, 422);
    assert!(
        wrong.body.contains("value=\"2026-05-01\"") && wrong.body.contains("is before the first")
    );
    let quarter = console.get("/reports?period=2026Q1");
    assert!(quarter.body.contains("Quarter 1 of 2026"));
    assert!(
        quarter
            .body
            .contains("banyan report --quarter 2026Q1 --html report.html")
    );
    let hrefs = console.get("/today").hrefs();
    assert!(hrefs.contains(&"/reports".to_owned()));
    assert!(
        console
            .get("/more")
            .hrefs()
            .contains(&"/reports".to_owned())
    );
}

/// What a report on paper says, wherever it was made.
fn check_paper(paper: &str, digest: &str) {
    assert!(paper.contains("Report: Quarter 1 of 2026"), "{paper}");
    assert!(
        paper.contains("As of ") && paper.contains(digest),
        "{paper}"
    );
    assert!(paper.contains("Made by 李芳"), "{paper}");
    for personal in ["王奶奶", "陈家", "3号门", "积水"] {
        assert!(!paper.contains(personal), "{personal}");
    }
}

#[test]
fn report_on_paper_says_of_what_and_by_whom_it_is_and_nothing_of_residents() {
    let (_served, lead, other) = two_who_know_each_other();
    both_at_work(&lead, &other);
    let told = lead.run(QUARTER).ok().json();
    let digest = &told["as_of"]["digest"].as_str().unwrap()[..16];
    let file = lead.path("report.html");
    let name = file.to_str().unwrap();
    let args = ["report", "--quarter", "2026Q1", "--html", name];
    let said = lead.run(args).ok().out;
    assert!(said.contains("--print-to-pdf="), "{said}");
    let written = std::fs::read_to_string(&file).unwrap();
    check_paper(&written, digest);
    assert!(written.contains("<style>") && !written.contains("/static/"));
    assert!(!written.contains("<script") && !written.contains("<link"));
    assert!(lead.run(args).fails(2).contains("report.html"));
    lead.run(args.iter().chain(&["--force"])).ok();
    let console = Console::entered(&lead);
    let page = console.get("/reports/print?period=2026Q1&personal=1");
    check_paper(&page.body, digest);
    let table = |page: &str| {
        let (_, rest) = page.split_once("<article").unwrap();
        let (tables, _) = rest.rsplit_once("<ul class=\"dash\">").unwrap();
        tables.to_owned()
    };
    assert_eq!(table(&page.body), table(&written));
}

#[test]
fn what_was_left_undone_is_counted_by_village_and_opens_as_many_records() {
    let desk = Desk::with_village();
    for (title, due) in [
        ("修灯", "2025-12-01"),
        ("清沟", "2026-03-31"),
        ("报账", "2026-05-01"),
    ] {
        put(
            &desk,
            "task",
            &[&format!("title={title}"), &format!("due={due}")],
        );
    }
    let visited = put(&desk, "household", &["door=良登巷1号"]);
    put(&desk, "household", &["door=良登巷2号"]);
    put(&desk, "household", &["door=良登巷3号", "status=moved"]);
    let visit = desk.put_visit("3号门 王奶奶");
    desk.run(["edit", &visit, &format!("home={visited}")]).ok();
    let told = desk.run(QUARTER).ok().json();
    let figures = &told["numbers"]["account"]["figures"];
    for (name, number) in [("tasks_overdue", 2), ("households_unvisited", 1)] {
        let figure = &figures[name];
        assert_eq!(figure["total"], number, "{name}");
        let by_space = figure["by_space"].as_object().unwrap();
        assert_eq!(
            by_space.values().collect::<Vec<_>>(),
            [&Value::from(number)]
        );
    }
    let printed = desk.run(["report", "--quarter", "2026Q1"]).ok().out;
    assert!(printed.contains("Households not visited"), "{printed}");
    let console = Console::entered(&desk);
    let page = console.get("/reports?period=2026Q1");
    let (_, undone) = page.body.split_once("id=\"undone\"").unwrap();
    let hrefs: Vec<String> = undone
        .split_once("</table>")
        .unwrap()
        .0
        .split("href=\"")
        .skip(1)
        .map(|rest| rest.split_once('"').unwrap().0.replace("&#38;", "&"))
        .collect();
    assert_eq!(hrefs.len(), 2, "{undone}");
    assert!(hrefs[0].contains("due_to=2026-03-31") && hrefs[1].contains("unvisited=1"));
    let lists = hrefs.iter().map(|href| console.get(href));
    let lists: Vec<Reply> = lists.collect();
    assert_eq!((rows(&lists[0]), rows(&lists[1])), (2, 1));
    assert!(
        lists[1].body.contains("Visits: none in this time"),
        "{}",
        lists[1].body
    );
    assert!(lists[1].body.contains("name=\"unvisited\" value=\"1\""));
    let paper = console.get("/reports/print?period=2026Q1");
    assert!(
        paper.body.contains("Left undone, by village"),
        "{}",
        paper.body
    );
}
