//! Photos in bundles.

use super::*;
use crate::bundle::BUNDLE_BYTES_MIN;
use crate::replica::{BundleAsk, BundleBlobs};
use crate::store::BlobPart;

/// A photo that no compressor and no sealing makes smaller, of several files' length.
fn large() -> Vec<u8> {
    (0..2_500_000_u32).map(|at| at.to_le_bytes()[1]).collect()
}

fn asks(blobs: BundleBlobs) -> BundleAsk {
    BundleAsk {
        blobs,
        ..BundleAsk::default()
    }
}

impl Phone {
    fn with_all(&mut self) -> Vec<u8> {
        self.export(&asks(BundleBlobs::All)).remove(0)
    }
}

#[test]
fn photo_goes_along_with_its_record_and_comes_once() {
    let (mut town, mut villager, space) = village();
    let record = visit(&mut villager, space);
    let photo = villager.attach(record, b"the door");
    let brought = town.bring(&villager.export(&asks(BundleBlobs::None)).remove(0));
    assert_eq!(brought.blobs, 0);
    assert_eq!(town.original(photo), None);
    let file = villager.with_all();
    let brought = town.bring(&file);
    assert_eq!((brought.tally.received, brought.blobs), (0, 1));
    assert_eq!(town.original(photo).as_deref(), Some(&b"the door"[..]));
    let again = town.bring(&file);
    assert_eq!((again.blobs, again.blobs_waiting), (0, 0));
}

#[test]
fn small_pictures_go_alone_when_that_is_asked_for() {
    let (mut town, mut villager, space) = village();
    let record = visit(&mut villager, space);
    let new = NewAttachment {
        name: "door",
        media: "jpeg",
        taken: None,
        preview: Some(b"small"),
        original: b"the door",
    };
    let photo = villager.with_moment(|replica, moment| replica.attach(record, &new, moment));
    let file = villager.export(&asks(BundleBlobs::Previews)).remove(0);
    assert_eq!(town.bring(&file).blobs, 1);
    assert_eq!(town.original(photo.unwrap()), None);
    let attached = town.replica.attachments(&record).unwrap().remove(0);
    assert!(attached.preview.unwrap().is_here);
}

#[test]
fn photo_is_divided_among_files_which_come_in_any_order() {
    let (mut town, mut villager, space) = village();
    let record = visit(&mut villager, space);
    let photo = villager.attach(record, &large());
    let ask = BundleAsk {
        bytes_max: Some(BUNDLE_BYTES_MIN),
        ..asks(BundleBlobs::All)
    };
    let files = villager.export(&ask);
    assert!(files.len() >= 3, "{}", files.len());
    let most = files.iter().map(Vec::len).max();
    assert!(most.is_some_and(|most| most as u64 <= BUNDLE_BYTES_MIN));
    town.bring(&files[0]);
    let last = town.bring(files.last().unwrap());
    assert_eq!((last.blobs, last.blobs_waiting), (0, 1));
    assert!(last.lacks_earlier());
    for file in &files[1..] {
        town.bring(file);
    }
    assert_eq!(town.original(photo), Some(large()));
    assert_eq!(town.bring(&files[1]).missing, Vec::<u64>::new());
}

#[test]
fn photo_of_a_file_that_breaks_off_goes_on_with_the_next() {
    let (mut town, mut villager, space) = village();
    let record = visit(&mut villager, space);
    let photo = villager.attach(record, &large());
    let file = villager.with_all();
    let brought = town.bring(&file[..1_500_000]);
    assert!(brought.broken.is_some());
    assert_eq!(town.original(photo), None);
    let here = town.replica.store().blobs().unwrap()[0].here;
    assert!(here > 10, "{here} chunks");
    let mut changed = file.clone();
    changed[2_000_000] ^= 1;
    assert!(town.bring(&changed).broken.is_some());
    assert_eq!(town.original(photo), None);
    assert_eq!(town.bring(&file).blobs, 1);
    assert_eq!(town.original(photo), Some(large()));
}

#[test]
fn what_somebody_is_known_to_hold_is_left_out() {
    let (mut town, mut villager, space) = village();
    let record = visit(&mut villager, space);
    let first = villager.attach(record, b"first");
    meet(&mut villager, &mut town);
    assert!(town.original(first).is_some());
    let second = villager.attach(record, b"second");
    town.bring(&villager.all());
    villager.bring(&town.all());
    let ask = BundleAsk {
        known: vec![villager.replica.known_of(&town.replica.device()).unwrap()],
        ..asks(BundleBlobs::All)
    };
    let plan = villager.with_moment(|replica, moment| replica.plan_bundle(&ask, moment));
    assert_eq!(plan.unwrap().blobs(), 1);
    assert_eq!(town.bring(&villager.export(&ask).remove(0)).blobs, 1);
    assert_eq!(town.original(second).as_deref(), Some(&b"second"[..]));
}

#[test]
fn photo_that_is_erased_here_does_not_come_back_from_a_file() {
    let (mut town, mut villager, space) = village();
    let record = visit(&mut villager, space);
    let photo = villager.attach(record, b"the door");
    let file = villager.with_all();
    town.bring(&file);
    town.with_moment(|replica, moment| replica.erase(&[photo], moment))
        .unwrap();
    assert_eq!(town.bring(&file).blobs, 0);
    assert!(town.replica.store().blobs().unwrap().is_empty());
    assert_eq!(town.original(photo), None);
}

#[test]
fn file_brings_no_more_than_there_is_room_for() {
    let (mut town, mut villager, space) = village();
    let record = visit(&mut villager, space);
    let photos = [1_u8, 2, 3].map(|number| villager.attach(record, &[number; 60_000]));
    town.replica.limit_blobs(Some(2 * 65_536)).unwrap();
    let file = villager.with_all();
    assert_eq!(town.bring(&file).blobs, 2);
    let lacking = photos.into_iter().find(|it| town.original(*it).is_none());
    let asked = town
        .replica
        .fetch_blob(&lacking.unwrap(), BlobPart::Original);
    assert!(asked.unwrap().unwrap().is_asked);
    assert_eq!(town.bring(&file).blobs, 1, "it was asked for");
    assert!(town.original(lacking.unwrap()).is_some());
}

#[test]
fn many_photos_of_a_file_become_durable_together() {
    let (mut town, mut villager, space) = village();
    let record = visit(&mut villager, space);
    let photos: Vec<RecordId> = (0..40_u8)
        .map(|number| villager.attach(record, &[number; 500]))
        .collect();
    town.bring(&villager.all());
    let before = town.replica.write_count();
    assert_eq!(town.bring(&villager.with_all()).blobs, 40);
    let writes = town.replica.write_count() - before;
    assert!(writes < 10, "{writes} transactions for 40 photos");
    assert!(photos.iter().all(|photo| town.original(*photo).is_some()));
}
