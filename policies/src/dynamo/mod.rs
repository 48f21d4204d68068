//! Dynamo.
mod easy;
pub mod vectors;
pub use easy::{Component, EngineLoad, LoadThresholds, Reason, Role, Target};
