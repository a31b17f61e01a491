//! The phones of a replay: they type, seal, and hand each other batches as they would over any link.

use std::ops::Range;
use std::path::{Path, PathBuf};

use sync_core::entry::VerifiedBatch;
use sync_core::id::{LaneId, LogId, Millis, RecordId, Seq};
use sync_core::peer::{Peer, PeerError, moment};
use sync_core::record::{EditError, MAX_OPS, Splice};
use sync_core::replica::{Replica, ReplicaError, Source, Typing};
use sync_core::roster::role::{Role, Scope};
use sync_core::schema::{FieldEdit, Value};
use sync_core::session::Taken;
use sync_core::session::carrier::Carrier;
use sync_core::wire::batches::{BatchReader, BatchWriter, Received, decode_join};
use sync_core::wire::{FRAME_BYTES_MAX, Frame, PeerKind, frame_len};
use sync_node::Home;

use crate::exit::Exit;
use crate::failure::Failure;

use super::plan::{Plan, Step};
use super::trace::Txn;

const KIND: &str = "proposal";
const FIELD: &str = "body";
/// What the record must have beside its text.
const OTHER_FIELDS: [(&str, &str); 3] = [
    ("category", "other"),
    ("level", "community"),
    ("state", "draft"),
];
/// Batches that are handed over at a time.
const BATCHES_AT_ONCE: usize = 256;
/// A frame with so many bytes of batches is full; the largest batch still fits into what is left.
const FRAME_BYTES_FULL: usize = FRAME_BYTES_MAX / 2;
/// Characters of one insertion in one change; longer ones become several changes.
const CHARS_AT_ONCE: usize = MAX_OPS / 2;

/// One phone.
#[derive(Debug)]
struct Phone {
    replica: Replica,
    home: Home,
    log: LogId,
    /// Entries of its log before anything was typed.
    base: u64,
    /// Entries that it has typed after each of its transactions.
    ends: Vec<u64>,
    /// Entries of each phone's typing that it has.
    has: Vec<u64>,
}

/// All phones, in one community, on one record.
#[derive(Debug)]
pub(super) struct Village {
    phones: Vec<Phone>,
    record: RecordId,
    counts: Counts,
}

/// What the phones have done so far.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Counts {
    /// Times that typing was written to the disk.
    pub(super) writes: u64,
    /// Times that a phone was handed batches.
    pub(super) deliveries: u64,
}

impl Txn {
    fn typing(&self) -> Typing<'_> {
        let splices = self.patches.iter();
        let splices = splices.map(|(pos, del, text)| Splice {
            pos: *pos,
            del: *del,
            text,
        });
        Typing {
            at: self.at,
            splices: splices.collect(),
        }
    }
}

/// What was sealed.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Sealed {
    pub(super) entries: u64,
    pub(super) batches: u64,
    pub(super) bytes: u64,
}

impl Village {
    /// The first phone founds a community and begins the record; the others join.
    pub(super) fn assemble(dir: &Path, plan: &Plan, title: &str) -> Result<Self, Failure> {
        let homes: Vec<Home> = folders(dir, plan)
            .iter()
            .map(|path| Home::at(path))
            .collect();
        let names = plan.phones.iter().map(|agent| format!("Agent {agent}"));
        let mut homes = homes.into_iter().zip(names);
        let (home, name) = homes
            .next()
            .ok_or_else(|| Failure::internal("a plan for nobody"))?;
        let mut founder = home.found(title, &name, &[])?.0.replica;
        let mut rng = rand::rng();
        let now = &mut moment(crate::place::now(), &mut rng);
        let space = founder.add_space(title, now)?;
        let record = begin_record(&mut founder, space, title)?;
        let mut replicas = vec![(founder, home)];
        for (home, name) in homes {
            let Some((founder, _)) = replicas.first_mut() else {
                break;
            };
            let joined = join(founder, space, &home, &name)?;
            replicas.push((joined, home));
        }
        let count = replicas.len();
        let phones = replicas.into_iter().map(|(replica, home)| Phone {
            log: LogId {
                lane: space,
                device: replica.device(),
                incarnation: replica.incarnation(),
            },
            replica,
            home,
            base: 0,
            ends: Vec::new(),
            has: vec![0; count],
        });
        let mut village = Self {
            phones: phones.collect(),
            record,
            counts: Counts::default(),
        };
        // Everybody knows everybody before the first word.
        village.meet_all()?;
        for phone in &mut village.phones {
            phone.base = phone.replica.head(&phone.log)?.seq.0;
        }
        Ok(village)
    }

    pub(super) fn record(&self) -> RecordId {
        self.record
    }

    pub(super) fn counts(&self) -> Counts {
        self.counts
    }

    /// Hands the phone what the first transaction of a run builds on, then types the run there; its
    /// last may be the last of a batch.
    pub(super) fn type_run(
        &mut self,
        txns: &[Txn],
        steps: &[Step],
        run: Range<usize>,
    ) -> Result<(), Failure> {
        let begin = run.start;
        let steps = steps.get(run.clone()).unwrap_or_default();
        let txns = txns.get(run).unwrap_or_default();
        let (Some(first), Some(last), Some(txn)) = (steps.first(), steps.last(), txns.last())
        else {
            return Ok(());
        };
        if !first.deliver.is_empty() {
            self.deliver(first, txn.at)?;
        }
        let record = self.record;
        let phone = self.phone(first.phone)?;
        let writes = phone.type_run(record, txns, begin)?;
        if last.seal_after {
            phone.seal(txn.at)?;
        }
        let end = phone.end();
        if let Some(own) = phone.has.get_mut(first.phone) {
            *own = end;
        }
        self.counts.writes += writes;
        Ok(())
    }

    fn phone(&mut self, index: usize) -> Result<&mut Phone, Failure> {
        self.phones
            .get_mut(index)
            .ok_or_else(|| Failure::internal("a step on no phone"))
    }

    fn deliver(&mut self, step: &Step, now: Millis) -> Result<(), Failure> {
        let mut parcel = Vec::new();
        let mut entries = 0;
        for (from, count) in &step.deliver {
            let giver = self.phone(*from)?;
            let last = count.checked_sub(1).and_then(|last| giver.ends.get(last));
            let upto = last
                .copied()
                .ok_or_else(|| Failure::internal("a step before its parent"))?;
            let taker = self.phone(step.phone)?;
            let has = taker
                .has
                .get_mut(*from)
                .map(|has| std::mem::replace(has, upto));
            let has = has.unwrap_or_default();
            entries += upto - has;
            parcel.extend(self.phone(*from)?.hand_over(has, upto)?);
        }
        self.counts.deliveries += 1;
        let taker = self.phone(step.phone)?;
        let mut rng = rand::rng();
        let done =
            taker
                .replica
                .ingest(parcel, &[], &Source::default(), &mut moment(now, &mut rng))?;
        let is_stored = done
            .taken
            .iter()
            .all(|taken| matches!(taken, Taken::Stored(_)));
        if !is_stored || done.tally.merged != entries {
            return Err(Failure::internal("a batch of another phone was not merged"));
        }
        Ok(())
    }

    /// Seals what is left on all phones.
    pub(super) fn seal_all(&mut self) -> Result<(), Failure> {
        self.phones
            .iter_mut()
            .try_for_each(|phone| phone.seal(crate::place::now()))
    }

    /// Everybody meets the first phone, twice: so that all get everything from all.
    pub(super) fn meet_all(&mut self) -> Result<(), Failure> {
        let Some((first, others)) = self.phones.split_first_mut() else {
            return Ok(());
        };
        for _ in 0..2 {
            for other in &mut *others {
                meet(&mut other.replica, &mut first.replica)?;
            }
        }
        Ok(())
    }

    /// Compares every phone's text with the trace's, and all digests; returns the digest.
    pub(super) fn compare(&self, expected: &str) -> Result<String, Failure> {
        let mut digests = Vec::new();
        for (index, phone) in self.phones.iter().enumerate() {
            let view = phone.replica.show(self.record)?;
            let body = view.fields.iter().find(|field| field.name == FIELD);
            let text = body
                .and_then(|field| field.value.as_str())
                .unwrap_or_default();
            if text != expected {
                let differs = |(a, b): (char, char)| a != b;
                let same = text.chars().zip(expected.chars());
                let position = same
                    .clone()
                    .position(differs)
                    .unwrap_or_else(|| text.chars().count().min(expected.chars().count()));
                return Err(Failure::new(Exit::TraceDisagrees, "err.trace.disagrees")
                    .with("phone", index)
                    .with("position", position)
                    .with("length", text.chars().count())
                    .with("expected", expected.chars().count()));
            }
            digests.push(phone.replica.status()?.digest);
        }
        let first = digests.first().cloned().unwrap_or_default();
        match digests.iter().position(|digest| *digest != first) {
            None => Ok(first),
            Some(phone) => {
                Err(Failure::new(Exit::TraceDisagrees, "err.trace.digests").with("phone", phone))
            }
        }
    }

    /// Counts what was typed as it lies on the first phone.
    pub(super) fn sealed(&self) -> Result<Sealed, Failure> {
        let mut sealed = Sealed::default();
        let Some(first) = self.phones.first() else {
            return Ok(sealed);
        };
        for phone in &self.phones {
            for batch in first
                .replica
                .missing(&phone.log, Seq(phone.base + 1), usize::MAX)?
            {
                sealed.entries += batch.entries;
                sealed.batches += 1;
                sealed.bytes += batch.bytes;
            }
        }
        Ok(sealed)
    }

    /// Closes all stores and measures the first phone's file.
    pub(super) fn at_rest(self) -> Result<u64, Failure> {
        let path = self.phones.first().map(|phone| phone.home.store_path());
        drop(self.phones);
        let path = path.unwrap_or_default();
        let found = std::fs::metadata(&path).map_err(|error| Failure::io(&path, &error))?;
        Ok(found.len())
    }
}

/// `agent-0`, `agent-1`, and `agent-1-2` for the second phone of an agent.
fn folders(dir: &Path, plan: &Plan) -> Vec<PathBuf> {
    let nth = |index: usize, agent: usize| {
        plan.phones
            .iter()
            .take(index + 1)
            .filter(|of| **of == agent)
            .count()
    };
    let phones = plan.phones.iter().enumerate();
    phones
        .map(|(index, agent)| match nth(index, *agent) {
            1 => dir.join(format!("agent-{agent}")),
            n => dir.join(format!("agent-{agent}-{n}")),
        })
        .collect()
}

fn begin_record(founder: &mut Replica, space: LaneId, title: &str) -> Result<RecordId, Failure> {
    let mut rng = rand::rng();
    let now = &mut moment(crate::place::now(), &mut rng);
    let edits: Vec<FieldEdit> = [("title", title)]
        .into_iter()
        .chain(OTHER_FIELDS)
        .map(|(field, value)| FieldEdit::set(field, Value::Text(value.to_owned())))
        .collect();
    let record = founder.create(KIND, space, &edits, now)?;
    // One text for all to type in: begun before anybody types.
    founder.splice_all(record, FIELD, &[], now)?;
    Ok(record)
}

/// A phone joins by handing the founder its request, as it would hand it to a relay.
fn join(founder: &mut Replica, space: LaneId, home: &Home, name: &str) -> Result<Replica, Failure> {
    let mut rng = rand::rng();
    let now = &mut moment(crate::place::now(), &mut rng);
    let ticket = founder.invite(Scope::Space(space), Role::Volunteer, 1, now)?;
    let (mut replica, _keys) = home.join(&ticket, name)?;
    let request = replica
        .join_to_present()
        .ok_or_else(|| Failure::internal("no request"))?;
    let batch = decode_join(&founder.community(), &request).map_err(Failure::internal)?;
    founder.ingest(
        vec![Received {
            batch,
            prev: None,
            position: None,
        }],
        &[],
        &Source::default(),
        now,
    )?;
    meet(&mut replica, founder)?;
    Ok(replica)
}

impl Phone {
    /// Entries that it has typed.
    fn end(&self) -> u64 {
        self.ends.last().copied().unwrap_or(0)
    }

    /// Types a run of transactions, of which the first has this number; returns how many writes to the
    /// disk it took: one, unless some transaction does not fit.
    fn type_run(&mut self, record: RecordId, txns: &[Txn], begin: usize) -> Result<u64, Failure> {
        let run: Vec<Typing<'_>> = txns.iter().map(Txn::typing).collect();
        let mut rng = rand::rng();
        let now = txns.last().map_or(Millis(0), |txn| txn.at);
        let moment = &mut moment(now, &mut rng);
        match self.replica.type_run(record, FIELD, &run, moment) {
            Ok(changed) => {
                for is_changed in changed {
                    self.ends.push(self.end() + u64::from(is_changed));
                }
                return Ok(1);
            }
            // Nothing of the run is written: one by one, to name the one that is at fault, and to
            // divide one that is too large.
            Err(ReplicaError::Edit(EditError::OutOfRange { .. } | EditError::TooLarge)) => {}
            Err(error) => return Err(error.into()),
        }
        for (number, typing) in (begin..).zip(run) {
            let changes = self
                .type_one(record, typing)
                .map_err(|error| named(error, number))?;
            self.ends.push(self.end() + changes);
        }
        Ok(txns.len() as u64)
    }

    /// Types one transaction; returns how many changes it became.
    fn type_one(&mut self, record: RecordId, typing: Typing<'_>) -> Result<u64, ReplicaError> {
        let whole = std::slice::from_ref(&typing);
        let mut rng = rand::rng();
        let moment = &mut moment(typing.at, &mut rng);
        let changed = match self.replica.type_run(record, FIELD, whole, moment) {
            Err(ReplicaError::Edit(EditError::TooLarge)) => {
                let parts: Vec<Typing<'_>> = typing
                    .splices
                    .iter()
                    .flat_map(in_parts)
                    .map(|part| Typing {
                        at: typing.at,
                        splices: vec![part],
                    })
                    .collect();
                self.replica.type_run(record, FIELD, &parts, moment)?
            }
            result => result?,
        };
        Ok(changed.into_iter().map(u64::from).sum())
    }

    fn seal(&mut self, now: Millis) -> Result<(), Failure> {
        let mut rng = rand::rng();
        self.replica.seal_pending(&mut moment(now, &mut rng))?;
        Ok(())
    }

    /// Batches with the entries `has+1..=upto` of this phone's typing, off the wire.
    fn hand_over(&self, has: u64, upto: u64) -> Result<Vec<Received>, Failure> {
        let mut wire = Wire::default();
        let mut next = Seq(self.base + has + 1);
        let end = Seq(self.base + upto);
        while next <= end {
            let batches = self.replica.missing(&self.log, next, BATCHES_AT_ONCE)?;
            let before = next;
            for batch in batches
                .into_iter()
                .take_while(|batch| batch.last_seq <= end)
            {
                let carried = self.replica.batch(batch.arrival)?;
                let carried = carried.ok_or_else(|| Failure::internal("a batch is missing"))?;
                wire.carry(&carried.batch)?;
                next = batch.last_seq.plus(1);
            }
            if next == before {
                return Err(Failure::internal(
                    "a batch holds more than may be handed over",
                ));
            }
        }
        wire.finish()
    }
}

/// Batches on their way from one phone to another, frame by frame.
#[derive(Debug, Default)]
struct Wire {
    writer: BatchWriter,
    reader: BatchReader,
    received: Vec<Received>,
}

impl Wire {
    fn carry(&mut self, batch: &VerifiedBatch) -> Result<(), Failure> {
        self.writer.push(batch, false);
        if self.writer.bytes() >= FRAME_BYTES_FULL || self.writer.count() >= BATCHES_AT_ONCE {
            self.flush()?;
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), Failure> {
        let Frame::Batches(frame) = rewired(&Frame::Batches(self.writer.take()))? else {
            return Err(Failure::internal("another frame than was sent"));
        };
        self.received
            .extend(self.reader.read(frame).map_err(Failure::internal)?);
        Ok(())
    }

    fn finish(mut self) -> Result<Vec<Received>, Failure> {
        self.flush()?;
        Ok(self.received)
    }
}

/// A splice as several small ones that come to the same.
fn in_parts<'t>(splice: &Splice<'t>) -> Vec<Splice<'t>> {
    let mut parts = Vec::new();
    let mut left = splice.del;
    while left > 0 {
        let del = left.min(CHARS_AT_ONCE);
        parts.push(Splice {
            pos: splice.pos,
            del,
            text: "",
        });
        left -= del;
    }
    let mut pos = splice.pos;
    let mut rest = splice.text;
    while !rest.is_empty() {
        let split = rest
            .char_indices()
            .nth(CHARS_AT_ONCE)
            .map_or(rest.len(), |(at, _)| at);
        let (text, later) = rest.split_at(split);
        parts.push(Splice { pos, del: 0, text });
        pos += CHARS_AT_ONCE;
        rest = later;
    }
    parts
}

/// Names the transaction in what went wrong with it.
fn named(error: ReplicaError, number: usize) -> Failure {
    if let ReplicaError::Edit(EditError::OutOfRange { length }) = error {
        return Failure::new(Exit::BadTrace, "err.trace.position")
            .with("txn", number)
            .with("length", length);
    }
    error.into()
}

/// A session between two phones, until neither has more to say.
fn meet(a: &mut Replica, b: &mut Replica) -> Result<(), Failure> {
    let mut rng = rand::rng();
    let now = crate::place::now();
    let mut ours = Peer::dial(a, b.device(), PeerKind::Member, &mut rng).map_err(peer_failed)?;
    let hello = ours.poll_transmit(a).map_err(peer_failed)?;
    let Some(Frame::Hello(hello)) = hello else {
        return Err(Failure::internal("a session without a greeting"));
    };
    let mut theirs =
        Peer::accept(b, a.device(), hello, &mut moment(now, &mut rng)).map_err(peer_failed)?;
    loop {
        let from_a = drain(&mut ours, a)?;
        let from_b = drain(&mut theirs, b)?;
        if from_a.is_empty() && from_b.is_empty() {
            return Ok(());
        }
        theirs
            .receive(b, from_a, &mut moment(now, &mut rng))
            .map_err(peer_failed)?;
        ours.receive(a, from_b, &mut moment(now, &mut rng))
            .map_err(peer_failed)?;
    }
}

fn drain(peer: &mut Peer, replica: &Replica) -> Result<Vec<Frame>, Failure> {
    let mut frames = Vec::new();
    while let Some(frame) = peer.poll_transmit(replica).map_err(peer_failed)? {
        frames.push(rewired(&frame)?);
    }
    Ok(frames)
}

/// A frame as it comes off the wire.
fn rewired(frame: &Frame) -> Result<Frame, Failure> {
    let bytes = frame.encode();
    let prefix = frame_len(&bytes)
        .map_err(Failure::internal)?
        .map_or(0, |(_, prefix)| prefix);
    Frame::decode(bytes.get(prefix..).unwrap_or_default()).map_err(Failure::internal)
}

fn peer_failed(error: PeerError) -> Failure {
    match error {
        PeerError::Replica(error) => error.into(),
        PeerError::Refused(_) | PeerError::Peer(_) | PeerError::Reborn => Failure::internal(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_splices_come_to_the_same_in_parts() {
        let text: String = "榕树".repeat(CHARS_AT_ONCE);
        let parts = in_parts(&Splice {
            pos: 3,
            del: CHARS_AT_ONCE + 1,
            text: &text,
        });
        let removed: usize = parts.iter().map(|part| part.del).sum();
        let put: String = parts.iter().map(|part| part.text).collect();
        assert_eq!((removed, put), (CHARS_AT_ONCE + 1, text.clone()));
        assert!(
            parts
                .iter()
                .all(|part| part.del + part.text.chars().count() <= CHARS_AT_ONCE)
        );
    }
}
