//! People with phones in their hands, and somebody who is none of them.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use sync_core::id::{DeviceId, LaneId};
use sync_core::keys::{DeviceKeys, Signer as _};
use sync_core::nearby::PeerAddr;
use sync_core::peer::Peer;
use sync_core::replica::Replica;
use sync_core::roster::role::{Role, Scope};
use sync_core::store::RowFilter;
use sync_core::wire::{Digest, Frame, Hello, PeerKind};
use sync_link::{Expect, FrameReader, FrameWriter, Transport, quinn};
use sync_node::{Home, Nearby, NearbyOptions, Node, NodeError, PeerAddress, PeerTarget, Visit};
use tempfile::TempDir;
use tokio::runtime::Handle;
use tokio::sync::mpsc;

/// Far longer than anything here takes; a test that reaches it has failed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);
/// Between two looks at something that comes by itself.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// One phone.
pub(crate) struct Hand {
    _folder: TempDir,
    pub(crate) node: Arc<Node>,
    pub(crate) keys: Arc<DeviceKeys>,
    pub(crate) device: DeviceId,
}

impl Hand {
    fn new(folder: TempDir, replica: Replica, keys: Arc<DeviceKeys>) -> Self {
        Self {
            _folder: folder,
            device: keys.device(),
            node: Arc::new(Node::start(replica, Arc::clone(&keys), Handle::current())),
            keys,
        }
    }

    /// 王姐, who has founded a community with one village.
    pub(crate) async fn founder(title: &str) -> (Self, LaneId) {
        let folder = TempDir::new().unwrap();
        let home = Home::at(folder.path());
        let (founding, keys) = home.found(title, "王姐", &[]).unwrap();
        let hand = Self::new(folder, founding.replica, keys);
        let village = hand.add_space("良登村").await;
        (hand, village)
    }

    /// Somebody with an invitation, whom the community has not heard of yet.
    pub(crate) async fn invited(&self, name: &str, village: LaneId) -> Self {
        let ticket = self.node.call(move |replica, moment| {
            replica.invite(Scope::Space(village), Role::Volunteer, 1, moment)
        });
        let ticket = ticket.await.unwrap().unwrap();
        let folder = TempDir::new().unwrap();
        let (replica, keys) = Home::at(folder.path()).join(&ticket, name).unwrap();
        Self::new(folder, replica, keys)
    }

    pub(crate) async fn call<T: Send + 'static>(
        &self,
        action: impl FnOnce(&mut Replica) -> T + Send + 'static,
    ) -> T {
        self.node.call(|replica, _| action(replica)).await.unwrap()
    }

    pub(crate) async fn add_space(&self, title: &str) -> LaneId {
        let title = title.to_owned();
        let added = self
            .node
            .call(move |replica, moment| replica.add_space(&title, moment));
        added.await.unwrap().unwrap()
    }

    /// Writes needs with titles from `<title> 0` on.
    pub(crate) async fn write(&self, village: LaneId, title: &str, count: usize) {
        let titles: Vec<String> = (0..count)
            .map(|number| format!("{title} {number}"))
            .collect();
        self.write_all(village, titles).await;
    }

    /// Writes needs that are too much for one frame.
    pub(crate) async fn write_long(&self, village: LaneId, count: usize) {
        let title = |number: usize| {
            // Letters that no compressor shortens much.
            let words = (0u64..40).map(|word| {
                let mixed = (number as u64 * 40 + word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
                format!("{mixed:x}")
            });
            let words: String = words.collect();
            words.chars().take(190).collect()
        };
        self.write_all(village, (0..count).map(title).collect())
            .await;
    }

    async fn write_all(&self, village: LaneId, titles: Vec<String>) {
        let written = self.node.call(move |replica, moment| {
            for title in titles {
                let need = replica.schema().kind("need").unwrap();
                let fields = need.parse_assignments(&[
                    format!("title={title}"),
                    "category=roads".to_owned(),
                    "urgency=high".to_owned(),
                ]);
                replica
                    .create("need", village, &fields.unwrap(), moment)
                    .unwrap();
            }
        });
        written.await.unwrap();
    }

    /// What is written there, in order.
    pub(crate) async fn titles(&self) -> Vec<String> {
        let rows = self.call(|replica| replica.list(&RowFilter::default()).unwrap());
        let mut titles: Vec<String> = rows.await.into_iter().map(|row| row.title).collect();
        titles.sort();
        titles
    }

    pub(crate) async fn digest(&self) -> Digest {
        self.call(|replica| replica.heads_digest().unwrap()).await
    }

    pub(crate) async fn listen(&self) -> Nearby {
        let anywhere = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        self.try_listen_at(anywhere).await.unwrap()
    }

    pub(crate) async fn try_listen_at(&self, addr: SocketAddr) -> Result<Nearby, NodeError> {
        let options = NearbyOptions {
            listen: Some(addr),
            uses_mdns: false,
            shares_store: false,
        };
        Nearby::start(Arc::clone(&self.node), options).await
    }

    /// Exchanges once with whoever listens there.
    pub(crate) async fn visit(&self, host: &Nearby) -> Result<Visit, NodeError> {
        let code = PeerTarget::Code(host.code().unwrap());
        let visit = self.node.sync_with_peer(&code, None);
        tokio::time::timeout(PATIENCE, visit).await.unwrap()
    }

    /// What this device would say first.
    pub(crate) async fn hello(&self) -> Hello {
        let first = self.call(|replica| {
            let peer = DeviceKeys::generate(&mut rand::rng()).device();
            let mut peer = Peer::dial(replica, peer, PeerKind::Member, &mut rand::rng()).unwrap();
            peer.poll_transmit(replica).unwrap()
        });
        match first.await {
            Some(Frame::Hello(hello)) => hello,
            other => panic!("{other:?}"),
        }
    }
}

/// As the listening device is found on the network.
pub(crate) fn address(nearby: &Nearby) -> PeerAddress {
    let announced = nearby.announcement();
    PeerAddress {
        instance: announced.instance,
        tag: announced.tag,
        addrs: vec![PeerAddr::new(nearby.addr()).unwrap()],
    }
}

/// Waits for something that comes by itself.
pub(crate) async fn until(mut is_so: impl AsyncFnMut() -> bool) {
    let come = async {
        while !is_so().await {
            tokio::time::sleep(LOOK_EVERY).await;
        }
    };
    tokio::time::timeout(PATIENCE, come).await.unwrap();
}

type Kept = (quinn::Endpoint, quinn::Connection);

/// A connection on which anything may be said.
pub(crate) async fn raw_dial(
    host: &Nearby,
    keys: Arc<DeviceKeys>,
) -> (FrameWriter, FrameReader, Kept) {
    let config = sync_link::client_config(keys, Expect::Any, &Transport::nearby()).unwrap();
    let endpoint = sync_link::endpoint(None, None).unwrap();
    let connection = sync_link::connect(&endpoint, host.addr(), config)
        .await
        .unwrap();
    let (send, recv) = connection.open_bi().await.unwrap();
    (
        FrameWriter::new(send),
        FrameReader::new(recv),
        (endpoint, connection),
    )
}

pub(crate) async fn say(writer: &mut FrameWriter, frame: Frame) {
    writer.write(&frame).await.unwrap();
}

/// Somebody who listens with a key that no roster names, and what they learn of each caller's.
pub(crate) fn impostor() -> (PeerAddr, mpsc::UnboundedReceiver<Option<DeviceId>>) {
    let keys = Arc::new(DeviceKeys::generate(&mut rand::rng()));
    let server = sync_link::server_config(keys, &Transport::nearby()).unwrap();
    let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let endpoint = sync_link::endpoint(Some(listen), Some(server)).unwrap();
    let addr = PeerAddr::new(endpoint.local_addr().unwrap()).unwrap();
    let (tell, seen) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Some(knock) = endpoint.accept().await {
            let caller = match knock.accept() {
                Ok(connecting) => connecting.await.ok(),
                Err(_) => None,
            };
            let key = caller.and_then(|connection| sync_link::peer_device(&connection));
            let _gone = tell.send(key);
        }
    });
    (addr, seen)
}
