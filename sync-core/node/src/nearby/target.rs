//! Whom to dial, as people write it.

use std::str::FromStr;

use sync_core::id::{CommunityId, DeviceId};
use sync_core::nearby::{PeerAddr, PeerCode};
use sync_core::roster::ticket::ParseTicketError;
use sync_link::{Expect, resolve};

use crate::node::{Node, NodeError};

/// What codes begin with, and addresses do not.
const CODE: &str = "banyan";

/// One device nearby: by its code, or by an address at which any member's device may answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PeerTarget {
    /// What its screen shows.
    Code(PeerCode),
    /// `host:port`.
    Addr(String),
}

impl FromStr for PeerTarget {
    type Err = ParseTicketError;

    fn from_str(text: &str) -> Result<Self, ParseTicketError> {
        let text = text.trim();
        let start: String = text.chars().take(CODE.len()).collect();
        let is_addr = || {
            let (host, port) = text.rsplit_once(':')?;
            (!host.is_empty() && port.parse::<u16>().is_ok()).then_some(())
        };
        if start.eq_ignore_ascii_case(CODE) || is_addr().is_none() {
            return text.parse().map(Self::Code);
        }
        Ok(Self::Addr(text.to_owned()))
    }
}

/// Where to dial and whose key may answer.
#[derive(Debug)]
pub(super) struct Route {
    pub(super) addrs: Vec<std::net::SocketAddr>,
    pub(super) expect: Expect,
}

impl PeerTarget {
    pub(super) async fn route(&self, node: &Node) -> Result<Route, NodeError> {
        match self {
            Self::Code(code) => {
                let ids = node.call(|replica, _| (replica.community(), replica.device()));
                let (community, device): (CommunityId, DeviceId) = ids.await?;
                if !code.is_of(&community) || code.device == device {
                    return Err(NodeError::Stranger);
                }
                Ok(Route {
                    addrs: code.addrs().iter().map(PeerAddr::socket).collect(),
                    expect: Expect::One(code.device),
                })
            }
            Self::Addr(addr) => Ok(Route {
                addrs: resolve(addr).await?,
                expect: members(node).await?,
            }),
        }
    }
}

/// All devices of the community but this one.
pub(super) async fn members(node: &Node) -> Result<Expect, NodeError> {
    let devices = node.call(|replica, _| {
        let (all, us) = (replica.roster().devices().keys(), replica.device());
        all.copied().filter(|device| *device != us).collect()
    });
    Ok(Expect::OneOf(std::sync::Arc::new(devices.await?)))
}
