//! `banyan invite`: a ticket, as text and as a code to scan.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;

use qrcode::render::{svg, unicode};
use qrcode::types::QrError;
use qrcode::{EcLevel, QrCode};
use sync_core::peer::moment;
use sync_core::roster::role::Role;

use super::App;
use crate::cli::InviteArgs;
use crate::failure::Failure;
use crate::{place, values};

pub(super) fn run(app: &mut App, args: InviteArgs) -> Result<(), Failure> {
    let role = values::role(&args.role, &app.text)?;
    let mut replica = app.replica()?;
    // Tried before the invitation stands.
    let qr_file = args.qr_svg.as_deref().map(open_picture).transpose()?;
    let scope = values::scope(&replica, args.space.as_deref())?;
    let mut rng = rand::rng();
    let now = &mut moment(place::now(), &mut rng);
    let ticket = replica.invite(scope, role, args.uses, now)?;
    if let (Some(path), Some(file)) = (&args.qr_svg, qr_file) {
        let picture = code(&ticket.qr_text())?.render::<svg::Color<'_>>().build();
        write_picture(file, &picture).map_err(|error| Failure::io(path, &error))?;
    }
    let relays: Vec<String> = ticket.relays.iter().map(ToString::to_string).collect();
    if app.is_json {
        let invite = serde_json::json!({
            "ticket": ticket.to_string(), "role": role.name(), "space": args.space,
            "uses": args.uses, "relays": relays,
        });
        return app.out.json(&invite);
    }
    app.out.line(&ticket.to_string())?;
    if args.qr {
        app.out.line(&picture(&ticket.qr_text())?)?;
    }
    app.out.flush()?;
    tell(app, &args, role, relays.is_empty());
    Ok(())
}

/// Opens a file to write a picture to; what is in it stays until there is a picture.
fn open_picture(path: &Path) -> Result<File, Failure> {
    let mut options = OpenOptions::new();
    let file = options.write(true).create(true).truncate(false).open(path);
    file.map_err(|error| Failure::io(path, &error))
}

fn write_picture(mut file: File, picture: &str) -> io::Result<()> {
    file.set_len(0)?;
    file.write_all(picture.as_bytes())?;
    file.sync_all()
}

/// What to do with the ticket; on standard error, so that the ticket alone can be piped on.
fn tell(app: &App, args: &InviteArgs, role: Role, is_without_relay: bool) {
    let role = app.text.say(&format!("word.role.{}", role.name()));
    let uses = app.text.count("out.invite.uses", u64::from(args.uses));
    let place = values::scope_label(args.space.as_deref(), &app.text);
    let places = [("role", role.as_str()), ("space", &place), ("uses", &uses)];
    let mut lines = vec![app.text.with("out.invite.next", &places)];
    if is_without_relay {
        lines.push(app.text.say("out.invite.no_relay"));
    }
    // The ticket is out; whether the advice is read does not matter.
    let _gone = writeln!(io::stderr().lock(), "{}", lines.join("\n"));
}

/// A code to scan from a terminal; in capitals it is smallest.
pub(super) fn picture(text: &str) -> Result<String, Failure> {
    Ok(code(&text.to_ascii_uppercase())?
        .render::<unicode::Dense1x2>()
        // Windows of terminals are mostly dark: what is drawn is the light part.
        .dark_color(unicode::Dense1x2::Light)
        .light_color(unicode::Dense1x2::Dark)
        .build())
}

fn code(text: &str) -> Result<QrCode, Failure> {
    // Shown on a screen, close to the camera: the lowest level of repair keeps the squares large.
    QrCode::with_error_correction_level(text, EcLevel::L)
        .map_err(|error: QrError| Failure::internal(error))
}
