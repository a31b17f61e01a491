//! The shell around a replica: files, clock, randomness, sockets.
//!
//! ```text
//! Home    the data folder: the device's key file and the community's store
//! Node    the handle: call into the replica, sync once, or stay live
//! Nearby  listening to other members' devices, finding them, and exchanging with them
//! driver  one thread owns the replica; everything that happens comes to it as one input
//! wire    one task reads a connection's frames and one writes them; both within bounds
//! bundle  files that are carried by hand: exported, imported, inspected
//! ```
//! The core decides everything; nothing here knows what is in a frame. Frames that wait are taken
//! together, so that a fast relay and a slow disk meet in few large transactions.

pub mod bundle;
mod connection;
pub mod draft;
mod driver;
mod home;
mod keep_alive;
mod key_file;
mod live;
mod nearby;
mod node;
mod pace;
mod report;
mod vault;

pub use home::{Home, HomeError};
pub use key_file::{PASSPHRASE_CHARS_MIN, Passphrase};
pub use live::{Live, LiveEvent};
pub use nearby::{
    Announcement, Nearby, NearbyEvent, NearbyOptions, PeerAddress, PeerTarget, Visit, Who,
};
pub use node::{Node, NodeError, ProgressFn};
pub use report::SyncReport;
pub use sync_core as core;
pub use sync_link::LinkError;
pub use vault::Vault;
