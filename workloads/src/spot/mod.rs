//! Spot capacity: recorded, generated, and its statistics.

pub mod lifetimes;
pub mod market;
pub mod recorded;
mod series;
pub mod statistics;

pub use series::CapacitySeries;
