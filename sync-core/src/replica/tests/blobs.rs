//! Blobs from phone to phone, without a relay.

use super::*;
use crate::replica::NewAttachment;
use crate::store::BlobPart;

impl Phone {
    pub(super) fn attach(&mut self, about: RecordId, original: &[u8]) -> RecordId {
        let new = NewAttachment {
            name: "door",
            media: "jpeg",
            taken: None,
            preview: None,
            original,
        };
        let attached = self.with_moment(|replica, moment| replica.attach(about, &new, moment));
        attached.unwrap()
    }

    pub(super) fn original(&self, record: RecordId) -> Option<Vec<u8>> {
        let mut bytes = Vec::new();
        let read = self
            .replica
            .read_blob(&record, BlobPart::Original, |chunk| {
                bytes.extend_from_slice(chunk);
                Ok::<(), ReplicaError>(())
            });
        read.unwrap().then_some(bytes)
    }
}

#[test]
fn blob_after_an_erased_one_is_heard_of() {
    let (mut founder, mut chen, space) = village();
    let record = visit(&mut chen, space);
    let first = chen.attach(record, b"first");
    meet(&mut founder, &mut chen);
    assert_eq!(founder.original(first).as_deref(), Some(&b"first"[..]));
    founder
        .with_moment(|replica, moment| replica.erase(&[first], moment))
        .unwrap();
    meet(&mut founder, &mut chen);
    assert!(chen.replica.store().blobs().unwrap().is_empty());
    // It must not have the number that the founder has heard of already.
    let second = chen.attach(record, b"second");
    meet(&mut founder, &mut chen);
    assert_eq!(founder.original(second).as_deref(), Some(&b"second"[..]));
}

#[test]
fn edit_that_has_nothing_to_do_with_photos_is_no_reason_to_look_through_them() {
    let (_, mut chen, space) = village();
    let record = visit(&mut chen, space);
    chen.attach(record, b"photo");
    let before = chen.replica.blob_news();
    chen.edit(record, "household", "3号门");
    let sealed = chen.with_moment(|replica, moment| replica.seal_pending(moment));
    assert!(sealed.unwrap() > 0);
    assert_eq!(chen.replica.blob_news(), before);
    chen.attach(record, b"another");
    assert_ne!(chen.replica.blob_news(), before);
}
