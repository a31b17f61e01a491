//! Photos from somebody who sends what they like.
//!
//! ```text
//! input = step …     step = what u8, and what it takes
//! 0 piece u8                       a frame of an honest session: a list, or a chunk
//! 1 piece u8 | at u16 | with u8    the same with one byte changed
//! 2 piece u8 | index u8            a chunk as if it were another one
//! 3 blob u8 | upto u8              they have it, as an answer
//! 4 blob u8                        they have it, as news
//! 5 blob u8                        all of it is durable there
//! 6 blob u8 | code u8              it is refused
//! 7 blob u8 | from u8              it is wanted
//! 8 after u8                       what do we have?
//! 9 len u16 | frame                any frame
//! ```
//! Lists and chunks stand in the input by number: they are too long for it, and their keys are drawn anew.

use std::sync::{Arc, OnceLock};

use rand::SeedableRng;
use rand::rngs::ChaCha8Rng;
use sync_core::id::{LaneId, Millis, RecordId};
use sync_core::keys::{DeviceKeys, Signer};
use sync_core::peer::{Peer, PeerError};
use sync_core::replica::{Moment, NewAttachment, Replica, ReplicaError};
use sync_core::roster::role::{Role, Scope};
use sync_core::schema::Schema;
use sync_core::store::{BlobPart, MemoryStore};
use sync_core::wire::blobs::{
    AskBlobs, BlobFrame, BlobRefused, BlobStored, HaveBlobs, WantBlob, WireBlob,
};
use sync_core::wire::{Frame, PeerKind};

use super::{Input, frame};

/// More steps of an input are not taken: they would only take longer.
const STEPS_TAKEN: usize = 64;
/// Frames that are more than a session about three photos needs.
const FRAMES_MAX: usize = 1_000;

/// One phone.
struct Phone {
    replica: Replica,
    keys: Arc<DeviceKeys>,
    rng: ChaCha8Rng,
}

/// What every input begins with.
struct Scene {
    us: (MemoryStore, Arc<DeviceKeys>),
    they: (MemoryStore, Arc<DeviceKeys>),
    space: LaneId,
    /// Ours, and two of theirs that we have not fetched.
    photos: [(RecordId, Vec<u8>); 3],
    /// Lists and chunks of theirs, as an honest session sends them.
    pieces: Vec<BlobFrame>,
    /// All three.
    names: Vec<WireBlob>,
}

impl Phone {
    fn act<T>(
        &mut self,
        act: impl FnOnce(&mut Replica, &mut Moment<'_>) -> Result<T, ReplicaError>,
    ) -> T {
        let moment = &mut moment(&mut self.rng);
        act(&mut self.replica, moment).expect("memory does not fail, and all of it is allowed")
    }

    fn attach(&mut self, about: RecordId, original: &[u8]) -> RecordId {
        let new = NewAttachment {
            name: "门口",
            media: "jpeg",
            taken: None,
            preview: None,
            original,
        };
        self.act(|replica, moment| replica.attach(about, &new, moment))
    }

    fn photo(&self, record: &RecordId) -> Option<Vec<u8>> {
        let mut bytes = Vec::new();
        let read = self.replica.read_blob(record, BlobPart::Original, |chunk| {
            bytes.extend_from_slice(chunk);
            Ok::<(), ReplicaError>(())
        });
        read.expect("what is here opens").then_some(bytes)
    }

    fn store(&self) -> MemoryStore {
        let any: &dyn std::any::Any = self.replica.store();
        let store = any.downcast_ref::<MemoryStore>();
        store.expect("it was opened with one").clone()
    }
}

fn moment(rng: &mut ChaCha8Rng) -> Moment<'_> {
    Moment {
        now: Millis(1_800_000_000_000),
        rng,
    }
}

fn opened((store, keys): &(MemoryStore, Arc<DeviceKeys>), seed: u64) -> Phone {
    let signer = Arc::clone(keys) as Arc<dyn Signer>;
    let replica = Replica::open(Box::new(store.clone()), signer);
    Phone {
        replica: replica.expect("it was written here"),
        keys: Arc::clone(keys),
        rng: ChaCha8Rng::seed_from_u64(seed),
    }
}

fn scene() -> &'static Scene {
    static SCENE: OnceLock<Scene> = OnceLock::new();
    SCENE.get_or_init(made)
}

fn made() -> Scene {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let keys = Arc::new(DeviceKeys::generate(&mut rng));
    let store = Box::new(MemoryStore::new());
    let signer = Arc::clone(&keys) as Arc<dyn Signer>;
    let founding = Replica::found(store, signer, "丹灶", "李芳", &[], &mut moment(&mut rng));
    let replica = founding.expect("the store is empty").replica;
    let mut they = Phone { replica, keys, rng };
    let space = they.act(|replica, moment| replica.add_space("良登村", moment));
    let scope = Scope::Space(space);
    let ticket = they.act(|replica, moment| replica.invite(scope, Role::Volunteer, 1, moment));
    let mut rng = ChaCha8Rng::seed_from_u64(2);
    let keys = Arc::new(DeviceKeys::generate(&mut rng));
    let store = Box::new(MemoryStore::new());
    let signer = Arc::clone(&keys) as Arc<dyn Signer>;
    let joined = Replica::join(store, signer, &ticket, "陈小明", &mut moment(&mut rng));
    let replica = joined.expect("the ticket is a good one");
    let mut us = Phone { replica, keys, rng };
    meet(&mut us, &mut they);
    meet(&mut us, &mut they);
    let kind = Schema::station()
        .kind("visit")
        .expect("it is the station's");
    let words = [
        "household=荷花",
        "date=2026-03-04",
        "purpose=health",
        "findings=好",
    ];
    let fields = kind.parse_assignments(&words.map(str::to_owned));
    let fields = fields.expect("they fit");
    let visit = us.act(|replica, moment| replica.create("visit", space, &fields, moment));
    let ours = (us.attach(visit, b"ours"), b"ours".to_vec());
    us.replica.allow_originals(false);
    they.replica.allow_originals(false);
    meet(&mut us, &mut they);
    let [small, large] = [
        vec![7; 20_000],
        (0..150_000_u32).map(|at| at.to_le_bytes()[0]).collect(),
    ];
    let theirs = [small, large].map(|photo| (they.attach(visit, &photo), photo));
    meet(&mut us, &mut they);
    let (us, they) = ((us.store(), us.keys), (they.store(), they.keys));
    let mut reader = opened(&us, 3);
    let tape = meet(&mut reader, &mut opened(&they, 4));
    let pieces: Vec<BlobFrame> = tape.into_iter().filter_map(piece).collect();
    let mut names: Vec<WireBlob> = pieces.iter().filter_map(listed).collect();
    assert_eq!(names.len(), 2, "both of theirs came");
    let tape = meet(&mut opened(&they, 5), &mut opened(&us, 6));
    names.extend(
        tape.into_iter()
            .filter_map(piece)
            .filter_map(|piece| listed(&piece)),
    );
    let [small, large] = theirs;
    Scene {
        us,
        they,
        space,
        photos: [ours, small, large],
        pieces,
        names,
    }
}

fn piece(frame: Frame) -> Option<BlobFrame> {
    if let Frame::Blob(piece @ (BlobFrame::Hashes(_) | BlobFrame::Chunk(_))) = frame {
        Some(piece)
    } else {
        None
    }
}

fn listed(piece: &BlobFrame) -> Option<WireBlob> {
    if let BlobFrame::Hashes(list) = piece {
        Some(list.blob)
    } else {
        None
    }
}

/// Both sides of a session that has begun.
fn greeted(us: &mut Phone, they: &mut Phone) -> (Peer, Peer) {
    let [near, far] = [&*us, &*they].map(|phone| phone.replica.device());
    let dialled = Peer::dial(&us.replica, far, PeerKind::Member, &mut us.rng);
    let mut dialled = dialled.expect("memory does not fail");
    let first = dialled.poll_transmit(&us.replica);
    let Ok(Some(Frame::Hello(hello))) = first else {
        unreachable!("a session begins with a hello")
    };
    let accepted = Peer::accept(&mut they.replica, near, hello, &mut moment(&mut they.rng));
    (dialled, accepted.expect("the hello is a good one"))
}

/// Everything that a side has to say now.
fn said(peer: &mut Peer, phone: &mut Phone) -> Vec<Frame> {
    let mut frames = Vec::new();
    // It is over, or has nothing to say.
    while let Ok(Some(frame)) = peer.poll_transmit(&phone.replica) {
        frames.push(frame);
        assert!(frames.len() < FRAMES_MAX, "it never stops talking");
    }
    frames
}

/// An honest session to its end; gives what the second one says.
fn meet(us: &mut Phone, they: &mut Phone) -> Vec<Frame> {
    let (mut near, mut far) = greeted(us, they);
    let mut tape = Vec::new();
    loop {
        let ours = said(&mut near, us);
        let theirs = said(&mut far, they);
        if ours.is_empty() && theirs.is_empty() {
            return tape;
        }
        tape.extend(theirs.iter().cloned());
        assert!(tape.len() < FRAMES_MAX, "they never stop talking");
        let heard = far.receive(&mut they.replica, ours, &mut moment(&mut they.rng));
        heard.expect("it is honest");
        let heard = near.receive(&mut us.replica, theirs, &mut moment(&mut us.rng));
        heard.expect("it is honest");
    }
}

/// What they say next, as the input has it.
fn next(input: &mut Input<'_>, scene: &Scene) -> Option<Frame> {
    let what = input.byte()?;
    let piece = |number: u8| scene.pieces.get(usize::from(number) % scene.pieces.len());
    let blob = |number: u8| scene.names.get(usize::from(number) % scene.names.len());
    let frame = match what % 10 {
        0 => piece(input.byte()?)?.clone(),
        1 => {
            let mut piece = piece(input.byte()?)?.clone();
            let at = usize::from(u16::from_be_bytes([input.byte()?, input.byte()?]));
            let with = input.byte()?;
            let bytes: &mut Vec<u8> = if let BlobFrame::Hashes(list) = &mut piece {
                &mut list.hashes
            } else if let BlobFrame::Chunk(chunk) = &mut piece {
                &mut chunk.bytes
            } else {
                return None;
            };
            let at = at.checked_rem(bytes.len())?;
            *bytes.get_mut(at)? ^= with;
            piece
        }
        2 => {
            let mut piece = piece(input.byte()?)?.clone();
            if let BlobFrame::Chunk(chunk) = &mut piece {
                chunk.index = u32::from(input.byte()?);
            }
            piece
        }
        3 => BlobFrame::Have(HaveBlobs {
            rows: vec![*blob(input.byte()?)?],
            lanes: vec![(scene.space, 0, u64::from(input.byte()?))],
        }),
        4 => BlobFrame::Have(HaveBlobs {
            rows: vec![*blob(input.byte()?)?],
            lanes: Vec::new(),
        }),
        5 => BlobFrame::Stored(BlobStored {
            blob: *blob(input.byte()?)?,
        }),
        6 => BlobFrame::Refused(BlobRefused {
            blob: *blob(input.byte()?)?,
            code: u16::from(input.byte()?),
        }),
        7 => BlobFrame::Want(WantBlob {
            blob: *blob(input.byte()?)?,
            from: u32::from(input.byte()?),
            has_list: false,
        }),
        8 => BlobFrame::Ask(AskBlobs {
            lanes: vec![(scene.space, u64::from(input.byte()?))],
        }),
        _any => {
            let bytes = input.prefixed()?;
            return frame::bodies(bytes).find_map(|body| Frame::decode(body).ok());
        }
    };
    Some(Frame::Blob(frame))
}

pub(super) fn blobs(input: &[u8]) {
    let scene = scene();
    let (mut us, mut they) = (opened(&scene.us, 7), opened(&scene.they, 8));
    us.replica.allow_originals(true);
    heard(input, scene, &mut us, &mut they);
    for (number, (record, photo)) in scene.photos.iter().enumerate() {
        let here = us.photo(record);
        assert!(here.is_some() || number > 0, "our own is gone");
        assert!(
            here.is_none_or(|it| it == *photo),
            "photo {number} is another one"
        );
    }
    they.replica.allow_originals(true);
    // What was refused or broken in that session comes in the next ones.
    meet(&mut us, &mut they);
    meet(&mut us, &mut they);
    for (number, (record, photo)) in scene.photos.iter().enumerate() {
        let here = us.photo(record);
        assert_eq!(here.as_ref(), Some(photo), "photo {number} never comes");
    }
}

/// An honest beginning, and then what the input says.
fn heard(input: &[u8], scene: &Scene, us: &mut Phone, they: &mut Phone) {
    let (mut near, mut far) = greeted(us, they);
    loop {
        let ours = said(&mut near, us);
        let mut theirs = said(&mut far, they);
        theirs.retain(|frame| !matches!(frame, Frame::Blob(_)));
        if ours.is_empty() && theirs.is_empty() {
            break;
        }
        let heard = far.receive(&mut they.replica, ours, &mut moment(&mut they.rng));
        heard.expect("it is honest still");
        let heard = near.receive(&mut us.replica, theirs, &mut moment(&mut us.rng));
        heard.expect("it is honest still");
    }
    let mut input = Input(input);
    let (mut steps, mut answers) = (0, 0);
    while steps < STEPS_TAKEN
        && let Some(frame) = next(&mut input, scene)
    {
        steps += 1;
        let taken = near.receive(&mut us.replica, [frame], &mut moment(&mut us.rng));
        match taken {
            Ok(()) => {}
            Err(PeerError::Refused(_) | PeerError::Peer(_)) => break,
            Err(error) => unreachable!("nobody touches our store: {error}"),
        }
        answers += said(&mut near, us).len();
    }
    assert!(
        answers <= 16 * (steps + 1),
        "{steps} frames, {answers} answers"
    );
}

pub(super) mod seeds {
    /// What an honest side says, and ways in which somebody else would say it.
    pub(in crate::fuzz) fn blobs() -> Vec<Vec<u8>> {
        let have = [3, 0, 9, 4, 1];
        let pieces: Vec<u8> = (0..9).flat_map(|piece| [0, piece]).collect();
        let all = [have.as_slice(), pieces.as_slice()].concat();
        let mut seeds = vec![Vec::new(), have.to_vec(), all.clone(), pieces.clone()];
        for piece in 0..6 {
            seeds.push([&have[..], &[1, piece, 0, 40, 1], &pieces].concat());
            seeds.push([&have[..], &[2, piece, 1], &pieces].concat());
        }
        for code in [2, 3, 5, 11, 12, 15, 200] {
            seeds.push([&have[..], &[6, 0, code, 6, 1, code], &pieces].concat());
        }
        seeds.push(
            [
                &have[..],
                &[5, 0, 5, 1, 5, 2, 7, 0, 0, 7, 1, 1, 7, 2, 0, 8, 0, 8, 9],
            ]
            .concat(),
        );
        seeds.push(vec![3, 2, 255, 3, 1, 0, 4, 2, 9, 0, 3, 2, 99, 0xa0]);
        seeds.push([all.as_slice(), all.as_slice()].concat());
        seeds
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn photos_come_in_the_corpus() {
        let scene = scene();
        let come = |input: &[u8]| {
            let (mut us, mut they) = (opened(&scene.us, 7), opened(&scene.they, 8));
            us.replica.allow_originals(true);
            heard(input, scene, &mut us, &mut they);
            scene
                .photos
                .iter()
                .filter(|(record, _)| us.photo(record).is_some())
                .count()
        };
        let most = seeds::blobs().iter().map(|input| come(input)).max();
        assert_eq!(most, Some(scene.photos.len()));
    }
}
