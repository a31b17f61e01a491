//! Numbers, proofs and erasure.

use std::collections::{BTreeSet, HashMap};

use sync_core::id::DeviceId;
use sync_core::replica::{Audit, ErasureView, Replica};
use sync_core::view::statistics::{self, KindNumbers};

use crate::community::Community;
use crate::error::BanyanError;
use crate::fault::Fault;
use crate::records::find_records;

/// What the numbers are about.
#[derive(Debug, Clone, PartialEq, Eq, Default, uniffi::Record)]
pub struct Question {
    /// First day, `YYYY-MM-DD`; none: from the beginning.
    #[uniffi(default = None)]
    pub from: Option<String>,
    /// Last day, included; none: to the end.
    #[uniffi(default = None)]
    pub to: Option<String>,
    /// Only one space, by name or id.
    #[uniffi(default = None)]
    pub space: Option<String>,
    /// Only what one member has begun or is named in, by name or id.
    #[uniffi(default = None)]
    pub member: Option<String>,
}

/// The numbers of one kind.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct Numbers {
    /// The kind.
    pub kind: String,
    /// Records.
    pub records: u64,
    /// Those with several values in a field.
    pub in_conflict: u64,
    /// Records by state.
    pub by_state: HashMap<String, u64>,
    /// Records by space, by its id.
    pub by_space: HashMap<String, u64>,
    /// Records by month, `YYYY-MM`.
    pub by_month: HashMap<String, u64>,
    /// Records by choice, for each field with choices.
    pub by_choice: HashMap<String, HashMap<String, u64>>,
    /// What a field with numbers or minutes adds up to.
    pub sums: HashMap<String, i64>,
}

impl Numbers {
    fn new(kind: String, numbers: KindNumbers) -> Self {
        let by_choice = numbers.by_choice.into_iter();
        Self {
            kind,
            records: numbers.records,
            in_conflict: numbers.in_conflict,
            by_state: numbers.by_state.into_iter().collect(),
            by_space: numbers.by_space.into_iter().collect(),
            by_month: numbers.by_month.into_iter().collect(),
            by_choice: by_choice
                .map(|(field, counts)| (field, counts.into_iter().collect()))
                .collect(),
            sums: numbers.sums.into_iter().collect(),
        }
    }
}

/// Numbers, and what they are the state of.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct Statistics {
    /// Digest of everything that they were counted from: equal digests mean equal numbers.
    pub digest: String,
    /// The numbers, kind by kind; kinds without records are left out.
    pub kinds: Vec<Numbers>,
}

/// What was proved anew, signature by signature.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct Proof {
    /// Batches, each with its signature.
    pub batches: u64,
    /// Entries in them.
    pub entries: u64,
    /// Statements of who belongs.
    pub statements: u64,
    /// Entries that open with a key of this device.
    pub opened: u64,
    /// Entries whose key this device does not have.
    pub waiting: u64,
    /// Entries that are held.
    pub held: u64,
    /// Entries of this device that are not signed yet.
    pub unsigned: u64,
}

impl From<Audit> for Proof {
    fn from(audit: Audit) -> Self {
        Self {
            batches: audit.batches,
            entries: audit.entries,
            statements: audit.statements,
            opened: audit.opened,
            waiting: audit.waiting,
            held: audit.held,
            unsigned: audit.unsigned,
        }
    }
}

/// An erased record, and who has confirmed that nothing of it is left with them.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct Erasure {
    /// The record that is gone.
    pub record: String,
    /// Who erased it, by name.
    pub by: String,
    /// Devices that have nothing of it any more, by id.
    pub confirmed: Vec<String>,
    /// Devices that may still have it, by id.
    pub outstanding: Vec<String>,
    /// Relays that have nothing of it any more, by id.
    pub relays_confirmed: Vec<String>,
    /// Relays that have not said so yet, by id.
    pub relays_outstanding: Vec<String>,
}

impl Erasure {
    fn new(replica: &Replica, view: &ErasureView) -> Self {
        let ids = |devices: &BTreeSet<DeviceId>| devices.iter().map(ToString::to_string).collect();
        Self {
            record: view.record.to_string(),
            by: replica.name_of(&view.by),
            confirmed: ids(&view.confirmed),
            outstanding: ids(&view.outstanding),
            relays_confirmed: ids(&view.relays_confirmed),
            relays_outstanding: ids(&view.relays_outstanding),
        }
    }
}

#[uniffi::export]
impl Community {
    /// Numbers about the records of a time, a space and a person; the same on every device that has the
    /// same. Reads every record that is counted.
    ///
    /// # Errors
    /// `NotFound` for the space or member; `Storage`.
    pub async fn statistics(&self, question: Question) -> Result<Statistics, BanyanError> {
        self.call(move |replica, _| {
            let question = statistics::Question {
                space: match &question.space {
                    Some(space) => Some(replica.find_space(space)?),
                    None => None,
                },
                person: match &question.member {
                    Some(member) => Some(replica.person(replica.find_member(member)?)?),
                    None => None,
                },
                from: question.from,
                to: question.to,
            };
            let kinds = replica.statistics(&question)?.0.into_iter();
            Ok(Statistics {
                digest: replica.status()?.digest,
                kinds: kinds.map(|(kind, all)| Numbers::new(kind, all)).collect(),
            })
        })
        .await
    }

    /// Proves everything that this device holds again, signature by signature. Takes about a second for
    /// some thousand records, in which nothing else is answered.
    ///
    /// # Errors
    /// `Storage` with the first thing that is not what was signed.
    pub async fn verify(&self) -> Result<Proof, BanyanError> {
        self.call(|replica, _| {
            let audit = replica.audit(&mut |_, _| {}).map_err(Fault::from)?;
            Ok(audit.into())
        })
        .await
    }

    /// Erases records here, and on every other device and relay as each hears of it. Cannot be undone.
    ///
    /// # Errors
    /// `NotFound`; `NotAllowed` below coordinator. Nothing is erased then.
    pub async fn erase(&self, records: Vec<String>) -> Result<(), BanyanError> {
        self.call(move |replica, moment| {
            let ids = find_records(replica, &records)?;
            replica.erase(&ids, moment)?;
            Ok(())
        })
        .await
    }

    /// What was erased, and who has confirmed it.
    ///
    /// # Errors
    /// `Storage`.
    pub async fn erasures(&self) -> Result<Vec<Erasure>, BanyanError> {
        self.call(|replica, _| {
            let erasures = replica.erasures()?;
            let erasures = erasures.iter();
            Ok(erasures.map(|view| Erasure::new(replica, view)).collect())
        })
        .await
    }
}
