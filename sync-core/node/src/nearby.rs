//! Devices of one community that exchange without a relay, beside each other on one network.
//!
//! ```text
//! host     answers those who dial: members, and strangers with an invitation
//! visit    dials one device, by code, by address, or because it was found; once, or to stay in touch
//! court    keeps in touch with one found device for as long as it is found
//! mdns     finds devices and has this one found, where the platform does not do that itself
//! ```
//! Of two devices that find each other the one whose name is smaller dials; the other waits a little, and dials
//! if nobody came. A device that is in touch already is not dialled, and a second connection ends before
//! a word is said.

mod court;
mod event;
mod host;
mod mdns;
mod target;
mod visit;

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sync_core::id::{CommunityId, DeviceId};
use sync_core::nearby::{FOUND_ADDRS_MAX, FOUND_MAX, Instance, PeerAddr, PeerCode, Tag};
use sync_link::quinn::Endpoint;
use sync_link::{Close, LinkError, Transport};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

pub use self::event::{NearbyEvent, Who};
pub use self::target::PeerTarget;
pub use self::visit::Visit;

use self::event::Happening;
use self::mdns::Mdns;
use crate::live::look;
use crate::node::{Node, NodeError};

/// Happenings that nobody has asked for yet; further ones are not told.
const HAPPENINGS_MAX: usize = 256;
/// How long stopping waits until the other sides have been told.
const LEAVE_MAX: Duration = Duration::from_millis(60);

/// How a device is to be reached by others nearby.
#[derive(Debug, Clone, Default)]
pub struct NearbyOptions {
    /// Where to listen; any free port if there is none.
    pub listen: Option<SocketAddr>,
    /// Whether this library announces the device and looks for others; otherwise the app does, and says
    /// [`Nearby::found`] and [`Nearby::lost`].
    pub uses_mdns: bool,
    /// Whether other programs write to the same store, as the command line does. It is looked at four times a
    /// second then; a phone is not woken for it.
    pub shares_store: bool,
}

/// What a device is announced with: as an instance of [`sync_core::nearby::SERVICE`] at this port, with
/// this tag under [`sync_core::nearby::TXT_KEY`] in its TXT record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Announcement {
    /// Its name.
    pub instance: Instance,
    /// Its port.
    pub port: u16,
    /// Its tag; a new one is due after [`sync_core::nearby::TAG_SECONDS`].
    pub tag: Tag,
}

/// A device that was found on the network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeerAddress {
    /// Its name.
    pub instance: Instance,
    /// Which community it says to be of.
    pub tag: Tag,
    /// Where it listens.
    pub addrs: Vec<PeerAddr>,
}

/// This device, listening; dropping it ends all exchanges with devices nearby.
#[derive(Debug)]
pub struct Nearby {
    shared: Arc<Shared>,
    hearing: tokio::sync::Mutex<Hearing>,
    mdns: Option<Mdns>,
}

#[derive(Debug)]
struct Hearing {
    happenings: mpsc::Receiver<Happening>,
    /// What has been fetched and not been told: whoever asked may have stopped waiting.
    next: Option<Happening>,
}

#[derive(Debug)]
struct Shared {
    node: Arc<Node>,
    endpoint: Endpoint,
    addr: SocketAddr,
    community: CommunityId,
    device: DeviceId,
    instance: Instance,
    found: Mutex<BTreeMap<Instance, watch::Sender<Option<Vec<PeerAddr>>>>>,
    happenings: mpsc::Sender<Happening>,
    tasks: Mutex<JoinSet<()>>,
}

impl Shared {
    fn spawn(self: &Arc<Self>, task: impl Future<Output = ()> + Send + 'static) {
        let mut tasks = lock(&self.tasks);
        // Those that are through are forgotten.
        while tasks.try_join_next().is_some() {}
        tasks.spawn_on(task, self.node.runtime());
    }

    fn tell(&self, happening: Happening) {
        if self.happenings.try_send(happening).is_err() {
            tracing::debug!("nobody listens to what happens nearby");
        }
    }

    fn found(self: &Arc<Self>, peer: PeerAddress) {
        if peer.instance == self.instance || !peer.tag.is_of(&self.community) {
            return;
        }
        let mut addrs = peer.addrs;
        addrs.sort_unstable();
        addrs.dedup();
        addrs.truncate(FOUND_ADDRS_MAX);
        let mut found = lock(&self.found);
        if let Some(known) = found.get(&peer.instance) {
            known.send_if_modified(|there| {
                let is_news = there.as_ref() != Some(&addrs);
                *there = Some(addrs);
                is_news
            });
        } else if found.len() < FOUND_MAX {
            let (tell, hear) = watch::channel(Some(addrs));
            found.insert(peer.instance, tell);
            self.spawn(court::court(Arc::clone(self), peer.instance, hear));
        }
    }

    fn lost(&self, instance: &Instance) {
        if let Some(known) = lock(&self.found).remove(instance) {
            known.send_replace(None);
        }
    }
}

impl Nearby {
    /// Listens, and looks for others if it is to.
    ///
    /// # Errors
    /// [`NodeError::Link`] if the address cannot be listened on; [`NodeError::Stopped`].
    pub async fn start(node: Arc<Node>, options: NearbyOptions) -> Result<Self, NodeError> {
        let ids = node.call(|replica, _| (replica.community(), replica.device()));
        let (community, device) = ids.await?;
        let server = sync_link::server_config(node.keys(), &Transport::nearby())?;
        let server = host::with_limits(server);
        // A socket belongs to the runtime in which it is opened.
        let endpoint = {
            let _runtime = node.runtime().enter();
            sync_link::endpoint(options.listen, Some(server))?
        };
        let addr = endpoint.local_addr().map_err(|_| LinkError::Refused)?;
        let (tell, happenings) = mpsc::channel(HAPPENINGS_MAX);
        let shared = Arc::new(Shared {
            endpoint,
            addr,
            community,
            device,
            instance: Instance::random(&mut rand::rng()),
            found: Mutex::default(),
            happenings: tell,
            tasks: Mutex::default(),
            node,
        });
        shared.spawn(host::host(Arc::clone(&shared)));
        if options.shares_store {
            shared.spawn(look(Arc::clone(&shared.node)));
        }
        let mdns = options.uses_mdns.then(|| Mdns::start(&shared)).flatten();
        Ok(Self {
            shared,
            hearing: tokio::sync::Mutex::new(Hearing {
                happenings,
                next: None,
            }),
            mdns,
        })
    }

    /// Where it listens.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.shared.addr
    }

    /// What to announce it with.
    #[must_use]
    pub fn announcement(&self) -> Announcement {
        Announcement {
            instance: self.shared.instance,
            port: self.shared.addr.port(),
            tag: Tag::random(&self.shared.community, &mut rand::rng()),
        }
    }

    /// Its addresses and key for another device to scan; none while it is on no network.
    #[must_use]
    pub fn code(&self) -> Option<PeerCode> {
        let addrs = own_addrs(self.shared.addr);
        let code = PeerCode::new(self.announcement().tag, self.shared.device, addrs);
        (!code.addrs().is_empty()).then_some(code)
    }

    /// A device was found, or is somewhere else now. Those of other communities are passed over.
    pub fn found(&self, peer: PeerAddress) {
        self.shared.found(peer);
    }

    /// A device is gone. An exchange that goes on goes on.
    pub fn lost(&self, instance: &Instance) {
        self.shared.lost(instance);
    }

    /// What happened next; none once the node has stopped. Nothing is lost if the future is dropped.
    pub async fn next_event(&self) -> Option<NearbyEvent> {
        let mut hearing = self.hearing.lock().await;
        if hearing.next.is_none() {
            hearing.next = Some(hearing.happenings.recv().await?);
        }
        let event = NearbyEvent::of(hearing.next.clone()?, &self.shared).await;
        hearing.next = None;
        event
    }

    /// Ends all exchanges politely; takes at most a tenth of a second. Stopping again does nothing.
    pub async fn stop(&self) {
        if let Some(mdns) = &self.mdns {
            mdns.stop();
        }
        self.shared.endpoint.set_server_config(None);
        lock(&self.shared.tasks).abort_all();
        let mut present = self.shared.node.present();
        // Sessions end when nobody waits for them any more.
        let _in_time = tokio::time::timeout(LEAVE_MAX, present.wait_for(|it| it.is_empty())).await;
        let code = Close::ShuttingDown.code();
        self.shared.endpoint.close(code, b"");
        let _in_time = tokio::time::timeout(LEAVE_MAX / 2, self.shared.endpoint.wait_idle()).await;
    }
}

impl Drop for Nearby {
    fn drop(&mut self) {
        if let Some(mdns) = &self.mdns {
            mdns.stop();
        }
        lock(&self.shared.tasks).abort_all();
        self.shared.endpoint.close(Close::ShuttingDown.code(), b"");
    }
}

/// Where others on the same network reach a socket of ours.
fn own_addrs(addr: SocketAddr) -> Vec<PeerAddr> {
    if !addr.ip().is_unspecified() {
        return PeerAddr::new(addr).into_iter().collect();
    }
    let interfaces = if_addrs::get_if_addrs().unwrap_or_default();
    let ips = interfaces.iter().map(if_addrs::Interface::ip);
    let ips = ips.filter(|ip| is_of_a_network(ip) && (addr.is_ipv6() || ip.is_ipv4()));
    let addrs = ips.map(|ip| PeerAddr::new(SocketAddr::new(ip, addr.port())));
    let mut addrs: Vec<PeerAddr> = addrs.flatten().collect();
    // Those of version 4 first: they are short, and they work in most houses.
    addrs.sort_unstable();
    addrs.dedup();
    addrs
}

/// Addresses of a link alone say nothing to another device without that device's own name of the link.
fn is_of_a_network(ip: &IpAddr) -> bool {
    match ip {
        IpAddr::V4(v4) => !v4.is_loopback() && !v4.is_link_local(),
        IpAddr::V6(v6) => !v6.is_loopback() && !v6.is_unicast_link_local(),
    }
}

/// What these locks guard is whole between any two statements.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
