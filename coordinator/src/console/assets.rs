//! The style sheet and the script, in the program itself.

use std::sync::OnceLock;

use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::IntoResponse;

pub(super) const CSS: &str = include_str!("../../console/static/console.css");
const JS: &str = include_str!("../../console/static/console.js");
/// Its address changes with its content.
const FOREVER: &str = "public, max-age=31536000, immutable";

/// Version of both files, for their addresses.
pub(super) fn version() -> &'static str {
    static VERSION: OnceLock<String> = OnceLock::new();
    VERSION.get_or_init(|| {
        let mut hasher = blake3::Hasher::new();
        hasher.update(CSS.as_bytes()).update(JS.as_bytes());
        hasher.finalize().to_hex().chars().take(12).collect()
    })
}

pub(super) async fn css() -> impl IntoResponse {
    (headers("text/css; charset=utf-8"), CSS)
}

pub(super) async fn js() -> impl IntoResponse {
    (headers("text/javascript; charset=utf-8"), JS)
}

fn headers(kind: &'static str) -> HeaderMap {
    HeaderMap::from_iter([
        (header::CONTENT_TYPE, HeaderValue::from_static(kind)),
        (header::CACHE_CONTROL, HeaderValue::from_static(FOREVER)),
    ])
}
