//! A removed device brings its own unsent work, and gets nothing that it may not read.

use super::*;

/// `former` was removed: `knows` are the sides that know it.
fn remove(former: &DeviceId, knows: &mut Side) {
    let is_itself = knows.keys.device() == *former;
    let carrier = &mut knows.carrier;
    carrier.former.insert(*former, BTreeSet::from([SPACE]));
    if is_itself {
        carrier.lanes = BTreeSet::from([roster()]);
    }
    carrier.peers.insert(*former, BTreeSet::from([roster()]));
}

fn has_offered(side: &Side) -> bool {
    let session = side.session.as_ref().unwrap();
    session.has_offered_uploads(&side.carrier)
}

fn texts(side: &Side) -> Vec<Vec<u8>> {
    let mut texts: Vec<Vec<u8>> = side
        .carrier
        .rows()
        .iter()
        .flat_map(|row| {
            let entries = row.batch.entries();
            let bytes = entries.filter_map(|entry| match entry.body {
                crate::entry::Body::Present(bytes) => Some(bytes.to_vec()),
                crate::entry::Body::Erased { .. } => None,
            });
            bytes.collect::<Vec<_>>()
        })
        .collect();
    texts.sort();
    texts
}

fn meeting(kind: PeerKind) -> (Side, Side, ChaCha8Rng) {
    let (mut a, mut b, mut rng) = pair(kind);
    let devices = [a.keys.device(), b.keys.device()];
    for side in [&mut a, &mut b] {
        let lanes = BTreeSet::from([roster(), SPACE]);
        let known = devices.map(|device| (device, lanes.clone()));
        side.carrier.peers.extend(known);
    }
    a.write(SPACE, "sent", &mut rng);
    sync(&mut a, &mut b, &mut rng);
    (a, b, rng)
}

#[test]
fn removed_device_brings_its_own_logs_and_gets_no_other() {
    for kind in [PeerKind::Member, PeerKind::Relay] {
        let (mut a, mut b, mut rng) = meeting(kind);
        a.write(SPACE, "unsent", &mut rng);
        b.write(SPACE, "secret", &mut rng);
        let former = a.keys.device();
        remove(&former, &mut a);
        remove(&former, &mut b);
        sync(&mut a, &mut b, &mut rng);
        assert_eq!(texts(&a), ["sent", "unsent"].map(Vec::from));
        assert_eq!(texts(&b), ["secret", "sent", "unsent"].map(Vec::from));
        assert!(has_offered(&a));
        let again = sync(&mut a, &mut b, &mut rng);
        assert_eq!(again.frames, 2);
        assert!(has_offered(&a));
    }
}

#[test]
fn device_that_learns_of_its_removal_brings_its_logs_in_the_same_session() {
    for kind in [PeerKind::Member, PeerKind::Relay] {
        let (mut a, mut b, mut rng) = meeting(kind);
        a.write(SPACE, "unsent", &mut rng);
        b.write(SPACE, "secret", &mut rng);
        b.write(roster(), "a is removed", &mut rng);
        let former = a.keys.device();
        remove(&former, &mut b);
        connect(&mut a, &mut b, &mut rng);
        while a.carrier.rows().len() < 3 {
            assert!(flow(&mut a, &mut b, 1).frames > 0);
        }
        remove(&former, &mut a);
        let session = a.session.as_mut().unwrap();
        session.lanes_changed(&a.carrier).unwrap();
        assert!(!session.is_caught_up());
        flow(&mut a, &mut b, u64::MAX);
        assert!(has_offered(&a));
        assert!(a.session.as_ref().unwrap().is_caught_up());
        assert_eq!(texts(&a), ["a is removed", "sent", "unsent"].map(Vec::from));
        let all = ["a is removed", "secret", "sent", "unsent"];
        assert_eq!(texts(&b), all.map(Vec::from));
        // What it writes on the way out follows.
        a.write(SPACE, "late", &mut rng);
        b.write(SPACE, "more", &mut rng);
        flow(&mut a, &mut b, u64::MAX);
        assert_eq!(texts(&b).len(), 6);
        assert_eq!(texts(&a).len(), 4);
    }
}

#[test]
fn member_that_dials_a_removed_device_asks_for_its_logs() {
    let (mut a, mut b, mut rng) = meeting(PeerKind::Member);
    a.write(SPACE, "secret", &mut rng);
    b.write(SPACE, "unsent", &mut rng);
    let former = b.keys.device();
    remove(&former, &mut a);
    remove(&former, &mut b);
    sync(&mut a, &mut b, &mut rng);
    assert_eq!(texts(&a), ["secret", "sent", "unsent"].map(Vec::from));
    assert_eq!(texts(&b), ["sent", "unsent"].map(Vec::from));
    assert!(has_offered(&b));
}

#[test]
fn relay_that_does_not_know_the_lane_was_offered_nothing() {
    let (mut a, mut b, mut rng) = meeting(PeerKind::Relay);
    a.write(SPACE, "unsent", &mut rng);
    let former = a.keys.device();
    remove(&former, &mut a);
    b.carrier.peers.insert(former, BTreeSet::from([roster()]));
    connect(&mut a, &mut b, &mut rng);
    flow(&mut a, &mut b, u64::MAX);
    assert!(!has_offered(&a));
}

#[test]
fn two_removed_devices_bring_each_other_nothing() {
    let (mut a, mut b, mut rng) = meeting(PeerKind::Member);
    a.write(SPACE, "unsent", &mut rng);
    let devices = [a.keys.device(), b.keys.device()];
    for former in devices {
        remove(&former, &mut a);
        remove(&former, &mut b);
    }
    sync(&mut a, &mut b, &mut rng);
    assert!(!has_offered(&a));
    assert_eq!(texts(&b), [Vec::from("sent")]);
}
