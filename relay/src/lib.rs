//! Banyan's relay: carries every community's batches, and can read none of them.
//!
//! ```text
//! QUIC connection → server (tasks, one thread) → Relay::handle → BatchLog → effects → server → QUIC
//! ```
//! [`relay`] is the pure core: groups of inputs in, effects out, one durable transaction between. It
//! keeps each [`community`] in memory only as far as it must know it: who belongs (the roster lane is
//! in clear: keys and roles, no names), where logs stand, and the newest sealed batches. The [`log`] is
//! where batches are kept for good; the [`ledger`] is what an operator is told afterwards, as an
//! [`overview`]. [`server`] gives the core its sockets, clock and thread. This crate
//! is built without the part of the core that opens and merges records, so it cannot read them.

pub mod audit;
pub mod community;
pub mod config;
pub mod door;
pub mod ledger;
pub mod limits;
pub mod log;
pub mod metrics;
pub mod overview;
pub mod relay;
pub mod server;
