//! Facts about blobs.

use super::Check;
use crate::id::{BlobId, LaneId, Millis, RecordId, StoreId};
use crate::store::{BlobPart, BlobRow, BlobWish, Store, StoreError};

pub(super) const CHECKS: &[(&str, Check)] = &[
    ("a blob keeps its parts until they are dropped", parts),
    ("a dropped transaction leaves blobs as they were", rollback),
    ("a store that is cleared has no blobs", clearing),
];

/// A blob by its number.
#[must_use]
pub fn blob(number: u8) -> BlobRow {
    BlobRow {
        id: BlobId::new([number; 32]),
        record: RecordId::new([number / 2; 16]),
        lane: LaneId::new([1; 16]),
        part: if number.is_multiple_of(2) {
            BlobPart::Preview
        } else {
            BlobPart::Original
        },
        padded: 8192,
        here: u32::from(number % 2),
        number: u64::from(number),
        used: Millis(i64::from(number) * 1000),
        holders: (0..number % 3).map(|it| StoreId::new([it; 16])).collect(),
        wish: BlobWish::from_code(number % 3).unwrap_or_default(),
    }
}

fn parts(store: &mut dyn Store) -> Result<(), StoreError> {
    let (one, two) = (blob(1), blob(2));
    assert_eq!(store.blobs()?, []);
    assert_eq!(store.blob(&one.id)?, None);
    let mut tx = store.begin()?;
    tx.put_blob(&two)?;
    tx.put_blob(&one)?;
    for (part, bytes) in [b"list".as_slice(), b"first", b""].into_iter().enumerate() {
        tx.put_blob_part(&one.id, u32::try_from(part).unwrap_or_default(), bytes)?;
    }
    tx.put_blob_part(&one.id, 1, b"first again")?;
    tx.put_blob_part(&two.id, 0, b"other")?;
    tx.commit()?;
    assert_eq!(store.blobs()?, [one.clone(), two.clone()]);
    assert_eq!(store.blob(&two.id)?, Some(two.clone()));
    assert_eq!(store.blob_part(&one.id, 1)?, Some(b"first again".to_vec()));
    assert_eq!(store.blob_part(&one.id, 2)?, Some(Vec::new()));
    assert_eq!(store.blob_part(&one.id, 3)?, None);
    let changed = BlobRow {
        here: 9,
        ..one.clone()
    };
    let mut tx = store.begin()?;
    tx.put_blob(&changed)?;
    tx.commit()?;
    assert_eq!(store.blob(&one.id)?, Some(changed.clone()));
    assert_eq!(store.blob_part(&one.id, 0)?, Some(b"list".to_vec()));
    let mut tx = store.begin()?;
    tx.remove_blob_parts(&one.id)?;
    tx.remove_blob(&two.id)?;
    tx.commit()?;
    assert_eq!(store.blobs()?, [changed]);
    assert_eq!(store.blob_part(&one.id, 1)?, None);
    assert_eq!(store.blob_part(&two.id, 0)?, None);
    Ok(())
}

fn rollback(store: &mut dyn Store) -> Result<(), StoreError> {
    let one = blob(1);
    let mut tx = store.begin()?;
    tx.put_blob(&one)?;
    tx.put_blob_part(&one.id, 0, b"list")?;
    tx.commit()?;
    let mut tx = store.begin()?;
    tx.remove_blob(&one.id)?;
    tx.put_blob(&blob(2))?;
    drop(tx);
    assert_eq!(store.blobs()?, std::slice::from_ref(&one));
    assert_eq!(store.blob_part(&one.id, 0)?, Some(b"list".to_vec()));
    Ok(())
}

fn clearing(store: &mut dyn Store) -> Result<(), StoreError> {
    let one = blob(1);
    let mut tx = store.begin()?;
    tx.put_blob(&one)?;
    tx.put_blob_part(&one.id, 0, b"list")?;
    tx.commit()?;
    let mut tx = store.begin()?;
    tx.clear_records()?;
    tx.commit()?;
    assert_eq!(
        store.blobs()?,
        std::slice::from_ref(&one),
        "rows are made again, blobs are not"
    );
    let mut tx = store.begin()?;
    tx.clear()?;
    tx.commit()?;
    assert_eq!(store.blobs()?, []);
    assert_eq!(store.blob_part(&one.id, 0)?, None);
    Ok(())
}
