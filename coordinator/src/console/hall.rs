//! What all pages of a community share, and how a page or a form is answered.

use std::path::Path;
use std::sync::Arc;

use axum::http::StatusCode;
use axum::response::Response;
use sync_core::replica::{Moment, Replica};
use sync_node::{Node, NodeError};
use tokio::sync::watch;

use super::answer::{self, Answer, Shown};
use super::asked::Asked;
use super::cx::{Cx, Net, Trouble};
use super::form::Form;
use super::gate::Flash;
use super::imports::Imports;
use super::news::Board;
use super::pages::notices;
use super::porch::{self, Porch, render};
use super::prefs::Prefs;
use super::proofs::Proofs;
use super::shell;
use super::views::shared::Shell;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::text::Text;

/// What all pages of a community share.
#[derive(Debug)]
pub(super) struct Hall {
    pub(super) porch: Porch,
    pub(super) node: Arc<Node>,
    pub(super) board: Board,
    net: watch::Receiver<Net>,
    /// The community's name, for pages without a frame.
    community: String,
    /// The file that is being imported.
    pub(super) imports: Imports,
    /// Whether all that is here is what was signed.
    pub(super) proofs: Proofs,
    /// Where this device keeps what it remembers of the community beside the store.
    dir: Arc<Path>,
}

/// The hall, as handlers hold it.
pub(super) type Shared = Arc<Hall>;

/// Makes a page.
pub(super) type Look = fn(&Replica, &Cx) -> Result<Shown, Trouble>;
/// Does what a form asks for.
pub(super) type Act = fn(&mut Replica, &mut Moment<'_>, &Cx, &Form) -> Result<Answer, Trouble>;

/// What comes out of the node's thread: a page with its frame, or where to go.
enum Made {
    Page(Box<Shell>, Shown),
    Go(String, Option<Flash>),
}

impl Hall {
    pub(super) fn new(
        porch: Porch,
        node: Arc<Node>,
        net: watch::Receiver<Net>,
        community: String,
        dir: &Path,
    ) -> Self {
        Self {
            porch,
            node,
            board: Board::new(),
            net,
            community,
            imports: Imports::default(),
            proofs: Proofs::default(),
            dir: dir.into(),
        }
    }

    pub(super) fn is_ours(&self, asked: &Asked, form: &Form) -> bool {
        self.porch.is_ours(asked, form)
    }

    /// The choices of this device, and the words in the language that was chosen.
    pub(super) fn looks(&self) -> (Prefs, Arc<Text>) {
        self.porch.looks()
    }

    pub(super) fn cx(&self, asked: Asked, takes_flash: bool) -> Cx {
        Cx {
            net: self.net.borrow().clone(),
            news: self.board.posted(),
            dir: Some(Arc::clone(&self.dir)),
            ..self.porch.cx(asked, takes_flash)
        }
    }

    /// Answers with a page.
    pub(super) async fn show(
        &self,
        asked: Asked,
        look: impl FnOnce(&Replica, &Cx) -> Result<Shown, Trouble> + Send + 'static,
    ) -> Response {
        // A page that is brought up to date may be one that is just being left.
        let takes_flash = !asked.is_live;
        let cx = self.cx(asked, takes_flash);
        let inner = cx.clone();
        let made = self
            .node
            .call(move |replica, _| {
                let inner = inner.about(replica);
                let made = look(replica, &inner).and_then(|shown| frame(replica, &inner, shown));
                (inner, made)
            })
            .await;
        self.answer(cx, made)
    }

    /// Answers a form.
    pub(super) async fn act<A>(&self, asked: Asked, form: Form, act: A) -> Response
    where
        A: FnOnce(&mut Replica, &mut Moment<'_>, &Cx, &Form) -> Result<Answer, Trouble>
            + Send
            + 'static,
    {
        if !self.is_ours(&asked, &form) {
            let cx = self.cx(asked, false);
            return self.refuse(&cx, notices::stale(&cx), StatusCode::FORBIDDEN);
        }
        let cx = self.cx(asked, false);
        let inner = cx.clone();
        let made = self
            .node
            .call(move |replica, moment| {
                let inner = inner.about(replica);
                let made = match act(replica, moment, &inner, &form) {
                    Ok(Answer::Go { to, flash }) => Ok(Made::Go(to, flash)),
                    Ok(Answer::Again(shown)) => again(replica, &inner, &form, shown),
                    Err(trouble) => refuse_act(&inner, &form, trouble),
                };
                (inner, made)
            })
            .await;
        self.answer(cx, made)
    }

    /// Answers with what came out of the node's thread, in the words that were known there.
    fn answer(&self, cx: Cx, made: Result<(Cx, Result<Made, Trouble>), NodeError>) -> Response {
        let (cx, made) = match made {
            Ok((inner, made)) => (inner, Ok(made)),
            Err(error) => (cx, Err(error)),
        };
        let cx = &cx;
        match made {
            Ok(Ok(Made::Page(shell, shown))) => render(cx, &shell, &shown),
            Ok(Ok(Made::Go(to, flash))) => {
                if let Some(flash) = flash {
                    self.porch.tell(&cx.asked, flash);
                }
                answer::go(&to)
            }
            Ok(Err(Trouble::Missing)) => {
                self.refuse(cx, notices::missing(cx), StatusCode::NOT_FOUND)
            }
            Ok(Err(Trouble::Failed(failure))) => {
                let status = status_of(failure.exit());
                self.refuse(cx, notices::failed(cx, &failure), status)
            }
            Err(error) => {
                let failure = Failure::from(error);
                let status = StatusCode::INTERNAL_SERVER_ERROR;
                self.refuse(cx, notices::failed(cx, &failure), status)
            }
        }
    }

    fn refuse(&self, cx: &Cx, shown: Shown, status: StatusCode) -> Response {
        porch::refuse(cx, &self.community, shown, status)
    }

    /// A page that is made without the replica, which may be long at something else.
    pub(super) fn alone(&self, asked: Asked, look: impl FnOnce(&Cx) -> Shown) -> Response {
        let cx = self.cx(asked, false);
        porch::alone(&cx, &self.community, &look(&cx))
    }

    /// A page without a frame.
    pub(super) fn bare(&self, shown: &Shown) -> Response {
        self.porch.bare(shown)
    }
}

/// A form that is shown once more, with what was typed.
fn again(replica: &Replica, cx: &Cx, form: &Form, shown: Shown) -> Result<Made, Trouble> {
    let mut shell = shell::build(replica, cx, &shown)?;
    // The address of a form is no page that one can come back to.
    shell.back = Answer::back_of(form);
    Ok(Made::Page(Box::new(shell), shown))
}

fn frame(replica: &Replica, cx: &Cx, shown: Shown) -> Result<Made, Trouble> {
    let shell = shell::build(replica, cx, &shown)?;
    Ok(Made::Page(Box::new(shell), shown))
}

/// A button that may not be pressed now leads back with a word; what cannot be stored gets a page of its own.
fn refuse_act(cx: &Cx, form: &Form, trouble: Trouble) -> Result<Made, Trouble> {
    match trouble {
        Trouble::Failed(failure)
            if matches!(
                failure.exit(),
                Exit::NoCommunity | Exit::NotAllowed | Exit::Unknown
            ) =>
        {
            Ok(Made::Go(
                Answer::back_of(form),
                Some(Flash::bad(cx.sentence(&failure))),
            ))
        }
        Trouble::Missing | Trouble::Failed(_) => Err(trouble),
    }
}

fn status_of(exit: Exit) -> StatusCode {
    #[expect(clippy::wildcard_enum_match_arm, reason = "all others are ours")]
    match exit {
        Exit::NoCommunity | Exit::NotAllowed | Exit::Refused => StatusCode::FORBIDDEN,
        Exit::DiskFull => StatusCode::INSUFFICIENT_STORAGE,
        Exit::StoreBusy => StatusCode::SERVICE_UNAVAILABLE,
        Exit::Usage => StatusCode::UNPROCESSABLE_ENTITY,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}
