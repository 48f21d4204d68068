//! Promises: service-level objectives.

pub(crate) mod resolve;
pub(crate) mod spec;
