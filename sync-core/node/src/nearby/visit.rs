//! Dialling one device.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use sync_core::wire::PeerKind;
use sync_link::{LinkError, Transport};

use super::event::{Acquaintance, Course, Who};
use super::target::{PeerTarget, Route};
use super::{Nearby, Shared};
use crate::connection::Link;
use crate::driver::{Begin, Progress, SessionState};
use crate::node::{Node, NodeError, ProgressFn, REBIRTHS_MAX};
use crate::report::SyncReport;

/// So often everything is exchanged in one visit.
const EXCHANGES: usize = 2;

/// An exchange with one device that is over.
#[derive(Debug, Clone)]
pub struct Visit {
    /// With whom.
    pub who: Who,
    /// What it did.
    pub report: SyncReport,
}

async fn reach(node: &Node, route: &Route) -> Result<Link, NodeError> {
    let (addrs, expect) = (&route.addrs, route.expect.clone());
    let link = Link::dial(addrs, expect, node.keys(), &Transport::nearby()).await;
    link.map_err(|error| {
        if error == LinkError::WrongKey {
            NodeError::Stranger
        } else {
            error.into()
        }
    })
}

impl Node {
    /// Exchanges everything with one device nearby, telling how it goes: the counts of each exchange.
    ///
    /// What a host has not sealed yet it seals once the two have compared, and not before, so that one which was
    /// restored from a backup finds out first. Therefore there are two exchanges: the second brings that.
    ///
    /// # Errors
    /// [`NodeError::Stranger`] if the device is of another community or another device answers there; what
    /// else [`NodeError`] names. What was durable before stays.
    pub async fn sync_with_peer(
        &self,
        peer: &PeerTarget,
        progress: Option<ProgressFn>,
    ) -> Result<Visit, NodeError> {
        let progress = progress.map(|tell| Arc::new(Mutex::new(tell)));
        let mut visit: Option<Visit> = None;
        let (mut exchanges, mut rebirths) = (0, 0);
        loop {
            match self.exchange_with(peer, progress.clone()).await {
                Ok(more) => {
                    let visit = match &mut visit {
                        Some(visit) => {
                            visit.report.add(&more.report);
                            visit
                        }
                        none => none.insert(more),
                    };
                    exchanges += 1;
                    if exchanges == EXCHANGES {
                        return Ok(visit.clone());
                    }
                }
                Err(NodeError::Reborn) if rebirths < REBIRTHS_MAX => rebirths += 1,
                // Whoever has gone meanwhile had given all that they had sealed.
                Err(error) => return visit.ok_or(error),
            }
        }
    }

    async fn exchange_with(
        &self,
        peer: &PeerTarget,
        progress: Option<Arc<Mutex<ProgressFn>>>,
    ) -> Result<Visit, NodeError> {
        let route = peer.route(self).await?;
        let link = reach(self, &route).await?;
        let device = link.peer;
        let met = self.call(move |replica, _| Acquaintance::of(replica, device));
        let met = met.await?;
        let progress = progress.map(|tell| {
            Box::new(move |state: SessionState| {
                let mut guard = tell.lock().unwrap_or_else(PoisonError::into_inner);
                let tell: &mut ProgressFn = &mut guard;
                tell(&state.report, state.announced);
            }) as Progress
        });
        let begin = Begin::Dialled(PeerKind::Member);
        let attending = self.open_with(link, begin, true, progress).await?;
        let report = attending.end().await?;
        let who = self.call(move |replica, _| met.who(replica)).await?;
        Ok(Visit { who, report })
    }
}

impl Nearby {
    /// Meets a device whose code was scanned: exchanges everything with it once. What happens later
    /// comes by whoever of the two finds the other.
    ///
    /// # Errors
    /// As [`Node::sync_with_peer`]; [`NodeError::TimedOut`] after `timeout`.
    pub async fn meet(&self, peer: &PeerTarget, timeout: Duration) -> Result<Visit, NodeError> {
        let visit = self.shared.node.sync_with_peer(peer, None);
        let visited = tokio::time::timeout(timeout, visit).await;
        visited.map_err(|_| NodeError::TimedOut)?
    }
}

/// How staying in touch ended.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) error: NodeError,
    pub(super) was_whole: bool,
    /// Whether it was told that the exchange began.
    pub(super) was_met: bool,
    /// Who answered, if somebody did.
    pub(super) device: Option<sync_core::id::DeviceId>,
}

impl Ended {
    fn before(error: NodeError, device: Option<sync_core::id::DeviceId>) -> Self {
        Self {
            error,
            was_whole: false,
            was_met: false,
            device,
        }
    }
}

/// Dials and stays in touch until one of the two goes.
pub(super) async fn stay(shared: &Arc<Shared>, route: &Route) -> Ended {
    let link = match reach(&shared.node, route).await {
        Ok(link) => link,
        Err(error) => return Ended::before(error, None),
    };
    let device = link.peer;
    let met = shared
        .node
        .call(move |replica, _| Acquaintance::of(replica, device));
    let met = match met.await {
        Ok(met) => met,
        Err(error) => return Ended::before(error, Some(device)),
    };
    let course = Arc::new(Course::default());
    let progress = course.progress(shared, met);
    let begin = Begin::Dialled(PeerKind::Member);
    let opened = shared.node.open_with(link, begin, false, Some(progress));
    let ended = match opened.await {
        Ok(attending) => attending.end().await,
        Err(error) => Err(error),
    };
    Ended {
        error: ended.err().unwrap_or(NodeError::Lost),
        was_whole: course.is_whole(),
        was_met: course.end(shared, met),
        device: Some(device),
    }
}
