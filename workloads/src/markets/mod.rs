//! Spot capacity over time.
//!
//! | module | capacity |
//! | --- | --- |
//! | [`recorded`] | files of recordings that others published |
//! | [`generated`] | markets drawn by a law that was measured on recordings |
//! | [`lifetimes`] | how long a node lives, where each has a lifetime of its own |
//! | [`statistics`] | what recordings and laws are compared by |

pub mod generated;
pub mod lifetimes;
pub mod recorded;
mod series;
pub mod statistics;

pub use series::CapacitySeries;
