//! The pages, one file each: how the replica is looked at for them, and what their forms do.

pub(super) mod form;
pub(super) mod invite;
pub(super) mod members;
pub(super) mod new;
pub(super) mod notices;
mod reach;
pub(super) mod record;
pub(super) mod records;
pub(super) mod rows;
pub(super) mod settings;
pub(super) mod sync;
pub(super) mod today;
