//! `banyan passphrase`: whether the keys of this device ask for one.

use std::path::Path;

use serde_json::json;

use super::App;
use crate::cli::PassphraseVerb;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::passphrase;

pub(super) fn run(app: &mut App, verb: &PassphraseVerb) -> Result<(), Failure> {
    let is_protected = app.home.is_protected()?;
    let said = match (verb, is_protected) {
        (PassphraseVerb::Set(_), true) => Err("err.passphrase.set_already"),
        (PassphraseVerb::Change(_) | PassphraseVerb::Remove, false) => {
            Err("err.passphrase.not_set")
        }
        (PassphraseVerb::Set(_), false) => Ok("out.passphrase.set"),
        (PassphraseVerb::Change(_), true) => Ok("out.passphrase.changed"),
        (PassphraseVerb::Remove, true) => Ok("out.passphrase.removed"),
    };
    let said = match said {
        Ok(said) => said,
        Err(key) => {
            // Where there is no community, that is what is wrong.
            drop(app.home.open()?);
            return Err(Failure::new(Exit::Usage, key));
        }
    };
    match verb {
        PassphraseVerb::Set(args) | PassphraseVerb::Change(args) => {
            set(app, args.new_passphrase_file.as_deref())?;
        }
        PassphraseVerb::Remove => app.home.remove_passphrase()?,
    }
    if app.is_json {
        let is_protected = !matches!(verb, PassphraseVerb::Remove);
        return app.out.json(&json!({ "protected": is_protected }));
    }
    app.say(said, &[])
}

fn set(app: &App, file: Option<&Path>) -> Result<(), Failure> {
    // A wrong passphrase, or no community, is told before a new one is asked for.
    drop(app.home.open()?);
    let new = passphrase::new(file, &app.text)?;
    Ok(app.home.set_passphrase(&new)?)
}
