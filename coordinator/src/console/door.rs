//! The door: only a browser of this computer that asks us by our own name comes in, and forms only from
//! our own pages. Every answer forbids what the pages do not need.

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use super::porch::Porch;

const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; media-src 'self'; \
     connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

const HEADERS: [(HeaderName, &str); 5] = [
    (header::CONTENT_SECURITY_POLICY, POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "same-origin"),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    ),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    ),
];

/// Stands before everything.
pub(super) async fn watch(State(porch): State<Porch>, request: Request, next: Next) -> Response {
    let mut response = if may_enter(porch.port, request.method(), request.headers()) {
        next.run(request).await
    } else {
        StatusCode::FORBIDDEN.into_response()
    };
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    // Pages hold what is in records: they stay nowhere.
    headers
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    response
}

/// A page of another site may know our address, or make its own name lead to it; neither comes in.
fn may_enter(port: u16, method: &Method, headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let Some(host) = text(header::HOST).filter(|host| is_our_host(host, port)) else {
        return false;
    };
    let site = text(HeaderName::from_static("sec-fetch-site"));
    if method == Method::GET || method == Method::HEAD {
        return true;
    }
    let origin = text(header::ORIGIN);
    let is_own_origin = origin.is_none_or(|origin| origin == format!("http://{host}"));
    is_own_origin && site.is_none_or(|site| matches!(site, "same-origin" | "none"))
}

fn is_our_host(host: &str, port: u16) -> bool {
    let names = ["127.0.0.1", "localhost"];
    names.iter().any(|name| host == format!("{name}:{port}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn enters(method: &Method, headers: &[(&'static str, &'static str)]) -> bool {
        let headers = headers.iter().map(|(name, value)| {
            let name = HeaderName::from_static(name);
            (name, HeaderValue::from_static(value))
        });
        may_enter(7420, method, &headers.collect())
    }

    #[test]
    fn only_our_own_name_is_answered() {
        let get = |host| enters(&Method::GET, &[("host", host)]);
        assert!(get("127.0.0.1:7420") && get("localhost:7420"));
        for host in [
            "evil.example:7420",
            "127.0.0.1:80",
            "127.0.0.1",
            "127.0.0.1.evil.example:7420",
        ] {
            assert!(!get(host), "{host}");
        }
        assert!(!enters(&Method::GET, &[]));
    }

    #[test]
    fn forms_of_other_sites_are_refused() {
        let host = ("host", "127.0.0.1:7420");
        let post = |more: &[(&'static str, &'static str)]| {
            let headers: Vec<_> = std::iter::once(host).chain(more.iter().copied()).collect();
            enters(&Method::POST, &headers)
        };
        assert!(post(&[("origin", "http://127.0.0.1:7420")]));
        assert!(post(&[]));
        assert!(!post(&[("origin", "null")]));
        assert!(!post(&[("origin", "http://evil.example")]));
        assert!(!post(&[("origin", "http://localhost:7420")]));
        assert!(!post(&[("sec-fetch-site", "cross-site")]));
    }
}
