//! Attachments: photos, voice notes and papers that belong to a record.

use crate::blob::{
    BLOB_PREVIEW_BYTES_MAX, BadBlob, BlobCipher, BlobRef, SealedBlob, padded_len, seal_blob,
};
use crate::id::{Millis, RecordId};
use crate::replica::blobs::{ORIGINAL, PREVIEW, chunks_of, give_number};
use crate::replica::merge::load;
use crate::replica::room::bytes_here;
use crate::replica::{Moment, Replica, ReplicaError};
use crate::schema::{FieldEdit, Value};
use crate::store::{BlobPart, BlobWish, LinkTarget, StoreError, StoreTx, ViewRow};

/// The kind of records that name blobs.
pub const ATTACHMENT: &str = "attachment";
const ABOUT: &str = "about";

/// What is attached.
#[derive(Debug, Clone, Copy)]
pub struct NewAttachment<'b> {
    /// What people call it.
    pub name: &'b str,
    /// One of the values of the kind's field `media`.
    pub media: &'b str,
    /// The day on which it was taken, `YYYY-MM-DD`, if that is known.
    pub taken: Option<&'b str>,
    /// A picture that says what it is, at most [`BLOB_PREVIEW_BYTES_MAX`] bytes.
    pub preview: Option<&'b [u8]>,
    /// The thing itself.
    pub original: &'b [u8],
}

/// How much of an attachment's blob is where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlobStatus {
    /// Its bytes.
    pub len: u32,
    /// All of it is on this device.
    pub is_here: bool,
    /// Somebody else, a relay or another device, is known to hold all of it.
    pub is_elsewhere: bool,
    /// Somebody asked for it here, and it has not come as a whole.
    pub is_asked: bool,
}

/// An attachment as people look at it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttachmentView {
    /// Its record.
    pub record: RecordId,
    /// What people call it.
    pub name: String,
    /// What it is, one of the values of the kind's field `media`.
    pub media: String,
    /// Its preview, if it has one.
    pub preview: Option<BlobStatus>,
    /// The thing itself.
    pub original: Option<BlobStatus>,
}

impl Replica {
    /// Attaches something to a record; it is durable when this returns.
    ///
    /// # Errors
    /// [`ReplicaError::Blob`] if it is empty or too large; otherwise as [`Replica::create`]. Nothing is
    /// written then.
    pub fn attach(
        &mut self,
        about: RecordId,
        new: &NewAttachment<'_>,
        moment: &mut Moment<'_>,
    ) -> Result<RecordId, ReplicaError> {
        let row = self.store.row(&about)?;
        let space = row.ok_or_else(|| ReplicaError::UnknownRecord(about.to_string()))?;
        let preview = new.preview.map(|bytes| {
            let fits = u32::try_from(bytes.len()).is_ok_and(|it| it <= BLOB_PREVIEW_BYTES_MAX);
            let sealed = fits.then(|| seal_blob(bytes, moment.rng));
            sealed.unwrap_or(Err(BadBlob::TooLarge))
        });
        let preview = preview.transpose()?;
        let original = seal_blob(new.original, moment.rng)?;
        let edits = self.edits_of(about, new, preview.as_ref(), &original)?;
        let limit = self.blobs_limit;
        self.write(moment, |tx, mind, moment| {
            let record = mind.create(tx, ATTACHMENT, space.space, &edits, None, moment)?;
            for blob in preview.iter().chain([&original]) {
                let bytes = keep(tx, blob, moment.now)?;
                mind.count_blob_bytes(bytes);
            }
            mind.make_room(tx, limit, None)?;
            Ok(record)
        })
    }

    fn edits_of(
        &self,
        about: RecordId,
        new: &NewAttachment<'_>,
        preview: Option<&SealedBlob>,
        original: &SealedBlob,
    ) -> Result<Vec<FieldEdit>, ReplicaError> {
        let kind = self.mind.kind(ATTACHMENT)?;
        let size = original.named.len.to_string();
        let about = about.to_string();
        let mut edits = vec![
            kind.parse_edit("name", new.name)?,
            kind.parse_edit(ABOUT, &about)?,
            kind.parse_edit("media", new.media)?,
            kind.parse_edit("size", &size)?,
        ];
        if let Some(taken) = new.taken {
            edits.push(kind.parse_edit("taken", taken)?);
        }
        let named = [(PREVIEW, preview), (ORIGINAL, Some(original))];
        for (field, blob) in named {
            edits.extend(blob.map(|blob| FieldEdit {
                field: field.to_owned(),
                value: Value::Text(blob.named.to_text()).into(),
            }));
        }
        Ok(edits)
    }

    /// What is attached to a record, the oldest first.
    ///
    /// # Errors
    /// The store's.
    pub fn attachments(&self, about: &RecordId) -> Result<Vec<AttachmentView>, ReplicaError> {
        let mut rows: Vec<ViewRow> = Vec::new();
        for (record, field) in self.store.links_to(&LinkTarget::Record(*about))? {
            let row = self.store.row(&record)?;
            rows.extend(row.filter(|row| row.kind == ATTACHMENT && field == ABOUT));
        }
        rows.sort_by_key(|row| (row.created_at, row.record));
        rows.iter().map(|row| self.attachment_of(row)).collect()
    }

    /// One of them; none if the record is something else.
    ///
    /// # Errors
    /// The store's.
    pub fn attachment(&self, record: &RecordId) -> Result<Option<AttachmentView>, ReplicaError> {
        let row = self.store.row(record)?;
        let row = row.filter(|row| row.kind == ATTACHMENT);
        row.map(|row| self.attachment_of(&row)).transpose()
    }

    fn attachment_of(&self, row: &ViewRow) -> Result<AttachmentView, ReplicaError> {
        let values = row.values();
        let media = values.get("media").and_then(|media| media.as_str());
        Ok(AttachmentView {
            record: row.record,
            name: row.title.clone(),
            media: media.unwrap_or_default().to_owned(),
            preview: self.blob_status(&row.record, BlobPart::Preview)?,
            original: self.blob_status(&row.record, BlobPart::Original)?,
        })
    }

    pub(super) fn blob_named(
        &self,
        record: &RecordId,
        part: BlobPart,
    ) -> Result<Option<BlobRef>, ReplicaError> {
        let field = match part {
            BlobPart::Preview => PREVIEW,
            BlobPart::Original => ORIGINAL,
        };
        let work = load(&*self.store, record)?;
        let named = work.map(|work| work.doc().blobs(field));
        Ok(named.into_iter().flatten().next())
    }

    pub(super) fn blob_status(
        &self,
        record: &RecordId,
        part: BlobPart,
    ) -> Result<Option<BlobStatus>, ReplicaError> {
        let Some(named) = self.blob_named(record, part)? else {
            return Ok(None);
        };
        let row = self.store.blob(&named.id)?;
        Ok(Some(BlobStatus {
            len: named.len,
            is_here: row.as_ref().is_some_and(|row| row.is_whole()),
            is_elsewhere: row.as_ref().is_some_and(|row| !row.holders.is_empty()),
            is_asked: row.is_some_and(|row| row.wish == BlobWish::Asked),
        }))
    }

    /// Reads a blob of an attachment, chunk by chunk, each verified before it is handed on. Says whether all
    /// of it is here; if not, nothing is handed on.
    ///
    /// # Errors
    /// [`ReplicaError::Blob`] if it does not open with its record's key, the store's, or what `take` gives.
    pub fn read_blob<E: From<ReplicaError>>(
        &self,
        record: &RecordId,
        part: BlobPart,
        mut take: impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<bool, E> {
        let Some(named) = self.blob_named(record, part)? else {
            return Ok(false);
        };
        let row = self.store.blob(&named.id).map_err(ReplicaError::from)?;
        if row.is_none_or(|row| !row.is_whole()) {
            return Ok(false);
        }
        let cipher = BlobCipher::new(&named.key, named.len);
        for index in 0..chunks_of(padded_len(named.len)) {
            let sealed = self.store.blob_part(&named.id, index + 1);
            let sealed = sealed.map_err(ReplicaError::from)?;
            let sealed = sealed.ok_or_else(|| ReplicaError::from(lost(&named)))?;
            let plain = cipher.open(index, &sealed).map_err(ReplicaError::from)?;
            take(&plain)?;
        }
        Ok(true)
    }
}

fn lost(named: &BlobRef) -> StoreError {
    StoreError::Corrupt {
        what: "a part of a blob",
        place: named.id.short(),
    }
}

/// Keeps a blob that was sealed here; the record that names it has been written before it. Gives its bytes.
fn keep(tx: &mut dyn StoreTx, blob: &SealedBlob, now: Millis) -> Result<u64, ReplicaError> {
    let row = tx.blob(&blob.named.id)?;
    let mut row = row.ok_or_else(|| lost(&blob.named))?;
    tx.put_blob_part(&row.id, 0, &blob.list.to_bytes())?;
    for (part, chunk) in (1..).zip(&blob.chunks) {
        tx.put_blob_part(&row.id, part, chunk)?;
    }
    row.here = blob.list.chunks();
    row.number = give_number(tx)?;
    row.used = now;
    tx.put_blob(&row)?;
    Ok(bytes_here(&row))
}
