//! What the readers of a serve config share, and what they come to.

use crate::autoscalers::ray_serve::config::AutoscalingConfig;
use crate::manifest::{ManifestError, ManifestWarning};

pub(super) type Result<T> = std::result::Result<T, ManifestError>;
pub(super) type Warnings = Vec<ManifestWarning>;

pub(super) const CONFIG: &str = "autoscaling_config";

/// The autoscaling of one deployment as read from a file.
#[derive(Clone, Debug, PartialEq)]
pub struct Manifest {
    /// `application/deployment`; of Ray Serve LLM, `application/` and the model's id.
    pub name: String,
    /// What the autoscaling is asked for; it passes [`AutoscalingConfig::validate`]. Both bounds are
    /// the count where it is fixed.
    pub config: AutoscalingConfig,
    /// Whether `num_replicas` is a number, or nothing is said: the count never changes.
    pub is_fixed: bool,
    /// `target_capacity` of the file, in percent.
    pub target_capacity_percent: Option<f64>,
    /// `max_ongoing_requests` of the deployment, if given or a default of Ray Serve LLM: what a
    /// replica takes at a time.
    pub max_ongoing_requests: Option<u32>,
    /// Fields that have no effect.
    pub warnings: Vec<ManifestWarning>,
}
