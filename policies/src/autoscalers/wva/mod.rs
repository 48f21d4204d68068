//! llm-d's workload variant autoscaler, saturation analysis version 1.
//!
//! Reproduces `llm-d/llm-d-workload-variant-autoscaler` @ b08b1c77 (2026-02-19), whose decisions are
//! compared with runs of its analyzer. Version 2, which weighs demand and supply in tokens, is not
//! here: what is known of it are two thresholds, and not how demand and supply are estimated. Nor is
//! scaling from and to zero, which is off by default there.
//!
//! The real controller only publishes `wva_desired_replicas`, which an HPA or KEDA follows; [`Wva`]
//! writes the counts itself unless it is told to [`Effect::Publish`] only.
//!
//! | part | owns |
//! | --- | --- |
//! | [`analyze`], [`targets`] | the decision |
//! | [`manifest`] | a user's own `VariantAutoscaling`s and `ConfigMap` |
//! | [`Wva`] | the controller behind the simulator's port |

mod autoscaler;
pub mod manifest;
mod saturation;

use crate::info::{PolicyInfo, Port};
use crate::manifest::{Kind, ObjectKind};

pub use autoscaler::{Effect, Wva, WvaError, WvaOptions, published_name};
pub use manifest::{Model, Variant};
pub use saturation::{
    Analysis, ReplicaMetrics, Rules, Step, Thresholds, VariantState, analyze, analyze_with, targets, targets_with,
};

/// What the list of policies says of this folder.
pub const POLICIES: &[PolicyInfo] = &[PolicyInfo::reproducing(
    Port::Autoscaler,
    "wva/saturation-v1",
    "llm-d's workload variant autoscaler, from VariantAutoscalings and a ConfigMap",
    "llm-d-workload-variant-autoscaler @ b08b1c77; equal to recorded runs of its analyzer",
)];

/// How a file shows that it is one of these.
pub const KIND: Kind =
    Kind { what: "a VariantAutoscaling", objects: &[ObjectKind::of("VariantAutoscaling")], fields: &[] };
