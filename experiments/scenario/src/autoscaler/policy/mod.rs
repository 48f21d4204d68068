//! Policies of a user's own crate.

pub(crate) mod resolve;
pub(crate) mod spec;
