//! Compression of payloads before they are sealed.
//!
//! ```text
//! codec u8 | body …      codec 0: body is the payload; n ≥ 1: one zstd frame made with dictionary n
//! ```
//! The frames are made without magic number, checksum, content size and dictionary id: the codec byte
//! says all that is needed, and sealing proves that the bytes are whole. Dictionaries are part of the
//! format: one that was ever used is never changed or removed.

use std::cell::RefCell;
use std::sync::OnceLock;

use thiserror::Error;
use zstd::bulk::{Compressor, Decompressor};
use zstd::dict::{DecoderDictionary, EncoderDictionary};
use zstd::zstd_safe::{CParameter, DParameter, FrameFormat};

/// Longest payload before compression: 1 MiB.
pub const MAX_PAYLOAD: usize = 1 << 20;

/// The dictionary that [`compress`] uses.
pub const NEWEST_DICTIONARY: u8 = 1;

const CODEC_RAW: u8 = 0;
/// What is allocated at first; most payloads have a few hundred bytes.
const FIRST_GUESS: usize = 2048;
/// Higher levels save one byte in fifty and take twice as long.
const LEVEL: i32 = 6;

/// All dictionaries by codec, oldest first.
const DICTIONARIES: &[(u8, &[u8])] = &[(1, include_bytes!("dictionary-1.bin"))];

/// Why bytes do not decompress.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum DecompressError {
    /// The compressed bytes are damaged.
    #[error("the compressed content is damaged")]
    Damaged,
    /// There are no bytes at all.
    #[error("the compressed content is empty")]
    Empty,
    /// The content is longer than the caller accepts.
    #[error("the content is larger than allowed")]
    TooLarge,
    /// Compressed with a dictionary of a newer version.
    #[error("the content needs dictionary {0}, which a newer version has")]
    UnknownCodec(u8),
}

struct Prepared {
    encoder: EncoderDictionary<'static>,
    decoders: Vec<(u8, DecoderDictionary<'static>)>,
}

fn prepared() -> &'static Prepared {
    static PREPARED: OnceLock<Prepared> = OnceLock::new();
    PREPARED.get_or_init(|| {
        let newest = DICTIONARIES
            .iter()
            .find_map(|(codec, bytes)| (*codec == NEWEST_DICTIONARY).then_some(*bytes))
            .expect("the newest dictionary is in the list");
        Prepared {
            encoder: EncoderDictionary::copy(newest, LEVEL),
            decoders: DICTIONARIES
                .iter()
                .map(|(codec, bytes)| (*codec, DecoderDictionary::copy(bytes)))
                .collect(),
        }
    })
}

fn compressor() -> Compressor<'static> {
    let mut compressor = Compressor::with_prepared_dictionary(&prepared().encoder)
        .expect("the dictionary is part of the program");
    for parameter in [
        CParameter::Format(FrameFormat::Magicless),
        CParameter::ChecksumFlag(false),
        CParameter::ContentSizeFlag(false),
        CParameter::DictIdFlag(false),
    ] {
        compressor
            .set_parameter(parameter)
            .expect("zstd knows its own frame parameters");
    }
    compressor
}

fn decompressor(dictionary: &'static DecoderDictionary<'static>) -> Decompressor<'static> {
    let mut decompressor = Decompressor::with_prepared_dictionary(dictionary)
        .expect("the dictionary is part of the program");
    decompressor
        .set_parameter(DParameter::Format(FrameFormat::Magicless))
        .expect("zstd knows its own frame format");
    decompressor
}

thread_local! {
    // Making a context costs more than compressing a payload, so each thread keeps its own.
    static COMPRESSOR: RefCell<Option<Compressor<'static>>> = const { RefCell::new(None) };
    static DECOMPRESSORS: RefCell<Vec<(u8, Decompressor<'static>)>> = const { RefCell::new(Vec::new()) };
}

/// Compresses a payload with the newest dictionary, or leaves it as it is where that is not smaller.
#[must_use]
pub fn compress(payload: &[u8]) -> Vec<u8> {
    let mut out = vec![NEWEST_DICTIONARY];
    let body = COMPRESSOR.with_borrow_mut(|slot| {
        let compressor = slot.get_or_insert_with(compressor);
        compressor.compress(payload).ok()
    });
    match body {
        Some(body) if body.len() < payload.len() => {
            out.extend_from_slice(&body);
        }
        Some(_) | None => {
            out = Vec::with_capacity(payload.len().saturating_add(1));
            out.push(CODEC_RAW);
            out.extend_from_slice(payload);
        }
    }
    out
}

/// Undoes [`compress`], allocating at most `cap` bytes for the content ([`MAX_PAYLOAD`] for entries).
///
/// # Errors
/// [`DecompressError`] if the bytes are damaged, of an unknown codec, or longer than `cap`.
pub fn decompress(bytes: &[u8], cap: usize) -> Result<Vec<u8>, DecompressError> {
    let (codec, body) = bytes.split_first().ok_or(DecompressError::Empty)?;
    if *codec == CODEC_RAW {
        return if body.len() <= cap {
            Ok(body.to_vec())
        } else {
            Err(DecompressError::TooLarge)
        };
    }
    let dictionary = prepared()
        .decoders
        .iter()
        .find_map(|(known, dictionary)| (known == codec).then_some(dictionary))
        .ok_or(DecompressError::UnknownCodec(*codec))?;
    DECOMPRESSORS.with_borrow_mut(|contexts| {
        let position = contexts.iter().position(|(known, _)| known == codec);
        let position = position.unwrap_or_else(|| {
            contexts.push((*codec, decompressor(dictionary)));
            contexts.len().saturating_sub(1)
        });
        let (_, context) = contexts.get_mut(position).ok_or(DecompressError::Damaged)?;
        inflate(context, body, cap)
    })
}

/// Tries with little room first: the frame does not say how long its content is.
fn inflate(
    context: &mut Decompressor<'static>,
    body: &[u8],
    cap: usize,
) -> Result<Vec<u8>, DecompressError> {
    let mut room = body.len().saturating_mul(8).max(FIRST_GUESS).min(cap);
    loop {
        let mut out = Vec::with_capacity(room);
        let result = context.decompress_to_buffer(body, &mut out);
        match result {
            Ok(_) if out.len() <= cap => return Ok(out),
            Ok(_) => return Err(DecompressError::TooLarge),
            Err(error) if !is_too_small(&error) => return Err(DecompressError::Damaged),
            Err(_) if room >= cap => return Err(DecompressError::TooLarge),
            Err(_) => room = room.saturating_mul(8).min(cap),
        }
    }
}

/// zstd tells this case only by its text.
fn is_too_small(error: &std::io::Error) -> bool {
    error.to_string().contains("too small")
}
