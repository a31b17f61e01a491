//! The trace file: JSON of `github.com/josephg/editing-traces` (concurrent), plain or gzip.

use std::cell::Cell;
use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use flate2::read::MultiGzDecoder;
use jiff::Timestamp;
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use sync_core::id::Millis;

use crate::exit::Exit;
use crate::failure::Failure;

/// Largest file, as it lies on the disk.
const FILE_BYTES_MAX: u64 = 256 * 1024 * 1024;
/// Largest trace once it is unpacked: a small file can unpack to any size.
const TRACE_BYTES_MAX: u64 = 1024 * 1024 * 1024;
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];
const KIND: &str = "concurrent";

/// A trace whose transactions can all be typed, as far as can be told before typing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Trace {
    /// The text that everybody ends with.
    pub(super) end: String,
    /// How many people type.
    pub(super) agents: usize,
    /// What they type; each follows what it builds on.
    pub(super) txns: Vec<Txn>,
}

/// One transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Txn {
    /// Transactions that it builds on, by number; all smaller than its own.
    pub(super) parents: Vec<usize>,
    /// Who.
    pub(super) agent: usize,
    /// When.
    pub(super) at: Millis,
    /// Position, characters taken out, text put in; one after the other.
    pub(super) patches: Vec<(usize, usize, String)>,
}

impl Trace {
    /// Reads and checks a trace file.
    pub(super) fn read(path: &Path) -> Result<Self, Failure> {
        let io = |error: std::io::Error| Failure::io(path, &error);
        let mut bytes = Vec::new();
        let file = File::open(path).map_err(io)?;
        file.take(FILE_BYTES_MAX + 1)
            .read_to_end(&mut bytes)
            .map_err(io)?;
        if bytes.len() as u64 > FILE_BYTES_MAX {
            return Err(too_large());
        }
        if bytes.starts_with(&GZIP_MAGIC) {
            bytes = unpacked(&bytes)?;
        }
        Self::parse(&bytes)
    }

    /// Reads and checks a trace's JSON.
    pub(super) fn parse(json: &[u8]) -> Result<Self, Failure> {
        let text = std::str::from_utf8(json).map_err(|error| {
            let sound = json.get(..error.valid_up_to()).unwrap_or_default();
            let line = 1 + sound.iter().filter(|byte| **byte == b'\n').count();
            Failure::new(Exit::BadFile, "err.trace.not_text").with("line", line)
        })?;
        let reached = Cell::new(0);
        let mut reader = serde_json::Deserializer::from_str(text);
        let raw = TraceSeed { reached: &reached }.deserialize(&mut reader);
        let raw = raw
            .and_then(|raw| reader.end().map(|()| raw))
            .map_err(|error| {
                let key = match reached.get() {
                    0 => "err.trace.json",
                    _ => "err.trace.json_in",
                };
                Failure::new(Exit::BadFile, key)
                    .with("txn", reached.get().saturating_sub(1))
                    .with("line", error.line())
                    .with("column", error.column())
            })?;
        raw.check()
    }
}

fn unpacked(packed: &[u8]) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    MultiGzDecoder::new(packed)
        .take(TRACE_BYTES_MAX + 1)
        .read_to_end(&mut bytes)
        .map_err(|_| Failure::new(Exit::BadFile, "err.trace.gzip").with("n", bytes_len(packed)))?;
    if bytes.len() as u64 > TRACE_BYTES_MAX {
        return Err(too_large());
    }
    Ok(bytes)
}

fn bytes_len(packed: &[u8]) -> String {
    crate::output::thousands(packed.len() as u64)
}

fn too_large() -> Failure {
    let limit = TRACE_BYTES_MAX / (1024 * 1024);
    Failure::new(Exit::BadFile, "err.trace.too_large").with("n", limit)
}

/// The file as it is written, nothing of it checked.
#[derive(Debug, Default)]
struct RawTrace {
    kind: Option<String>,
    start: Option<String>,
    end: Option<String>,
    agents: Option<usize>,
    txns: Option<Vec<RawTxn>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawTxn {
    parents: Vec<usize>,
    num_children: Option<usize>,
    agent: usize,
    time: String,
    patches: Vec<(usize, usize, String)>,
}

impl RawTrace {
    fn check(self) -> Result<Trace, Failure> {
        let lacks = |part: &str| Failure::new(Exit::BadFile, "err.trace.lacks").with("part", part);
        let kind = self.kind.ok_or_else(|| lacks("kind"))?;
        let is_empty = self.start.is_none_or(|start| start.is_empty());
        if kind != KIND || !is_empty {
            return Err(Failure::new(Exit::BadFile, "err.trace.kind").with("kind", kind));
        }
        let end = self.end.ok_or_else(|| lacks("endContent"))?;
        let agents = self.agents.ok_or_else(|| lacks("numAgents"))?;
        let raw = self.txns.ok_or_else(|| lacks("txns"))?;
        if raw.is_empty() {
            return Err(lacks("txns"));
        }
        check_children(&raw)?;
        let txns = raw
            .into_iter()
            .enumerate()
            .map(|(number, raw)| raw.check(number, agents))
            .collect::<Result<_, _>>()?;
        Ok(Trace { end, agents, txns })
    }
}

fn impossible(key: &str, number: usize) -> Failure {
    Failure::new(Exit::BadTrace, key).with("txn", number)
}

/// Each transaction says how many build on it, which finds parents that were changed to others.
fn check_children(raw: &[RawTxn]) -> Result<(), Failure> {
    let mut children = vec![0_usize; raw.len()];
    for (number, txn) in raw.iter().enumerate() {
        for parent in &txn.parents {
            let Some(count) = children.get_mut(*parent) else {
                return Err(impossible("err.trace.no_such_parent", number)
                    .with("parent", parent)
                    .with("count", raw.len()));
            };
            if *parent >= number {
                return Err(impossible("err.trace.parent_after", number).with("parent", parent));
            }
            *count += 1;
        }
    }
    for (number, (txn, count)) in raw.iter().zip(children).enumerate() {
        if txn.num_children.is_some_and(|said| said != count) {
            return Err(impossible("err.trace.children", number)
                .with("said", txn.num_children.unwrap_or_default())
                .with("count", count));
        }
    }
    Ok(())
}

impl RawTxn {
    fn check(self, number: usize, agents: usize) -> Result<Txn, Failure> {
        if self.agent >= agents {
            return Err(impossible("err.trace.no_such_agent", number)
                .with("agent", self.agent)
                .with("count", agents));
        }
        let at: Timestamp = self
            .time
            .parse()
            .map_err(|_| impossible("err.trace.time", number).with("time", &self.time))?;
        Ok(Txn {
            parents: self.parents,
            agent: self.agent,
            at: Millis(at.as_millisecond()),
            patches: self.patches,
        })
    }
}

/// Reads the trace and leaves behind how many transactions were begun, to name a damaged one.
struct TraceSeed<'c> {
    reached: &'c Cell<usize>,
}

impl<'de> DeserializeSeed<'de> for TraceSeed<'_> {
    type Value = RawTrace;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<RawTrace, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for TraceSeed<'_> {
    type Value = RawTrace;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a trace")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<RawTrace, A::Error> {
        let mut raw = RawTrace::default();
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "kind" => raw.kind = Some(map.next_value()?),
                "startContent" => raw.start = Some(map.next_value()?),
                "endContent" => raw.end = Some(map.next_value()?),
                "numAgents" => raw.agents = Some(map.next_value()?),
                "txns" => raw.txns = Some(map.next_value_seed(TxnsSeed(self.reached))?),
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(raw)
    }
}

struct TxnsSeed<'c>(&'c Cell<usize>);

impl<'de> DeserializeSeed<'de> for TxnsSeed<'_> {
    type Value = Vec<RawTxn>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Vec<RawTxn>, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for TxnsSeed<'_> {
    type Value = Vec<RawTxn>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of transactions")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Vec<RawTxn>, A::Error> {
        let mut txns = Vec::new();
        loop {
            self.0.set(txns.len() + 1);
            let Some(txn) = seq.next_element()? else {
                break;
            };
            txns.push(txn);
        }
        // What follows the list is not in any transaction.
        self.0.set(0);
        Ok(txns)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"{"kind":"concurrent","endContent":"ab","numAgents":2,"txns":[
        {"parents":[],"numChildren":1,"agent":0,"time":"2023-11-22T03:57:32+00:00","patches":[[0,0,"a"]]},
        {"parents":[0],"numChildren":0,"agent":1,"time":"2023-11-22T03:57:33+00:00","patches":[[1,0,"b"]]}]}"#;

    fn failure(from: &str, to: &str) -> (Exit, String) {
        let text = GOOD.replacen(from, to, 1);
        assert_ne!(text, GOOD, "{from}");
        let failure = Trace::parse(text.as_bytes()).unwrap_err();
        (failure.exit(), format!("{failure:?}"))
    }

    #[test]
    fn good_trace_is_read() {
        let trace = Trace::parse(GOOD.as_bytes()).unwrap();
        assert_eq!(
            (trace.agents, trace.txns.len(), trace.end.as_str()),
            (2, 2, "ab")
        );
        assert_eq!(trace.txns[1].parents, [0]);
    }

    #[test]
    fn broken_json_is_named_by_transaction_and_place() {
        let (exit, said) = failure(r#""agent":1"#, r#""agent":x"#);
        assert_eq!(exit, Exit::BadFile);
        assert!(
            said.contains("json_in") && said.contains(r#"("txn", "1")"#),
            "{said}"
        );
        let (exit, _) = failure(r#""b"]]}]}"#, r#""b"]]}"#);
        assert_eq!(exit, Exit::BadFile);
        for len in 0..GOOD.len() {
            let cut = &GOOD.as_bytes()[..len];
            assert_eq!(
                Trace::parse(cut).unwrap_err().exit(),
                Exit::BadFile,
                "{len}"
            );
        }
    }

    #[test]
    fn impossible_transactions_are_named() {
        for (from, to, key) in [
            (r#""parents":[0]"#, r#""parents":[7]"#, "no_such_parent"),
            (r#""parents":[0]"#, r#""parents":[1]"#, "parent_after"),
            (r#""agent":1"#, r#""agent":2"#, "no_such_agent"),
            ("03:57:33", "33:57:33", "time"),
            (r#""numChildren":0"#, r#""numChildren":3"#, "children"),
        ] {
            let (exit, said) = failure(from, to);
            assert_eq!(exit, Exit::BadTrace, "{said}");
            assert!(
                said.contains(key) && said.contains(r#"("txn", "1")"#),
                "{said}"
            );
        }
    }

    #[test]
    fn traces_of_another_kind_are_refused() {
        assert_eq!(failure("concurrent", "sequential").0, Exit::BadFile);
        assert_eq!(failure("numAgents", "numFriends").0, Exit::BadFile);
    }
}
