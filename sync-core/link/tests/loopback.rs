//! Two endpoints on this machine.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::Duration;

use rand::SeedableRng;
use rand::rngs::ChaCha8Rng;
use sync_core::keys::{DeviceKeys, Signer};
use sync_core::wire::{Ack, Bye, Frame};
use sync_link::{
    Close, Expect, FrameReader, FrameWriter, Incoming, LinkError, Resets, Transport, client_config,
    connect, endpoint, lasting_endpoint, peer_device, resolve, server_config,
};

fn keys(seed: u64) -> Arc<DeviceKeys> {
    Arc::new(DeviceKeys::generate(&mut ChaCha8Rng::seed_from_u64(seed)))
}

fn loopback() -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, 0))
}

fn server(keys: &Arc<DeviceKeys>) -> (quinn::Endpoint, SocketAddr) {
    let config = server_config(Arc::clone(keys) as Arc<dyn Signer>, &Transport::relay()).unwrap();
    let server = endpoint(Some(loopback()), Some(config)).unwrap();
    let addr = server.local_addr().unwrap();
    (server, addr)
}

fn dial(keys: &Arc<DeviceKeys>, expect: Expect) -> quinn::ClientConfig {
    client_config(
        Arc::clone(keys) as Arc<dyn Signer>,
        expect,
        &Transport::default(),
    )
    .unwrap()
}

#[tokio::test]
async fn both_ends_see_each_others_device() {
    let (ours, theirs) = (keys(1), keys(2));
    let (server, addr) = server(&theirs);
    let client = endpoint(None, None).unwrap();
    let several = BTreeSet::from([ours.device(), theirs.device()]);
    for expect in [
        Expect::Any,
        Expect::One(theirs.device()),
        Expect::OneOf(Arc::new(several)),
    ] {
        let (dialled, accepted) =
            tokio::join!(connect(&client, addr, dial(&ours, expect)), async {
                server.accept().await.unwrap().await
            });
        assert_eq!(peer_device(&dialled.unwrap()), Some(theirs.device()));
        assert_eq!(peer_device(&accepted.unwrap()), Some(ours.device()));
    }
}

#[tokio::test]
async fn wrong_key_is_refused_and_told_apart() {
    let (server, addr) = server(&keys(2));
    let client = endpoint(None, None).unwrap();
    let accepting = tokio::spawn(async move { server.accept().await.unwrap().await });
    let result = connect(&client, addr, dial(&keys(1), Expect::One(keys(3).device()))).await;
    assert_eq!(result.map(|_| ()), Err(LinkError::WrongKey));
    assert!(accepting.await.unwrap().is_err());
}

#[tokio::test]
async fn frames_cross_and_the_reason_of_a_close_arrives() {
    let (server, addr) = server(&keys(2));
    let client = endpoint(None, None).unwrap();
    let frame = Frame::Ack(Ack {
        batches: 1,
        arrival: 2,
        positions: None,
    });
    let sent = frame.clone();
    let far = tokio::spawn(async move {
        let connection = server.accept().await.unwrap().await.unwrap();
        let (send, recv) = connection.accept_bi().await.unwrap();
        let mut reader = FrameReader::new(recv);
        assert_eq!(reader.read().await, Ok(Some(Incoming::Frame(sent))));
        assert_eq!(reader.read().await, Ok(None));
        let mut writer = FrameWriter::new(send);
        writer.write(&Frame::Bye(Bye {})).await.unwrap();
        writer.finish().await.unwrap();
        let _unread = writer.get_mut().stopped().await;
        connection.close(Close::ShuttingDown.code(), b"");
        server.wait_idle().await;
    });
    let connection = connect(&client, addr, dial(&keys(1), Expect::Any))
        .await
        .unwrap();
    let (send, recv) = connection.open_bi().await.unwrap();
    let mut writer = FrameWriter::new(send);
    writer.write(&frame).await.unwrap();
    writer.finish().await.unwrap();
    let mut reader = FrameReader::new(recv);
    assert_eq!(
        reader.read().await,
        Ok(Some(Incoming::Frame(Frame::Bye(Bye {}))))
    );
    assert_eq!(reader.read().await, Ok(None));
    let closed = LinkError::from(connection.closed().await);
    assert_eq!(closed, LinkError::Closed(Close::ShuttingDown));
    far.await.unwrap();
}

#[tokio::test]
async fn stream_reset_inside_a_frame_says_why() {
    let (server, addr) = server(&keys(2));
    let client = endpoint(None, None).unwrap();
    let far = tokio::spawn(async move {
        let connection = server.accept().await.unwrap().await.unwrap();
        let (_send, recv) = connection.accept_bi().await.unwrap();
        FrameReader::new(recv).read().await
    });
    let connection = connect(&client, addr, dial(&keys(1), Expect::Any))
        .await
        .unwrap();
    let (mut send, _recv) = connection.open_bi().await.unwrap();
    send.write_all(&[100, 1, 2]).await.unwrap();
    send.finish().unwrap();
    assert_eq!(
        far.await.unwrap(),
        Err(LinkError::Truncated {
            got: 3,
            expected: 101
        })
    );
}

#[tokio::test]
async fn address_in_use_is_said_so() {
    let (_server, addr) = server(&keys(2));
    let config = server_config(keys(3) as Arc<dyn Signer>, &Transport::relay()).unwrap();
    assert_eq!(
        endpoint(Some(addr), Some(config)).map(|_| ()),
        Err(LinkError::InUse(addr))
    );
}

#[tokio::test]
async fn text_that_is_no_address_is_named() {
    assert_eq!(
        resolve("nonsense").await,
        Err(LinkError::Address("nonsense".into()))
    );
    let found = resolve("127.0.0.1:7400").await.unwrap();
    assert_eq!(found, [SocketAddr::from((Ipv4Addr::LOCALHOST, 7400))]);
}

#[tokio::test]
async fn way_that_a_router_forgot_shows_as_a_question_whether_it_is_still_us() {
    let (server, addr) = server(&keys(2));
    let client = endpoint(Some(loopback()), None).unwrap();
    let often = Transport {
        keep_alive: Duration::from_millis(5),
        ..Transport::default()
    };
    let dial = client_config(keys(1) as Arc<dyn Signer>, Expect::Any, &often).unwrap();
    let (dialled, accepted) = tokio::join!(connect(&client, addr, dial), async {
        server.accept().await.unwrap().await
    });
    let (dialled, accepted) = (dialled.unwrap(), accepted.unwrap());
    while dialled.stats().frame_tx.ping < 3 {
        tokio::task::yield_now().await;
    }
    assert_eq!(dialled.stats().frame_rx.path_challenge, 0);
    let before = accepted.remote_address();
    // From here on our packets come from another port, as after a router's silence.
    client.rebind(UdpSocket::bind(loopback()).unwrap()).unwrap();
    while dialled.stats().frame_rx.path_challenge == 0 {
        tokio::task::yield_now().await;
    }
    assert_ne!(accepted.remote_address(), before);
    assert!(dialled.close_reason().is_none(), "it goes on");
}

/// A program of its own, as far as it goes: when it is dropped, it ends without a word.
fn program() -> tokio::runtime::Runtime {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.worker_threads(1).enable_all().build().unwrap()
}

fn listen_at(program: &tokio::runtime::Runtime, addr: SocketAddr) -> (quinn::Endpoint, SocketAddr) {
    let _inside = program.enter();
    let keys = keys(2);
    let resets = Resets::new(keys.reset_secret());
    let config = server_config(keys, &Transport::relay()).unwrap();
    let listener = lasting_endpoint(addr, config, &resets).unwrap();
    let addr = listener.local_addr().unwrap();
    (listener, addr)
}

#[test]
fn device_hears_from_a_relay_that_was_started_again_that_its_connection_is_over() {
    let (device, relay) = (program(), program());
    let (listener, addr) = listen_at(&relay, loopback());
    relay.spawn(async move {
        listener
            .accept()
            .await
            .unwrap()
            .await
            .unwrap()
            .closed()
            .await
    });
    let connection = device.block_on(async {
        let client = endpoint(Some(loopback()), None).unwrap();
        let transport = Transport {
            keep_alive: Duration::from_millis(50),
            ..Transport::default()
        };
        let expect = Expect::One(keys(2).device());
        let config = client_config(keys(1), expect, &transport).unwrap();
        connect(&client, addr, config).await.unwrap()
    });
    drop(relay);
    let relay = program();
    let _listener = listen_at(&relay, addr);
    // Not after the idle timeout: that would be `TimedOut`.
    let ended = device.block_on(connection.closed());
    assert_eq!(ended, quinn::ConnectionError::Reset);
}
