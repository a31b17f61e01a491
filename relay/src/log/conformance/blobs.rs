//! Facts about blobs.

use std::collections::BTreeMap;

use sync_core::blob::{BlobName, SealedBlob, seal_blob};
use sync_core::id::{CommunityId, Seq};

use super::{Author, COMMUNITY, Counter, LANE, store};
use crate::log::{BatchLog, Spot};

fn sealed(seed: u64, len: usize) -> SealedBlob {
    seal_blob(&vec![7; len], &mut Counter(seed)).expect("it is neither empty nor too large")
}

fn put(log: &mut dyn BatchLog, name: &BlobName, blob: &SealedBlob, chunks: usize) {
    log.begin().expect("begins");
    if log.blob(&COMMUNITY, name).expect("readable").is_none() {
        let by = name.log.device;
        log.begin_blob(&COMMUNITY, name, &blob.list, &by)
            .expect("begins");
    }
    for chunk in blob.chunks.iter().take(chunks) {
        log.put_blob_chunk(&COMMUNITY, name, chunk)
            .expect("is kept");
    }
    log.commit().expect("commits");
}

/// A blob comes chunk by chunk, has a number once it is whole, and goes with the entry that says it; what
/// was rolled back was not kept.
pub(super) fn blobs_come_chunk_by_chunk_and_go_with_their_entry(log: &mut dyn BatchLog) {
    let author = &mut Author::new(1, LANE);
    store(log, &author.chain(1)[0], Spot::Next);
    let (small, large) = (sealed(1, 100), sealed(2, 100_000));
    let name = |blob: &SealedBlob, seq: u64| BlobName {
        log: author.log,
        seq: Seq(seq),
        id: *blob.list.id(),
    };
    let (one, two, again) = (name(&small, 1), name(&large, 1), name(&small, 2));
    let whole = |log: &dyn BatchLog, after| log.blobs_after(&COMMUNITY, &LANE, after, 9);
    assert_eq!(log.blob_tip(&COMMUNITY), Ok(0));
    put(log, &two, &large, 1);
    assert_eq!(whole(log, 0), Ok(Vec::new()));
    put(log, &one, &small, 1);
    log.begin().expect("begins");
    log.put_blob_chunk(&COMMUNITY, &two, &large.chunks[1])
        .expect("is kept");
    log.rollback();
    let kept = log.blob(&COMMUNITY, &two).expect("readable");
    assert!(kept.is_some_and(|kept| kept.here == 1 && !kept.is_whole()));
    log.begin().expect("begins");
    log.put_blob_chunk(&COMMUNITY, &two, &large.chunks[1])
        .expect("is kept");
    log.commit().expect("commits");
    put(log, &again, &small, 1);
    assert_eq!(whole(log, 0), Ok(vec![(1, one), (2, two), (3, again)]));
    assert_eq!(whole(log, 2), Ok(vec![(3, again)]));
    let chunk = log.blob_chunk(&COMMUNITY, &two, 1);
    assert_eq!(chunk, Ok(Some(large.chunks[1].clone())));
    assert_eq!(log.blob_chunk(&COMMUNITY, &two, 2), Ok(None));
    assert_eq!(log.blobs_of(&COMMUNITY, &one), Ok(2));
    let other = CommunityId::new([9; 32]);
    assert_eq!(log.blob(&other, &one), Ok(None));
    let bytes = small.list.sealed_bytes() + large.list.sealed_bytes();
    let by = author.log.device;
    log.begin().expect("begins");
    let freed = log.remove_blobs(&COMMUNITY, &author.log, Seq(1));
    assert_eq!(freed, Ok(BTreeMap::from([(by, bytes)])));
    log.commit().expect("commits");
    assert_eq!(whole(log, 0), Ok(vec![(3, again)]));
    assert_eq!(log.blob(&COMMUNITY, &one), Ok(None));
    assert_eq!(log.blob_tip(&COMMUNITY), Ok(3), "no number is given twice");
    let left = BTreeMap::from([(by, small.list.sealed_bytes())]);
    assert_eq!(log.blob_bytes(&COMMUNITY), Ok(left));
}
