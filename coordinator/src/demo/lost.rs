//! `banyan demo --lost-phone`: what becomes of what is written on a phone that was lost.
//!
//! Nothing in it is played: the relay is a `banyan-relay` process, every person a data folder, and
//! every step a `banyan` process in one of them, with what people would type. What the story claims
//! it asks these programs afterwards, and it ends with a failure if any of it does not hold.
//!
//! ```text
//! programs: the two programs as processes → people: who they are, how they meet
//!   → acts: what happens, in order → claims: what has to be so
//! ```

mod acts;
mod claims;
mod people;
mod programs;

use std::path::Path;
use std::time::Instant;

use serde::Serialize;
use sync_node::Home;

use crate::cli::ServeArgs;
use crate::commands::App;
use crate::console::{self, Tour};
use crate::demo::Args;
use crate::demo::cast::folder;
use crate::demo::lost::acts::Scene;
use crate::demo::lost::claims::Claim;
use crate::demo::lost::programs::RelayProcess;
use crate::demo::story::Story;
use crate::exit::Exit;
use crate::failure::Failure;

/// The folder of the coordinator's data.
const COORDINATOR: &str = "coordinator";

/// What the story came to, for `--json`.
#[derive(Debug, Serialize)]
struct Outcome {
    people: usize,
    relay: String,
    lost_device: String,
    held: usize,
    released: usize,
    claims: Vec<Claim>,
    digest: String,
    seconds: f64,
}

/// Tells the story, then shows the coordinator's console on it.
pub(super) fn run(app: &mut App, args: &Args) -> Result<(), Failure> {
    let (dir, _temp) = folder(args.keep.as_deref())?;
    // The relay goes on until nobody looks any more.
    let _relay = tell(app, args, &dir)?;
    if args.no_serve {
        return Ok(());
    }
    let coordinator = dir.join(COORDINATOR);
    Tour::default().keep(&coordinator)?;
    if !app.is_json {
        app.out.line("")?;
        app.say("demo.look", &[])?;
    }
    let home = Home::at(&coordinator);
    console::run(
        app,
        &ServeArgs { port: None },
        vec![(coordinator, Ok(home))],
    )
}

fn tell(app: &mut App, args: &Args, dir: &Path) -> Result<RelayProcess, Failure> {
    let is_json = app.is_json;
    let mut story = Story {
        text: &app.text,
        out: &mut app.out,
        is_json,
        started: Instant::now(),
    };
    let scene = Scene::open(dir, &mut story)?;
    let (outcome, relay) = scene.play()?;
    let broken = outcome.claims.iter().find(|claim| !claim.holds);
    let verdict = match broken {
        Some(claim) => {
            Err(Failure::new(Exit::Internal, "demo.lost.broken").with("claim", &claim.said))
        }
        None => Ok(()),
    };
    if is_json {
        story.out.json(&outcome)?;
        story.out.flush()?;
        return verdict.map(|()| relay);
    }
    story.plain("")?;
    let seconds = format!("{:.1}", outcome.seconds);
    if verdict.is_ok() {
        let n = outcome.claims.len().to_string();
        story.line("demo.lost.took", &[("n", &n), ("seconds", &seconds)])?;
    }
    let path = dir.display().to_string();
    if args.keep.is_some() {
        story.line("demo.lost.kept", &[("path", &path)])?;
    } else if args.no_serve {
        story.line("demo.lost.keep_hint", &[])?;
    }
    story.out.flush()?;
    verdict.map(|()| relay)
}
