//! Addresses of what is attached to records: the bytes themselves, and the form that brings a file.

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Multipart, Path, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use sync_core::blob::BLOB_BYTES_MAX;
use sync_core::id::RecordId;
use sync_core::store::BlobPart;

use super::upload;
use crate::commands::attach::bytes_of;
use crate::console::asked::Asked;
use crate::console::cx::Trouble;
use crate::console::form::{FORM_BYTES_MAX, Form};
use crate::console::hall::Shared;
use crate::console::pages::record::attached;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::picture::{self, Media, Prepared};

pub(super) fn routes() -> Router<Shared> {
    let limit = DefaultBodyLimit::max((BLOB_BYTES_MAX as usize).saturating_add(FORM_BYTES_MAX));
    Router::new()
        .route("/attached/{id}/{part}", get(bytes))
        .route("/record/{id}/attach", post(take).layer(limit))
}

/// A preview or an original. What is neither here nor an attachment is not found.
async fn bytes(
    State(hall): State<Shared>,
    Path((id, part)): Path<(String, String)>,
    asked: Asked,
) -> Response {
    let part = match part.as_str() {
        "preview" => Some(BlobPart::Preview),
        "original" => Some(BlobPart::Original),
        _other => None,
    };
    let wanted = id.parse::<RecordId>().ok().zip(part);
    let found = match wanted {
        Some((id, part)) => hall
            .node
            .call(move |replica, _| {
                let bytes = bytes_of(replica, &id, part)?;
                let media = replica.attachment(&id)?.map(|attached| attached.media);
                Ok::<_, Failure>((bytes, media))
            })
            .await
            .map_err(Failure::from)
            .and_then(|found| found),
        None => Err(Failure::new(Exit::Unknown, "err.attach.none")),
    };
    match found {
        Ok((bytes, media)) => {
            let media = media.as_deref().and_then(Media::named);
            whole(bytes, media, part == Some(BlobPart::Preview))
        }
        Err(failure) if failure.exit() == Exit::Unknown => {
            hall.show(asked, |_, _| Err(Trouble::Missing)).await
        }
        Err(failure) => hall.show(asked, |_, _| Err(Trouble::Failed(failure))).await,
    }
}

/// The type is what the record says; browsers are forbidden to guess another one. What they would open as more than
/// a picture or a sound is only kept.
fn whole(bytes: Vec<u8>, media: Option<Media>, is_preview: bool) -> Response {
    let media = if is_preview { Some(Media::Jpeg) } else { media };
    let kind = media.map_or("application/octet-stream", Media::content_type);
    let is_looked_at = media.is_some_and(|media| media.is_picture() || media.is_sound());
    let mut response = (StatusCode::OK, Bytes::from(bytes)).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    let place = if is_looked_at { "inline" } else { "attachment" };
    headers.insert(header::CONTENT_DISPOSITION, HeaderValue::from_static(place));
    response
}

/// Takes a file, and draws a picture anew beside everything else that goes on.
async fn take(State(hall): State<Shared>, asked: Asked, parts: Multipart) -> Response {
    let too_large = Failure::new(Exit::BadFile, "err.attach.too_large");
    let (form, file) = match upload::read(parts, too_large).await {
        Ok(read) => read,
        Err(failure) => (Form::default(), Err(failure)),
    };
    // What comes from elsewhere is refused before anybody looks into it.
    let is_ours = hall.is_ours(&asked, &form);
    let prepared = match file {
        Ok(file) if is_ours => prepared(file).await,
        Ok(_) => Err(Failure::new(Exit::BadFile, "err.attach.empty")),
        Err(failure) => Err(failure),
    };
    let form = if is_ours { form } else { Form::default() };
    hall.act(asked, form, move |replica, moment, cx, form| {
        attached::take(replica, moment, cx, form, prepared)
    })
    .await
}

async fn prepared((name, bytes): upload::Came) -> Result<(String, Prepared), Failure> {
    let made = tokio::task::spawn_blocking(move || picture::prepare(bytes));
    Ok((name, made.await.map_err(Failure::internal)??))
}
