//! Live sessions with real relays and with ones that misbehave.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use relay::config::RelayConfig;
use relay::server::RelayServer;
use sync_core::keys::{DeviceKeys, Signer as _};
use sync_core::roster::ticket::RelayAddr;
use sync_core::wire::Frame;
use sync_link::{FrameReader, Incoming, Transport};
use sync_node::{Home, Live, LiveEvent, Node, NodeError};
use tempfile::TempDir;
use tokio::runtime::Handle;
use tokio::sync::mpsc;

/// Far longer than anything here takes; a test that reaches it has failed.
const PATIENCE: Duration = Duration::from_secs(60);

fn founder(folder: &TempDir, relay: RelayAddr) -> Arc<Node> {
    let home = Home::at(&folder.path().join("phone"));
    let (founding, keys) = home.found("青石村", "王姐", &[relay]).unwrap();
    Arc::new(Node::start(founding.replica, keys, Handle::current()))
}

async fn relay(folder: &TempDir) -> RelayServer {
    let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let config = RelayConfig::open(&folder.path().join("relay"), listen);
    RelayServer::start(config).await.unwrap()
}

async fn next(live: &Live) -> Result<LiveEvent, NodeError> {
    tokio::time::timeout(PATIENCE, live.next_event())
        .await
        .unwrap()
}

/// A relay that answers nothing and passes on what it hears.
fn deaf_relay() -> (RelayAddr, mpsc::Receiver<Frame>) {
    let keys = DeviceKeys::generate(&mut rand::rng());
    let id = keys.device();
    let server = sync_link::server_config(Arc::new(keys), &Transport::relay()).unwrap();
    let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let endpoint = sync_link::endpoint(Some(listen), Some(server)).unwrap();
    let addr = endpoint.local_addr().unwrap().to_string();
    let (heard, frames) = mpsc::channel(64);
    tokio::spawn(async move {
        while let Some(knock) = endpoint.accept().await {
            let connection = knock.accept().unwrap().await.unwrap();
            let (_send, recv) = connection.accept_bi().await.unwrap();
            let mut reader = FrameReader::new(recv);
            while let Ok(Some(incoming)) = reader.read().await {
                if let Incoming::Frame(frame) = incoming {
                    heard.send(frame).await.unwrap();
                }
            }
        }
    });
    (RelayAddr { relay: id, addr }, frames)
}

async fn hear(frames: &mut mpsc::Receiver<Frame>) -> Frame {
    let frame = tokio::time::timeout(PATIENCE, frames.recv()).await;
    frame.unwrap().unwrap()
}

#[cfg(unix)]
#[tokio::test]
async fn nobody_else_on_the_computer_may_read_the_records() {
    use std::os::unix::fs::PermissionsExt;
    let folder = TempDir::new().unwrap();
    let relay = relay(&folder).await;
    // A folder that was there before, for all to look into.
    let dir = folder.path().join("phone");
    std::fs::create_dir(&dir).unwrap();
    std::fs::set_permissions(&dir, PermissionsExt::from_mode(0o755)).unwrap();
    let _node = founder(&folder, relay.relay_addr());
    let files: Vec<_> = std::fs::read_dir(&dir)
        .unwrap()
        .map(Result::unwrap)
        .collect();
    assert!(files.len() >= 2, "a key and a store: {files:?}");
    for file in files {
        let mode = file.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{file:?} is open to others: {mode:o}");
    }
}

#[tokio::test]
async fn whoever_lets_go_of_a_live_session_says_goodbye() {
    let folder = TempDir::new().unwrap();
    let (relay, mut frames) = deaf_relay();
    let node = founder(&folder, relay);
    let live = Live::start(Arc::clone(&node)).await.unwrap();
    assert!(matches!(hear(&mut frames).await, Frame::Hello(_)));
    drop(live);
    assert!(matches!(hear(&mut frames).await, Frame::Bye(_)));
}

#[tokio::test]
async fn a_cancelled_sync_says_goodbye() {
    let folder = TempDir::new().unwrap();
    let (relay, mut frames) = deaf_relay();
    let node = founder(&folder, relay);
    tokio::select! {
        report = node.sync_once() => panic!("nobody answered: {report:?}"),
        hello = hear(&mut frames) => assert!(matches!(hello, Frame::Hello(_))),
    }
    assert!(matches!(hear(&mut frames).await, Frame::Bye(_)));
}

#[tokio::test]
async fn who_listens_hears_that_the_node_has_stopped() {
    let folder = TempDir::new().unwrap();
    let relay = relay(&folder).await;
    let node = founder(&folder, relay.relay_addr());
    let live = Live::start(Arc::clone(&node)).await.unwrap();
    while !matches!(next(&live).await.unwrap(), LiveEvent::CaughtUp(_)) {}
    // A fault of the app's own, on the node's thread.
    let call = node
        .call(|_, _| std::panic::resume_unwind(Box::new("a fault")))
        .await;
    assert_eq!(call, Err::<(), _>(NodeError::Stopped));
    let ended = loop {
        if let Err(error) = next(&live).await {
            break error;
        }
    };
    assert_eq!(ended, NodeError::Stopped);
}

#[tokio::test]
async fn a_relay_that_goes_and_comes_back_is_found_again() {
    let folder = TempDir::new().unwrap();
    let first = relay(&folder).await;
    let addr = first.addr();
    let node = founder(&folder, first.relay_addr());
    let live = Live::start(Arc::clone(&node)).await.unwrap();
    while !matches!(next(&live).await.unwrap(), LiveEvent::CaughtUp(_)) {}
    first.shut_down().await.unwrap();
    let offline = loop {
        if let LiveEvent::Offline { is_final, .. } = next(&live).await.unwrap() {
            break is_final;
        }
    };
    assert!(!offline, "a relay that stopped may come back");
    let config = RelayConfig::open(&folder.path().join("relay"), addr);
    let again = RelayServer::start(config).await.unwrap();
    while !matches!(next(&live).await.unwrap(), LiveEvent::CaughtUp(_)) {}
    again.shut_down().await.unwrap();
}

#[tokio::test]
async fn a_relay_that_is_named_later_is_met_without_starting_again() {
    let folder = TempDir::new().unwrap();
    let home = Home::at(&folder.path().join("phone"));
    let (founding, keys) = home.found("青石村", "王姐", &[]).unwrap();
    let node = Arc::new(Node::start(founding.replica, keys, Handle::current()));
    let live = Live::start_or_wait(Arc::clone(&node));
    let relay = relay(&folder).await;
    let named = relay.relay_addr();
    let known = node
        .call(move |replica, _| replica.know_relay(&named))
        .await;
    known.unwrap().unwrap();
    while !matches!(next(&live).await.unwrap(), LiveEvent::CaughtUp(_)) {}
}
