//! Where several communities are served side by side, each stands under an address of its own
//! (`/c/k7mq2xab/today`). Its pages do not know that: they are written, and asked for, as if their
//! community were alone, and on the way out its address is put before every address in them.
//!
//! That is safe because in a page only its template writes a plain `"`: in values it is `&#34;`, so what
//! people typed cannot look like an attribute.

use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};

/// Attributes that hold an address.
const ATTRIBUTES: [&str; 6] = [
    "href",
    "src",
    "action",
    "formaction",
    "data-events",
    "data-here",
];
/// What begins so belongs to all communities, or names its own.
const SHARED: [&str; 5] = ["/static/", "/communities", "/open", "/c/", "//"];

/// Puts the address of a community before the addresses in a page or in where a form leads.
pub(super) async fn put(State(base): State<Arc<str>>, response: Response) -> Response {
    let (mut parts, body) = response.into_parts();
    let leads_to = parts.headers.get(header::LOCATION);
    let leads_to = leads_to.and_then(|to| to.to_str().ok()).map(str::to_owned);
    if let Some(to) = leads_to.filter(|to| is_own(to))
        && let Ok(to) = HeaderValue::from_str(&format!("{base}{to}"))
    {
        parts.headers.insert(header::LOCATION, to);
    }
    let kind = parts.headers.get(header::CONTENT_TYPE);
    let is_page = kind.is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
    if !is_page {
        return Response::from_parts(parts, body);
    }
    // A page has been made whole in memory, so that nothing can fail here and nothing is held up.
    let page = to_bytes(body, usize::MAX).await.ok();
    let Some(page) = page.and_then(|page| String::from_utf8(page.into()).ok()) else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    parts.headers.remove(header::CONTENT_LENGTH);
    Response::from_parts(parts, Body::from(in_page(&base, &page)))
}

fn is_own(address: &str) -> bool {
    address.starts_with('/') && !SHARED.iter().any(|shared| address.starts_with(shared))
}

fn in_page(base: &str, page: &str) -> String {
    let mut out = String::with_capacity(page.len() + page.len() / 16);
    let mut rest = page;
    while let Some((before, after)) = rest.split_once("=\"") {
        out.push_str(before);
        out.push_str("=\"");
        let is_part = |c: char| !c.is_ascii_alphanumeric() && c != '-';
        let name = before.rsplit(is_part).next().unwrap_or_default();
        if ATTRIBUTES.contains(&name) && is_own(after) {
            out.push_str(base);
        }
        rest = after;
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_the_community_get_its_own_before_them_and_nothing_else_does() {
        let page = "<a href=\"/today\">a=&#34;/x&#34;</a><form action=\"/new/visit\">\
            <input name=\"back\" value=\"/today\"><a href=\"#main\"><a href=\"/communities\">\
            <link href=\"/static/console.css?v=1\"><a href=\"/c/2/today\"><a href=\"//evil.example\">\
            <body data-events=\"/events\" data-here=\"/today\" data-lost=\"/\">";
        let moved = "<a href=\"/c/1/today\">a=&#34;/x&#34;</a><form action=\"/c/1/new/visit\">\
            <input name=\"back\" value=\"/today\"><a href=\"#main\"><a href=\"/communities\">\
            <link href=\"/static/console.css?v=1\"><a href=\"/c/2/today\"><a href=\"//evil.example\">\
            <body data-events=\"/c/1/events\" data-here=\"/c/1/today\" data-lost=\"/\">";
        assert_eq!(in_page("/c/1", page), moved);
    }
}
