//! `banyan demo`: six villages work without a network, meet the relay, and merge.
//!
//! Nothing in it is played: a real relay on a loopback socket, a store, keys and a QUIC connection
//! for every person, and three years of generated station work that they write themselves.
//!
//! ```text
//! cast: relay, coordinator, villages, volunteers → work: rounds without a network, then meetings
//!   → story: what a coordinator sees, and the proof that everybody has the same
//!   → week: what is in hand today → phone: one is lost, and somebody writes on with it → the console, on the coordinator's computer
//! ```

mod cast;
mod lost;
mod phone;
mod story;
mod week;
mod work;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};
use serde::Serialize;
use station::{Language, Scale, Telling};
use sync_core::schema::Lang;

use crate::commands::App;
use crate::console::{self, Kept};
use crate::demo::cast::Cast;
use crate::failure::Failure;
use crate::place;

/// The station whose work is shown: the six villages of Danzao, ten volunteers each.
const VILLAGES: usize = 6;
const VOLUNTEERS: usize = 10;
/// Most people that one computer plays at once; each has a thread and a connection.
const PEOPLE_MAX: usize = 600;

/// What `banyan demo` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[arg(long, value_name = "N", default_value_t = 2026)]
    pub(crate) seed: u64,
    #[arg(long, value_name = "N", default_value_t = VILLAGES, value_parser = at_least_one)]
    pub(crate) villages: usize,
    #[arg(long, value_name = "N", default_value_t = VOLUNTEERS, value_parser = at_least_one)]
    pub(crate) volunteers: usize,
    #[arg(long, conflicts_with_all = ["seed", "villages", "volunteers"])]
    pub(crate) lost_phone: bool,
    #[arg(long, value_name = "DIR")]
    pub(crate) keep: Option<PathBuf>,
    #[arg(long)]
    pub(crate) no_serve: bool,
}

fn at_least_one(text: &str) -> Result<usize, String> {
    match text.parse::<usize>() {
        Ok(number @ 1..=PEOPLE_MAX) => Ok(number),
        Ok(_) | Err(_) => Err(format!("1..={PEOPLE_MAX}")),
    }
}

/// What the demonstration came to, for `--json`.
#[derive(Debug, Default, Serialize)]
struct Outcome {
    seed: u64,
    villages: usize,
    people: usize,
    records: u64,
    changes: u64,
    conflicts: u64,
    held: u64,
    replicas_agreeing: usize,
    replicas: usize,
    digest: String,
    seconds: f64,
}

/// Runs the demonstration, then shows the coordinator's console on it.
pub(crate) fn run(app: &mut App, args: &Args) -> Result<(), Failure> {
    if args.lost_phone {
        return lost::run(app, args);
    }
    let started = Instant::now();
    if args.villages.saturating_mul(args.volunteers) > PEOPLE_MAX {
        return Err(
            Failure::new(crate::exit::Exit::Usage, "demo.too_many").with("most", PEOPLE_MAX)
        );
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(Failure::internal)?;
    runtime.block_on(async {
        let mut story = story::Story {
            text: &app.text,
            out: &mut app.out,
            is_json: app.is_json,
            started,
        };
        let (outcome, cast) = play(args, &mut story).await?;
        let result = if args.no_serve {
            Ok(())
        } else {
            show(app, &cast).await
        };
        cast.finish().await?;
        result?;
        if outcome.replicas_agreeing == outcome.replicas {
            return Ok(());
        }
        Err(Failure::new(crate::exit::Exit::Internal, "demo.disagree"))
    })
}

/// The console on the coordinator's computer, with the relay still there.
async fn show(app: &mut App, cast: &Cast) -> Result<(), Failure> {
    if !app.is_json {
        app.out.line("")?;
        app.say("demo.look", &[])?;
    }
    let kept = Kept {
        dir: cast.coordinator_dir.clone(),
        node: Ok(Arc::clone(&cast.coordinator)),
    };
    console::serve(app, None, vec![kept]).await
}

async fn play(args: &Args, story: &mut story::Story<'_>) -> Result<(Outcome, Cast), Failure> {
    let scale = scale(args);
    let station = station::generate_as(args.seed, &scale, &telling(story.text.lang()));
    let people = station.volunteers.len();
    let villages = story.text.count("demo.villages", args.villages as u64);
    let volunteers = story.text.count("demo.volunteers", people as u64);
    story.say(
        "demo.begin",
        &[("villages", villages), ("people", volunteers)],
    )?;
    let mut cast = Cast::assemble(args.keep.as_deref(), &station, story).await?;
    let changes = work::three_years(&mut cast, &station, story).await?;
    let proof = cast.compare().await?;
    story.table(&cast).await?;
    story.conflict(&cast).await?;
    story.statistics(&cast).await?;
    story.proof(&proof)?;
    week::is_worked(&cast, story).await?;
    phone::is_lost(&cast, story).await?;
    cast.go_home().await;
    let status = cast.status().await?;
    let outcome = Outcome {
        seed: args.seed,
        villages: args.villages,
        people: people + 1,
        records: status.records.iter().map(|(_, _, count)| count).sum(),
        changes,
        conflicts: status.conflicts,
        held: status.held,
        replicas_agreeing: proof.agreeing,
        replicas: proof.replicas,
        digest: proof.digest,
        seconds: story.started.elapsed().as_secs_f64(),
    };
    if story.is_json {
        story.out.json(&outcome)?;
        story.out.flush()?;
    }
    story.ending(args.keep.as_deref(), args.no_serve)?;
    Ok((outcome, cast))
}

/// The three years end with last week, so that what people look at is about now.
fn telling(lang: Lang) -> Telling {
    let now = Timestamp::from_millisecond(place::now().0).unwrap_or(Timestamp::UNIX_EPOCH);
    let today = now.to_zoned(TimeZone::system()).date();
    let past = i64::from(today.weekday().to_monday_zero_offset());
    let monday = today.saturating_sub(past.days());
    Telling {
        first_day: monday.saturating_sub(Telling::BEGIN_DAYS.days()),
        end: Some(monday),
        language: Some(match lang {
            Lang::Zh => Language::Chinese,
            Lang::En => Language::English,
        }),
    }
}

/// The work grows with the number of people, as it does in life.
fn scale(args: &Args) -> Scale {
    let whole = Scale::times(1);
    let people = args.villages * args.volunteers;
    let share = |count: usize| (count * people).div_ceil(VILLAGES * VOLUNTEERS).max(1);
    Scale {
        villages: args.villages,
        volunteers_per_village: args.volunteers,
        visits: share(whole.visits),
        proposals: share(whole.proposals),
        events: share(whole.events),
        needs: share(whole.needs),
    }
}
