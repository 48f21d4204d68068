//! WVA.
mod saturation;
pub mod vectors;
pub use saturation::{Analysis, ReplicaMetrics, Step, Thresholds, VariantState, analyze, targets};
