//! The real server over loopback, with raw sessions.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use quinn::Connection;
use relay::config::RelayConfig;
use relay::limits::{HELLO_BYTES_MAX, Limits};
use relay::log::BatchLog as _;
use relay::log::sqlite::SqliteLog;
use relay::server::{RelayError, RelayServer};
use sync_core::keys::Signer;
use sync_core::roster::role::{Role, Scope};
use sync_core::session::carrier::Carrier as _;
use sync_core::session::{Event, Parties, Session, Taken};
use sync_core::wire::{FRAME_BYTES_MAX, Frame, PeerKind};
use sync_link::{
    Close, Expect, FrameReader, FrameWriter, Incoming, LinkError, STEP_BYTES, Transport,
    client_config, connect, endpoint,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::village::{Phone, Village, village};

/// A test that hangs has failed.
const PATIENCE: Duration = Duration::from_secs(30);

fn config(folder: &Path) -> RelayConfig {
    RelayConfig::open(folder, SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))
}

async fn dial(phone: &Phone, relay: &RelayServer) -> Connection {
    let signer: Arc<dyn Signer> = Arc::new(phone.keys.clone());
    let config = client_config(signer, Expect::One(relay.id()), &Transport::default()).unwrap();
    connect(&endpoint(None, None).unwrap(), relay.addr(), config)
        .await
        .unwrap()
}

/// A phone's session over a real connection.
struct Line<'p> {
    phone: &'p mut Phone,
    session: Session,
    reader: FrameReader,
    writer: FrameWriter,
    connection: Connection,
}

impl<'p> Line<'p> {
    async fn open(phone: &'p mut Phone, relay: &RelayServer, join: Option<Vec<u8>>) -> Self {
        let connection = dial(phone, relay).await;
        let (send, recv) = connection.open_bi().await.unwrap();
        let parties = Parties {
            us: phone.device(),
            kind: PeerKind::Member,
            incarnation: phone.incarnation,
            peer: relay.id(),
            peer_kind: PeerKind::Relay,
        };
        let rng = &mut rand::rng();
        let session = Session::dial(parties, &phone.carrier, join, rng).unwrap();
        let (reader, writer) = (FrameReader::new(recv), FrameWriter::new(send));
        Self {
            phone,
            session,
            reader,
            writer,
            connection,
        }
    }

    /// Sends what there is to send.
    async fn speak(&mut self) {
        while let Some(frame) = self.session.poll_transmit(&self.phone.carrier).unwrap() {
            self.writer.write(&frame).await.unwrap();
        }
    }

    /// Speaks and listens until `done`.
    async fn until(&mut self, done: impl Fn(&Session, &Phone) -> bool) {
        self.speak().await;
        while !done(&self.session, self.phone) {
            let next = tokio::time::timeout(PATIENCE, self.reader.read()).await;
            let Some(Incoming::Frame(frame)) = next.expect("no answer").unwrap() else {
                panic!("the relay ended: {:?}", self.phone.refused)
            };
            for event in self.session.receive(frame, &self.phone.carrier).unwrap() {
                match event {
                    Event::Ingest { batches, .. } => {
                        let taken: Vec<Taken> = batches
                            .into_iter()
                            .map(|it| self.phone.carrier.take(it))
                            .collect();
                        self.session.stored(&taken);
                    }
                    Event::Refused { refusal, batch } => self.phone.refused.push((refusal, batch)),
                    Event::Acked(_)
                    | Event::CaughtUp
                    | Event::Compared
                    | Event::Cursors(_)
                    | Event::Ended
                    | Event::Lacking(_)
                    | Event::OwnLogAhead(_)
                    | Event::AskedErased(_)
                    | Event::Blob(_)
                    | Event::HasErased(_)
                    | Event::AskedReceipts(_)
                    | Event::Placed(_)
                    | Event::Receipts(_)
                    | Event::Totals(_) => {}
                }
            }
            self.speak().await;
        }
    }

    async fn catch_up(&mut self) {
        let last = self.phone.carrier.last_arrival().unwrap();
        self.until(|session, _| session.has_delivered(last)).await;
    }
}

/// A founder, and a joiner with a ticket.
fn people() -> (Village<relay::log::memory::MemoryLog>, Vec<u8>) {
    let mut village = village(Limits::default());
    let ticket = village.invite(0, Role::Volunteer, Scope::Community, 1);
    let joiner = village.stranger();
    let join = village.join(joiner, &ticket);
    (village, join)
}

#[tokio::test(flavor = "multi_thread")]
async fn two_phones_meet_at_the_relay_and_it_remembers() {
    let folder = tempfile::tempdir().unwrap();
    let relay = RelayServer::start(config(folder.path())).await.unwrap();
    let id = relay.id();
    let (mut village, join) = people();
    let commons = village.commons();
    village.write(0, commons, "a notice");
    let community = village.community;
    let Village { phones, rng, .. } = &mut village;
    let [founder, joiner] = &mut phones[..] else {
        panic!()
    };
    let mut first = Line::open(founder, &relay, None).await;
    first.catch_up().await;
    let mut second = Line::open(joiner, &relay, Some(join)).await;
    second.catch_up().await;
    assert_eq!(second.phone.carrier.rows().len(), 4);
    // Live: an edit of the joiner reaches the founder, who has the join too then.
    second.phone.write(commons, "thanks", rng);
    second.catch_up().await;
    first
        .until(|_, phone| phone.carrier.rows().len() == 5)
        .await;
    assert_eq!(first.phone.refused, []);
    let stopping = tokio::spawn(relay.shut_down());
    let closed = tokio::time::timeout(PATIENCE, first.connection.closed())
        .await
        .unwrap();
    assert_eq!(
        LinkError::from(closed),
        LinkError::Closed(Close::ShuttingDown)
    );
    stopping.await.unwrap().unwrap();
    let told = relay::server::look(folder.path()).unwrap();
    assert!(!told.is_serving);
    let mut devices = told.communities[0].devices.iter();
    assert!(devices.len() == 2 && devices.all(|device| device.last_seen.is_some()));
    let log = SqliteLog::open(&folder.path().join("relay.db")).unwrap();
    assert_eq!(log.community(&community).unwrap().unwrap().tip.0, 5);
    drop(log);
    let again = RelayServer::start(config(folder.path())).await.unwrap();
    assert_eq!(again.id(), id);
    again.shut_down().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn goodbye_of_the_phone_is_answered_by_the_end_of_the_stream() {
    let folder = tempfile::tempdir().unwrap();
    let relay = RelayServer::start(config(folder.path())).await.unwrap();
    let (mut village, _) = people();
    let mut line = Line::open(&mut village.phones[0], &relay, None).await;
    line.catch_up().await;
    line.session.end();
    line.speak().await;
    line.writer.finish().await.unwrap();
    let rest = async {
        while let Ok(Some(_)) = line.reader.read().await {}
        LinkError::from(line.connection.closed().await)
    };
    let closed = tokio::time::timeout(PATIENCE, rest).await.unwrap();
    assert_eq!(closed, LinkError::Closed(Close::Done));
    relay.shut_down().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn stranger_gets_no_room_for_a_large_frame() {
    let folder = tempfile::tempdir().unwrap();
    let relay = RelayServer::start(config(folder.path())).await.unwrap();
    let (village, _) = people();
    let connection = dial(&village.phones[1], &relay).await;
    let (mut send, recv) = connection.open_bi().await.unwrap();
    let mut length = Vec::new();
    sync_core::entry::codec::put_varint(&mut length, HELLO_BYTES_MAX as u64 + 1);
    send.write_all(&length).await.unwrap();
    let mut reader = FrameReader::new(recv);
    let answer = tokio::time::timeout(PATIENCE, reader.read())
        .await
        .unwrap()
        .unwrap();
    assert!(
        matches!(answer, Some(Incoming::Frame(Frame::Refuse(_)))),
        "{answer:?}"
    );
    relay.shut_down().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn who_announces_much_and_sends_nothing_keeps_nobody_out() {
    let folder = tempfile::tempdir().unwrap();
    let limits = Limits {
        inbox_bytes_max: 2 * FRAME_BYTES_MAX,
        ..Limits::default()
    };
    let config = RelayConfig {
        limits,
        ..config(folder.path())
    };
    let relay = RelayServer::start(config).await.unwrap();
    let (mut village, join) = people();
    let Village { phones, .. } = &mut village;
    let [founder, joiner] = &mut phones[..] else {
        panic!()
    };
    Line::open(founder, &relay, None).await.catch_up().await;
    let mut length = Vec::new();
    sync_core::entry::codec::put_varint(&mut length, FRAME_BYTES_MAX as u64);
    let mut stalled = Vec::new();
    for _ in 0..4 {
        let mut line = Line::open(founder, &relay, None).await;
        line.catch_up().await;
        let Line {
            connection,
            mut writer,
            ..
        } = line;
        writer.get_mut().write_all(&length).await.unwrap();
        stalled.push((connection, writer));
    }
    // Less than the time after which the four are given up.
    let mut line = Line::open(joiner, &relay, Some(join)).await;
    let in_time = tokio::time::timeout(Duration::from_secs(8), line.catch_up()).await;
    assert!(in_time.is_ok(), "the four hold all the room");
    relay.shut_down().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn live_edit_goes_through_while_large_frames_that_come_slowly_hold_all_the_room() {
    let folder = tempfile::tempdir().unwrap();
    let limits = Limits {
        inbox_bytes_max: 2 * FRAME_BYTES_MAX,
        ..Limits::default()
    };
    let config = RelayConfig {
        limits,
        ..config(folder.path())
    };
    let relay = RelayServer::start(config).await.unwrap();
    let (mut village, _) = people();
    let commons = village.commons();
    let Village { phones, rng, .. } = &mut village;
    let founder = &mut phones[0];
    Line::open(founder, &relay, None).await.catch_up().await;
    let mut begun = Vec::new();
    // Each lacks one byte to the end, and the third is read until no room is left.
    for _ in 0..3 {
        let mut line = Line::open(founder, &relay, None).await;
        line.catch_up().await;
        let Line {
            connection,
            mut writer,
            ..
        } = line;
        let mut frame = Vec::new();
        sync_core::entry::codec::put_varint(&mut frame, FRAME_BYTES_MAX as u64);
        frame.resize(frame.len() + FRAME_BYTES_MAX - 1, 0);
        let sending = tokio::spawn(async move {
            let _cut_in_the_end = writer.get_mut().write_all(&frame).await;
            writer
        });
        begun.push((connection, sending));
    }
    while relay.inbox_room() >= STEP_BYTES {
        tokio::task::yield_now().await;
    }
    let mut line = Line::open(founder, &relay, None).await;
    line.catch_up().await;
    line.phone.write(commons, "a live edit", rng);
    line.catch_up().await;
    // They were not given up meanwhile, as they would have been had the edit waited for their room.
    for (connection, sending) in begun {
        assert_eq!(connection.close_reason(), None);
        sending.abort();
    }
    relay.shut_down().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn second_relay_in_a_folder_and_second_on_a_port_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let relay = RelayServer::start(config(folder.path())).await.unwrap();
    let second = RelayServer::start(config(folder.path())).await.err();
    assert!(
        matches!(second, Some(RelayError::FolderInUse(_))),
        "{second:?}"
    );
    assert_eq!(second.unwrap().exit_code(), 4);
    let other = tempfile::tempdir().unwrap();
    let config = RelayConfig {
        listen: relay.addr(),
        ..config(other.path())
    };
    let second = RelayServer::start(config).await.err();
    assert!(
        matches!(second, Some(RelayError::Link(LinkError::InUse(_)))),
        "{second:?}"
    );
    assert_eq!(second.unwrap().exit_code(), 5);
    relay.shut_down().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_are_shown_on_loopback() {
    let folder = tempfile::tempdir().unwrap();
    let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let config = RelayConfig {
        metrics: Some(any),
        ..config(folder.path())
    };
    let relay = RelayServer::start(config).await.unwrap();
    let (mut village, _) = people();
    let mut line = Line::open(&mut village.phones[0], &relay, None).await;
    line.catch_up().await;
    for (path, expected) in [
        ("/metrics", "banyan_relay_batches_stored_total 2"),
        ("/", "404"),
    ] {
        let mut stream = tokio::net::TcpStream::connect(relay.metrics().unwrap())
            .await
            .unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nHost: relay\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut page = String::new();
        stream.read_to_string(&mut page).await.unwrap();
        assert!(page.contains(expected), "{page}");
    }
    relay.shut_down().await.unwrap();
}
