//! The Knative Pod Autoscaler, decision for decision.
//!
//! [`Decider`] is the autoscaler's decision, [`to_zero`] the reconciler's way to the last pod; around
//! them stand the settings, the manifest reader and the adapter to the simulator's port. Reproduces
//! `knative/serving` @ 98e5ef90 (2026-08-21).
//!
//! | part | owns |
//! | --- | --- |
//! | [`Buckets`] | averages over windows of seconds |
//! | [`Decider`] | how many pods are desired |
//! | [`to_zero`], [`Bounds`] | what is written of it |
//! | [`ClusterSettings`], [`Annotations`], [`resolve`] | `ConfigMap` and annotations, and what is refused |
//! | [`manifest`] | a user's own file |
//! | [`KnativeKpa`] | the controller behind the simulator's port |

mod annotations;
mod autoscaler;
mod buckets;
mod decider;
mod delay;
mod explain;
pub mod manifest;
mod revision;
mod scaler;
mod settings;

use crate::info::{PolicyInfo, Port};
use crate::manifest::{Kind, ObjectKind};

pub use annotations::{Annotations, HPA_CLASS, KPA_CLASS};
pub use autoscaler::{KnativeKpa, KnativeOptions, Quirks};
pub use buckets::{Aggregation, Buckets};
pub use decider::{Decider, DeciderSpec, Rules, Verdict};
pub use revision::{Revision, resolve};
pub use scaler::{Active, Bounds, Reachability, Scale, UNKNOWN, ZeroState, to_zero};
pub use settings::{ClusterSettings, Refusal};

/// What the list of policies says of this folder.
pub const POLICIES: &[PolicyInfo] = &[PolicyInfo::reproducing(
    Port::Autoscaler,
    "knative/kpa",
    "Knative Pod Autoscaler, from a Service, Revision or KServe InferenceService",
    "knative/serving @ 98e5ef90; decisions, settings and scale to zero equal to recorded runs",
)];

/// How a file shows that it is one of these.
pub const KIND: Kind = Kind {
    what: "a Knative Service or InferenceService",
    objects: &[
        ObjectKind { name: "Service", group: Some("serving.knative.dev") },
        ObjectKind { name: "Configuration", group: Some("serving.knative.dev") },
        ObjectKind::of("Revision"),
        ObjectKind::of("InferenceService"),
    ],
    fields: &[],
};
