//! One connection: a task that reads frames for the relay and writes what the relay says.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use quinn::{Connection, Incoming as Knock, RecvStream, SendStream};
use sync_core::id::Millis;
use sync_core::wire::{BadFrame, FRAME_BYTES_MAX, Refusal};
use sync_link::{
    Close, FrameReader, FrameWriter, Incoming, LinkError, STEP_BYTES, Step, peer_device,
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use crate::door::{Answer, Door};
use crate::limits::{
    HELLO_BYTES_MAX, LAST_FRAMES_MAX, Limits, OUTBOX_FRAMES_MAX, READ_AHEAD_FRAMES,
    SMALL_FRAME_BYTES,
};
use crate::relay::{ConnId, Ending, Input};
use crate::server::engine::{Message, Outgoing, Wire};

/// How long a frame may take to come once its length has.
const BODY_TIMEOUT: Duration = Duration::from_secs(60);
/// How long its next bytes may take.
const STEP_TIMEOUT: Duration = Duration::from_secs(10);
/// How long the last frames may take to be read.
const LAST_TIMEOUT: Duration = Duration::from_secs(2);
/// What the core may send at once: the outbox, the last frames, a refusal, and the close.
const OUTBOX_CAPACITY: usize = OUTBOX_FRAMES_MAX + LAST_FRAMES_MAX + 2;
const KIB: usize = 1024;

/// Those who never came as far as the relay's thread, until it counts them.
#[derive(Debug, Default)]
pub(super) struct Outside {
    /// Knocks that got no answer.
    pub(super) unanswered: AtomicU64,
    /// Handshakes that did not end, and connections without a stream.
    pub(super) too_slow: AtomicU64,
}

/// What all connections share.
#[derive(Debug)]
pub(super) struct Gate {
    pub(super) to_engine: mpsc::Sender<Message>,
    limits: Limits,
    outside: Arc<Outside>,
    /// KiB of frames that may be on their way in.
    inbox: Arc<Semaphore>,
}

impl Gate {
    pub(super) fn new(to_engine: mpsc::Sender<Message>, limits: Limits) -> Self {
        let inbox = Arc::new(Semaphore::new((limits.inbox_bytes_max / KIB).max(2 * KIB)));
        Self {
            to_engine,
            limits,
            outside: Arc::default(),
            inbox,
        }
    }

    /// Bytes of large frames that may still begin to come.
    pub(super) fn inbox_room(&self) -> usize {
        self.inbox.available_permits() * KIB
    }

    /// Who never came as far as the relay's thread.
    pub(super) fn outside(&self) -> Arc<Outside> {
        Arc::clone(&self.outside)
    }

    pub(super) fn keeper(&self) -> Keeper {
        Keeper {
            door: Door::new(&self.limits, Millis(0)),
            limits: self.limits.clone(),
            outside: self.outside(),
            began: Instant::now(),
        }
    }

    async fn tell(&self, input: Input) -> bool {
        self.to_engine
            .send(Message::Input { input, share: None })
            .await
            .is_ok()
    }

    fn patience(&self) -> Duration {
        Duration::from_secs(u64::from(self.limits.hello_seconds_max))
    }

    /// How long one frame may take to leave.
    fn stall(&self) -> Duration {
        Duration::from_secs(u64::from(self.limits.stalled_seconds_max))
    }
}

/// Stands at the door.
#[derive(Debug)]
pub(super) struct Keeper {
    door: Door,
    limits: Limits,
    outside: Arc<Outside>,
    began: Instant,
}

impl Keeper {
    /// Lets a knock in, or deals with it.
    pub(super) fn filter(&mut self, knock: Knock, open: usize) -> Option<Knock> {
        let now = Millis(i64::try_from(self.began.elapsed().as_millis()).unwrap_or(i64::MAX));
        let is_proved = knock.remote_address_validated() || !knock.may_retry();
        match self.door.knock(open, is_proved, &self.limits, now) {
            Answer::Open => return Some(knock),
            Answer::Prove => {
                // An error gives the knock back unanswered, and it is dropped: the other side tries again.
                let _unanswered = knock.retry();
            }
            Answer::Silence => {
                self.outside.unanswered.fetch_add(1, Ordering::Relaxed);
                knock.ignore();
            }
            Answer::Full => {
                self.outside.unanswered.fetch_add(1, Ordering::Relaxed);
                knock.refuse();
            }
        }
        None
    }
}

/// Serves a connection from its first packet to its last.
pub(super) async fn serve(knock: Knock, conn: ConnId, gate: Arc<Gate>) {
    let Ok(connecting) = knock.accept() else {
        return;
    };
    let connected = tokio::time::timeout(gate.patience(), connecting).await;
    if connected.is_err() {
        gate.outside.too_slow.fetch_add(1, Ordering::Relaxed);
    }
    let Ok(Ok(connection)) = connected else {
        return;
    };
    let Some(device) = peer_device(&connection) else {
        connection.close(Close::Protocol.code(), b"");
        return;
    };
    let Ok(Ok((send, recv))) = tokio::time::timeout(gate.patience(), connection.accept_bi()).await
    else {
        gate.outside.too_slow.fetch_add(1, Ordering::Relaxed);
        connection.close(Close::TooSlow.code(), b"");
        return;
    };
    let (outbox, frames) = mpsc::channel(OUTBOX_CAPACITY);
    let reads = Arc::new(Semaphore::new(READ_AHEAD_FRAMES as usize));
    let wire = Wire {
        outbox,
        reads: Arc::clone(&reads),
        connection: connection.clone(),
    };
    if gate
        .to_engine
        .send(Message::Open { conn, device, wire })
        .await
        .is_err()
    {
        connection.close(Close::ShuttingDown.code(), b"");
        return;
    }
    let reading = read_until_closed(recv, conn, reads, &connection, &gate);
    let writing = write(send, frames, conn, &gate);
    tokio::pin!(writing);
    let ending = tokio::select! {
        ending = &mut writing => ending,
        input = reading => {
            // The relay lets go of the outbox, which ends the writing.
            gate.tell(input).await;
            tokio::time::timeout(gate.stall(), writing).await.unwrap_or(Ending::TooSlow)
        }
    };
    connection.close(close_of(ending).code(), b"");
    gate.tell(Input::Closed { conn }).await;
}

fn close_of(ending: Ending) -> Close {
    match ending {
        Ending::Done => Close::Done,
        Ending::Refused(Refusal::Busy) => Close::Busy,
        Ending::Refused(Refusal::BadFrame) => Close::Protocol,
        Ending::Refused(_) => Close::Refused,
        Ending::ShuttingDown => Close::ShuttingDown,
        Ending::TooSlow => Close::TooSlow,
    }
}

/// Reads until there is nothing more to read, and says what the relay is to hear of that.
async fn read_until_closed(
    recv: RecvStream,
    conn: ConnId,
    reads: Arc<Semaphore>,
    connection: &Connection,
    gate: &Gate,
) -> Input {
    let result = tokio::select! {
        result = read(recv, conn, reads, gate) => result,
        lost = connection.closed() => Err(lost.into()),
    };
    match result {
        Ok(()) => Input::Closed { conn },
        Err(LinkError::Frame(error)) => {
            let refusal = match error {
                BadFrame::TooLarge => Refusal::TooLarge,
                BadFrame::Layout(_) | BadFrame::Unknown(_) => Refusal::BadFrame,
            };
            Input::Broken { conn, refusal }
        }
        Err(LinkError::Truncated { .. }) => Input::Broken {
            conn,
            refusal: Refusal::BadFrame,
        },
        Err(error) => {
            tracing::debug!(%conn, %error, "connection ends");
            Input::Closed { conn }
        }
    }
}

async fn read(
    recv: RecvStream,
    conn: ConnId,
    reads: Arc<Semaphore>,
    gate: &Gate,
) -> Result<(), LinkError> {
    let mut reader = FrameReader::new(recv);
    reader.set_limit(HELLO_BYTES_MAX);
    loop {
        let Ok(permit) = reads.acquire().await else {
            return Ok(());
        };
        permit.forget();
        let Some(len) = reader.announced().await? else {
            return Ok(());
        };
        let body = read_body(&mut reader, len, &gate.inbox);
        let body = tokio::time::timeout(BODY_TIMEOUT, body).await;
        let Some((incoming, share)) = body.map_err(|_| LinkError::TimedOut)?? else {
            return Ok(());
        };
        let input = match incoming {
            Incoming::Frame(frame) => Input::Frame { conn, frame },
            Incoming::Unknown(kind) => Input::Unknown { conn, kind },
        };
        reader.set_limit(FRAME_BYTES_MAX);
        let message = Message::Input { input, share };
        if gate.to_engine.send(message).await.is_err() {
            return Ok(());
        }
    }
}

/// Reads a frame of `len` bytes, and takes its share of the room for frames on their way in as its
/// bytes come: who announces much and sends nothing holds nothing. A small frame needs no share, so that
/// those who send large ones slowly do not keep live edits out.
async fn read_body(
    reader: &mut FrameReader,
    len: usize,
    inbox: &Arc<Semaphore>,
) -> Result<Option<(Incoming, Option<OwnedSemaphorePermit>)>, LinkError> {
    let mut share: Option<OwnedSemaphorePermit> = None;
    let (mut here, mut lacking) = (0, len);
    loop {
        let held = share.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
        let needed = ((here + lacking.min(STEP_BYTES)) / KIB + 1).saturating_sub(held);
        let needed = u32::try_from(needed).unwrap_or(u32::MAX);
        if needed > 0 && len > SMALL_FRAME_BYTES {
            let Ok(more) = Arc::clone(inbox).acquire_many_owned(needed).await else {
                return Ok(None);
            };
            match &mut share {
                Some(share) => share.merge(more),
                None => share = Some(more),
            }
        }
        let step = tokio::time::timeout(STEP_TIMEOUT, reader.step()).await;
        match step.map_err(|_| LinkError::TimedOut)?? {
            Step::Frame(incoming) => return Ok(Some((incoming, share))),
            Step::Part {
                here: got,
                lacking: rest,
            } => (here, lacking) = (got, rest),
            Step::End => return Ok(None),
        }
    }
}

/// Writes the outbox until the relay closes it.
async fn write(
    send: SendStream,
    mut frames: mpsc::Receiver<Outgoing>,
    conn: ConnId,
    gate: &Gate,
) -> Ending {
    let mut writer = FrameWriter::new(send);
    let mut ending = Ending::Done;
    while let Some(outgoing) = frames.recv().await {
        match outgoing {
            Outgoing::Frame(frame) => {
                match tokio::time::timeout(gate.stall(), writer.write(&frame)).await {
                    Ok(Ok(())) => {}
                    Ok(Err(_)) => return Ending::Done,
                    Err(_) => return Ending::TooSlow,
                }
                drop(frame);
                if !gate.tell(Input::Writable { conn }).await {
                    return Ending::ShuttingDown;
                }
            }
            Outgoing::Close(how) => {
                ending = how;
                break;
            }
        }
    }
    if writer.finish().await.is_ok() {
        // Closing the connection would cut off what is still on its way.
        let _in_time = tokio::time::timeout(LAST_TIMEOUT, writer.get_mut().stopped()).await;
    }
    ending
}
