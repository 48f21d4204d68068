//! Routes and distances.

pub(crate) mod resolve;
pub(crate) mod routing;
pub(crate) mod spec;
