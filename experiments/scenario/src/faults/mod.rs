//! Faults of the fleet, and spot markets.

pub(crate) mod resolve;
pub(crate) mod spec;
