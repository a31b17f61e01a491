//! Other records of the same home or person, and what leads to any of them.

use sync_core::id::RecordId;
use sync_core::replica::Replica;
use sync_core::store::ViewRow;
use sync_core::view::twins::{OTHER_FIELD, SAME_FIELD, Twins};

use super::Open;
use crate::console::cx::{Cx, Trouble};
use crate::console::fields;
use crate::console::pages::{duplicates, rows};
use crate::console::views::duplicates::Twin;

/// The record and all others that are said to be about the same.
fn group(replica: &Replica, open: &Open) -> Result<Vec<RecordId>, Trouble> {
    if Twins::is_about(&open.kind) {
        Ok(replica.twins()?.group_of(&open.id))
    } else {
        Ok(vec![open.id])
    }
}

/// Records that lead to this one or to another of the same, each with the field that does.
pub(super) fn leading_here(
    replica: &Replica,
    open: &Open,
) -> Result<Vec<(ViewRow, String)>, Trouble> {
    let mut rows = Vec::new();
    for member in group(replica, open)? {
        for (record, field) in replica.links_to(member)? {
            if field == SAME_FIELD || field == OTHER_FIELD {
                continue;
            }
            let row = replica.store().row(&record)?;
            rows.extend(row.map(|row| (row, field)));
        }
    }
    Ok(rows)
}

/// What is said above the record: which one it is a copy of, or which copies it has.
pub(super) fn notes(replica: &Replica, cx: &Cx, open: &Open) -> Result<Vec<Twin>, Trouble> {
    let group = group(replica, open)?;
    let Some((first, copies)) = group.split_first() else {
        return Ok(Vec::new());
    };
    if *first != open.id {
        return Ok(note(replica, cx, "console.dup.is_copy", *first, open.id)?
            .into_iter()
            .collect());
    }
    let mut notes = Vec::new();
    for copy in copies {
        notes.extend(note(replica, cx, "console.dup.has_copy", *copy, *copy)?);
    }
    Ok(notes)
}

/// A line that leads to another record, with a way to take back that `copy` is one.
fn note(
    replica: &Replica,
    cx: &Cx,
    key: &str,
    to: RecordId,
    copy: RecordId,
) -> Result<Option<Twin>, Trouble> {
    let original = replica.twins()?.original_of(&copy);
    let (row, copy_row) = (replica.store().row(&to)?, replica.store().row(&copy)?);
    let (Some(row), Some(copy_row), Some(original)) = (row, copy_row, original) else {
        return Ok(None);
    };
    let title = fields::title(replica, cx, &row);
    let place = fields::space_label(cx, &replica.space_name(&row.space));
    let line = cx.with(key, &[("title", &title)]);
    Ok(Some(Twin {
        href: rows::href(&row),
        line: format!("{line} · {place}"),
        can_undo: duplicates::may_settle(
            replica,
            &copy_row.kind,
            &copy_row.space,
            &copy_row.created_by,
        ),
        pair: duplicates::id_of(&original, &copy),
    }))
}
