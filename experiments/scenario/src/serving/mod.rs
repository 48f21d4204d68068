//! How a replica works: slots, sharing, batches, and engines token by token.

pub(crate) mod batch;
pub(crate) mod engine;
mod setup;
pub(crate) mod spec;
