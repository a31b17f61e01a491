//! The public notice: what goes on the wall, and that nothing of a resident does.

use crate::console::{Console, two_who_know_each_other};
use crate::run::Desk;

fn put(desk: &Desk, kind: &str, fields: &[&str]) -> String {
    let args = ["put", kind, "--space", "良登村"];
    let ran = desk.run(args.iter().chain(fields)).ok();
    ran.out.trim().to_owned()
}

/// Two who have agreed and done things in the open, and things that are nobody's business.
fn at_work(lead: &Desk, other: &Desk) {
    let need = ["category=roads", "urgency=high"];
    let open = put(
        lead,
        "need",
        &[&["title=村口路灯不亮", "privacy=open"], need.as_slice()].concat(),
    );
    let closed = put(
        lead,
        "need",
        &[&["title=王奶奶家漏雨"], need.as_slice()].concat(),
    );
    for (title, about) in [("装好路灯", &open), ("给王奶奶补瓦", &closed)] {
        let (title, about) = (format!("title={title}"), format!("about={about}"));
        let task = put(lead, "task", &[&title, &about]);
        lead.run(["edit", &task, "state=done"]).ok();
    }
    put(lead, "task", &["title=还没做的事"]);
    let needs = [format!("needs={open}"), format!("needs={closed}")];
    put(lead, "resolution", &["title=月底前修好路灯", &needs[0]]);
    put(lead, "resolution", &["title=帮王奶奶修屋顶", &needs[1]]);
    let event = put(
        lead,
        "event",
        &[
            "title=祠堂义诊",
            "place=祠堂",
            "date=2026-02-07",
            "category=health",
        ],
    );
    lead.run(["edit", &event, "state=held", "headcount=43"])
        .ok();
    let hours = put(
        other,
        "hours",
        &[
            "what=义诊",
            "member=陈小明",
            "date=2026-02-07",
            "minutes=90",
        ],
    );
    other.put_visit("3号门 王奶奶");
    for desk in [other, lead] {
        desk.run(["sync"]).ok();
    }
    lead.run(["edit", &hours, "state=confirmed"]).ok();
    for desk in [lead, other] {
        desk.run(["sync"]).ok();
    }
}

fn article(page: &str) -> &str {
    let (_, rest) = page.split_once("<article").unwrap();
    rest.split_once("</article>").unwrap().0
}

#[test]
fn notice_tells_what_was_agreed_done_and_given_and_nothing_of_residents() {
    let (_served, lead, other) = two_who_know_each_other();
    at_work(&lead, &other);
    let file = lead.path("notice.html");
    let name = file.to_str().unwrap();
    lead.run(["report", "--notice", "--html", name]).ok();
    let written = std::fs::read_to_string(&file).unwrap();
    let console = Console::entered(&lead);
    let page = console.get("/notice?period=all");
    assert_eq!(page.status, 200, "{}", page.body);
    for page in [page.body.as_str(), &written] {
        let told = article(page);
        for wanted in [
            "丹灶",
            "良登村",
            "村口路灯不亮",
            "装好路灯",
            "月底前修好路灯",
            "祠堂义诊",
            "43",
            "陈小明",
            "1.5",
            "As of ",
            "1 more is not for everybody to know",
        ] {
            assert!(told.contains(wanted), "{wanted}: {told}");
        }
        for private in ["王奶奶", "还没做的事", "漏雨"] {
            assert!(!told.contains(private), "{private}: {told}");
        }
    }
    assert!(written.contains("<style>") && !written.contains("<script"));
    // Another time has other things.
    let early = console.get("/notice?period=2025").body;
    assert!(
        article(&early).contains("nothing to make public"),
        "{early}"
    );
    let spring = console.get("/notice?period=2026Q1").body;
    assert!(article(&spring).contains("祠堂义诊"));
    assert!(
        console
            .get("/reports")
            .hrefs()
            .contains(&"/notice".to_owned())
    );
    assert!(console.get("/more").hrefs().contains(&"/notice".to_owned()));
    assert_eq!(
        console.get("/notice?from=2026-05-01&to=2026-04-01").status,
        422
    );
}

#[test]
fn volunteer_makes_a_notice_without_the_hours_of_others() {
    let (_served, lead, other) = two_who_know_each_other();
    at_work(&lead, &other);
    let console = Console::entered(&other);
    let page = console.get("/notice?period=all").body;
    let told = article(&page);
    assert!(told.contains("装好路灯") && !told.contains("1.5"), "{told}");
    assert!(told.contains("made public by whoever leads"), "{told}");
}
