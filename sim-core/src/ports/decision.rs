//! What a controller may answer: actions, which the engine checks. A refused action is logged with
//! a reason and counted, never silently changed.

use super::{Mode, ReplicaId, TargetId, TargetView};
use crate::clock::SimTime;
use crate::units::Market;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A controller's answer to one observation.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Decision {
    /// Its actions, in order. Empty means: hold.
    pub actions: Vec<Action>,
    /// When to wake it next; `None` keeps its period.
    pub next_wake: Option<SimTime>,
    /// Values that it publishes for other controllers; no signal of the engine reads them yet.
    pub metrics: Vec<Published>,
    /// Why it decided so about each target, for the decision log.
    pub explanations: BTreeMap<TargetId, Box<Explanation>>,
}

impl Decision {
    /// Changes nothing.
    pub fn hold() -> Self {
        Decision::default()
    }

    /// Writes `replicas` to the target's register.
    pub fn set_replicas(target: TargetId, replicas: u32) -> Self {
        let action = Action::SetReplicas { target, replicas, class: Class::default() };
        Decision { actions: vec![action], ..Decision::default() }
    }

    /// Writes `replicas` to the target's register, unless the register holds that already.
    pub fn scale_to(view: &TargetView, replicas: u32) -> Self {
        if view.spec_replicas == replicas { Decision::hold() } else { Decision::set_replicas(view.target, replicas) }
    }

    /// The same decision, with the reason for what it does, or does not do, about a target.
    #[must_use]
    pub fn explained(mut self, target: TargetId, why: Explanation) -> Self {
        self.explanations.insert(target, Box::new(why));
        self
    }

    /// The explanation about a target.
    pub fn explanation(&self, target: TargetId) -> Option<&Explanation> {
        self.explanations.get(&target).map(|why| &**why)
    }
}

/// Why the engine refuses an action.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// A target that the controller does not see.
    #[error("the controller was not shown this target")]
    NotShown,
    /// A target that the world lacks.
    #[error("there is no such target")]
    NoTarget,
    /// A target on the replicas of another.
    #[error("the target has no replicas of its own: it is resident on those of another")]
    Resident,
    /// More replicas than a run may have.
    #[error("more replicas than the limit `replicas` allows")]
    TooManyReplicas,
    /// A class that no pool of the target has.
    #[error("no pool of the target is of that class")]
    NoPool,
    /// A name of no replica that can be removed.
    #[error("a named replica does not exist or is being deleted")]
    NoReplica,
    /// A replica that is to be removed twice.
    #[error("a replica is named twice")]
    NamedTwice,
}

/// One action.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Write `spec.replicas` of a target; with a class, set the number of replicas of that class.
    SetReplicas {
        /// Which target.
        target: TargetId,
        /// The new value.
        replicas: u32,
        /// The class; the default is any.
        class: Class,
    },
    /// Remove these replicas by name, and lower the register by their number.
    RemoveReplicas {
        /// Which target.
        target: TargetId,
        /// Which replicas.
        replicas: Vec<ReplicaId>,
    },
    /// Create jobs: replicas that take one request from the queue, serve it and end. A job that
    /// finds no request ends at once.
    CreateJobs {
        /// Which target.
        target: TargetId,
        /// How many.
        jobs: u32,
    },
    /// Switch how requests reach the target.
    SetMode {
        /// Which target.
        target: TargetId,
        /// The new mode.
        mode: Mode,
    },
}

/// Which kind of capacity an action is about; `None` means any.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Class {
    /// How it is bought.
    pub market: Option<Market>,
    /// GPU type.
    pub gpu: Option<Arc<str>>,
    /// Where.
    pub place: Option<Place>,
}

/// A region, and one of its zones or any.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Region name.
    pub region: Arc<str>,
    /// Zone name.
    pub zone: Option<Arc<str>>,
}

/// A value that a controller publishes.
#[derive(Clone, Debug, PartialEq)]
pub struct Published {
    /// Its name.
    pub name: Arc<str>,
    /// Its value.
    pub value: f64,
}

/// Why a controller decided so.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Explanation {
    /// What each metric proposed, in the policy's own order.
    pub metrics: Vec<MetricExplanation>,
    /// What limited or raised the proposal on its way to the decision, in order.
    pub limits: Vec<Limit>,
    /// The controller's own words, such as the HPA's event reason; empty if it has none.
    pub reason: String,
    /// Whether the controller reported an error; the decision may be valid nevertheless.
    pub error: Option<String>,
}

/// One metric's part in a decision.
#[derive(Clone, Debug, PartialEq)]
pub struct MetricExplanation {
    /// Its name.
    pub name: Arc<str>,
    /// The value that was compared, in the metric's unit; `None` if it could not be read.
    pub current: Option<f64>,
    /// What it was compared with.
    pub target: f64,
    /// How many replicas it asked for; `None` if it failed.
    pub proposal: Option<u32>,
    /// A note, such as the reason of a failure.
    pub note: String,
}

/// One step between proposal and decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limit {
    /// Its name, such as `ScaleUpLimit` or `ScaleDownStabilized`.
    pub name: &'static str,
    /// The value before it.
    pub before: u32,
    /// The value after it.
    pub after: u32,
}
