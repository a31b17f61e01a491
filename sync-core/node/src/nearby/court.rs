//! Keeping in touch with one device for as long as it is found.

use std::sync::Arc;
use std::time::Duration;

use sync_core::id::DeviceId;
use sync_core::nearby::{Instance, PeerAddr};
use sync_core::wire::Refusal;
use tokio::sync::watch;

use super::Shared;
use super::event::Happening;
use super::target::{Route, members};
use super::visit::stay;
use crate::node::NodeError;
use crate::pace::{PAUSE_MAX, Pace};

/// How long the device with the larger name waits for the other one to dial.
const YIELD: Duration = Duration::from_secs(3);
/// How long after news of who belongs a device that was unknown is dialled again.
const SETTLE: Duration = Duration::from_secs(1);
/// A device that was found as long as it is found: where it is; none once it is lost.
type Whereabouts = watch::Receiver<Option<Vec<PeerAddr>>>;

pub(super) async fn court(shared: Arc<Shared>, instance: Instance, mut found: Whereabouts) {
    let courtesy = if shared.instance < instance {
        Duration::ZERO
    } else {
        YIELD
    };
    let mut pace = Pace::up_to(PAUSE_MAX);
    let mut pause = courtesy;
    let mut known = None;
    let mut is_unknown = false;
    loop {
        // Somewhere else it may be reached at once.
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            _either = found.changed() => {}
            () = more_is_known(&shared, courtesy), if is_unknown => {}
        }
        let Some(addrs) = found.borrow_and_update().clone() else {
            return;
        };
        if let Some(device) = known
            && shared.node.present().borrow().contains(&device)
        {
            if parted_or_lost(&shared, device, &mut found).await {
                return;
            }
            pause = courtesy;
            continue;
        }
        let ended = match members(&shared.node).await {
            Ok(expect) => {
                let addrs = addrs.iter().map(PeerAddr::socket).collect();
                stay(&shared, &Route { addrs, expect }).await
            }
            Err(_stopped) => return,
        };
        known = ended.device.or(known);
        let error = ended.error;
        if error == NodeError::Stopped {
            return;
        }
        if error == NodeError::AlreadyMet {
            pause = courtesy;
            continue;
        }
        is_unknown = is_about_membership(&error);
        pause = pace.after(&error, ended.was_whole).max(courtesy);
        // That it has gone is told already.
        if !ended.was_met {
            shared.tell(Happening::Failed(error, pause));
        }
    }
}

/// Whether one of the two has not heard yet that the other belongs.
fn is_about_membership(error: &NodeError) -> bool {
    matches!(
        error,
        NodeError::Stranger
            | NodeError::Refused(Refusal::NotAMember)
            | NodeError::Peer(Refusal::NotAMember)
    )
}

/// Waits until something has been written here, such as news of who belongs, and a little longer: the other
/// side hears of it about now.
async fn more_is_known(shared: &Shared, courtesy: Duration) {
    let mut changes = shared.node.changes();
    // An error says that the node has stopped, which is found out in the next attempt.
    let _changed = changes.changed().await;
    tokio::time::sleep(SETTLE + courtesy).await;
}

/// Waits until a device is not in touch any more; true if it is lost by then.
async fn parted_or_lost(shared: &Shared, device: DeviceId, found: &mut Whereabouts) -> bool {
    let mut present = shared.node.present();
    let gone = present.wait_for(|present| !present.contains(&device)).await;
    gone.is_err() || found.borrow().is_none()
}
