//! The file that is being imported, between its pages: what is in it, then what has become of it.
//!
//! One file at a time is kept, in memory only: it may be full of residents' names. Another one takes its
//! place, unless it is just being written.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sync_core::id::LaneId;

use super::hall::Shared;
use super::news::Topic;
use crate::exchange::Problem;
use crate::exchange::import::{self, Misfits, Plan, Survey};
use crate::failure::Failure;

/// A file.
#[derive(Debug)]
pub(super) struct Waiting {
    /// Names it in the addresses of its pages.
    pub(super) key: String,
    /// What its owner calls it.
    pub(super) file: String,
    stage: Mutex<Stage>,
}

/// What has become of it.
#[derive(Debug)]
pub(super) enum Stage {
    /// Somebody looks through it.
    Asked(Box<Draft>),
    /// It is being written.
    Doing(Doing),
    /// It is written, or as much of it as could be.
    Done(Doing),
}

/// What somebody has said about it so far.
#[derive(Debug)]
pub(super) struct Draft {
    pub(super) survey: Survey,
    /// Where its rows go; none: where they say.
    pub(super) space: Option<LaneId>,
}

/// How far it is.
#[derive(Debug, Clone, Default)]
pub(super) struct Doing {
    /// The kind, by name.
    pub(super) kind: String,
    pub(super) total: u64,
    pub(super) done: u64,
    pub(super) begun: u64,
    pub(super) changed: u64,
    /// Rows that did not fit when it was looked through.
    pub(super) left_out: u64,
    /// Rows that were refused after all.
    pub(super) problems: Vec<Problem>,
    /// Why it ended early.
    pub(super) failure: Option<Failure>,
}

/// Where the file is kept.
#[derive(Debug, Default)]
pub(super) struct Imports(Mutex<Option<Arc<Waiting>>>);

impl Waiting {
    pub(super) fn stage(&self) -> MutexGuard<'_, Stage> {
        // Each change of a stage is one assignment.
        self.stage.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_being_written(&self) -> bool {
        matches!(*self.stage(), Stage::Doing(_))
    }
}

impl Imports {
    fn kept(&self) -> MutexGuard<'_, Option<Arc<Waiting>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps a file; none, if another one is just being written.
    pub(super) fn keep(&self, key: String, file: String, draft: Draft) -> Option<Arc<Waiting>> {
        let mut kept = self.kept();
        if kept.as_ref().is_some_and(|old| old.is_being_written()) {
            return None;
        }
        let waiting = Arc::new(Waiting {
            key,
            file,
            stage: Mutex::new(Stage::Asked(Box::new(draft))),
        });
        *kept = Some(Arc::clone(&waiting));
        Some(waiting)
    }

    /// The file of this key, if it is still the one.
    pub(super) fn find(&self, key: &str) -> Option<Arc<Waiting>> {
        self.kept().clone().filter(|kept| kept.key == key)
    }
}

/// Writes what a plan says, piece by piece, so that pages and peers have their turn between two pieces.
/// Whatever happens, how it ended is kept.
pub(super) async fn write(hall: Shared, waiting: Arc<Waiting>, mut plan: Plan) {
    while let Some(piece) = plan.take_piece() {
        let count = piece.len() as u64;
        let applied = hall
            .node
            .call(move |replica, moment| {
                import::apply(&piece, replica, Misfits::Skip, moment, &mut |_| {})
            })
            .await;
        let applied = applied.map_err(Failure::from).and_then(|applied| applied);
        let mut stage = waiting.stage();
        let Stage::Doing(doing) = &mut *stage else {
            return;
        };
        match applied {
            Ok(applied) => {
                doing.done += count;
                doing.begun += applied.begun.len() as u64;
                doing.changed += applied.changed;
                doing.problems.extend(applied.problems);
            }
            Err(failure) => {
                doing.failure = Some(failure);
                break;
            }
        }
    }
    let mut stage = waiting.stage();
    if let Stage::Doing(doing) = &mut *stage {
        let doing = std::mem::take(doing);
        *stage = Stage::Done(doing);
    }
    drop(stage);
    hall.board.post(Topic::Records);
}
