//! How a replica starts: stages, links, storage tiers and loaders.

pub(crate) mod links;
pub(crate) mod resolve;
pub(crate) mod spec;
pub mod tiers;
