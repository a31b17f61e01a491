//! The console as a browser uses it: a real process, its link, its pages and its forms.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use relay::relay::Admission;
use serde_json::Value;

use crate::relay::Served;
use crate::run::{Desk, command};

/// How long an answer or a piece of news may take before the test gives up.
const PATIENCE: Duration = Duration::from_secs(20);

/// What came back.
struct Reply {
    status: u16,
    head: String,
    body: String,
}

impl Reply {
    fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines
            .filter(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
            .next()
    }

    /// The value of a hidden input.
    fn hidden(&self, name: &str) -> String {
        let mark = format!("name=\"{name}\" value=\"");
        let (_, rest) = self.body.split_once(&mark).expect("the input is there");
        let (value, _) = rest.split_once('"').unwrap();
        value
            .replace("&#34;", "\"")
            .replace("&#38;", "&")
            .replace("&amp;", "&")
    }
}

/// A console with a browser that is in.
struct Console {
    program: Child,
    port: u16,
    link: String,
    cookie: String,
}

impl Drop for Console {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ended = self.program.kill();
        let _waited = self.program.wait();
    }
}

impl Console {
    fn of(desk: &Desk) -> Self {
        let mut program = command(&desk.data())
            .args(["--json", "serve", "--port", "0"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let out = program.stdout.take().unwrap();
        BufReader::new(out).read_line(&mut line).unwrap();
        let told: Value = serde_json::from_str(&line).unwrap();
        let link = told["link"].as_str().unwrap().to_owned();
        let port = u16::try_from(told["port"].as_u64().unwrap()).unwrap();
        Self {
            program,
            port,
            link: link.rsplit('/').next().unwrap().to_owned(),
            cookie: String::new(),
        }
    }

    fn entered(desk: &Desk) -> Self {
        let mut console = Self::of(desk);
        let reply = console.enter();
        let cookie = reply.header("set-cookie").unwrap();
        console.cookie = cookie.split(';').next().unwrap().to_owned();
        console
    }

    fn enter(&self) -> Reply {
        self.send("POST", "/open", &[], &form(&[("link", &self.link)]))
    }

    fn open(&self) -> TcpStream {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream
    }

    fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Reply {
        let mut stream = self.open();
        let host = format!("127.0.0.1:{}", self.port);
        let mut all = vec![
            ("Host", host.as_str()),
            ("Connection", "close"),
            ("Cookie", &self.cookie),
            ("Content-Type", "application/x-www-form-urlencoded"),
        ];
        all.retain(|(name, _)| headers.iter().all(|(given, _)| given != name));
        all.extend(headers);
        let mut request = format!("{method} {path} HTTP/1.1\r\n");
        for (name, value) in all {
            request.push_str(&format!("{name}: {value}\r\n"));
        }
        request.push_str(&format!("Content-Length: {}\r\n\r\n{body}", body.len()));
        stream.write_all(request.as_bytes()).unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        Reply {
            status: head.split(' ').nth(1).unwrap().parse().unwrap(),
            head: head.to_owned(),
            body: body.to_owned(),
        }
    }

    /// A page that listens; from here on it hears everything.
    fn listen(&self) -> BufReader<TcpStream> {
        let mut stream = self.open();
        let request = format!(
            "GET /events HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nCookie: {}\r\n\r\n",
            self.port, self.cookie
        );
        stream.write_all(request.as_bytes()).unwrap();
        let mut news = BufReader::new(stream);
        let mut line = String::new();
        news.read_line(&mut line).unwrap();
        assert!(line.starts_with("HTTP/1.1 200"), "{line}");
        while line != "\r\n" {
            line.clear();
            news.read_line(&mut line).unwrap();
        }
        news
    }

    fn get(&self, path: &str) -> Reply {
        self.send("GET", path, &[], "")
    }

    /// Sends a form as the page at `from` would.
    fn post(&self, from: &str, path: &str, fields: &[(&str, &str)]) -> Reply {
        let csrf = self.get(from).hidden("csrf");
        let all: Vec<(&str, &str)> = [("csrf", csrf.as_str()), ("back", from)]
            .into_iter()
            .chain(fields.iter().copied())
            .collect();
        self.send("POST", path, &[], &form(&all))
    }
}

fn form(fields: &[(&str, &str)]) -> String {
    let escape = |text: &str| -> String {
        text.bytes()
            .map(|byte| match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => {
                    char::from(byte).to_string()
                }
                byte => format!("%{byte:02X}"),
            })
            .collect()
    };
    let pairs = fields
        .iter()
        .map(|(name, value)| format!("{}={}", escape(name), escape(value)));
    pairs.collect::<Vec<_>>().join("&")
}

/// Who founded a community with a village and a relay, and who may join it.
fn two_with_a_relay() -> (Served, Desk, Desk) {
    let served = Served::new(Admission::Open);
    let (lead, other) = (Desk::new(), Desk::new());
    let relay = served.text();
    lead.run(["found", "--name", "丹灶", "--as", "李芳", "--relay", &relay])
        .ok();
    lead.run(["space", "add", "良登村"]).ok();
    (served, lead, other)
}

fn space_of(page: &Reply) -> String {
    let (_, rest) = page.body.split_once("name=\"_space\"").unwrap();
    let (_, rest) = rest.split_once("<option value=\"").unwrap();
    rest.split('"').next().unwrap().to_owned()
}

#[test]
fn link_lets_one_browser_in_once() {
    let desk = Desk::with_village();
    let console = Console::of(&desk);
    assert_eq!(console.get("/today").status, 401);
    let knocked = console.get(&format!("/open/{}", console.link));
    assert!(knocked.status == 200 && knocked.body.contains("丹灶"));
    let entered = console.enter();
    assert_eq!(entered.status, 303);
    let cookie = entered.header("set-cookie").unwrap();
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"));
    assert_eq!(console.enter().status, 401);
    assert_eq!(console.get(&format!("/open/{}", console.link)).status, 410);
}

#[test]
fn every_page_forbids_what_it_does_not_need() {
    let desk = Desk::with_village();
    let console = Console::entered(&desk);
    for path in [
        "/today",
        "/records",
        "/new",
        "/new/visit",
        "/members",
        "/sync",
        "/settings",
        "/nowhere",
    ] {
        let page = console.get(path);
        let wanted = if path == "/nowhere" { 404 } else { 200 };
        assert_eq!(page.status, wanted, "{path}");
        let policy = page.header("content-security-policy").unwrap();
        assert!(policy.starts_with("default-src 'none'"), "{policy}");
        assert_eq!(page.header("cache-control"), Some("no-store"), "{path}");
        let words = page.body.replace("/static/console.", "");
        assert!(!words.contains("console."), "a key without words: {path}");
    }
    let style = console.get("/static/console.css");
    assert!(style.header("cache-control").unwrap().contains("immutable"));
}

#[test]
fn other_names_other_sites_and_other_forms_do_not_come_in() {
    let desk = Desk::with_village();
    let console = Console::entered(&desk);
    assert_eq!(
        console
            .send("GET", "/today", &[("Host", "evil.example")], "")
            .status,
        403
    );
    let csrf = console.get("/settings").hidden("csrf");
    let typed = form(&[("csrf", &csrf), ("back", "/settings"), ("lang", "zh")]);
    let foreign = [("Origin", "http://evil.example")];
    assert_eq!(
        console.send("POST", "/settings", &foreign, &typed).status,
        403
    );
    let without = form(&[("lang", "zh")]);
    assert_eq!(console.send("POST", "/settings", &[], &without).status, 403);
    assert!(console.get("/settings").body.contains("lang=\"en\""));
    assert_eq!(console.send("POST", "/settings", &[], &typed).status, 303);
    assert!(console.get("/settings").body.contains("lang=\"zh-CN\""));
}

#[test]
fn visit_is_written_found_and_changed() {
    let desk = Desk::with_village();
    let console = Console::entered(&desk);
    let blank = console.get("/new/visit");
    let space = space_of(&blank);
    let typed = [
        ("_space", space.as_str()),
        ("household", "3号门 王奶奶"),
        ("date", "2026-03-04"),
        ("purpose", "health"),
        ("alone", "yes"),
        ("minutes", "45"),
        ("point.lat", "23.0512"),
        ("point.lon", "112.9345"),
    ];
    let written = console.post("/new/visit", "/new/visit", &typed);
    assert_eq!(written.status, 303, "{}", written.body);
    let href = written.header("location").unwrap().to_owned();
    let shown = console.get(&href);
    assert!(shown.body.contains("3** 王**") && !shown.body.contains("王奶奶"));
    assert!(
        console
            .get(&format!("{href}?personal=1"))
            .body
            .contains("王奶奶")
    );
    for search in ["%E7%8E%8B%E5%A5%B6%E5%A5%B6", "wnn"] {
        let found = console.get(&format!("/records?q={search}"));
        assert!(found.body.contains(&href), "{search}");
    }
    let edit = format!("{href}/edit");
    let seen = console.get(&edit).hidden("seen");
    let mut changed = typed.to_vec();
    changed[5] = ("minutes", "50");
    changed.push(("seen", &seen));
    let saved = console.post(&edit, &edit, &changed);
    assert_eq!(saved.status, 303, "{}", saved.body);
    let id = href.rsplit('/').next().unwrap();
    let kept = desk.run(["--json", "show", id, "--history"]).ok().json();
    let history = kept["history"].as_array().unwrap();
    let last = history.last().unwrap()["changes"].as_array().unwrap();
    assert!(last.len() == 1 && last[0]["field"] == "minutes", "{last:?}");
}

#[test]
fn what_is_wrong_is_said_beside_the_field_and_what_was_typed_stays() {
    let desk = Desk::with_village();
    let console = Console::entered(&desk);
    let space = space_of(&console.get("/new/visit"));
    let typed = [
        ("_space", space.as_str()),
        ("household", ""),
        ("date", "2026-02-30"),
        ("purpose", "health"),
        ("minutes", "forty"),
        ("findings", "typed with <care> & patience"),
    ];
    let refused = console.post("/new/visit", "/new/visit", &typed);
    assert_eq!(refused.status, 422);
    for name in ["household", "date", "minutes"] {
        assert!(
            refused.body.contains(&format!("id=\"er-{name}\"")),
            "{name}"
        );
    }
    assert!(refused.body.contains("value=\"forty\""));
    assert!(
        refused
            .body
            .contains("typed with &#60;care&#62; &#38; patience")
    );
    assert!(
        desk.run(["--json", "list"])
            .ok()
            .json()
            .as_array()
            .unwrap()
            .is_empty()
    );
}

#[test]
fn what_somebody_else_changed_meanwhile_is_shown_before_it_is_overwritten() {
    let desk = Desk::with_village();
    let visit = desk.put_visit("3号门 王奶奶");
    let console = Console::entered(&desk);
    let edit = format!("/record/{visit}/edit");
    let seen = console.get(&edit).hidden("seen");
    desk.run(["edit", &visit, "people=3"]).ok();
    let typed = [
        ("seen", seen.as_str()),
        ("household", "3号门 王奶奶"),
        ("date", "2026-03-04"),
        ("purpose", "health"),
        ("people", "2"),
    ];
    let asked = console.post(&edit, &edit, &typed);
    assert_eq!(asked.status, 422);
    assert!(asked.body.contains("id=\"er-people\"") && asked.body.contains("value=\"2\""));
    let seen = asked.hidden("seen");
    let mut again = typed;
    again[0] = ("seen", &seen);
    let saved = console.post(&edit, &edit, &again);
    assert_eq!(saved.status, 303, "{}", saved.body);
    let kept = desk.run(["--json", "show", &visit]).ok().out;
    assert!(
        kept.contains("\"name\": \"people\"") && kept.contains("\"value\": 2"),
        "{kept}"
    );
}

#[test]
fn record_is_moved_on_with_a_reason_and_talked_about() {
    let desk = Desk::with_village();
    let args = [
        "put",
        "need",
        "--space",
        "良登村",
        "title=路灯",
        "category=roads",
        "urgency=high",
    ];
    let need = desk.run(args).ok().out.trim().to_owned();
    let console = Console::entered(&desk);
    let page = format!("/record/{need}");
    let move_to = format!("{page}/move");
    let refused = console.post(&page, &move_to, &[("to", "declined")]);
    assert!(refused.status == 422 && refused.body.contains("id=\"why-e\""));
    let moved = console.post(
        &page,
        &move_to,
        &[("to", "declined"), ("reason", "已转供电所")],
    );
    assert_eq!(moved.status, 303);
    let said = console.post(
        &page,
        &format!("{page}/comment"),
        &[("text", "供电所说本周内来人。")],
    );
    assert_eq!(said.status, 303);
    let shown = console.get(&page);
    assert!(shown.body.contains("供电所说本周内来人。"));
    let kept = desk.run(["--json", "show", &need]).ok().out;
    assert!(kept.contains("declined") && kept.contains("已转供电所"));
}

/// Reads news until a topic comes.
fn wait_for(news: &mut BufReader<TcpStream>, topic: &str) {
    let mut line = String::new();
    while line.trim() != format!("event: {topic}") {
        line.clear();
        assert!(news.read_line(&mut line).unwrap() > 0, "the news ended");
    }
}

/// The same two, both in, and each has heard of the other.
fn two_who_know_each_other() -> (Served, Desk, Desk) {
    let (served, lead, other) = two_with_a_relay();
    let invite = ["invite", "--space", "良登村", "--role", "volunteer"];
    let ticket = lead.run(invite).ok().out;
    let ticket = ticket.lines().next().unwrap().to_owned();
    lead.run(["sync"]).ok();
    other.run(["join", &ticket, "--name", "陈小明"]).ok();
    other.run(["sync"]).ok();
    lead.run(["sync"]).ok();
    other.run(["sync"]).ok();
    (served, lead, other)
}

#[test]
fn open_page_hears_of_what_another_person_wrote_over_the_relay() {
    let (_served, lead, other) = two_who_know_each_other();
    let console = Console::entered(&lead);
    let mut news = console.listen();
    let visit = other.put_visit("5号门 陈家");
    other.run(["sync"]).ok();
    let page = format!("/record/{visit}");
    while console.get(&page).status != 200 {
        wait_for(&mut news, "records");
    }
    assert!(console.get("/records").body.contains(&page));
}

fn level(desk: &Desk, record: &str) -> Value {
    desk.run(["--json", "show", record]).ok().json()["ticks"]["level"].clone()
}

#[test]
fn open_page_hears_that_a_record_is_on_the_relay_and_then_with_a_colleague() {
    let (_served, lead, other) = two_who_know_each_other();
    let console = Console::entered(&lead);
    let mut news = console.listen();
    let space = space_of(&console.get("/new/visit"));
    let typed = [
        ("_space", space.as_str()),
        ("household", "3号门 王奶奶"),
        ("date", "2026-03-04"),
        ("purpose", "health"),
    ];
    let written = console.post("/new/visit", "/new/visit", &typed);
    let href = written.header("location").unwrap().to_owned();
    let visit = href.rsplit('/').next().unwrap();
    while level(&lead, visit) != "relay" {
        wait_for(&mut news, "sync");
    }
    other.run(["sync"]).ok();
    while level(&lead, visit) != "colleague" {
        wait_for(&mut news, "sync");
    }
}

#[test]
fn console_that_stays_open_says_that_it_has_what_others_wrote() {
    let (_served, lead, other) = two_who_know_each_other();
    let _console = Console::entered(&lead);
    let visit = other.put_visit("5号门 陈家");
    let begun = Instant::now();
    while level(&other, &visit) != "coordinator" {
        assert!(begun.elapsed() < PATIENCE, "the console says nothing");
        other.run(["sync"]).ok();
    }
}

#[test]
fn port_that_is_taken_is_said() {
    let desk = Desk::with_village();
    let console = Console::of(&desk);
    let port = console.port.to_string();
    let sentence = desk.run(["serve", "--port", &port]).fails(19);
    assert!(sentence.contains(&port), "{sentence}");
}

#[cfg(unix)]
#[test]
fn program_ends_when_it_is_asked_to_although_a_page_listens() {
    let desk = Desk::with_village();
    let mut console = Console::entered(&desk);
    let _news = console.listen();
    let pid = console.program.id().to_string();
    let asked = std::process::Command::new("kill")
        .args(["-INT", &pid])
        .status();
    assert!(asked.unwrap().success());
    assert!(console.program.wait().unwrap().success());
}

#[test]
fn ticket_of_the_console_lets_somebody_join() {
    let (_served, lead, other) = two_with_a_relay();
    let console = Console::entered(&lead);
    let page = console.get("/invite");
    let (_, rest) = page.body.split_once("name=\"space\">").unwrap();
    let (_, rest) = rest.split_once("<option value=\"").unwrap();
    let space = rest.split('"').next().unwrap();
    let typed = [("role", "volunteer"), ("space", space), ("uses", "80")];
    let refused = console.post("/invite", "/invite", &typed);
    assert!(refused.status == 422 && refused.body.contains("value=\"80\""));
    let typed = [("role", "volunteer"), ("space", space), ("uses", "1")];
    let made = console.post("/invite", "/invite", &typed);
    assert!(
        made.status == 200 && made.body.contains("<svg"),
        "{}",
        made.body
    );
    let (_, rest) = made.body.split_once("id=\"ticket\"").unwrap();
    let (_, rest) = rest.split_once('>').unwrap();
    let ticket = rest.split('<').next().unwrap();
    assert_eq!(console.post("/sync", "/sync", &[]).status, 303);
    other.run(["join", ticket, "--name", "陈小明"]).ok();
    other.run(["sync"]).ok();
    assert!(other.run(["space", "list"]).ok().out.contains("良登村"));
}
