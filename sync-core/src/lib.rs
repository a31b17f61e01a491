//! x
pub mod id;
pub mod keys;
pub mod roster;
pub mod epoch;
pub mod entry;
#[cfg(feature = "crdt")]
pub mod record;
#[cfg(feature = "crdt")]
pub mod schema;
pub mod store;
#[cfg(feature = "crdt")]
pub mod replica;
#[cfg(feature = "crdt")]
pub mod peer;
pub mod wire;
pub mod session;
