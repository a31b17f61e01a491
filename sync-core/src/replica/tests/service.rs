//! Service that counts, and rosters for those who check certificates.

use super::revocations::three;
use super::*;
use crate::certificate::{Certificate, Issuer, SignedCertificate};
use crate::id::MemberId;
use crate::keys::Signer;
use crate::replica::Service;
use crate::roster::file::{BadRosterFile, read_roster};

impl Phone {
    fn us(&self) -> MemberId {
        let roster = self.replica.roster();
        roster.member_id(&self.replica.device()).unwrap()
    }

    fn hours(&mut self, space: LaneId, member: MemberId, date: &str, minutes: &str) -> RecordId {
        let member = member.to_string();
        let fields = [
            ("what", "量血压"),
            ("member", member.as_str()),
            ("date", date),
            ("minutes", minutes),
        ];
        self.put("hours", space, &fields)
    }

    fn service(&self, member: MemberId) -> Service {
        self.replica
            .service_of(&member, "2026-03-01", "2026-03-31")
            .unwrap()
    }

    fn roster_file(&mut self) -> Vec<u8> {
        let Self { replica, rng, now } = self;
        let now = Millis(*now);
        replica.export_roster(&mut Moment { now, rng }).unwrap()
    }

    fn certificate(&self, member: MemberId) -> Certificate {
        Certificate {
            community: self.replica.community(),
            number: "1".to_owned(),
            member,
            name: "阿明".to_owned(),
            from: "2026-03-01".to_owned(),
            to: "2026-03-31".to_owned(),
            minutes: 90,
            records: 1,
            issuer: self.replica.device(),
            issuer_name: "李芳".to_owned(),
            issued_at: 5,
            title: None,
            as_of: [0; 16].into(),
        }
    }
}

#[test]
fn only_hours_of_the_period_that_somebody_confirmed_count() {
    let (mut founder, mut volunteer, space) = village();
    let member = volunteer.us();
    let good = volunteer.hours(space, member, "2026-03-04", "90");
    let early = volunteer.hours(space, member, "2026-02-28", "60");
    volunteer.hours(space, member, "2026-03-31", "30");
    meet(&mut volunteer, &mut founder);
    founder.edit(good, "state", "confirmed");
    founder.edit(early, "state", "confirmed");
    let expected = Service {
        minutes: 90,
        records: 1,
        unconfirmed: 1,
        ..Service::default()
    };
    assert_eq!(founder.service(member), expected);
    meet(&mut founder, &mut volunteer);
    assert_eq!(
        volunteer.service(member),
        expected,
        "the same on every phone"
    );
    assert_eq!(founder.service(founder.us()), Service::default());
}

#[test]
fn nobody_confirms_their_own_service_that_a_friend_wrote_down() {
    let (mut founder, mut volunteer, space) = village();
    let leader = founder.us();
    let record = volunteer.hours(space, leader, "2026-03-04", "90");
    meet(&mut volunteer, &mut founder);
    founder.edit(record, "state", "confirmed");
    let service = founder.service(leader);
    assert_eq!((service.minutes, service.self_confirmed), (0, 1));
}

#[test]
fn hours_changed_after_they_were_confirmed_count_no_more() {
    let (mut founder, mut volunteer, space) = village();
    let member = volunteer.us();
    let record = volunteer.hours(space, member, "2026-03-04", "90");
    meet(&mut volunteer, &mut founder);
    // At the same time: the confirmer has not seen the other number.
    founder.edit(record, "state", "confirmed");
    let more = [FieldEdit::set("minutes", Value::Number(900))];
    let Phone { replica, rng, now } = &mut volunteer;
    let now = Millis(*now);
    replica
        .edit(record, &more, &mut Moment { now, rng })
        .unwrap();
    meet(&mut volunteer, &mut founder);
    let service = founder.service(member);
    assert_eq!((service.minutes, service.changed_since), (0, 1));
}

#[test]
fn roster_file_is_the_roster_and_tells_whose_device_signed() {
    let (mut founder, volunteer, other, _) = three();
    let signed = |phone: &Phone| -> SignedCertificate {
        let signer: &dyn Signer = &*phone.replica.mind.signer;
        let certificate = phone.certificate(volunteer.us()).sign(signer).unwrap();
        certificate.text().parse().unwrap()
    };
    let file = founder.roster_file();
    let roster = read_roster(&file).unwrap();
    assert_eq!(&roster, founder.replica.roster());
    assert_eq!(signed(&founder).issuer_in(&roster), Issuer::Coordinator);
    assert_eq!(signed(&other).issuer_in(&roster), Issuer::NotACoordinator);
    let mut stranger = Phone::found(99);
    let elsewhere = read_roster(&stranger.roster_file()).unwrap();
    assert_eq!(
        signed(&founder).issuer_in(&elsewhere),
        Issuer::OtherCommunity
    );
    let mut certificate = stranger.certificate(volunteer.us());
    certificate.community = founder.replica.community();
    let posing = certificate.sign(&*stranger.replica.mind.signer).unwrap();
    assert_eq!(posing.issuer_in(&roster), Issuer::Unknown);
}

#[test]
fn roster_file_that_somebody_changed_is_refused() {
    let (mut founder, _, _) = village();
    let file = founder.roster_file();
    assert_eq!(read_roster(b"x"), Err(BadRosterFile::NotARoster));
    assert_eq!(read_roster(&file[..45]), Err(BadRosterFile::NotFounded));
    for position in (13..file.len()).step_by(7) {
        let mut changed = file.clone();
        changed[position] ^= 1;
        // Lengths and tables may be written in several ways; what is said stays what was signed.
        let read = read_roster(&changed);
        assert!(
            read.is_err() || read.as_ref() == Ok(founder.replica.roster()),
            "{position}"
        );
    }
}

#[test]
fn coordinator_whose_right_was_taken_away_is_a_former_one() {
    let (mut founder, volunteer, mut other, _) = three();
    let member = other.us();
    let Phone { replica, rng, now } = &mut founder;
    let moment = &mut Moment {
        now: Millis(*now),
        rng,
    };
    replica
        .grant(member, Scope::Community, Role::Coordinator, moment)
        .unwrap();
    let certificate = other.certificate(volunteer.us());
    let signed = certificate.sign(&*other.replica.mind.signer).unwrap();
    assert_eq!(
        signed.issuer_in(founder.replica.roster()),
        Issuer::Coordinator
    );
    meet(&mut founder, &mut other);
    let Phone { replica, rng, now } = &mut founder;
    let moment = &mut Moment {
        now: Millis(*now),
        rng,
    };
    replica.revoke(&Removal::Member(member), moment).unwrap();
    assert_eq!(signed.issuer_in(founder.replica.roster()), Issuer::Former);
}
