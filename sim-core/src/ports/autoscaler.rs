//! The autoscaler port: a plain state machine from observations to decisions.

use super::{Decision, Observation, SignalRequest, TargetId};
use crate::clock::SimDuration;

/// When a controller runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// Time between two ticks.
    pub period: SimDuration,
    /// Time of the first tick; `None` draws it uniformly from one period, as a controller that
    /// was created at some moment has its own phase.
    pub phase: Option<SimDuration>,
    /// Whether a request that nobody serves wakes it.
    pub poked_by_requests: bool,
}

/// Decides how many replicas its targets have.
///
/// It owns its state and sees nothing but observations: given the same ones, it decides the same.
pub trait Autoscaler: Send {
    /// A short name for logs and tables, such as `hpa/model-inference-hpa`.
    fn name(&self) -> &str;

    /// When it runs.
    fn schedule(&self) -> Schedule;

    /// The targets that it owns or shares.
    fn targets(&self) -> &[TargetId];

    /// The signals that it reads for `target`; their order is that of [`super::TargetView::signals`].
    fn signals(&self, target: TargetId) -> &[SignalRequest];

    /// One reconcile.
    fn decide(&mut self, seen: &Observation) -> Decision;

    /// The run is over. Policies outside the program are let go here, and may still fail.
    fn close(&mut self) {}

    /// Why it can decide no more, if so: the run then ends with that message. Only policies outside
    /// the program fail.
    fn failure(&self) -> Option<&str> {
        None
    }
}
