//! Fields of an HPA whose effect depends on the version and the feature gates of its cluster.
//!
//! `HPAConfigurableTolerance` and `HPAScaleToZero` of `kubernetes/kubernetes`
//! (`pkg/features/kube_features.go`, `pkg/apis/autoscaling/validation`).

use super::shared::locate;
use crate::autoscalers::hpa::config::{ControllerSettings, Variant};
use crate::autoscalers::hpa::spec::HpaSpec;
use crate::manifest::ManifestWarning;
use crate::manifest::tree::{Node, Place};

/// Places of fields that some clusters do not know, or refuse.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dependent {
    tolerances: Vec<Found>,
    zero: Option<Found>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Found {
    path: String,
    line: usize,
    column: usize,
}

impl Dependent {
    /// Looks for them in the `spec` that was read from `node`.
    pub(super) fn of(node: &Node, spec: &HpaSpec) -> Self {
        let behavior = spec.behavior.as_ref();
        let directions = [
            ("scaleUp", behavior.and_then(|behavior| behavior.scale_up.as_ref())),
            ("scaleDown", behavior.and_then(|behavior| behavior.scale_down.as_ref())),
        ];
        let given = directions.into_iter().filter(|(_, rules)| rules.is_some_and(|rules| rules.tolerance.is_some()));
        let tolerances = given.map(|(name, _)| found(node, format!("spec.behavior.{name}.tolerance")));
        let zero = (spec.min_replicas == Some(0)).then(|| found(node, "spec.minReplicas".to_owned()));
        Dependent { tolerances: tolerances.collect(), zero }
    }

    /// What the cluster of these settings does otherwise than the file says.
    pub fn warnings(&self, settings: &ControllerSettings) -> Vec<ManifestWarning> {
        let mut warnings = Vec::new();
        if settings.variant == Variant::K8s128 {
            let why = format!(
                "has no effect: Kubernetes knows it since 1.33, `{}` drops it and takes the controller's own, {}",
                settings.variant.name(),
                settings.tolerance
            );
            warnings.extend(self.tolerances.iter().map(|found| found.warning(why.clone())));
        }
        if let Some(zero) = self.zero.as_ref().filter(|_| !settings.scale_to_zero_gate) {
            let then = match settings.variant {
                Variant::K8s128 => "here it is taken as if the gate were on",
                Variant::K8s2026Backport => "here it is taken, and what this controller brings to 0 stays at 0",
            };
            let why = format!(
                "0 is refused by a cluster whose feature gate HPAScaleToZero is off, as it is by default; {then} \
                 (`scale_to_zero: true` of the scenario's `Manifest` says that it is on)"
            );
            warnings.push(zero.warning(why));
        }
        warnings
    }
}

impl Found {
    fn warning(&self, message: String) -> ManifestWarning {
        ManifestWarning { line: self.line, column: self.column, path: self.path.clone(), message }
    }
}

fn found(node: &Node, path: String) -> Found {
    let Place { line, column } = locate(node, &path).place;
    Found { path, line, column }
}
