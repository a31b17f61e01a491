//! A community on a phone: what Kotlin, Swift and Python apps hold.
//!
//! ```text
//! Community   the one object: found, join or open a data folder; write, read, sync, close
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

mod community;
mod error;
mod fault;
mod text;
mod told;
mod values;

pub use community::Community;
pub use error::BanyanError;
pub use values::{
    Conflict, Field, FieldChange, FieldValue, Filter, HeldEntry, HistoryStep, Keep, Language,
    RecordView, Role, Row, Space, Status, SyncReport,
};

uniffi::setup_scaffolding!("banyan");
