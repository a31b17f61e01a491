//! What a page knows beside the replica: who asks for what, when, and in which language.

use std::path::Path;
use std::sync::Arc;

use sync_core::replica::Replica;
use sync_core::roster::role::{Role, Scope};

use super::asked::Asked;
use super::form;
use super::gate::Flash;
use super::prefs::Prefs;
use super::views::shared::Beside;
use super::when::Clock;
use crate::failure::Failure;
use crate::text::Text;

/// How the relays are reached at the moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Net {
    /// A relay has everything that we have and we have everything of it, since this moment.
    pub(super) caught_up_at: Option<sync_core::id::Millis>,
    /// Why no relay is reached, as a sentence; none while one is.
    pub(super) offline: Option<String>,
}

/// What a page knows beside the replica.
#[derive(Debug, Clone)]
pub(super) struct Cx {
    pub(super) text: Arc<Text>,
    pub(super) asked: Asked,
    pub(super) prefs: Prefs,
    pub(super) clock: Clock,
    pub(super) net: Net,
    /// How much news there was when the page was begun.
    pub(super) news: u64,
    pub(super) flash: Option<Flash>,
    /// Communities that are served side by side; none if it is only one.
    pub(super) beside: Arc<[Beside]>,
    /// Where this device keeps what it remembers of the community beside the store; none on pages of no
    /// community.
    pub(super) dir: Option<Arc<Path>>,
}

impl Cx {
    /// The same with the words for what the community of a replica writes down.
    pub(super) fn about(self, replica: &Replica) -> Self {
        Self {
            text: Arc::new(self.text.about(replica)),
            ..self
        }
    }

    /// A text without places.
    pub(super) fn say(&self, key: &str) -> String {
        self.text.say(key)
    }

    /// A text with its places filled.
    pub(super) fn with(&self, key: &str, places: &[(&str, &str)]) -> String {
        self.text.with(key, places)
    }

    /// A text about a number of things.
    pub(super) fn count(&self, key: &str, count: u64) -> String {
        self.text.count(key, count)
    }

    /// Whether the page was asked for with personal fields shown.
    pub(super) fn shows_personal(&self) -> bool {
        self.asked.query.get("personal") == "1"
    }

    /// Word and address of the link that shows what is masked on a page, or masks it again.
    pub(super) fn personal_link(&self, path: &str, query: &str) -> (String, String) {
        let (key, more) = if self.shows_personal() {
            ("console.record.hide_personal", "")
        } else {
            ("console.record.show_personal", "personal=1")
        };
        let both = if query.is_empty() || more.is_empty() {
            format!("{query}{more}")
        } else {
            format!("{query}&{more}")
        };
        (self.say(key), form::address(path, &both))
    }

    /// What a failure says.
    pub(super) fn sentence(&self, failure: &Failure) -> String {
        let mut instead = INSTEAD.iter();
        match instead.find(|(key, _)| failure.is_about(key)) {
            Some((_, key)) => self.say(key),
            None => failure.sentence(&self.text).unwrap_or_default(),
        }
    }
}

/// The first character of a name, for the round face.
pub(super) fn initial(name: &str) -> String {
    name.chars().next().map(String::from).unwrap_or_default()
}

/// What this person is called.
pub(super) fn own_name(replica: &Replica) -> String {
    replica.name_of(&replica.device())
}

/// Whether this person looks after the whole community.
pub(super) fn is_coordinator(replica: &Replica) -> bool {
    let role = replica
        .roster()
        .role_in(&replica.device(), &Scope::Community);
    role >= Some(Role::Coordinator)
}

/// The highest role that this person has anywhere.
pub(super) fn highest_role(replica: &Replica) -> Option<Role> {
    let roster = replica.roster();
    let member = roster.member_id(&replica.device())?;
    let roles = roster.members().get(&member)?.roles.iter();
    roles.map(|(_, role)| *role).max()
}

/// What failures say to somebody who has no command line.
const INSTEAD: [(&str, &str); 6] = [
    ("err.export.nothing", "console.export.nothing"),
    ("err.import.no_kind", "console.import.no_kind"),
    ("err.import.no_sheet", "console.import.no_sheet"),
    ("err.no_key", "console.no_key"),
    ("err.not_yet_joined", "console.not_in"),
    ("err.report.person", "console.reports.not_theirs"),
];

/// What is said of things that are not here.
const NOT_HERE: [&str; 3] = [
    "err.record.unknown",
    "err.member.unknown",
    "err.space.unknown",
];

/// Why a page cannot be shown.
#[derive(Debug)]
pub(super) enum Trouble {
    /// There is no such page, or no such record.
    Missing,
    /// Something failed; the sentence says what.
    Failed(Failure),
}

impl<E: Into<Failure>> From<E> for Trouble {
    fn from(error: E) -> Self {
        let failure = error.into();
        if NOT_HERE.iter().any(|sentence| failure.is_about(sentence)) {
            Self::Missing
        } else {
            Self::Failed(failure)
        }
    }
}
