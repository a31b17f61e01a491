//! Who asks for what: the browser that is in, the page, and what its address says.

use std::collections::BTreeMap;

use axum::extract::{FromRef, FromRequestParts, RawPathParams};
use axum::http::header;
use axum::http::request::Parts;

use super::answer::Answer;
use super::form::{self, Form};
use super::porch::Porch;

/// The name of the cookie. It has the port, for browsers do not tell apart the ports of one host: of two
/// programs on this computer, each would send the other's browser away.
pub(super) fn cookie_name(port: u16) -> String {
    format!("banyan-{port}")
}

/// Who asks for what.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Asked {
    /// Which browser.
    pub(super) cookie: String,
    /// Proves in forms that they come from our pages.
    pub(super) csrf: String,
    /// The address without what follows `?`.
    pub(super) path: String,
    /// What follows `?`.
    pub(super) query: Form,
    /// Parts of the address that are different from page to page.
    pub(super) params: BTreeMap<String, String>,
    /// A page that is open is brought up to date.
    pub(super) is_live: bool,
}

impl Asked {
    /// Path and query, to come back to.
    pub(super) fn address(&self) -> String {
        form::address(&self.path, &self.query.query_without(&[]))
    }

    /// A part of the address.
    pub(super) fn param(&self, name: &str) -> &str {
        self.params.get(name).map_or("", String::as_str)
    }
}

/// The cookie that a request carries.
fn cookie(parts: &Parts, port: u16) -> Option<&str> {
    let ours = cookie_name(port);
    let lines = parts.headers.get_all(header::COOKIE).iter();
    let pairs = lines
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(';'));
    pairs
        .filter_map(|pair| pair.trim().split_once('='))
        .find_map(|(name, value)| (name == ours).then_some(value))
}

impl<S> FromRequestParts<S> for Asked
where
    S: Send + Sync,
    Porch: FromRef<S>,
{
    type Rejection = axum::response::Response;

    async fn from_request_parts(
        parts: &mut Parts,
        state: &S,
    ) -> Result<Self, axum::response::Response> {
        let porch = Porch::from_ref(state);
        let pass = cookie(parts, porch.port).and_then(|cookie| porch.pass(cookie));
        let Some(pass) = pass else {
            return Err(porch.answer_stranger());
        };
        let params = RawPathParams::from_request_parts(parts, state).await;
        let params = params.map_or_else(
            |_| BTreeMap::new(),
            |params| {
                let pairs = params.iter();
                pairs
                    .map(|(name, value)| (name.to_owned(), value.to_owned()))
                    .collect()
            },
        );
        Ok(Self {
            cookie: pass.cookie,
            csrf: pass.csrf,
            path: parts.uri.path().to_owned(),
            query: Form::read(parts.uri.query().unwrap_or_default().as_bytes()),
            params,
            is_live: parts.headers.contains_key("x-live"),
        })
    }
}

impl Answer {
    /// Where a form leads back to: a page of ours and nothing else.
    pub(super) fn back_of(form: &Form) -> String {
        let back = form.get("back");
        let is_ours = back.starts_with('/')
            && !back.starts_with("//")
            && !back.chars().any(|c| c == '\\' || c.is_control());
        if is_ours {
            back.to_owned()
        } else {
            "/".to_owned()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn back(typed: &str) -> String {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("back", typed);
        Answer::back_of(&Form::read(form.finish().as_bytes()))
    }

    #[test]
    fn forms_lead_back_to_our_own_pages_only() {
        assert_eq!(back("/record/a?personal=1"), "/record/a?personal=1");
        for strange in [
            "",
            "//evil.example",
            "https://evil.example",
            "/\\evil.example",
            "/a\r\nSet-Cookie: x",
        ] {
            assert_eq!(back(strange), "/", "{strange:?}");
        }
    }
}
