//! When a relay is dialled again: growing pauses, by how the last session went.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};

use crate::node::{NodeError, REBIRTHS_MAX};

/// The shortest pause before a relay is dialled again.
const PAUSE_MIN: Duration = Duration::from_millis(500);
/// The longest of a phone, before its jitter: looking for a relay wakes its radio.
pub(crate) const PAUSE_MAX: Duration = Duration::from_secs(60);
/// The longest of a computer, in front of which somebody may be waiting.
pub(crate) const PAUSE_MAX_AT_DESK: Duration = Duration::from_secs(15);
/// The pause after trouble that only a person can end; it may have been ended meanwhile.
const PAUSE_FINAL: Duration = Duration::from_secs(600);

#[derive(Debug)]
pub(crate) struct Pace {
    pauses: ExponentialBackoff,
    longest: Duration,
    rebirths: usize,
}

impl Pace {
    /// With pauses up to `longest`, and its jitter, which is as long at the most.
    pub(crate) fn up_to(longest: Duration) -> Self {
        let pauses = ExponentialBuilder::default()
            .with_min_delay(PAUSE_MIN)
            .with_max_delay(longest)
            .with_jitter()
            .without_max_times()
            .build();
        Self {
            pauses,
            longest,
            rebirths: 0,
        }
    }

    /// How long to wait after a session that ended so. Only one that had exchanged everything
    /// before makes the next trouble a new one: whoever merely answers may be broken all the same.
    pub(crate) fn after(&mut self, error: &NodeError, was_caught_up: bool) -> Duration {
        if was_caught_up {
            *self = Self::up_to(self.longest);
        }
        if matches!(error, NodeError::Reborn) {
            self.rebirths += 1;
            if self.rebirths <= REBIRTHS_MAX {
                return Duration::ZERO;
            }
        }
        if !error.is_passing() {
            return PAUSE_FINAL;
        }
        self.pauses.next().unwrap_or(self.longest)
    }
}

#[cfg(test)]
mod tests {
    use sync_core::wire::Refusal;

    use super::*;

    fn pauses(pace: &mut Pace, error: &NodeError, was_caught_up: bool) -> Vec<Duration> {
        (0..12).map(|_| pace.after(error, was_caught_up)).collect()
    }

    #[test]
    fn a_relay_that_only_answers_is_dialled_ever_more_rarely() {
        let pauses = pauses(&mut Pace::up_to(PAUSE_MAX), &NodeError::Lost, false);
        assert!(
            pauses[0] >= PAUSE_MIN && pauses[0] <= PAUSE_MIN * 2,
            "{pauses:?}"
        );
        assert!(
            pauses[11] >= PAUSE_MAX && pauses[11] <= PAUSE_MAX * 2,
            "{pauses:?}"
        );
    }

    #[test]
    fn a_computer_looks_for_its_relay_more_often_than_a_phone() {
        let mut pace = Pace::up_to(PAUSE_MAX_AT_DESK);
        let pauses = pauses(&mut pace, &NodeError::Lost, false);
        assert!(pauses[11] <= PAUSE_MAX_AT_DESK * 2, "{pauses:?}");
        assert!(pauses[11] >= PAUSE_MAX_AT_DESK, "{pauses:?}");
    }

    #[test]
    fn a_session_that_had_everything_begins_the_pauses_anew() {
        let pauses = pauses(&mut Pace::up_to(PAUSE_MAX), &NodeError::Lost, true);
        assert!(
            pauses.iter().all(|pause| *pause <= PAUSE_MIN * 2),
            "{pauses:?}"
        );
    }

    #[test]
    fn a_relay_that_makes_us_take_new_names_is_humoured_a_few_times_only() {
        let pauses = pauses(&mut Pace::up_to(PAUSE_MAX), &NodeError::Reborn, false);
        let (at_once, later) = pauses.split_at(REBIRTHS_MAX);
        assert!(at_once.iter().all(Duration::is_zero), "{pauses:?}");
        assert!(later.iter().all(|pause| *pause >= PAUSE_MIN), "{pauses:?}");
    }

    #[test]
    fn what_only_a_person_can_end_is_tried_rarely_and_what_passes_soon() {
        let refused = |refusal| Pace::up_to(PAUSE_MAX).after(&NodeError::Refused(refusal), false);
        assert_eq!(refused(Refusal::NotAMember), PAUSE_FINAL);
        assert_eq!(refused(Refusal::VersionTooNew), PAUSE_FINAL);
        assert!(refused(Refusal::StoreFull) < PAUSE_FINAL);
        assert!(refused(Refusal::Busy) < PAUSE_FINAL);
    }
}
