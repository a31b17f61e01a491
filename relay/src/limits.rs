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
/// Pause between two scrubs of the log's file, which take as long as it is large.
pub const SCRUB_PAUSE_MILLIS: i64 = 60_000;
/// How many connections may be open before newcomers must prove their address first.
pub const RETRY_ABOVE: usize = 512;

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
    /// Frames a second of one connection; a faster one is read more slowly.
    pub frames_per_second: u32,
    /// Frames that a connection may send at once after a pause.
    pub frames_burst: u32,
    /// Bytes in all outboxes together; sessions wait their turn.
    pub outbox_bytes_max: usize,
    /// Bytes of frames on their way in; connections wait to be read.
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
            frames_per_second: 100,
            frames_burst: 400,
            outbox_bytes_max: 64 * 1024 * 1024,
            inbox_bytes_max: 64 * 1024 * 1024,
            hello_seconds_max: 10,
            stalled_seconds_max: 60,
            communities_idle_max: 64,
            recent_bytes_max: 1024 * 1024,
        }
    }
}

/// So many tokens a second, up to a burst; time is an argument.
#[derive(Debug, Clone, Copy)]
pub struct TokenBucket {
    /// Thousandths of a token, so that a millisecond adds a whole number of them.
    thousandths: i64,
    at: Millis,
}

impl TokenBucket {
    /// A full bucket.
    #[must_use]
    pub fn full(limits: &Limits, now: Millis) -> Self {
        Self {
            thousandths: i64::from(limits.frames_burst) * 1000,
            at: now,
        }
    }

    /// Takes a token if there is one.
    pub fn take(&mut self, limits: &Limits, now: Millis) -> bool {
        let passed = now.0.saturating_sub(self.at.0).max(0);
        self.at = self.at.max(now);
        let gained = passed.saturating_mul(i64::from(limits.frames_per_second));
        let most = i64::from(limits.frames_burst) * 1000;
        self.thousandths = self.thousandths.saturating_add(gained).min(most);
        let is_there = self.thousandths >= 1000;
        if is_there {
            self.thousandths -= 1000;
        }
        is_there
    }

    /// Takes tokens that are not there yet, up to ten bursts of them: they are waited for later.
    pub fn charge(&mut self, tokens: u64, limits: &Limits) {
        let burst = i64::from(limits.frames_burst) * 1000;
        let tokens = i64::try_from(tokens)
            .unwrap_or(i64::MAX)
            .saturating_mul(1000);
        self.thousandths = self.thousandths.saturating_sub(tokens).max(-10 * burst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bucket_gives_its_burst_and_then_its_rate() {
        let limits = Limits {
            frames_per_second: 10,
            frames_burst: 3,
            ..Limits::default()
        };
        let mut bucket = TokenBucket::full(&limits, Millis(0));
        let taken = |bucket: &mut TokenBucket, at| {
            (0..100)
                .take_while(|_| bucket.take(&limits, Millis(at)))
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
        let limits = Limits {
            frames_per_second: 10,
            frames_burst: 3,
            ..Limits::default()
        };
        let mut bucket = TokenBucket::full(&limits, Millis(0));
        bucket.charge(8, &limits);
        assert!(!bucket.take(&limits, Millis(599)));
        assert!(bucket.take(&limits, Millis(600)));
        bucket.charge(u64::MAX, &limits);
        assert!(!bucket.take(&limits, Millis(3_600)));
        assert!(bucket.take(&limits, Millis(3_800)));
    }
}
