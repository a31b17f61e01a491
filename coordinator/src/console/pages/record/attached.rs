//! What is attached to a record: photos, recordings, papers.

use std::path::Path;

use sync_core::replica::{ATTACHMENT, AttachmentView, BlobStatus, Moment, Replica};
use sync_core::store::ViewRow;

use super::super::rows;
use super::{Open, Refused, open, shown};
use crate::commands::attach::{media_label, name_of, place_key, size};
use crate::console::answer::Answer;
use crate::console::cx::{Cx, Trouble};
use crate::console::fields;
use crate::console::form::Form;
use crate::console::views::record::Attached;
use crate::failure::Failure;
use crate::picture::{Media, Named, Prepared};

/// What is attached to the record; if it is an attachment, that itself.
pub(super) fn lines(replica: &Replica, cx: &Cx, open: &Open) -> Result<Vec<Attached>, Trouble> {
    let all = if is_one(&open.row) {
        replica.attachment(&open.id)?.into_iter().collect()
    } else {
        replica.attachments(&open.id)?
    };
    let mut lines = Vec::with_capacity(all.len());
    for attached in all {
        if let Some(row) = replica.store().row(&attached.record)? {
            lines.push(line(replica, cx, &attached, &row));
        }
    }
    Ok(lines)
}

pub(super) fn is_one(row: &ViewRow) -> bool {
    row.kind == ATTACHMENT
}

/// Whether this person may attach something to it.
pub(super) fn may_attach(replica: &Replica, open: &Open) -> bool {
    !is_one(&open.row) && replica.role_to_create(ATTACHMENT, open.row.space).is_ok()
}

fn line(replica: &Replica, cx: &Cx, attached: &AttachmentView, row: &ViewRow) -> Attached {
    let media = Media::named(&attached.media);
    let is_here = |status: Option<BlobStatus>| status.is_some_and(|status| status.is_here);
    let address = |part: &str| format!("/attached/{}/{part}", attached.record);
    let is_open = cx.shows_personal();
    let has_original = is_open && is_here(attached.original);
    let size = attached.original.map(|status| size(&cx.text, status.len));
    let parts = [
        Some(media_label(&attached.media, &cx.text)),
        size,
        Some(replica.name_of(&row.created_by)),
        Some(cx.clock.moment(row.created_at)),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    let name = fields::title(replica, cx, row);
    let (place_tone, place_icon) = match attached.original {
        Some(BlobStatus {
            is_here: true,
            is_elsewhere: true,
            ..
        }) => ("good", "check"),
        Some(_) | None => ("warn", "clock"),
    };
    Attached {
        href: rows::href(row),
        preview: if is_open && is_here(attached.preview) {
            address("preview")
        } else {
            String::new()
        },
        is_masked: !is_open && is_here(attached.preview),
        alt: cx.with("console.attached.picture", &[("name", &name)]),
        sound: if has_original && media.is_some_and(Media::is_sound) {
            address("original")
        } else {
            String::new()
        },
        original: if has_original {
            address("original")
        } else {
            String::new()
        },
        file_name: format!("{name}.{}", media.map_or("bin", Media::extension)),
        meta: parts.join(" · "),
        place: cx.say(place_key(attached.original)),
        place_tone: place_tone.to_owned(),
        place_icon: place_icon.to_owned(),
        name,
    }
}

/// Attaches a file that came, or says beside the form why not.
pub(in crate::console) fn take(
    replica: &mut Replica,
    moment: &mut Moment<'_>,
    cx: &Cx,
    form: &Form,
    came: Result<(String, Prepared), Failure>,
) -> Result<Answer, Trouble> {
    let open = open(replica, cx)?;
    let attached = came.and_then(|(file, prepared)| {
        let typed = form.get("name").trim();
        let name = if typed.is_empty() {
            name_of(Path::new(&file))
        } else {
            typed.to_owned()
        };
        let named = Named {
            name: &name,
            taken: None,
        };
        Ok(prepared.attach(replica, open.id, named, moment)?)
    });
    match attached {
        Ok(_) => Ok(Answer::done(
            format!("{}#attached", rows::href(&open.row)),
            cx.say("console.attached.done"),
        )),
        Err(failure) => {
            let refused = Refused {
                file: Some(cx.sentence(&failure)),
                ..Refused::default()
            };
            let page = shown(replica, cx, &open, refused)?;
            Ok(Answer::Again(page.refused()))
        }
    }
}
