//! Service-level objectives (SLOs).

pub(crate) mod resolve;
pub(crate) mod spec;
