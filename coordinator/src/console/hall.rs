//! What all pages share, and how a page or a form is answered.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use jiff::tz::TimeZone;
use sync_core::replica::{Moment, Replica};
use sync_core::schema::Lang;
use sync_node::{Node, NodeError};
use tokio::sync::watch;

use super::answer::{self, Answer, Shown};
use super::asked::Asked;
use super::cx::{Cx, Net, Trouble};
use super::form::Form;
use super::gate::{Flash, Gate, Pass};
use super::news::Board;
use super::pages::notices;
use super::prefs::{Prefs, PrefsFile};
use super::shell;
use super::views::shared::Shell;
use super::when::Clock;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::place;
use crate::text::Text;

/// What all pages share.
#[derive(Debug)]
pub(super) struct Hall {
    pub(super) node: Arc<Node>,
    pub(super) port: u16,
    pub(super) board: Board,
    pub(super) net: watch::Receiver<Net>,
    /// Becomes true when the program ends.
    pub(super) ends: watch::Receiver<bool>,
    pub(super) prefs: PrefsFile,
    /// The language that the program was started in.
    pub(super) own_lang: Lang,
    /// The community's name, for whoever is not in yet.
    pub(super) community: String,
    gate: Mutex<Gate>,
    texts: [Arc<Text>; 2],
}

/// The hall, as handlers hold it.
pub(super) type Shared = Arc<Hall>;

/// Makes a page.
pub(super) type Look = fn(&Replica, &Cx) -> Result<Shown, Trouble>;
/// Does what a form asks for.
pub(super) type Act = fn(&mut Replica, &mut Moment<'_>, &Cx, &Form) -> Result<Answer, Trouble>;

/// What comes out of the node's thread: a page with its frame, or where to go.
enum Made {
    Page(Box<Shell>, Shown),
    Go(String, Option<Flash>),
}

impl Hall {
    pub(super) fn new(
        node: Arc<Node>,
        port: u16,
        net: watch::Receiver<Net>,
        ends: watch::Receiver<bool>,
        prefs: PrefsFile,
        own_lang: Lang,
        community: String,
    ) -> Self {
        Self {
            node,
            port,
            board: Board::new(),
            net,
            ends,
            prefs,
            own_lang,
            community,
            gate: Mutex::default(),
            texts: [Lang::Zh, Lang::En].map(|lang| Arc::new(Text::of(lang))),
        }
    }

    fn gate(&self) -> MutexGuard<'_, Gate> {
        // Whatever panicked there left a list of secrets that still holds.
        self.gate.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn pass(&self, cookie: &str) -> Option<Pass> {
        self.gate().pass(cookie)
    }

    /// A link that lets one browser in.
    pub(super) fn new_link(&self) -> String {
        let secret = self.gate().open(rand::random(), place::now());
        format!("http://127.0.0.1:{}/open/{secret}", self.port)
    }

    pub(super) fn knows_link(&self, link: &str) -> bool {
        self.gate().knows(link, place::now())
    }

    pub(super) fn enter(&self, link: &str) -> Option<Pass> {
        self.gate()
            .enter(link, [rand::random(), rand::random()], place::now())
    }

    pub(super) fn is_ours(&self, asked: &Asked, form: &Form) -> bool {
        self.gate().is_ours(&asked.cookie, form.get("csrf"))
    }

    pub(super) fn text(&self, lang: Lang) -> Arc<Text> {
        let [zh, en] = &self.texts;
        Arc::clone(match lang {
            Lang::Zh => zh,
            Lang::En => en,
        })
    }

    /// The choices of this device, and the words in the language that was chosen.
    pub(super) fn looks(&self) -> (Prefs, Arc<Text>) {
        let prefs = self.prefs.read();
        let text = self.text(prefs.lang(self.own_lang));
        (prefs, text)
    }

    fn cx(&self, asked: Asked, takes_flash: bool) -> Cx {
        let (prefs, text) = self.looks();
        let flash = takes_flash.then(|| self.gate().take_flash(&asked.cookie));
        Cx {
            clock: Clock::new(place::now(), TimeZone::system(), text.lang()),
            net: self.net.borrow().clone(),
            flash: flash.flatten(),
            text,
            asked,
            prefs,
        }
    }

    /// Answers with a page.
    pub(super) async fn show(&self, asked: Asked, look: Look) -> Response {
        let cx = self.cx(asked, true);
        let inner = cx.clone();
        let made = self
            .node
            .call(move |replica, _| {
                let shown = look(replica, &inner)?;
                frame(replica, &inner, shown)
            })
            .await;
        self.answer(&cx, made)
    }

    /// Answers a form.
    pub(super) async fn act(&self, asked: Asked, form: Form, act: Act) -> Response {
        if !self.is_ours(&asked, &form) {
            let cx = self.cx(asked, false);
            return self.refuse(&cx, notices::stale(&cx), StatusCode::FORBIDDEN);
        }
        let cx = self.cx(asked, false);
        let inner = cx.clone();
        let made = self
            .node
            .call(
                move |replica, moment| match act(replica, moment, &inner, &form) {
                    Ok(Answer::Go { to, flash }) => Ok(Made::Go(to, flash)),
                    Ok(Answer::Again(shown)) => {
                        let mut shell = shell::build(replica, &inner, &shown)?;
                        // The address of a form is no page that one can come back to.
                        shell.back = Answer::back_of(&form);
                        Ok(Made::Page(Box::new(shell), shown))
                    }
                    Err(trouble) => refuse_act(&inner, &form, trouble),
                },
            )
            .await;
        self.answer(&cx, made)
    }

    fn answer(&self, cx: &Cx, made: Result<Result<Made, Trouble>, NodeError>) -> Response {
        match made {
            Ok(Ok(Made::Page(shell, shown))) => self.page(cx, &shell, &shown),
            Ok(Ok(Made::Go(to, flash))) => {
                if let Some(flash) = flash {
                    self.gate().tell(&cx.asked.cookie, flash);
                }
                answer::go(&to)
            }
            Ok(Err(Trouble::Missing)) => {
                self.refuse(cx, notices::missing(cx), StatusCode::NOT_FOUND)
            }
            Ok(Err(Trouble::Failed(failure))) => {
                let status = status_of(failure.exit());
                self.refuse(cx, notices::failed(cx, &failure), status)
            }
            Err(error) => {
                let failure = Failure::from(error);
                let status = StatusCode::INTERNAL_SERVER_ERROR;
                self.refuse(cx, notices::failed(cx, &failure), status)
            }
        }
    }

    fn page(&self, cx: &Cx, shell: &Shell, shown: &Shown) -> Response {
        match shown.view.html(&cx.text, shell) {
            Ok(html) => answer::page(shown.status, html),
            // A template writes into memory; there is nothing that a person could do.
            Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        }
    }

    fn refuse(&self, cx: &Cx, mut shown: Shown, status: StatusCode) -> Response {
        shown.status = status;
        let shell = shell::bare(cx, &self.community);
        self.page(cx, &shell, &shown)
    }

    /// A page without a frame, for whoever is not in yet.
    pub(super) fn bare(&self, shown: &Shown) -> Response {
        let (prefs, text) = self.looks();
        let cx = Cx {
            clock: Clock::new(place::now(), TimeZone::system(), text.lang()),
            net: Net::default(),
            flash: None,
            asked: Asked::default(),
            text,
            prefs,
        };
        let shell = shell::bare(&cx, &self.community);
        self.page(&cx, &shell, shown)
    }

    /// What somebody sees who has no cookie of ours.
    pub(super) fn answer_stranger(&self) -> Response {
        let (_, text) = self.looks();
        let mut shown = notices::closed(&text);
        shown.status = StatusCode::UNAUTHORIZED;
        self.bare(&shown)
    }
}

fn frame(replica: &Replica, cx: &Cx, shown: Shown) -> Result<Made, Trouble> {
    let shell = shell::build(replica, cx, &shown)?;
    Ok(Made::Page(Box::new(shell), shown))
}

/// A button that may not be pressed now leads back with a word; what cannot be stored gets a page of its own.
fn refuse_act(cx: &Cx, form: &Form, trouble: Trouble) -> Result<Made, Trouble> {
    match trouble {
        Trouble::Failed(failure) if matches!(failure.exit(), Exit::NotAllowed | Exit::Unknown) => {
            Ok(Made::Go(
                Answer::back_of(form),
                Some(Flash::bad(cx.sentence(&failure))),
            ))
        }
        Trouble::Missing | Trouble::Failed(_) => Err(trouble),
    }
}

fn status_of(exit: Exit) -> StatusCode {
    #[expect(clippy::wildcard_enum_match_arm, reason = "all others are ours")]
    match exit {
        Exit::NotAllowed | Exit::Refused => StatusCode::FORBIDDEN,
        Exit::DiskFull => StatusCode::INSUFFICIENT_STORAGE,
        Exit::StoreBusy => StatusCode::SERVICE_UNAVAILABLE,
        Exit::Usage => StatusCode::UNPROCESSABLE_ENTITY,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}
