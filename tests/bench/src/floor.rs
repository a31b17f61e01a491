//! Floors: what any program must do, without a protocol.

use std::collections::HashMap;
use std::fs::File;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use sync_core::id::Arrival;
use sync_core::replica::Replica;
use sync_core::session::carrier::Carrier;

/// Decrypts every change that a replica has, loads them into documents, saves and inserts those.
pub(crate) fn replay(replica: &Replica, folder: &Path) -> Result<Duration> {
    let batches = replica.since(Arrival(0), usize::MAX)?;
    let path = folder.join("floor.sqlite");
    let started = Instant::now();
    let mut changes: HashMap<_, Vec<Vec<u8>>> = HashMap::new();
    for carried in &batches {
        for (record, payload) in replica.payloads(&carried.batch) {
            changes.entry(record).or_default().push(payload.chunk);
        }
    }
    let mut documents = Vec::with_capacity(changes.len());
    for (record, chunks) in changes {
        let mut document = automerge::Automerge::new();
        let changes: Vec<_> = chunks
            .iter()
            .map(|chunk| automerge::Change::try_from(chunk.as_slice()))
            .collect::<Result<_, _>>()?;
        document.apply_changes(changes)?;
        documents.push((record, document.save()));
    }
    let mut database = rusqlite::Connection::open(&path)?;
    database.pragma_update(None, "journal_mode", "WAL")?;
    let tx = database.transaction()?;
    tx.execute(
        "create table documents (id blob primary key, document blob)",
        [],
    )?;
    {
        let mut insert = tx.prepare("insert into documents values (?1, ?2)")?;
        for (record, document) in &documents {
            insert.execute(rusqlite::params![record.as_bytes(), document])?;
        }
    }
    tx.commit()?;
    let elapsed = started.elapsed();
    std::fs::remove_file(&path)?;
    Ok(elapsed)
}

/// Median of two 4 KiB appends with fdatasync and one 400-byte echo over loopback, in milliseconds.
///
/// Each after a pause, as a person's edits are: cores and disks that rest take their time to wake.
pub(crate) fn two_syncs_and_an_echo(folder: &Path, times: usize, pause: Duration) -> Result<f64> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let addr = listener.local_addr()?;
    std::thread::spawn(move || {
        let Ok((mut stream, _)) = listener.accept() else {
            return;
        };
        let mut bytes = [0; 400];
        while stream.read_exact(&mut bytes).is_ok() && stream.write_all(&bytes).is_ok() {}
    });
    let mut stream = TcpStream::connect(addr)?;
    stream.set_nodelay(true)?;
    let mut file = File::create(folder.join("floor.log"))?;
    let mut taken = Vec::new();
    for _ in 0..times {
        std::thread::sleep(pause);
        let started = Instant::now();
        for _ in 0..2 {
            file.write_all(&[7; 4096])?;
            file.sync_data()?;
        }
        stream.write_all(&[1; 400])?;
        stream.read_exact(&mut [0; 400])?;
        taken.push(started.elapsed().as_secs_f64() * 1000.0);
    }
    taken.sort_by(f64::total_cmp);
    taken.get(taken.len() / 2).copied().context("no times")
}
