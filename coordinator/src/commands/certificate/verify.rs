//! Checks a certificate: its signature, and whose device made it, as far as somebody here can tell.

use std::path::Path;

use serde_json::json;
use sync_core::certificate::{Issuer, ParseCertificateError, SignedCertificate};
use sync_core::roster::Roster;
use sync_core::roster::file::{BadRosterFile, ROSTER_FILE_BYTES_MAX, read_roster};

use super::{as_json, lines};
use crate::cli::VerifyCertificateArgs;
use crate::commands::App;
use crate::exit::Exit;
use crate::failure::Failure;

/// Largest file that is looked through for a certificate, in bytes.
const FILE_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// Where it is known from whose device signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Source {
    RosterFile,
    OwnCopy,
}

pub(in crate::commands) fn run(app: &mut App, args: &VerifyCertificateArgs) -> Result<(), Failure> {
    let signed = read(&args.certificate)?;
    let known = match &args.roster {
        Some(path) => Some((signed.issuer_in(&roster(path)?), Source::RosterFile)),
        None => own_copy(app, &signed)?.map(|issuer| (issuer, Source::OwnCopy)),
    };
    tell(app, &signed, known)?;
    match known.map(|(issuer, _)| issuer) {
        Some(Issuer::Coordinator) => Ok(()),
        Some(Issuer::Former) => not_proved(Exit::NotAllowed, "err.certificate.former"),
        Some(Issuer::NotACoordinator) => not_proved(Exit::NotAllowed, "err.certificate.not_one"),
        Some(Issuer::Unknown) => not_proved(Exit::Unknown, "err.certificate.unknown"),
        Some(Issuer::OtherCommunity) | None => {
            not_proved(Exit::Unknown, "err.certificate.signature_only")
        }
    }
}

fn not_proved(exit: Exit, key: &'static str) -> Result<(), Failure> {
    Err(Failure::new(exit, key))
}

/// The text itself, or a file that has it: a picture, data or text.
fn read(typed: &str) -> Result<SignedCertificate, Failure> {
    let path = Path::new(typed);
    let content = if path.is_file() {
        let bytes = super::super::import::read_up_to(path, FILE_BYTES_MAX)?;
        String::from_utf8_lossy(&bytes).into_owned()
    } else {
        typed.to_owned()
    };
    let text = SignedCertificate::text_in(&content).unwrap_or(&content);
    text.parse().map_err(|error| {
        let said = |key: &str| Failure::new(Exit::BadFile, key);
        match error {
            ParseCertificateError::NotACertificate => said("err.certificate.not_a_certificate"),
            ParseCertificateError::Damaged => said("err.certificate.damaged"),
            ParseCertificateError::Newer => said("err.certificate.newer"),
            ParseCertificateError::Forged => said("err.certificate.forged"),
        }
    })
}

fn roster(path: &Path) -> Result<Roster, Failure> {
    let bytes = super::super::import::read_up_to(path, ROSTER_FILE_BYTES_MAX as u64)?;
    read_roster(&bytes).map_err(|error| {
        let said = |key: &str| Failure::new(Exit::BadFile, key);
        match error {
            BadRosterFile::NotARoster => said("err.certificate.not_a_roster"),
            BadRosterFile::Damaged | BadRosterFile::NotFounded => {
                said("err.certificate.bad_roster")
            }
        }
    })
}

/// What this device's own copy of the community says, if it has one of that community.
fn own_copy(app: &mut App, signed: &SignedCertificate) -> Result<Option<Issuer>, Failure> {
    let replica = match app.replica() {
        Ok(replica) => replica,
        Err(failure) if failure.exit() == Exit::NoCommunity => return Ok(None),
        Err(failure) => return Err(failure),
    };
    let issuer = signed.issuer_in(replica.roster());
    Ok(Some(issuer).filter(|issuer| *issuer != Issuer::OtherCommunity))
}

fn tell(
    app: &mut App,
    signed: &SignedCertificate,
    known: Option<(Issuer, Source)>,
) -> Result<(), Failure> {
    if app.is_json {
        let by = match known {
            Some((_, Source::RosterFile)) => "roster_file",
            Some((_, Source::OwnCopy)) => "own_copy",
            None => "signature",
        };
        let issuer = known.map(|(issuer, _)| match issuer {
            Issuer::Coordinator => "coordinator",
            Issuer::Former => "former",
            Issuer::NotACoordinator => "not_a_coordinator",
            Issuer::Unknown => "unknown",
            Issuer::OtherCommunity => "other_community",
        });
        let certificate = as_json(signed, None);
        return app.out.json(&json!({
            "signature": true, "checked_by": by, "issuer": issuer, "certificate": certificate,
        }));
    }
    for (label, value) in lines(&app.text, signed) {
        app.out.line(&format!("{label}: {value}"))?;
    }
    app.say("out.certificate.signature", &[])?;
    match known {
        Some((Issuer::Coordinator, Source::OwnCopy)) => app.say("out.certificate.by_own_copy", &[]),
        Some((Issuer::Coordinator, Source::RosterFile)) => {
            app.say("out.certificate.by_roster_file", &[])
        }
        Some(_) | None => Ok(()),
    }
}
