//! Changes that no honest device makes, for tests.

use std::collections::BTreeMap;

use automerge::{Change, ExpandedChange};

/// Length of a chunk's header before its length: magic 4, checksum 4, type 1.
const FIXED_HEADER: usize = 9;

/// Gives a change chunk the checksum that its content asks for, after its bytes were altered.
///
/// Bytes that Automerge cannot read as a change are returned as they are. Not for changes that claim
/// endless operations: Automerge counts them.
#[must_use]
pub fn rehash(chunk: &[u8]) -> Vec<u8> {
    let mut out = chunk.to_vec();
    // Reading does not look at the checksum, but works out the hash.
    let read = std::panic::catch_unwind(|| Change::try_from(chunk).map(|change| change.hash()));
    if let (Ok(Ok(hash)), Some(to)) = (read, out.get_mut(4..8)) {
        to.iter_mut().zip(hash.0).for_each(|(to, from)| *to = from);
    }
    out
}

/// Takes a change apart, alters it, and puts it together with the right checksum.
///
/// # Panics
/// If `chunk` is no change, or the altered one cannot be written.
#[must_use]
pub fn alter(chunk: &[u8], alter: impl FnOnce(&mut ExpandedChange)) -> Vec<u8> {
    let mut expanded = Change::try_from(chunk)
        .expect("the test gives a change")
        .decode();
    alter(&mut expanded);
    Change::from(expanded).raw_bytes().to_vec()
}

/// Gives a chunk another type.
#[must_use]
pub fn retype(chunk: &[u8], chunk_type: u8) -> Vec<u8> {
    let mut out = chunk.to_vec();
    if let Some(byte) = out.get_mut(FIXED_HEADER.saturating_sub(1)) {
        *byte = chunk_type;
    }
    out
}

/// A change taken apart at its columns.
struct Parts<'a> {
    header: &'a [u8],
    before: &'a [u8],
    columns: BTreeMap<u64, &'a [u8]>,
    after: &'a [u8],
}

fn parts(chunk: &[u8]) -> Parts<'_> {
    let (header, mut rest) = chunk
        .split_at_checked(FIXED_HEADER)
        .expect("the test gives a change");
    let _len = take_uleb(&mut rest);
    let body = rest;
    for _ in 0..take_uleb(&mut rest) {
        take(&mut rest, 32);
    }
    skip_prefixed(&mut rest); // actor
    for _ in 0..3 {
        take_uleb(&mut rest); // seq, start_op, time: signed or not, they end alike
    }
    skip_prefixed(&mut rest); // message
    for _ in 0..take_uleb(&mut rest) {
        skip_prefixed(&mut rest);
    }
    let before = body.len().saturating_sub(rest.len());
    let specs: Vec<(u64, u64)> = (0..take_uleb(&mut rest))
        .map(|_| (take_uleb(&mut rest), take_uleb(&mut rest)))
        .collect();
    let columns = specs
        .into_iter()
        .map(|(spec, len)| (spec, take(&mut rest, len)))
        .collect();
    Parts {
        header,
        before: body.get(..before).unwrap_or_default(),
        columns,
        after: rest,
    }
}

/// The bytes of one column of a change, by its spec (id × 16 + type); empty if it has none.
///
/// # Panics
/// If `chunk` is no change.
#[must_use]
pub fn column(chunk: &[u8], spec: u64) -> Vec<u8> {
    let columns = parts(chunk).columns;
    columns.get(&spec).copied().unwrap_or_default().to_vec()
}

/// Replaces the bytes of one column of a change; an empty one is left out. The checksum stays as it was:
/// see [`rehash`].
///
/// # Panics
/// If `chunk` is no change.
#[must_use]
pub fn with_column(chunk: &[u8], spec: u64, data: &[u8]) -> Vec<u8> {
    let mut parts = parts(chunk);
    parts.columns.insert(spec, data);
    parts.columns.retain(|_, data| !data.is_empty());
    let mut body = parts.before.to_vec();
    put_uleb(&mut body, parts.columns.len());
    for (spec, data) in &parts.columns {
        put_uleb(&mut body, usize::try_from(*spec).expect("specs are small"));
        put_uleb(&mut body, data.len());
    }
    parts
        .columns
        .values()
        .for_each(|data| body.extend_from_slice(data));
    body.extend_from_slice(parts.after);
    let mut out = parts.header.to_vec();
    put_uleb(&mut out, body.len());
    out.extend_from_slice(&body);
    out
}

fn take<'a>(bytes: &mut &'a [u8], len: u64) -> &'a [u8] {
    let len = usize::try_from(len).expect("lengths in tests are small");
    let (taken, rest) = bytes
        .split_at_checked(len)
        .expect("the test gives a change");
    *bytes = rest;
    taken
}

fn skip_prefixed(bytes: &mut &[u8]) {
    let len = take_uleb(bytes);
    take(bytes, len);
}

fn take_uleb(bytes: &mut &[u8]) -> u64 {
    let mut value = 0_u64;
    let mut shift = 0_u32;
    loop {
        let byte = take(bytes, 1).first().copied().unwrap_or_default();
        value |= u64::from(byte & 0x7f)
            .checked_shl(shift)
            .unwrap_or_default();
        shift = shift.saturating_add(7);
        if byte & 0x80 == 0 {
            return value;
        }
    }
}

fn put_uleb(out: &mut Vec<u8>, value: usize) {
    let mut left = value;
    while left >= 0x80 {
        out.push(u8::try_from(left & 0x7f).unwrap_or_default() | 0x80);
        left >>= 7;
    }
    out.push(u8::try_from(left).unwrap_or_default());
}
