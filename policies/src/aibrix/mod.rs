//! AIBrix.
mod algorithm;
pub mod vectors;
pub use algorithm::{Recommendation, Settings};
