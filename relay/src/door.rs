//! Who may come in: so many at once and so many a second, whoever they are.
//!
//! A handshake costs more than most of what follows, and anybody may ask for one. So strangers in a
//! crowd wait, and those who are connected go on.

use sync_core::id::Millis;

use crate::limits::{Limits, RETRY_ABOVE, TokenBucket};

/// What a knock gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// It may come in.
    Open,
    /// It must show that its address is its own, and knock again.
    Prove,
    /// Nothing: the other side knocks again by itself, a second later.
    Silence,
    /// No: the relay is full.
    Full,
}

/// The door.
#[derive(Debug)]
pub struct Door {
    newcomers: TokenBucket,
}

impl Door {
    /// A door that nobody has come through.
    #[must_use]
    pub fn new(limits: &Limits, now: Millis) -> Self {
        Self {
            newcomers: TokenBucket::full(limits.newcomer_rate(), now),
        }
    }

    /// What a knock gets while so many are in or on their way; `is_proved`: its address is its own.
    pub fn knock(&mut self, open: usize, is_proved: bool, limits: &Limits, now: Millis) -> Answer {
        if open >= limits.connections_max {
            return Answer::Full;
        }
        if open > RETRY_ABOVE && !is_proved {
            return Answer::Prove;
        }
        if self.newcomers.take(limits.newcomer_rate(), now) {
            Answer::Open
        } else {
            Answer::Silence
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crowd_comes_in_at_its_rate_and_the_rest_is_not_answered() {
        let limits = Limits {
            newcomers_per_second: 10,
            newcomers_burst: 2,
            ..Limits::default()
        };
        let mut door = Door::new(&limits, Millis(0));
        let mut open = |at| {
            let knocks = (0..100).map(|_| door.knock(0, false, &limits, Millis(at)));
            knocks.filter(|answer| *answer == Answer::Open).count()
        };
        assert_eq!(open(0), 2);
        assert_eq!(open(50), 0);
        assert_eq!(open(100), 1);
    }

    #[test]
    fn full_relay_says_so_and_a_crowded_one_asks_for_proof_before_it_counts() {
        let limits = Limits {
            connections_max: 1_000,
            newcomers_burst: 1,
            ..Limits::default()
        };
        let mut door = Door::new(&limits, Millis(0));
        let mut knock = |open, is_proved| door.knock(open, is_proved, &limits, Millis(0));
        assert_eq!(knock(1_000, true), Answer::Full);
        assert_eq!(knock(RETRY_ABOVE + 1, false), Answer::Prove);
        assert_eq!(knock(RETRY_ABOVE + 1, true), Answer::Open);
        assert_eq!(knock(RETRY_ABOVE + 1, true), Answer::Silence);
    }
}
