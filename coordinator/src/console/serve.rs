//! `banyan serve`: the console, as long as the program runs.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use sync_node::{Home, Live, Node};
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::cx::Net;
use super::hall::{Hall, Shared};
use super::house::{self, House, Name, Place};
use super::porch::Porch;
use super::prefs::PrefsFile;
use super::site::Site;
use super::views::shared::Beside;
use super::{begin, news, routes};
use crate::cli::ServeArgs;
use crate::commands::App;
use crate::commands::sync::{runtime, stop};
use crate::failure::Failure;
use crate::text::Text;

/// A community that is served: the folder it is kept in, and its node or why there is none.
#[derive(Debug)]
pub(crate) struct Kept {
    pub(crate) dir: PathBuf,
    pub(crate) node: Result<Arc<Node>, Failure>,
}

/// A data folder, or why it cannot be unlocked.
pub(crate) type Found = (PathBuf, Result<Home, Failure>);

/// Serves what is in these folders. One that cannot be opened does not hinder the others; one alone in which
/// there is nothing yet asks how to begin.
pub(crate) fn run(app: &mut App, args: &ServeArgs, homes: Vec<Found>) -> Result<(), Failure> {
    let runtime = runtime()?;
    runtime.block_on(async {
        let site = match homes.as_slice() {
            [(_, Ok(home))] if begin::is_needed(home) => {
                let mut site = Site::open(args.port).await?;
                if !begin::wait(app, &mut site, home).await? {
                    return Ok(());
                }
                Some(site)
            }
            _ => None,
        };
        let kept = open_all(homes)?;
        let nodes: Vec<Arc<Node>> = kept.iter().flat_map(|it| &it.node).cloned().collect();
        let result = match site {
            Some(site) => serve_at(app, site, kept).await,
            None => serve(app, args.port, kept).await,
        };
        for node in nodes {
            stop(node).await;
        }
        result
    })
}

/// Opens all; fails if none opens.
fn open_all(homes: Vec<Found>) -> Result<Vec<Kept>, Failure> {
    let kept: Vec<Kept> = homes
        .into_iter()
        .map(|(dir, home)| Kept {
            node: home.and_then(|home| open(&home)),
            dir,
        })
        .collect();
    let failures = kept.iter().map(|kept| kept.node.as_ref().err());
    match failures.collect::<Option<Vec<_>>>() {
        None => Ok(kept),
        Some(all) => {
            let first = all.into_iter().next().cloned();
            Err(first.unwrap_or_else(|| Failure::internal("no folder to serve")))
        }
    }
}

fn open(home: &Home) -> Result<Arc<Node>, Failure> {
    let (replica, keys) = home.open()?;
    Ok(Arc::new(Node::start(replica, keys, Handle::current())))
}

/// Serves communities until the program is asked to end.
pub(crate) async fn serve(
    app: &mut App,
    port: Option<u16>,
    kept: Vec<Kept>,
) -> Result<(), Failure> {
    let site = Site::open(port).await?;
    serve_at(app, site, kept).await
}

async fn serve_at(app: &mut App, mut site: Site, kept: Vec<Kept>) -> Result<(), Failure> {
    let mut tasks = JoinSet::new();
    let (porch, pages) = furnish(app, kept, &site, &mut tasks).await?;
    site.show(pages);
    site.is_open.send_replace(true);
    site.tell(app, &porch)?;
    site.until_end().await?;
    tasks.shutdown().await;
    Ok(())
}

/// Makes the pages, and keeps them told of what happens.
async fn furnish(
    app: &App,
    mut kept: Vec<Kept>,
    site: &Site,
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
    let porch = Porch::new(site, prefs, lang, &titles.join(&joint), shown);
    let mut places = Vec::new();
    for ((kept, base), beside) in kept.into_iter().zip(bases).zip(beside) {
        let hall = match kept.node {
            Ok(node) => Ok(enliven(&porch, node, &kept.dir, &beside.name, lang, tasks)),
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
fn enliven(
    porch: &Porch,
    node: Arc<Node>,
    dir: &Path,
    title: &str,
    lang: sync_core::schema::Lang,
    tasks: &mut JoinSet<()>,
) -> Shared {
    let (net, heard) = watch::channel(Net::default());
    let live = Live::start_or_wait(Arc::clone(&node));
    let hall = Hall::new(porch.clone(), node, heard, title.to_owned(), dir);
    tasks.spawn(news::follow(Arc::clone(&hall.node), hall.board.clone()));
    tasks.spawn(news::listen(
        live,
        net,
        hall.board.clone(),
        porch.text(lang),
    ));
    Arc::new(hall)
}
