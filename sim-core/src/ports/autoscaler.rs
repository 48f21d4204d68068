//! The autoscaler port: a plain state machine from observations to decisions.

use super::{Decision, Observation};

/// Decides how many replicas the targets of its [`super::Controller`] have.
///
/// It owns its state and sees nothing but observations: given the same ones, it decides the same.
pub trait Autoscaler: Send {
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
