//! The lines of the reference files, as they stand there.

use serde::Deserialize;
use std::collections::BTreeMap;

/// One scenario: a controller, an HPA and its reconciles.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Scenario {
    /// Its name.
    pub id: String,
    /// `k8s-1.28` or `k8s-2026-backport`.
    pub variant: String,
    /// What it exercises.
    #[serde(default)]
    pub family: String,
    /// The controller's flags.
    pub controller: Controller,
    /// Tolerance downwards, where it differs from the flag (2026).
    #[serde(default)]
    pub tolerance_scale_down: Option<f64>,
    /// Tolerance upwards, where it differs from the flag (2026).
    #[serde(default)]
    pub tolerance_scale_up: Option<f64>,
    /// The spec as a user writes it.
    pub hpa_spec: serde_json::Value,
    /// `behavior` after defaulting, or null.
    pub behavior_defaulted: serde_json::Value,
    /// The containers of every pod.
    pub containers: Vec<ContainerRow>,
    /// The reconciles, in time order.
    pub ticks: Vec<Tick>,
}

/// The controller's flags.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Controller {
    /// Tolerance.
    pub tolerance: f64,
    /// Downscale stabilization.
    pub downscale_stabilization_sec: i64,
    /// CPU initialization period.
    pub cpu_initialization_period_sec: i64,
    /// Initial readiness delay.
    pub initial_readiness_delay_sec: i64,
    /// Whether the 2026 variant may scale to zero.
    #[serde(default)]
    pub hpa_scale_to_zero_gate: bool,
}

/// A container and its requests in milli-units.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ContainerRow {
    /// Its name.
    pub name: String,
    /// Requests by resource.
    #[serde(default)]
    pub requests_milli: BTreeMap<String, i64>,
}

/// `[id, phase, deleting, startMs, ready, readyTransitionMs]`.
pub type PodRow = (u32, String, u8, Option<i64>, Option<u8>, Option<i64>);

/// One reconcile: what it sees and what it must do.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Tick {
    /// Milliseconds since the start.
    pub t: i64,
    /// `scale.spec.replicas`.
    pub spec: i32,
    /// `scale.status.replicas`.
    pub status: i32,
    /// Whether reading the scale fails.
    #[serde(default)]
    pub scale_get_err: bool,
    /// The pods.
    #[serde(default)]
    pub pods: Vec<PodRow>,
    /// The answers of the metrics APIs.
    #[serde(default)]
    pub m: Vec<Reading>,
    /// What must come out.
    pub out: Expected,
}

/// The answer of a metrics API.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Reading {
    /// Whether the call fails.
    #[serde(default)]
    pub err: bool,
    /// `[pod, milli, ms]`.
    #[serde(default)]
    pub pods: Option<Vec<(u32, i64, i64)>>,
    /// Span of the samples in ms.
    #[serde(default)]
    pub win: i64,
    /// Values of an external metric.
    #[serde(default)]
    pub values: Option<Vec<i64>>,
    /// Value of an object.
    #[serde(default)]
    pub value: Option<i64>,
}

/// What one reconcile must leave behind.
#[derive(Clone, Debug, Deserialize)]
pub struct Expected {
    /// `spec.replicas` afterwards.
    pub desired: i32,
    /// Whether the scale was written.
    pub updated: bool,
    /// Whether the reconcile returned an error.
    #[serde(default)]
    pub err: bool,
    /// The proposals.
    #[serde(default)]
    pub prop: Option<Vec<Option<i32>>>,
    /// The current values.
    #[serde(default)]
    pub cur: Option<Vec<Current>>,
    /// Conditions as `T:Reason` or `F:Reason`.
    #[serde(default)]
    pub cond: BTreeMap<String, String>,
    /// Recommendations in slot order (trace files).
    #[serde(default)]
    pub recs: Option<Vec<(i32, i64)>>,
    /// Changes upwards in slot order (trace files).
    #[serde(default)]
    pub up: Option<Vec<(i32, i64)>>,
    /// Changes downwards in slot order (trace files).
    #[serde(default)]
    pub down: Option<Vec<(i32, i64)>>,
    /// Event reasons.
    #[serde(default)]
    pub ev: Vec<String>,
}

/// The current value of a metric.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Current {
    /// Percent.
    #[serde(default)]
    pub util: Option<i64>,
    /// Milli-units per pod.
    #[serde(default)]
    pub avg: Option<i64>,
    /// Milli-units.
    #[serde(default)]
    pub val: Option<i64>,
}

/// One row of a function file.
#[derive(Clone, Debug, Deserialize)]
pub struct FunctionRow {
    /// Which function.
    #[serde(rename = "fn")]
    pub function: String,
    /// Its arguments.
    pub args: Vec<i32>,
    /// What the controller's floating-point code gives.
    pub out: i64,
}
