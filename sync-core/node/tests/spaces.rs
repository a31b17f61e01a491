//! Spaces that are made while phones are live.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use relay::config::RelayConfig;
use relay::server::RelayServer;
use sync_core::replica::Replica;
use sync_core::roster::role::{Role, Scope};
use sync_core::store::RowFilter;
use sync_node::{Home, Live, LiveEvent, Node};
use tokio::runtime::Handle;

/// Far longer than anything here takes; a test that reaches it has failed.
const PATIENCE: Duration = Duration::from_secs(60);

async fn relay(folder: &Path) -> RelayServer {
    let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let config = RelayConfig::open(&folder.join("relay"), listen);
    RelayServer::start(config).await.unwrap()
}

/// A live phone that has everything.
async fn live(node: &Arc<Node>) -> Live {
    let live = Live::start_alone(Arc::clone(node)).await.unwrap();
    let caught_up =
        async { while !matches!(live.next_event().await.unwrap(), LiveEvent::CaughtUp(_)) {} };
    tokio::time::timeout(PATIENCE, caught_up).await.unwrap();
    live
}

async fn until(node: &Node, holds: fn(&Replica) -> bool) {
    let mut changes = node.changes();
    let so = async {
        while !node.call(move |replica, _| holds(replica)).await.unwrap() {
            changes.changed().await.unwrap();
        }
    };
    tokio::time::timeout(PATIENCE, so).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn live_phone_hears_what_is_written_in_a_space_that_it_has_made_meanwhile() {
    let folder = tempfile::tempdir().unwrap();
    let relay = relay(folder.path()).await;
    let home = Home::at(&folder.path().join("lead"));
    let (founding, keys) = home.found("丹灶镇", "李芳", &[relay.relay_addr()]).unwrap();
    let lead = Arc::new(Node::start(founding.replica, keys, Handle::current()));
    let ticket = lead
        .call(|replica, moment| replica.invite(Scope::Community, Role::Volunteer, 1, moment))
        .await
        .unwrap()
        .unwrap();
    lead.sync_once().await.unwrap();
    let home = Home::at(&folder.path().join("helper"));
    let (replica, keys) = home.join(&ticket, "陈明").unwrap();
    let helper = Arc::new(Node::start(replica, keys, Handle::current()));
    helper.sync_once().await.unwrap();
    lead.sync_once().await.unwrap();

    let _lives = (live(&lead).await, live(&helper).await);
    let made = lead.call(|replica, moment| replica.add_space("沙滘村", moment));
    made.await.unwrap().unwrap();
    until(&helper, |replica| replica.find_space("沙滘村").is_ok()).await;
    let written = helper.call(|replica, moment| {
        let space = replica.find_space("沙滘村").unwrap();
        let kind = replica.schema().kind("need").unwrap().clone();
        let fields = ["title=路灯", "category=roads", "urgency=low"].map(str::to_owned);
        let fields = kind.parse_assignments(&fields).unwrap();
        replica.create("need", space, &fields, moment)
    });
    written.await.unwrap().unwrap();
    until(&lead, |replica| {
        let rows = replica.list(&RowFilter::default()).unwrap();
        rows.iter().any(|row| row.title == "路灯")
    })
    .await;
    relay.shut_down().await.unwrap();
}
