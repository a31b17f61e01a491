//! Records past their time, and what people have agreed to: said where it matters, and nothing is forbidden.

use rand::SeedableRng as _;
use rand::rngs::ChaCha8Rng;
use serde_json::Value;
use sync_core::id::Millis;
use sync_core::replica::Moment;
use sync_node::Home;

use crate::console::{Console, Reply, two_who_know_each_other};
use crate::run::Desk;

/// In May 2014.
const LONG_AGO: Millis = Millis(1_400_000_000_000);
const PAST: &str = "/records?flag=past";
const WITHDRAWN: &str = "/records?flag=withdrawn";

/// A record that was written long ago and never since; returns its id.
fn put_long_ago(desk: &Desk, kind: &str, fields: &[&str]) -> String {
    let (mut replica, _keys) = Home::at(&desk.data()).open().unwrap();
    let fields: Vec<String> = fields.iter().map(|it| (*it).to_owned()).collect();
    let known = replica.schema().kind(kind).unwrap();
    let edits = known.parse_assignments(&fields).unwrap();
    let space = replica.find_space("良登村").unwrap();
    let mut rng = ChaCha8Rng::seed_from_u64(5);
    let mut moment = Moment {
        now: LONG_AGO,
        rng: &mut rng,
    };
    let record = replica.create(kind, space, &edits, &mut moment).unwrap();
    record.to_string()
}

fn visit_long_ago(desk: &Desk) -> String {
    let fields = [
        "household=3号门 王奶奶",
        "date=2014-05-13",
        "purpose=health",
    ];
    put_long_ago(desk, "visit", &fields)
}

fn put(desk: &Desk, kind: &str, fields: &[&str]) -> String {
    let args = [&["put", kind, "--space", "良登村"], fields].concat();
    desk.run(args).ok().out.trim().to_owned()
}

fn ids(listed: &Value) -> Vec<&str> {
    let rows = listed.as_array().unwrap().iter();
    rows.map(|row| row["record"].as_str().unwrap()).collect()
}

/// Records that a page of a list leads to.
fn records(page: &Reply) -> Vec<String> {
    let hrefs = page.hrefs().into_iter();
    let records = hrefs.filter_map(|href| href.strip_prefix("/record/").map(str::to_owned));
    records.collect()
}

#[track_caller]
fn done(reply: &Reply) {
    assert_eq!(reply.status, 303, "{}", reply.body);
}

#[test]
fn record_past_its_time_is_counted_listed_and_erased() {
    let desk = Desk::with_village();
    let old = visit_long_ago(&desk);
    put_long_ago(&desk, "place", &["name=良登村", "level=village"]);
    let young = desk.put_visit("4号门 李伯");
    let past = ["--json", "list", "--past-retention"];
    assert_eq!(ids(&desk.run(past).ok().json()), [&old]);
    let none = desk
        .run(["list", "--past-retention", "--kind", "need"])
        .ok();
    assert!(none.out.contains("is past the time"), "{}", none.out);
    let console = Console::entered(&desk);
    let today = console.get("/today");
    assert!(today.body.contains("1 record is past the time"));
    assert!(today.hrefs().contains(&PAST.to_owned()));
    let list = console.get(PAST);
    assert_eq!(records(&list), std::slice::from_ref(&old));
    assert!(list.body.contains("Flag: Past the time it is kept"));
    let page = format!("/record/{old}");
    let shown = console.get(&page).body;
    assert!(shown.contains("keeps such records for 3 years"), "{shown}");
    let other = console.get(&format!("/record/{young}")).body;
    assert!(!other.contains("keeps such records"));
    let erase = format!("{page}/erase");
    done(&console.post(&page, &erase, &[("confirmed", "yes")]));
    assert!(!console.get("/today").hrefs().contains(&PAST.to_owned()));
    assert!(records(&console.get(PAST)).is_empty());
    drop(console);
    assert!(ids(&desk.run(past).ok().json()).is_empty());
}

#[test]
fn change_of_a_record_begins_its_time_anew() {
    let desk = Desk::with_village();
    let old = visit_long_ago(&desk);
    desk.run(["edit", &old, "people=2"]).ok();
    let past = ["--json", "list", "--past-retention"];
    assert!(ids(&desk.run(past).ok().json()).is_empty());
}

#[test]
fn only_those_who_may_erase_are_reminded_and_others_can_still_look() {
    let (_served, _lead, other) = two_who_know_each_other();
    let old = visit_long_ago(&other);
    let console = Console::entered(&other);
    assert!(!console.get("/today").hrefs().contains(&PAST.to_owned()));
    assert_eq!(records(&console.get(PAST)), std::slice::from_ref(&old));
    let shown = console.get(&format!("/record/{old}")).body;
    assert!(!shown.contains("keeps such records"), "{shown}");
}

#[test]
fn community_shortens_the_time_of_a_kind_and_cannot_make_it_longer() {
    let desk = Desk::with_village();
    let console = Console::entered(&desk);
    let page = "/schema/visit";
    let kept = |days: &str| {
        let typed = [
            ("label_zh", "入户走访"),
            ("label_en", "Home visit"),
            ("kept", days),
        ];
        console.post(page, page, &typed)
    };
    assert!(
        console
            .get(page)
            .body
            .contains("name=\"kept\" value=\"1095\"")
    );
    for days in ["4000", "0", "1.5", "soon"] {
        let refused = kept(days);
        assert_eq!(refused.status, 422, "{days}");
        assert!(refused.body.contains("id=\"er-kept\""), "{days}");
        assert!(
            refused.body.contains(&format!("value=\"{days}\"")),
            "{days}"
        );
    }
    assert!(kept("4000").body.contains("At most 1,095 days"));
    done(&kept("365"));
    assert!(
        console
            .get(page)
            .body
            .contains("name=\"kept\" value=\"365\"")
    );
    done(&kept(""));
    assert!(
        console
            .get(page)
            .body
            .contains("name=\"kept\" value=\"1095\"")
    );
    let lesson = [
        ("label_zh", "夜校"),
        ("label_en", "Lesson"),
        ("group", "growth"),
        ("create", "volunteer"),
        ("title_zh", "内容"),
        ("title_en", "What"),
        ("kept", "400"),
    ];
    done(&console.post("/schema/new", "/schema/new", &lesson));
    drop(console);
    let old = put_long_ago(&desk, "lesson", &["what=量血压"]);
    let console = Console::entered(&desk);
    assert_eq!(records(&console.get(PAST)), std::slice::from_ref(&old));
    let shown = console.get(&format!("/record/{old}")).body;
    assert!(shown.contains("keeps such records for 400 days"), "{shown}");
}

#[test]
fn consent_is_asked_for_where_somebody_is_written_about_and_written_down_from_there() {
    let desk = Desk::with_village();
    desk.run(["space", "add", "朗心村"]).ok();
    let resident = put(&desk, "resident", &["name=周桂芳", "birth_year=1948"]);
    let console = Console::entered(&desk);
    let page = format!("/record/{resident}");
    let shown = console.get(&page);
    assert!(shown.body.contains("No consent of 周** is recorded."));
    assert!(!shown.body.contains("周桂芳"), "masked here too");
    let leads = |kind: &str| {
        let mut hrefs = shown.hrefs().into_iter();
        hrefs
            .find(|href| href.starts_with(&format!("/new/{kind}?")))
            .unwrap()
    };
    for kind in ["visit", "need"] {
        let form = console.get(&leads(kind));
        assert!(
            form.body.contains("No consent of 周** is recorded."),
            "{kind}"
        );
        assert!(
            form.body.contains(&format!("value=\"{resident}\" checked")),
            "{kind}"
        );
    }
    let blank = leads("consent");
    assert!(
        !blank.contains("%E5"),
        "no name stands in an address: {blank}"
    );
    let form = console.get(&blank);
    assert!(form.body.contains("value=\"周桂芳\""), "{}", form.body);
    assert!(form.body.contains(&format!("周桂芳 · {}", &resident[..8])));
    assert!(form.body.contains("selected>良登村"), "{}", form.body);
    let (_, space) = blank.split_once("_space=").unwrap();
    let space = space.split('&').next().unwrap();
    let typed = [
        ("_space", space),
        ("subject", "周桂芳"),
        ("about", resident.as_str()),
        ("purposes", "visits"),
        ("how", "signed"),
        ("date", "2026-03-04"),
        ("until", "2999-12-31"),
    ];
    done(&console.post(&blank, "/new/consent", &typed));
    let shown = console.get(&page).body;
    assert!(shown.contains("has agreed to what is written down, until 31 Dec 2999"));
    assert!(!shown.contains("/new/consent"), "there is nothing to write");
    for lang in ["zh", "en"] {
        done(&console.post("/settings", "/settings", &[("lang", lang)]));
        for path in ["/today", PAST, WITHDRAWN, &page, "/schema/visit", "/export"] {
            let words = console.get(path).body.replace("/static/console.", "");
            assert!(!words.contains("console."), "a key without words: {path}");
        }
    }
}

/// A resident who has withdrawn consent, with a visit that is about her, and another visit.
fn withdrawn(desk: &Desk) -> [String; 3] {
    let resident = put(desk, "resident", &["name=周桂芳", "birth_year=1948"]);
    let about = format!("about={resident}");
    let given = [
        "subject=周桂芳",
        &about,
        "purposes=visits",
        "how=signed",
        "date=2020-01-01",
    ];
    let consent = put(desk, "consent", &given);
    let met = format!("residents={resident}");
    let visit = [
        "household=石桥巷",
        "date=2026-03-04",
        "purpose=health",
        &met,
    ];
    let visit = put(desk, "visit", &visit);
    desk.run(["edit", &consent, "state=withdrawn"]).ok();
    [resident, visit, desk.put_visit("4号门 李伯")]
}

#[test]
fn withdrawn_consent_is_said_before_more_is_written_and_the_record_waits_to_be_erased() {
    let desk = Desk::with_village();
    let [resident, visit, _] = withdrawn(&desk);
    let console = Console::entered(&desk);
    let today = console.get("/today");
    assert!(
        today
            .body
            .contains("1 resident or home has withdrawn consent")
    );
    assert!(today.hrefs().contains(&WITHDRAWN.to_owned()));
    assert_eq!(
        records(&console.get(WITHDRAWN)),
        std::slice::from_ref(&resident)
    );
    let page = format!("/record/{resident}");
    let shown = console.get(&page).body;
    assert!(shown.contains("ask before you write more"), "{shown}");
    assert!(shown.contains("Consent was withdrawn on"), "{shown}");
    let edit = format!("/record/{visit}/edit");
    let form = console.get(&edit);
    assert!(form.body.contains("周** has withdrawn consent on"));
    // It is a hint: what is written is kept.
    let typed = [
        ("seen", &*form.hidden("seen")),
        ("household", "石桥巷"),
        ("date", "2026-03-05"),
        ("purpose", "health"),
        ("residents", &resident),
    ];
    done(&console.post(&edit, &edit, &typed));
    let erase = format!("{page}/erase");
    done(&console.post(&page, &erase, &[("confirmed", "yes")]));
    assert!(
        !console
            .get("/today")
            .hrefs()
            .contains(&WITHDRAWN.to_owned())
    );
}

#[test]
fn export_with_personal_data_leaves_out_who_has_withdrawn_and_says_how_many() {
    let desk = Desk::with_village();
    withdrawn(&desk);
    let out = desk.path("all.zip");
    let export = |more: &[&str]| {
        let out = out.to_str().unwrap();
        let args = ["export", "--format", "csv", "--force", "--out", out];
        desk.run(args.iter().chain(more)).ok()
    };
    let about = export(&["--personal", "--json"]).json()["about"].clone();
    assert_eq!(about["withdrawn"], 3, "{about}");
    assert_eq!(about["kinds"], serde_json::json!({"visit": 1}));
    let said = export(&["--personal"]).out;
    assert!(
        said.contains("withdrawn their consent: 3 records"),
        "{said}"
    );
    let about = export(&["--json"]).json()["about"].clone();
    assert_eq!(about["withdrawn"], 0, "{about}");
    let all = serde_json::json!({"visit": 2, "resident": 1, "consent": 1});
    assert_eq!(about["kinds"], all);
}

#[test]
fn masked_values_of_a_pair_are_said_to_be_the_same_or_not() {
    let desk = Desk::with_village();
    for guardian in ["guardian=李明", "guardian=李红"] {
        let her = [
            "name=周桂芳",
            "birth_year=1948",
            "phone=15800000213",
            guardian,
        ];
        put(&desk, "resident", &her);
    }
    let console = Console::entered(&desk);
    let page = console.get("/duplicates").body;
    let of = |label: &str| -> Vec<&str> {
        let mark = format!("<dt>{label}</dt>");
        let rows = page.split(mark.as_str()).skip(1);
        rows.map(|rest| rest.split("</dd>").next().unwrap())
            .collect()
    };
    let [one, two] = of("Year of birth")[..] else {
        panic!("{page}");
    };
    assert!(one.contains("1**") && one.contains("(the same)") && one == two);
    let [one, two] = of("Guardian")[..] else {
        panic!("{page}");
    };
    assert!(one.contains("李**") && one.contains("(differs)") && one == two);
    assert!(!page.contains("李明") && !page.contains("1948"));
    let page = console.get("/duplicates?personal=1").body;
    assert!(!page.contains("(the same)") && page.contains("(differs)"));
}
