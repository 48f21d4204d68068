//! Regions and node pools.

pub mod catalog;
pub(crate) mod resolve;
pub(crate) mod spec;
