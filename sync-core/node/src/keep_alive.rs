//! How often a live connection is kept open: ever more rarely as long as the way stays open, more often when
//! it did not.
//!
//! Routers and phone networks forget the way back to a phone after some silence: two minutes at the least if
//! they keep to RFC 4787, half a minute where they do not (RFC 9000, 10.1.2). Every packet before that wakes a
//! radio for seconds. So it is measured: when the way was forgotten, the relay sees the next packet come from
//! elsewhere and asks whether it is still us. As long as it does not ask, the pause was short enough.

use std::time::{Duration, Instant};

/// The pause that is tried first.
pub(crate) const KEEP_ALIVE_FIRST: Duration = Duration::from_secs(25);
/// The shortest.
const KEEP_ALIVE_MIN: Duration = Duration::from_secs(15);
/// The longest: below the two minutes of RFC 4787, and below what a relay takes for lost.
pub(crate) const KEEP_ALIVE_MAX: Duration = Duration::from_secs(100);
/// So many pauses in which nothing else moved prove that they are not too long.
const PROOF_PAUSES: u64 = 3;
/// A trial is looked at after so many of its pauses.
const TRIAL_PAUSES: u32 = 4;
/// For so long a pause that was too long is not tried again: the phone may be in another network by then.
const TOO_LONG_FOR: Duration = Duration::from_secs(3_600);

/// What a connection has shown so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Shown {
    /// Packets that were sent only to keep the way open.
    pub(crate) pings: u64,
    /// How often the relay asked whether we are still who we were.
    pub(crate) rebindings: u64,
    /// The connection was lost in silence.
    pub(crate) is_lost: bool,
}

/// The pause for one relay, and what is known about it.
#[derive(Debug)]
pub(crate) struct KeepAlive {
    pause: Duration,
    longest: Duration,
    too_long: Option<(Duration, Instant)>,
}

impl KeepAlive {
    /// With pauses up to `longest`: where nobody pays for packets, the first is the longest, so that a relay
    /// which has lost its power is missed soon.
    pub(crate) fn up_to(longest: Duration) -> Self {
        Self {
            pause: KEEP_ALIVE_FIRST,
            longest,
            too_long: None,
        }
    }

    /// The pause between two packets of a connection that is begun now.
    pub(crate) fn pause(&self) -> Duration {
        self.pause
    }

    /// How long until what the connection has shown is to be looked at; none if nothing longer can be tried.
    pub(crate) fn trial(&self, now: Instant) -> Option<Duration> {
        if self.pause >= self.longest {
            return None;
        }
        let waits = match self.too_long {
            Some((_, since)) if self.longer(now).is_none() => {
                (since + TOO_LONG_FOR).saturating_duration_since(now)
            }
            Some(_) | None => Duration::ZERO,
        };
        Some(waits.max(self.pause * TRIAL_PAUSES))
    }

    /// Learns from a connection; says whether another pause is better from here on.
    pub(crate) fn learn(&mut self, shown: Shown, now: Instant) -> bool {
        let before = self.pause;
        if shown.rebindings > 0 || shown.is_lost {
            self.too_long = Some((self.pause, now));
            self.pause = (self.pause / 2).max(KEEP_ALIVE_MIN);
        } else if shown.pings >= PROOF_PAUSES
            && let Some(longer) = self.longer(now)
        {
            self.pause = longer;
        }
        self.pause != before
    }

    /// The next longer pause, unless it is known to be too long.
    fn longer(&self, now: Instant) -> Option<Duration> {
        let next = (self.pause * 2).min(self.longest);
        let is_too_long = self
            .too_long
            .is_some_and(|(pause, since)| next >= pause && now < since + TOO_LONG_FOR);
        (next > self.pause && !is_too_long).then_some(next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FINE: Shown = Shown {
        pings: PROOF_PAUSES,
        rebindings: 0,
        is_lost: false,
    };
    const FORGOTTEN: Shown = Shown {
        pings: 1,
        rebindings: 1,
        is_lost: false,
    };

    #[test]
    fn pauses_grow_to_their_bound_while_the_way_stays_open() {
        let mut keep = KeepAlive::up_to(KEEP_ALIVE_MAX);
        let now = Instant::now();
        assert!(keep.trial(now) >= Some(KEEP_ALIVE_FIRST * 3));
        assert!(keep.learn(FINE, now) && keep.learn(FINE, now));
        assert_eq!((keep.pause(), keep.trial(now)), (KEEP_ALIVE_MAX, None));
        assert!(!keep.learn(FINE, now));
    }

    #[test]
    fn pauses_stay_as_they_are_where_nobody_pays_for_packets() {
        let mut keep = KeepAlive::up_to(KEEP_ALIVE_FIRST);
        let now = Instant::now();
        assert_eq!(keep.trial(now), None);
        assert!(!keep.learn(FINE, now));
        assert!(keep.learn(FORGOTTEN, now));
        assert_eq!(keep.pause(), KEEP_ALIVE_MIN);
    }

    #[test]
    fn pause_that_proved_nothing_stays() {
        let mut keep = KeepAlive::up_to(KEEP_ALIVE_MAX);
        let busy = Shown {
            pings: PROOF_PAUSES - 1,
            ..FINE
        };
        assert!(!keep.learn(busy, Instant::now()));
        assert_eq!(keep.pause(), KEEP_ALIVE_FIRST);
    }

    #[test]
    fn forgotten_way_and_lost_connection_make_it_shorter_down_to_its_bound() {
        let now = Instant::now();
        let lost = Shown {
            is_lost: true,
            ..FINE
        };
        for shown in [FORGOTTEN, lost] {
            let mut keep = KeepAlive::up_to(KEEP_ALIVE_MAX);
            assert!(keep.learn(shown, now));
            assert_eq!(keep.pause(), KEEP_ALIVE_MIN);
            assert!(!keep.learn(shown, now));
        }
    }

    #[test]
    fn what_was_too_long_is_tried_again_after_an_hour_and_not_before() {
        let now = Instant::now();
        let mut keep = KeepAlive::up_to(KEEP_ALIVE_MAX);
        keep.learn(FINE, now);
        keep.learn(FORGOTTEN, now);
        assert_eq!(keep.pause(), KEEP_ALIVE_FIRST);
        assert!(!keep.learn(FINE, now));
        assert_eq!(keep.trial(now), Some(TOO_LONG_FOR));
        let later = now + TOO_LONG_FOR;
        assert!(keep.learn(FINE, later));
        assert_eq!(keep.pause(), KEEP_ALIVE_FIRST * 2);
    }
}
