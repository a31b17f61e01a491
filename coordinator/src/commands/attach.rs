//! `banyan attach`, `banyan attachments`, `banyan save-attachment`: photos, recordings and papers of a record.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use serde_json::{Value, json};
use sync_core::blob::BLOB_BYTES_MAX;
use sync_core::id::RecordId;
use sync_core::peer::moment;
use sync_core::replica::{ATTACHMENT, AttachmentView, BlobStatus, Replica, ReplicaError};
use sync_core::store::BlobPart;

use super::App;
use crate::cli::{AttachArgs, AttachmentsArgs, SaveAttachmentArgs};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::lookup::Lookup;
use crate::picture::{self, Named};
use crate::text::Text;
use crate::{durable, output, place, values};

pub(super) fn run(app: &mut App, args: &AttachArgs) -> Result<(), Failure> {
    let mut replica = app.replica()?;
    let about = replica.find_record(&args.record)?;
    let prepared = picture::prepare(read(&args.file)?)?;
    let name = args.name.clone().unwrap_or_else(|| name_of(&args.file));
    let named = Named {
        name: &name,
        taken: args.taken.as_deref(),
    };
    let mut rng = rand::rng();
    let now = &mut moment(place::now(), &mut rng);
    let record = prepared.attach(&mut replica, about, named, now)?;
    if app.is_json {
        return app.out.json(&json!({ "record": record.to_string() }));
    }
    app.out.line(&record.to_string())
}

/// What a file is called, without what stands behind the dot.
pub(crate) fn name_of(file: &Path) -> String {
    let stem = file.file_stem().unwrap_or_default();
    stem.to_string_lossy().into_owned()
}

/// A file; of one that is too large only as much as shows that.
fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let failed = |error| Failure::io(path, &error);
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(failed)?;
    let mut file = file.take(u64::from(BLOB_BYTES_MAX) + 1);
    file.read_to_end(&mut bytes).map_err(failed)?;
    Ok(bytes)
}

pub(super) fn list(app: &mut App, args: &AttachmentsArgs) -> Result<(), Failure> {
    let replica = app.replica()?;
    let about = replica.find_record(&args.record)?;
    let all = replica.attachments(&about)?;
    if app.is_json {
        let all: Vec<Value> = all.iter().map(as_json).collect();
        return app.out.json(&all);
    }
    if all.is_empty() {
        return app.say("out.attachments.none", &[]);
    }
    for line in lines(&all, &app.text) {
        app.out.line(&line)?;
    }
    Ok(())
}

fn as_json(attached: &AttachmentView) -> Value {
    let part = |status: Option<BlobStatus>| {
        status.map(|status| {
            json!({ "bytes": status.len, "is_here": status.is_here, "is_elsewhere": status.is_elsewhere })
        })
    };
    json!({
        "record": attached.record.to_string(),
        "name": attached.name,
        "media": attached.media,
        "preview": part(attached.preview),
        "original": part(attached.original),
    })
}

/// A line for each: `3jrbdzmp  路灯  JPEG photo  1.2 MB  here and elsewhere`.
pub(super) fn lines(all: &[AttachmentView], text: &Text) -> Vec<String> {
    let line = |attached: &AttachmentView| {
        let media = media_label(&attached.media, text);
        let size = attached
            .original
            .map_or_else(String::new, |status| size(text, status.len));
        let place = text.say(place_key(attached.original));
        let parts = [
            attached.record.short(),
            attached.name.clone(),
            media,
            size,
            place,
        ];
        let parts: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        parts.join("  ")
    };
    all.iter().map(line).collect()
}

/// What an attachment is, in words.
pub(crate) fn media_label(media: &str, text: &Text) -> String {
    values::shown(ATTACHMENT, "media", &json!(media), text, Lookup::default())
}

/// Where an attachment is.
pub(crate) fn place_key(status: Option<BlobStatus>) -> &'static str {
    match status {
        Some(BlobStatus {
            is_here: true,
            is_elsewhere: true,
            ..
        }) => "word.blob.safe",
        Some(BlobStatus { is_here: true, .. }) => "word.blob.only_here",
        Some(BlobStatus {
            is_elsewhere: true, ..
        }) => "word.blob.elsewhere",
        Some(_) | None => "word.blob.nowhere",
    }
}

/// `1.2 MB`; a thousand bytes are a KB.
pub(crate) fn size(text: &Text, bytes: u32) -> String {
    if bytes < 1_000_000 {
        let n = output::thousands(u64::from(bytes.div_ceil(1_000)));
        return text.with("word.kilobytes", &[("n", &n)]);
    }
    let tenths = bytes.div_ceil(100_000);
    let n = format!("{}.{}", tenths / 10, tenths % 10);
    text.with("word.megabytes", &[("n", &n)])
}

pub(super) fn save(app: &mut App, args: &SaveAttachmentArgs) -> Result<(), Failure> {
    let replica = app.replica()?;
    let record = replica.find_record(&args.attachment)?;
    durable::refuse_existing(&args.file, args.force)?;
    let part = if args.preview {
        BlobPart::Preview
    } else {
        BlobPart::Original
    };
    let bytes = bytes_of(&replica, &record, part)?;
    durable::write(&args.file, &bytes, args.force)?;
    if app.is_json {
        return app.out.json(&json!({ "bytes": bytes.len() }));
    }
    let path = output::harmless(&args.file.display().to_string());
    app.say("out.attachment.saved", &[("path", &path)])
}

/// A part of an attachment, at most 32 MiB.
///
/// Fails with [`Exit::Unknown`] if the record is no attachment, has no such part, or not all of it is here.
pub(crate) fn bytes_of(
    replica: &Replica,
    record: &RecordId,
    part: BlobPart,
) -> Result<Vec<u8>, Failure> {
    let attached = replica.attachment(record)?;
    let attached = attached.ok_or_else(|| Failure::new(Exit::Unknown, "err.attach.none"))?;
    let status = match part {
        BlobPart::Preview => attached.preview,
        BlobPart::Original => attached.original,
    };
    let status = status.ok_or_else(|| Failure::new(Exit::Unknown, "err.attach.no_part"))?;
    let mut bytes = Vec::with_capacity(status.len as usize);
    let is_whole = replica.read_blob(record, part, |chunk| {
        bytes.extend_from_slice(chunk);
        Ok::<(), ReplicaError>(())
    })?;
    if is_whole {
        return Ok(bytes);
    }
    let key = if status.is_elsewhere {
        "err.attach.elsewhere"
    } else {
        "err.attach.nowhere"
    };
    Err(Failure::new(Exit::Unknown, key))
}
