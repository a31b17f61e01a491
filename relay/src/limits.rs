//! Every limit of the relay, with what happens there.

use serde::Deserialize;
use sync_core::id::Millis;

/// Bytes of a first frame: strangers get no more room.
pub const HELLO_BYTES_MAX: usize = 16 * 1024;
/// Inputs that one group takes, and one commit makes durable.
pub const GROUP_INPUTS_MAX: usize = 512;
/// Frames that a connection may send ahead of what the relay has worked off.
pub const READ_AHEAD_FRAMES: u32 = 2;
/// Frames that wait in a connection's outbox before its session is left alone.
pub const OUTBOX_FRAMES_MAX: usize = 2;
/// Answers that may wait in a session before the relay stops reading from it.
pub const ANSWERS_MAX: usize = 256;
/// Last frames (answers, a refusal, a goodbye) that still leave on a session that ends.
pub const LAST_FRAMES_MAX: usize = 32;
/// Logs that one device may begin in one lane: a new one comes with each restored backup.
pub const LOGS_PER_DEVICE_MAX: usize = 256;
/// Joins that an invitation may have beyond its uses: two phones may have taken it up offline.
pub const JOINS_SPARE: usize = 16;
/// Statements whose evaluation counts as much as a frame.
pub const STATEMENTS_PER_FRAME: usize = 500;
/// Blobs that one entry may say.
pub const BLOBS_PER_ENTRY_MAX: usize = 4;
/// Pause between two scrubs of the log's file, which take as long as it is large.
pub const SCRUB_PAUSE_MILLIS: i64 = 60_000;
/// Bytes of a frame that count as much as another frame.
pub const BYTES_PER_FRAME: usize = 64 * 1024;
/// Batches, whose signatures are checked, that count as much as a frame.
pub const BATCHES_PER_FRAME: usize = 8;
/// Batches that one group checks and stores; further ones wait, so that nobody waits long for a group.
pub const GROUP_BATCHES_MAX: usize = 128;
/// Devices that are noted as seen in one transaction; further ones in the next.
pub const NOTES_MAX: usize = 512;
/// Days for which refusals are counted one by one; before that only their sum is kept.
pub const REFUSAL_DAYS_MAX: i64 = 30;
/// How many connections may be open before newcomers must prove their address first.
pub const RETRY_ABOVE: usize = 512;
/// Knocks that wait to be looked at, and bytes of each and of all that are kept meanwhile.
pub const KNOCKS_MAX: usize = 1024;
/// Bytes of one knock.
pub const KNOCK_BYTES_MAX: u64 = 16 * 1024;
/// Bytes of all knocks together.
pub const KNOCKS_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// Bytes that a connection may send before they are read, and that may wait to be acknowledged.
pub const WINDOW_BYTES: u32 = 128 * 1024;
/// Bytes of a frame that is read without a share of the room for frames on their way in: a live edit.
pub const SMALL_FRAME_BYTES: usize = 8 * 1024;
/// Bytes that the program takes with nobody connected, with the pages of its log.
pub const BASE_BYTES: usize = 64 * 1024 * 1024;
/// Bytes that a connection counts at least: more than an idle one takes with a small frame on its way in.
pub const CONNECTION_BYTES: usize = 48 * 1024;
/// Bytes that a community in memory counts at least.
pub const COMMUNITY_BYTES: usize = 16 * 1024;
/// Bytes that a log of a community in memory counts.
pub const LOG_BYTES: usize = 512;
/// Bytes that a receipt of a community in memory counts.
pub const RECEIPT_BYTES: usize = 320;
/// How often it is looked which members are to be told of new receipts.
pub const RECEIPT_LOOK_MILLIS: u64 = 250;
/// How many bytes in memory a byte of the roster counts: as sent, as read and as evaluated.
pub const ROSTER_FACTOR: usize = 4;

/// Limits that an operator may set, each with its default.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Open connections; a further one is refused as busy.
    pub connections_max: usize,
    /// Open connections of one device; a further one is refused as busy.
    pub connections_per_device_max: usize,
    /// Communities carried; a further one is refused as over quota.
    pub communities_max: u64,
    /// Communities that one device may found here; a further one is refused as over quota.
    pub communities_per_device_max: u64,
    /// Bytes of one community; a further batch is refused by name as over quota.
    pub community_bytes_max: u64,
    /// Bytes written by one device in one community; a further batch is refused by name.
    pub device_bytes_max: u64,
    /// Bytes of blobs (photos, voice notes) that one device may bring into one community; a further one is
    /// refused as over quota.
    pub device_blob_bytes_max: u64,
    /// Frames a second of one device, over all its connections; a faster one is read more slowly.
    pub frames_per_second: u32,
    /// Frames that a device may send at once after a pause.
    pub frames_burst: u32,
    /// Frames a second of one community's devices together; they are read more slowly.
    pub community_frames_per_second: u32,
    /// Frames that a community's devices may send at once after a pause.
    pub community_frames_burst: u32,
    /// Frames a second of all devices; those that have sent least are read first.
    pub relay_frames_per_second: u32,
    /// Frames that all devices may send at once after a pause.
    pub relay_frames_burst: u32,
    /// Handshakes a second; a further knock is left unanswered, and comes again by itself.
    pub newcomers_per_second: u32,
    /// Handshakes at once after a pause.
    pub newcomers_burst: u32,
    /// Bytes of memory that the relay may take in all: what is dear leaves first, then newcomers and
    /// slow readers are refused as busy.
    pub memory_bytes_max: usize,
    /// Bytes in all outboxes together; sessions wait their turn.
    pub outbox_bytes_max: usize,
    /// Bytes of large frames on their way in; connections wait to be read.
    pub inbox_bytes_max: usize,
    /// Seconds within which a connection must say hello; then it is closed as too slow.
    pub hello_seconds_max: u32,
    /// Seconds that an outbox may stay full; then the connection is closed as too slow.
    pub stalled_seconds_max: u32,
    /// Communities kept in memory that nobody is connected to; the longest unused leaves.
    pub communities_idle_max: usize,
    /// Bytes of the newest batches kept in memory per community, for those who listen.
    pub recent_bytes_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections_max: 12_000,
            connections_per_device_max: 16,
            communities_max: 10_000,
            communities_per_device_max: 32,
            community_bytes_max: 8 * 1024 * 1024 * 1024,
            device_bytes_max: 512 * 1024 * 1024,
            device_blob_bytes_max: 2 * 1024 * 1024 * 1024,
            frames_per_second: 100,
            frames_burst: 400,
            community_frames_per_second: 1_000,
            community_frames_burst: 4_000,
            relay_frames_per_second: 10_000,
            relay_frames_burst: 2_000,
            newcomers_per_second: 100,
            newcomers_burst: 400,
            memory_bytes_max: 1024 * 1024 * 1024,
            outbox_bytes_max: 64 * 1024 * 1024,
            inbox_bytes_max: 64 * 1024 * 1024,
            hello_seconds_max: 10,
            stalled_seconds_max: 60,
            communities_idle_max: 64,
            recent_bytes_max: 1024 * 1024,
        }
    }
}

impl Limits {
    /// How fast one device may send frames.
    #[must_use]
    pub fn device_rate(&self) -> Rate {
        Rate::new(self.frames_per_second, self.frames_burst)
    }

    /// How fast one community's devices may send frames.
    #[must_use]
    pub fn community_rate(&self) -> Rate {
        Rate::new(
            self.community_frames_per_second,
            self.community_frames_burst,
        )
    }

    /// How fast all devices may send frames.
    #[must_use]
    pub fn relay_rate(&self) -> Rate {
        Rate::new(self.relay_frames_per_second, self.relay_frames_burst)
    }

    /// How fast newcomers may come.
    #[must_use]
    pub fn newcomer_rate(&self) -> Rate {
        Rate::new(self.newcomers_per_second, self.newcomers_burst)
    }
}

/// So many tokens a second, up to a burst.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    per_second: i64,
    /// In thousandths of a token, so that a millisecond adds a whole number of them.
    most: i64,
}

impl Rate {
    /// So many a second, and so many at once.
    #[must_use]
    pub fn new(per_second: u32, burst: u32) -> Self {
        Self {
            per_second: i64::from(per_second),
            most: i64::from(burst) * 1000,
        }
    }
}

/// Tokens that come at a rate; time is an argument.
#[derive(Debug, Clone, Copy)]
pub struct TokenBucket {
    thousandths: i64,
    at: Millis,
}

impl TokenBucket {
    /// A full bucket.
    #[must_use]
    pub fn full(rate: Rate, now: Millis) -> Self {
        Self {
            thousandths: rate.most,
            at: now,
        }
    }

    /// Thousandths of a token that are there; less than none while charges are waited for.
    pub fn level(&mut self, rate: Rate, now: Millis) -> i64 {
        let passed = now.0.saturating_sub(self.at.0).max(0);
        self.at = self.at.max(now);
        let gained = passed.saturating_mul(rate.per_second);
        self.thousandths = self.thousandths.saturating_add(gained).min(rate.most);
        self.thousandths
    }

    /// Whether there is a token.
    pub fn has_one(&mut self, rate: Rate, now: Millis) -> bool {
        self.level(rate, now) >= 1000
    }

    /// Whether nothing has been taken for as long as that matters.
    pub fn is_full(&mut self, rate: Rate, now: Millis) -> bool {
        self.level(rate, now) >= rate.most
    }

    /// Takes a token if there is one.
    pub fn take(&mut self, rate: Rate, now: Millis) -> bool {
        let is_there = self.has_one(rate, now);
        if is_there {
            self.thousandths -= 1000;
        }
        is_there
    }

    /// Takes tokens that are not there yet, up to ten bursts of them: they are waited for later.
    pub fn charge(&mut self, tokens: u64, rate: Rate) {
        let tokens = i64::try_from(tokens)
            .unwrap_or(i64::MAX)
            .saturating_mul(1000);
        self.thousandths = self.thousandths.saturating_sub(tokens).max(-10 * rate.most);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bucket_gives_its_burst_and_then_its_rate() {
        let rate = Rate::new(10, 3);
        let mut bucket = TokenBucket::full(rate, Millis(0));
        let taken = |bucket: &mut TokenBucket, at| {
            (0..100)
                .take_while(|_| bucket.take(rate, Millis(at)))
                .count()
        };
        assert_eq!(taken(&mut bucket, 0), 3);
        assert_eq!(taken(&mut bucket, 99), 0);
        assert_eq!(taken(&mut bucket, 100), 1);
        assert_eq!(taken(&mut bucket, 10_000), 3);
        assert_eq!(
            taken(&mut bucket, 5_000),
            0,
            "a clock that goes back gives nothing"
        );
    }

    #[test]
    fn work_is_waited_for_but_not_without_end() {
        let rate = Rate::new(10, 3);
        let mut bucket = TokenBucket::full(rate, Millis(0));
        bucket.charge(8, rate);
        assert!(!bucket.take(rate, Millis(599)));
        assert!(bucket.take(rate, Millis(600)));
        bucket.charge(u64::MAX, rate);
        assert!(!bucket.take(rate, Millis(3_600)));
        assert!(bucket.take(rate, Millis(3_800)));
    }
}
