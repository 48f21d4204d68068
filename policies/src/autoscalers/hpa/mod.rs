//! The Kubernetes Horizontal Pod Autoscaler (`autoscaling/v2`), bit for bit.
//!
//! [`step`] is the controller's reconcile as a pure function in the controller's own units (`f64`
//! ratios, `i64` milli-units, nanoseconds); around it stand the manifest reader and the adapter to
//! the simulator's port.
//!
//! | part | owns |
//! | --- | --- |
//! | [`HpaSpec`] | the words of a manifest |
//! | [`with_defaults`], [`validate`] | what the API server adds and refuses |
//! | [`step`] | the decision |
//! | [`Hpa`] | the controller behind the simulator's port |
//! | [`manifest`] | a user's YAML or JSON file |

mod arithmetic;
mod autoscaler;
mod combine;
mod config;
mod decision;
mod defaulting;
mod explain;
mod limits;
pub mod manifest;
mod metric_error;
mod metrics;
mod normalize;
mod observation;
mod pods;
mod spec;
mod state;
mod step;
mod tolerance;
mod validation;

use crate::info::{PolicyInfo, Port};
use crate::manifest::{Kind, ObjectKind};

pub use autoscaler::{BoundMetric, Hpa, HpaOptions, bind};
pub use config::{Container, ControllerSettings, HpaConfig, NS_PER_S, Quirks, Rules, Variant};
pub use decision::{
    AppliedLimit, ConditionState, Conditions, CurrentValue, Event, HpaDecision, MetricOutcome, MetricProposal,
};
pub use defaulting::{behavior_with_defaults, with_defaults};
pub use limits::{scale_down_percent_limit, scale_up_percent_limit};
pub use metric_error::MetricError;
pub use metrics::propose;
pub use observation::{HpaObservation, MetricReading, Pod, PodPhase, PodSample, ReadyCondition};
pub use spec::{
    Behavior, HpaSpec, LabelRequirement, LabelSelector, MetricIdentifier, MetricSource, MetricSpec, PolicyKind,
    ScalingPolicy, ScalingRules, SelectPolicy, Target,
};
pub use state::{HpaState, Recommendation, ScaleEvent};
pub use step::step;
pub use validation::{SpecError, validate};

/// What the list of policies says of this folder.
pub const POLICIES: &[PolicyInfo] = &[
    PolicyInfo::reproducing(
        Port::Autoscaler,
        "hpa/k8s-1.28",
        "Horizontal Pod Autoscaler, from an autoscaling/v2 manifest",
        "Kubernetes 1.28, pkg/controller/podautoscaler; equal to recorded runs of its code",
    ),
    PolicyInfo::reproducing(
        Port::Autoscaler,
        "hpa/k8s-2026-backport",
        "the same with a tolerance per direction, and to and from zero by condition",
        "1.28 with differences of a 2026 development tree patched in; not an upstream binary",
    ),
];

/// How a file shows that it is one of these.
pub const KIND: Kind =
    Kind { what: "a HorizontalPodAutoscaler", objects: &[ObjectKind::of("HorizontalPodAutoscaler")], fields: &[] };
