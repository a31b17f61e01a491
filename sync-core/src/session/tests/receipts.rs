//! Positions beside batches and acks, and how far a member has read.

use super::*;

/// A phone, and a relay that a third has brought something; both know receipts or one does not.
fn scene(phone_knows: bool, relay_knows: bool) -> (Side, Side, ChaCha8Rng) {
    let (mut phone, mut relay, mut rng) = pair(PeerKind::Relay);
    phone.carrier.receipts = phone_knows.then_some(0);
    relay.carrier.receipts = relay_knows.then_some(9);
    for number in 0..4 {
        relay.write(SPACE, &format!("there {number}"), &mut rng);
    }
    relay.write(roster(), "open", &mut rng);
    (phone, relay, rng)
}

fn placed(side: &Side) -> Vec<(Arrival, u64)> {
    let mut all = Vec::new();
    for event in &side.events {
        if let Event::Placed(placed) = event {
            all.extend(placed.iter().copied());
        }
    }
    all
}

fn positions(side: &Side) -> Vec<Option<u64>> {
    let mut all = Vec::new();
    for event in &side.events {
        if let Event::Ingest { batches, .. } = event {
            all.extend(batches.iter().map(|received| received.position));
        }
    }
    all
}

#[test]
fn listener_is_told_where_each_batch_lies_and_how_far_it_has_read() {
    let (mut phone, mut relay, mut rng) = scene(true, true);
    phone.write(SPACE, "here", &mut rng);
    connect(&mut phone, &mut relay, &mut rng);
    flow(&mut phone, &mut relay, u64::MAX);
    let mut told = positions(&phone);
    told.sort_unstable();
    let exact: Vec<Option<u64>> = (1..=5).map(Some).collect();
    assert_eq!(told, exact);
    assert_eq!(placed(&phone), [(Arrival(1), 6)]);
    let session = phone.session.as_ref().unwrap();
    assert_eq!(session.receipts_there(), Some(9));
    assert_eq!(
        session.read_upto(),
        Some(6),
        "its own follows without a gap"
    );
}

#[test]
fn equal_sides_know_from_the_hello_how_far_has_been_read() {
    let (mut phone, mut relay, mut rng) = scene(true, true);
    sync(&mut phone, &mut relay, &mut rng);
    connect(&mut phone, &mut relay, &mut rng);
    assert_eq!(flow(&mut phone, &mut relay, u64::MAX).frames, 1);
    let session = phone.session.as_ref().unwrap();
    assert_eq!(session.read_upto(), Some(5));
    assert_eq!(session.tip_there(), Some(5));
}

#[test]
fn news_extend_what_has_been_read_once_all_is_there() {
    let (mut phone, mut relay, mut rng) = scene(true, true);
    connect(&mut phone, &mut relay, &mut rng);
    let read = |phone: &Side| phone.session.as_ref().unwrap().read_upto();
    assert_eq!(read(&phone), None);
    flow(&mut phone, &mut relay, u64::MAX);
    assert_eq!(read(&phone), Some(5));
    relay.write(SPACE, "news", &mut rng);
    flow(&mut phone, &mut relay, u64::MAX);
    assert_eq!(read(&phone), Some(6));
    phone.write(SPACE, "back", &mut rng);
    flow(&mut phone, &mut relay, u64::MAX);
    assert_eq!(read(&phone), Some(7));
}

#[test]
fn older_sides_see_the_protocol_as_it_was() {
    for (phone_knows, relay_knows) in [(false, true), (false, false)] {
        let (mut phone, mut relay, mut rng) = scene(phone_knows, relay_knows);
        phone.write(SPACE, "here", &mut rng);
        connect(&mut phone, &mut relay, &mut rng);
        let mut tape = Vec::new();
        for _ in 0..20 {
            let session = relay.session.as_mut().unwrap();
            let said: Vec<Frame> =
                std::iter::from_fn(|| session.poll_transmit(&relay.carrier).unwrap()).collect();
            tape.extend(said.iter().cloned());
            said.into_iter().for_each(|frame| phone.receive(frame));
            flow(&mut phone, &mut relay, 1);
        }
        assert_eq!(phone.contents(), relay.contents());
        for frame in tape {
            if let Frame::Ack(ack) = &frame {
                assert_eq!(ack.positions, None);
            }
            if let Frame::Batches(batches) = &frame {
                assert!(batches.positions.is_empty());
            }
            if let Frame::CaughtUp(caught_up) = &frame {
                assert_eq!(caught_up.tip, None);
            }
        }
    }
}

#[test]
fn older_relay_says_at_least_what_a_batch_does_not_lie_beyond() {
    let (mut phone, mut relay, mut rng) = scene(true, false);
    for number in 0..3 {
        phone.write(SPACE, &format!("here {number}"), &mut rng);
    }
    connect(&mut phone, &mut relay, &mut rng);
    flow(&mut phone, &mut relay, u64::MAX);
    let placed = placed(&phone);
    assert_eq!(placed.len(), 3);
    for (arrival, position) in placed {
        let carried = &phone.carrier.rows()[usize::try_from(arrival.0).unwrap() - 1];
        let chain = carried.batch.head().chain;
        let mut there = relay.carrier.rows().iter();
        let there = there.find(|row| row.batch.head().chain == chain).unwrap();
        assert!(there.arrival.0 <= position, "{there:?} {position}");
    }
    let session = phone.session.as_ref().unwrap();
    assert_eq!(
        (session.receipts_there(), session.read_upto()),
        (None, None)
    );
}

#[test]
fn ack_with_positions_of_other_batches_than_it_adds_ends_the_session() {
    let (mut phone, mut relay, mut rng) = scene(true, true);
    phone.write(SPACE, "here", &mut rng);
    connect(&mut phone, &mut relay, &mut rng);
    flow(&mut phone, &mut relay, u64::MAX);
    let ack = crate::wire::Ack {
        batches: 1,
        arrival: 7,
        positions: Some(vec![2, 2].into()),
    };
    let session = phone.session.as_mut().unwrap();
    let refused = session.receive(Frame::Ack(ack), &phone.carrier);
    assert_eq!(refused, Err(SessionError::Peer(Refusal::BadFrame)));
}
