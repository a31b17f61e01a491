//! `banyan certificate` and `banyan verify-certificate`: confirmed service on paper, and whether the paper is right.

mod picture;
mod verify;

use std::path::Path;

use data_encoding::BASE32_NOPAD;
use rand::Rng;
use serde_json::json;
use sync_core::certificate::{Certificate, SignCertificateError, SignedCertificate};
use sync_core::id::MemberId;
use sync_core::replica::{Replica, ReplicaError, Service};
use sync_core::roster::role::{Role, Scope};
use sync_core::schema::{Edit, Kind, Value};

use super::App;
use crate::cli::CertificateArgs;
use crate::exchange::export::utc;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::lookup::Lookup;
use crate::{durable, place, values};

pub(super) use verify::run as verify;

pub(super) fn run(app: &mut App, args: &CertificateArgs) -> Result<(), Failure> {
    let (replica, keys) = app.open()?;
    let role = replica
        .roster()
        .role_in(&replica.device(), &Scope::Community);
    if role.is_none_or(|role| role < Role::Coordinator) {
        let least = Role::Coordinator;
        return Err(ReplicaError::NotAllowed { least }.into());
    }
    let member = replica.find_member(&args.member)?;
    let (from, to) = (day(&args.from)?, day(&args.to)?);
    let service = replica.service_of(&member, &from, &to)?;
    if service.records == 0 {
        name_uncounted(app, &service)?;
        let none = Failure::new(Exit::Unknown, "err.certificate.none");
        return Err(none.with("member", replica.member_name(&member)));
    }
    let certificate = certificate(&replica, member, (from, to), &service)?;
    let signed = certificate.sign(&*keys).map_err(failure)?;
    if let Some(path) = &args.out {
        let bytes = file(app, path, &signed, &service)?;
        durable::write(path, bytes.as_bytes(), args.force)?;
    }
    tell(app, args, &signed, &service)
}

fn certificate(
    replica: &Replica,
    member: MemberId,
    (from, to): (String, String),
    service: &Service,
) -> Result<Certificate, Failure> {
    let now = place::now();
    let mut letters = [0; 5];
    rand::rng().fill_bytes(&mut letters);
    let year = utc(now).chars().take(4).collect::<String>();
    let letters = BASE32_NOPAD.encode(&letters).to_ascii_lowercase();
    let digest = replica.heads_digest()?;
    Ok(Certificate {
        community: replica.community(),
        number: format!("{year}-{letters}"),
        member,
        name: replica.member_name(&member),
        from,
        to,
        minutes: service.minutes,
        records: service.records,
        issuer: replica.device(),
        issuer_name: replica.name_of(&replica.device()),
        issued_at: now.0,
        title: replica.title(),
        as_of: digest.0.into(),
    })
}

/// A day as offices write it.
fn day(typed: &str) -> Result<String, Failure> {
    let wrong = || Failure::new(Exit::Usage, "err.certificate.day").with("typed", typed);
    let kind: &Kind = values::kind("hours")?;
    let field = kind.field("date").ok_or_else(wrong)?;
    let edit = values::edit(kind, field, typed, Lookup::default()).map_err(|_| wrong())?;
    match edit.value {
        Edit::Set(Value::Text(day)) if !day.is_empty() => Ok(day),
        Edit::Set(_) | Edit::Add(_) | Edit::Remove(_) | Edit::Item(_) => Err(wrong()),
    }
}

fn failure(error: SignCertificateError) -> Failure {
    match error {
        SignCertificateError::Period => Failure::new(Exit::Usage, "err.certificate.period"),
        SignCertificateError::TooLong => Failure::new(Exit::Usage, "err.certificate.too_long"),
        SignCertificateError::OtherIssuer | SignCertificateError::Keys(_) => {
            Failure::internal(error)
        }
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
        "as_of": certificate.as_of.iter().map(|b| format!("{b:02x}")).collect::<String>(),
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
fn lines(text: &crate::text::Text, signed: &SignedCertificate) -> Vec<(String, String)> {
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
    for (key, count) in [
        ("out.certificate.unconfirmed", service.unconfirmed),
        ("out.certificate.self_confirmed", service.self_confirmed),
        ("out.certificate.changed_since", service.changed_since),
        ("out.certificate.unsettled", service.unsettled),
    ] {
        if count > 0 && !app.is_json {
            let line = app.text.count(key, count);
            app.out.line(&line)?;
        }
    }
    Ok(())
}
