//! `banyan serve`: the console, as long as the program runs.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use serde_json::json;
use sync_node::{Live, Node};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::cx::Net;
use super::hall::{Hall, Shared};
use super::prefs::PrefsFile;
use super::{news, routes};
use crate::cli::ServeArgs;
use crate::commands::App;
use crate::commands::sync::{asked_to_end, runtime, stop};
use crate::exit::Exit;
use crate::failure::Failure;

/// Where the console is unless somebody says otherwise.
const PORT: u16 = 7420;

pub(crate) fn run(app: &mut App, args: &ServeArgs) -> Result<(), Failure> {
    let (replica, keys) = app.open()?;
    let runtime = runtime()?;
    let node = Arc::new(Node::start(replica, keys, runtime.handle().clone()));
    runtime.block_on(async {
        let result = serve(app, args, &node).await;
        stop(node).await;
        result
    })
}

async fn serve(app: &mut App, args: &ServeArgs, node: &Arc<Node>) -> Result<(), Failure> {
    let ending = asked_to_end()?;
    let listener = listen(args.port).await?;
    let port = listener.local_addr().map_err(Failure::internal)?.port();
    let (net, heard) = watch::channel(Net::default());
    let (end, ends) = watch::channel(false);
    let title = node.call(|replica, _| replica.title()).await?;
    let hall = Arc::new(Hall::new(
        Arc::clone(node),
        port,
        heard,
        ends.clone(),
        PrefsFile::in_folder(app.home.dir()),
        app.text.lang(),
        title.unwrap_or_else(|| app.text.say("word.unknown_title")),
    ));
    let mut tasks = JoinSet::new();
    tasks.spawn(news::follow(Arc::clone(node), hall.board.clone()));
    let live = Live::start_or_wait(Arc::clone(node)).await?;
    let text = hall.text(app.text.lang());
    tasks.spawn(news::listen(live, net, hall.board.clone(), text));
    tell(app, &hall)?;
    let served = axum::serve(listener, routes::all(hall)).with_graceful_shutdown(until(ends));
    tasks.spawn(async move {
        ending.await;
        end.send_replace(true);
    });
    served.await.map_err(Failure::internal)?;
    tasks.shutdown().await;
    Ok(())
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

fn tell(app: &mut App, hall: &Shared) -> Result<(), Failure> {
    let link = hall.new_link();
    if app.is_json {
        app.out
            .json_line(&json!({ "link": link, "port": hall.port }))?;
    } else {
        app.say("out.serve.link", &[("link", &link)])?;
        app.say("out.serve.end", &[])?;
    }
    app.out.flush()
}
