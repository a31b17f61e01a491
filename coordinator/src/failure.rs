//! Why a command did not do what it was asked: an exit code, and a sentence of the catalogue.

use std::io;
use std::path::Path;

use sync_core::blob::BadBlob;
use sync_core::id::{DeviceId, Seq};
use sync_core::record::EditError;
use sync_core::replica::{AuditError, Flaw, ReplicaError, SettleError};
use sync_core::roster::ticket::{ParseRelayError, ParseTicketError};
use sync_core::schema::{FieldError, Kind, Lang, StateError};
use sync_core::store::StoreError;
use sync_core::wire::Refusal;
use sync_node::{HomeError, LinkError, NodeError, PASSPHRASE_CHARS_MIN};

use crate::exit::Exit;
use crate::text::Text;

/// Why a command ended early.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Failure {
    /// Something to be told.
    Said {
        /// The exit code.
        exit: Exit,
        /// Which sentence.
        key: String,
        /// What fills its places.
        places: Vec<(&'static str, String)>,
    },
    /// Nobody reads what we print any more, as in `banyan list | head`; not a fault.
    Pipe,
}

impl Failure {
    /// A sentence without places.
    pub(crate) fn new(exit: Exit, key: impl Into<String>) -> Self {
        Self::Said {
            exit,
            key: key.into(),
            places: Vec::new(),
        }
    }

    /// Fills a place of the sentence.
    #[must_use]
    pub(crate) fn with(mut self, place: &'static str, value: impl ToString) -> Self {
        if let Self::Said { places, .. } = &mut self {
            places.push((place, value.to_string()));
        }
        self
    }

    /// A mistake in the program or something that cannot be helped here.
    pub(crate) fn internal(reason: impl ToString) -> Self {
        Self::new(Exit::Internal, "err.internal").with("reason", reason)
    }

    /// A state that a record of this kind is not put into.
    fn of_state(kind: &str, error: StateError) -> Self {
        let said = |exit, key: &str| Self::new(exit, key).with("of_kind", kind);
        match error {
            StateError::NotYourOwn { to } => {
                said(Exit::NotAllowed, "err.state.not_your_own").with("to", to)
            }
            StateError::NotAllowed { to, least } => said(Exit::NotAllowed, "err.state.not_allowed")
                .with("to", to)
                .with("role", least.name()),
            StateError::AtItsEnd { from } => {
                said(Exit::Unknown, "err.state.at_its_end").with("from", from)
            }
            StateError::NotFromHere { from, to, next } => {
                said(Exit::Unknown, "err.state.not_from_here")
                    .with("from", from)
                    .with("to", to)
                    .with("next", next)
            }
            StateError::NotABeginning { to, initial } => {
                said(Exit::Unknown, "err.state.not_a_beginning")
                    .with("to", to)
                    .with("initial", initial)
            }
            StateError::NoReason { to } => {
                said(Exit::Unknown, "err.state.no_reason").with("to", to)
            }
        }
    }

    /// A file or folder that the system refused.
    #[expect(clippy::wildcard_enum_match_arm, reason = "the system's enum grows")]
    pub(crate) fn io(path: &Path, error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::StorageFull => Self::new(Exit::DiskFull, "err.disk_full"),
            io::ErrorKind::NotFound => {
                Self::new(Exit::BadFile, "err.file.missing").with("path", path.display())
            }
            io::ErrorKind::PermissionDenied => {
                Self::new(Exit::Denied, "err.file.denied").with("path", path.display())
            }
            _ => Self::new(Exit::System, "err.file.io")
                .with("path", path.display())
                .with("reason", error),
        }
    }

    /// Whether it says, or is filled with, a sentence of the catalogue.
    pub(crate) fn is_about(&self, sentence: &str) -> bool {
        match self {
            Self::Said { key, places, .. } => {
                key == sentence || places.iter().any(|(_, value)| value == sentence)
            }
            Self::Pipe => false,
        }
    }

    /// How the process ends.
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::Said { exit, .. } => *exit,
            Self::Pipe => Exit::Done,
        }
    }

    /// The sentence in a language; nothing where there is nothing to say.
    pub(crate) fn sentence(&self, text: &Text) -> Option<String> {
        match self {
            Self::Said { key, places, .. } => {
                let kind = places.iter().find(|(place, _)| *place == "a_kind");
                let kind = kind.and_then(|(_, kind)| kind_in(text, kind));
                let staged = places.iter().find(|(place, _)| *place == "of_kind");
                let staged = staged.and_then(|(_, kind)| text.schema().kind(kind));
                let places: Vec<(&str, String)> = places
                    .iter()
                    .map(|(place, value)| match (*place, kind, staged) {
                        ("fields", Some(kind), _) => (*place, labelled(text, kind, value)),
                        ("from" | "initial" | "next" | "to", _, Some(kind)) => {
                            (*place, states_in_words(text, kind, value))
                        }
                        _ => (*place, worded(text, place, value)),
                    })
                    .collect();
                let places: Vec<(&str, &str)> = places
                    .iter()
                    .map(|(place, value)| (*place, value.as_str()))
                    .collect();
                Some(text.with(key, &places))
            }
            Self::Pipe => None,
        }
    }
}

/// Values that are words of ours are said in the reader's language too.
fn worded(text: &Text, place: &str, value: &str) -> String {
    match place {
        "role" => text.say(&format!("word.role.{value}")),
        "refusal" => text.say(value),
        "what" => {
            let name = value.replace("'s", "s").replace([' ', '-'], "_");
            let known = text.find(&format!("damage.{name}"));
            known.unwrap_or(value).to_owned()
        }
        "close" => text
            .find(value)
            .map_or_else(|| text.say("close.other"), str::to_owned),
        "a_kind" => kind_in(text, value).map_or_else(
            || value.to_owned(),
            |kind| kind.label(text.lang()).to_owned(),
        ),
        _ => value.to_owned(),
    }
}

/// The kind in `a visit`.
fn kind_in<'t>(text: &'t Text, words: &str) -> Option<&'t Kind> {
    let name = words.rsplit(' ').next().unwrap_or(words);
    text.schema().kind(name)
}

/// Names of fields as people type them: in English the names themselves, else the labels.
fn labelled(text: &Text, kind: &Kind, names: &str) -> String {
    if text.lang() == Lang::En {
        return names.to_owned();
    }
    let labels = names.split(", ").map(|name| {
        let field = kind.field(name);
        field.map_or(name, |field| field.label(text.lang()))
    });
    labels.collect::<Vec<_>>().join("、")
}

/// Names of states as people type them: in English the names themselves, else the labels.
fn states_in_words(text: &Text, kind: &Kind, names: &str) -> String {
    if text.lang() == Lang::En {
        return names.to_owned();
    }
    let labels = names.split(", ").map(|name| {
        let state = kind.state(name);
        state.map_or(name, |state| state.label(text.lang()))
    });
    labels.collect::<Vec<_>>().join("、")
}

/// The catalogue's key for a refusal.
pub(crate) fn refusal_key(refusal: Refusal) -> String {
    format!("refusal.{}", refusal.code())
}

/// What failed while printing.
impl From<io::Error> for Failure {
    #[expect(clippy::wildcard_enum_match_arm, reason = "the system's enum grows")]
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::Pipe,
            io::ErrorKind::StorageFull => Self::new(Exit::DiskFull, "err.print_full"),
            _ => Self::new(Exit::System, "err.print").with("reason", error),
        }
    }
}

impl From<serde_json::Error> for Failure {
    fn from(error: serde_json::Error) -> Self {
        match error.io_error_kind() {
            Some(kind) => io::Error::from(kind).into(),
            None => Self::internal(error),
        }
    }
}

impl From<HomeError> for Failure {
    fn from(error: HomeError) -> Self {
        let said = |exit, key: &str, path: &Path| Self::new(exit, key).with("path", path.display());
        match error {
            HomeError::NoFolder(path) => said(Exit::NoCommunity, "err.home.no_folder", &path),
            HomeError::DamagedKey(path) => said(Exit::StoreDamaged, "err.home.damaged_key", &path),
            HomeError::Locked(_) => Self::new(Exit::Passphrase, "err.passphrase.none"),
            HomeError::WrongPassphrase(path) => {
                said(Exit::Passphrase, "err.passphrase.wrong", &path)
            }
            HomeError::ShortPassphrase => {
                Self::new(Exit::Usage, "err.passphrase.short").with("n", PASSPHRASE_CHARS_MIN)
            }
            HomeError::MissingKey(path) => said(Exit::StoreDamaged, "err.home.missing_key", &path),
            HomeError::Io { path, error } => Self::io(&path, &error),
            HomeError::Full => Self::new(Exit::DiskFull, "err.disk_full"),
            HomeError::Replica(error) => error.into(),
        }
    }
}

impl From<ReplicaError> for Failure {
    fn from(error: ReplicaError) -> Self {
        let unknown = |key: &str| Self::new(Exit::Unknown, key);
        match error {
            ReplicaError::AmbiguousMember(name) => {
                unknown("err.member.ambiguous").with("member", name)
            }
            ReplicaError::AmbiguousRecord(id) => unknown("err.record.ambiguous").with("id", id),
            ReplicaError::AlreadyThere(id) => unknown("err.record.already_there").with("id", id),
            ReplicaError::Field(error) => error.into(),
            ReplicaError::State { kind, error } => Self::of_state(&kind, error),
            ReplicaError::WrongAnswer => Self::new(Exit::BadTicket, "err.wrong_answer"),
            ReplicaError::NothingHeld => Self::new(Exit::Unknown, "err.nothing_held"),
            ReplicaError::NothingToRevoke => Self::new(Exit::Unknown, "err.nothing_to_revoke"),
            ReplicaError::WrongRecoveryKey => Self::new(Exit::BadTicket, "err.recovery.wrong"),
            ReplicaError::OwnerStays => Self::new(Exit::NotAllowed, "err.owner_stays"),
            ReplicaError::RecordErased => unknown("err.record.erased"),
            ReplicaError::Removed => Self::new(Exit::NotAllowed, "err.removed"),
            ReplicaError::UnknownDevice(id) => unknown("err.device.unknown").with("id", id),
            ReplicaError::NotEmpty => Self::new(Exit::NotEmpty, "err.not_empty"),
            ReplicaError::NotAllowed { least } => {
                Self::new(Exit::NotAllowed, "err.not_allowed").with("role", least.name())
            }
            ReplicaError::NotYetJoined => Self::new(Exit::NoCommunity, "err.not_yet_joined"),
            ReplicaError::NoCommunity => Self::new(Exit::NoCommunity, "err.no_community"),
            ReplicaError::NoKey => Self::new(Exit::NoCommunity, "err.no_key"),
            ReplicaError::UnknownKind { kind, known } => unknown("err.kind.unknown")
                .with("kind", kind)
                .with("known", known),
            ReplicaError::UnknownMember(name) => unknown("err.member.unknown").with("member", name),
            ReplicaError::UnknownRecord(id) => unknown("err.record.unknown").with("id", id),
            ReplicaError::UnknownSpace(space) => unknown("err.space.unknown").with("space", space),
            ReplicaError::Settle(error) => error.into(),
            ReplicaError::Edit(error) => error.into(),
            ReplicaError::Addition(error) => {
                Self::new(Exit::Usage, "err.schema.refused").with("reason", error)
            }
            ReplicaError::OldAddition(version) => {
                Self::new(Exit::Usage, "err.schema.old").with("version", version)
            }
            ReplicaError::Payload(error) => Self::internal(error),
            ReplicaError::Keys(error) => Self::internal(error),
            ReplicaError::Blob(error) => Self::new(Exit::Usage, blob_key(error)),
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

impl From<AuditError> for Failure {
    fn from(error: AuditError) -> Self {
        let flawed = |key: &str| Self::new(Exit::StoreDamaged, key);
        let at = |key: &str, device: DeviceId, seq: Seq| {
            flawed(key).with("device", device).with("seq", seq)
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
            AuditError::Flaw(Flaw::Roster) => flawed("err.verify.roster"),
        }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Busy => Self::new(Exit::StoreBusy, "err.store.busy"),
            StoreError::Corrupt { what, place } => {
                Self::new(Exit::StoreDamaged, "err.store.damaged")
                    .with("what", what)
                    .with("place", place)
            }
            StoreError::Full => Self::new(Exit::DiskFull, "err.disk_full"),
            StoreError::Io(reason) => {
                Self::new(Exit::System, "err.store.io").with("reason", reason)
            }
            StoreError::Newer(version) => {
                Self::new(Exit::StoreNewer, "err.store.newer").with("version", version)
            }
        }
    }
}

impl From<SettleError> for Failure {
    fn from(error: SettleError) -> Self {
        let unknown = |key: &str| Self::new(Exit::Unknown, key);
        match error {
            SettleError::MovedSince => unknown("err.settle.moved"),
            SettleError::NoSuchValue => unknown("err.settle.no_such_value"),
            SettleError::NotTogether { field } => {
                unknown("err.settle.not_together").with("field", field)
            }
        }
    }
}

impl From<EditError> for Failure {
    fn from(error: EditError) -> Self {
        let unknown = |key: &str| Self::new(Exit::Unknown, key);
        match error {
            EditError::Document => Self::new(Exit::StoreDamaged, "err.edit.document"),
            EditError::OutOfRange { length } => unknown("err.edit.out_of_range").with("n", length),
            EditError::TooLarge => unknown("err.edit.too_large"),
            EditError::UnknownField { field } => {
                unknown("err.edit.unknown_field").with("field", field)
            }
            EditError::NoSuchItem { field } => {
                unknown("err.edit.no_such_item").with("field", field)
            }
            EditError::WrongType { field } => unknown("err.edit.wrong_type").with("field", field),
        }
    }
}

impl From<FieldError> for Failure {
    fn from(error: FieldError) -> Self {
        let said = |key: &str| Self::new(Exit::Unknown, key);
        match error {
            FieldError::Unknown {
                kind,
                field,
                fields,
            } => said("err.field.unknown")
                .with("a_kind", kind)
                .with("field", field)
                .with("fields", fields),
            FieldError::NotAnAssignment { kind, fields } => said("err.field.not_an_assignment")
                .with("a_kind", kind)
                .with("fields", fields),
            FieldError::Twice { field } => said("err.field.twice").with("field", field),
            FieldError::Missing { kind, fields } => said("err.field.missing")
                .with("a_kind", kind)
                .with("fields", fields),
            FieldError::Empty { field } => said("err.field.empty").with("field", field),
            FieldError::NotAChoice { field, choices } => said("err.field.not_a_choice")
                .with("field", field)
                .with("choices", choices),
            FieldError::NotADate { field } => said("err.field.not_a_date").with("field", field),
            FieldError::NotANumber { field } => said("err.field.not_a_number").with("field", field),
            FieldError::NotATime { field } => said("err.field.not_a_time").with("field", field),
            FieldError::NotMinutes { field } => said("err.field.not_minutes").with("field", field),
            FieldError::NotAMember { field } => said("err.field.not_a_member").with("field", field),
            FieldError::NotALink { field } => said("err.field.not_a_link").with("field", field),
            FieldError::WrongLink { field, kinds } => said("err.field.wrong_link")
                .with("field", field)
                .with("kinds", kinds),
            FieldError::NotAPoint { field } => said("err.field.not_a_point").with("field", field),
            FieldError::NotAnItem { field } => said("err.field.not_an_item").with("field", field),
            FieldError::NotASet { field } => said("err.field.not_a_set").with("field", field),
            FieldError::ReadOnly { field } => said("err.field.read_only").with("field", field),
            FieldError::TooMany { field, max } => said("err.field.too_many")
                .with("field", field)
                .with("n", max),
            FieldError::NotAFlag { field } => said("err.field.not_a_flag").with("field", field),
            FieldError::NotALine { field } => said("err.field.not_a_line").with("field", field),
            FieldError::NotText { field } => said("err.field.not_text").with("field", field),
            FieldError::TooLong { field, chars_max } => said("err.field.too_long")
                .with("field", field)
                .with("n", chars_max),
        }
    }
}

impl From<NodeError> for Failure {
    fn from(error: NodeError) -> Self {
        let unreached = |key: &str| Self::new(Exit::RelayUnreachable, key);
        match error {
            NodeError::AlreadyMet => Self::new(Exit::Refused, "err.node.already_met"),
            NodeError::Link(error) => error.into(),
            NodeError::Lost => unreached("err.node.lost"),
            NodeError::NoRelay => unreached("err.node.no_relay"),
            // We found that the versions do not meet: what the other side would be told of us is,
            // for our reader, said the other way round.
            NodeError::Peer(Refusal::VersionTooOld) => Refusal::VersionTooNew.into(),
            NodeError::Peer(Refusal::VersionTooNew) => Refusal::VersionTooOld.into(),
            NodeError::Peer(refusal) => {
                Self::new(Exit::Refused, "err.node.peer").with("refusal", refusal_key(refusal))
            }
            NodeError::Reborn => unreached("err.node.reborn"),
            NodeError::Refused(refusal) => refusal.into(),
            NodeError::Replica(error) => error.into(),
            NodeError::Stranger => Self::new(Exit::WrongRelayKey, "err.node.stranger"),
            NodeError::Stopped => Self::new(Exit::Internal, "err.node.stopped"),
            NodeError::TimedOut => unreached("err.node.timed_out"),
        }
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        let exit = match refusal {
            Refusal::VersionTooNew | Refusal::VersionTooOld => Exit::NewerProtocol,
            Refusal::BadFrame
            | Refusal::BadSignature
            | Refusal::Busy
            | Refusal::CommunityUnknown
            | Refusal::Gap
            | Refusal::Held
            | Refusal::Internal
            | Refusal::InviteUnknown
            | Refusal::InviteUsed
            | Refusal::NotAMember
            | Refusal::NotAllowed
            | Refusal::OverQuota
            | Refusal::ShuttingDown
            | Refusal::StoreFull
            | Refusal::TooLarge
            | Refusal::UnknownFrame => Exit::Refused,
        };
        Self::new(exit, refusal_key(refusal))
    }
}

impl From<LinkError> for Failure {
    fn from(error: LinkError) -> Self {
        let unreached = |key: &str| Self::new(Exit::RelayUnreachable, key);
        match error {
            LinkError::Unreachable(addr) => unreached("err.link.unreachable").with("addr", addr),
            LinkError::WrongKey => Self::new(Exit::WrongRelayKey, "err.link.wrong_key"),
            LinkError::Incompatible => Self::new(Exit::NewerProtocol, "err.link.incompatible"),
            LinkError::Refused => unreached("err.link.refused"),
            LinkError::TimedOut => unreached("err.link.timed_out"),
            LinkError::Closed(close) => {
                unreached("err.link.closed").with("close", format!("close.{}", close.code()))
            }
            LinkError::Reset => unreached("err.link.reset"),
            LinkError::LocallyClosed => unreached("err.link.locally_closed"),
            LinkError::Truncated { .. } => unreached("err.link.truncated"),
            LinkError::Frame(reason) => {
                Self::new(Exit::Refused, "err.link.frame").with("reason", reason)
            }
            LinkError::Address(addr) => unreached("err.link.address").with("addr", addr),
            LinkError::InUse(addr) => Self::new(Exit::System, "err.link.in_use").with("addr", addr),
            LinkError::Bind { addr, reason } => Self::new(Exit::System, "err.link.bind")
                .with("addr", addr)
                .with("reason", reason),
            LinkError::Keys(reason) => Self::internal(reason),
            LinkError::Stream(reason) => unreached("err.link.stream").with("reason", reason),
        }
    }
}

impl From<ParseTicketError> for Failure {
    fn from(error: ParseTicketError) -> Self {
        Self::new(
            Exit::BadTicket,
            match error {
                ParseTicketError::NotATicket => "err.ticket.not_a_ticket",
                ParseTicketError::Damaged => "err.ticket.damaged",
                ParseTicketError::Newer => "err.ticket.newer",
            },
        )
    }
}

impl From<ParseRelayError> for Failure {
    fn from(_: ParseRelayError) -> Self {
        Self::new(Exit::Usage, "err.usage.relay")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_refusal_has_words_in_both_languages() {
        for lang in [Lang::En, Lang::Zh] {
            let text = Text::of(lang);
            for code in 1..=18 {
                let refusal = Refusal::from_code(code);
                assert!(text.find(&refusal_key(refusal)).is_some(), "{refusal:?}");
            }
        }
    }

    #[test]
    fn roles_and_kinds_are_said_in_the_language_of_the_reader() {
        let text = Text::of(Lang::Zh);
        let error = FieldError::Missing {
            kind: "a visit".to_owned(),
            fields: "date".to_owned(),
        };
        let sentence = Failure::from(error).sentence(&text).unwrap();
        assert!(sentence.contains("入户走访"), "{sentence}");
        assert!(sentence.contains("走访日期"), "{sentence}");
    }
}
