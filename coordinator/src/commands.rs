//! The verbs, one file each.

pub(crate) mod decide;
pub(crate) mod device;
mod edit;
mod erase;
mod export;
mod found;
pub(crate) mod fresh;
pub(crate) mod grant;
pub(crate) mod held;
mod import;
mod invite;
mod join;
mod list;
pub(crate) mod log;
pub(crate) mod members;
mod protect;
mod put;
mod recover;
mod replay;
mod report;
pub(crate) mod revoke;
mod show;
mod space;
pub(crate) mod status;
pub(crate) mod sync;
pub(crate) mod verify;

use std::process::ExitCode;
use std::sync::Arc;

use sync_core::keys::DeviceKeys;
use sync_core::replica::Replica;
use sync_node::Home;

use crate::cli::{Cli, DeviceVerb, SpaceVerb, Verb};
use crate::console;
use crate::demo;
use crate::failure::Failure;
use crate::output::{self, Out};
use crate::passphrase;
use crate::place;
use crate::text::Text;

/// What every verb needs.
#[derive(Debug)]
pub(crate) struct App {
    pub(crate) text: Text,
    pub(crate) is_json: bool,
    pub(crate) home: Home,
    pub(crate) out: Out,
}

impl App {
    pub(crate) fn open(&self) -> Result<(Replica, Arc<DeviceKeys>), Failure> {
        Ok(self.home.open()?)
    }

    fn replica(&self) -> Result<Replica, Failure> {
        Ok(self.home.open()?.0)
    }

    /// A sentence on standard output.
    pub(crate) fn say(&mut self, key: &str, places: &[(&str, &str)]) -> Result<(), Failure> {
        let line = self.text.with(key, places);
        self.out.line(&line)
    }
}

/// Runs a command; a failure is told on standard error.
pub(crate) fn run(cli: Cli, text: Text) -> ExitCode {
    let is_json = cli.json;
    let store = store_of(&cli);
    match run_verb(cli, text.clone()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            // Which store it was is known here alone.
            let failure = failure.with("path", store);
            output::complain(&failure, &text, is_json);
            failure.exit().code()
        }
    }
}

/// Where the stores lie that a command works with, for its complaints.
fn store_of(cli: &Cli) -> String {
    let kept = match &cli.verb {
        Verb::Replay(args) => Some(args.keep.clone()),
        Verb::Demo(args) => Some(args.keep.clone()),
        Verb::Device(_)
        | Verb::Discard(_)
        | Verb::Edit(_)
        | Verb::Erase(_)
        | Verb::Erasures
        | Verb::Export(_)
        | Verb::Found(_)
        | Verb::Grant(_)
        | Verb::Held(_)
        | Verb::Import(_)
        | Verb::Invite(_)
        | Verb::Join(_)
        | Verb::List(_)
        | Verb::Log
        | Verb::Members
        | Verb::Passphrase(_)
        | Verb::Put(_)
        | Verb::Recover(_)
        | Verb::Release(_)
        | Verb::Revoke(_)
        | Verb::Serve(_)
        | Verb::Show(_)
        | Verb::Space(_)
        | Verb::Status
        | Verb::Sync(_)
        | Verb::Verify => None,
    };
    let path = match kept {
        Some(keep) => keep.unwrap_or_else(std::env::temp_dir),
        None => match place::data_dir(cli.data.clone()) {
            Ok(dir) => Home::at(&dir).store_path(),
            Err(_) => return String::new(),
        },
    };
    path.display().to_string()
}

/// The data folder; if its keys are protected, with the passphrase, which is asked for this once.
fn unlocked(cli: &Cli, text: &Text) -> Result<Home, Failure> {
    let home = Home::at(&place::data_dir(cli.data.clone())?);
    let has_homes_of_its_own = matches!(cli.verb, Verb::Demo(_) | Verb::Replay(_));
    if has_homes_of_its_own || !home.is_protected()? {
        return Ok(home);
    }
    let passphrase = passphrase::current(cli.passphrase_file.as_deref(), text)?;
    Ok(home.unlocked_by(passphrase))
}

fn run_verb(cli: Cli, text: Text) -> Result<(), Failure> {
    let home = unlocked(&cli, &text)?;
    let mut app = App {
        text,
        is_json: cli.json,
        home,
        out: Out::new(),
    };
    match cli.verb {
        Verb::Found(args) => found::run(&mut app, args),
        Verb::Space(SpaceVerb::Add(args)) => space::add(&mut app, &args),
        Verb::Space(SpaceVerb::List) => space::list(&mut app),
        Verb::Invite(args) => invite::run(&mut app, args),
        Verb::Join(args) => join::run(&mut app, &args),
        Verb::Recover(args) => recover::run(&mut app, &args),
        Verb::Put(args) => put::run(&mut app, &args),
        Verb::Edit(args) => edit::run(&mut app, &args),
        Verb::Show(args) => show::run(&mut app, &args),
        Verb::List(args) => list::run(&mut app, args),
        Verb::Export(args) => export::run(&mut app, &args),
        Verb::Import(args) => import::run(&mut app, &args),
        Verb::Sync(args) => sync::run(&mut app, &args),
        Verb::Serve(args) => console::run(&mut app, &args),
        Verb::Status => status::run(&mut app),
        Verb::Members => members::run(&mut app),
        Verb::Grant(args) => grant::run(&mut app, &args),
        Verb::Device(DeviceVerb::Add(args)) => device::add(&mut app, &args),
        Verb::Device(DeviceVerb::Join(args)) => device::join(&mut app, &args),
        Verb::Device(DeviceVerb::List) => device::list(&mut app),
        Verb::Device(DeviceVerb::Remove(args)) => device::remove(&mut app, &args),
        Verb::Revoke(args) => revoke::run(&mut app, &args),
        Verb::Release(args) => decide::run(&mut app, &args, false),
        Verb::Discard(args) => decide::run(&mut app, &args, true),
        Verb::Erase(args) => erase::run(&mut app, &args),
        Verb::Erasures => erase::list(&mut app),
        Verb::Held(args) => held::run(&mut app, &args),
        Verb::Log => log::run(&mut app),
        Verb::Verify => verify::run(&mut app),
        Verb::Passphrase(verb) => protect::run(&mut app, &verb),
        Verb::Replay(args) => replay::run(&mut app, &args),
        Verb::Demo(args) => demo::run(&args, app.is_json, &app.text, &mut app.out),
    }?;
    app.out.flush()
}
