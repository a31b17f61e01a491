//! A folder in which there is no community yet: the console asks how it is to begin, with a ticket or as a
//! further device of somebody who is in already. Then the same program goes on with the community's pages.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{FromRef, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use sync_core::replica::ReplicaError;
use sync_core::roster::pairing::DeviceInvitation;
use sync_core::roster::ticket::Ticket;
use sync_node::{Home, HomeError};
use tokio::sync::watch;

use super::answer::{self, Shown};
use super::asked::Asked;
use super::form::Form;
use super::pages::{begin as page, notices};
use super::porch::{self, Porch};
use super::prefs::PrefsFile;
use super::routes;
use super::site::{Site, until};
use crate::cli;
use crate::commands::App;
use crate::commands::device::not_this_text;
use crate::durable;
use crate::exit::Exit;
use crate::failure::Failure;

/// What a further device answers until it is added; no secret is in it.
const ANSWER_FILE: &str = "answer.txt";

/// What the pages of an empty folder share.
#[derive(Debug)]
pub(super) struct Begin {
    porch: Porch,
    home: Home,
    /// Becomes true once there is a community.
    begun: watch::Sender<bool>,
    /// Becomes true when its pages are there.
    is_open: watch::Receiver<bool>,
}

pub(super) type Shared = Arc<Begin>;

impl FromRef<Shared> for Porch {
    fn from_ref(begin: &Shared) -> Self {
        begin.porch.clone()
    }
}

/// Whether there is no community in a folder, and nothing that could be one.
pub(super) fn is_needed(home: &Home) -> bool {
    matches!(
        home.open(),
        Err(HomeError::NoFolder(_) | HomeError::Replica(ReplicaError::NoCommunity))
    )
}

/// Serves the question until it is answered, which is true, or the program is to end.
pub(super) async fn wait(app: &mut App, site: &mut Site, home: &Home) -> Result<bool, Failure> {
    let (begun, mut heard) = watch::channel(false);
    let prefs = PrefsFile::in_folder(home.dir());
    let name = app.text.say("console.begin.name");
    let porch = Porch::new(site, prefs, app.text.lang(), &name, Vec::new());
    let begin = Begin {
        porch: porch.clone(),
        home: home.clone(),
        begun,
        is_open: site.is_open.subscribe(),
    };
    site.show(routes::of_none(Arc::new(begin)));
    site.tell(app, &porch)?;
    let is_begun = tokio::select! {
        () = until(site.ends.clone()) => false,
        begun = heard.wait_for(|begun| *begun) => begun.is_ok(),
    };
    Ok(is_begun)
}

pub(super) fn pages() -> Router<Shared> {
    Router::new()
        .route("/", get(home))
        .route("/begin", get(show))
        .route("/begin/join", post(join))
        .route("/begin/device", post(join_as_device))
        .fallback(home)
}

async fn home(_asked: Asked) -> Response {
    answer::go("/begin")
}

async fn show(State(begin): State<Shared>, asked: Asked) -> Response {
    page_of(&begin, asked, &Form::default(), None)
}

fn page_of(
    begin: &Begin,
    asked: Asked,
    form: &Form,
    refused: Option<(&'static str, Failure)>,
) -> Response {
    let cx = begin.porch.cx(asked, false);
    let shown: Shown = page::view(&cx, begin.home.dir(), form, refused);
    porch::alone(&cx, &begin.porch.names, &shown)
}

async fn join(State(begin): State<Shared>, asked: Asked, body: Bytes) -> Response {
    act(begin, asked, &body, |home, form| {
        let ticket = form.get("ticket").trim().parse::<Ticket>();
        let ticket = ticket.map_err(|error| ("ticket", error.into()))?;
        let name = name_in(form, "name")?;
        let joined = home.join(&ticket, &name);
        joined.map_err(|error| ("ticket", error.into()))?;
        Ok(())
    })
    .await
}

async fn join_as_device(State(begin): State<Shared>, asked: Asked, body: Bytes) -> Response {
    act(begin, asked, &body, |home, form| {
        let invitation = form.get("text").trim().parse::<DeviceInvitation>();
        let invitation = invitation.map_err(|error| ("text", not_this_text(error)))?;
        let label = name_in(form, "label")?;
        let answer = home.join_as_device(&invitation, &label);
        let answer = answer.map_err(|error| ("text", error.into()))?;
        let path = home.dir().join(ANSWER_FILE);
        durable::write(&path, answer.to_string().as_bytes(), true).map_err(|error| ("text", error))
    })
    .await
}

/// Which field is not right, and why.
type Refused = (&'static str, Failure);

fn name_in(form: &Form, field: &'static str) -> Result<String, Refused> {
    let name = cli::name(form.get(field));
    name.map_err(|_| (field, Failure::new(Exit::Usage, "console.begin.bad_name")))
}

async fn act(
    begin: Shared,
    asked: Asked,
    body: &Bytes,
    act: fn(&Home, &Form) -> Result<(), Refused>,
) -> Response {
    let form = Form::read(body);
    if !begin.porch.is_ours(&asked, &form) {
        let cx = begin.porch.cx(asked, false);
        let shown = notices::stale(&cx);
        return porch::refuse(&cx, &begin.porch.names, shown, StatusCode::FORBIDDEN);
    }
    let (home, typed) = (begin.home.clone(), form.clone());
    let done = tokio::task::spawn_blocking(move || act(&home, &typed)).await;
    let done = done.unwrap_or_else(|error| Err(("", Failure::internal(error))));
    match done {
        Ok(()) => {
            begin.begun.send_replace(true);
            // Whoever is led on finds the community's pages there.
            until(begin.is_open.clone()).await;
            answer::go("/today")
        }
        Err(refused) => page_of(&begin, asked, &form, Some(refused)),
    }
}

/// What this device answers, for whoever adds it; none if it did not begin so.
pub(super) fn answer_in(dir: &Path) -> Option<String> {
    // A file that is gone is asked for in no other way than by beginning again.
    fs::read_to_string(dir.join(ANSWER_FILE)).ok()
}
