//! Photos, recordings and papers of records.

use sync_core::replica::{self, BlobRoom, BlobStatus, ReplicaError};
use sync_core::store;

use crate::community::Community;
use crate::error::BanyanError;

/// What is attached. What an app's system draws anew before (Android's `Bitmap.compress`, iOS's
/// `jpegData`) does not say where it was taken; the library takes bytes as they are.
#[derive(Debug, Clone, uniffi::Record)]
pub struct NewAttachment {
    /// What people call it.
    pub name: String,
    /// `jpeg`, `png`, `webp`, `ogg`, `m4a` or `pdf`.
    pub media: String,
    /// The thing itself, at most 32 MiB.
    pub original: Vec<u8>,
    /// A small JPEG that says what it is, at most 64 KiB: other phones get it before the thing itself.
    #[uniffi(default = None)]
    pub preview: Option<Vec<u8>>,
    /// The day on which it was taken, `YYYY-MM-DD`.
    #[uniffi(default = None)]
    pub taken: Option<String>,
}

/// Something that is attached to a record.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct Attachment {
    /// Its own record: it is edited and erased like any other.
    pub record: String,
    /// What people call it.
    pub name: String,
    /// What it is, as in `NewAttachment`; later versions may know more.
    pub media: String,
    /// Its small picture, if it has one.
    pub preview: Option<BlobState>,
    /// The thing itself.
    pub original: Option<BlobState>,
}

/// Where a part of an attachment is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Record)]
pub struct BlobState {
    /// How large it is.
    pub bytes: u32,
    /// All of it is on this device.
    pub is_here: bool,
    /// A relay or another device is known to have all of it.
    pub is_elsewhere: bool,
    /// `fetch_attachment` asked for it, and it has not come yet.
    pub is_asked: bool,
}

/// The room that attachments take on this device, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Record)]
pub struct AttachmentRoom {
    /// What they may take; none if there is no limit.
    pub limit: Option<u64>,
    /// What they take.
    pub used: u64,
    /// Of that, what nobody else is known to have: it stays, also beyond the limit.
    pub only_here: u64,
}

impl From<BlobRoom> for AttachmentRoom {
    fn from(room: BlobRoom) -> Self {
        Self {
            limit: room.limit,
            used: room.used,
            only_here: room.only_here,
        }
    }
}

/// A part of an attachment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Enum)]
pub enum BlobPart {
    /// The small picture.
    Preview,
    /// The thing itself.
    Original,
}

impl From<replica::AttachmentView> for Attachment {
    fn from(view: replica::AttachmentView) -> Self {
        Self {
            record: view.record.to_string(),
            name: view.name,
            media: view.media,
            preview: view.preview.map(BlobState::from),
            original: view.original.map(BlobState::from),
        }
    }
}

impl From<BlobStatus> for BlobState {
    fn from(status: BlobStatus) -> Self {
        Self {
            bytes: status.len,
            is_here: status.is_here,
            is_elsewhere: status.is_elsewhere,
            is_asked: status.is_asked,
        }
    }
}

impl From<BlobPart> for store::BlobPart {
    fn from(part: BlobPart) -> Self {
        match part {
            BlobPart::Preview => Self::Preview,
            BlobPart::Original => Self::Original,
        }
    }
}

#[uniffi::export]
impl Community {
    /// Attaches something to a record; it is durable when this returns. Returns the id of its own record.
    ///
    /// # Errors
    /// `NotFound` for the record; `Invalid` if it is empty, too large, or a field does not fit; `NotAllowed`.
    /// Nothing is written then.
    pub async fn attach(
        &self,
        record: String,
        attachment: NewAttachment,
    ) -> Result<String, BanyanError> {
        self.call(move |replica, moment| {
            let about = replica.find_record(&record)?;
            let new = replica::NewAttachment {
                name: &attachment.name,
                media: &attachment.media,
                taken: attachment.taken.as_deref(),
                preview: attachment.preview.as_deref(),
                original: &attachment.original,
            };
            Ok(replica.attach(about, &new, moment)?.to_string())
        })
        .await
    }

    /// What is attached to a record, the oldest first.
    ///
    /// # Errors
    /// `NotFound` for the record; `Storage`.
    pub async fn attachments(&self, record: String) -> Result<Vec<Attachment>, BanyanError> {
        self.call(move |replica, _| {
            let about = replica.find_record(&record)?;
            let all = replica.attachments(&about)?.into_iter();
            Ok(all.map(Attachment::from).collect())
        })
        .await
    }

    /// The bytes of a part of an attachment, each chunk verified; none as long as not all of it is here, and of
    /// a record that has no such part.
    ///
    /// # Errors
    /// `NotFound` for the attachment; `Storage`.
    pub async fn read_attachment(
        &self,
        attachment: String,
        part: BlobPart,
    ) -> Result<Option<Vec<u8>>, BanyanError> {
        self.call(move |replica, moment| {
            let record = replica.find_record(&attachment)?;
            let mut bytes = Vec::new();
            let is_here = replica.read_blob(&record, part.into(), |chunk| {
                bytes.extend_from_slice(chunk);
                Ok::<(), ReplicaError>(())
            })?;
            if is_here {
                replica.note_blob_looked_at(&record, part.into(), moment)?;
            }
            Ok(is_here.then_some(bytes))
        })
        .await
    }

    /// Asks for a part of an attachment that is not here. It comes with the next sync with somebody who has it,
    /// also after `allow_originals(false)` and where there is no room: others make room for it. Returns
    /// where it is now; none if the record has no such part.
    ///
    /// # Errors
    /// `NotFound` for the attachment; `Storage`.
    pub async fn fetch_attachment(
        &self,
        attachment: String,
        part: BlobPart,
    ) -> Result<Option<BlobState>, BanyanError> {
        self.call(move |replica, _| {
            let record = replica.find_record(&attachment)?;
            let status = replica.fetch_blob(&record, part.into())?;
            Ok(status.map(BlobState::from))
        })
        .await
    }

    /// Attachments may take so many bytes on this device; at first, and with none, as many as there are. It is
    /// not kept: say it each time after opening. What is beyond it and a relay of the community or another
    /// member's device has makes room, what was looked at longest ago first; `fetch_attachment` brings it
    /// back. What nobody else has stays.
    ///
    /// # Errors
    /// `Storage`.
    pub async fn limit_attachments(
        &self,
        bytes: Option<u64>,
    ) -> Result<AttachmentRoom, BanyanError> {
        self.call(move |replica, _| Ok(replica.limit_blobs(bytes)?.into()))
            .await
    }

    /// The room that attachments take.
    ///
    /// # Errors
    /// `Storage`.
    pub async fn attachment_room(&self) -> Result<AttachmentRoom, BanyanError> {
        self.call(move |replica, _| Ok(replica.blob_room()?.into()))
            .await
    }

    /// Whether the things themselves are fetched from now on; small pictures always are. At first they are:
    /// say no on a network that somebody pays for, and yes once it is another one.
    ///
    /// # Errors
    /// `Closed`.
    pub async fn allow_originals(&self, may: bool) -> Result<(), BanyanError> {
        self.call(move |replica, _| {
            replica.allow_originals(may);
            Ok(())
        })
        .await
    }
}
