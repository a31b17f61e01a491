//! Which address is which page.

mod attached;
mod exchange;
mod side;
mod station;
mod upload;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, FromRef, Path, State};
use axum::http::{HeaderValue, header};
use axum::middleware;
use axum::response::Response;
use axum::routing::{MethodRouter, get, post};
use sync_node::NodeError;
use tokio::time::timeout;

use super::answer;
use super::asked::{Asked, cookie_name};
use super::form::{FORM_BYTES_MAX, Form};
use super::hall::{Act, Look, Shared};
use super::house::House;
use super::pages::{form, invite, members, new, notices, record, records, settings, sync, today};
use super::porch::Porch;
use super::{assets, begin, door, news, prefix};

/// How long a page waits for a sync before it says that it goes on.
const SYNC_PATIENCE: Duration = Duration::from_secs(3);

/// One community, whose pages stand at the root.
pub(super) fn of_one(hall: Shared) -> Router {
    let porch = hall.porch.clone();
    let pages = community().merge(front()).with_state(hall);
    guarded(pages, porch)
}

/// None yet.
pub(super) fn of_none(begin: begin::Shared) -> Router {
    let porch = Porch::from_ref(&begin);
    let pages = begin::pages().merge(front()).with_state(begin);
    guarded(pages, porch)
}

/// Several, each under an address of its own.
pub(super) fn of_many(house: House) -> Router {
    let porch = house.porch.clone();
    let mut all = Router::new();
    for place in &*house.places {
        all = match &place.hall {
            Ok(hall) => all.nest(&place.base, beside(hall, &place.base)),
            Err(_) => all.merge(side::closed(&place.base)),
        };
    }
    guarded(
        all.merge(side::routes()).merge(front()).with_state(house),
        porch,
    )
}

fn beside(hall: &Shared, base: &Arc<str>) -> Router<House> {
    let put = middleware::map_response_with_state(Arc::clone(base), prefix::put);
    community().layer(put).with_state(Arc::clone(hall))
}

/// Stands before everything: the door, and how much may come in.
fn guarded(pages: Router, porch: Porch) -> Router {
    pages
        .layer(DefaultBodyLimit::max(FORM_BYTES_MAX))
        .layer(middleware::from_fn_with_state(porch, door::watch))
}

/// What belongs to no community.
fn front<S>() -> Router<S>
where
    S: Clone + Send + Sync + 'static,
    Porch: FromRef<S>,
{
    Router::new()
        .route("/static/console.css", get(assets::css))
        .route("/static/console.js", get(assets::js))
        .route("/open/{link}", get(knock))
        .route("/open", post(enter))
}

/// The pages of one community.
fn community() -> Router<Shared> {
    Router::new()
        .route("/", get(home))
        .route("/events", get(news::events))
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
        .route("/record/{id}/undo", act(record::undo::undo))
        .route("/record/{id}/erase", act(record::erased::erase))
        .route("/erasures", look(record::erased::list))
        .route("/record/{id}/comment", act(record::acts::comment))
        .route("/members", look(members::view))
        .route("/invite", look(invite::view).merge(act(invite::make)))
        .route("/sync", look(sync::view).merge(post(sync_now)))
        .route("/settings", look(settings::view).merge(post(set_looks)))
        .route("/settings/relay", act(settings::add_relay))
        .merge(attached::routes())
        .merge(exchange::routes())
        .merge(station::routes())
        .fallback(lost)
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
async fn knock(State(porch): State<Porch>, Path(link): Path<String>) -> Response {
    let (_, text) = porch.looks();
    if porch.knows_link(&link) {
        porch.bare(&notices::open(&text, &porch.names, link))
    } else {
        porch.bare(&notices::closed(&text))
    }
}

async fn enter(State(porch): State<Porch>, body: Bytes) -> Response {
    let form = Form::read(&body);
    let Some(pass) = porch.enter(form.get("link")) else {
        return porch.answer_stranger();
    };
    let mut response = answer::go("/");
    let cookie = format!(
        "{}={}; HttpOnly; SameSite=Strict; Path=/",
        cookie_name(porch.port),
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
        let prefs = settings::chosen(&form, hall.porch.prefs.read());
        if let Err(failure) = hall.porch.prefs.write(&prefs) {
            return settings::not_kept(&hall, &failure);
        }
    }
    hall.act(asked, form, settings::looks_kept).await
}

async fn sync_now(State(hall): State<Shared>, asked: Asked, body: Bytes) -> Response {
    let form = Form::read(&body);
    let ended = if hall.is_ours(&asked, &form) {
        let node = Arc::clone(&hall.node);
        let syncing = tokio::spawn(async move { node.sync_once().await });
        // One that takes longer goes on, and the page hears of what comes.
        timeout(SYNC_PATIENCE, syncing).await.ok()
    } else {
        // What comes from elsewhere is refused whatever it says.
        None
    };
    let ended = ended.map(|ended| match ended {
        Ok(synced) => synced.map(|_report| ()),
        Err(_panic) => Err(NodeError::Stopped),
    });
    hall.act(asked, form, move |_, moment, cx, form| {
        Ok(sync::answer(moment.now, cx, form, ended))
    })
    .await
}
