//! A large bundle: written, taken in and taken in again, each by a process of its own, whose memory is read
//! at its end.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use clap::ValueEnum;
use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};
use sync_core::id::Millis;
use sync_core::peer::moment;
use sync_core::replica::Replica;
use sync_core::roster::role::{Role, Scope};
use sync_node::Home;
use sync_node::bundle::{Export, ExportAsk, Import};

use crate::Row;
use crate::process::peak_kib;

/// Records of one transaction.
const CHUNK: u64 = 200;
/// Letters of most texts, and of every fiftieth: a proposal with its reasons.
const LETTERS: usize = 1_500;
const LETTERS_LONG: usize = 15_000;
/// About as many bytes of a bundle are of one record, measured.
const RECORD_BYTES: u64 = 3_900;
const WHEN: Millis = Millis(1_780_000_000_000);
/// What a phone may need, in MiB.
const MEMORY_MIB: u64 = 100;

/// What a process of its own does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Deed {
    /// Writes what the folder's replica has.
    Export,
    /// Takes the file in.
    Import,
}

/// What it says of itself when it ends.
struct Said {
    seconds: f64,
    peak_kib: u64,
    entries: u64,
    /// The longest step, in milliseconds: so long somebody who stops it waits.
    longest_ms: f64,
}

impl Said {
    fn line(&self) -> String {
        format!(
            "{} {} {} {}",
            self.seconds, self.peak_kib, self.entries, self.longest_ms
        )
    }

    fn parse(line: &str) -> Result<Self> {
        let mut words = line.split_whitespace();
        let mut next = || words.next().context("what the process says of itself");
        Ok(Self {
            seconds: next()?.parse()?,
            peak_kib: next()?.parse()?,
            entries: next()?.parse()?,
            longest_ms: next()?.parse()?,
        })
    }

    fn row(&self, what: &str, bytes: u64) -> Row {
        let (megabytes, mib) = (bytes as f64 / 1e6, self.peak_kib as f64 / 1024.0);
        let figure = format!(
            "{megabytes:.0} MB, {} entries in {:.1} s ({:.1} MB/s); peak {mib:.0} MiB; longest step {:.0} ms",
            self.entries,
            self.seconds,
            megabytes / self.seconds,
            self.longest_ms
        );
        Row::new(what, figure).beside(format!("{MEMORY_MIB} MiB"), mib / MEMORY_MIB as f64)
    }
}

/// Measures a bundle of about so many megabytes.
pub(crate) fn measure(megabytes: u64, seed: u64, folder: &Path, rows: &mut Vec<Row>) -> Result<()> {
    let (station, phone) = (folder.join("station"), folder.join("phone"));
    write_station(&station, &phone, megabytes * 1_000_000 / RECORD_BYTES, seed)?;
    let file = folder.join("all.banyan");
    let written = run(Deed::Export, &station, &file)?;
    let bytes = fs::metadata(&file)?.len();
    rows.push(written.row("bundle written", bytes));
    rows.push(run(Deed::Import, &phone, &file)?.row("taken in by a new phone", bytes));
    rows.push(run(Deed::Import, &phone, &file)?.row("the same file once more", bytes));
    Ok(())
}

/// A station with so many records, and a phone with a ticket to it.
fn write_station(station: &Path, phone: &Path, records: u64, seed: u64) -> Result<()> {
    let mut rng = rand::rng();
    let moment = &mut moment(WHEN, &mut rng);
    let (founding, _) = Home::at(station).found("丹灶镇", "李芳", &[])?;
    let mut replica = founding.replica;
    let ticket = replica.invite(Scope::Community, Role::Coordinator, 1, moment)?;
    Home::at(phone).join(&ticket, "陈明")?;
    let space = replica.add_space("良登村", moment)?;
    let mut letters = ChaCha8Rng::seed_from_u64(seed);
    let mut written = 0;
    while written < records {
        let upto = (written + CHUNK).min(records);
        let kind = replica.schema().kind("visit").context("visits")?.clone();
        let texts: Vec<[String; 4]> = (written..upto).map(|n| visit(n, &mut letters)).collect();
        replica.together(moment, |writer| {
            for fields in &texts {
                writer.create("visit", space, &kind.parse_assignments(fields)?)?;
            }
            Ok(())
        })?;
        replica.seal_pending(moment)?;
        written = upto;
    }
    Ok(())
}

fn visit(number: u64, rng: &mut ChaCha8Rng) -> [String; 4] {
    let letters = if number.is_multiple_of(50) {
        LETTERS_LONG
    } else {
        LETTERS
    };
    let some = (0..letters).map(|_| rng.random_range(0x4e00..0x4e00 + 3_500_u32));
    let findings: String = some.filter_map(char::from_u32).collect();
    [
        format!("household={number}号门"),
        "date=2026-03-04".to_owned(),
        "purpose=health".to_owned(),
        format!("findings={findings}"),
    ]
}

/// Runs a deed in a process of its own.
fn run(deed: Deed, data: &Path, file: &Path) -> Result<Said> {
    let name = deed.to_possible_value().context("a name")?;
    let done = Command::new(std::env::current_exe()?)
        .args(["--workload", "bundle", "--deed", name.get_name(), "--data"])
        .arg(data)
        .arg("--file")
        .arg(file)
        .output()?;
    let said = String::from_utf8_lossy(&done.stdout);
    let wrong = String::from_utf8_lossy(&done.stderr);
    ensure!(done.status.success(), "{deed:?} did not work: {wrong}");
    Said::parse(&said)
}

/// What such a process does.
#[expect(clippy::print_stdout, reason = "the line is what the process is for")]
pub(crate) fn be(deed: Deed, data: &Path, file: PathBuf) -> Result<()> {
    let (mut replica, _) = Home::at(data).open()?;
    let begun = Instant::now();
    let (entries, longest_ms) = match deed {
        Deed::Export => export(&mut replica, file)?,
        Deed::Import => import(&mut replica, file)?,
    };
    let said = Said {
        seconds: begun.elapsed().as_secs_f64(),
        peak_kib: peak_kib()?,
        entries,
        longest_ms,
    };
    println!("{}", said.line());
    Ok(())
}

fn export(replica: &mut Replica, path: PathBuf) -> Result<(u64, f64)> {
    let ask = ExportAsk {
        path,
        ..ExportAsk::default()
    };
    let mut rng = rand::rng();
    let moment = &mut moment(WHEN, &mut rng);
    let mut longest = 0.0;
    let mut export = timed(&mut longest, || Export::begin(replica, &ask, moment))?;
    loop {
        timed(&mut longest, || export.read(replica, moment))?;
        if !export.write()? {
            break;
        }
    }
    let exported = export.into_exported().context("the files")?;
    Ok((exported.totals.entries, longest))
}

fn import(replica: &mut Replica, path: PathBuf) -> Result<(u64, f64)> {
    let mut rng = rand::rng();
    let moment = &mut moment(WHEN, &mut rng);
    let mut longest = 0.0;
    let mut import = timed(&mut longest, || Import::begin(replica, &[path]))?;
    while timed(&mut longest, || import.step(replica, moment))? {}
    let entries = import.progress().entries;
    let imported = import.finish(replica);
    let trouble = imported.files.iter().find_map(|file| file.trouble());
    ensure!(trouble.is_none(), "{trouble:?}");
    Ok((entries, longest))
}

/// What it gives, and how long the longest took, in milliseconds.
fn timed<T>(longest: &mut f64, work: impl FnOnce() -> T) -> T {
    let begun = Instant::now();
    let done = work();
    *longest = f64::max(*longest, begun.elapsed().as_secs_f64() * 1000.0);
    done
}
