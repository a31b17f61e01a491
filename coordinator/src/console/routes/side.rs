//! Addresses of what shows several communities together.

use std::convert::Infallible;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use axum::response::sse::{Event, Sse};
use axum::routing::get;
use futures_util::stream::{self, Stream, StreamExt as _};

use crate::console::answer;
use crate::console::asked::Asked;
use crate::console::cx::Cx;
use crate::console::house::House;
use crate::console::news;
use crate::console::pages::{communities, notices};
use crate::console::porch;

pub(super) fn routes() -> Router<House> {
    Router::new()
        .route("/", get(home))
        .route("/today", get(home))
        .route("/communities", get(show))
        .route("/events", get(events))
        .fallback(lost)
}

/// Every address of a community that could not be opened says why.
pub(super) fn closed(base: &Arc<str>) -> Router<House> {
    let why = |base: Arc<str>| {
        get(
            move |State(house): State<House>, asked: Asked| async move { why(&house, asked, &base) },
        )
    };
    Router::new()
        .route(base, why(Arc::clone(base)))
        .route(&format!("{base}/{{*page}}"), why(Arc::clone(base)))
}

async fn home(_asked: Asked) -> Response {
    answer::go("/communities")
}

async fn show(State(house): State<House>, asked: Asked) -> Response {
    let news = posted(&house);
    let told = house.summaries(&asked).await;
    let cx = Cx {
        news,
        ..house.porch.cx(asked, true)
    };
    let places = house.places.iter().zip(told);
    let shown = communities::page(&cx, places);
    // Nothing in it belongs to one community.
    porch::alone(&cx, &cx.say("console.com.title"), &shown)
}

fn why(house: &House, asked: Asked, base: &str) -> Response {
    let cx = house.porch.cx(asked, false);
    let mut places = house.places.iter();
    let place = places.find(|place| &*place.base == base);
    let failure = place.and_then(|place| place.hall.as_ref().err());
    let shown = failure.map_or_else(|| notices::missing(&cx), |it| notices::failed(&cx, it));
    porch::refuse(
        &cx,
        &house.porch.names,
        shown,
        StatusCode::SERVICE_UNAVAILABLE,
    )
}

async fn lost(State(house): State<House>, asked: Asked) -> Response {
    let cx = house.porch.cx(asked, false);
    let shown = notices::missing(&cx);
    porch::refuse(&cx, &house.porch.names, shown, StatusCode::NOT_FOUND)
}

/// News of all communities.
async fn events(
    State(house): State<House>,
    asked: Asked,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let open = house.places.iter().flat_map(|place| &place.hall);
    let each = open.map(|hall| news::stream_of(&hall.board, hall.porch.ends.clone()).boxed());
    let each = stream::select_all(each.collect::<Vec<_>>());
    news::lasting(news::after(&asked, posted(&house), each))
}

/// How much news there was of all communities so far.
fn posted(house: &House) -> u64 {
    let open = house.places.iter().flat_map(|place| &place.hall);
    open.map(|hall| hall.board.posted()).sum()
}
