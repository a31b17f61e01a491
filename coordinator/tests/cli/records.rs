//! From founding to history, all on one computer.

use std::io::Read;
use std::process::Stdio;

use crate::run::{Desk, command};

#[test]
fn founding_prints_the_recovery_key_once_in_groups() {
    let desk = Desk::new();
    let founded = desk
        .run(["--json", "found", "--name", "丹灶", "--as", "李芳"])
        .ok()
        .json();
    let key = founded["recovery_key"].as_str().unwrap();
    assert_eq!(key.split(' ').map(str::len).collect::<Vec<_>>(), [4; 8]);
    let status = desk.run(["status", "--json"]).ok();
    assert_eq!(status.json()["title"], "丹灶");
    assert_eq!(status.json()["community"], founded["community"]);
    assert_eq!(status.json()["roles"][0]["role"], "owner");
    assert!(!status.out.contains(key));
    desk.run(["found", "--name", "again"]).fails(18);
}

#[test]
fn record_is_written_changed_and_shown_with_its_history() {
    let desk = Desk::with_village();
    let record = desk.put_visit("3号门 王奶奶");
    let short: String = record.chars().take(8).collect();
    let edited = desk
        .run([
            "edit",
            &short,
            "findings=血压偏高\n屋顶漏水",
            "mood=Worried",
        ])
        .ok();
    assert!(edited.out.contains("3号门 王奶奶"));
    let shown = desk
        .run(["show", &short, "--history", "--json"])
        .ok()
        .json();
    assert_eq!(shown["record"], record.as_str());
    assert_eq!(shown["created_by"], "李芳");
    let mood = shown["fields"]
        .as_array()
        .unwrap()
        .iter()
        .find(|field| field["name"] == "mood");
    assert_eq!(mood.unwrap()["value"], "worried");
    let history = shown["history"].as_array().unwrap();
    assert_eq!(history.len(), 2);
    assert_eq!(history[1]["changes"][0]["field"], "findings");
    assert!(history[1]["changes"][0]["from"].is_null());
    let text = desk
        .run(["--lang", "zh", "show", &short, "--history"])
        .ok()
        .out;
    assert!(text.contains("情绪状态") && text.contains("担忧"), "{text}");
    let same = desk
        .run(["--json", "edit", &short, "mood=worried"])
        .ok()
        .json();
    assert_eq!(same["changed"], false);
}

#[test]
fn list_is_filtered_and_tells_what_to_do_when_empty() {
    let desk = Desk::with_village();
    assert!(desk.run(["list"]).ok().out.contains("banyan put"));
    desk.put_visit("3号门");
    desk.put_visit("4号门");
    let proposal = [
        "title=桥头路灯",
        "category=roads",
        "level=village",
        "state=submitted",
    ];
    let put = ["put", "提案", "--space", "commons"]
        .iter()
        .chain(&proposal);
    desk.run(put).ok();
    let all = desk.run(["list", "--json"]).ok().json();
    assert_eq!(all.as_array().unwrap().len(), 3);
    assert_eq!(all[0]["title"], "桥头路灯");
    let visits = desk
        .run([
            "list",
            "--kind",
            "visit",
            "--space",
            "良登村",
            "--limit",
            "1",
        ])
        .ok()
        .out;
    assert!(
        visits.contains("4号门") && !visits.contains("3号门"),
        "{visits}"
    );
    assert!(visits.contains("1 of 2 records"), "{visits}");
    let none = desk.run(["list", "--kind", "event"]).ok().out;
    assert!(none.contains("No record fits"), "{none}");
    assert!(
        desk.run(["list", "--conflicts"])
            .ok()
            .out
            .contains("conflict")
    );
    let spaces = desk.run(["space", "list", "--json"]).ok().json();
    let village = spaces
        .as_array()
        .unwrap()
        .iter()
        .find(|space| space["name"] == "良登村");
    assert_eq!(village.unwrap()["records"], 2);
}

#[test]
fn list_asks_for_states_persons_and_days() {
    let desk = Desk::with_village();
    let need = |title: &str, due: &str, more: &[&str]| {
        let (title, due) = (format!("title={title}"), format!("due={due}"));
        let put = ["put", "need", "--space", "良登村", &title, &due];
        let words = ["category=health", "urgency=low"];
        desk.run([put.as_slice(), &words, more].concat()).ok();
    };
    need("路灯", "2026-05-02", &[]);
    need("水沟", "2026-04-01", &["state=triaged", "owner=李芳"]);
    need("旧事", "2026-03-01", &["state=closed"]);
    desk.put_visit("3号门");
    let titles = |args: &[&str]| -> Vec<String> {
        let rows = desk
            .run([["list", "--json"].as_slice(), args].concat())
            .ok();
        let rows = rows.json();
        let rows = rows.as_array().unwrap().iter();
        rows.map(|row| row["title"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(titles(&["--state", "已核实"]), ["水沟"]);
    let two = ["--kind", "need", "--state", "triaged", "--state", "Raised"];
    assert_eq!(titles(&two), ["水沟", "路灯"]);
    assert_eq!(titles(&["--sort", "due", "--limit", "2"]), ["水沟", "路灯"]);
    // The day of a need is the one on which it was begun, and that is today.
    assert_eq!(titles(&["--sort", "day"]).last().unwrap(), "3号门");
    assert_eq!(titles(&["--due-before", "2026-05-02"]), ["水沟"]);
    assert_eq!(titles(&["--due-before", "2026-05-03"]), ["水沟", "路灯"]);
    assert_eq!(titles(&["--person", "李芳", "--kind", "visit"]), ["3号门"]);
    let shown = desk.run(["list", "--sort", "due", "--limit", "1"]).ok().out;
    assert!(
        shown.contains("Due") && shown.contains("2026-04-01"),
        "{shown}"
    );
    assert!(shown.contains("1 of 4 records"), "{shown}");
    let none = desk.run(["list", "--state", "answered"]).ok().out;
    assert!(none.contains("No record fits"), "{none}");
    assert!(
        desk.run(["list", "--state", "sleeping"])
            .fails(4)
            .contains("raised")
    );
    desk.run(["list", "--person", "nobody"]).fails(4);
    let no_day = desk.run(["list", "--due-before", "soon"]).fails(2);
    assert!(no_day.contains("2026-04-01"), "{no_day}");
}

#[test]
fn list_is_searched_by_words_initials_and_names_of_choices() {
    let desk = Desk::with_village();
    let record = desk.put_visit("3号门 王芳");
    desk.put_visit("37号门 李阿姨");
    desk.run([
        "edit",
        &record,
        "findings=血压偏高，下周再来",
        "mood=worried",
    ])
    .ok();
    let titles = |words: &str| -> Vec<String> {
        let rows = desk.run(["list", "--search", words, "--json"]).ok().json();
        let rows = rows.as_array().unwrap().iter();
        rows.map(|row| row["title"].as_str().unwrap().to_owned())
            .collect()
    };
    for words in [
        "王芳",
        "wf",
        "血压 王芳",
        "3号门",
        "担忧",
        "worried",
        "ＷＦ",
        "偏高",
    ] {
        assert_eq!(titles(words), ["3号门 王芳"], "{words}");
    }
    assert_eq!(titles("号门").len(), 2);
    assert_eq!(titles("\"*").len(), 2, "what has no letters asks nothing");
    assert_eq!(titles("血压 李阿姨").len(), 0);
    desk.run(["edit", &record, "findings=一切正常"]).ok();
    assert_eq!(titles("血压").len(), 0);
    assert_eq!(titles("正常").len(), 1);
    let none = desk.run(["list", "--search", "没有"]).ok().out;
    assert!(none.contains("No record fits"), "{none}");
}

#[test]
fn status_counts_what_is_here() {
    let desk = Desk::with_village();
    desk.put_visit("3号门");
    let status = desk.run(["status", "--json"]).ok().json();
    assert_eq!(status["records"][0]["records"], 1);
    assert_eq!(status["records"][0]["kind"], "visit");
    assert_eq!(status["member"], true);
    assert!(status["pending"].as_u64().unwrap() > 0);
    let text = desk.run(["status"]).ok().out;
    assert!(
        text.contains("1 (Home visit 1)") && text.contains("No relay is known"),
        "{text}"
    );
    let members = desk.run(["members", "--json"]).ok().json();
    assert_eq!(members[0]["name"], "李芳");
    assert!(desk.run(["held"]).ok().out.contains("Nothing is held"));
}

#[test]
fn invitation_is_a_ticket_as_text_code_and_picture() {
    let desk = Desk::with_village();
    let plain = desk
        .run(["invite", "--space", "良登村", "--role", "volunteer"])
        .ok();
    assert!(
        plain.out.starts_with("banyan1") && plain.out.lines().count() == 1,
        "{plain:?}"
    );
    assert!(
        plain.err.contains("volunteer") && plain.err.contains("良登村"),
        "{plain:?}"
    );
    let drawn = desk
        .run(["invite", "--role", "lead", "--space", "良登村", "--qr"])
        .ok()
        .out;
    assert!(drawn.contains('▀') && drawn.lines().count() > 20, "{drawn}");
    let svg = desk.path("poster.svg");
    let args = [
        "--json",
        "invite",
        "--role",
        "协调员",
        "--uses",
        "3",
        "--qr-svg",
    ];
    let invite = args
        .iter()
        .map(std::ffi::OsStr::new)
        .chain([svg.as_os_str()]);
    desk.run(
        ["--lang", "zh"]
            .iter()
            .map(std::ffi::OsStr::new)
            .chain(invite),
    )
    .ok();
    assert!(std::fs::read_to_string(svg).unwrap().contains("<svg"));
}

#[test]
fn ticket_is_taken_up_offline_and_a_useless_one_gives_way() {
    let founder = Desk::with_village();
    let invite = || {
        founder
            .run(["invite", "--space", "良登村", "--role", "volunteer"])
            .ok()
            .out
    };
    let joiner = Desk::new();
    let join = |ticket: &str| joiner.run(["join", ticket.trim(), "--name", "陈小明", "--offline"]);
    assert!(join(&invite()).ok().out.contains("陈小明"));
    assert_eq!(
        joiner.run(["status", "--json"]).ok().json()["member"],
        false
    );
    joiner.run(["space", "add", "x"]).fails(3);
    join(&invite()).ok();
    // Where something has been written, nothing gives way.
    let ticket = invite();
    founder
        .run(["join", ticket.trim(), "--name", "x", "--offline"])
        .fails(18);
}

#[test]
fn recovery_key_is_not_lost_with_a_closed_pipe() {
    let desk = Desk::new();
    let (nobody, out) = std::io::pipe().unwrap();
    drop(nobody);
    let mut found = command(&desk.data());
    found
        .args(["found", "--name", "V", "--as", "B"])
        .stdout(out);
    let ended = found.stderr(Stdio::piped()).output().unwrap();
    assert_eq!(ended.status.code(), Some(19));
    let said = String::from_utf8(ended.stderr).unwrap();
    let (_, key) = said.trim().rsplit_once(": ").unwrap();
    assert_eq!(key.replace(' ', "").len(), 32, "{said}");
    desk.run(["status"]).ok();
}

#[test]
fn picture_that_cannot_be_written_gives_no_invitation() {
    let desk = Desk::with_village();
    let before = desk.run(["log", "--json"]).ok().out;
    let nowhere = desk.path("nowhere/qr.svg");
    desk.run([
        "invite",
        "--role",
        "volunteer",
        "--qr-svg",
        nowhere.to_str().unwrap(),
    ])
    .fails(15);
    assert_eq!(desk.run(["log", "--json"]).ok().out, before);
}

#[test]
fn closed_pipe_ends_the_command_quietly() {
    let desk = Desk::with_village();
    for household in 0..20 {
        desk.put_visit(&format!("{household}号门 {}", "长".repeat(900)));
    }
    let mut child = command(&desk.data())
        .args(["list", "--json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut first = [0; 8];
    let mut out = child.stdout.take().unwrap();
    out.read_exact(&mut first).unwrap();
    drop(out);
    let ended = child.wait_with_output().unwrap();
    assert_eq!(String::from_utf8_lossy(&ended.stderr), "");
    assert_eq!(ended.status.code(), Some(0));
}
