//! `AIBrix`'s autoscaler: the algorithms APA and KPA, and the stabilization after them.
//!
//! Reproduces `vllm-project/aibrix` @ e3e10f9e (2026-08-22). The algorithms are compared with runs of
//! its code; stabilization and the averaging over windows are taken from reading it.
//!
//! | part | owns |
//! | --- | --- |
//! | [`Settings`] | the algorithms' parameters, and the algorithms |
//! | [`Stabilizer`] | cooldown windows |
//! | [`manifest`] | a user's own `PodAutoscaler` |
//! | `registry` | what a pod's metrics are called |
//! | `schedule` | bounds by the time of day |
//! | [`Aibrix`] | the controller behind the simulator's port |

mod algorithm;
mod autoscaler;
pub mod manifest;
mod registry;
mod schedule;
mod stabilizer;

use crate::info::{PolicyInfo, Port};
use crate::manifest::{Kind, ObjectKind};

pub use algorithm::{Algorithms, Recommendation, Rules, Settings};
pub use autoscaler::{Aibrix, AibrixOptions, BindError, Quirks, bind};
pub use manifest::{Metric, MetricKind, PodAutoscaler, Strategy};
pub use registry::{PodMetric, pod_metric};
pub use schedule::DailyWindow;
pub use stabilizer::Stabilizer;

/// What the list of policies says of this folder.
pub const POLICIES: &[PolicyInfo] = &[
    PolicyInfo::reproducing(
        Port::Autoscaler,
        "aibrix/apa",
        "AIBrix's ratio of the mean a pod to its target, from a PodAutoscaler",
        "vllm-project/aibrix @ e3e10f9e; algorithm equal to recorded runs, stabilization by reading",
    ),
    PolicyInfo::reproducing(
        Port::Autoscaler,
        "aibrix/kpa",
        "AIBrix's form of Knative's decision, from a PodAutoscaler",
        "vllm-project/aibrix @ e3e10f9e; algorithm equal to recorded runs, stabilization by reading",
    ),
];

/// How a file shows that it is one of these.
pub const KIND: Kind = Kind { what: "a PodAutoscaler", objects: &[ObjectKind::of("PodAutoscaler")], fields: &[] };
