//! Values of the files as the policy has them.

use crate::outcome::VectorError;
use flashcrowd_policies::autoscalers::knative::Reachability;

pub(super) fn reachability(place: &str, text: &str) -> Result<Reachability, VectorError> {
    match text {
        "" => Ok(Reachability::Unknown),
        "Reachable" => Ok(Reachability::Reachable),
        "Unreachable" => Ok(Reachability::Unreachable),
        other => Err(VectorError::new(place, format!("unknown reachability \"{other}\""))),
    }
}

/// Nanoseconds as seconds.
pub(super) fn seconds(ns: i64) -> f64 {
    ns as f64 / 1e9
}
