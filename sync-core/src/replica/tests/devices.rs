//! A member's further device.

use super::*;
use crate::replica::Removal;
use crate::roster::pairing::{DeviceAnswer, DeviceInvitation};

/// A new device that has read what `first` shows, and its answer.
pub(super) fn new_device(first: &Phone, seed: u64) -> (Phone, DeviceAnswer) {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let keys = Arc::new(DeviceKeys::generate(&mut rng));
    let now = first.now;
    let shown = first.replica.device_invitation().unwrap().to_string();
    let invitation: DeviceInvitation = shown.parse().unwrap();
    let moment = &mut Moment {
        now: Millis(now),
        rng: &mut rng,
    };
    let store = Box::new(MemoryStore::default());
    let (replica, answer) =
        Replica::join_as_device(store, keys, &invitation, "平板", moment).unwrap();
    let answer = answer.to_string().parse().unwrap();
    (Phone { replica, rng, now }, answer)
}

impl Phone {
    pub(super) fn add_device(&mut self, answer: &DeviceAnswer) -> Result<bool, ReplicaError> {
        let (now, mut rng) = self.moment_parts();
        let moment = &mut Moment { now, rng: &mut rng };
        self.replica.add_device(answer, moment)
    }
}

#[test]
fn second_phone_works_for_its_member_with_no_relay_and_no_lead_at_hand() {
    let (mut founder, mut volunteer, space) = village();
    let early = visit(&mut volunteer, space);
    let (mut tablet, answer) = new_device(&volunteer, 30);
    assert_eq!(volunteer.add_device(&answer), Ok(true));
    assert_eq!(volunteer.add_device(&answer), Ok(false));
    meet(&mut tablet, &mut volunteer);
    meet(&mut tablet, &mut volunteer);
    assert!(tablet.replica.show(early).is_ok());
    let record = visit(&mut tablet, space);
    meet(&mut tablet, &mut volunteer);
    meet(&mut volunteer, &mut founder);
    let view = founder.replica.show(record).unwrap();
    assert_eq!(view.created_by, "陈小明");
    let labels: Vec<Option<String>> = volunteer
        .replica
        .devices()
        .into_iter()
        .filter(|device| !device.is_this)
        .map(|device| device.label)
        .collect();
    assert_eq!(labels, [Some("平板".to_owned())]);
}

#[test]
fn member_removes_the_second_phone_from_the_first_and_not_the_other_way() {
    let (_, mut volunteer, space) = village();
    let (mut tablet, answer) = new_device(&volunteer, 31);
    volunteer.add_device(&answer).unwrap();
    meet(&mut tablet, &mut volunteer);
    meet(&mut tablet, &mut volunteer);
    let first = volunteer.replica.device();
    let (now, mut rng) = tablet.moment_parts();
    let moment = &mut Moment { now, rng: &mut rng };
    let refused = tablet.replica.revoke(&Removal::Device(first), moment);
    assert!(matches!(refused, Err(ReplicaError::NotAllowed { .. })));
    let removal = Removal::Device(tablet.replica.device());
    volunteer.replica.revoke(&removal, moment).unwrap();
    let new = visit(&mut volunteer, space);
    meet(&mut tablet, &mut volunteer);
    assert!(tablet.replica.is_removed());
    assert!(tablet.replica.show(new).is_err());
    let removed: Vec<bool> = volunteer
        .replica
        .devices()
        .iter()
        .filter(|device| !device.is_this)
        .map(|device| device.is_removed)
        .collect();
    assert_eq!(removed, [true]);
}

#[test]
fn answer_for_somebody_else_adds_nothing() {
    let (founder, mut volunteer, _) = village();
    let (_, for_founder) = new_device(&founder, 32);
    let before = volunteer.replica.pending_count();
    assert_eq!(
        volunteer.add_device(&for_founder),
        Err(ReplicaError::WrongAnswer)
    );
    let (_, mut forged) = new_device(&volunteer, 33);
    forged.device = founder.replica.device();
    assert_eq!(
        volunteer.add_device(&forged),
        Err(ReplicaError::WrongAnswer)
    );
    assert_eq!(volunteer.replica.pending_count(), before);
}
