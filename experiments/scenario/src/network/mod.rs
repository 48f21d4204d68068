//! Routes and distances.

pub(crate) mod resolve;
pub(crate) mod spec;
