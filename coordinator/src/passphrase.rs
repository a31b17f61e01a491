//! Where a passphrase comes from: a file, the environment, or the keyboard; never the command line,
//! which other users of the computer can see.

use std::fs::File;
use std::io::{self, IsTerminal, Read};
use std::path::Path;

use sync_node::Passphrase;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::text::Text;

const VARIABLE: &str = "BANYAN_PASSPHRASE";
const NEW_VARIABLE: &str = "BANYAN_NEW_PASSPHRASE";
const FILE_BYTES_MAX: u64 = 4096;

/// The passphrase that the keys of this folder have now; the question names the folder if it is given.
pub(crate) fn current(
    file: Option<&Path>,
    text: &Text,
    folder: Option<&Path>,
) -> Result<Passphrase, Failure> {
    match given(file, VARIABLE)? {
        Some(given) => Ok(given),
        None if io::stdin().is_terminal() => typed(&match folder {
            Some(folder) => {
                let path = folder.display().to_string();
                text.with("out.passphrase.ask_of", &[("path", &path)])
            }
            None => text.say("out.passphrase.ask"),
        }),
        None => Err(Failure::new(Exit::Passphrase, "err.passphrase.none")),
    }
}

/// The passphrase that they are to have; typed twice, because nobody sees what they type.
pub(crate) fn new(file: Option<&Path>, text: &Text) -> Result<Passphrase, Failure> {
    if let Some(given) = given(file, NEW_VARIABLE)? {
        return Ok(given);
    }
    if !io::stdin().is_terminal() {
        return Err(Failure::new(Exit::Passphrase, "err.passphrase.no_new"));
    }
    let first = typed(&text.say("out.passphrase.ask_new"))?;
    if typed(&text.say("out.passphrase.ask_again"))? == first {
        Ok(first)
    } else {
        Err(Failure::new(Exit::Usage, "err.passphrase.differ"))
    }
}

fn given(file: Option<&Path>, variable: &str) -> Result<Option<Passphrase>, Failure> {
    if let Some(path) = file {
        return read(path).map(Some);
    }
    let value = std::env::var(variable).ok().map(Passphrase::new);
    Ok(value.filter(|passphrase| !passphrase.is_empty()))
}

/// A file's content without the end of its line.
fn read(path: &Path) -> Result<Passphrase, Failure> {
    let mut content = String::new();
    let file = File::open(path).map_err(|error| Failure::io(path, &error))?;
    let read = file.take(FILE_BYTES_MAX).read_to_string(&mut content);
    let _bytes = read.map_err(|error| Failure::io(path, &error))?;
    let end = content.trim_end_matches(['\r', '\n']).len();
    content.truncate(end);
    let passphrase = Passphrase::new(content);
    if passphrase.is_empty() {
        let empty = Failure::new(Exit::BadFile, "err.passphrase.empty_file");
        return Err(empty.with("path", path.display()));
    }
    Ok(passphrase)
}

/// Asks at the keyboard, without showing what is typed.
fn typed(question: &str) -> Result<Passphrase, Failure> {
    let typed = rpassword::prompt_password(format!("{question} "));
    typed.map(Passphrase::new).map_err(|error| {
        Failure::new(Exit::System, "err.passphrase.keyboard").with("reason", error)
    })
}
