//! Who may come in: whoever has the one-time link, once; then whoever has the cookie that it gave.

use subtle::ConstantTimeEq as _;
use sync_core::id::Millis;

/// So long a link can be used.
const LINK_MILLIS: i64 = 10 * 60 * 1000;
/// So many browsers may be in at once; the one that came first leaves.
const SESSIONS_MAX: usize = 8;
/// Bytes of a secret.
const SECRET_LEN: usize = 20;

/// A secret as it stands in links, cookies and forms.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Secret(String);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(..)")
    }
}

impl Secret {
    pub(super) fn new(random: [u8; SECRET_LEN]) -> Self {
        Self(data_encoding::BASE32_NOPAD.encode(&random).to_lowercase())
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// Takes as long whatever the difference.
    pub(super) fn is(&self, other: &str) -> bool {
        self.0.as_bytes().ct_eq(other.as_bytes()).into()
    }
}

/// The outcome of a form, told on the next page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Flash {
    /// Colour of the note; a picture and words stand beside it.
    pub(super) tone: &'static str,
    /// Name of the picture.
    pub(super) icon: &'static str,
    /// What happened.
    pub(super) line: String,
}

impl Flash {
    pub(super) fn good(line: String) -> Self {
        Self {
            tone: "good",
            icon: "check",
            line,
        }
    }

    pub(super) fn info(line: String) -> Self {
        Self {
            tone: "info",
            icon: "info",
            line,
        }
    }

    pub(super) fn bad(line: String) -> Self {
        Self {
            tone: "bad",
            icon: "warn",
            line,
        }
    }
}

/// One browser that is in.
#[derive(Debug)]
struct Session {
    cookie: Secret,
    csrf: Secret,
    flash: Option<Flash>,
}

/// The link that is open, and who came in.
#[derive(Debug, Default)]
pub(super) struct Gate {
    link: Option<(Secret, Millis)>,
    sessions: Vec<Session>,
}

/// What a browser that is in holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pass {
    pub(super) cookie: String,
    pub(super) csrf: String,
}

impl Gate {
    /// A new link; an earlier one ends.
    pub(super) fn open(&mut self, random: [u8; SECRET_LEN], now: Millis) -> String {
        let link = Secret::new(random);
        let text = link.as_str().to_owned();
        self.link = Some((link, Millis(now.0.saturating_add(LINK_MILLIS))));
        text
    }

    /// Whether a link would let in.
    pub(super) fn knows(&self, link: &str, now: Millis) -> bool {
        let open = self.link.as_ref();
        open.is_some_and(|(open, until)| now <= *until && open.is(link))
    }

    /// Lets in whoever has the link, and closes it.
    pub(super) fn enter(
        &mut self,
        link: &str,
        random: [[u8; SECRET_LEN]; 2],
        now: Millis,
    ) -> Option<Pass> {
        if !self.knows(link, now) {
            return None;
        }
        self.link = None;
        let [cookie, csrf] = random.map(Secret::new);
        let pass = Pass {
            cookie: cookie.as_str().to_owned(),
            csrf: csrf.as_str().to_owned(),
        };
        if self.sessions.len() >= SESSIONS_MAX {
            self.sessions.remove(0);
        }
        self.sessions.push(Session {
            cookie,
            csrf,
            flash: None,
        });
        Some(pass)
    }

    fn session(&mut self, cookie: &str) -> Option<&mut Session> {
        let mut sessions = self.sessions.iter_mut();
        sessions.find(|session| session.cookie.is(cookie))
    }

    /// Who holds this cookie.
    pub(super) fn pass(&mut self, cookie: &str) -> Option<Pass> {
        let session = self.session(cookie)?;
        Some(Pass {
            cookie: session.cookie.as_str().to_owned(),
            csrf: session.csrf.as_str().to_owned(),
        })
    }

    /// Whether a form was sent from one of our pages.
    pub(super) fn is_ours(&mut self, cookie: &str, csrf: &str) -> bool {
        self.session(cookie)
            .is_some_and(|session| session.csrf.is(csrf))
    }

    /// Keeps what is told on the next page.
    pub(super) fn tell(&mut self, cookie: &str, flash: Flash) {
        if let Some(session) = self.session(cookie) {
            session.flash = Some(flash);
        }
    }

    /// What is to be told, once.
    pub(super) fn take_flash(&mut self, cookie: &str) -> Option<Flash> {
        self.session(cookie)?.flash.take()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Millis = Millis(1_000_000);

    fn enter(gate: &mut Gate, link: &str, n: u8) -> Option<Pass> {
        gate.enter(link, [[n; SECRET_LEN], [n + 100; SECRET_LEN]], NOW)
    }

    #[test]
    fn link_lets_in_once() {
        let mut gate = Gate::default();
        let link = gate.open([1; SECRET_LEN], NOW);
        let pass = enter(&mut gate, &link, 2).unwrap();
        assert!(enter(&mut gate, &link, 3).is_none());
        assert_eq!(gate.pass(&pass.cookie), Some(pass));
        assert_eq!(gate.pass("guessed"), None);
    }

    #[test]
    fn link_ends_with_time_and_with_the_next_one() {
        let mut gate = Gate::default();
        let old = gate.open([1; SECRET_LEN], NOW);
        let late = Millis(NOW.0 + LINK_MILLIS + 1);
        assert!(gate.knows(&old, NOW) && !gate.knows(&old, late));
        let new = gate.open([2; SECRET_LEN], NOW);
        assert!(!gate.knows(&old, NOW) && gate.knows(&new, NOW));
    }

    #[test]
    fn form_of_another_session_is_not_ours() {
        let mut gate = Gate::default();
        let link = gate.open([1; SECRET_LEN], NOW);
        let one = enter(&mut gate, &link, 2).unwrap();
        let link = gate.open([3; SECRET_LEN], NOW);
        let other = enter(&mut gate, &link, 4).unwrap();
        assert!(gate.is_ours(&one.cookie, &one.csrf));
        assert!(!gate.is_ours(&one.cookie, &other.csrf));
        assert!(!gate.is_ours(&one.cookie, ""));
    }

    #[test]
    fn oldest_browser_leaves_when_too_many_come() {
        let mut gate = Gate::default();
        let passes: Vec<Pass> = (0..=SESSIONS_MAX)
            .map(|n| {
                let n = u8::try_from(n).unwrap();
                let link = gate.open([n; SECRET_LEN], NOW);
                enter(&mut gate, &link, n + 10).unwrap()
            })
            .collect();
        assert_eq!(gate.pass(&passes[0].cookie), None);
        assert!(gate.pass(&passes[1].cookie).is_some());
    }

    #[test]
    fn outcome_is_told_once() {
        let mut gate = Gate::default();
        let link = gate.open([1; SECRET_LEN], NOW);
        let pass = enter(&mut gate, &link, 2).unwrap();
        gate.tell(&pass.cookie, Flash::good("saved".to_owned()));
        assert!(gate.take_flash(&pass.cookie).is_some());
        assert_eq!(gate.take_flash(&pass.cookie), None);
    }
}
