//! Damage that SQLite does not tell: looked for before SQLite opens the store.
//!
//! After a kill, the newest transactions lie in the write-ahead log beside the store. SQLite reads it
//! up to the first frame whose checksum is wrong and forgets the rest in silence, because that is
//! also how a power cut in the middle of a write looks. But a write that was cut off is the last
//! one: nothing is written before the transaction before it is durable. So a wrong frame that whole
//! transactions follow is damage, and opening the file would lose them.
//!
//! What stays in doubt is a changed byte in the very last transaction, which cannot be told from a
//! power cut; what was sent to a relay before comes back from it.

#![expect(
    clippy::disallowed_methods,
    reason = "these are the files of the stores themselves"
)]

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, BufReader, ErrorKind, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use crate::store::StoreError;

/// Bytes before the first frame of a write-ahead log.
const LOG_HEADER_LEN: usize = 32;
/// Bytes of a frame before its page.
const FRAME_HEADER_LEN: usize = 24;
/// First four bytes of a log, but for the lowest bit, which says how checksums read their words.
const LOG_MAGIC: u32 = 0x377f_0682;
/// Sizes of pages that SQLite writes.
const PAGE_SIZES: std::ops::RangeInclusive<usize> = 512..=65_536;
/// Refuses a store whose write-ahead log has damage that SQLite would not tell. A store without a
/// log has none.
///
/// Reads the whole log, a page at a time, and changes nothing. The store's own file is left alone:
/// closing it here would take away the locks that this process may have on it.
///
/// # Errors
/// [`StoreError::Corrupt`], or [`StoreError::Io`] if the disk fails.
pub fn refuse_silent_damage(store: &Path) -> Result<(), StoreError> {
    match check_log(&log_of(store)) {
        Ok(()) | Err(Stop::Absent) => Ok(()),
        Err(Stop::Failed(error)) => Err(error),
    }
}

/// What stopped a check.
enum Stop {
    Absent,
    Failed(StoreError),
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        if error.kind() == ErrorKind::NotFound {
            Self::Absent
        } else {
            Self::Failed(StoreError::Io(error.to_string()))
        }
    }
}

fn log_of(store: &Path) -> PathBuf {
    let mut name = OsString::from(store);
    name.push("-wal");
    name.into()
}

fn damaged(what: &'static str, place: String) -> Stop {
    Stop::Failed(StoreError::Corrupt { what, place })
}

/// Reads until the buffer is full; says whether there was enough.
fn fill(file: &mut impl Read, buffer: &mut [u8]) -> io::Result<bool> {
    match file.read_exact(buffer) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}

fn check_log(path: &Path) -> Result<(), Stop> {
    let mut file = File::open(path)?;
    let mut before = [0; LOG_HEADER_LEN];
    // The header is durable before the first frame is written: alone, it may be half of one.
    if !fill(&mut file, &mut before)? || file.metadata()?.len() <= LOG_HEADER_LEN as u64 {
        return Ok(());
    }
    let found = match Header::parse(&before) {
        Some(header) => first_damage(&header, &mut BufReader::new(&file))?,
        None => Some(0),
    };
    let Some(at) = found else { return Ok(()) };
    // Another program may have begun the log anew while we read it.
    let mut after = [0; LOG_HEADER_LEN];
    file.seek(SeekFrom::Start(0))?;
    if !fill(&mut file, &mut after)? || after != before {
        return Ok(());
    }
    Err(damaged("the write-ahead log", format!("byte {at}")))
}

/// Where the first wrong frame begins, if whole transactions follow it.
fn first_damage(header: &Header, log: &mut impl Read) -> Result<Option<u64>, Stop> {
    let mut frame = vec![0; FRAME_HEADER_LEN + header.page];
    let mut at = LOG_HEADER_LEN as u64;
    let mut sum = header.sum;
    // The first wrong frame, and the commits of the unbroken run of frames that we are in after it.
    let mut wrong: Option<(u64, u32)> = None;
    while fill(log, &mut frame)? {
        let this = Frame::parse(&frame);
        let follows = this.sum == header.sum_of(sum, &frame);
        wrong = match wrong {
            None if follows && this.salts == header.salts => None,
            None => Some((at, u32::from(this.commits))),
            Some((first, commits)) if this.salts == header.salts => {
                let run = if follows { commits } else { 0 };
                Some((first, run + u32::from(this.commits)))
            }
            Some((first, _)) => Some((first, 0)),
        };
        // One may be the transaction that a power cut ended. There is never a second after it.
        if let Some((first, 2..)) = wrong {
            return Ok(Some(first));
        }
        sum = this.sum;
        at += frame.len() as u64;
    }
    Ok(None)
}

/// The head of a write-ahead log.
struct Header {
    page: usize,
    is_big_endian: bool,
    salts: [u32; 2],
    sum: [u32; 2],
}

impl Header {
    fn parse(bytes: &[u8; LOG_HEADER_LEN]) -> Option<Self> {
        let magic = word(bytes, 0);
        let this = Self {
            page: usize::try_from(word(bytes, 8)).ok()?,
            is_big_endian: magic & 1 == 1,
            salts: [word(bytes, 16), word(bytes, 20)],
            sum: [word(bytes, 24), word(bytes, 28)],
        };
        let is_ours = magic & !1 == LOG_MAGIC
            && PAGE_SIZES.contains(&this.page)
            && this.page.is_power_of_two();
        let (summed, _) = bytes.split_at(24);
        (is_ours && this.add([0, 0], summed) == this.sum).then_some(this)
    }

    /// The checksum of a frame that follows another.
    fn sum_of(&self, before: [u32; 2], frame: &[u8]) -> [u32; 2] {
        let (head, page) = frame.split_at(FRAME_HEADER_LEN);
        let (summed, _) = head.split_at(8);
        self.add(self.add(before, summed), page)
    }

    fn add(&self, before: [u32; 2], bytes: &[u8]) -> [u32; 2] {
        let read = |four: &[u8]| {
            let four = four.try_into().unwrap_or_default();
            if self.is_big_endian {
                u32::from_be_bytes(four)
            } else {
                u32::from_le_bytes(four)
            }
        };
        let [mut first, mut second] = before;
        for pair in bytes.chunks_exact(8) {
            let (left, right) = pair.split_at(4);
            first = first.wrapping_add(read(left)).wrapping_add(second);
            second = second.wrapping_add(read(right)).wrapping_add(first);
        }
        [first, second]
    }
}

/// The head of a frame.
struct Frame {
    /// It ends a transaction.
    commits: bool,
    salts: [u32; 2],
    sum: [u32; 2],
}

impl Frame {
    fn parse(bytes: &[u8]) -> Self {
        Self {
            commits: word(bytes, 4) != 0,
            salts: [word(bytes, 8), word(bytes, 12)],
            sum: [word(bytes, 16), word(bytes, 20)],
        }
    }
}

fn word(bytes: &[u8], at: usize) -> u32 {
    let four = bytes.get(at..).and_then(<[u8]>::first_chunk);
    four.map_or(0, |four| u32::from_be_bytes(*four))
}
