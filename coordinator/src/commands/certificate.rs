//! `banyan certificate` and `banyan verify-certificate`: confirmed service on paper, and whether the paper is right.

mod picture;
mod verify;

use std::path::Path;

use data_encoding::HEXLOWER;
use serde_json::json;
use sync_core::certificate::{SignCertificateError, SignedCertificate};
use sync_core::peer::moment;
use sync_core::replica::{CertifyError, Service};

use super::App;
use crate::cli::CertificateArgs;
use crate::exchange::export::utc;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::{durable, place, values};

pub(super) use verify::run as verify;

pub(super) fn run(app: &mut App, args: &CertificateArgs) -> Result<(), Failure> {
    let replica = app.replica()?;
    let member = replica.find_member(&args.member)?;
    let (from, to) = (day(&args.from)?, day(&args.to)?);
    let mut rng = rand::rng();
    let mut now = moment(place::now(), &mut rng);
    let (signed, service) = match replica.certify(member, (&from, &to), &mut now) {
        Ok(certified) => certified,
        Err(error) => {
            if let CertifyError::Nothing(service) = &error {
                name_uncounted(app, service)?;
            }
            return Err(failure(error, &replica.member_name(&member)));
        }
    };
    if let Some(path) = &args.out {
        let bytes = file(app, path, &signed, &service)?;
        durable::write(path, bytes.as_bytes(), args.force)?;
    }
    tell(app, args, &signed, &service)
}

/// A day as offices write it, as certificates write it.
pub(crate) fn day(typed: &str) -> Result<String, Failure> {
    Ok(values::day(typed)?.to_string())
}

/// What is said of service that is not certified.
pub(crate) fn failure(error: CertifyError, member: &str) -> Failure {
    match error {
        CertifyError::Replica(error) => error.into(),
        CertifyError::Nothing(_) => {
            Failure::new(Exit::Unknown, "err.certificate.none").with("member", member)
        }
        CertifyError::Sign(SignCertificateError::Period) => {
            Failure::new(Exit::Usage, "err.certificate.period")
        }
        CertifyError::Sign(SignCertificateError::TooLong) => {
            Failure::new(Exit::Usage, "err.certificate.too_long")
        }
        CertifyError::Sign(
            error @ (SignCertificateError::OtherIssuer | SignCertificateError::Keys(_)),
        ) => Failure::internal(error),
    }
}

/// What is written into a file of this name: a picture to print, or data.
fn file(
    app: &App,
    path: &Path,
    signed: &SignedCertificate,
    service: &Service,
) -> Result<String, Failure> {
    let ending = path.extension().unwrap_or_default().to_ascii_lowercase();
    match ending.to_str() {
        Some("svg") => picture::svg(&app.text, signed),
        Some("json") => {
            let json = serde_json::to_string_pretty(&as_json(signed, Some(service)))?;
            Ok(json + "\n")
        }
        Some("txt") => Ok(signed.text() + "\n"),
        Some(_) | None => Err(Failure::new(Exit::Usage, "err.certificate.format")),
    }
}

/// A certificate as data; with the records that did not count, if it was made just now.
fn as_json(signed: &SignedCertificate, service: Option<&Service>) -> serde_json::Value {
    let certificate = signed.certificate();
    let uncounted = service.map(|service| {
        json!({
            "unconfirmed": service.unconfirmed,
            "self_confirmed": service.self_confirmed,
            "changed_since": service.changed_since,
            "unsettled": service.unsettled,
        })
    });
    json!({
        "text": signed.text(),
        "number": certificate.number,
        "community": certificate.community.to_string(),
        "title": certificate.title,
        "member": certificate.member.to_string(),
        "name": certificate.name,
        "from": certificate.from,
        "to": certificate.to,
        "minutes": certificate.minutes,
        "records": certificate.records,
        "issuer": certificate.issuer.to_string(),
        "issuer_name": certificate.issuer_name,
        "issued_at": utc(certificate.issued()),
        "as_of": HEXLOWER.encode(certificate.as_of.as_slice()),
        "uncounted": uncounted,
    })
}

fn tell(
    app: &mut App,
    args: &CertificateArgs,
    signed: &SignedCertificate,
    service: &Service,
) -> Result<(), Failure> {
    if app.is_json {
        return app.out.json(&as_json(signed, Some(service)));
    }
    for (label, value) in lines(&app.text, signed) {
        app.out.line(&format!("{label}: {value}"))?;
    }
    name_uncounted(app, service)?;
    if let Some(path) = &args.out {
        let path = path.display().to_string();
        return app.say("out.certificate.written", &[("path", &path)]);
    }
    app.out.line(&signed.text())
}

/// What stands on the paper.
pub(crate) fn lines(text: &crate::text::Text, signed: &SignedCertificate) -> Vec<(String, String)> {
    let certificate = signed.certificate();
    let unnamed = || text.say("word.unknown_title");
    let (hours, minutes) = (certificate.minutes / 60, certificate.minutes % 60);
    let (hours, minutes) = (hours.to_string(), minutes.to_string());
    let places = [("hours", hours.as_str()), ("minutes", &minutes)];
    let period = [("from", certificate.from.as_str()), ("to", &certificate.to)];
    let lines = [
        ("out.certificate.number", certificate.number.clone()),
        ("head.name", certificate.name.clone()),
        (
            "out.certificate.period",
            text.with("out.certificate.from_to", &period),
        ),
        (
            "out.certificate.service",
            text.with("out.certificate.duration", &places),
        ),
        ("head.records", certificate.records.to_string()),
        (
            "head.community",
            certificate.title.clone().unwrap_or_else(unnamed),
        ),
        ("head.community_id", certificate.community.to_string()),
        ("out.certificate.issuer", certificate.issuer_name.clone()),
        ("out.certificate.issued", utc(certificate.issued())),
    ];
    lines
        .into_iter()
        .map(|(key, value)| (text.say(key), value))
        .collect()
}

fn name_uncounted(app: &mut App, service: &Service) -> Result<(), Failure> {
    if app.is_json {
        return Ok(());
    }
    for line in uncounted(&app.text, service) {
        app.out.line(&line)?;
    }
    Ok(())
}

/// What does not count, and why.
pub(crate) fn uncounted(text: &crate::text::Text, service: &Service) -> Vec<String> {
    let reasons = [
        ("out.certificate.unconfirmed", service.unconfirmed),
        ("out.certificate.self_confirmed", service.self_confirmed),
        ("out.certificate.changed_since", service.changed_since),
        ("out.certificate.unsettled", service.unsettled),
    ];
    let some = reasons.iter().filter(|(_, count)| *count > 0);
    some.map(|(key, count)| text.count(key, *count)).collect()
}
