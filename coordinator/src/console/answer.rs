//! What a page or a form leads to, and how it goes back to the browser.

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse as _, Response};

use super::gate::Flash;
use super::views::View;

/// A page that is to be shown.
pub(super) struct Shown {
    pub(super) view: Box<dyn View>,
    /// Which place of the menu it belongs to.
    pub(super) section: &'static str,
    /// What it listens to.
    pub(super) live: &'static str,
    pub(super) status: StatusCode,
}

impl Shown {
    pub(super) fn new(
        section: &'static str,
        live: &'static str,
        view: impl View + 'static,
    ) -> Self {
        Self {
            view: Box::new(view),
            section,
            live,
            status: StatusCode::OK,
        }
    }

    /// The same page again because what was typed is not right.
    #[must_use]
    pub(super) fn refused(mut self) -> Self {
        self.status = StatusCode::UNPROCESSABLE_ENTITY;
        self
    }
}

/// What a form leads to.
pub(super) enum Answer {
    /// It is done: another page, with a word about it.
    Go { to: String, flash: Option<Flash> },
    /// The page again.
    Again(Shown),
}

impl Answer {
    pub(super) fn done(to: impl Into<String>, line: String) -> Self {
        Self::Go {
            to: to.into(),
            flash: Some(Flash::good(line)),
        }
    }
}

/// A page as it goes out.
pub(super) fn page(status: StatusCode, html: String) -> Response {
    (status, Html(html)).into_response()
}

/// Leads to another page.
pub(super) fn go(to: &str) -> Response {
    let place = HeaderValue::from_str(to).unwrap_or(HeaderValue::from_static("/"));
    let headers = HeaderMap::from_iter([(header::LOCATION, place)]);
    (StatusCode::SEE_OTHER, headers).into_response()
}
