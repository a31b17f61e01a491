//! W7: the console of a coordinator, as a process of its own; a browser that speaks HTTP and nothing else.
//!
//! What a browser then takes to paint is measured by `tests/browser` (`npm run paint`).

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use sync_core::id::RecordId;
use sync_core::schema::{FieldEdit, Value};
use sync_core::store::RowFilter;
use sync_node::{Home, Live, LiveEvent, Node};
use tokio::runtime::Handle;

use crate::{Row, percentiles};

const RUNS: usize = 20;
const EDITS: usize = 30;
/// News that take longer do not come any more.
const PATIENCE: Duration = Duration::from_secs(20);
/// Between two edits.
const PAUSE: Duration = Duration::from_millis(80);
/// Pages that everybody opens.
const PAGES: [(&str, &str); 15] = [
    ("today", "/today"),
    ("records", "/records"),
    (
        "visits of a person's name",
        "/records?kind=visit&q=%E9%99%88",
    ),
    ("needs by urgency", "/records?kind=need&sort=due"),
    ("review queue", "/records?flag=review"),
    ("new visit", "/new/visit"),
    ("sync", "/sync"),
    ("members", "/members"),
    ("audit", "/audit"),
    ("reports", "/reports"),
    ("report on paper", "/reports/print"),
    ("notice", "/notice"),
    ("duplicates", "/duplicates"),
    ("schema", "/schema"),
    ("export", "/export"),
];

/// A running console with one browser in it.
struct Console {
    child: Child,
    port: u16,
    cookie: String,
}

impl Drop for Console {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _reaped = self.child.wait();
    }
}

impl Console {
    fn start(programs: &Path, home: &Path) -> Result<Self> {
        let mut child = Command::new(programs.join("banyan"))
            .arg("--data")
            .arg(home)
            .args(["--json", "--lang", "zh", "serve", "--port", "0"])
            .stdout(Stdio::piped())
            .spawn()
            .context("build banyan first: cargo build --release --bin banyan")?;
        let out = child.stdout.take().context("the console's output")?;
        let mut line = String::new();
        BufReader::new(out).read_line(&mut line)?;
        let told: serde_json::Value = serde_json::from_str(&line)?;
        let link = told
            .get("link")
            .and_then(serde_json::Value::as_str)
            .context("link")?
            .to_owned();
        let port = u16::try_from(
            told.get("port")
                .and_then(serde_json::Value::as_u64)
                .context("port")?,
        )?;
        let mut console = Self {
            child,
            port,
            cookie: String::new(),
        };
        let link = link.rsplit('/').next().context("link")?;
        let reply = console.send("POST", "/open", &format!("link={link}"))?;
        let set = reply.split("set-cookie: ").nth(1).context("a cookie")?;
        console.cookie = set.split(';').next().context("a cookie")?.to_owned();
        Ok(console)
    }

    fn connect(&self) -> Result<TcpStream> {
        Ok(TcpStream::connect((Ipv4Addr::LOCALHOST, self.port))?)
    }

    fn send(&self, method: &str, path: &str, body: &str) -> Result<String> {
        let mut stream = self.connect()?;
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nConnection: close\r\nCookie: {}\r\n\
             Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{body}",
            self.port,
            self.cookie,
            body.len()
        )?;
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    fn get(&self, path: &str) -> Result<String> {
        let reply = self.send("GET", path, "")?;
        ensure!(reply.starts_with("HTTP/1.1 200"), "{path}: {reply}");
        Ok(reply)
    }

    /// How long a page takes, in milliseconds.
    fn times(&self, path: &str) -> Result<(f64, f64)> {
        let time = || -> Result<f64> {
            let started = Instant::now();
            self.get(path)?;
            Ok(started.elapsed().as_secs_f64() * 1000.0)
        };
        time()?;
        Ok(percentiles(
            (0..RUNS).map(|_| time()).collect::<Result<_>>()?,
        ))
    }

    /// Resident memory, in MiB.
    fn rss_mib(&self) -> Result<f64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let mut lines = status.lines();
        let line = lines.find(|line| line.starts_with("VmRSS:"));
        let kib = line.and_then(|line| line.split_whitespace().nth(1));
        Ok(kib.context("VmRSS")?.parse::<f64>()? / 1024.0)
    }
}

/// The coordinator's phone is a laptop now; a volunteer edits what its console shows.
pub(crate) async fn measure(programs: &Path, folder: &Path, rows: &mut Vec<Row>) -> Result<()> {
    let console = Console::start(programs, &folder.join("new-phone"))?;
    let before = console.rss_mib()?;
    let css = link_in(&console.get("/today")?, "/static/console.css")?;
    let js = link_in(&console.get("/today")?, "/static/console.js")?;
    let (floor, _) = console.times(&css)?;
    for (what, path) in PAGES {
        let (p50, p99) = console.times(path)?;
        let figure = format!("p50 {p50:.1} ms, p99 {p99:.1} ms");
        let row = Row::new(&format!("W7 page: {what}"), figure);
        rows.push(row.beside(format!("{floor:.1} ms (a file of its)"), p50 / floor));
    }
    let first = [
        console.get("/today")?,
        console.get(&css)?,
        console.get(&js)?,
    ];
    let first: usize = first.iter().map(String::len).sum();
    rows.push(Row::new(
        "W7 first visit",
        format!("{:.0} KB with style and script", first as f64 / 1000.0),
    ));
    live(&console, folder, rows).await?;
    let after = console.rss_mib()?;
    rows.push(Row::new(
        "W7 memory",
        format!("{after:.1} MiB after all this; {before:.1} MiB when it was ready"),
    ));
    Ok(())
}

/// The address of a file in a page, with its version.
fn link_in(page: &str, file: &str) -> Result<String> {
    let start = page.find(file).context("the page's file")?;
    let rest = page.get(start..).context("the page's file")?;
    Ok(rest
        .split('"')
        .next()
        .context("the page's file")?
        .to_owned())
}

/// From a volunteer's commit to the page that shows it, through the relay.
async fn live(console: &Console, folder: &Path, rows: &mut Vec<Row>) -> Result<()> {
    let (replica, keys) = Home::at(&folder.join("listener")).open()?;
    let node = Arc::new(Node::start(replica, keys, Handle::current()));
    let live = Live::start(Arc::clone(&node)).await?;
    while !matches!(live.next_event().await?, LiveEvent::CaughtUp(_)) {}
    let record = a_need(&node).await?;
    let page = format!("/record/{record}?personal=1");
    let mut news = listen(console)?;
    let mut times = Vec::new();
    for number in 0..EDITS {
        tokio::time::sleep(PAUSE).await;
        let text = format!("edit {number} from afar");
        let edit = FieldEdit {
            field: "title".to_owned(),
            value: Value::Text(text.clone()).into(),
        };
        node.call(move |replica, moment| replica.edit(record, &[edit], moment))
            .await??;
        let committed = Instant::now();
        times.push(tokio::task::block_in_place(|| -> Result<f64> {
            loop {
                let mut line = String::new();
                ensure!(news.read_line(&mut line)? > 0, "the news ended");
                ensure!(committed.elapsed() < PATIENCE, "the page does not show it");
                if line.trim() == "event: records" && console.get(&page)?.contains(&text) {
                    return Ok(committed.elapsed().as_secs_f64() * 1000.0);
                }
            }
        })?);
    }
    let (p50, p99) = percentiles(times);
    let figure = format!("p50 {p50:.1} ms, p99 {p99:.1} ms");
    rows.push(Row::new("W7 live edit, commit to page served", figure));
    drop(live);
    if let Some(node) = Arc::into_inner(node) {
        node.stop().await;
    }
    Ok(())
}

async fn a_need(node: &Node) -> Result<RecordId> {
    let filter = RowFilter {
        kind: Some("need".to_owned()),
        limit: Some(1),
        ..RowFilter::default()
    };
    let found = node.call(move |replica, _| replica.list(&filter)).await??;
    let first = found.first().context("a need")?;
    Ok(first.record)
}

/// A page that listens for news.
fn listen(console: &Console) -> Result<BufReader<TcpStream>> {
    let mut stream = console.connect()?;
    stream.set_read_timeout(Some(PATIENCE))?;
    write!(
        stream,
        "GET /events HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nCookie: {}\r\n\r\n",
        console.port, console.cookie
    )?;
    let mut news = BufReader::new(stream);
    let mut line = String::new();
    while line != "\r\n" {
        line.clear();
        ensure!(news.read_line(&mut line)? > 0, "the news ended");
    }
    Ok(news)
}
