//! Who takes part: a relay, a coordinator, and the volunteers of each village, each on their own.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use relay::config::RelayConfig;
use relay::server::RelayServer;
use station::Station;
use sync_core::id::LaneId;
use sync_core::replica::{Replica, Status};
use sync_core::roster::role::{Role, Scope};
use sync_core::roster::ticket::Ticket;
use sync_core::schema::Lang;
use sync_node::{Home, Node, NodeError};
use tokio::runtime::Handle;
use tokio::task::JoinSet;

use crate::commands::sync::stop;
use crate::console::Tour;
use crate::demo::story::Story;
use crate::failure::Failure;

/// One volunteer.
#[derive(Debug)]
pub(super) struct Player {
    pub(super) node: Arc<Node>,
    pub(super) village: usize,
}

/// Everybody.
pub(super) struct Cast {
    /// Where the coordinator's data lies.
    pub(super) coordinator_dir: PathBuf,
    pub(super) coordinator: Arc<Node>,
    pub(super) players: Vec<Player>,
    pub(super) spaces: Vec<LaneId>,
    relay: RelayServer,
    /// Removed at the end unless the user keeps it.
    _temp: Option<tempfile::TempDir>,
}

/// Whether everybody has the same.
#[derive(Debug)]
pub(super) struct Proof {
    pub(super) digest: String,
    pub(super) agreeing: usize,
    pub(super) replicas: usize,
}

impl Cast {
    pub(super) async fn assemble(
        keep: Option<&Path>,
        station: &Station,
        story: &mut Story<'_>,
    ) -> Result<Self, Failure> {
        let (dir, temp) = folder(keep)?;
        let relay = start_relay(&dir.join("relay")).await?;
        let addr = relay.relay_addr();
        story.say("demo.relay", &[("addr", relay.addr())])?;
        let lang = story.text.lang();
        let title = story.text.say("demo.community");
        let name = story.text.say("demo.coordinator");
        let coordinator_dir = dir.join("coordinator");
        let (founding, keys) = Home::at(&coordinator_dir).found(&title, &name, &[addr])?;
        Tour::default().keep(&coordinator_dir)?;
        let coordinator = Arc::new(Node::start(founding.replica, keys, Handle::current()));
        let names: Vec<String> = station
            .villages
            .iter()
            .map(|village| in_lang(lang, &village.name_zh, &village.name_en))
            .collect();
        let spaces = add_spaces(&coordinator, names).await?;
        let tickets = invite_all(&coordinator, station, &spaces).await?;
        coordinator.sync_once().await?;
        story.say(
            "demo.invited",
            &[("people", volunteers(story, tickets.len()))],
        )?;
        let players = join_all(&dir, station, tickets, lang).await?;
        coordinator.sync_once().await?;
        let cast = Self {
            coordinator_dir,
            coordinator,
            players,
            spaces,
            relay,
            _temp: temp,
        };
        cast.meet().await?;
        story.say(
            "demo.joined",
            &[("people", volunteers(story, cast.players.len()))],
        )?;
        Ok(cast)
    }

    /// Everybody meets the relay, then the coordinator looks; returns the entries that flowed.
    pub(super) async fn meet(&self) -> Result<u64, Failure> {
        let everybody: BTreeSet<usize> = (0..self.players.len()).collect();
        self.meet_after(&everybody).await
    }

    /// Those who wrote meet the relay, then all of their villages, who fetch what is new.
    pub(super) async fn meet_after(&self, writers: &BTreeSet<usize>) -> Result<u64, Failure> {
        let village_of = |index: &usize| self.players.get(*index).map(|player| player.village);
        let villages: BTreeSet<usize> = writers.iter().filter_map(village_of).collect();
        let readers = (self.players.iter().enumerate())
            .filter(|(_, player)| villages.contains(&player.village))
            .map(|(index, _)| index)
            .collect();
        // Twice: what one sends while another has already left is fetched in the second meeting.
        let sent = self.meet_once(writers).await?;
        let coordinator = async { Ok(self.coordinator.sync_once().await?) };
        let (more, _) = tokio::try_join!(self.meet_once(&readers), coordinator)?;
        Ok(sent + more)
    }

    async fn meet_once(&self, who: &BTreeSet<usize>) -> Result<u64, Failure> {
        let mut meetings = JoinSet::new();
        for player in who.iter().filter_map(|index| self.players.get(*index)) {
            let node = Arc::clone(&player.node);
            meetings.spawn(async move { node.sync_once().await });
        }
        let mut sent = 0;
        while let Some(met) = meetings.join_next().await {
            sent += met.map_err(Failure::internal)??.sent;
        }
        Ok(sent)
    }

    pub(super) async fn status(&self) -> Result<Status, Failure> {
        Ok(self
            .coordinator
            .call(|replica, _| replica.status())
            .await??)
    }

    /// Compares what every phone shows of its village with what the coordinator shows of it.
    pub(super) async fn compare(&self) -> Result<Proof, Failure> {
        let mut expected = Vec::new();
        for space in &self.spaces {
            expected.push(view_digest(&self.coordinator, *space).await?);
        }
        let mut agreeing = 1;
        for player in &self.players {
            let space = self.spaces.get(player.village).copied();
            let space = space.ok_or_else(|| Failure::internal("a village without a space"))?;
            let shown = view_digest(&player.node, space).await?;
            agreeing += usize::from(expected.get(player.village) == Some(&shown));
        }
        let digest = self
            .coordinator
            .call(|replica, _| replica.status())
            .await??
            .digest;
        Ok(Proof {
            digest,
            agreeing,
            replicas: self.players.len() + 1,
        })
    }

    /// The volunteers' phones are put away.
    pub(super) async fn go_home(&mut self) {
        for player in std::mem::take(&mut self.players) {
            if let Some(node) = Arc::into_inner(player.node) {
                node.stop().await;
            }
        }
    }

    pub(super) async fn finish(mut self) -> Result<(), Failure> {
        self.go_home().await;
        stop(self.coordinator).await;
        self.relay.shut_down().await.map_err(Failure::internal)
    }
}

/// A real relay, on a free port of this computer alone.
async fn start_relay(data: &Path) -> Result<RelayServer, Failure> {
    let config = RelayConfig::open(data, (std::net::Ipv4Addr::LOCALHOST, 0).into());
    RelayServer::start(config).await.map_err(Failure::internal)
}

async fn view_digest(node: &Node, space: LaneId) -> Result<String, Failure> {
    let digest = node
        .call(move |replica, _| replica.view_digest(&space))
        .await??;
    Ok(digest.to_hex().to_string())
}

fn volunteers(story: &Story<'_>, count: usize) -> String {
    story.text.count("demo.volunteers", count as u64)
}

pub(super) fn folder(keep: Option<&Path>) -> Result<(PathBuf, Option<tempfile::TempDir>), Failure> {
    match keep {
        Some(dir) => {
            if dir
                .read_dir()
                .is_ok_and(|mut entries| entries.next().is_some())
            {
                return Err(Failure::new(crate::exit::Exit::Usage, "demo.not_empty")
                    .with("path", dir.display()));
            }
            std::fs::create_dir_all(dir).map_err(|error| Failure::io(dir, &error))?;
            Ok((dir.to_owned(), None))
        }
        None => {
            let temp = tempfile::tempdir().map_err(Failure::internal)?;
            Ok((temp.path().to_owned(), Some(temp)))
        }
    }
}

pub(super) fn in_lang(lang: Lang, zh: &str, en: &str) -> String {
    match lang {
        Lang::Zh => zh.to_owned(),
        Lang::En => en.to_owned(),
    }
}

async fn add_spaces(node: &Node, names: Vec<String>) -> Result<Vec<LaneId>, Failure> {
    let spaces = node
        .call(move |replica, moment| {
            names
                .iter()
                .map(|name| replica.add_space(name, moment))
                .collect::<Result<Vec<_>, _>>()
        })
        .await??;
    Ok(spaces)
}

/// The first volunteer of each village leads it.
async fn invite_all(
    node: &Node,
    station: &Station,
    spaces: &[LaneId],
) -> Result<Vec<Ticket>, Failure> {
    let mut led = BTreeSet::new();
    let invitations: Vec<(LaneId, Role)> = station
        .volunteers
        .iter()
        .filter_map(|person| {
            let role = if led.insert(person.village) {
                Role::Lead
            } else {
                Role::Volunteer
            };
            Some((*spaces.get(person.village)?, role))
        })
        .collect();
    let tickets = node
        .call(move |replica, moment| {
            invitations
                .iter()
                .map(|(space, role)| replica.invite(Scope::Space(*space), *role, 1, moment))
                .collect::<Result<Vec<_>, _>>()
        })
        .await??;
    Ok(tickets)
}

async fn join_all(
    dir: &Path,
    station: &Station,
    tickets: Vec<Ticket>,
    lang: Lang,
) -> Result<Vec<Player>, Failure> {
    let mut joins = JoinSet::new();
    for (index, (person, ticket)) in station.volunteers.iter().zip(tickets).enumerate() {
        let home = Home::at(&dir.join(format!("volunteer-{:02}", index + 1)));
        let name = in_lang(lang, &person.name_zh, &person.name_en);
        let village = person.village;
        joins.spawn(async move {
            let (replica, keys): (Replica, _) = home.join(&ticket, &name).map_err(Failure::from)?;
            let node = Arc::new(Node::start(replica, keys, Handle::current()));
            node.sync_once()
                .await
                .map_err(|error: NodeError| Failure::from(error))?;
            Ok::<_, Failure>((index, Player { node, village }))
        });
    }
    let mut players = Vec::new();
    while let Some(joined) = joins.join_next().await {
        players.push(joined.map_err(Failure::internal)??);
    }
    players.sort_by_key(|(index, _)| *index);
    Ok(players.into_iter().map(|(_, player)| player).collect())
}
