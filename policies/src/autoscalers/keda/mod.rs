//! KEDA: the executor of a `ScaledObject` beside its HPA, and `ScaledJob` (`kedacore/keda` @ 8b4f083c).
//!
//! Two controllers own the target of a `ScaledObject`: [`Executor`] goes between none and one, and a
//! Kubernetes HPA, fed with the triggers' values, does the rest. [`ScaledObject::controllers`] makes
//! both.
//!
//! | part | owns |
//! | --- | --- |
//! | [`ScaledObject`], [`ScaledJob`], [`Trigger`] | the words of a manifest |
//! | [`Executor`] | the loop between none and one |
//! | [`job`] | how many jobs are created |
//! | [`formula`] | `scalingModifiers.formula` |
//! | [`KedaExecutor`], [`KedaHpa`], [`KedaJobs`] | the controllers behind the simulator's port |
//! | [`manifest`] | a user's YAML or JSON file |

mod autoscaler;
mod binding;
mod cron;
mod executor;
mod fallback;
pub mod formula;
mod hpa_feed;
pub mod job;
mod job_autoscaler;
pub mod manifest;
mod readings;
mod spec;

use crate::info::{PolicyInfo, Port};
use crate::manifest::{Kind, ObjectKind};

pub use autoscaler::{Controllers, KedaExecutor, KedaOptions};
pub use binding::{Bindings, TriggerError, bind_trigger};
pub use cron::CronWindow;
pub use executor::{Activity, Condition, Executor, Poll, Rules};
pub use fallback::reported;
pub use hpa_feed::KedaHpa;
pub use job_autoscaler::KedaJobs;
pub use spec::{
    Annotations, Fallback, FallbackBehavior, MetricType, Quirks, ScaledJob, ScaledObject, ScalingModifiers, Trigger,
};

/// What the list of policies says of this folder.
pub const POLICIES: &[PolicyInfo] = &[
    PolicyInfo::reproducing(
        Port::Autoscaler,
        "keda/scaled-job",
        "jobs by the length of queues, from a ScaledJob",
        "KEDA @ 8b4f083c, pkg/scaling; equal to recorded runs of its code",
    ),
    PolicyInfo::reproducing(
        Port::Autoscaler,
        "keda/scaled-object",
        "to and from zero by triggers, with the HPA that KEDA makes, from a ScaledObject",
        "KEDA @ 8b4f083c, pkg/scaling/executor; equal to recorded runs of its code, fallback and formula as read",
    ),
];

/// How a file shows that it is a `ScaledObject`.
pub const SCALED_OBJECT: Kind =
    Kind { what: "a ScaledObject", objects: &[ObjectKind::of("ScaledObject")], fields: &[] };

/// How a file shows that it is a `ScaledJob`.
pub const SCALED_JOB: Kind = Kind { what: "a ScaledJob", objects: &[ObjectKind::of("ScaledJob")], fields: &[] };
