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
mod executor;
mod fallback;
pub mod formula;
mod hpa_feed;
pub mod job;
mod job_autoscaler;
pub mod manifest;
mod readings;
mod spec;

pub use autoscaler::{Controllers, KedaExecutor, KedaOptions};
pub use binding::{Bindings, bind_trigger};
pub use executor::{Activity, Condition, Executor, Poll, Rules};
pub use fallback::reported;
pub use hpa_feed::KedaHpa;
pub use job_autoscaler::KedaJobs;
pub use spec::{
    Annotations, Fallback, FallbackBehavior, MetricType, Quirks, ScaledJob, ScaledObject, ScalingModifiers, Trigger,
};
