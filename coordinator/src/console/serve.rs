//! `banyan serve`: the console, as long as the program runs.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::json;
use sync_node::{Home, Live, Node};
use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::cx::Net;
use super::hall::{Hall, Shared};
use super::house::{self, House, Name, Place};
use super::porch::Porch;
use super::prefs::PrefsFile;
use super::views::shared::Beside;
use super::{news, routes};
use crate::cli::ServeArgs;
use crate::commands::App;
use crate::commands::sync::{asked_to_end, runtime, stop};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::text::Text;

/// Where the console is unless somebody says otherwise.
const PORT: u16 = 7420;

/// A community that is served: the folder it is kept in, and its node or why there is none.
#[derive(Debug)]
pub(crate) struct Kept {
    pub(crate) dir: PathBuf,
    pub(crate) node: Result<Arc<Node>, Failure>,
}

/// A data folder, or why it cannot be unlocked.
pub(crate) type Found = (PathBuf, Result<Home, Failure>);

/// Serves what is in these folders. One that cannot be opened does not hinder the others.
pub(crate) fn run(app: &mut App, args: &ServeArgs, homes: Vec<Found>) -> Result<(), Failure> {
    let runtime = runtime()?;
    let kept: Vec<Kept> = homes
        .into_iter()
        .map(|(dir, home)| Kept {
            node: home.and_then(|home| open(&home, runtime.handle())),
            dir,
        })
        .collect();
    let failures = kept.iter().map(|kept| kept.node.as_ref().err());
    if let Some(first) = failures.collect::<Option<Vec<_>>>() {
        let first = first.into_iter().next().cloned();
        return Err(first.unwrap_or_else(|| Failure::internal("no folder to serve")));
    }
    let nodes: Vec<Arc<Node>> = kept.iter().flat_map(|it| &it.node).cloned().collect();
    runtime.block_on(async {
        let result = serve(app, args.port, kept).await;
        for node in nodes {
            stop(node).await;
        }
        result
    })
}

fn open(home: &Home, runtime: &Handle) -> Result<Arc<Node>, Failure> {
    let (replica, keys) = home.open()?;
    Ok(Arc::new(Node::start(replica, keys, runtime.clone())))
}

/// Serves communities until the program is asked to end.
pub(crate) async fn serve(
    app: &mut App,
    port: Option<u16>,
    kept: Vec<Kept>,
) -> Result<(), Failure> {
    let ending = asked_to_end()?;
    let listener = listen(port).await?;
    let port = listener.local_addr().map_err(Failure::internal)?.port();
    let (end, ends) = watch::channel(false);
    let mut tasks = JoinSet::new();
    let (porch, pages) = furnish(app, kept, (port, ends.clone()), &mut tasks).await?;
    tell(app, &porch)?;
    let served = axum::serve(listener, pages).with_graceful_shutdown(until(ends));
    tasks.spawn(async move {
        ending.await;
        end.send_replace(true);
    });
    served.await.map_err(Failure::internal)?;
    tasks.shutdown().await;
    Ok(())
}

/// Makes the pages, and keeps them told of what happens.
async fn furnish(
    app: &App,
    mut kept: Vec<Kept>,
    (port, ends): (u16, watch::Receiver<bool>),
    tasks: &mut JoinSet<()>,
) -> Result<(Porch, axum::Router), Failure> {
    let mut names = Vec::new();
    for kept in &mut kept {
        names.push(name_of(kept, &app.text).await);
    }
    let bases = house::bases(&names);
    let titles: Vec<&str> = names.iter().map(Name::title).collect();
    let beside: Vec<Beside> = bases
        .iter()
        .zip(&titles)
        .map(|(base, title)| Beside {
            href: format!("{base}/today"),
            name: (*title).to_owned(),
        })
        .collect();
    let is_one = kept.len() == 1;
    let shown = if is_one { Vec::new() } else { beside.clone() };
    let first = kept
        .first()
        .map_or_else(|| app.home.dir(), |kept| &kept.dir);
    let joint = app.text.say("word.and");
    let lang = app.text.lang();
    let prefs = PrefsFile::in_folder(first);
    let porch = Porch::new(port, ends, prefs, lang, &titles.join(&joint), shown);
    let mut places = Vec::new();
    for ((kept, base), beside) in kept.into_iter().zip(bases).zip(beside) {
        let hall = match kept.node {
            Ok(node) => enliven(&porch, node, &kept.dir, &beside.name, lang, tasks).await,
            Err(failure) => Err(failure),
        };
        let hall = hall.map_err(|failure| failure.with("path", kept.dir.display()));
        places.push(Place { beside, base, hall });
    }
    let pages = match places.as_slice() {
        [Place { hall: Ok(hall), .. }] => routes::of_one(Arc::clone(hall)),
        _ => routes::of_many(House {
            porch: porch.clone(),
            places: places.into(),
        }),
    };
    Ok((porch, pages))
}

/// What a community is called; one that cannot even say that counts as not open.
async fn name_of(kept: &mut Kept, text: &Text) -> Name {
    let named = match &kept.node {
        Ok(node) => Name::of(node, text).await,
        Err(failure) => Err(failure.clone()),
    };
    named.unwrap_or_else(|failure| {
        kept.node = Err(failure);
        Name::of_folder(&kept.dir)
    })
}

/// A community goes live, and its pages hear of what happens in it.
async fn enliven(
    porch: &Porch,
    node: Arc<Node>,
    dir: &Path,
    title: &str,
    lang: sync_core::schema::Lang,
    tasks: &mut JoinSet<()>,
) -> Result<Shared, Failure> {
    let (net, heard) = watch::channel(Net::default());
    let live = Live::start_or_wait(Arc::clone(&node)).await?;
    let hall = Hall::new(porch.clone(), node, heard, title.to_owned(), dir);
    tasks.spawn(news::follow(Arc::clone(&hall.node), hall.board.clone()));
    tasks.spawn(news::listen(
        live,
        net,
        hall.board.clone(),
        porch.text(lang),
    ));
    Ok(Arc::new(hall))
}

async fn until(mut ends: watch::Receiver<bool>) {
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

fn tell(app: &mut App, porch: &Porch) -> Result<(), Failure> {
    let link = porch.new_link();
    if app.is_json {
        app.out
            .json_line(&json!({ "link": link, "port": porch.port }))?;
    } else {
        app.say("out.serve.link", &[("link", &link)])?;
        app.say("out.serve.end", &[])?;
    }
    app.out.flush()
}
