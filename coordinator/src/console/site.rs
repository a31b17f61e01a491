//! Where the console is: a port of this computer alone, one link, and the pages that are shown at the moment.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use axum::Router;
use axum::extract::{Request, State};
use axum::response::Response;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tower::ServiceExt as _;

use super::gate::Gate;
use super::porch::Porch;
use crate::commands::App;
use crate::commands::sync::asked_to_end;
use crate::exit::Exit;
use crate::failure::Failure;

/// Where the console is unless somebody says otherwise.
const PORT: u16 = 7420;

/// The pages that are shown at the moment.
type Pages = Arc<RwLock<Router>>;

/// Where the console is, as long as the program runs.
#[derive(Debug)]
pub(super) struct Site {
    pub(super) port: u16,
    /// Who is in.
    pub(super) gate: Arc<Mutex<Gate>>,
    /// Becomes true when the program ends.
    pub(super) ends: watch::Receiver<bool>,
    /// Becomes true when the pages of a community are there.
    pub(super) is_open: watch::Sender<bool>,
    pages: Pages,
    /// Nobody is answered before there are pages.
    listener: Option<TcpListener>,
    /// The link has been told.
    is_told: bool,
    serving: JoinSet<std::io::Result<()>>,
    _ending: JoinSet<()>,
}

impl Site {
    pub(super) async fn open(port: Option<u16>) -> Result<Self, Failure> {
        let ending = asked_to_end()?;
        let listener = listen(port).await?;
        let port = listener.local_addr().map_err(Failure::internal)?.port();
        let (end, ends) = watch::channel(false);
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            ending.await;
            end.send_replace(true);
        });
        Ok(Self {
            port,
            gate: Arc::default(),
            ends,
            is_open: watch::channel(false).0,
            pages: Arc::default(),
            listener: Some(listener),
            is_told: false,
            serving: JoinSet::new(),
            _ending: tasks,
        })
    }

    /// Shows these pages from now on, in place of others.
    pub(super) fn show(&mut self, pages: Router) {
        *self.pages.write().unwrap_or_else(PoisonError::into_inner) = pages;
        if let Some(listener) = self.listener.take() {
            let current = Router::new().fallback(answer);
            let current = current.with_state(Arc::clone(&self.pages));
            let served = axum::serve(listener, current);
            let served = served.with_graceful_shutdown(until(self.ends.clone()));
            self.serving.spawn(async move { served.await });
        }
    }

    /// Tells the link, once.
    pub(super) fn tell(&mut self, app: &mut App, porch: &Porch) -> Result<(), Failure> {
        if std::mem::replace(&mut self.is_told, true) {
            return Ok(());
        }
        let link = porch.new_link();
        if app.is_json {
            app.out
                .json_line(&json!({ "link": link, "port": self.port }))?;
        } else {
            app.say("out.serve.link", &[("link", &link)])?;
            app.say("out.serve.end", &[])?;
        }
        app.out.flush()
    }

    /// Comes back when the program is asked to end and everybody has been answered.
    pub(super) async fn until_end(mut self) -> Result<(), Failure> {
        match self.serving.join_next().await {
            Some(ended) => ended.map_err(Failure::internal)?.map_err(Failure::internal),
            None => Ok(()),
        }
    }
}

/// Answers with the pages that are shown at the moment.
async fn answer(State(pages): State<Pages>, request: Request) -> Response {
    let current = pages.read().unwrap_or_else(PoisonError::into_inner).clone();
    match current.oneshot(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    }
}

pub(super) async fn until(mut ends: watch::Receiver<bool>) {
    // An error says that the program has gone on without us, which is an end too.
    let _ended = ends.wait_for(|is_over| *is_over).await;
}

/// The port that was asked for; without one the usual, or any if that is taken.
async fn listen(asked: Option<u16>) -> Result<TcpListener, Failure> {
    let bind = |port| TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
    let taken = |port: u16| move |_| Failure::new(Exit::System, "err.port").with("port", port);
    match asked {
        Some(port) => bind(port).await.map_err(taken(port)),
        None => match bind(PORT).await {
            Ok(listener) => Ok(listener),
            Err(_) => bind(0).await.map_err(taken(PORT)),
        },
    }
}
