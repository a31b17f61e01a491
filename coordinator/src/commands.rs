//! The verbs, one file each.

pub(crate) mod account;
pub(crate) mod attach;
mod bundle;
pub(crate) mod certificate;
pub(crate) mod decide;
pub(crate) mod device;
pub(crate) mod duplicates;
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
mod nearby;
mod protect;
mod put;
mod recover;
mod replay;
pub(crate) mod report;
mod resolve;
pub(crate) mod revoke;
mod show;
mod space;
pub(crate) mod status;
pub(crate) mod sync;
pub(crate) mod verify;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use sync_core::keys::DeviceKeys;
use sync_core::replica::Replica;
use sync_node::Home;

use crate::cli::{Cli, DeviceVerb, ServeArgs, SpaceVerb, Verb};
use crate::console;
use crate::demo;
use crate::exit::Exit;
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
    fn new(cli: &Cli, text: Text, home: Home) -> Self {
        Self {
            text,
            is_json: cli.json,
            home,
            out: Out::new(),
        }
    }

    /// The replica and its keys; what is said from here on is in the words of its community.
    pub(crate) fn open(&mut self) -> Result<(Replica, Arc<DeviceKeys>), Failure> {
        let (replica, keys) = self.home.open()?;
        self.text = self.text.about(&replica);
        Ok((replica, keys))
    }

    fn replica(&mut self) -> Result<Replica, Failure> {
        Ok(self.open()?.0)
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
    let mut text = text;
    match run_verb(cli, &mut text) {
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
        Verb::Attach(_)
        | Verb::Attachments(_)
        | Verb::Bundle(_)
        | Verb::Certificate(_)
        | Verb::Device(_)
        | Verb::Discard(_)
        | Verb::Duplicates(_)
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
        | Verb::Nearby(_)
        | Verb::Passphrase(_)
        | Verb::Put(_)
        | Verb::Recover(_)
        | Verb::Release(_)
        | Verb::Report(_)
        | Verb::Resolve(_)
        | Verb::Revoke(_)
        | Verb::SaveAttachment(_)
        | Verb::Serve(_)
        | Verb::Show(_)
        | Verb::Space(_)
        | Verb::Status
        | Verb::Sync(_)
        | Verb::Verify
        | Verb::VerifyCertificate(_) => None,
    };
    let path = match kept {
        Some(keep) => keep.unwrap_or_else(std::env::temp_dir),
        None => match place::data_dir(cli.data.first().cloned()) {
            Ok(dir) => Home::at(&dir).store_path(),
            Err(_) => return String::new(),
        },
    };
    path.display().to_string()
}

/// The data folder; only `serve` takes several.
fn data_dir(cli: &Cli) -> Result<PathBuf, Failure> {
    let may_be_several = matches!(cli.verb, Verb::Serve(_));
    match cli.data.as_slice() {
        [_, second, ..] if !may_be_several => {
            Err(Failure::new(Exit::Usage, "err.usage.one_data").with("path", second.display()))
        }
        dirs => place::data_dir(dirs.first().cloned()),
    }
}

/// A data folder; if its keys are protected, with the passphrase, which is asked for this once.
fn unlocked(dir: &Path, cli: &Cli, text: &Text, is_named: bool) -> Result<Home, Failure> {
    let home = Home::at(dir);
    let has_homes_of_its_own = matches!(cli.verb, Verb::Demo(_) | Verb::Replay(_));
    if has_homes_of_its_own || !home.is_protected()? {
        return Ok(home);
    }
    let passphrase = passphrase::current(
        cli.passphrase_file.as_deref(),
        text,
        is_named.then_some(dir),
    )?;
    Ok(home.unlocked_by(passphrase))
}

/// `banyan serve`: what is in one folder, or in several.
fn serve(cli: &Cli, args: &ServeArgs, text: &mut Text) -> Result<(), Failure> {
    let homes = served(cli, text)?;
    let home = Home::at(homes.first().map_or_else(|| Path::new(""), |(dir, _)| dir));
    let mut app = App::new(cli, text.clone(), home);
    let done = console::run(&mut app, args, homes);
    *text = app.text;
    done?;
    app.out.flush()
}

/// The folders of the communities that are to be served.
fn served(cli: &Cli, text: &Text) -> Result<Vec<console::Found>, Failure> {
    let asked = match cli.data.as_slice() {
        [] => vec![data_dir(cli)?],
        asked => asked.to_vec(),
    };
    let dirs = place::communities_in(&asked);
    let is_one = dirs.len() == 1;
    let homes = dirs.into_iter().map(|dir| {
        let home = unlocked(&dir, cli, text, !is_one);
        (dir, home)
    });
    Ok(homes.collect())
}

/// Runs a command; a complaint about it is in the words that it knew in the end.
fn run_verb(cli: Cli, text: &mut Text) -> Result<(), Failure> {
    if let Verb::Serve(args) = &cli.verb {
        return serve(&cli, args, text);
    }
    let home = unlocked(&data_dir(&cli)?, &cli, text, false)?;
    let mut app = App::new(&cli, text.clone(), home);
    let done = run_in(&mut app, cli.verb);
    *text = app.text;
    done
}

fn run_in(app: &mut App, verb: Verb) -> Result<(), Failure> {
    match verb {
        Verb::Found(args) => found::run(app, args),
        Verb::Space(SpaceVerb::Add(args)) => space::add(app, &args),
        Verb::Space(SpaceVerb::List) => space::list(app),
        Verb::Invite(args) => invite::run(app, args),
        Verb::Join(args) => join::run(app, &args),
        Verb::Recover(args) => recover::run(app, &args),
        Verb::Put(args) => put::run(app, &args),
        Verb::Edit(args) => edit::run(app, &args),
        Verb::Resolve(args) => resolve::run(app, &args),
        Verb::Show(args) => show::run(app, &args),
        Verb::Attach(args) => attach::run(app, &args),
        Verb::Attachments(args) => attach::list(app, &args),
        Verb::SaveAttachment(args) => attach::save(app, &args),
        Verb::List(args) => list::run(app, args),
        Verb::Report(args) => account::run(app, &args),
        Verb::Export(args) => export::run(app, &args),
        Verb::Import(args) => import::run(app, &args),
        Verb::Bundle(verb) => bundle::run(app, &verb),
        Verb::Sync(args) => sync::run(app, &args),
        Verb::Nearby(args) => nearby::run(app, &args),
        // Has its own way, because it takes several folders.
        Verb::Serve(_) => Err(Failure::internal("serve is run by itself")),
        Verb::Status => status::run(app),
        Verb::Members => members::run(app),
        Verb::Grant(args) => grant::run(app, &args),
        Verb::Device(DeviceVerb::Add(args)) => device::add(app, &args),
        Verb::Device(DeviceVerb::Join(args)) => device::join(app, &args),
        Verb::Device(DeviceVerb::List) => device::list(app),
        Verb::Device(DeviceVerb::Remove(args)) => device::remove(app, &args),
        Verb::Revoke(args) => revoke::run(app, &args),
        Verb::Release(args) => decide::run(app, &args, false),
        Verb::Discard(args) => decide::run(app, &args, true),
        Verb::Erase(args) => erase::run(app, &args),
        Verb::Erasures => erase::list(app),
        Verb::Duplicates(args) => duplicates::run(app, &args),
        Verb::Held(args) => held::run(app, &args),
        Verb::Log => log::run(app),
        Verb::Verify => verify::run(app),
        Verb::Certificate(args) => certificate::run(app, &args),
        Verb::VerifyCertificate(args) => certificate::verify(app, &args),
        Verb::Passphrase(verb) => protect::run(app, &verb),
        Verb::Replay(args) => replay::run(app, &args),
        Verb::Demo(args) => demo::run(app, &args),
    }?;
    app.out.flush()
}
