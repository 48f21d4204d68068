//! The Knative Pod Autoscaler, and what KServe makes where there is none.

use super::context::{ACTIVATOR, Context, NO_MAXIMUM, OUTSIDE, Reader};
use super::{hpa, keda};
use crate::autoscaler::place::Scaling;
use crate::autoscaler::resolved::Make;
use flashcrowd_language::Diagnostic;
use flashcrowd_policies::autoscalers::hpa::manifest::{Dependent, Manifest as HpaManifest, ScaleTarget};
use flashcrowd_policies::autoscalers::{FixedReplicas, knative, kserve};
use std::sync::Arc;

pub(super) const KIND: Reader = Reader { kind: knative::KIND, policies: knative::POLICIES, read: kpa };

fn kpa(cx: &mut Context<'_, '_>) -> Result<Scaling, Diagnostic> {
    if let Some(standard) = cx.read(kserve::read(&cx.file.bytes, cx.name.as_deref()))? {
        return self::standard(cx, standard);
    }
    cx.only("a Knative revision", &["name", "faithful"])?;
    let read = cx.read(knative::manifest::read(&cx.file.bytes, cx.name.as_deref()))?;
    cx.warn(&read.warnings);
    cx.check_target(&read.name);
    let room = cx.service.config.discipline.room();
    let limit = read.container_concurrency;
    if limit > 0 && limit != room {
        cx.notes.warn(format!(
            "{}: containerConcurrency is {limit}, and a replica of `{}` takes {room} at once: what a pod takes is `serving`'s",
            cx.file.shown, cx.service.config.name
        ));
    }
    let quirks = if cx.faithful() { knative::Quirks::FAITHFUL } else { knative::Quirks::FIXED };
    let options = knative::KnativeOptions { quirks, phase: cx.phase(), ..read.options(cx.target) };
    let bounds = &read.revision.bounds;
    let (min, max) = (bounds.min.max(0).unsigned_abs(), bounds.max.max(0).unsigned_abs());
    let max = if max == 0 { NO_MAXIMUM } else { max };
    let initial = read.revision.initial_scale.max(bounds.min).max(0).unsigned_abs();
    let make: Make = Arc::new(move |making| {
        let options = knative::KnativeOptions { target: making.target, ..options.clone() };
        Ok(vec![knative::KnativeKpa::new(options).boxed()])
    });
    let name = format!("knative/{}", read.name);
    cx.done(name, (min, max), (initial, "`initial-scale` of the revision"), ACTIVATOR, make)
}

/// A standard deployment of KServe: its HPA, its ScaledObject, or nobody.
fn standard(cx: &mut Context<'_, '_>, read: kserve::Standard) -> Result<Scaling, Diagnostic> {
    cx.warn(&read.warnings);
    match read.scaler {
        kserve::Scaler::Keda(object) => keda::scale(cx, *object),
        kserve::Scaler::Hpa(spec) => {
            let target =
                ScaleTarget { api_version: "apps/v1".into(), kind: "Deployment".into(), name: read.name.clone() };
            let manifest = HpaManifest {
                name: read.name,
                namespace: None,
                target,
                spec,
                warnings: Vec::new(),
                dependent: Dependent::default(),
            };
            hpa::scale(cx, manifest)
        }
        kserve::Scaler::Nobody { replicas } => {
            let make: Make = Arc::new(move |making| Ok(vec![FixedReplicas::new(making.target, replicas).boxed()]));
            let name = format!("kserve/{}", read.name);
            cx.done(name, (replicas, replicas), (replicas, "`minReplicas` of the predictor"), OUTSIDE, make)
        }
    }
}
