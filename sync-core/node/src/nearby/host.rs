//! Answering those who dial.

use std::sync::Arc;
use std::time::Duration;

use sync_core::nearby::{GUESTS_MAX, HANDSHAKES_MAX, HELLO_BYTES_MAX, HELLO_SECONDS_MAX};
use sync_core::wire::{FRAME_BYTES_MAX, Frame, Hello};
use sync_link::quinn::{Incoming as Knock, ServerConfig};
use sync_link::{Close, FrameReader, Incoming, peer_device};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::Shared;
use super::event::{Acquaintance, Course, Happening};
use crate::connection::Link;
use crate::driver::Begin;
use crate::node::NodeError;

/// Bytes of one connection that is not answered yet, and of all together.
const KNOCK_BYTES_MAX: u64 = 8 * 1024;
const KNOCKS_BYTES_MAX: u64 = KNOCK_BYTES_MAX * HANDSHAKES_MAX as u64;

/// The same configuration with little for those who only knock.
pub(super) fn with_limits(mut server: ServerConfig) -> ServerConfig {
    server
        .max_incoming(HANDSHAKES_MAX)
        .incoming_buffer_size(KNOCK_BYTES_MAX)
        .incoming_buffer_size_total(KNOCKS_BYTES_MAX);
    server
}

/// Answers until the endpoint is closed or the task is dropped, and all its guests with it.
pub(super) async fn host(shared: Arc<Shared>) {
    let seats = Arc::new(Semaphore::new(GUESTS_MAX));
    let greetings = Arc::new(Semaphore::new(HANDSHAKES_MAX));
    let mut guests = JoinSet::new();
    loop {
        let knock = tokio::select! {
            knock = shared.endpoint.accept() => knock,
            Some(_) = guests.join_next() => continue,
        };
        let Some(knock) = knock else { return };
        // While many knock, only those are answered who receive what is sent to where they say they are.
        let is_busy = greetings.available_permits() <= HANDSHAKES_MAX / 2;
        if is_busy && !knock.remote_address_validated() && knock.may_retry() {
            let _unanswered = knock.retry();
            continue;
        }
        let seat = Arc::clone(&seats).try_acquire_owned();
        let greeting = Arc::clone(&greetings).try_acquire_owned();
        let (Ok(seat), Ok(greeting)) = (seat, greeting) else {
            knock.refuse();
            continue;
        };
        let shared = Arc::clone(&shared);
        guests.spawn(async move {
            let patience = Duration::from_secs(HELLO_SECONDS_MAX);
            let greeted = tokio::time::timeout(patience, greet(knock)).await;
            drop(greeting);
            if let Ok(Some((link, hello))) = greeted {
                serve(&shared, link, hello).await;
            }
            drop(seat);
        });
    }
}

/// Shakes hands and hears the hello. Whoever begins with something else gets nothing.
async fn greet(knock: Knock) -> Option<(Link, Hello)> {
    let connection = knock.accept().ok()?.await.ok()?;
    let peer = peer_device(&connection)?;
    let (send, recv) = connection.accept_bi().await.ok()?;
    let mut reader = FrameReader::new(recv);
    reader.set_limit(HELLO_BYTES_MAX);
    let Ok(Some(Incoming::Frame(Frame::Hello(hello)))) = reader.read().await else {
        connection.close(Close::Protocol.code(), b"");
        return None;
    };
    reader.set_limit(FRAME_BYTES_MAX);
    let link = Link {
        peer,
        connection,
        send,
        reader,
        endpoint: None,
    };
    Some((link, hello))
}

async fn serve(shared: &Arc<Shared>, link: Link, hello: Hello) {
    let device = link.peer;
    let met = shared
        .node
        .call(move |replica, _| Acquaintance::of(replica, device));
    let Ok(met) = met.await else { return };
    let course = Arc::new(Course::default());
    let progress = course.progress(shared, met);
    let begin = Begin::Answered(Box::new(hello));
    let opened = shared.node.open_with(link, begin, false, Some(progress));
    let Ok(attending) = opened.await else { return };
    let ended = attending.end().await;
    if !course.end(shared, met)
        && let Err(NodeError::Peer(refusal)) = ended
    {
        shared.tell(Happening::TurnedAway(refusal));
    }
}
