//! The proving of everything that is here, between its pages: how far it is, then what was found.
//!
//! It takes its turn at the replica as a whole, so that nothing comes in between that would look like a flaw;
//! pages that say how far it is do without the replica.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sync_core::id::Millis;
use sync_core::replica::Audit;
use tokio::time::timeout;

use super::hall::Shared;
use super::news::Topic;
use crate::failure::Failure;
use crate::place;

/// How long whoever asks for it waits before the page says how far it is.
const PATIENCE: Duration = Duration::from_secs(2);
/// Open pages hear of it after so many batches.
const TOLD_EVERY: u64 = 1_000;

/// What has become of it.
#[derive(Debug, Clone, Default)]
pub(super) enum Proof {
    /// Nobody has asked since the program began.
    #[default]
    Unasked,
    /// So many batches of so many are proved.
    Doing { done: u64, total: u64 },
    /// When it ended, and what is sound or what is not.
    Done(Millis, Result<Audit, Failure>),
}

/// The last proof, or the one that goes on.
#[derive(Debug, Clone, Default)]
pub(super) struct Proofs(Arc<Mutex<Proof>>);

impl Proofs {
    fn kept(&self) -> MutexGuard<'_, Proof> {
        // Each change of it is one assignment.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn now(&self) -> Proof {
        self.kept().clone()
    }

    fn keep(&self, proof: Proof) {
        *self.kept() = proof;
    }

    /// Whether it is to be begun: not while one goes on.
    fn begins(&self) -> bool {
        let mut kept = self.kept();
        let is_free = !matches!(*kept, Proof::Doing { .. });
        if is_free {
            *kept = Proof::Doing { done: 0, total: 0 };
        }
        is_free
    }
}

/// Proves everything; comes back when that is done or takes long, and then it goes on.
pub(super) async fn prove(hall: &Shared) {
    if hall.proofs.begins() {
        let proving = tokio::spawn(run(Arc::clone(hall)));
        let _in_time = timeout(PATIENCE, proving).await;
    }
}

async fn run(hall: Shared) {
    let (proofs, board) = (hall.proofs.clone(), hall.board.clone());
    let proved = hall
        .node
        .call(move |replica, _| {
            replica.audit(&mut |done, total| {
                proofs.keep(Proof::Doing { done, total });
                if done % TOLD_EVERY == 0 {
                    board.post(Topic::Proof);
                }
            })
        })
        .await;
    let proved = match proved {
        Ok(audit) => audit.map_err(Failure::from),
        Err(error) => Err(error.into()),
    };
    hall.proofs.keep(Proof::Done(place::now(), proved));
    hall.board.post(Topic::Proof);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_goes_on_at_a_time_and_the_next_may_be_asked_for_after_it() {
        let proofs = Proofs::default();
        assert!(matches!(proofs.now(), Proof::Unasked));
        assert!(proofs.begins());
        assert!(!proofs.begins());
        proofs.keep(Proof::Done(Millis(0), Ok(Audit::default())));
        assert!(matches!(proofs.now(), Proof::Done(_, Ok(_))));
        assert!(proofs.begins());
    }
}
