//! Whole-system measurements.
mod dataset;

use std::time::Instant;
use std::sync::Arc;
use anyhow::Result;
use sync_core::replica::{Replica, Source, Moment};
use sync_core::roster::role::{Role, Scope};
use sync_core::id::Millis;
use sync_core::keys::DeviceKeys;
use sync_core::store::{SqliteStore, RowFilter};
use rand::SeedableRng;

#[expect(clippy::print_stdout, reason = "x")]
fn main() -> Result<()> {
    let n: usize = std::env::args().nth(1).and_then(|a| a.parse().ok()).unwrap_or(1);
    let t = Instant::now();
    let mut data = dataset::build(7, &station::Scale::times(n))?;
    let entries: usize = data.batches.iter().map(|b| b.count()).sum();
    let bytes: usize = data.batches.iter().map(|b| b.tail().len()).sum();
    println!("built in {:?}: {} batches {} entries {} bytes", t.elapsed(), data.batches.len(), entries, bytes);
    let ticket = data.founder.with(9, |r, m| r.invite(Scope::Community, Role::Coordinator, 1, m))?;
    let mut rng = rand::rngs::ChaCha8Rng::seed_from_u64(5);
    let keys = Arc::new(DeviceKeys::generate(&mut rng));
    data.founder.with(9, |r, m| r.seal_pending(m))?;
    let dir = tempfile::tempdir()?;
    let store = SqliteStore::open(&dir.path().join("x.sqlite"))?;
    let mut replica = Replica::join(Box::new(store), keys, &ticket, "x", &mut Moment{now: Millis(1), rng: &mut rng})?;
    use sync_core::session::carrier::Carrier;
    let all = data.founder.replica.since(sync_core::id::Arrival(0), usize::MAX)?;
    let (roster, rest): (Vec<_>, Vec<_>) = all.into_iter().partition(|c| c.batch.log().lane == sync_core::roster::roster_lane(&replica.community()));
    let t = Instant::now();
    let join = replica.join_to_present().unwrap_or_default();
    let batch = sync_core::wire::batches::decode_join(&replica.community(), &join)?;
    data.founder.with(9, |r, m| r.ingest(vec![sync_core::wire::batches::Received{batch, prev: None}], &[], &Source::default(), m))?;
    for chunk in [&roster, &rest] {
        let rec = chunk.iter().map(|c| dataset::received(&c.batch)).collect::<Result<Vec<_>>>()?;
        let done = replica.ingest(rec, &[], &Source::default(), &mut Moment{now: Millis(1), rng: &mut rng})?;
        println!("  ingest {:?}: received {} merged {} held {} waiting {} conflicts {}", t.elapsed(), done.tally.received, done.tally.merged, done.tally.held, done.tally.waiting, done.tally.conflicts);
    }
    // floor
    let t = Instant::now();
    let mut by: std::collections::HashMap<_, Vec<Vec<u8>>> = Default::default();
    for c in &rest { for (r, p) in replica.payloads(&c.batch) { by.entry(r).or_default().push(p.chunk); } }
    let t1 = t.elapsed();
    let mut docs = vec![];
    for (r, chunks) in by { let mut doc = automerge::Automerge::new(); doc.apply_changes(chunks.iter().map(|c| automerge::Change::try_from(c.as_slice()).unwrap()))?; docs.push((r, doc.save())); }
    let t2 = t.elapsed();
    let mut db = rusqlite::Connection::open(dir.path().join("floor.sqlite"))?;
    db.pragma_update(None, "journal_mode", "WAL")?;
    let tx = db.transaction()?; tx.execute("create table d(id blob primary key, doc blob)", [])?;
    { let mut st = tx.prepare("insert into d values(?,?)")?; for (r, d) in &docs { st.execute(rusqlite::params![r.as_bytes(), d])?; } }
    tx.commit()?;
    println!("floor: decrypt {t1:?} automerge {:?} sqlite {:?} total {:?}", t2-t1, t.elapsed()-t2, t.elapsed());
    println!("rows {}", replica.list(&RowFilter::default())?.len());
    let _ = (&data.founder_keys, &data.volunteers, &data.spaces, &data.station);
    Ok(())
}
