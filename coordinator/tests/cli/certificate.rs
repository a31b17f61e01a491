//! Service on paper, and whether the paper is right.

use crate::console::{Console, two_who_know_each_other};
use crate::relay::Served;
use crate::run::{Desk, Ran};

/// An owner, and a volunteer with an hour and a half that the owner has confirmed, and some that nobody has.
fn scene() -> (Served, Desk, Desk) {
    let (served, owner, volunteer) = two_who_know_each_other();
    let put = |date: &str, minutes: &str| {
        let hours = [
            "put",
            "hours",
            "--space",
            "良登村",
            "what=量血压",
            "member=陈小明",
        ];
        volunteer.run(hours.iter().chain(&[date, minutes])).ok().out
    };
    let good = put("date=2026-03-04", "minutes=1:30");
    put("date=2026-03-05", "minutes=60");
    volunteer.run(["sync"]).ok();
    owner.run(["sync"]).ok();
    owner.run(["edit", good.trim(), "state=confirmed"]).ok();
    (served, owner, volunteer)
}

fn certify(desk: &Desk, out: &str) -> Ran {
    let out = desk.path(out);
    let out = out.to_str().unwrap();
    let period = ["--from", "2026-01-01", "--to", "2026/6/30"];
    desk.run(
        ["certificate", "--member", "陈小明", "--out", out]
            .iter()
            .chain(&period),
    )
}

#[test]
fn confirmed_service_is_certified_and_checked_on_a_copy_and_by_a_file() {
    let (_served, owner, volunteer) = scene();
    let said = certify(&owner, "c.svg").ok().out;
    assert!(said.contains("1 h 30 min"), "{said}");
    assert!(
        said.contains("Not counted: 1 record that nobody has confirmed."),
        "{said}"
    );
    certify(&owner, "c.json").ok();
    certify(&owner, "c.txt").ok();
    for name in ["c.svg", "c.json", "c.txt"] {
        let file = owner.path(name);
        let file = file.to_str().unwrap();
        for desk in [&owner, &volunteer] {
            let checked = desk.run(["verify-certificate", file, "--json"]).ok().json();
            assert_eq!(checked["issuer"], "coordinator", "{name} {checked}");
            assert_eq!(checked["checked_by"], "own_copy");
            assert_eq!(checked["certificate"]["minutes"], 90);
            assert_eq!(checked["certificate"]["name"], "陈小明");
        }
    }
    let roster = owner.path("roster.bin");
    let roster = roster.to_str().unwrap();
    owner.run(["export", "--roster", "--out", roster]).ok();
    // A school has neither a community nor a network.
    let school = Desk::new();
    let text = std::fs::read_to_string(owner.path("c.txt")).unwrap();
    let said = school
        .run(["verify-certificate", text.trim(), "--roster", roster])
        .ok()
        .out;
    assert!(said.contains("By the roster file"), "{said}");
    let alone = school.run(["verify-certificate", text.trim()]);
    assert!(
        alone.out.contains("the device that it names signed it"),
        "{alone:?}"
    );
    assert!(alone.fails(4).contains("--roster"));
}

#[test]
fn volunteers_certify_nothing() {
    let (_served, _, volunteer) = scene();
    assert!(
        certify(&volunteer, "c.svg")
            .fails(5)
            .contains("coordinator")
    );
    assert!(!volunteer.path("c.svg").exists());
}

#[test]
fn false_and_damaged_certificates_are_refused() {
    let (_served, owner, _) = scene();
    certify(&owner, "c.txt").ok();
    let text = std::fs::read_to_string(owner.path("c.txt")).unwrap();
    let text = text.trim();
    let mut wrong = text.to_owned().into_bytes();
    wrong[60] = if wrong[60] == b'A' { b'B' } else { b'A' };
    let wrong = String::from_utf8(wrong).unwrap();
    assert!(
        owner
            .run(["verify-certificate", &wrong])
            .fails(15)
            .contains("not copied whole")
    );
    assert!(
        owner
            .run(["verify-certificate", "hello"])
            .fails(15)
            .contains("no certificate")
    );
    let other = Desk::with_village();
    let roster = other.path("r.bin");
    let roster = roster.to_str().unwrap();
    other.run(["export", "--roster", "--out", roster]).ok();
    other
        .run(["verify-certificate", text, "--roster", roster])
        .fails(4);
    other.run(["verify-certificate", text]).fails(4);
    let file = owner.file("bad.bin", "BANYANROSTER1xx");
    let file = file.to_str().unwrap();
    owner
        .run(["verify-certificate", text, "--roster", file])
        .fails(15);
}

#[test]
fn service_that_nobody_confirmed_is_not_certified() {
    let desk = Desk::with_village();
    let period = ["--from", "2026-01-01", "--to", "2026-06-30"];
    let certify = |more: &[&str]| {
        desk.run(
            ["certificate", "--member", "李芳"]
                .iter()
                .chain(&period)
                .chain(more),
        )
    };
    assert!(certify(&[]).fails(4).contains("no confirmed service"));
    let wrong = [
        "certificate",
        "--member",
        "李芳",
        "--from",
        "soon",
        "--to",
        "2026-06-30",
    ];
    assert!(desk.run(wrong).fails(2).contains("soon"));
}

#[test]
fn coordinator_makes_a_certificate_in_the_console_that_a_school_checks() {
    let (_served, owner, volunteer) = scene();
    let members = owner.run(["--json", "members"]).ok().json();
    let mut members = members.as_array().unwrap().iter();
    let member = members.find(|member| member["name"] == "陈小明").unwrap();
    let page = format!("/member/{}", member["member"].as_str().unwrap());
    let at = format!("{page}/certificate");
    let console = Console::entered(&owner);
    assert!(console.get(&page).hrefs().contains(&at));
    let period = |from: &str, to: &str| console.post(&at, &at, &[("from", from), ("to", to)]);
    let paper = period("2026-01-01", "2026-06-30");
    assert_eq!(paper.status, 200, "{}", paper.body);
    assert!(paper.body.contains("1 h 30 min") && paper.body.contains("<svg"));
    assert!(
        paper
            .body
            .contains("Not counted: 1 record that nobody has confirmed.")
    );
    let (_, text) = paper.body.split_once("id=\"cert-text\"").unwrap();
    let (_, text) = text.split_once('>').unwrap();
    let text = text.split('<').next().unwrap();
    volunteer.run(["verify-certificate", text]).ok();
    for (from, to, says) in [
        (
            "2026-06-30",
            "2026-01-01",
            "The last day is before the first one.",
        ),
        ("2020-01-01", "2020-06-30", "no confirmed service"),
        ("some day", "2026-06-30", "is no day"),
    ] {
        let again = period(from, to);
        assert_eq!(again.status, 422);
        assert!(again.body.contains(says), "{}", again.body);
        assert!(again.body.contains(&format!("value=\"{from}\"")));
    }
    drop(console);
    let console = Console::entered(&volunteer);
    assert!(!console.get(&page).hrefs().contains(&at));
    let refused = console.post(&at, &at, &[("from", "2026-01-01"), ("to", "2026-06-30")]);
    assert_eq!(refused.status, 422);
    assert!(refused.body.contains("coordinator"), "{}", refused.body);
}
