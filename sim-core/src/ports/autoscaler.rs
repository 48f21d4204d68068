//! The autoscaler port: a plain state machine from observations to decisions.

use super::{Decision, Observation};

/// Decides how many replicas the targets of its [`super::Controller`] have.
///
/// It owns its state and sees nothing but observations: equal observations lead to equal decisions.
pub trait Autoscaler: Send {
    /// Decides once.
    fn decide(&mut self, seen: &Observation) -> Decision;

    /// The run is over. Policies outside the program are closed here, and may still fail.
    fn close(&mut self) {}

    /// Why it can decide no more, if it failed: the run then ends with that message. Only policies
    /// outside the program fail.
    fn failure(&self) -> Option<&str> {
        None
    }
}
