//! What all communities of one program share: who is in, the words, the looks, the port.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::extract::FromRef;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use jiff::tz::TimeZone;
use sync_core::schema::Lang;
use tokio::sync::watch;

use super::answer::{self, Shown};
use super::asked::Asked;
use super::cx::{Cx, Net};
use super::form::Form;
use super::gate::{Flash, Gate, Pass};
use super::hall::Shared;
use super::pages::notices;
use super::prefs::{Prefs, PrefsFile};
use super::shell;
use super::site::Site;
use super::views::shared::{Beside, Shell};
use super::when::Clock;
use crate::place;
use crate::text::Text;

/// What all communities of one program share; every copy leads to the same.
#[derive(Debug, Clone)]
pub(super) struct Porch {
    pub(super) port: u16,
    /// Becomes true when the program ends.
    pub(super) ends: watch::Receiver<bool>,
    pub(super) prefs: PrefsFile,
    /// The language that the program was started in.
    own_lang: Lang,
    /// What is served, for whoever is not in yet.
    pub(super) names: Arc<str>,
    /// Communities that are served side by side; none if it is only one.
    beside: Arc<[Beside]>,
    gate: Arc<Mutex<Gate>>,
    texts: [Arc<Text>; 2],
}

impl FromRef<Shared> for Porch {
    fn from_ref(hall: &Shared) -> Self {
        hall.porch.clone()
    }
}

impl Porch {
    pub(super) fn new(
        site: &Site,
        prefs: PrefsFile,
        own_lang: Lang,
        names: &str,
        beside: Vec<Beside>,
    ) -> Self {
        Self {
            port: site.port,
            ends: site.ends.clone(),
            prefs,
            own_lang,
            names: names.into(),
            beside: beside.into(),
            gate: Arc::clone(&site.gate),
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

    /// Keeps what is told on the next page.
    pub(super) fn tell(&self, asked: &Asked, flash: Flash) {
        self.gate().tell(&asked.cookie, flash);
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

    /// What a page knows that shows no community.
    pub(super) fn cx(&self, asked: Asked, takes_flash: bool) -> Cx {
        let (prefs, text) = self.looks();
        let flash = takes_flash.then(|| self.gate().take_flash(&asked.cookie));
        Cx {
            clock: Clock::new(place::now(), TimeZone::system(), text.lang()),
            net: Net::default(),
            news: 0,
            flash: flash.flatten(),
            beside: Arc::clone(&self.beside),
            dir: None,
            text,
            asked,
            prefs,
        }
    }

    /// A page without a frame, for whoever is not in yet.
    pub(super) fn bare(&self, shown: &Shown) -> Response {
        let cx = self.cx(Asked::default(), false);
        alone(&cx, &self.names, shown)
    }

    /// What somebody sees who has no cookie of ours.
    pub(super) fn answer_stranger(&self) -> Response {
        let (_, text) = self.looks();
        let mut shown = notices::closed(&text);
        shown.status = StatusCode::UNAUTHORIZED;
        self.bare(&shown)
    }
}

/// A page without the frame of a community.
pub(super) fn alone(cx: &Cx, name: &str, shown: &Shown) -> Response {
    render(cx, &shell::alone(cx, name, shown), shown)
}

/// The same in place of one that cannot be shown.
pub(super) fn refuse(cx: &Cx, name: &str, mut shown: Shown, status: StatusCode) -> Response {
    shown.status = status;
    alone(cx, name, &shown)
}

/// A page as it goes out.
pub(super) fn render(cx: &Cx, shell: &Shell, shown: &Shown) -> Response {
    match shown.view.html(&cx.text, shell) {
        Ok(html) => answer::page(shown.status, html),
        // A template writes into memory; there is nothing that a person could do.
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}
