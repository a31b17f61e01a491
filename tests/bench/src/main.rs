//! Whole-system measurements, each beside its floor in the same run.
//!
//! ```text
//! cargo build --release --bin banyan --bin banyan-relay
//! cargo run --release -p bench -- --scale 10
//! cargo run --release -p bench -- --workload flood
//! cargo run --release -p bench -- --workload bundle
//! cargo run --release -p bench -- --workload idle
//! ```
//! The relay is a process of its own; phones have real stores and real connections over loopback. The
//! floor of a replay is what any program must do with the same data and no protocol: decrypt, load into
//! Automerge, insert into SQLite.

mod bundle;
mod dataset;
mod flood;
mod floor;
mod idle;
mod ingest;
mod process;
mod relay_process;
mod w1_new_phone;
mod w2_after_a_week;
mod w3_live;
mod w6_cold_open;
mod w7_console;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;
use clap::{Parser, ValueEnum};
use station::Scale;
use sync_core::roster::ticket::RelayAddr;

use crate::bundle::Deed;
use crate::flood::Attack;
use crate::relay_process::RelayProcess;

#[derive(Debug, Parser)]
#[command(about = "Measures Banyan, each figure beside its floor")]
struct Args {
    /// What to measure.
    #[arg(long, value_enum, default_value = "station")]
    workload: Workload,
    /// How many times the station's three years: 1 is 1,366 records, 10 is 13,660.
    #[arg(long, default_value_t = 1)]
    scale: usize,
    /// Seed of the generated work.
    #[arg(long, default_value_t = 7)]
    seed: u64,
    /// Idle connections to hold open at the relay.
    #[arg(long, default_value_t = 500)]
    idle: usize,
    /// Folder with the programs banyan and banyan-relay.
    #[arg(long, default_value = "target/release")]
    programs: PathBuf,
    /// Bad clients of a flood.
    #[arg(long, default_value_t = 1000)]
    clients: usize,
    /// Folder to make the communities in and leave them: a browser can look at them afterwards.
    #[arg(long, value_name = "FOLDER")]
    keep: Option<PathBuf>,
    /// The one flood to measure, instead of all.
    #[arg(long, value_enum)]
    attack: Option<Attack>,
    /// Be the bad clients of this relay, until standard input ends.
    #[arg(long, value_name = "RELAY", hide = true, requires = "attack")]
    at: Option<RelayAddr>,
    /// About how many megabytes the bundle has.
    #[arg(long, default_value_t = 200)]
    megabytes: u64,
    /// Seconds of an idle phone.
    #[arg(long, default_value_t = 600)]
    period: u64,
    /// Do this with a bundle, in this process.
    #[arg(long, value_enum, hide = true, requires = "data", requires = "file")]
    deed: Option<Deed>,
    /// The data folder of the deed, or of the idle phone that this process is.
    #[arg(long, hide = true)]
    data: Option<PathBuf>,
    /// The bundle of the deed.
    #[arg(long, hide = true)]
    file: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Workload {
    /// Years of a station's work: joining, catching up, live edits.
    Station,
    /// Live edits among bad clients.
    Flood,
    /// A large bundle, written and taken in.
    Bundle,
    /// A phone that merges, and then does nothing.
    Idle,
}

/// One line of the table.
pub(crate) struct Row {
    pub(crate) what: String,
    pub(crate) figure: String,
    pub(crate) floor: String,
    pub(crate) ratio: String,
}

impl Row {
    pub(crate) fn new(what: &str, figure: String) -> Self {
        Self {
            what: what.to_owned(),
            figure,
            floor: String::new(),
            ratio: String::new(),
        }
    }

    pub(crate) fn beside(mut self, floor: String, ratio: f64) -> Self {
        self.floor = floor;
        self.ratio = format!("{ratio:.2}");
        self
    }
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Result<()> {
    let args = Args::parse();
    if let (Some(relay), Some(attack)) = (&args.at, args.attack) {
        return flood::run(attack, relay.clone(), args.clients).await;
    }
    if let (Some(deed), Some(data), Some(file)) = (args.deed, &args.data, &args.file) {
        return bundle::be(deed, data, file.clone());
    }
    let period = Duration::from_secs(args.period);
    if let (Workload::Idle, Some(data)) = (args.workload, &args.data) {
        return idle::be(data, period).await;
    }
    let folder = tempfile::tempdir()?;
    if args.workload == Workload::Bundle {
        let mut rows = Vec::new();
        bundle::measure(args.megabytes, args.seed, folder.path(), &mut rows)?;
        print("bundle", &rows);
        return Ok(());
    }
    if args.workload == Workload::Flood {
        let mut rows = Vec::new();
        let (programs, clients) = (&args.programs, args.clients);
        flood::measure(programs, folder.path(), clients, args.attack, &mut rows).await?;
        print("flood", &rows);
        return Ok(());
    }
    let folder = args.keep.as_deref().unwrap_or_else(|| folder.path());
    std::fs::create_dir_all(folder)?;
    let relay = RelayProcess::start(&args.programs, &folder.join("relay"))?;
    let data = dataset::build(args.seed, &Scale::times(args.scale))?;
    let mut rows = Vec::new();
    if args.workload == Workload::Idle {
        idle::measure(data, &relay, folder, period, &mut rows).await?;
        print(&format!("phone (x{})", args.scale), &rows);
        return Ok(());
    }
    let (town, new_phone) = w1_new_phone::measure(data, &relay, folder, &mut rows).await?;
    let (town, new_phone) = w2_after_a_week::measure(town, new_phone, &relay, &mut rows).await?;
    w3_live::measure(&new_phone, folder, &mut rows).await?;
    new_phone.stop().await?;
    w6_cold_open::measure(&args.programs, &folder.join("new-phone"), &mut rows)?;
    w7_console::measure(&args.programs, folder, &mut rows).await?;
    ingest::measure(town, &relay, args.idle, &mut rows).await?;
    print(&format!("workload (x{})", args.scale), &rows);
    Ok(())
}

#[expect(clippy::print_stdout, reason = "the table is what the program is for")]
fn print(what: &str, rows: &[Row]) {
    println!("| {what} | figure | floor | ratio |");
    println!("|---|---|---|---|");
    for row in rows {
        println!(
            "| {} | {} | {} | {} |",
            row.what, row.figure, row.floor, row.ratio
        );
    }
}

/// Median and 99th percentile of some times, in milliseconds.
pub(crate) fn percentiles(mut times: Vec<f64>) -> (f64, f64) {
    times.sort_by(f64::total_cmp);
    let at =
        |share: usize| times.get((times.len() * share / 100).min(times.len().saturating_sub(1)));
    (
        at(50).copied().unwrap_or_default(),
        at(99).copied().unwrap_or_default(),
    )
}
