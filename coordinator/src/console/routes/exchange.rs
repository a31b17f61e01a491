//! Addresses of what goes out and comes in: imports, exports.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Multipart, State};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use tokio::sync::oneshot;

use super::upload;
use crate::console::asked::Asked;
use crate::console::cx::Trouble;
use crate::console::form::{FORM_BYTES_MAX, Form};
use crate::console::hall::Shared;
use crate::console::imports;
use crate::console::pages::{export, import};
use crate::exchange::sheet::FILE_BYTES_MAX;
use crate::exit::Exit;
use crate::failure::Failure;

pub(super) fn routes() -> Router<Shared> {
    let file = usize::try_from(FILE_BYTES_MAX).unwrap_or(usize::MAX);
    let limit = DefaultBodyLimit::max(file.saturating_add(FORM_BYTES_MAX));
    Router::new()
        .route("/import", get(show).merge(post(take).layer(limit)))
        .route("/import/check", post(check))
        .route("/import/do", post(write))
        .route("/export", super::look(export::view).merge(post(download)))
}

async fn show(State(hall): State<Shared>, asked: Asked) -> Response {
    let waiting = hall.imports.find(asked.query.get("upload"));
    hall.show(asked, move |replica, cx| {
        import::view(replica, cx, waiting.as_deref())
    })
    .await
}

/// Takes a file and looks what is in it, beside everything else that goes on.
async fn take(State(hall): State<Shared>, asked: Asked, parts: Multipart) -> Response {
    let too_large = Failure::new(Exit::BadFile, "err.import.too_large");
    let too_large = too_large.with("n", FILE_BYTES_MAX >> 20);
    let (form, file) = match upload::read(parts, too_large).await {
        Ok(read) => read,
        Err(failure) => (Form::default(), Err(failure)),
    };
    // What comes from elsewhere is refused before anybody looks into it.
    let is_ours = hall.is_ours(&asked, &form);
    let draft = match file {
        Ok(file) if is_ours => surveyed(&hall, file, &form).await,
        Ok(_) => Err(Failure::new(Exit::BadFile, "err.import.empty")),
        Err(failure) => Err(failure),
    };
    let kept = draft.map(|(name, draft)| {
        let key = data_encoding::BASE32_NOPAD.encode(&rand::random::<[u8; 10]>());
        hall.imports.keep(key.to_lowercase(), name, draft)
    });
    let form = if is_ours { form } else { Form::default() };
    hall.act(asked, form, move |replica, _, cx, form| {
        import::taken(replica, cx, form, kept)
    })
    .await
}

async fn surveyed(
    hall: &Shared,
    (name, bytes): upload::Came,
    form: &Form,
) -> Result<(String, imports::Draft), Failure> {
    let schema = hall
        .node
        .call(|replica, _| replica.schema().clone())
        .await?;
    let form = form.clone();
    let looked = tokio::task::spawn_blocking(move || {
        let draft = import::survey(&bytes, &name, &schema, &form)?;
        Ok((name, draft))
    });
    looked.await.map_err(Failure::internal)?
}

async fn check(State(hall): State<Shared>, asked: Asked, body: Bytes) -> Response {
    let form = Form::read(&body);
    let waiting = hall.imports.find(form.get("upload"));
    hall.act(asked, form, move |replica, _, cx, form| {
        import::check(replica, cx, form, waiting.as_deref())
    })
    .await
}

async fn write(State(hall): State<Shared>, asked: Asked, body: Bytes) -> Response {
    let form = Form::read(&body);
    let waiting = hall.imports.find(form.get("upload"));
    let begins = waiting.clone();
    let (send, planned) = oneshot::channel();
    let answer = hall
        .act(asked, form, move |replica, _, _, _| {
            let (answer, plan) = import::begin(replica, waiting.as_deref())?;
            if let Some(plan) = plan {
                // Whoever asked is still there: it is us.
                let _heard = send.send(plan);
            }
            Ok(answer)
        })
        .await;
    if let (Ok(plan), Some(waiting)) = (planned.await, begins) {
        tokio::spawn(imports::write(Arc::clone(&hall), waiting, plan));
    }
    answer
}

/// Records as a file that the browser keeps.
async fn download(State(hall): State<Shared>, asked: Asked, body: Bytes) -> Response {
    let form = Form::read(&body);
    if !hall.is_ours(&asked, &form) {
        return hall
            .act(asked, form, |_, _, _, _| Err(Trouble::Missing))
            .await;
    }
    let (_, text) = hall.looks();
    let asks = form.clone();
    let made = hall
        .node
        .call(move |replica, _| export::file(replica, &asks, &text.about(replica)))
        .await;
    match made.map_err(Failure::from).and_then(|made| made) {
        Ok(file) => attachment(file),
        Err(failure) => {
            hall.act(asked, form, move |replica, _, cx, form| {
                Ok(export::again(replica, cx, form, &failure))
            })
            .await
        }
    }
}

fn attachment(file: export::File) -> Response {
    let mut response = file.bytes.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(file.media));
    // The name is ours: letters of a kind's name and an ending.
    let named = format!("attachment; filename=\"{}\"", file.name);
    if let Ok(named) = HeaderValue::from_str(&named) {
        headers.insert(header::CONTENT_DISPOSITION, named);
    }
    response
}
