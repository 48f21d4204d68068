//! Regions and node pools.

pub mod catalog;
pub(crate) mod placement;
pub(crate) mod resolve;
pub(crate) mod spec;
