//! The core of Banyan: how an edit on an offline phone becomes part of everybody's view.
//!
//! Nothing here opens a socket, starts a thread, reads a clock or draws global randomness: bytes, `now`
//! and `rng` come in as arguments, results go out. So a whole village runs in one thread, by seed.
//!
//! # One way through the house
//!
//! **edit → seal → store → session → link → peer → verify → store → merge → view**
//!
//! A person changes a field. [`record`] turns that into one Automerge change of one record, checked
//! against the [`schema`]; [`replica`] makes it durable at once as a *pending* row and shows it. When
//! there is somebody to send to, what is pending is compressed, sealed under the space's [`epoch`] key
//! and signed: up to 128 edits become one batch of the device's log ([`entry`]), chained to the batch
//! before. The [`store`] keeps it.
//!
//! Two peers meet in a [`session`]. They compare one digest; if it differs, the heads of their logs, or a
//! relay's arrival positions; and then exactly the missing batches flow, as frames ([`wire`]) over
//! whatever link the shell has. At the other end [`peer`] hands them to the replica there. A received
//! batch is a `SignedBatch`, which shows nothing of itself. Only [`entry::place`] makes a
//! `VerifiedBatch` of it, after its signature and its place in its log are proved, and only verified
//! batches reach a store or a merge.
//!
//! The receiving replica hears the [`roster`] first: who belongs and who may write is a pure function of
//! the set of signed statements. Then every change passes the gates of its record: it must be sound,
//! allowed, and build on what is there. What is not so is held with its reason and never lost; what is,
//! is merged, and the rows that people look at ([`view`]) are written in the same transaction.
//!
//! Photos and voice notes are too large for that way. A record of the kind `attachment` names them; they
//! themselves are sealed [`blob`]s beside the logs, and flow after everything else.
//!
//! Devices that stand beside each other need no relay between them: how they recognise each other is in
//! [`nearby`]. Where no link reaches, the same batches go in a file by hand ([`bundle`]), and come in the same way:
//! verified, stored, merged.
//!
//! When a device has everything that a relay has for it, it says so with a signed [`receipt`]: from
//! those, everybody can tell which of their records have come to whom. What a coordinator's device says
//! to people outside, about somebody's confirmed hours, is a signed text that they check by themselves
//! ([`certificate`]).
//!
//! # Two replicas meet
//!
//! ```
//! use std::sync::Arc;
//! use rand::{SeedableRng, rngs::ChaCha8Rng};
//! use sync_core::{id::Millis, keys::DeviceKeys, replica::{Moment, Replica}};
//! use sync_core::store::{MemoryStore, RowFilter};
//!
//! let mut rng = ChaCha8Rng::seed_from_u64(1);
//! let keys = Arc::new(DeviceKeys::generate(&mut rng));
//! let mut moment = Moment { now: Millis(1_700_000_000_000), rng: &mut rng };
//! let store = Box::new(MemoryStore::new());
//! let founding = Replica::found(store, keys, "Danzao", "Li Fang", &[], &mut moment)?;
//! let mut replica = founding.replica;
//!
//! let village = replica.add_space("Liangdeng", &mut moment)?;
//! let need = replica.schema().kind("need").expect("the station has needs");
//! let fields = need.parse_assignments(&[
//!     "title=Street lamp by the well".to_owned(),
//!     "category=housing".to_owned(),
//!     "urgency=normal".to_owned(),
//!     "state=raised".to_owned(),
//! ])?;
//! let record = replica.create("need", village, &fields, &mut moment)?;
//! assert_eq!(replica.list(&RowFilter::default())?[0].title, "Street lamp by the well");
//! assert_eq!(replica.show(record)?.created_by, "Li Fang");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! How two of them exchange everything is in the tests of [`replica`], [`peer`] and, with a real link, in
//! the crate `sync-node`.
//!
//! # Features
//!
//! `crdt` (records, replicas, views) and `sqlite` are on by default; a relay takes neither.

pub mod id;
pub mod keys;

#[cfg(feature = "crdt")]
pub mod schema;

#[cfg(feature = "crdt")]
pub mod record;

pub mod blob;
pub mod entry;
pub mod epoch;
pub mod receipt;
pub mod store;

pub mod session;
pub mod wire;

#[cfg(feature = "crdt")]
pub mod peer;

pub mod roster;

pub mod nearby;

pub mod bundle;

#[cfg(feature = "crdt")]
pub mod certificate;

#[cfg(feature = "crdt")]
pub mod replica;

#[cfg(feature = "crdt")]
pub mod view;
