//! What a controller may answer: wishes, which the engine validates. What it refuses is logged
//! with a reason and counted, never silently clamped.

use super::{Mode, ReplicaId, TargetId, TargetView};
use crate::clock::SimTime;
use crate::units::Market;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A controller's answer to one observation.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Decision {
    /// What it wishes, in order. Empty means: hold.
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

    /// Writes `replicas` to the target's register, unless that is what it holds.
    pub fn scale_to(view: &TargetView, replicas: u32) -> Self {
        if view.spec_replicas == replicas { Decision::hold() } else { Decision::set_replicas(view.target, replicas) }
    }

    /// The same, with the reason why it does that, or nothing, about a target.
    #[must_use]
    pub fn explained(mut self, target: TargetId, why: Explanation) -> Self {
        self.explanations.insert(target, Box::new(why));
        self
    }

    /// What it says about a target.
    pub fn explanation(&self, target: TargetId) -> Option<&Explanation> {
        self.explanations.get(&target).map(|why| &**why)
    }
}

/// One wish.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Write `spec.replicas` of a target; with a class, the part of it that is of that class.
    SetReplicas {
        /// Which target.
        target: TargetId,
        /// The new value.
        replicas: u32,
        /// Of which kind; the default is any.
        class: Class,
    },
    /// Remove these replicas by name and lower the register by as many.
    RemoveReplicas {
        /// Which target.
        target: TargetId,
        /// Which replicas.
        replicas: Vec<ReplicaId>,
    },
    /// Create jobs: replicas that take one request from the queue, serve it and end. One that finds
    /// none ends at once.
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

/// Which kind of capacity a wish is about; `None` means any.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Class {
    /// How it is bought.
    pub market: Option<Market>,
    /// GPU type.
    pub gpu: Option<Arc<str>>,
    /// Where.
    pub place: Option<Place>,
}

/// A region, and a zone in it or any.
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
    /// What each metric proposed, in the order of the policy's own list.
    pub metrics: Vec<MetricExplanation>,
    /// What held the proposal back or pushed it on its way to the decision, in order.
    pub limits: Vec<Limit>,
    /// The controller's own words (the HPA's event reason, say); empty if it has none.
    pub reason: String,
    /// Whether the controller reported an error; the decision may stand all the same.
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
