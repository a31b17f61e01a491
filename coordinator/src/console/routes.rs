//! Which address is which page.

mod station;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{HeaderValue, header};
use axum::middleware;
use axum::response::Response;
use axum::routing::{MethodRouter, get, post};

use super::answer;
use super::asked::{Asked, COOKIE};
use super::form::{FORM_BYTES_MAX, Form};
use super::hall::{Act, Look, Shared};
use super::pages::{form, invite, members, new, notices, record, records, settings, sync, today};
use super::{assets, door, news};

pub(super) fn all(hall: Shared) -> Router {
    Router::new()
        .route("/", get(home))
        .route("/static/console.css", get(assets::css))
        .route("/static/console.js", get(assets::js))
        .route("/events", get(news::events))
        .route("/open/{link}", get(knock))
        .route("/open", post(enter))
        .route("/today", look(today::view))
        .route("/records", look(records::view))
        .route("/new", look(new::view))
        .route("/new/{kind}", look(form::blank).merge(act(form::create)))
        .route("/record/{id}", look(record::view))
        .route(
            "/record/{id}/edit",
            look(form::filled).merge(act(form::change)),
        )
        .route("/record/{id}/move", act(record::acts::set_state))
        .route("/record/{id}/choose", act(record::acts::choose))
        .route("/record/{id}/comment", act(record::acts::comment))
        .route("/members", look(members::view))
        .route("/invite", look(invite::view).merge(act(invite::make)))
        .route("/sync", look(sync::view).merge(post(sync_now)))
        .route("/settings", look(settings::view).merge(post(set_looks)))
        .route("/settings/relay", act(settings::add_relay))
        .merge(station::routes())
        .fallback(lost)
        .layer(DefaultBodyLimit::max(FORM_BYTES_MAX))
        .layer(middleware::from_fn_with_state(hall.clone(), door::watch))
        .with_state(hall)
}

fn look(look: Look) -> MethodRouter<Shared> {
    get(move |State(hall): State<Shared>, asked: Asked| async move { hall.show(asked, look).await })
}

fn act(act: Act) -> MethodRouter<Shared> {
    post(
        move |State(hall): State<Shared>, asked: Asked, body: Bytes| async move {
            hall.act(asked, Form::read(&body), act).await
        },
    )
}

async fn home(_asked: Asked) -> Response {
    answer::go("/today")
}

async fn lost(State(hall): State<Shared>, asked: Asked) -> Response {
    hall.show(asked, |_, _| Err(super::cx::Trouble::Missing))
        .await
}

/// The link is looked at first and used by a button, so that a program that previews links does not
/// use it up.
async fn knock(State(hall): State<Shared>, Path(link): Path<String>) -> Response {
    let (_, text) = hall.looks();
    if hall.knows_link(&link) {
        hall.bare(&notices::open(&text, &hall.community, link))
    } else {
        hall.bare(&notices::closed(&text))
    }
}

async fn enter(State(hall): State<Shared>, body: Bytes) -> Response {
    let form = Form::read(&body);
    let Some(pass) = hall.enter(form.get("link")) else {
        return hall.answer_stranger();
    };
    let mut response = answer::go("/today");
    let cookie = format!(
        "{COOKIE}={}; HttpOnly; SameSite=Strict; Path=/",
        pass.cookie
    );
    if let Ok(cookie) = HeaderValue::from_str(&cookie) {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    response
}

async fn set_looks(State(hall): State<Shared>, asked: Asked, body: Bytes) -> Response {
    let form = Form::read(&body);
    if hall.is_ours(&asked, &form) {
        let prefs = settings::chosen(&form, hall.prefs.read());
        if let Err(failure) = hall.prefs.write(&prefs) {
            return settings::not_kept(&hall, &failure);
        }
    }
    hall.act(asked, form, settings::looks_kept).await
}

async fn sync_now(State(hall): State<Shared>, asked: Asked, body: Bytes) -> Response {
    let form = Form::read(&body);
    // A form of somebody else is refused by either.
    let is_met = hall.is_ours(&asked, &form) && hall.node.sync_once().await.is_ok();
    let answer = if is_met {
        sync::done
    } else {
        sync::not_reached
    };
    hall.act(asked, form, answer).await
}
