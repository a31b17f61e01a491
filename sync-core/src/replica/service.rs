//! Service that counts: hours that another member has confirmed, and the roster for who checks certificates.

use data_encoding::BASE32_NOPAD;
use thiserror::Error;

use crate::certificate::{Certificate, SignCertificateError, SignedCertificate};
use crate::id::MemberId;
use crate::record::HistoryItem;
use crate::replica::merge::load;
use crate::replica::mind::each_in_lane;
use crate::replica::{Moment, Replica, ReplicaError};
use crate::roster::file::RosterWriter;
use crate::roster::role::{Role, Scope};
use crate::schema::{STATE_FIELD, Value};
use crate::store::{LinkTarget, RowFilter, ViewRow};

/// The kind of records that service is written down in.
const HOURS: &str = "hours";
/// States in which it counts.
const CONFIRMED: [&str; 2] = ["confirmed", "certified"];
/// What was confirmed: it must still be what it was then.
const CONFIRMED_FIELDS: [&str; 3] = ["member", "date", "minutes"];

/// Who confirmed a record, and what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Confirmation {
    /// Another member, what it says now.
    Sound,
    /// Another member, and it has been changed since.
    OfSomethingElse,
    /// Nobody but the member.
    Own,
}

/// A member's service in a period.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Service {
    /// Minutes that another member has confirmed.
    pub minutes: u64,
    /// Records of them.
    pub records: u64,
    /// Records that nobody has confirmed, or that were refused.
    pub unconfirmed: u64,
    /// Records that only the member's own devices put into a confirmed state: they do not count.
    pub self_confirmed: u64,
    /// Records that were changed after somebody had confirmed them: they do not count before somebody
    /// confirms them again.
    pub changed_since: u64,
    /// Records with a conflict in what matters: they do not count before somebody has settled it.
    pub unsettled: u64,
}

/// Why service is not certified.
#[derive(Debug, Error)]
pub enum CertifyError {
    /// Only coordinators and owners certify; or the store's.
    #[error(transparent)]
    Replica(#[from] ReplicaError),
    /// Nothing in this period counts; how much is there that does not is told.
    #[error("no confirmed service in this period")]
    Nothing(Service),
    /// The period, a name or the key store.
    #[error(transparent)]
    Sign(#[from] SignCertificateError),
}

impl Replica {
    /// Signs a certificate of a member's service from one day to another, both `YYYY-MM-DD` and included;
    /// with what it counts and what it does not.
    ///
    /// # Errors
    /// [`CertifyError`]; nothing is written either way.
    pub fn certify(
        &self,
        member: MemberId,
        (from, to): (&str, &str),
        moment: &mut Moment<'_>,
    ) -> Result<(SignedCertificate, Service), CertifyError> {
        let us = self.device();
        let role = self.mind.roster.role_in(&us, &Scope::Community);
        if role.is_none_or(|role| role < Role::Coordinator) {
            let least = Role::Coordinator;
            return Err(ReplicaError::NotAllowed { least }.into());
        }
        // Days in the wrong order hold nothing, which would be the lesser half of the truth.
        if from > to {
            return Err(SignCertificateError::Period.into());
        }
        let service = self.service_of(&member, from, to)?;
        if service.records == 0 {
            return Err(CertifyError::Nothing(service));
        }
        let certificate = Certificate {
            community: self.community(),
            number: number(moment),
            member,
            name: self.member_name(&member),
            from: from.to_owned(),
            to: to.to_owned(),
            minutes: service.minutes,
            records: service.records,
            issuer: us,
            issuer_name: self.name_of(&us),
            issued_at: moment.now.0,
            title: self.title(),
            as_of: self.heads_digest().map_err(ReplicaError::from)?.0.into(),
        };
        Ok((certificate.sign(&*self.mind.signer)?, service))
    }

    /// A member's service from one day to another, both `YYYY-MM-DD` and included, in all spaces that
    /// this device reads.
    ///
    /// # Errors
    /// The store's.
    pub fn service_of(
        &self,
        member: &MemberId,
        from: &str,
        to: &str,
    ) -> Result<Service, ReplicaError> {
        let filter = RowFilter {
            kind: Some(HOURS.to_owned()),
            linked: Some(LinkTarget::Member(*member)),
            ..RowFilter::default()
        };
        let mut service = Service::default();
        for row in self.list(&filter)? {
            let fields = row.values();
            let text = |name: &str| fields.get(name).and_then(serde_json::Value::as_str);
            let is_in = text("date").is_some_and(|day| (from..=to).contains(&day));
            if text("member") != Some(member.to_string().as_str()) || !is_in {
                continue;
            }
            let minutes = fields.get("minutes").and_then(serde_json::Value::as_u64);
            if !text(STATE_FIELD).is_some_and(|state| CONFIRMED.contains(&state)) {
                service.unconfirmed += 1;
            } else if row.conflicts > 0 && self.is_unsettled(&row)? {
                service.unsettled += 1;
            } else {
                match (self.confirmation(&row, member)?, minutes) {
                    (Confirmation::Own, _) | (_, None) => service.self_confirmed += 1,
                    (Confirmation::OfSomethingElse, _) => service.changed_since += 1,
                    (Confirmation::Sound, Some(minutes)) => {
                        service.minutes = service.minutes.saturating_add(minutes);
                        service.records += 1;
                    }
                }
            }
        }
        Ok(service)
    }

    /// Whether something on which the sum depends has several values.
    fn is_unsettled(&self, row: &ViewRow) -> Result<bool, ReplicaError> {
        let shown = self.show(row.record)?;
        let decides = |name: &str| name == STATE_FIELD || CONFIRMED_FIELDS.contains(&name);
        let mut fields = shown.fields.iter();
        Ok(fields.any(|field| !field.conflicts.is_empty() && decides(&field.name)))
    }

    /// Whether somebody else than the member put the record into a state in which it counts, and saw
    /// what it says now. That a creator does not confirm their own is a rule of the schema; that one does
    /// not confirm one's own service that a friend wrote down, nor changes it afterwards, is asked here.
    fn confirmation(&self, row: &ViewRow, member: &MemberId) -> Result<Confirmation, ReplicaError> {
        let unknown = || ReplicaError::UnknownRecord(row.record.to_string());
        let work = load(&*self.store, &row.record)?.ok_or_else(unknown)?;
        let doc = work.doc();
        let history = doc.history(self.mind.kind_or_plain(work.kind()));
        let is_by_another = |item: &&HistoryItem| {
            let confirmer = self
                .mind
                .roster
                .member_id(&self.mind.device_of(&item.actor));
            confirmer.is_some_and(|confirmer| confirmer != *member)
        };
        let mut by_others = history
            .iter()
            .filter(|item| confirms(item))
            .filter(is_by_another)
            .peekable();
        if by_others.peek().is_none() {
            return Ok(Confirmation::Own);
        }
        let is_as_now = |item: &HistoryItem| {
            let mut fields = CONFIRMED_FIELDS.iter();
            fields.all(|field| doc.seen_in(&item.hash, field).as_ref() == doc.values(field).first())
        };
        Ok(if by_others.any(is_as_now) {
            Confirmation::Sound
        } else {
            Confirmation::OfSomethingElse
        })
    }

    /// The roster in a file, for whoever checks certificates without being a member. It shows keys, roles
    /// and sealed names, as the relay sees them.
    ///
    /// # Errors
    /// The store's and the key store's.
    pub fn export_roster(&mut self, moment: &mut Moment<'_>) -> Result<Vec<u8>, ReplicaError> {
        self.seal_pending(moment)?;
        let mut file = RosterWriter::new(&self.mind.community);
        each_in_lane(&*self.store, &self.mind.roster_lane, |batch| {
            file.push(batch)
        })?;
        Ok(file.finish())
    }
}

/// The year and eight letters, by which a certificate is filed.
fn number(moment: &mut Moment<'_>) -> String {
    let mut letters = [0; 5];
    moment.rng.fill_bytes(&mut letters);
    let letters = BASE32_NOPAD.encode(&letters).to_ascii_lowercase();
    let year = jiff::Timestamp::from_millisecond(moment.now.0);
    // A clock beyond the calendar's end has no year.
    let year = year.map_or(0, |at| at.to_zoned(jiff::tz::TimeZone::UTC).year());
    format!("{year:04}-{letters}")
}

fn confirms(item: &HistoryItem) -> bool {
    item.changes.iter().any(|change| {
        let state = change.to.as_ref().filter(|_| change.field == STATE_FIELD);
        matches!(state, Some(Value::Text(state)) if CONFIRMED.contains(&state.as_str()))
    })
}
