//! `banyan recover`: the community is taken up again with the recovery sheet.

use std::io::{self, BufRead, IsTerminal, Write};

use sync_core::peer::moment;
use sync_core::replica::ReplicaError;
use sync_core::roster::recovery::{self, RECOVERY_SECRET_LEN, RecoverySheet};
use sync_core::wire::Refusal;
use sync_node::HomeError;

use super::{App, found, sync};
use crate::cli::RecoverArgs;
use crate::exit::Exit;
use crate::failure::{Failure, refusal_key};
use crate::place;

/// What a person typed off the paper.
enum Typed {
    Key([u8; RECOVERY_SECRET_LEN]),
    Sheet(RecoverySheet),
}

pub(super) fn run(app: &mut App, args: &RecoverArgs) -> Result<(), Failure> {
    let words = args.key.join(" ");
    let text = if words.is_empty() { ask(app)? } else { words };
    let typed = read(&text)?;
    match app.home.open() {
        // What an attempt that led nowhere has left gives way.
        Ok((replica, _)) if !replica.roster().is_founded() => on_a_new_device(app, args, typed),
        Ok((mut replica, _)) => {
            let secret = match &typed {
                Typed::Key(secret) => secret,
                Typed::Sheet(sheet) if sheet.community == replica.community() => &*sheet.secret,
                Typed::Sheet(_) => return Err(ReplicaError::WrongRecoveryKey.into()),
            };
            let mut rng = rand::rng();
            replica.take_up(secret, &mut moment(place::now(), &mut rng))?;
            drop(replica);
            tell(app)
        }
        Err(HomeError::NoFolder(_) | HomeError::Replica(ReplicaError::NoCommunity)) => {
            on_a_new_device(app, args, typed)
        }
        Err(error) => Err(error.into()),
    }
}

fn on_a_new_device(app: &mut App, args: &RecoverArgs, typed: Typed) -> Result<(), Failure> {
    let usage = |key: &str| Failure::new(Exit::Usage, key);
    let mut sheet = match (typed, args.community) {
        (Typed::Sheet(sheet), _) => sheet,
        (Typed::Key(secret), Some(community)) => RecoverySheet {
            community,
            secret: secret.into(),
            relays: Vec::new(),
        },
        (Typed::Key(_), None) => return Err(usage("err.recover.where")),
    };
    if !args.relay.is_empty() {
        sheet.relays = found::relays(&args.relay)?;
    }
    if sheet.relays.is_empty() {
        return Err(usage("err.recover.where"));
    }
    let name = args.name.as_deref();
    let name = name.ok_or_else(|| usage("err.recover.name"))?;
    let (replica, keys) = app.home.recover(&sheet, name)?;
    let unknown = Failure::new(Exit::Refused, "err.recover.unknown");
    sync::once(app, replica, keys, None).map_err(|failure| {
        let is_unknown = [Refusal::InviteUnknown, Refusal::NotAMember]
            .iter()
            .any(|refusal| failure.is_about(&refusal_key(*refusal)));
        if is_unknown { unknown } else { failure }
    })?;
    tell(app)
}

fn tell(app: &mut App) -> Result<(), Failure> {
    let replica = app.replica()?;
    let status = replica.status()?;
    if app.is_json {
        let recovered = serde_json::json!({
            "community": replica.community().to_string(), "title": replica.title(),
            "waiting_for_key": status.waiting_for_key,
        });
        return app.out.json(&recovered);
    }
    let title = replica.title();
    let title = title.unwrap_or_else(|| app.text.say("word.unknown_title"));
    app.say("out.recover.done", &[("title", &title)])?;
    if status.waiting_for_key > 0 {
        app.say("out.recover.waiting", &[])?;
    }
    app.say("out.recover.next", &[])
}

/// One line of standard input, so that the key need not stand in the shell's history.
fn ask(app: &App) -> Result<String, Failure> {
    if io::stdin().is_terminal() {
        let prompt = app.text.say("help.banyan.recover.arg.key");
        let _unseen = write!(io::stderr().lock(), "{prompt}: ");
    }
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line)?;
    Ok(line)
}

fn read(text: &str) -> Result<Typed, Failure> {
    if let Ok(sheet) = text.trim().parse() {
        return Ok(Typed::Sheet(sheet));
    }
    let key = recovery::parse(text).map(Typed::Key);
    key.map_err(|_| Failure::new(Exit::BadTicket, "err.recover.key"))
}
