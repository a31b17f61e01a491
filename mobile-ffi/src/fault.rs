//! What went wrong, before it is said in a language.

use sync_core::blob::BadBlob;
use sync_core::id::{DeviceId, Seq};
use sync_core::keys::SealError;
use sync_core::record::EditError;
use sync_core::replica::{AuditError, Flaw, ReplicaError, SettleError};
use sync_core::roster::ticket::{ParseRelayError, ParseTicketError};
use sync_core::schema::{FieldError, Lang, Schema, StateError};
use sync_core::store::StoreError;
use sync_core::wire::Refusal;
use sync_node::{HomeError, LinkError, NodeError};

use crate::error::BanyanError;
use crate::text;

/// One sentence of the catalogue, and which error carries it out.
#[derive(Debug, Clone)]
pub(crate) struct Fault {
    class: Class,
    key: String,
    places: Vec<(&'static str, String)>,
}

/// The variants of [`BanyanError`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    NotAllowed,
    NotFound,
    Invalid,
    Offline,
    Refused,
    Storage,
    Closed,
    Internal,
}

impl Fault {
    pub(crate) fn new(class: Class, key: impl Into<String>) -> Self {
        Self {
            class,
            key: key.into(),
            places: Vec::new(),
        }
    }

    pub(crate) fn closed() -> Self {
        Self::new(Class::Closed, "err.closed")
    }

    /// Something that cannot happen, or cannot be helped here. What is known of it is in English, for
    /// those who mend it.
    pub(crate) fn internal(what: impl ToString) -> Self {
        Self::new(Class::Internal, "err.internal").with("reason", what)
    }

    /// Fills a place of the sentence.
    #[must_use]
    pub(crate) fn with(mut self, place: &'static str, value: impl ToString) -> Self {
        self.places.push((place, value.to_string()));
        self
    }

    /// The sentence.
    pub(crate) fn sentence(self, lang: Lang) -> String {
        let places: Vec<(&str, String)> = self
            .places
            .into_iter()
            .map(|(place, value)| (place, worded(lang, place, value)))
            .collect();
        text::say(lang, &self.key, &places)
    }

    /// A state that a record of this kind is not put into.
    fn of_state(kind: &str, error: StateError) -> Self {
        let kind = Schema::station().kind(kind);
        let said = |class, key: &str| Self::new(class, key);
        let fault = match &error {
            StateError::NotYourOwn { .. } => said(Class::NotAllowed, "err.state.not_your_own"),
            StateError::NotAllowed { least, .. } => {
                said(Class::NotAllowed, "err.state.not_allowed").with("role", least.name())
            }
            StateError::AtItsEnd { .. } => said(Class::Invalid, "err.state.at_its_end"),
            StateError::NotFromHere { .. } => said(Class::Invalid, "err.state.not_from_here"),
            StateError::NotABeginning { .. } => said(Class::Invalid, "err.state.not_a_beginning"),
            StateError::NoReason { .. } => said(Class::Invalid, "err.state.no_reason"),
        };
        let of_kind = |states: String| match kind {
            Some(kind) => format!("{}: {states}", kind.name()),
            None => states,
        };
        match error {
            StateError::NotYourOwn { to }
            | StateError::NotAllowed { to, .. }
            | StateError::NoReason { to } => fault.with("to", of_kind(to)),
            StateError::AtItsEnd { from } => fault.with("from", of_kind(from)),
            StateError::NotFromHere { from, to, next } => fault
                .with("from", of_kind(from))
                .with("to", of_kind(to))
                .with("next", of_kind(next)),
            StateError::NotABeginning { to, initial } => fault
                .with("to", of_kind(to))
                .with("initial", of_kind(initial)),
        }
    }

    /// The error that crosses the boundary.
    pub(crate) fn said_in(self, lang: Lang) -> BanyanError {
        let class = self.class;
        let reason = self.sentence(lang);
        match class {
            Class::NotAllowed => BanyanError::NotAllowed { reason },
            Class::NotFound => BanyanError::NotFound { reason },
            Class::Invalid => BanyanError::Invalid { reason },
            Class::Offline => BanyanError::Offline { reason },
            Class::Refused => BanyanError::Refused { reason },
            Class::Storage => BanyanError::Storage { reason },
            Class::Closed => BanyanError::Closed { reason },
            Class::Internal => BanyanError::Internal { reason },
        }
    }
}

/// Values that are words of ours are said in the reader's language too.
fn worded(lang: Lang, place: &str, value: String) -> String {
    let said = |key: String| text::find(lang, &key).map(str::to_owned);
    match place {
        "role" => said(format!("word.role.{value}")).unwrap_or(value),
        "refusal" => said(format!("refusal.{value}")).unwrap_or(value),
        "close" => said(format!("close.{value}"))
            .or_else(|| said("close.other".to_owned()))
            .unwrap_or(value),
        "from" | "initial" | "next" | "to" => states_in_words(lang, &value),
        // The core says "a visit".
        "a_kind" => value
            .rsplit(' ')
            .next()
            .and_then(|name| Schema::station().kind(name))
            .map_or_else(|| value.clone(), |kind| kind.label(lang).to_owned()),
        _ => value,
    }
}

/// States of a kind, given as `visit: draft, submitted`, by their labels.
fn states_in_words(lang: Lang, value: &str) -> String {
    let Some((kind, names)) = value.split_once(": ") else {
        return value.to_owned();
    };
    let kind = Schema::station().kind(kind);
    let labels = names.split(", ").map(|name| {
        let state = kind.and_then(|kind| kind.state(name));
        state.map_or(name, |state| state.label(lang))
    });
    let joint = match lang {
        Lang::Zh => "、",
        Lang::En => ", ",
    };
    labels.collect::<Vec<_>>().join(joint)
}

/// Why a relay refused something, as it stands in the node's report.
pub(crate) fn refusal_in_words(lang: Lang, refusal: Refusal) -> String {
    let known = text::find(lang, &format!("refusal.{}", refusal.code()));
    known.map_or_else(|| refusal.to_string(), str::to_owned)
}

impl From<HomeError> for Fault {
    fn from(error: HomeError) -> Self {
        let storage = |key: &str| Self::new(Class::Storage, key);
        match error {
            HomeError::NoFolder(_) => Self::new(Class::NotFound, "err.home.no_folder"),
            HomeError::DamagedKey(_) => storage("err.home.damaged_key"),
            // Only the command line sets one: an app's keys are in the phone's keystore.
            HomeError::Locked(_) | HomeError::WrongPassphrase(_) | HomeError::ShortPassphrase => {
                storage("err.home.passphrase")
            }
            HomeError::MissingKey(_) => storage("err.home.missing_key"),
            HomeError::Io { error, .. } => storage("err.home.io").with("reason", error),
            HomeError::Full => storage("err.disk_full"),
            HomeError::Replica(error) => error.into(),
        }
    }
}

impl From<ReplicaError> for Fault {
    fn from(error: ReplicaError) -> Self {
        let invalid = |key: &str| Self::new(Class::Invalid, key);
        let not_found = |key: &str| Self::new(Class::NotFound, key);
        let not_allowed = |key: &str| Self::new(Class::NotAllowed, key);
        match error {
            ReplicaError::AmbiguousMember(_) => invalid("err.member.ambiguous"),
            ReplicaError::AmbiguousRecord(_) => invalid("err.record.ambiguous"),
            ReplicaError::NotEmpty => invalid("err.not_empty"),
            ReplicaError::WrongAnswer => invalid("err.wrong_answer"),
            ReplicaError::NothingHeld => not_found("err.nothing_held"),
            ReplicaError::NothingToRevoke => not_found("err.nothing_to_revoke"),
            ReplicaError::WrongRecoveryKey => Self::new(Class::Invalid, "err.recovery.wrong"),
            ReplicaError::OwnerStays => not_allowed("err.owner_stays"),
            ReplicaError::RecordErased => not_found("err.record.erased"),
            ReplicaError::Removed => not_allowed("err.removed"),
            ReplicaError::UnknownDevice(_) => not_found("err.device.unknown"),
            ReplicaError::NoCommunity => not_found("err.no_community"),
            ReplicaError::UnknownMember(_) => not_found("err.member.unknown"),
            ReplicaError::UnknownRecord(_) => not_found("err.record.unknown"),
            ReplicaError::UnknownSpace(_) => not_found("err.space.unknown"),
            ReplicaError::UnknownKind { known, .. } => {
                invalid("err.kind.unknown").with("known", known)
            }
            ReplicaError::NotAllowed { least } => {
                not_allowed("err.not_allowed").with("role", least.name())
            }
            ReplicaError::NotYetJoined => not_allowed("err.not_yet_joined"),
            ReplicaError::NoKey => not_allowed("err.no_key"),
            ReplicaError::AlreadyThere(id) => invalid("err.record.already_there").with("id", id),
            ReplicaError::Field(error) => error.into(),
            ReplicaError::State { kind, error } => Self::of_state(&kind, error),
            ReplicaError::Settle(error) => error.into(),
            ReplicaError::Edit(error) => error.into(),
            ReplicaError::Addition(error) => invalid("err.schema.refused").with("reason", error),
            ReplicaError::OldAddition(version) => {
                invalid("err.schema.old").with("version", version)
            }
            ReplicaError::Payload(error) => Self::internal(error),
            ReplicaError::Keys(error) => error.into(),
            ReplicaError::Blob(error) => invalid(blob_key(error)),
            ReplicaError::Seal(error) => Self::internal(error),
            ReplicaError::Store(error) => error.into(),
        }
    }
}

fn blob_key(error: BadBlob) -> &'static str {
    match error {
        BadBlob::Empty => "err.attach.empty",
        BadBlob::TooLarge => "err.attach.too_large",
        BadBlob::OtherList | BadBlob::OtherChunk | BadBlob::Sealed => "err.attach.damaged",
    }
}

impl From<AuditError> for Fault {
    fn from(error: AuditError) -> Self {
        let flaw = |key: &str| Self::new(Class::Storage, key);
        let at = |key: &str, device: DeviceId, seq: Seq| {
            flaw(key).with("device", device.short()).with("seq", seq)
        };
        match error {
            AuditError::Store(error) => error.into(),
            AuditError::Flaw(Flaw::Signature { device, seq }) => {
                at("err.verify.signature", device, seq)
            }
            AuditError::Flaw(Flaw::Chain { device, seq }) => at("err.verify.chain", device, seq),
            AuditError::Flaw(Flaw::Sealing { device, seq }) => {
                at("err.verify.sealing", device, seq)
            }
            AuditError::Flaw(Flaw::Roster) => flaw("err.verify.roster"),
        }
    }
}

impl From<SettleError> for Fault {
    fn from(error: SettleError) -> Self {
        let invalid = |key: &str| Self::new(Class::Invalid, key);
        match error {
            SettleError::MovedSince => invalid("err.settle.moved"),
            SettleError::NoSuchValue => invalid("err.settle.no_such_value"),
            SettleError::NotTogether { field } => {
                invalid("err.settle.not_together").with("field", field)
            }
        }
    }
}

impl From<FieldError> for Fault {
    fn from(error: FieldError) -> Self {
        let invalid =
            |key: &str, field: String| Self::new(Class::Invalid, key).with("field", field);
        match error {
            FieldError::Unknown {
                kind,
                field,
                fields,
            } => invalid("err.field.unknown", field)
                .with("a_kind", kind)
                .with("fields", fields),
            FieldError::Missing { kind, fields } => Self::new(Class::Invalid, "err.field.missing")
                .with("a_kind", kind)
                .with("fields", fields),
            FieldError::Empty { field } => invalid("err.field.empty", field),
            FieldError::NotAChoice { field, choices } => {
                invalid("err.field.not_a_choice", field).with("choices", choices)
            }
            FieldError::NotADate { field } => invalid("err.field.not_a_date", field),
            FieldError::NotANumber { field } => invalid("err.field.not_a_number", field),
            FieldError::NotATime { field } => invalid("err.field.not_a_time", field),
            FieldError::NotMinutes { field } => invalid("err.field.not_minutes", field),
            FieldError::NotAMember { field } => invalid("err.field.not_a_member", field),
            FieldError::NotALink { field } => invalid("err.field.not_a_link", field),
            FieldError::WrongLink { field, kinds } => {
                invalid("err.field.wrong_link", field).with("kinds", kinds)
            }
            FieldError::NotAPoint { field } => invalid("err.field.not_a_point", field),
            FieldError::NotAnItem { field } => invalid("err.field.not_an_item", field),
            FieldError::NotASet { field } => invalid("err.field.not_a_set", field),
            FieldError::ReadOnly { field } => invalid("err.field.read_only", field),
            FieldError::TooMany { field, max } => {
                invalid("err.field.too_many", field).with("n", max)
            }
            FieldError::NotAFlag { field } => invalid("err.field.not_a_flag", field),
            FieldError::NotALine { field } => invalid("err.field.not_a_line", field),
            FieldError::NotText { field } => invalid("err.field.not_text", field),
            FieldError::TooLong { field, chars_max } => {
                invalid("err.field.too_long", field).with("n", chars_max)
            }
            // Fields come as a map here.
            FieldError::NotAnAssignment { .. } | FieldError::Twice { .. } => Self::internal(error),
        }
    }
}

impl From<EditError> for Fault {
    fn from(error: EditError) -> Self {
        let invalid = |key: &str| Self::new(Class::Invalid, key);
        match error {
            EditError::Document => Self::new(Class::Storage, "err.edit.document"),
            EditError::OutOfRange { length } => invalid("err.edit.out_of_range").with("n", length),
            EditError::TooLarge => invalid("err.edit.too_large"),
            EditError::UnknownField { field } => {
                invalid("err.edit.unknown_field").with("field", field)
            }
            EditError::NoSuchItem { field } => {
                invalid("err.edit.no_such_item").with("field", field)
            }
            EditError::WrongType { field } => invalid("err.edit.wrong_type").with("field", field),
        }
    }
}

impl From<SealError> for Fault {
    fn from(error: SealError) -> Self {
        match error {
            SealError::KeyStore => Self::new(Class::Storage, "err.key_store"),
            SealError::BadKey | SealError::DoesNotOpen => Self::internal(error),
        }
    }
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        let storage = |key: &str| Self::new(Class::Storage, key);
        match error {
            StoreError::Busy => storage("err.store.busy"),
            StoreError::Corrupt { what, place } => storage("err.store.damaged")
                .with("what", what)
                .with("place", place),
            StoreError::Full => storage("err.disk_full"),
            StoreError::Io(reason) => storage("err.store.io").with("reason", reason),
            StoreError::Newer(version) => storage("err.store.newer").with("version", version),
        }
    }
}

impl From<NodeError> for Fault {
    fn from(error: NodeError) -> Self {
        let offline = |key: &str| Self::new(Class::Offline, key);
        match error {
            NodeError::AlreadyMet => offline("err.node.already_met"),
            NodeError::Link(error) => error.into(),
            NodeError::Lost => offline("err.node.lost"),
            NodeError::NoRelay => offline("err.node.no_relay"),
            // The refusal is what the other side is told of us; for our reader it is the other way round.
            NodeError::Peer(Refusal::VersionTooOld) => Refusal::VersionTooNew.into(),
            NodeError::Peer(Refusal::VersionTooNew) => Refusal::VersionTooOld.into(),
            NodeError::Peer(refusal) => {
                Self::new(Class::Refused, "err.node.peer").with("refusal", refusal.code())
            }
            NodeError::Reborn => offline("err.node.reborn"),
            NodeError::Refused(refusal) => refusal.into(),
            NodeError::Replica(error) => error.into(),
            NodeError::Stranger => Self::new(Class::Refused, "err.node.stranger"),
            NodeError::Stopped => Self::closed(),
            NodeError::TimedOut => offline("err.node.timed_out"),
        }
    }
}

impl From<Refusal> for Fault {
    fn from(refusal: Refusal) -> Self {
        let class = match refusal {
            // The other side's own trouble passes by itself.
            Refusal::Busy | Refusal::Internal | Refusal::ShuttingDown | Refusal::StoreFull => {
                Class::Offline
            }
            Refusal::BadFrame
            | Refusal::BadSignature
            | Refusal::CommunityUnknown
            | Refusal::Gap
            | Refusal::Held
            | Refusal::InviteUnknown
            | Refusal::InviteUsed
            | Refusal::NotAMember
            | Refusal::NotAllowed
            | Refusal::OverQuota
            | Refusal::TooLarge
            | Refusal::UnknownFrame
            | Refusal::VersionTooNew
            | Refusal::VersionTooOld => Class::Refused,
        };
        Self::new(class, format!("refusal.{}", refusal.code()))
    }
}

impl From<LinkError> for Fault {
    fn from(error: LinkError) -> Self {
        let offline = |key: &str| Self::new(Class::Offline, key);
        let refused = |key: &str| Self::new(Class::Refused, key);
        match error {
            LinkError::Unreachable(addr) => offline("err.link.unreachable").with("addr", addr),
            LinkError::WrongKey => refused("err.link.wrong_key"),
            LinkError::Incompatible => refused("err.link.incompatible"),
            LinkError::Refused => offline("err.link.refused"),
            LinkError::TimedOut => offline("err.link.timed_out"),
            LinkError::Closed(close) => offline("err.link.closed").with("close", close.code()),
            LinkError::Reset => offline("err.link.reset"),
            LinkError::LocallyClosed => offline("err.link.locally_closed"),
            LinkError::Truncated { .. } => offline("err.link.truncated"),
            LinkError::Frame(reason) => refused("err.link.frame").with("reason", reason),
            LinkError::Address(addr) => offline("err.link.address").with("addr", addr),
            LinkError::InUse(addr) => offline("err.link.in_use").with("addr", addr),
            LinkError::Bind { addr, reason } => offline("err.link.bind")
                .with("addr", addr)
                .with("reason", reason),
            LinkError::Keys(reason) => Self::internal(reason),
            LinkError::Stream(reason) => offline("err.link.stream").with("reason", reason),
        }
    }
}

impl From<ParseTicketError> for Fault {
    fn from(error: ParseTicketError) -> Self {
        let key = match error {
            ParseTicketError::NotATicket => "err.ticket.not_a_ticket",
            ParseTicketError::Damaged => "err.ticket.damaged",
            ParseTicketError::Newer => "err.ticket.newer",
        };
        Self::new(Class::Invalid, key)
    }
}

impl From<ParseRelayError> for Fault {
    fn from(_: ParseRelayError) -> Self {
        Self::new(Class::Invalid, "err.relay")
    }
}
