//! Devices that exchange on one network without a relay.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "nearby/hands.rs"]
mod hands;

use std::collections::BTreeSet;
use std::sync::Arc;

use hands::{Hand, PATIENCE, raw_dial, say, until};
use sync_core::id::LaneId;
use sync_core::keys::DeviceKeys;
use sync_core::nearby::{Instance, Tag};
use sync_core::wire::{Frame, Refusal};
use sync_link::Incoming;
use sync_node::{Nearby, NearbyEvent, NodeError, PeerAddress, PeerTarget};
use tokio::sync::mpsc;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_phones_agree_without_a_relay_and_show_the_same_digits() {
    let (founder, village) = Hand::founder("丹灶").await;
    founder.write(village, "路灯", 1).await;
    let host = founder.listen().await;
    let joiner = founder.invited("陈小明", village).await;
    let visit = joiner.visit(&host).await.unwrap();
    assert_eq!(visit.who.name, "王姐");
    assert!(visit.who.is_first);
    assert_eq!(joiner.titles().await, ["路灯 0"]);
    let NearbyEvent::Met(who) = next(&host).await else {
        panic!("the host hears of it first")
    };
    assert_eq!((who.device, who.is_first), (joiner.device, true));
    assert_eq!(who.phrase, visit.who.phrase);
    joiner.write(village, "井盖", 1).await;
    let visit = joiner.visit(&host).await.unwrap();
    assert!(!visit.who.is_first);
    assert_eq!(founder.titles().await, joiner.titles().await);
    agree(&founder, &joiner, &host).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_new_costs_two_round_trips_and_less_than_a_kibibyte() {
    let (founder, village) = Hand::founder("丹灶").await;
    founder.write(village, "路灯", 40).await;
    let host = founder.listen().await;
    let joiner = founder.invited("陈小明", village).await;
    // The join is confirmed by the founder's device; the second exchange brings what that says.
    agree(&founder, &joiner, &host).await;
    let quiet = joiner.visit(&host).await.unwrap().report;
    assert_eq!((quiet.sent, quiet.received, quiet.round_trips), (0, 0, 2));
    assert!(quiet.bytes_sent + quiet.bytes_received < 1024, "{quiet:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_host_has_just_written_comes_with_the_first_visit() {
    let (founder, village) = Hand::founder("丹灶").await;
    let host = founder.listen().await;
    let joiner = founder.invited("陈小明", village).await;
    agree(&founder, &joiner, &host).await;
    founder.write(village, "路灯", 3).await;
    joiner.visit(&host).await.unwrap();
    assert_eq!(joiner.titles().await.len(), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_phones_that_find_each_other_stay_in_touch_with_all() {
    let (founder, village) = Hand::founder("丹灶").await;
    let first = founder.listen().await;
    let mut hands = vec![founder];
    for name in ["陈小明", "李芳"] {
        let hand = hands[0].invited(name, village).await;
        hand.visit(&first).await.unwrap();
        hands.push(hand);
    }
    let listening = [first, hands[1].listen().await, hands[2].listen().await];
    for one in &listening {
        for other in &listening {
            one.found(hands::address(other));
        }
    }
    for (number, hand) in hands.iter().enumerate() {
        hand.write(village, &format!("第{number}件"), 1).await;
    }
    until(async || {
        let mut all = BTreeSet::new();
        for hand in &hands {
            all.insert((hand.titles().await, hand.digest().await));
        }
        all.len() == 1 && all.first().is_some_and(|(titles, _)| titles.len() == 3)
    })
    .await;
    // Each pair has met once, though each of the two has found the other.
    hands[2].write(village, "后来", 1).await;
    until(async || hands[0].titles().await.len() == 4 && hands[1].titles().await.len() == 4).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_phone_gets_what_it_may_read_and_carries_nothing_else() {
    let (founder, village) = Hand::founder("丹灶").await;
    let other = founder.add_space("仙岗村").await;
    founder.write(village, "路灯", 2).await;
    founder.write(other, "水管", 2).await;
    let host = founder.listen().await;
    let joiner = founder.invited("陈小明", village).await;
    joiner.visit(&host).await.unwrap();
    assert_eq!(joiner.titles().await.len(), 2);
    let has_other = |replica: &mut sync_core::replica::Replica, lane: LaneId| {
        replica
            .store()
            .logs()
            .unwrap()
            .iter()
            .any(|log| log.lane == lane)
    };
    assert!(!joiner.call(move |replica| has_other(replica, other)).await);
    assert!(founder.call(move |replica| has_other(replica, other)).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stranger_gets_a_refusal_and_nothing_else() {
    let (founder, village) = Hand::founder("丹灶").await;
    founder.write(village, "路灯", 1).await;
    let host = founder.listen().await;
    let keys = Arc::new(DeviceKeys::generate(&mut rand::rng()));
    let (mut writer, mut reader, _kept) = raw_dial(&host, keys).await;
    say(&mut writer, Frame::Hello(founder.hello().await)).await;
    let mut heard = Vec::new();
    while let Ok(Some(incoming)) = reader.read().await {
        heard.push(incoming);
    }
    let [Incoming::Frame(Frame::Refuse(refuse))] = heard.as_slice() else {
        panic!("{heard:?}")
    };
    assert_eq!(Refusal::from_code(refuse.code), Refusal::NotAMember);
    let event = next(&host).await;
    assert!(
        matches!(
            event,
            NearbyEvent::TurnedAway {
                refusal: Refusal::NotAMember
            }
        ),
        "{event:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_phone_of_another_version_is_told_which_of_the_two_is_too_old() {
    let (founder, village) = Hand::founder("丹灶").await;
    let host = founder.listen().await;
    let joiner = founder.invited("陈小明", village).await;
    joiner.visit(&host).await.unwrap();
    let (mut writer, mut reader, _kept) = raw_dial(&host, Arc::clone(&joiner.keys)).await;
    let mut hello = joiner.hello().await;
    (hello.version_min, hello.version_max) = (99, 99);
    say(&mut writer, Frame::Hello(hello)).await;
    let heard = reader.read().await.unwrap().unwrap();
    let Incoming::Frame(Frame::Refuse(refuse)) = heard else {
        panic!("{heard:?}")
    };
    assert_eq!(Refusal::from_code(refuse.code), Refusal::VersionTooOld);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_member_that_lies_is_cut_off_and_others_go_on() {
    let (founder, village) = Hand::founder("丹灶").await;
    let host = founder.listen().await;
    let liar = founder.invited("陈小明", village).await;
    let honest = founder.invited("李芳", village).await;
    liar.visit(&host).await.unwrap();
    honest.visit(&host).await.unwrap();
    let before = founder.digest().await;
    let (mut writer, mut reader, _kept) = raw_dial(&host, Arc::clone(&liar.keys)).await;
    say(&mut writer, Frame::Hello(liar.hello().await)).await;
    assert!(matches!(
        reader.read().await,
        Ok(Some(Incoming::Frame(Frame::Hello(_))))
    ));
    // A second hello is no frame for this moment.
    say(&mut writer, Frame::Hello(liar.hello().await)).await;
    let mut refused = None;
    while let Ok(Some(incoming)) = reader.read().await {
        if let Incoming::Frame(Frame::Refuse(refuse)) = incoming {
            refused = Some(Refusal::from_code(refuse.code));
        }
    }
    assert_eq!(refused, Some(Refusal::BadFrame));
    assert_eq!(founder.digest().await, before);
    honest.write(village, "井盖", 1).await;
    honest.visit(&host).await.unwrap();
    assert_eq!(founder.titles().await, ["井盖 0"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_repeats_an_announcement_of_ours_learns_no_key() {
    let (founder, _) = Hand::founder("丹灶").await;
    let listening = founder.listen().await;
    let (addr, mut seen) = hands::impostor();
    let community = founder.call(|replica| replica.community()).await;
    listening.found(PeerAddress {
        instance: Instance::random(&mut rand::rng()),
        tag: Tag::random(&community, &mut rand::rng()),
        addrs: vec![addr],
    });
    let event = next(&listening).await;
    assert!(
        matches!(
            event,
            NearbyEvent::Failed {
                error: NodeError::Stranger,
                ..
            }
        ),
        "{event:?}"
    );
    assert_eq!(seen.recv().await, Some(None), "the handshake did not end");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn announcements_of_other_communities_are_passed_over() {
    let (founder, village) = Hand::founder("丹灶").await;
    let listening = founder.listen().await;
    let (addr, mut seen) = hands::impostor();
    let other = sync_core::id::CommunityId::new([7; 32]);
    listening.found(PeerAddress {
        instance: Instance::random(&mut rand::rng()),
        tag: Tag::random(&other, &mut rand::rng()),
        addrs: vec![addr],
    });
    // Something else happens meanwhile, and the impostor has heard nothing.
    let joiner = founder.invited("陈小明", village).await;
    joiner.visit(&listening).await.unwrap();
    assert!(matches!(next(&listening).await, NearbyEvent::Met(_)));
    assert_eq!(seen.try_recv(), Err(mpsc::error::TryRecvError::Empty));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_code_of_another_community_is_not_dialled() {
    let (founder, _) = Hand::founder("丹灶").await;
    let (stranger, _) = Hand::founder("西樵").await;
    let host = stranger.listen().await;
    let result = founder.visit(&host).await;
    assert_eq!(result.err(), Some(NodeError::Stranger));
    let addr = PeerTarget::Addr(host.addr().to_string());
    let result = founder.node.sync_with_peer(&addr, None).await;
    assert_eq!(result.err(), Some(NodeError::Stranger));
}

/// More records than go in one frame.
const LONG: usize = 2400;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_exchange_that_is_cut_off_goes_on_where_it_was() {
    let (founder, village) = Hand::founder("丹灶").await;
    let host = founder.listen().await;
    let joiner = founder.invited("陈小明", village).await;
    joiner.visit(&host).await.unwrap();
    founder.write_long(village, LONG).await;
    let code = PeerTarget::Code(host.code().unwrap());
    let (tell, mut moved) = mpsc::unbounded_channel();
    let progress = Box::new(move |report: &sync_node::SyncReport, _: u64| {
        let _gone = tell.send(report.received);
    });
    let first = {
        let mut cut = std::pin::pin!(joiner.node.sync_with_peer(&code, Some(progress)));
        loop {
            tokio::select! {
                done = &mut cut => panic!("it was over before it was cut: {done:?}"),
                Some(received) = moved.recv() => if received > 0 { break received },
            }
        }
    };
    // How much was under way when it was cut is chance; what has come does not come again, but for one batch.
    let rest = joiner.visit(&host).await.unwrap().report.received;
    assert!(first + rest <= LONG as u64 + 128, "{first} and {rest}");
    assert_eq!(founder.titles().await, joiner.titles().await);
    agree(&founder, &joiner, &host).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_phone_that_stops_listening_stops_at_once_and_may_listen_there_again() {
    let (founder, village) = Hand::founder("丹灶").await;
    let host = founder.listen().await;
    let joiner = founder.invited("陈小明", village).await;
    joiner.visit(&host).await.unwrap();
    let listening = joiner.listen().await;
    listening.found(hands::address(&host));
    while !matches!(next(&listening).await, NearbyEvent::CaughtUp { .. }) {}
    let addr = host.addr();
    tokio::time::timeout(PATIENCE, host.stop()).await.unwrap();
    host.stop().await;
    drop(host);
    let is_whole = loop {
        if let NearbyEvent::Parted { is_whole, .. } = next(&listening).await {
            break is_whole;
        }
    };
    assert!(is_whole);
    // The system may keep the port for a moment.
    let mut again = None;
    until(async || {
        again = founder.try_listen_at(addr).await.ok();
        again.is_some()
    })
    .await;
    let again = again.unwrap();
    while !matches!(next(&listening).await, NearbyEvent::CaughtUp { .. }) {}
    again.stop().await;
    listening.stop().await;
}

/// Exchanges until nothing is new; a device that hears of somebody may have something to say to that.
async fn agree(host: &Hand, guest: &Hand, listening: &Nearby) {
    until(async || {
        guest.visit(listening).await.unwrap();
        host.digest().await == guest.digest().await
    })
    .await;
}

async fn next(nearby: &Nearby) -> NearbyEvent {
    let event = tokio::time::timeout(PATIENCE, nearby.next_event()).await;
    event.unwrap().unwrap()
}
