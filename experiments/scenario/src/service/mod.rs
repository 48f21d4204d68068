//! Services.

pub(crate) mod residents;
pub(crate) mod resolve;
pub(crate) mod resolved;
pub(crate) mod router;
pub(crate) mod spec;
