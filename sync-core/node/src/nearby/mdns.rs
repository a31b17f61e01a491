//! Finding others, and being found, by multicast DNS.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use mdns_sd::{IfKind, ResolvedService, ServiceDaemon, ServiceEvent, ServiceInfo};
use sync_core::nearby::{FOUND_ADDRS_MAX, Instance, PeerAddr, SERVICE, TAG_SECONDS, TXT_KEY, Tag};

use super::event::Happening;
use super::{PeerAddress, Shared};

/// How soon a new address of this device is noticed, in seconds.
const LOOK_SECONDS: u32 = 2;

/// A thread that announces and looks.
pub(super) struct Mdns {
    daemon: ServiceDaemon,
}

impl std::fmt::Debug for Mdns {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Mdns").finish_non_exhaustive()
    }
}

impl Mdns {
    /// None, and a happening that says why, where the system does not let it.
    pub(super) fn start(shared: &Arc<Shared>) -> Option<Self> {
        match Self::try_start(shared) {
            Ok(mdns) => Some(mdns),
            Err(error) => {
                shared.tell(Happening::Deaf(error.to_string()));
                None
            }
        }
    }

    fn try_start(shared: &Arc<Shared>) -> Result<Self, mdns_sd::Error> {
        let daemon = ServiceDaemon::new()?;
        // Who is on this computer alone is not nearby.
        daemon.disable_interface(vec![IfKind::LoopbackV4, IfKind::LoopbackV6])?;
        daemon.set_ip_check_interval(LOOK_SECONDS)?;
        let events = daemon.browse(SERVICE)?;
        daemon.register(announcement(shared)?)?;
        let (looking, telling) = (Arc::clone(shared), Arc::clone(shared));
        shared.spawn(async move {
            while let Ok(event) = events.recv_async().await {
                hear(&looking, event);
            }
        });
        let announcing = daemon.clone();
        shared.spawn(async move {
            loop {
                tokio::time::sleep(Duration::from_secs(TAG_SECONDS)).await;
                let renewed = announcement(&telling).map(|it| announcing.register(it));
                if let Err(error) | Ok(Err(error)) = renewed {
                    tracing::warn!(%error, "this device could not be announced again");
                }
            }
        });
        Ok(Self { daemon })
    }

    /// Says goodbye to the network.
    pub(super) fn stop(&self) {
        // Nobody is left who could be told that it failed.
        let _told = self.daemon.shutdown();
    }
}

/// Nothing in it is the device's or its owner's: even the host's name is made up.
fn announcement(shared: &Shared) -> Result<ServiceInfo, mdns_sd::Error> {
    let name = shared.instance.to_string();
    let tag = Tag::random(&shared.community, &mut rand::rng()).to_string();
    let host = format!("{name}.local.");
    let port = shared.addr.port();
    let txt = [(TXT_KEY, tag.as_str())];
    let ip = shared.addr.ip();
    if ip.is_unspecified() {
        Ok(ServiceInfo::new(SERVICE, &name, &host, (), port, &txt[..])?.enable_addr_auto())
    } else {
        ServiceInfo::new(SERVICE, &name, &host, ip, port, &txt[..])
    }
}

fn hear(shared: &Arc<Shared>, event: ServiceEvent) {
    // All else is nothing that can be dialled yet, or any more.
    if let ServiceEvent::ServiceResolved(service) = &event {
        if let Some(peer) = address(service) {
            shared.found(peer);
        }
    } else if let ServiceEvent::ServiceRemoved(_, name) = &event
        && let Ok(instance) = Instance::of_full_name(name)
    {
        shared.lost(&instance);
    }
}

/// None for what is no Banyan device or can only be reached on one link.
fn address(service: &ResolvedService) -> Option<PeerAddress> {
    let instance = Instance::of_full_name(service.get_fullname()).ok()?;
    let tag = service.get_property_val_str(TXT_KEY)?.parse().ok()?;
    let port = service.get_port();
    let ips = service
        .get_addresses()
        .iter()
        .map(mdns_sd::ScopedIp::to_ip_addr);
    let ips = ips.filter(|ip| match ip {
        IpAddr::V4(_) => true,
        IpAddr::V6(v6) => !v6.is_unicast_link_local(),
    });
    let addrs = ips.filter_map(|ip| PeerAddr::new(SocketAddr::new(ip, port)));
    let addrs: Vec<PeerAddr> = addrs.take(FOUND_ADDRS_MAX).collect();
    (!addrs.is_empty()).then_some(PeerAddress {
        instance,
        tag,
        addrs,
    })
}
