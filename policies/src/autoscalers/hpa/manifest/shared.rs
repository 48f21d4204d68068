//! What the readers of an HPA share, and what they come to.

use super::dependent::Dependent;
use crate::autoscalers::hpa::spec::HpaSpec;
use crate::manifest::tree::{Node, Value};
use crate::manifest::{ManifestError, ManifestWarning};

pub(super) type Result<T> = std::result::Result<T, ManifestError>;

/// `spec.scaleTargetRef`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScaleTarget {
    /// Such as `apps/v1`; may be empty.
    pub api_version: String,
    /// Such as `Deployment`.
    pub kind: String,
    /// Its name.
    pub name: String,
}

/// A bare spec, without the object around it.
#[derive(Clone, Debug, PartialEq)]
pub struct ManifestSpec {
    /// What it scales.
    pub target: ScaleTarget,
    /// The spec, before defaulting.
    pub spec: HpaSpec,
    /// Fields that have no effect.
    pub warnings: Vec<ManifestWarning>,
    /// Fields that only some clusters take.
    pub dependent: Dependent,
}

/// The node at `path` (which begins with `spec`), or the deepest one on the way.
pub(super) fn locate<'a>(spec: &'a Node, path: &str) -> &'a Node {
    let mut node = spec;
    for part in path.split('.').skip(1) {
        let (key, index) = match part.split_once('[') {
            Some((key, rest)) => (key, rest.trim_end_matches(']').parse::<usize>().ok()),
            None => (part, None),
        };
        let Some(next) = node.get(key) else { return node };
        node = match (index, &next.value) {
            (Some(index), Value::List(items)) => items.get(index).unwrap_or(next),
            _ => next,
        };
    }
    node
}
