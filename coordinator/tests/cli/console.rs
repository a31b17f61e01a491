//! A browser for tests: it opens a console of a real process, follows pages and sends forms.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::Duration;

use relay::relay::Admission;
use serde_json::Value;

use crate::relay::Served;
use crate::run::{Desk, command};

/// How long an answer or a piece of news may take before the test gives up.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// What came back.
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Reply {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines
            .filter(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
            .next()
    }

    /// Where the links of the page lead, within the console.
    pub(crate) fn hrefs(&self) -> Vec<String> {
        let links = self.body.split(" href=\"").skip(1);
        let hrefs = links.filter_map(|rest| rest.split('"').next());
        hrefs
            .filter(|href| href.starts_with('/') && !href.starts_with("/static/"))
            .map(|href| href.replace("&#38;", "&").replace("&amp;", "&"))
            .collect()
    }

    /// The value of a hidden input.
    pub(crate) fn hidden(&self, name: &str) -> String {
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
pub(crate) struct Console {
    pub(crate) program: Child,
    pub(crate) port: u16,
    pub(crate) link: String,
    pub(crate) cookie: String,
}

impl Drop for Console {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ended = self.program.kill();
        let _waited = self.program.wait();
    }
}

impl Console {
    pub(crate) fn of(desk: &Desk) -> Self {
        Self::at(&[&desk.data()])
    }

    /// What is in several folders.
    pub(crate) fn at(folders: &[&Path]) -> Self {
        let (first, more) = folders.split_first().unwrap();
        let mut serve = command(first);
        for folder in more {
            serve.arg("--data").arg(folder);
        }
        serve.args(["--json", "serve", "--port", "0"]);
        Self::told_by(serve.stdout(Stdio::piped()).spawn().unwrap())
    }

    /// The console that a program opens, whatever else it tells before.
    pub(crate) fn told_by(mut program: Child) -> Self {
        let mut out = BufReader::new(program.stdout.take().unwrap());
        let told: Value = loop {
            let mut line = String::new();
            assert!(out.read_line(&mut line).unwrap() > 0, "no link was told");
            if line.starts_with("{\"link\"") {
                break serde_json::from_str(&line).unwrap();
            }
        };
        let link = told["link"].as_str().unwrap().to_owned();
        let port = u16::try_from(told["port"].as_u64().unwrap()).unwrap();
        Self {
            program,
            port,
            link: link.rsplit('/').next().unwrap().to_owned(),
            cookie: String::new(),
        }
    }

    pub(crate) fn entered(desk: &Desk) -> Self {
        Self::of(desk).let_in()
    }

    /// The browser goes in.
    pub(crate) fn let_in(mut self) -> Self {
        let reply = self.enter();
        let cookie = reply.header("set-cookie").unwrap();
        self.cookie = cookie.split(';').next().unwrap().to_owned();
        self
    }

    pub(crate) fn enter(&self) -> Reply {
        self.send("POST", "/open", &[], &form(&[("link", &self.link)]))
    }

    /// Asks the program to end, and says whether it ends well.
    #[cfg(unix)]
    pub(crate) fn ends_when_asked(&mut self) -> bool {
        let pid = self.program.id().to_string();
        let mut kill = std::process::Command::new("kill");
        assert!(kill.args(["-INT", &pid]).status().unwrap().success());
        self.program.wait().unwrap().success()
    }

    pub(crate) fn open(&self) -> TcpStream {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream
    }

    pub(crate) fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Reply {
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
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).unwrap();
        // Workbooks and archives are no text; what tests look at in them is.
        let text = String::from_utf8_lossy(&bytes);
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        Reply {
            status: head.split(' ').nth(1).unwrap().parse().unwrap(),
            head: head.to_owned(),
            body: body.to_owned(),
        }
    }

    /// A page that listens; from here on it hears everything.
    pub(crate) fn listen(&self) -> BufReader<TcpStream> {
        self.listen_at("/events")
    }

    pub(crate) fn listen_at(&self, path: &str) -> BufReader<TcpStream> {
        let mut stream = self.open();
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nCookie: {}\r\n\r\n",
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

    pub(crate) fn get(&self, path: &str) -> Reply {
        self.send("GET", path, &[], "")
    }

    /// Sends a form with a file in it, as the page at `from` would.
    pub(crate) fn upload(&self, from: &str, fields: &[(&str, &str)], file: (&str, &str)) -> Reply {
        let csrf = self.get(from).hidden("csrf");
        self.send_file(from, &[&[("csrf", csrf.as_str())], fields].concat(), file)
    }

    pub(crate) fn send_file(
        &self,
        path: &str,
        fields: &[(&str, &str)],
        (name, content): (&str, &str),
    ) -> Reply {
        let part = |head: &str, body: &str| {
            format!("--cut\r\nContent-Disposition: form-data; {head}\r\n\r\n{body}\r\n")
        };
        let fields = fields
            .iter()
            .map(|(name, value)| part(&format!("name=\"{name}\""), value));
        let mut body: String = fields.collect();
        let head = format!("name=\"file\"; filename=\"{name}\"");
        body.push_str(&part(&head, content));
        body.push_str("--cut--\r\n");
        let kind = [("Content-Type", "multipart/form-data; boundary=cut")];
        self.send("POST", path, &kind, &body)
    }

    /// Sends a form as the page at `from` would.
    pub(crate) fn post(&self, from: &str, path: &str, fields: &[(&str, &str)]) -> Reply {
        let csrf = self.get(from).hidden("csrf");
        let all: Vec<(&str, &str)> = [("csrf", csrf.as_str()), ("back", from)]
            .into_iter()
            .chain(fields.iter().copied())
            .collect();
        self.send("POST", path, &[], &form(&all))
    }
}

pub(crate) fn form(fields: &[(&str, &str)]) -> String {
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
pub(crate) fn two_with_a_relay() -> (Served, Desk, Desk) {
    let served = Served::new(Admission::Open);
    let (lead, other) = (Desk::new(), Desk::new());
    let relay = served.text();
    lead.run(["found", "--name", "丹灶", "--as", "李芳", "--relay", &relay])
        .ok();
    lead.run(["space", "add", "良登村"]).ok();
    (served, lead, other)
}

/// Checks that a form was taken.
#[track_caller]
pub(crate) fn done(reply: &Reply) {
    assert_eq!(reply.status, 303, "{}", reply.body);
}

pub(crate) fn space_of(page: &Reply) -> String {
    let (_, rest) = page.body.split_once("name=\"_space\"").unwrap();
    let (_, rest) = rest.split_once("<option value=\"").unwrap();
    rest.split('"').next().unwrap().to_owned()
}

/// Reads news until a topic comes.
pub(crate) fn wait_for(news: &mut BufReader<TcpStream>, topic: &str) {
    let mut line = String::new();
    while line.trim() != format!("event: {topic}") {
        line.clear();
        assert!(news.read_line(&mut line).unwrap() > 0, "the news ended");
    }
}

/// The same two, both in, and each has heard of the other.
pub(crate) fn two_who_know_each_other() -> (Served, Desk, Desk) {
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
