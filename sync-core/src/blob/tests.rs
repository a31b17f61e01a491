use proptest::prelude::*;
use rand::SeedableRng;
use rand::rngs::ChaCha8Rng;

use super::*;

fn sealed(bytes: &[u8], seed: u64) -> SealedBlob {
    seal_blob(bytes, &mut ChaCha8Rng::seed_from_u64(seed)).unwrap()
}

fn opened(blob: &SealedBlob) -> Result<Vec<u8>, BadBlob> {
    let cipher = BlobCipher::new(&blob.named.key, blob.named.len);
    let mut bytes = Vec::new();
    for (index, chunk) in (0..).zip(&blob.chunks) {
        blob.list.verify(index, chunk)?;
        bytes.extend(cipher.open(index, chunk)?);
    }
    Ok(bytes)
}

proptest! {
    #[test]
    fn what_was_sealed_is_opened(len in 1_usize..200_000, seed: u64) {
        let bytes: Vec<u8> = (0..len).map(|at| u8::try_from(at % 251).unwrap()).collect();
        let blob = sealed(&bytes, seed);
        prop_assert_eq!(opened(&blob).unwrap(), bytes);
        let list = BlobList::read(blob.list.id(), blob.list.padded(), &blob.list.to_bytes());
        prop_assert_eq!(list.unwrap(), blob.list);
    }

    #[test]
    fn name_of_a_blob_is_read_as_it_was_written(id: [u8; 32], key: [u8; 32], len in 1..=BLOB_BYTES_MAX) {
        let named = BlobRef { id: BlobId::new(id), key: Secret::new(key), len };
        prop_assert_eq!(named.to_text().parse::<BlobRef>(), Ok(named.clone()));
        let upper = named.to_text().to_ascii_uppercase();
        prop_assert!(upper == named.to_text() || upper.parse::<BlobRef>().is_err());
    }

    #[test]
    fn any_text_is_read_without_panic(text in ".{0,120}") {
        let _named = text.parse::<BlobRef>();
    }

    #[test]
    fn length_is_rounded_up_by_less_than_a_step(len in 1..=BLOB_BYTES_MAX) {
        let padded = padded_len(len);
        let step = if len <= BLOB_PREVIEW_BYTES_MAX { BLOB_STEP_BYTES } else { 64 * 1024 };
        prop_assert!(padded >= len && padded - len < step && padded <= BLOB_BYTES_MAX);
        prop_assert_eq!(padded_len(padded), padded);
    }
}

#[test]
fn changed_chunk_is_noticed_without_the_key() {
    let blob = sealed(&[7; 100_000], 1);
    let mut chunk = blob.chunks[1].clone();
    chunk[5] ^= 1;
    assert_eq!(blob.list.verify(1, &chunk), Err(BadBlob::OtherChunk));
    assert_eq!(
        blob.list.verify(0, &blob.chunks[1]),
        Err(BadBlob::OtherChunk)
    );
    assert_eq!(
        blob.list.verify(2, &blob.chunks[1]),
        Err(BadBlob::OtherChunk)
    );
}

#[test]
fn another_list_is_not_taken_for_this_blob() {
    let blob = sealed(&[7; 100_000], 1);
    let (id, padded, hashes) = (blob.list.id(), blob.list.padded(), blob.list.to_bytes());
    let other = |padded, hashes: &[u8]| BlobList::read(id, padded, hashes);
    assert_eq!(other(padded, &hashes[32..]), Err(BadBlob::OtherList));
    assert_eq!(other(padded, &hashes[..63]), Err(BadBlob::OtherList));
    assert_eq!(other(padded + 1, &hashes), Err(BadBlob::OtherList));
    assert_eq!(other(u32::MAX, &hashes), Err(BadBlob::TooLarge));
    assert_eq!(other(0, &[]), Err(BadBlob::OtherList));
    let swapped = [&hashes[32..], &hashes[..32]].concat();
    assert_eq!(other(padded, &swapped), Err(BadBlob::OtherList));
}

#[test]
fn blob_that_its_author_cut_short_does_not_open() {
    let blob = sealed(&[7; 3 * 64 * 1024], 1);
    let shorter = BlobCipher::new(&blob.named.key, 2 * 64 * 1024);
    assert!(shorter.open(0, &blob.chunks[0]).is_ok());
    assert_eq!(shorter.open(1, &blob.chunks[1]), Err(BadBlob::Sealed));
}

#[test]
fn chunk_opens_at_its_place_alone() {
    let blob = sealed(&[7; 3 * 64 * 1024], 1);
    let cipher = BlobCipher::new(&blob.named.key, blob.named.len);
    assert_eq!(cipher.open(0, &blob.chunks[1]), Err(BadBlob::Sealed));
}

#[test]
fn nothing_and_too_much_are_no_blobs() {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    assert_eq!(seal_blob(&[], &mut rng).unwrap_err(), BadBlob::Empty);
    let large = vec![0; BLOB_BYTES_MAX as usize + 1];
    assert_eq!(seal_blob(&large, &mut rng).unwrap_err(), BadBlob::TooLarge);
    let most = sealed(&large[1..], 1);
    assert_eq!(most.list.chunks(), BLOB_CHUNKS_MAX);
}

#[test]
fn key_is_not_shown() {
    let blob = sealed(b"photo", 1);
    assert!(!format!("{:?}", blob.named).contains(&blob.named.to_text()[52..60]));
}

/// The bytes of docs/protocol.md §19.
#[test]
fn blob_of_the_protocol_text_is_the_one_that_is_made() {
    let key = Secret::new([0x61; 32]);
    let cipher = BlobCipher::new(&key, 5);
    let chunk = cipher.seal(0, b"photo");
    let list = BlobList::new(padded_len(5), vec![*blake3::hash(&chunk).as_bytes()]);
    let hex = data_encoding::HEXLOWER.encode(list.id().as_bytes());
    let text = include_str!("../../../docs/protocol.md");
    assert!(text.contains(&hex), "the blob is {hex}");
    let named = BlobRef {
        id: *list.id(),
        key,
        len: 5,
    };
    assert!(
        text.contains(&named.to_text()),
        "its name is {}",
        named.to_text()
    );
}
