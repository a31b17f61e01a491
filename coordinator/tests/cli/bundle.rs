//! Bundles: a village without any network, a file, and the town.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::yield_now;

use serde_json::Value;
use sync_core::id::Millis;
use sync_core::peer::moment;
use sync_node::Home;

use crate::run::{Desk, command};

/// The town's desk with a village, and a phone that has joined it by a ticket and a file alone.
fn town_and_village() -> (Desk, Desk) {
    let town = Desk::with_village();
    let invite = ["invite", "--space", "良登村", "--role", "volunteer"];
    let ticket = town.run(invite).ok().out;
    let village = Desk::new();
    let join = ["join", ticket.trim(), "--name", "陈小明", "--offline"];
    village.run(join).ok();
    let file = export(&town, "welcome.banyan", &[]);
    import(&village, &[&file]).ok();
    (town, village)
}

fn export(desk: &Desk, name: &str, more: &[&str]) -> PathBuf {
    let path = desk.path(name);
    let args = ["bundle", "export", "--out", path.to_str().unwrap()];
    desk.run(args.iter().chain(more)).ok();
    path
}

fn import(desk: &Desk, files: &[&Path]) -> crate::run::Ran {
    let files = files.iter().map(|it| it.to_str().unwrap());
    desk.run(["bundle", "import", "--json"].into_iter().chain(files))
}

fn digest(desk: &Desk) -> String {
    let status = desk.run(["status", "--json"]).ok().json();
    status["digest"].as_str().unwrap().to_owned()
}

/// Whether the town has all that the village has: it has said a word of its own since, which an answer brings.
fn assert_same(town: &Desk, village: &Desk) {
    let answer = export(town, "answer.banyan", &["--force"]);
    import(village, &[&answer]).ok();
    assert_eq!(digest(town), digest(village));
}

/// The failure's sentence, without the report before it.
fn complaint(ran: crate::run::Ran) -> String {
    let error: Value = serde_json::from_str(&ran.fails(15)).unwrap();
    error["error"]["message"].as_str().unwrap().to_owned()
}

/// Visits with long texts, so that a bundle is larger than what becomes durable at once.
fn write_much(desk: &Desk, visits: u32) {
    let (mut replica, _) = Home::at(&desk.data()).open().unwrap();
    let space = replica.find_space("良登村").unwrap();
    let mut rng = rand::rng();
    for n in 0..visits {
        let letters = (0..9_000).map(|at| 0x4e00 + (at * 7_919 + n * 104_729) % 20_000);
        let findings: String = letters.filter_map(char::from_u32).collect();
        let fields = [
            format!("household={n}号门"),
            "date=2026-03-04".to_owned(),
            "purpose=health".to_owned(),
            format!("findings={findings}"),
        ];
        let kind = replica.schema().kind("visit").unwrap();
        let fields = kind.parse_assignments(&fields).unwrap();
        let moment = &mut moment(Millis(1_780_000_000_000), &mut rng);
        replica.create("visit", space, &fields, moment).unwrap();
        replica.seal_pending(moment).unwrap();
    }
}

#[test]
fn week_goes_to_town_in_a_file_and_the_answer_comes_back() {
    let (town, village) = town_and_village();
    let visit = village.put_visit("3号门 王奶奶");
    town.put_need();
    let week = export(&village, "week.banyan", &[]);
    let brought = import(&town, &[&week]).ok().json();
    assert_eq!(brought["by_kind"]["visit"], 1, "{brought}");
    assert_eq!(brought["by_person"]["陈小明"], 1);
    assert_eq!(brought["files"][0]["from"], "陈小明");
    assert_eq!(brought["files"][0]["is_sender_known"], true);
    assert!(brought.get("bytes_sent").is_none() && brought.get("relay").is_none());
    town.run(["show", &visit]).ok();
    let answer = export(&town, "answer.banyan", &["--since", week.to_str().unwrap()]);
    assert!(answer.metadata().unwrap().len() < week.metadata().unwrap().len());
    let brought = import(&village, &[&answer]).ok().json();
    assert_eq!(brought["by_kind"]["need"], 1, "{brought}");
    assert_eq!(digest(&town), digest(&village));
    let again = import(&village, &[&answer]).ok().json();
    assert_eq!(again["received"], 0);
    // What a member has is known by what came from there.
    village.put_visit("4号门");
    let news = export(
        &village,
        "news.banyan",
        &["--for", "李芳", "--since", "李芳"],
    );
    let brought = import(&town, &[&news]).ok().json();
    assert_eq!(
        (&brought["received"], &brought["files"][0]["known"]),
        (&1.into(), &0.into())
    );
    assert_eq!(digest(&town), digest(&village));
}

#[test]
fn report_of_an_import_is_plain_words_in_both_languages() {
    let (town, village) = town_and_village();
    village.put_visit("3号门 王奶奶");
    let week = export(&village, "week.banyan", &[]);
    let week = week.to_str().unwrap();
    let said = town.run(["bundle", "import", week]).ok().out;
    assert!(said.contains("written by 陈小明 on 20"), "{said}");
    assert!(
        said.contains("merged 1 change.") && said.contains("Merged from: 陈小明 1"),
        "{said}"
    );
    assert!(!said.contains("王奶奶"), "{said}");
    let said = town
        .run(["--lang", "zh", "bundle", "import", week])
        .ok()
        .out;
    assert!(said.contains("里面没有新的内容"), "{said}");
    let written = town.run(["bundle", "export"].iter().chain(&["--out", week]));
    assert!(written.fails(2).contains("--force"));
    let written = town
        .run(["bundle", "export", "--out", week, "--force"])
        .ok()
        .out;
    assert!(written.contains("Nothing counts as sent yet"), "{written}");
}

#[test]
fn broken_file_brings_what_is_whole_and_says_so() {
    let (town, village) = town_and_village();
    write_much(&village, 40);
    let week = export(&village, "week.banyan", &[]);
    let bytes = fs::read(&week).unwrap();
    let half = town.file("half.banyan", &bytes[..bytes.len() * 2 / 3]);
    let ran = import(&town, &[&half]);
    let received = ran.json()["received"].as_u64().unwrap();
    assert!(received > 0 && received < 40, "{received}");
    assert!(complaint(ran).contains("ends too early. What came before is taken in"));
    let mut forged = bytes.clone();
    let at = bytes.len() * 9 / 10;
    forged[at] ^= 1;
    let forged = town.file("forged.banyan", &forged);
    assert!(complaint(import(&town, &[&forged])).contains("somebody has changed it"));
    import(&town, &[&week]).ok();
    assert_same(&town, &village);
    town.run(["verify"]).ok();
    let nothing = town.file("short.banyan", &bytes[..60]);
    assert!(
        town.run(["bundle", "import", nothing.to_str().unwrap()])
            .fails(15)
            .contains("copy the file again")
    );
    let other = town.file("list.csv", "household,date\n");
    assert!(
        town.run(["bundle", "import", other.to_str().unwrap()])
            .fails(15)
            .contains("no bundle")
    );
}

#[test]
fn bundle_of_another_community_is_refused_with_a_sentence() {
    let (town, _) = town_and_village();
    let other = Desk::with_village();
    other.put_visit("1号门");
    let file = export(&other, "other.banyan", &[]);
    let before = digest(&town);
    let said = town
        .run(["bundle", "import", file.to_str().unwrap()])
        .fails(15);
    assert!(
        said.contains("another community") && said.contains("--data"),
        "{said}"
    );
    assert_eq!(digest(&town), before);
}

#[test]
fn stranger_learns_the_community_and_the_size_and_nothing_else() {
    let (town, village) = town_and_village();
    village.put_visit("3号门 王奶奶");
    let week = export(&village, "week.banyan", &[]);
    let week = week.to_str().unwrap();
    let stranger = Desk::new();
    let seen = stranger
        .run(["bundle", "inspect", week, "--json"])
        .ok()
        .json();
    let keys: Vec<&String> = seen.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["community", "bytes", "is_open"]);
    let other = Desk::with_village();
    assert_eq!(
        other.run(["bundle", "inspect", week, "--json"]).ok().json(),
        seen
    );
    let said = other.run(["bundle", "inspect", week]).ok().out;
    assert!(said.contains(seen["community"].as_str().unwrap()), "{said}");
    // A member sees who wrote it and for which spaces; looking changes nothing.
    import(&town, &[Path::new(week)]).ok();
    let before = digest(&town);
    let said = town.run(["bundle", "inspect", week]).ok().out;
    assert!(
        said.contains("陈小明")
            && said.contains("良登村: 1")
            && said.contains("The file is whole."),
        "{said}"
    );
    assert_eq!(digest(&town), before);
}

#[test]
fn files_of_one_export_come_in_any_order_and_a_missing_one_is_named() {
    let (town, village) = town_and_village();
    write_much(&village, 90);
    let out = village.path("week.banyan");
    let args = [
        "bundle",
        "export",
        "--max-size",
        "1MB",
        "--json",
        "--out",
        out.to_str().unwrap(),
    ];
    let written = village.run(args).ok().json();
    let files: Vec<PathBuf> = written["files"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| PathBuf::from(it.as_str().unwrap()))
        .collect();
    assert!(files.len() >= 2, "{files:?}");
    assert!(
        files
            .iter()
            .all(|file| file.metadata().unwrap().len() <= 1_000_000)
    );
    assert!(
        files[0]
            .to_str()
            .unwrap()
            .ends_with(&format!("week-1-of-{}.banyan", files.len()))
    );
    let last = import(&town, &[files.last().unwrap()]);
    let missing = last.json()["files"][0]["missing"].as_array().unwrap().len();
    assert_eq!(missing, files.len());
    assert!(complaint(last).contains("missing."));
    // Given together, they are taken in their own order.
    let all: Vec<&Path> = files.iter().rev().map(PathBuf::as_path).collect();
    let brought = import(&town, &all).ok().json();
    assert_eq!(brought["by_kind"]["visit"], 90, "{brought}");
    assert_same(&town, &village);
}

/// Kills it once a condition holds; says whether it was still running.
fn killed_when(child: &mut Command, is_time: impl Fn() -> bool) -> bool {
    let mut child = child.stdout(Stdio::null()).spawn().unwrap();
    while !is_time() && child.try_wait().unwrap().is_none() {
        yield_now();
    }
    let was_running = child.try_wait().unwrap().is_none();
    child.kill().unwrap();
    child.wait().unwrap();
    was_running
}

#[test]
fn import_that_was_killed_anywhere_goes_on_when_it_is_run_again() {
    let (town, village) = town_and_village();
    write_much(&village, 110);
    let week = export(&village, "week.banyan", &[]);
    let store = town.data().join("community.sqlite-wal");
    let written = || fs::metadata(&store).map_or(0, |file| file.len());
    let mut seen = 0;
    // Where exactly is the system's affair; the log of the store is begun anew now and then.
    for more in [1, 30_000, 200_000, 1_000_000, 300_000, 5_000] {
        let before = written();
        let mut import = command(&town.data());
        import.args(["bundle", "import"]).arg(&week);
        killed_when(&mut import, || written() >= before + more);
        town.run(["verify"]).ok();
        let visits = town.run(["list", "--kind", "visit", "--json"]).ok().json();
        let come = visits.as_array().unwrap().len();
        assert!(come >= seen, "{come} after {seen}");
        seen = come;
    }
    import(&town, &[&week]).ok();
    assert_same(&town, &village);
    town.run(["verify"]).ok();
}

#[test]
fn export_that_was_killed_leaves_no_file_and_the_next_one_tidies_up() {
    let (town, village) = town_and_village();
    write_much(&village, 110);
    let stick = village.path("stick");
    fs::create_dir(&stick).unwrap();
    let names = || -> Vec<String> {
        let names = fs::read_dir(&stick).unwrap();
        names
            .map(|it| it.unwrap().file_name().into_string().unwrap())
            .collect()
    };
    let week = stick.join("week.banyan");
    let mut export = command(&village.data());
    export.args(["bundle", "export", "--out"]).arg(&week);
    killed_when(&mut export, || !names().is_empty());
    let left = names();
    assert!(
        left.iter().all(|name| name.ends_with(".partial")) || left == ["week.banyan"],
        "{left:?}"
    );
    let out = week.to_str().unwrap();
    village
        .run(["bundle", "export", "--force", "--out", out])
        .ok();
    assert_eq!(names(), ["week.banyan"]);
    import(&town, &[&week]).ok();
    assert_same(&town, &village);
}

#[test]
fn export_says_what_it_cannot_do() {
    let (town, village) = town_and_village();
    let size = town.run(["bundle", "export", "--max-size", "5KB"]).fails(2);
    assert!(size.contains("5KB"), "{size}");
    assert!(
        town.run(["bundle", "export", "--for", "nobody"])
            .fails(4)
            .contains("nobody")
    );
    let nothing = village
        .run(["bundle", "export", "--since", "陈小明"])
        .fails(4);
    assert!(nothing.contains("not known what 陈小明 has"), "{nothing}");
    let joiner = Desk::new();
    let ticket = town
        .run(["invite", "--space", "良登村", "--role", "volunteer"])
        .ok()
        .out;
    joiner
        .run(["join", ticket.trim(), "--name", "黄姐", "--offline"])
        .ok();
    let early = joiner.run(["bundle", "export"]).fails(3);
    assert!(early.contains("import a bundle"), "{early}");
}

#[test]
fn photos_go_along_in_a_file_unless_somebody_says_otherwise() {
    let (town, village) = town_and_village();
    let visit = village.put_visit("荷花家");
    let paper = village.path("minutes.pdf");
    fs::write(&paper, b"%PDF-1.4 what was said").unwrap();
    village
        .run(["attach", &visit, paper.to_str().unwrap()])
        .ok();
    let without = export(&village, "bare.banyan", &["--attachments", "none"]);
    let told = import(&town, &[&without]).ok().json();
    assert_eq!(told["files"][0]["attachments"], 0, "{told}");
    let here = || {
        let all = town.run(["--json", "attachments", &visit]).ok().json();
        all[0]["original"]["is_here"] == true
    };
    assert!(!here());
    let with = export(&village, "week.banyan", &[]);
    let inspect = ["bundle", "inspect", "--json", with.to_str().unwrap()];
    assert_eq!(town.run(inspect).ok().json()["attachments"], 1);
    let told = town
        .run(["bundle", "import", with.to_str().unwrap()])
        .ok()
        .out;
    assert!(
        told.contains("1 photo, recording or paper came whole."),
        "{told}"
    );
    assert!(!told.contains("Nothing in it is new"), "{told}");
    assert!(here());
}
