//! Room for blobs: what makes room for others, and what never does.

use super::*;
use crate::store::BlobPart;

/// Bytes of a blob of one chunk, as they are counted.
const ONE: u64 = 65_536;

fn photo(number: u8) -> Vec<u8> {
    vec![number; 60_000]
}

impl Phone {
    fn limit(&mut self, bytes: u64) -> BlobRoom {
        self.replica.limit_blobs(Some(bytes)).unwrap()
    }

    fn has(&self, record: RecordId) -> bool {
        self.original(record).is_some()
    }

    fn look_at(&mut self, record: RecordId) {
        self.now += 10_000_000;
        self.with_moment(|replica, moment| {
            replica.note_blob_looked_at(&record, BlobPart::Original, moment)
        })
        .unwrap();
    }

    fn ask_for(&mut self, record: RecordId) -> BlobStatus {
        let asked = self.replica.fetch_blob(&record, BlobPart::Original);
        asked.unwrap().unwrap()
    }
}

/// A village of which the second one's store comes before the first one's in their order.
fn in_order() -> (Phone, Phone, LaneId) {
    let (founder, volunteer, space) = village();
    if volunteer.replica.store_id() < founder.replica.store_id() {
        (founder, volunteer, space)
    } else {
        (volunteer, founder, space)
    }
}

#[test]
fn phones_that_both_make_room_never_let_go_of_the_last_copy() {
    for is_founder_first in [true, false] {
        let (mut founder, mut chen, space) = village();
        let record = visit(&mut chen, space);
        let photo = chen.attach(record, b"the door");
        meet(&mut founder, &mut chen);
        let (one, other) = if is_founder_first {
            (&mut founder, &mut chen)
        } else {
            (&mut chen, &mut founder)
        };
        one.limit(0);
        other.limit(0);
        assert!(one.has(photo) != other.has(photo));
        let (full, empty) = if one.has(photo) {
            (one, other)
        } else {
            (other, one)
        };
        assert_eq!(full.replica.blob_room().unwrap().only_here, 8192);
        meet(full, empty);
        assert!(!empty.has(photo), "what was let go stays away");
        assert!(empty.ask_for(photo).is_asked);
        meet(full, empty);
        assert_eq!(empty.original(photo).as_deref(), Some(&b"the door"[..]));
        assert!(!empty.ask_for(photo).is_asked);
    }
}

#[test]
fn what_was_looked_at_longest_ago_makes_room_first() {
    let (mut first, mut second, space) = in_order();
    let record = visit(&mut first, space);
    let photos = [1, 2, 3].map(|number| first.attach(record, &photo(number)));
    assert_eq!(first.limit(2 * ONE).used, 3 * ONE, "nobody else has them");
    for photo in [1, 0, 2] {
        first.look_at(photos[photo]);
    }
    first.replica.limit_blobs(None).unwrap();
    meet(&mut first, &mut second);
    assert_eq!(first.limit(2 * ONE).used, 2 * ONE);
    assert_eq!(photos.map(|it| first.has(it)), [true, false, true]);
    let fourth = first.attach(record, &photo(4));
    assert!(first.has(fourth), "the newest is nowhere else");
    assert_eq!(photos.map(|it| first.has(it)), [false, false, true]);
    assert_eq!(photos.map(|it| second.has(it)), [true; 3]);
}

#[test]
fn photos_of_others_are_fetched_as_long_as_there_is_room() {
    let (mut first, mut second, space) = in_order();
    let record = visit(&mut second, space);
    let photos = [1, 2, 3].map(|number| second.attach(record, &photo(number)));
    first.limit(2 * ONE);
    meet(&mut first, &mut second);
    let here = |phone: &Phone| photos.iter().filter(|it| phone.has(**it)).count();
    assert_eq!(here(&first), 2);
    let lacking = photos.into_iter().find(|it| !first.has(*it)).unwrap();
    first.ask_for(lacking);
    meet(&mut first, &mut second);
    assert!(first.has(lacking), "others make room for it");
    assert_eq!(here(&first), 2);
    first.limit(9 * ONE);
    meet(&mut first, &mut second);
    assert_eq!(
        here(&first),
        2,
        "what was let go comes when it is asked for"
    );
}

#[test]
fn photo_comes_on_a_metered_network_when_somebody_asks() {
    let (mut first, mut second, space) = in_order();
    let record = visit(&mut second, space);
    let photos = [1, 2].map(|number| second.attach(record, &photo(number)));
    first.replica.allow_originals(false);
    meet(&mut first, &mut second);
    assert_eq!(photos.map(|it| first.has(it)), [false; 2]);
    first.ask_for(photos[1]);
    meet(&mut first, &mut second);
    assert_eq!(photos.map(|it| first.has(it)), [false, true]);
}

#[test]
fn copy_of_a_device_that_was_removed_is_not_relied_on() {
    let (mut founder, _, space) = village();
    for seed in 3.. {
        let mut helper = join_by_hand(
            &mut founder,
            Scope::Space(space),
            Role::Volunteer,
            seed,
            "王姐",
        );
        if helper.replica.store_id() > founder.replica.store_id() {
            continue;
        }
        let record = visit(&mut founder, space);
        let photo = founder.attach(record, &photo(1));
        meet(&mut founder, &mut helper);
        let device = helper.replica.device();
        founder
            .with_moment(|it, moment| it.revoke(&Removal::Device(device), moment))
            .unwrap();
        assert_eq!(founder.limit(0).only_here, ONE);
        assert!(founder.has(photo));
        return;
    }
}

#[test]
fn store_that_does_not_have_a_photo_any_more_is_not_said_to_hold_it() {
    let (mut first, mut second, space) = in_order();
    let record = visit(&mut first, space);
    let photo = first.attach(record, &photo(1));
    meet(&mut first, &mut second);
    first.limit(0);
    assert!(!first.has(photo));
    // It was lost there too, by a fault that nobody heard of.
    second
        .replica
        .act(|tx, mind| {
            mind.make_room(tx, Some(0), None)?;
            let mut row = tx.blobs()?.into_iter().next().unwrap();
            tx.remove_blob_parts(&row.id)?;
            (row.here, row.number) = (0, 0);
            row.holders.clear();
            Ok(tx.put_blob(&row)?)
        })
        .unwrap();
    assert!(first.ask_for(photo).is_elsewhere);
    meet(&mut first, &mut second);
    assert!(!first.ask_for(photo).is_elsewhere);
}
