//! Recorded decisions of real controllers, played against those of `flashcrowd-policies` and compared
//! value by value.
//!
//! A reference file holds one scenario or one decision a line; its runner is named as the file and
//! plays one line. Each controller's runners have a module; [`Outcome`] is what they all answer.
//! Deliberately broken twins of the policies (their `Rules`) show in the tests that the runners notice.

pub mod aibrix;
pub mod dynamo;
pub mod hpa;
pub mod keda;
pub mod knative;
mod outcome;
pub mod ray_serve;
pub mod skyserve;
#[cfg(test)]
mod testing;
pub mod wva;

pub use outcome::{Mismatch, Outcome, VectorError};

/// Plays one line of a reference file.
pub type Runner = fn(&str) -> Result<Outcome, VectorError>;

/// The runners by the name of their file, without its ending; sorted.
pub const RUNNERS: &[(&str, Runner)] = &[
    ("aibrix_algorithms", aibrix::aibrix_algorithms),
    ("dynamo_easy_load", dynamo::dynamo_easy_load),
    ("keda_scaledjob", keda::keda_scaledjob),
    ("keda_scaledobject", keda::keda_scaledobject),
    ("knative_kpa_decider", knative::knative_kpa_decider),
    ("knative_manifest", knative::knative_manifest),
    ("knative_scale_to_zero", knative::knative_scale_to_zero),
    ("ray_serve_metrics", ray_serve::ray_serve_metrics),
    ("ray_serve_policy", ray_serve::ray_serve_policy),
    ("skyserve_fallback", skyserve::skyserve_fallback),
    ("skyserve_instance_aware", skyserve::skyserve_instance_aware),
    ("skyserve_pool", skyserve::skyserve_pool),
    ("skyserve_request_rate", skyserve::skyserve_request_rate),
    ("skyserve_spot_placer", skyserve::skyserve_spot_placer),
    ("wva_saturation_v1", wva::wva_saturation_v1),
];
