//! Spot capacity: recorded, generated, and its statistics.

pub mod market;
mod series;
pub mod statistics;

pub use series::CapacitySeries;
