//! A manifest, as a scenario names it.

use flashcrowd_language::units::{Duration, NonNegative};
use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::BTreeMap;

/// Parameters of `Manifest`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("x-bare" = "path"))]
pub struct Manifest {
    /// The file.
    #[schemars(extend("x-file" = true, "x-example" = "\"hpa.yaml\""))]
    pub path: Option<String>,
    /// The manifest itself, in place of a file.
    #[schemars(extend("x-example" = "\"apiVersion: ...\""))]
    pub text: Option<String>,
    /// Which of several objects in the file: `name`, `namespace/name` or `kind/name`.
    #[schemars(extend("x-example" = r#""ScaledObject/chat""#))]
    pub name: Option<String>,
    /// Values in place of those in the file, each by its path; what is not there is added.
    #[serde(default)]
    #[schemars(extend("x-example" = r#"{"spec.metrics[0].pods.target.averageValue": "3"}"#))]
    pub set: BTreeMap<String, String>,
    /// Fewest replicas, for a file that holds no bounds (a bare configuration of AWS).
    #[schemars(extend("x-example" = "1"))]
    pub min: Option<u32>,
    /// Most replicas, for such a file.
    #[schemars(extend("x-example" = "8"))]
    pub max: Option<u32>,
    /// Which upstream controller; `k8s-1.28` by default.
    #[schemars(extend("x-example" = r#""k8s-1.28""#))]
    pub variant: Option<String>,
    /// `--horizontal-pod-autoscaler-sync-period`.
    #[schemars(extend("x-example" = r#""15s""#))]
    pub sync_period: Option<Duration>,
    /// First reconcile; drawn from one period by default.
    #[schemars(extend("x-example" = r#""0s""#))]
    pub phase: Option<Duration>,
    /// `--horizontal-pod-autoscaler-tolerance`.
    #[schemars(extend("x-example" = "0.1"))]
    pub tolerance: Option<NonNegative>,
    /// `--horizontal-pod-autoscaler-downscale-stabilization`.
    #[schemars(extend("x-example" = r#""5m""#))]
    pub downscale_stabilization: Option<Duration>,
    /// `--horizontal-pod-autoscaler-cpu-initialization-period`.
    #[schemars(extend("x-example" = r#""5m""#))]
    pub cpu_initialization_period: Option<Duration>,
    /// `--horizontal-pod-autoscaler-initial-readiness-delay`.
    #[schemars(extend("x-example" = r#""30s""#))]
    pub initial_readiness_delay: Option<Duration>,
    /// Feature gate `HPAScaleToZero` (2026 variant).
    pub scale_to_zero: Option<bool>,
    /// Keep upstream quirks; true by default.
    pub faithful: Option<bool>,
    /// What Ray Serve's delays count: `wall` time, or `ticks` of its loop as before 2.5x.
    #[schemars(extend("x-example" = r#""wall""#))]
    pub delay_clock: Option<String>,
}
