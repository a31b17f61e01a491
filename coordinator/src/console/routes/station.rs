//! Addresses of what keeps the station going: people, devices, what is held, the signed acts.

use axum::Router;

use super::{act, look};
use crate::console::hall::Shared;
use crate::console::pages::{audit, devices, held, member, more};

pub(super) fn routes() -> Router<Shared> {
    Router::new()
        .route("/more", look(more::view))
        .route("/member/{id}", look(member::view))
        .route("/member/{id}/grant", act(member::acts::grant))
        .route("/member/{id}/take-role", act(member::acts::take_role))
        .route("/member/{id}/remove", act(member::acts::remove))
        .route("/devices", look(devices::view))
        .route("/devices/add", act(devices::add))
        .route("/devices/remove", act(devices::remove))
        .route("/held", look(held::view).merge(act(held::decide)))
        .route("/audit", look(audit::view))
        .route("/audit/verify", act(audit::verify))
}
