//! Forms that bring a file.

use axum::extract::Multipart;
use axum::extract::multipart::MultipartError;
use axum::http::StatusCode;

use crate::console::form::Form;
use crate::exit::Exit;
use crate::failure::Failure;

/// A file as it came: what it is called, and its bytes.
pub(super) type Came = (String, Vec<u8>);

/// Reads a form of several parts with one file in it. `too_large` is said of one that the way to here does not let
/// pass.
pub(super) async fn read(
    mut parts: Multipart,
    too_large: Failure,
) -> Result<(Form, Result<Came, Failure>), Failure> {
    let broken = move |error: MultipartError| {
        if error.status() == StatusCode::PAYLOAD_TOO_LARGE {
            too_large.clone()
        } else {
            Failure::new(Exit::BadFile, "console.import.broken")
        }
    };
    let mut form = Form::default();
    let mut file = Err(Failure::new(Exit::BadFile, "console.import.no_file"));
    while let Some(part) = parts.next_field().await.map_err(&broken)? {
        let name = part.name().unwrap_or_default().to_owned();
        if let Some(called) = part.file_name().map(str::to_owned) {
            match part.bytes().await {
                Ok(bytes) if bytes.is_empty() && called.is_empty() => {}
                Ok(bytes) => file = Ok((called, bytes.to_vec())),
                // Who sent it is told on the page, which needs what came before the file.
                Err(error) => return Ok((form, Err(broken(error)))),
            }
        } else {
            form.push(name, part.text().await.map_err(&broken)?);
        }
    }
    Ok((form, file))
}
