//! Rates and caps: whoever sends much waits, and memory has one cap.

use std::collections::BTreeMap;

use relay::ledger::Reason;
use relay::limits::{
    BASE_BYTES, COMMUNITY_BYTES, CONNECTION_BYTES, GROUP_BATCHES_MAX, Limits, READ_AHEAD_FRAMES,
    WINDOW_BYTES,
};
use relay::log::BatchLog;
use relay::log::memory::MemoryLog;
use relay::relay::{ConnId, Effect, Ending, Input};
use sync_core::id::{Millis, Seq};
use sync_core::roster::role::{Role, Scope};
use sync_core::wire::{Frame, Refusal};

use crate::village::{Village, village};

/// Frames that some phones may send before all of them must wait.
fn frames_at_once<L: BatchLog>(village: &mut Village<L>, phones: &[usize]) -> usize {
    let conns = phones.iter().map(|phone| village.phones[*phone].conn);
    let mut may: BTreeMap<ConnId, u32> = conns
        .map(|conn| (conn.unwrap(), READ_AHEAD_FRAMES))
        .collect();
    for sent in 0..1000 {
        let ready = may.iter_mut().find(|(_, may)| **may > 0);
        let Some((conn, left)) = ready else {
            return sent;
        };
        *left -= 1;
        let frame = Input::Unknown {
            conn: *conn,
            kind: 40,
        };
        // The answer to the last one has left.
        let effects = village.handle(vec![Input::Writable { conn: *conn }, frame]);
        for effect in effects {
            if let Effect::Read { conn } = effect
                && let Some(may) = may.get_mut(&conn)
            {
                *may += 1;
            }
        }
    }
    panic!("they may send without end");
}

#[test]
fn device_that_comes_again_has_not_more_to_send() {
    let limits = Limits {
        frames_per_second: 1,
        frames_burst: 20,
        ..Limits::default()
    };
    let mut village = village(limits);
    village.connect(0, None);
    village.settle();
    village.phones[0].is_impersonated = true;
    let first = frames_at_once(&mut village, &[0]);
    assert!(first <= 20 + READ_AHEAD_FRAMES as usize, "{first}");
    village.disconnect(0);
    village.phones[0].is_impersonated = false;
    village.connect(0, None);
    village.settle();
    assert!(village.phones[0].session.as_ref().unwrap().is_caught_up());
    let again = frames_at_once(&mut village, &[0]);
    assert!(again <= READ_AHEAD_FRAMES as usize, "{again}");
}

#[test]
fn community_is_read_at_its_own_rate_whatever_each_device_may() {
    let limits = Limits {
        community_frames_per_second: 1,
        community_frames_burst: 30,
        ..Limits::default()
    };
    let mut village = village(limits);
    let phones = [
        village.member(Role::Volunteer, Scope::Community),
        village.member(Role::Volunteer, Scope::Community),
    ];
    for phone in phones {
        village.phones[phone].is_impersonated = true;
    }
    let sent = frames_at_once(&mut village, &phones);
    assert!(sent <= 30 + 2 * READ_AHEAD_FRAMES as usize, "{sent}");
}

#[test]
fn those_who_have_sent_least_are_read_first() {
    let limits = Limits {
        relay_frames_per_second: 1,
        relay_frames_burst: 200,
        ..Limits::default()
    };
    let mut village = village(limits);
    let (busy, quiet) = (
        village.member(Role::Volunteer, Scope::Community),
        village.member(Role::Volunteer, Scope::Community),
    );
    village.now = Millis(village.now.0 + 60_000);
    for phone in [busy, quiet] {
        village.phones[phone].is_impersonated = true;
    }
    frames_at_once(&mut village, &[busy]);
    let conn = |village: &Village<MemoryLog>, phone: usize| village.phones[phone].conn.unwrap();
    let (busy, quiet) = (conn(&village, busy), conn(&village, quiet));
    // Both wait for the one frame that is there a second later.
    village.handle(vec![Input::Unknown {
        conn: quiet,
        kind: 40,
    }]);
    village.now = Millis(village.now.0 + 1_000);
    let effects = village.handle(Vec::new());
    assert!(
        effects.contains(&Effect::Read { conn: quiet }),
        "{effects:?}"
    );
    assert!(
        !effects.contains(&Effect::Read { conn: busy }),
        "{effects:?}"
    );
}

#[test]
fn many_batches_of_one_are_taken_in_pieces_and_a_live_edit_goes_between() {
    let mut village = village(Limits::default());
    let (much, little) = (
        village.member(Role::Volunteer, Scope::Community),
        village.member(Role::Volunteer, Scope::Community),
    );
    let commons = village.commons();
    let count = GROUP_BATCHES_MAX * 3;
    for number in 0..count {
        village.write(much, commons, &format!("{number}"));
    }
    village.write(little, commons, "a live edit");
    let (conn_of_much, conn_of_little) = (
        village.phones[much].conn.unwrap(),
        village.phones[little].conn.unwrap(),
    );
    let large = village.poll(much).unwrap();
    let Frame::Batches(batches) = &large else {
        panic!("{large:?}")
    };
    assert_eq!(batches.batches.len(), count, "all of them in one frame");
    let small = village.poll(little).unwrap();
    village.handle(vec![Input::Frame {
        conn: conn_of_much,
        frame: large,
    }]);
    let durable = |village: &Village<MemoryLog>, phone: usize| {
        let log = village.phones[phone].log(commons);
        let state = village.relay.log().community(&village.community).unwrap();
        state.unwrap().logs.get(&log).map(|state| state.head.seq)
    };
    assert_eq!(durable(&village, much), Some(Seq(GROUP_BATCHES_MAX as u64)));
    assert!(village.relay.is_behind(conn_of_much));
    assert_eq!(village.relay.wants_turn(), Some(0));
    village.handle(vec![Input::Frame {
        conn: conn_of_little,
        frame: small,
    }]);
    assert_eq!(durable(&village, little), Some(Seq(1)));
    assert!(village.relay.is_behind(conn_of_much), "it still waits");
    while village.relay.is_behind(conn_of_much) {
        village.handle(Vec::new());
    }
    assert_eq!(durable(&village, much), Some(Seq(count as u64)));
    village.settle();
    assert_eq!(village.phones[much].acked, count as u64);
}

/// A cap with room for so many idle connections of one community.
fn room_for(conns: usize) -> Limits {
    let limits = Limits::default();
    let memory = BASE_BYTES + limits.inbox_bytes_max + COMMUNITY_BYTES + conns * CONNECTION_BYTES;
    Limits {
        memory_bytes_max: memory + CONNECTION_BYTES / 2,
        ..limits
    }
}

#[test]
fn newcomer_without_room_in_memory_is_refused_as_busy_and_the_others_stay() {
    let mut village = village(room_for(2));
    // It has looked once, and looks again when time has passed.
    village.handle(Vec::new());
    let member = village.member(Role::Volunteer, Scope::Community);
    let bytes = village.relay.memory_bytes();
    assert!(bytes > BASE_BYTES + 2 * CONNECTION_BYTES, "{bytes}");
    let stranger = village.stranger();
    village.connect(stranger, None);
    assert_eq!(
        village.phones[stranger].ending,
        Some(Ending::Refused(Refusal::Busy))
    );
    assert_eq!(village.phones[member].ending, None);
    let busy = Reason::Refused(Refusal::Busy);
    assert_eq!(village.relay.counters().refusals.get(&busy), Some(&1));
}

#[test]
fn readers_that_do_not_read_go_first_when_memory_is_short() {
    let limits = room_for(5);
    let cap = limits.memory_bytes_max;
    let mut village = village(limits);
    village.handle(Vec::new());
    let stuck = village.member(Role::Volunteer, Scope::Community);
    let member = village.member(Role::Volunteer, Scope::Community);
    village.settle();
    village.phones[stuck].is_stuck = true;
    let commons = village.commons();
    village.write(0, commons, "this one waits in an outbox");
    village.settle();
    assert!(village.relay.outbox_bytes() > 0);
    assert!(
        WINDOW_BYTES as usize > 2 * CONNECTION_BYTES,
        "it is too much now"
    );
    village.now = Millis(village.now.0 + 1_000);
    village.handle(Vec::new());
    assert_eq!(
        village.phones[stuck].ending,
        Some(Ending::Refused(Refusal::Busy))
    );
    for phone in [0, member] {
        assert_eq!(village.phones[phone].ending, None);
    }
    assert!(village.relay.memory_bytes() <= cap);
}
