//! A bad client that has founded a community of its own, and its sessions.

use std::sync::Arc;

use anyhow::{Context, Result};
use rand::rngs::ChaCha8Rng;
use rand::{Rng as _, SeedableRng as _};
use sync_core::entry::seal::{PlainEntry, seal_batch};
use sync_core::entry::{EntryKind, VerifiedBatch};
use sync_core::epoch::EpochKey;
use sync_core::id::{Arrival, LogId, Millis};
use sync_core::keys::{DeviceKeys, Signer};
use sync_core::peer::Peer;
use sync_core::replica::{Moment, Replica};
use sync_core::schema::{FieldEdit, Value};
use sync_core::session::carrier::Carrier as _;
use sync_core::store::MemoryStore;
use sync_core::wire::batches::BatchWriter;
use sync_core::wire::{Frame, PeerKind};
use sync_link::quinn::{ClientConfig, Connection, RecvStream, SendStream};
use sync_link::{Expect, FrameReader, FrameWriter, Incoming, Transport, client_config};
use tokio::task::JoinSet;

use super::attack::{Attack, Target};

/// Bytes of a batch that no quota of the flood's relay has room for (`QUOTA_BYTES`).
const MUCH_BYTES: usize = 170_000;
const FEW_BYTES: usize = 100;

/// A bad client.
pub(crate) struct Member {
    replica: Replica,
    keys: DeviceKeys,
    config: ClientConfig,
    rng: ChaCha8Rng,
    number: usize,
    target: Arc<Target>,
}

impl Member {
    pub(crate) fn found(number: usize, target: Arc<Target>) -> Result<Self> {
        let mut rng = ChaCha8Rng::seed_from_u64(number as u64);
        let keys = DeviceKeys::generate(&mut rng);
        let moment = &mut Moment {
            now: Millis(1),
            rng: &mut rng,
        };
        let signer: Arc<dyn Signer> = Arc::new(keys.clone());
        let store = Box::new(MemoryStore::new());
        let founding = Replica::found(store, signer.clone(), "邻村", "陈", &[], moment)?;
        let config = client_config(
            signer,
            Expect::One(target.relay.relay),
            &Transport::default(),
        )?;
        Ok(Self {
            replica: founding.replica,
            keys,
            config,
            rng,
            number,
            target,
        })
    }

    /// Brings what an honest client would.
    pub(crate) async fn upload(&mut self) -> Result<()> {
        self.write()?;
        let (line, _reader) = self.talk_until_heard().await;
        line.connection.close(0_u8.into(), b"");
        Ok(())
    }

    fn write(&mut self) -> Result<()> {
        let values = [
            ("title", "路灯坏了"),
            ("category", "roads"),
            ("urgency", "low"),
            ("state", "raised"),
        ];
        let edits = values.map(|(field, text)| FieldEdit::set(field, Value::Text(text.to_owned())));
        let commons = sync_core::roster::commons(&self.replica.community());
        let moment = &mut Moment {
            now: Millis(1),
            rng: &mut self.rng,
        };
        self.replica.create("need", commons, &edits, moment)?;
        self.replica.seal_pending(moment)?;
        Ok(())
    }

    /// A session that is in sync, and what is said on it from then on.
    pub(crate) async fn open(&mut self, attack: Attack) -> Result<Line> {
        let batch = self.batch(attack)?;
        let (mut line, mut reader) = self.talk_until_heard().await;
        line.batch = Some(batch);
        // Answers are read, so that the session goes on.
        line.listening
            .spawn(async move { while let Ok(Some(_)) = reader.read().await {} });
        Ok(line)
    }

    fn batch(&mut self, attack: Attack) -> Result<Arc<VerifiedBatch>> {
        let known = self.replica.since(Arrival(0), usize::MAX)?;
        let roster = sync_core::roster::roster_lane(&self.replica.community());
        let mut written = known.into_iter().rev();
        let last = written.find(|it| it.batch.log().lane != roster);
        let last = last.context("something was uploaded")?.batch;
        let (keys, bytes) = match attack {
            Attack::Replay => return Ok(last),
            Attack::Forged => (DeviceKeys::generate(&mut self.rng), FEW_BYTES),
            Attack::Garbage | Attack::HalfOpen | Attack::Huge | Attack::OverQuota => {
                (self.keys.clone(), MUCH_BYTES)
            }
        };
        let mut entry = PlainEntry {
            kind: EntryKind::CHANGE,
            bytes: vec![0; bytes],
        };
        self.rng.fill_bytes(&mut entry.bytes);
        let log: LogId = *last.log();
        let community = self.replica.community();
        let head = last.head();
        let epoch = EpochKey::generate(&mut self.rng);
        let epoch = Some(&epoch);
        let batch = seal_batch(
            &keys,
            &community,
            log,
            &head,
            epoch,
            &[entry],
            &mut self.rng,
        )?;
        Ok(Arc::new(batch))
    }

    /// In a crowd the relay answers some knocks only.
    async fn talk_until_heard(&mut self) -> (Line, FrameReader<RecvStream>) {
        loop {
            if let Ok(heard) = self.talk().await {
                return heard;
            }
        }
    }

    async fn talk(&mut self) -> Result<(Line, FrameReader<RecvStream>)> {
        let connection = self.target.dial(self.number, self.config.clone()).await?;
        let (send, recv) = connection.open_bi().await?;
        let (mut writer, mut reader) = (FrameWriter::new(send), FrameReader::new(recv));
        let relay = self.target.relay.relay;
        let mut peer = Peer::dial(&self.replica, relay, PeerKind::Relay, &mut self.rng)?;
        loop {
            while let Some(frame) = peer.poll_transmit(&self.replica)? {
                writer.write(&frame).await?;
            }
            if peer.is_done(&self.replica) {
                break;
            }
            let Some(Incoming::Frame(frame)) = reader.read().await? else {
                anyhow::bail!("the relay ended the session")
            };
            let moment = &mut Moment {
                now: Millis(1),
                rng: &mut self.rng,
            };
            peer.receive(&mut self.replica, [frame], moment)?;
        }
        let line = Line {
            connection,
            writer,
            batches: BatchWriter::default(),
            batch: None,
            listening: JoinSet::new(),
        };
        Ok((line, reader))
    }
}

/// One session of a bad client, in sync when it begins.
pub(crate) struct Line {
    connection: Connection,
    writer: FrameWriter<SendStream>,
    batches: BatchWriter,
    batch: Option<Arc<VerifiedBatch>>,
    listening: JoinSet<()>,
}

impl Line {
    /// Sends its batch once more.
    pub(crate) async fn send(&mut self, attack: Attack) -> Result<()> {
        let batch = self.batch.as_ref().context("a batch to send")?;
        // With what it follows, so that the relay does not ask.
        self.batches.push(batch, attack != Attack::Replay);
        let frame = Frame::Batches(self.batches.take());
        self.writer.write(&frame).await?;
        Ok(())
    }

    /// Where bytes that are no frame go.
    pub(crate) fn stream(&mut self) -> &mut SendStream {
        self.writer.get_mut()
    }
}
