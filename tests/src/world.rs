//! A simulated world: a few phones and a relay in one thread, with virtual time and a seeded network.
//!
//! Everything that happens is drawn from one seed: who writes what, who meets whom, which bytes are
//! lost, who is killed at which write of their store. In the end everybody meets the relay until
//! nothing more flows; then all must have the same, and nothing that was durable may be missing.
//!
//! ```text
//! world      phones, relay, network, clock; one move after the other
//! net        streams that are slow and end anywhere
//! phone      a replica on a disk that can fail
//! talk       sessions: bytes in, frames to the replica, bytes out
//! ticks      what phones say of who has what, and what is so
//! moves      which move comes next
//! people     founding, spaces, invitations, joins
//! writing    records and edits
//! sticks     bundles that are carried by hand
//! flaws      bugs that a test plants
//! loss       lost keys, and the recovery sheet
//! villains   a member who keeps to no rule
//! faults     kills, full disks, backups, copies, strangers
//! hub        the relay
//! oracle     what was written, and what must be found of it in the end
//! heal       everybody meets until nothing flows
//! invariants what must hold
//! seeds      many worlds, and how a failing one is reported
//! ```

mod faults;
mod flaws;
mod heal;
mod hub;
mod invariants;
mod loss;
mod moves;
mod net;
mod oracle;
mod people;
mod phone;
mod seeds;
mod sticks;
mod talk;
mod ticks;
mod villains;
mod writing;

use std::collections::{BTreeMap, VecDeque};
use std::fmt::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};

use rand::rngs::ChaCha8Rng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use sync_core::id::{DeviceId, LaneId};
use thiserror::Error;

use hub::Hub;
use net::{ConnId, Net};
use oracle::Oracle;
use phone::Phone;

pub use seeds::{SeedsError, run_all, seeds_of_environment};

/// Moves of the shortest world.
const MOVES_MIN: usize = 30;
/// Moves of the longest.
const MOVES_MAX: usize = 120;
/// How many of the last moves a failure tells.
const MOVES_TOLD: usize = 40;
/// The world begins in November 2023.
const FIRST_MILLIS: i64 = 1_700_000_000_000;

/// A fault that a test plants, to see that the world reports it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Flaw {
    /// None: everything is as it will be shipped.
    #[default]
    None,
    /// The relay forgets its newest batch when it is restarted.
    RelayForgets,
    /// A phone's disk says that a commit is durable, and it is not: a kill loses it.
    CommitLies,
    /// A phone shows something other than its entries say.
    RowIsForged,
    /// A phone keeps the reading key of a space that it may not read.
    KeyIsStolen,
    /// The network loses bytes in the middle of a stream and goes on.
    StreamHasHoles,
    /// A phone does not notice that the relay was set back: it has no note of what the relay had said.
    RollbackIsMissed,
    /// A phone says that the relay has lost something, and it has not.
    LossIsInvented,
    /// What a member may not say or write counts all the same.
    VillainCounts,
}

/// Something that must never happen has happened.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{0}")]
pub(crate) struct Broken(String);

type Outcome<T = ()> = Result<T, Broken>;

/// Says what is wrong and where.
macro_rules! broken {
    ($($arg:tt)*) => { Err($crate::world::Broken(format!($($arg)*))) };
}
pub(crate) use broken;

/// A world that broke, with everything that is needed to see it again.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "world {seed}: {what}\n\nthe last moves:\n{moves}\nto see it again:\n  \
     BANYAN_SEED={seed} cargo test -p e2e world -- --nocapture\n"
)]
pub struct Failure {
    /// The seed.
    pub seed: u64,
    /// What must not be.
    pub what: String,
    /// The last moves, one a line.
    pub moves: String,
}

/// What happened in a world, in counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Summary {
    /// Moves made.
    pub moves: u64,
    /// Edits that were durable.
    pub edits: u64,
    /// Connections opened.
    pub connections: u64,
    /// Kills of phones and relay.
    pub kills: u64,
    /// Stores that went on from a copy.
    pub copies: u64,
    /// Phones that were cut off.
    pub revocations: u64,
    /// Times that the relay was set back to an old copy.
    pub rollbacks: u64,
    /// Times that the relay began to lie.
    pub lies: u64,
    /// Losses and lies of the relay that phones noticed.
    pub noticed: u64,
    /// Things that a malicious member said or wrote.
    pub villainies: u64,
    /// Phones of people who had let others in that were cut off.
    pub purges: u64,
    /// Phones that were lost with their keys.
    pub losses: u64,
    /// Communities that were taken up again with their sheet.
    pub recoveries: u64,
    /// Exports to sticks.
    pub sticks: u64,
    /// Entries that came by stick.
    pub carried: u64,
    /// Bytes that were offered in the end to phones that had them already.
    pub echoed_bytes: u64,
    /// A digest of all moves and of the final state: the same for the same seed.
    pub digest: u64,
}

/// The world.
#[derive(Debug)]
pub(crate) struct World {
    seed: u64,
    rng: ChaCha8Rng,
    flaw: Flaw,
    now: i64,
    net: Net,
    phones: Vec<Phone>,
    phones_max: usize,
    hub: Hub,
    spaces: Vec<LaneId>,
    spaces_max: usize,
    oracle: Oracle,
    /// Frames that were sent, for forgers.
    tape: VecDeque<Vec<u8>>,
    /// Connections of strangers and forgers, with the key that they show.
    intruders: BTreeMap<ConnId, DeviceId>,
    trace: Vec<String>,
    summary: Summary,
    is_verbose: bool,
    is_healing: bool,
    /// The relay is set back now and then.
    has_rollbacks: bool,
    /// The relay lies now and then.
    has_lies: bool,
    /// Somebody becomes a villain.
    has_villain: bool,
    villain: Option<villains::Villain>,
    /// Whoever may remove others does so without regard to whom they let in.
    has_purges: bool,
    /// Somebody takes the community up again with its sheet.
    has_recovery: bool,
    sheet: Option<[u8; 16]>,
    /// The phone that has.
    heir: Option<usize>,
    /// Every other world has none: those are as they were before there were any, so that a seed that once
    /// failed still says so.
    has_sticks: bool,
    sticks: Vec<sticks::Stick>,
    /// Somebody writes more than fits into one small file.
    has_long_texts: bool,
    is_long_written: bool,
}

/// Runs one world from its first move to the last check.
///
/// # Errors
/// [`Failure`] if an invariant does not hold or something panics.
pub fn run(seed: u64, flaw: Flaw) -> Result<Summary, Failure> {
    run_told(seed, flaw, false)
}

/// The same, and prints every move if it `is_verbose`.
fn run_told(seed: u64, flaw: Flaw, is_verbose: bool) -> Result<Summary, Failure> {
    let mut world = World::new(seed, flaw, is_verbose);
    let result = catch_unwind(AssertUnwindSafe(|| world.live()));
    let what = match result {
        Ok(Ok(())) => return Ok(world.summary),
        Ok(Err(Broken(what))) => what,
        Err(panic) => format!("panic: {}", words_of(&*panic)),
    };
    let from = world.trace.len().saturating_sub(MOVES_TOLD);
    let mut moves = String::new();
    for line in world.trace.iter().skip(from) {
        // Writing to a string does not fail.
        let _ = writeln!(moves, "  {line}");
    }
    Err(Failure { seed, what, moves })
}

fn words_of(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_default()
}

impl World {
    fn new(seed: u64, flaw: Flaw, is_verbose: bool) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let has_lies = rng.random_ratio(1, 5);
        let delay_max = [5, 200, 5_000].choose(&mut rng).copied().unwrap_or(5);
        Self {
            seed,
            flaw,
            now: FIRST_MILLIS,
            net: Net::new(delay_max),
            phones: Vec::new(),
            phones_max: rng.random_range(3..=7),
            hub: Hub::new(&mut rng),
            spaces: Vec::new(),
            spaces_max: rng.random_range(1..=3),
            oracle: Oracle::new(seed),
            tape: VecDeque::new(),
            intruders: BTreeMap::new(),
            trace: Vec::new(),
            summary: Summary::default(),
            is_verbose,
            is_healing: false,
            has_rollbacks: rng.random_ratio(1, 3),
            has_lies,
            has_villain: rng.random_ratio(1, 4),
            villain: None,
            has_purges: rng.random_ratio(1, 4),
            has_recovery: !has_lies && rng.random_ratio(1, 8),
            sheet: None,
            heir: None,
            sticks: Vec::new(),
            has_sticks: !seed.is_multiple_of(2),
            has_long_texts: seed % 24 == 1,
            is_long_written: false,
            rng,
        }
    }

    fn live(&mut self) -> Outcome {
        self.found()?;
        let moves = self.rng.random_range(MOVES_MIN..=MOVES_MAX);
        for _ in 0..moves {
            self.plant_on_the_way();
            self.make_move()?;
            self.summary.moves += 1;
            let pause = if self.rng.random_ratio(1, 3) {
                20_000
            } else {
                300
            };
            let until = self.now + self.rng.random_range(0..pause);
            self.flow(until)?;
            self.look()?;
            self.check_ticks()?;
        }
        self.heal()?;
        self.plant_in_the_end()?;
        self.check_all()?;
        self.summary.digest = self.digest()?;
        Ok(())
    }

    fn tell(&mut self, line: String) {
        let line = format!("{:>9} {line}", self.now - FIRST_MILLIS);
        if self.is_verbose {
            seeds::print_line(&line);
        }
        self.trace.push(line);
    }
}
