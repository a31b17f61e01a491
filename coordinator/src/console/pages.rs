//! The pages, one file each: how the replica is looked at for them, and what their forms do.

pub(super) mod audit;
mod confirm;
mod cut;
pub(super) mod devices;
pub(super) mod form;
pub(super) mod held;
pub(super) mod invite;
pub(super) mod member;
pub(super) mod members;
pub(super) mod more;
pub(super) mod new;
pub(super) mod notices;
mod reach;
pub(super) mod record;
pub(super) mod records;
pub(super) mod rows;
pub(super) mod settings;
pub(super) mod sync;
pub(super) mod today;
