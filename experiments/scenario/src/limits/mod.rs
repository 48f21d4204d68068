//! What may not be exceeded.

pub(crate) mod resolve;
pub(crate) mod spec;
