//! Frames over a stream: length first, bounded, counted.

use sync_core::wire::{BadFrame, FRAME_BYTES_MAX, Frame, frame_len};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

use crate::error::LinkError;

/// By how much the buffer grows: never by what a length announces and nobody has sent.
pub const STEP_BYTES: usize = 64 * 1024;
/// What the buffer keeps while nothing comes.
const IDLE_BYTES: usize = 512;

/// What came over a stream.
#[expect(
    clippy::large_enum_variant,
    reason = "nearly all that comes is a frame: what is rare may take as much room"
)]
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Incoming {
    /// A frame.
    Frame(Frame),
    /// A frame of a type that this version does not know.
    Unknown(u8),
}

/// What one step of reading came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// A whole frame.
    Frame(Incoming),
    /// A part of one: so many of its bytes are here, and so many still lack.
    Part {
        /// Bytes in memory.
        here: usize,
        /// Bytes to come.
        lacking: usize,
    },
    /// The other side has finished the stream.
    End,
}

/// Reads frames from a stream.
#[derive(Debug)]
pub struct FrameReader<R = quinn::RecvStream> {
    stream: R,
    buffer: Vec<u8>,
    limit: usize,
    bytes: u64,
}

impl<R: AsyncRead + Unpin> FrameReader<R> {
    /// Reads frames of at most [`FRAME_BYTES_MAX`].
    pub fn new(stream: R) -> Self {
        Self {
            stream,
            buffer: Vec::new(),
            limit: FRAME_BYTES_MAX,
            bytes: 0,
        }
    }

    /// Refuses frames of more than `bytes`: strangers get less room than members.
    pub fn set_limit(&mut self, bytes: usize) {
        self.limit = bytes.min(FRAME_BYTES_MAX);
    }

    /// Bytes that came so far.
    #[must_use]
    pub fn bytes_read(&self) -> u64 {
        self.bytes
    }

    /// Waits until the length of the next frame is known: its bytes, or `None` at the end.
    ///
    /// Nothing is lost if the future is dropped.
    ///
    /// # Errors
    /// The connection's, [`LinkError::Truncated`], or a length that is none or too large.
    pub async fn announced(&mut self) -> Result<Option<usize>, LinkError> {
        loop {
            if let Some((len, _)) = self.header()? {
                return Ok(Some(len));
            }
            if self.fill(1).await? == 0 {
                return if self.buffer.is_empty() {
                    Ok(None)
                } else {
                    Err(self.truncated(0))
                };
            }
        }
    }

    /// Reads the next frame; `None` once the other side has finished the stream.
    ///
    /// Nothing is lost if the future is dropped.
    ///
    /// # Errors
    /// The connection's, [`LinkError::Truncated`], or what is wrong with the frame.
    pub async fn read(&mut self) -> Result<Option<Incoming>, LinkError> {
        loop {
            match self.step().await? {
                Step::Frame(incoming) => return Ok(Some(incoming)),
                Step::Part { .. } => {}
                Step::End => return Ok(None),
            }
        }
    }

    /// Reads on by at most [`STEP_BYTES`]: for whoever counts what all connections hold.
    ///
    /// Nothing is lost if the future is dropped.
    ///
    /// # Errors
    /// The connection's, [`LinkError::Truncated`], or what is wrong with the frame.
    pub async fn step(&mut self) -> Result<Step, LinkError> {
        if self.announced().await?.is_none() {
            return Ok(Step::End);
        }
        let Some((len, prefix)) = self.header()? else {
            return Ok(Step::End);
        };
        let whole = prefix + len;
        if self.buffer.len() < whole && self.fill(whole - self.buffer.len()).await? == 0 {
            return Err(self.truncated(whole));
        }
        if self.buffer.len() < whole {
            return Ok(Step::Part {
                here: self.buffer.len(),
                lacking: whole - self.buffer.len(),
            });
        }
        let frame = self.buffer.get(prefix..whole).map(Frame::decode);
        self.consume(whole);
        match frame.unwrap_or(Err(BadFrame::Layout(0))) {
            Ok(frame) => Ok(Step::Frame(Incoming::Frame(frame))),
            Err(BadFrame::Unknown(kind)) => Ok(Step::Frame(Incoming::Unknown(kind))),
            Err(error) => Err(error.into()),
        }
    }

    fn header(&self) -> Result<Option<(usize, usize)>, LinkError> {
        let header = frame_len(&self.buffer)?;
        if header.is_some_and(|(len, _)| len > self.limit) {
            return Err(BadFrame::TooLarge.into());
        }
        Ok(header)
    }

    fn truncated(&self, expected: usize) -> LinkError {
        LinkError::Truncated {
            got: self.buffer.len(),
            expected,
        }
    }

    async fn fill(&mut self, lacking: usize) -> Result<usize, LinkError> {
        let room = lacking.clamp(IDLE_BYTES, STEP_BYTES);
        if self.buffer.capacity() == self.buffer.len() {
            self.buffer.reserve_exact(room);
        }
        let got = self
            .stream
            .read_buf(&mut self.buffer)
            .await
            .map_err(|error| LinkError::io(&error))?;
        self.bytes += got as u64;
        Ok(got)
    }

    fn consume(&mut self, len: usize) {
        self.buffer.drain(..len);
        if self.buffer.is_empty() && self.buffer.capacity() > IDLE_BYTES {
            self.buffer = Vec::new();
        }
    }
}

/// Writes frames to a stream.
#[derive(Debug)]
pub struct FrameWriter<W = quinn::SendStream> {
    stream: W,
    bytes: u64,
}

impl<W: AsyncWrite + Unpin> FrameWriter<W> {
    /// Writes frames to a stream.
    pub fn new(stream: W) -> Self {
        Self { stream, bytes: 0 }
    }

    /// Bytes written so far.
    #[must_use]
    pub fn bytes_written(&self) -> u64 {
        self.bytes
    }

    /// Writes a frame; returns when the stream has taken it, which is not when it has arrived.
    ///
    /// # Errors
    /// The connection's.
    pub async fn write(&mut self, frame: &Frame) -> Result<(), LinkError> {
        let bytes = frame.encode();
        self.stream
            .write_all(&bytes)
            .await
            .map_err(|error| LinkError::io(&error))?;
        self.bytes += bytes.len() as u64;
        Ok(())
    }

    /// Says that no more frames come.
    ///
    /// # Errors
    /// The connection's.
    pub async fn finish(&mut self) -> Result<(), LinkError> {
        self.stream
            .shutdown()
            .await
            .map_err(|error| LinkError::io(&error))
    }

    /// The stream itself, to wait until it was read or to stop it.
    pub fn get_mut(&mut self) -> &mut W {
        &mut self.stream
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sync_core::wire::{Ack, Bye, CaughtUp};

    /// Gives its bytes out in pieces of one size.
    struct Dribble {
        bytes: Vec<u8>,
        at: usize,
        piece: usize,
    }

    impl AsyncRead for Dribble {
        fn poll_read(
            mut self: std::pin::Pin<&mut Self>,
            _: &mut std::task::Context<'_>,
            buf: &mut tokio::io::ReadBuf<'_>,
        ) -> std::task::Poll<std::io::Result<()>> {
            let len = self
                .piece
                .min(buf.remaining())
                .min(self.bytes.len() - self.at);
            buf.put_slice(&self.bytes[self.at..self.at + len]);
            self.at += len;
            std::task::Poll::Ready(Ok(()))
        }
    }

    fn reader(bytes: Vec<u8>, piece: usize) -> FrameReader<Dribble> {
        FrameReader::new(Dribble {
            bytes,
            at: 0,
            piece,
        })
    }

    fn frames() -> Vec<Frame> {
        let lanes = (0..9_000)
            .map(|n| (sync_core::id::LaneId::new([7; 16]), n))
            .collect();
        vec![
            Frame::Ack(Ack {
                batches: 3,
                arrival: 9,
                positions: None,
            }),
            Frame::CaughtUp(CaughtUp { lanes, tip: None }),
            Frame::Bye(Bye {}),
        ]
    }

    #[tokio::test]
    async fn frames_are_read_whatever_the_pieces_they_come_in() {
        let bytes: Vec<u8> = frames().iter().flat_map(Frame::encode).collect();
        for piece in [1, 2, 7, 1000, 70_000, usize::MAX] {
            let mut reader = reader(bytes.clone(), piece);
            for frame in frames() {
                assert_eq!(reader.read().await, Ok(Some(Incoming::Frame(frame))));
            }
            assert_eq!(reader.read().await, Ok(None));
            assert_eq!(reader.bytes_read(), bytes.len() as u64);
            assert!(reader.buffer.capacity() <= IDLE_BYTES);
        }
    }

    #[tokio::test]
    async fn length_that_is_too_large_is_refused_without_room_for_it() {
        let mut reader = reader(vec![0xff, 0xff, 0xff, 0x7f, 1, 2, 3], 1);
        assert_eq!(reader.read().await, Err(BadFrame::TooLarge.into()));
        assert!(reader.buffer.capacity() <= IDLE_BYTES);
        let mut reader = self::reader(frames()[1].encode(), usize::MAX);
        reader.set_limit(4096);
        assert_eq!(reader.read().await, Err(BadFrame::TooLarge.into()));
        assert!(reader.buffer.capacity() <= IDLE_BYTES);
    }

    #[tokio::test]
    async fn announced_bytes_that_never_come_take_no_room() {
        let mut bytes = frames()[1].encode();
        let whole = bytes.len();
        bytes.truncate(1000);
        let mut reader = reader(bytes, usize::MAX);
        assert_eq!(
            reader.read().await,
            Err(LinkError::Truncated {
                got: 1000,
                expected: whole
            })
        );
        assert!(reader.buffer.capacity() <= STEP_BYTES + 2 * IDLE_BYTES);
    }

    #[tokio::test]
    async fn stream_that_ends_inside_a_length_is_truncated() {
        let mut reader = reader(vec![0x80], 1);
        assert_eq!(
            reader.read().await,
            Err(LinkError::Truncated {
                got: 1,
                expected: 0
            })
        );
    }

    #[tokio::test]
    async fn unknown_frame_is_named_and_the_next_one_is_read() {
        let mut bytes = vec![3, 200, 1, 2];
        bytes.extend(Frame::Bye(Bye {}).encode());
        let mut reader = reader(bytes, usize::MAX);
        assert_eq!(reader.read().await, Ok(Some(Incoming::Unknown(200))));
        assert_eq!(
            reader.read().await,
            Ok(Some(Incoming::Frame(Frame::Bye(Bye {}))))
        );
    }

    #[tokio::test]
    async fn written_frames_are_counted() {
        let mut writer = FrameWriter::new(Vec::new());
        writer.write(&Frame::Bye(Bye {})).await.unwrap();
        assert_eq!(writer.bytes_written(), 3);
        assert_eq!(writer.get_mut().len(), 3);
    }
}
