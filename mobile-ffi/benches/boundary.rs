//! What the boundary costs: the same calls made from Rust and from Kotlin, in one run.
//!
//! `cargo bench -p mobile-ffi --bench boundary --profile phone` (add `-- 100000` for so many records in pages)

#![expect(
    clippy::unwrap_used,
    reason = "a measurement that cannot set its scene fails"
)]
#![expect(clippy::print_stdout, reason = "figures are printed")]

#[path = "../tests/host/stage.rs"]
#[expect(
    dead_code,
    clippy::indexing_slicing,
    reason = "its relay and its scenario are for tests"
)]
mod stage;

use std::collections::HashMap;
use std::env;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Instant;

use bindings::Language as Target;
use mobile_ffi::{Community, Filter, Language};

use crate::stage::{fresh, generate, here, library, run};

const RECORDS: usize = 1_000;
const TIMES: usize = 500;
const PAGE: u32 = 50;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let many = env::args()
        .nth(1)
        .filter(|many| many.parse::<u32>().is_ok());
    let dir = fresh("boundary");
    let folder = dir.join("community").to_str().unwrap().to_owned();
    let record = from_rust(&folder).await;
    let many = many.unwrap_or_else(|| "0".to_owned());
    print!(
        "{}",
        from_kotlin(&dir, &[&folder, &record, &TIMES.to_string(), &many])
    );
}

fn need(title: String) -> HashMap<String, String> {
    let fields = [
        ("title", title.as_str()),
        ("category", "roads"),
        ("urgency", "low"),
    ];
    fields
        .map(|(name, typed)| (name.to_owned(), typed.to_owned()))
        .into()
}

/// Founds the community, measures, and returns one of its records.
async fn from_rust(folder: &str) -> String {
    let (title, name) = ("镇".to_owned(), "李".to_owned());
    let community = Community::found(folder.to_owned(), title, name, vec![], Language::En, None);
    let community = community.unwrap();
    let rows = (0..RECORDS)
        .map(|number| need(format!("需求{number}")))
        .collect();
    let made = community
        .create_all("need".to_owned(), "commons".to_owned(), rows)
        .await
        .unwrap();
    let record = made.first().unwrap().clone();
    measure("edit to durable", async |number| {
        let fields = [("title".to_owned(), format!("路灯 {number}"))].into();
        assert!(community.edit(record.clone(), fields).await.unwrap());
    })
    .await;
    measure("list page of 50", async |_| {
        let rows = community.list(first_page()).await.unwrap();
        assert_eq!(rows.len(), 50);
    })
    .await;
    close(community);
    record
}

fn first_page() -> Filter {
    Filter {
        kind: Some("need".to_owned()),
        limit: Some(PAGE),
        ..Filter::default()
    }
}

fn close(community: Arc<Community>) {
    community.close().unwrap();
}

async fn measure(what: &str, mut call: impl AsyncFnMut(usize)) {
    for number in 0..TIMES {
        call(number).await;
    }
    let mut micros = Vec::new();
    for number in TIMES..2 * TIMES {
        let began = Instant::now();
        call(number).await;
        micros.push(began.elapsed().as_micros());
    }
    micros.sort_unstable();
    let (p50, p99) = (
        micros.get(TIMES / 2).unwrap(),
        micros.get(TIMES * 99 / 100).unwrap(),
    );
    println!("figure: Rust {what}: p50 {p50} us, p99 {p99} us");
}

fn from_kotlin(dir: &Path, arguments: &[&str]) -> String {
    let tools = run(Command::new("bash").arg(here().join("../scripts/need-kotlin")));
    let (kotlinc, classpath) = tools.trim().split_once('\n').unwrap();
    generate(Target::Kotlin, dir);
    let jar = dir.join("bench.jar");
    run(Command::new("bash")
        .arg(kotlinc)
        .args(["-nowarn", "-cp", classpath, "-d"])
        .arg(&jar)
        .arg(dir.join("org/banyan/banyan.kt"))
        .args(["src", "bench"].map(|part| here().join("kotlin").join(part)))
        .env("JAVA_OPTS", "-Xmx1g"));
    let library = library();
    run(Command::new("java")
        .arg(format!(
            "-Djna.library.path={}",
            library.parent().unwrap().display()
        ))
        .args([
            "-Dfile.encoding=UTF-8",
            "-Dstdout.encoding=UTF-8",
            "-Xmx1g",
            "-cp",
        ])
        .arg(format!("{}:{classpath}", jar.display()))
        .arg("BoundaryKt")
        .args(arguments))
}
