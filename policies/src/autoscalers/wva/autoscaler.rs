//! The controller behind the simulator's port: the replicas of all variants become one analysis, its
//! targets become writes or a metric.

use super::manifest::{Model, Variant};
use super::saturation::{Analysis, ReplicaMetrics, Step, Thresholds, VariantState, analyze, targets};
use crate::metrics::{MetricNameError, resolve};
use flashcrowd_core::SimDuration;
use flashcrowd_core::ports::{
    Action, Autoscaler, Batch, Class, Controller, Decision, Explanation, Limit, MetricExplanation, Observation,
    Published, ReplicaId, Schedule, Scope, TargetId, TargetView, Transform, Watched,
};
use std::collections::BTreeMap;
use std::sync::Arc;

/// `GLOBAL_OPT_INTERVAL`.
const PERIOD: SimDuration = SimDuration::from_s(60);
/// Its queries take the peak of this range: `max_over_time(...[1m])`.
const RANGE: SimDuration = SimDuration::from_s(60);
/// Names of the two metrics that it reads, in the order of its signals.
const METRICS: [&str; 2] = ["vllm:kv_cache_usage_perc", "vllm:num_requests_waiting"];
/// The metric that an HPA or KEDA follows.
const PUBLISHED: &str = "wva_desired_replicas";

/// The name under which a variant's count is published, for the controller that follows it.
pub fn published_name(variant: &str) -> String {
    format!("{PUBLISHED}{{variant_name=\"{variant}\"}}")
}

/// What becomes of a decision.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Effect {
    /// The counts are written at once, and published.
    #[default]
    Apply,
    /// They are only published, as the real one does: another controller must follow them.
    Publish,
}

/// What a [`Wva`] is made of.
#[derive(Clone, Debug, PartialEq)]
pub struct WvaOptions {
    /// The model.
    pub model: Model,
    /// The target of each variant, by the variant's name.
    pub targets: BTreeMap<String, TargetId>,
    /// What becomes of decisions.
    pub effect: Effect,
    /// `GLOBAL_OPT_INTERVAL`; 60 s.
    pub period: SimDuration,
    /// Time of the first analysis; `None` draws it.
    pub phase: Option<SimDuration>,
}

impl WvaOptions {
    /// Every 60 s, applied directly.
    pub fn new(model: Model, targets: BTreeMap<String, TargetId>) -> Self {
        WvaOptions { model, targets, effect: Effect::Apply, period: PERIOD, phase: None }
    }
}

/// Why a [`Wva`] cannot be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WvaError {
    /// A variant has no target.
    #[error("the variant `{0}` has no target: expected one for each variant of the model")]
    NoTarget(String),
    /// Two variants share a target.
    #[error("the variant `{0}` shares its target with another")]
    SharedTarget(String),
    /// A metric has no signal.
    #[error(transparent)]
    Metric(#[from] MetricNameError),
}

/// A variant and what is remembered of it.
#[derive(Clone, Debug)]
struct Member {
    target: TargetId,
    variant: Variant,
    published: Arc<str>,
    desired: Option<u32>,
    /// The newest answer for each metric.
    newest: [Option<Batch>; 2],
}

/// llm-d's autoscaler of one model.
#[derive(Clone, Debug)]
pub struct Wva {
    effect: Effect,
    thresholds: Thresholds,
    /// Sorted by target.
    members: Vec<Member>,
    scales: [f64; 2],
}

impl Wva {
    /// A controller of all variants of a model.
    ///
    /// # Errors
    /// If a variant has no target of its own.
    pub fn new(options: WvaOptions) -> Result<Controller<Self>, WvaError> {
        let WvaOptions { model, targets, effect, period, phase } = options;
        let mut members: Vec<Member> = Vec::new();
        for variant in model.variants {
            let target = *targets.get(&variant.name).ok_or_else(|| WvaError::NoTarget(variant.name.clone()))?;
            if members.iter().any(|member| member.target == target) {
                return Err(WvaError::SharedTarget(variant.name));
            }
            let published = published_name(&variant.name).into();
            members.push(Member { target, variant, published, desired: None, newest: [None, None] });
        }
        members.sort_by_key(|member| member.target);
        let mut requests = Vec::new();
        let mut scales = [1.0; 2];
        for (name, scale) in METRICS.iter().zip(&mut scales) {
            let mut binding = resolve(name)?;
            binding.pipeline.transform = Transform::MaxOver(RANGE);
            *scale = binding.scale;
            requests.push(binding.request(name, Scope::Replica));
        }
        let targets = members.iter().map(|member| Watched { target: member.target, wants: Vec::new() }).collect();
        let controller = Controller {
            name: format!("wva/{}", model.id).into(),
            schedule: Schedule { phase, ..Schedule::every(period) },
            targets,
            policy: Wva { effect, thresholds: model.thresholds, members, scales },
        };
        Ok(controller.reading(requests))
    }

    /// Replicas of which both metrics are known, and the state of each variant.
    fn observe(&mut self, seen: &Observation) -> (Vec<ReplicaMetrics>, Vec<VariantState>) {
        let (mut replicas, mut variants) = (Vec::new(), Vec::new());
        for member in &mut self.members {
            let Some(view) = seen.view(member.target) else { continue };
            member.read(view);
            let waiting = member.values(1, self.scales[1]);
            for (id, kv) in member.values(0, self.scales[0]) {
                // The last answer may still contain a pod that is gone.
                let alive = view.replicas.iter().any(|replica| replica.id == id && replica.deleted.is_none());
                if let Some(queue) = waiting.get(&id).filter(|_| alive) {
                    let variant = member.variant.name.clone();
                    replicas.push(ReplicaMetrics { variant, kv, queue: *queue, cost: member.variant.cost });
                }
            }
            variants.push(VariantState {
                variant: member.variant.name.clone(),
                current: view.status_replicas,
                desired: member.desired,
                pending: view.status_replicas.saturating_sub(view.ready_replicas),
            });
        }
        (replicas, variants)
    }

    fn explain(&self, found: &Analysis, step: &Step) -> Explanation {
        let metric = |name: &str, current: f64, target: f64| MetricExplanation {
            name: name.into(),
            current: (found.total > 0).then_some(current),
            target,
            proposal: None,
            note: format!("{} of {} replicas are not saturated", found.non_saturated, found.total),
        };
        let reason = match step {
            Step::Up(variant) => format!("spare capacity is below its trigger: the cheapest variant {variant} grows"),
            Step::Down(variant) => format!("the others can bear the load: the dearest variant {variant} shrinks"),
            Step::Frozen(variant) => format!("the variant {variant} is on its way: nothing moves"),
            Step::Hold if found.total == 0 => "no replica metrics".to_owned(),
            Step::Hold if found.should_scale_up => "every variant has pending replicas".to_owned(),
            Step::Hold => "no change".to_owned(),
        };
        let metrics = vec![
            metric("spare KV cache", found.spare_kv, self.thresholds.kv_spare),
            metric("spare queue", found.spare_queue, self.thresholds.queue_spare),
        ];
        Explanation { metrics, reason, ..Explanation::default() }
    }
}

impl Member {
    fn read(&mut self, view: &TargetView) {
        for (index, newest) in self.newest.iter_mut().enumerate() {
            let signal = view.signals.iter().find(|signal| signal.signal.0 as usize == index);
            match signal.and_then(|signal| signal.batches.as_ref()) {
                Some(batches) => *newest = batches.last().cloned().or_else(|| newest.take()),
                None => *newest = None,
            }
        }
    }

    fn values(&self, metric: usize, scale: f64) -> BTreeMap<ReplicaId, f64> {
        let samples = self.newest[metric].iter().flat_map(|batch| &batch.samples);
        let known = samples.filter(|sample| sample.value.is_finite());
        known.filter_map(|sample| Some((sample.replica?, sample.value * scale))).collect()
    }

    /// `count` within the bounds that the user gave.
    fn bounded(&self, count: u32) -> u32 {
        count.max(self.variant.min_replicas.unwrap_or(0)).min(self.variant.max_replicas.unwrap_or(u32::MAX))
    }
}

impl Autoscaler for Wva {
    fn decide(&mut self, seen: &Observation) -> Decision {
        let (replicas, variants) = self.observe(seen);
        let found = analyze(&self.thresholds, &replicas);
        let (wanted, step) = targets(&found, &replicas, &variants);
        let of_all = self.explain(&found, &step);
        let mut decision = Decision::hold();
        for member in &mut self.members {
            let Some(view) = seen.view(member.target) else { continue };
            let explanation = decision.explanations.entry(member.target).or_insert_with(|| Box::new(of_all.clone()));
            // A variant that the decision does not mention stays as it is.
            let Some(&desired) = wanted.get(&member.variant.name) else { continue };
            let replicas = member.bounded(desired);
            if replicas != desired {
                explanation.limits.push(Limit { name: "Bounds", before: desired, after: replicas });
            }
            member.desired = Some(replicas);
            let published = Published { name: Arc::clone(&member.published), value: f64::from(replicas) };
            decision.metrics.push(published);
            if self.effect == Effect::Apply && replicas != view.spec_replicas {
                let action = Action::SetReplicas { target: member.target, replicas, class: Class::default() };
                decision.actions.push(action);
            }
        }
        decision
    }
}
