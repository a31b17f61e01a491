//! What happens nearby, as it is noted where it happens and as apps hear it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use sync_core::id::DeviceId;
use sync_core::nearby::check_phrase;
use sync_core::replica::Replica;
use sync_core::wire::Refusal;

use super::Shared;
use crate::driver::{Progress, SessionState};
use crate::node::NodeError;
use crate::report::SyncReport;

/// A member's device that was met.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Who {
    /// The device, as its key proves.
    pub device: DeviceId,
    /// Its owner's name; a short id as long as it cannot be read.
    pub name: String,
    /// What both screens show, for people to compare.
    pub phrase: String,
    /// Whether this device remembers no exchange with it.
    pub is_first: bool,
}

/// What happened nearby.
#[derive(Debug, Clone)]
#[allow(
    clippy::large_enum_variant,
    reason = "few are made, and each is soon gone"
)]
pub enum NearbyEvent {
    /// An exchange with a member's device has begun.
    Met(Who),
    /// Both have everything; the counts since they met.
    CaughtUp {
        /// With whom.
        who: Who,
        /// The counts.
        report: SyncReport,
    },
    /// The exchange is over.
    Parted {
        /// With whom.
        who: Who,
        /// Whether both have had everything of each other.
        is_whole: bool,
    },
    /// Somebody dialled who was not let in.
    TurnedAway {
        /// Why.
        refusal: Refusal,
    },
    /// A device that was found was not reached, or the exchange with it failed.
    Failed {
        /// Why.
        error: NodeError,
        /// How long until it is tried again.
        retry_in: Duration,
    },
    /// This device can neither be found nor find others by itself; codes and addresses still work.
    Deaf {
        /// What the system said.
        reason: String,
    },
}

/// The same, before names are looked up.
#[derive(Debug, Clone)]
#[allow(
    clippy::large_enum_variant,
    reason = "few are made, and each is soon gone"
)]
pub(super) enum Happening {
    Met(Acquaintance),
    CaughtUp(Acquaintance, SyncReport),
    Parted(Acquaintance, bool),
    TurnedAway(Refusal),
    Failed(NodeError, Duration),
    Deaf(String),
}

/// A device, and whether it was never met before.
#[derive(Debug, Clone, Copy)]
pub(super) struct Acquaintance {
    pub(super) device: DeviceId,
    pub(super) is_first: bool,
}

impl Acquaintance {
    pub(super) fn of(replica: &Replica, device: DeviceId) -> Self {
        // That the store does not answer is told where it matters.
        let meetings = replica.meetings().unwrap_or_default();
        Self {
            device,
            is_first: meetings.iter().all(|meeting| meeting.with != device),
        }
    }

    pub(super) fn who(self, replica: &Replica) -> Who {
        Who {
            device: self.device,
            name: replica.name_of(&self.device),
            phrase: check_phrase(&replica.device(), &self.device),
            is_first: self.is_first,
        }
    }
}

impl NearbyEvent {
    /// None once the node has stopped.
    pub(super) async fn of(happening: Happening, shared: &Shared) -> Option<Self> {
        let who = |met: Acquaintance| shared.node.call(move |replica, _| met.who(replica));
        Some(match happening {
            Happening::Met(met) => Self::Met(who(met).await.ok()?),
            Happening::CaughtUp(met, report) => Self::CaughtUp {
                who: who(met).await.ok()?,
                report,
            },
            Happening::Parted(met, is_whole) => Self::Parted {
                who: who(met).await.ok()?,
                is_whole,
            },
            Happening::TurnedAway(refusal) => Self::TurnedAway { refusal },
            Happening::Failed(error, retry_in) => Self::Failed { error, retry_in },
            Happening::Deaf(reason) => Self::Deaf { reason },
        })
    }
}

/// How an exchange went, as far as it was told.
#[derive(Debug, Default)]
pub(super) struct Course {
    is_met: AtomicBool,
    is_whole: AtomicBool,
}

impl Course {
    pub(super) fn is_whole(&self) -> bool {
        self.is_whole.load(Ordering::Acquire)
    }

    /// Tells that it is over, if it was told that it began.
    pub(super) fn end(&self, shared: &Shared, met: Acquaintance) -> bool {
        let is_met = self.is_met.load(Ordering::Acquire);
        if is_met {
            shared.tell(Happening::Parted(met, self.is_whole()));
        }
        is_met
    }

    /// Notes what the session does; called on the driver's thread.
    pub(super) fn progress(self: &Arc<Self>, shared: &Arc<Shared>, met: Acquaintance) -> Progress {
        let (course, shared) = (Arc::clone(self), Arc::clone(shared));
        let mut told: Option<(u64, u64)> = None;
        Box::new(
            move |SessionState {
                      report, is_done, ..
                  }: SessionState| {
                let moved = (report.sent, report.received);
                let is_begun = is_done || moved != (0, 0);
                if is_begun && !course.is_met.swap(true, Ordering::AcqRel) {
                    shared.tell(Happening::Met(met));
                }
                if is_done && told != Some(moved) {
                    told = Some(moved);
                    course.is_whole.store(true, Ordering::Release);
                    shared.tell(Happening::CaughtUp(met, report));
                }
            },
        )
    }
}
