//! Addresses of what keeps the station going: people, devices, what is held, the signed acts,
//! the schema, the sharing session.

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::response::Response;
use axum::routing::{get, post};

use super::{act, look};
use crate::console::asked::Asked;
use crate::console::cx::Trouble;
use crate::console::form::Form;
use crate::console::hall::Shared;
use crate::console::pages::{
    audit, devices, duplicates, held, member, more, reports, saved, schema, session, tour,
};
use crate::console::proofs::{self, Proof};

pub(super) fn routes() -> Router<Shared> {
    Router::new()
        .route("/tour", act(tour::choose))
        .route("/views", act(saved::save))
        .route("/views/remove", act(saved::remove))
        .route("/more", look(more::view))
        .route("/member/{id}", look(member::view))
        .route("/member/{id}/grant", act(member::acts::grant))
        .route("/member/{id}/take-role", act(member::acts::take_role))
        .route("/member/{id}/remove", act(member::acts::remove))
        .route(
            "/member/{id}/certificate",
            look(member::certificate::view).merge(act(member::certificate::make)),
        )
        .route("/devices", look(devices::view))
        .route("/devices/add", act(devices::add))
        .route("/devices/remove", act(devices::remove))
        .route("/held", look(held::view).merge(act(held::decide)))
        .route(
            "/duplicates",
            look(duplicates::view).merge(act(duplicates::settle)),
        )
        .route("/schema", look(schema::view))
        .route(
            "/schema/new",
            look(schema::blank).merge(act(schema::acts::make_kind)),
        )
        .route(
            "/schema/{kind}",
            look(schema::kind::view).merge(act(schema::acts::change_kind)),
        )
        .route("/schema/{kind}/field", act(schema::acts::field::add))
        .route(
            "/schema/{kind}/field/{field}",
            look(schema::kind::field).merge(act(schema::acts::field::change)),
        )
        .route("/schema/{kind}/up", act(schema::acts::move_up))
        .route("/schema/{kind}/retire", act(schema::acts::retire))
        .route("/session", look(session::current))
        .route("/session/{id}", look(session::view))
        .route("/session/{id}/agenda", act(session::acts::add_point))
        .route("/session/{id}/off", act(session::acts::take_off))
        .route("/session/{id}/resolve", act(session::agreed::acts::resolve))
        .route("/session/{id}/task", act(session::agreed::acts::give_task))
        .route("/session/{id}/move", act(session::agreed::acts::move_need))
        .route("/session/{id}/minutes", act(session::acts::note))
        .route("/session/{id}/attendance", act(session::acts::attend))
        .route("/session/{id}/guests", act(session::acts::count_guests))
        .route("/session/{id}/close", act(session::acts::close))
        .route("/reports", look(reports::view))
        .route("/reports/print", look(reports::print))
        .route("/notice", look(reports::notice::view))
        .route("/audit", look(audit::view))
        .route("/audit/verify", get(proved).merge(post(prove)))
}

/// Proves everything. One that takes long goes on: then the page says how far it is.
async fn prove(State(hall): State<Shared>, asked: Asked, body: Bytes) -> Response {
    let form = Form::read(&body);
    if hall.is_ours(&asked, &form) {
        proofs::prove(&hall).await;
        proved(State(hall), asked).await
    } else {
        // Refused for where it comes from.
        hall.act(asked, form, |_, _, _, _| Err(Trouble::Missing))
            .await
    }
}

async fn proved(State(hall): State<Shared>, asked: Asked) -> Response {
    match hall.proofs.now() {
        Proof::Doing { done, total } => hall.alone(asked, |cx| audit::underway(cx, done, total)),
        proof @ (Proof::Unasked | Proof::Done(..)) => {
            hall.show(asked, move |replica, cx| audit::proved(replica, cx, &proof))
                .await
        }
    }
}
