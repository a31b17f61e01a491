//! A community on a phone: what Kotlin, Swift and Python apps hold.
//!
//! ```text
//! Community   the one object: found, join or open a data folder, close it
//! records     begun, written, read, listed page by page; how far each has come
//! members     people, their devices and rights; spaces; invitations and their QR
//! sync        once with a deadline, or staying in touch; events, which the app fetches
//! nearby      other members' devices on the same network, without a relay
//! account     numbers, proofs, erasure
//! bundles     everything in files that somebody carries, where no network is
//! keys, log   what the platform lends: a place for keys, a log
//! values      plain records in and out; apps never see a type of the core
//! errors      one enum of things that an app can act on, each with a sentence for a person
//! text        those sentences, in Chinese and English
//! ```
//! There is no logic here: every method hands one closure to the node, which runs it in turn with
//! everything else. Methods that touch the store are `async` and can be awaited on any executor.
//!
//! The foreign side is never committed; it is written from the built library:
//!
//! ```text
//! cargo build -p mobile-ffi --profile phone
//! cargo run -p uniffi-bindgen -- --language kotlin --out-dir app/src target/phone/libmobile_ffi.so
//! ```

mod account;
mod attached;
mod bundles;
mod community;
mod error;
mod fault;
mod keys;
mod log;
mod members;
mod nearby;
mod records;
mod sync;
mod text;
mod told;
mod values;

pub use account::{Erasure, Numbers, Proof, Question, Statistics};
pub use attached::{Attachment, AttachmentRoom, BlobPart, BlobState, NewAttachment};
pub use bundles::{
    Along, BundleInfo, BundleProgress, BundleWatch, ExportAsk, ExportReport, ImportReport,
    ImportedFile, SpaceInBundle,
};
pub use community::Community;
pub use error::BanyanError;
pub use keys::{KeyStore, PlatformError};
pub use log::{LogLevel, LogSink, end_logging, init_logging};
pub use members::{Device, Freshness, HeldRole, Member, QrMatrix, begin_device, qr};
pub use nearby::{Announcement, NearbyNews, Visit, Who};
pub use sync::Event;
pub use values::{
    Conflict, Field, FieldChange, FieldValue, Filter, HeldEntry, HistoryStep, Keep, Language,
    ListItem, ListOrder, Place, RecordView, Role, Row, Space, Status, SyncReport, TickLevel, Ticks,
};

uniffi::setup_scaffolding!("banyan");
