//! From a plan to the explanation in the decision log.

use super::controller::{Controller, Demand, Plan};
use super::policy::{Algorithm, TargetQps};
use flashcrowd_core::ports::{Explanation, Limit, MetricExplanation};

/// Explains `plan`, which moved the target from `before`.
pub(super) fn explain(controller: &Controller, demand: Demand, before: i64, plan: &Plan) -> Explanation {
    let (up, down) = controller.counters();
    let (target, last) = (controller.target(), controller.final_target());
    let mut limits = Vec::new();
    let mut limit = |name, from: i64, to: i64| {
        if from != to {
            limits.push(Limit { name, before: count(from), after: count(to) });
        }
    };
    limit(if plan.proposal > target { "UpscaleDelay" } else { "DownscaleDelay" }, plan.proposal, target);
    limit("Overprovision", target, last);
    let thresholds = controller.thresholds();
    let reason = if plan.proposal > target {
        format!("decisions in a row that want more: {up} of {}", thresholds.up)
    } else if plan.proposal < target {
        format!("decisions in a row that want less: {down} of {}", thresholds.down)
    } else if target == before {
        format!("target stays at {target}")
    } else {
        format!("target moves from {before} to {target}")
    };
    let metrics = vec![metric(controller, demand, plan)];
    Explanation { metrics, limits, reason, error: plan.error.clone() }
}

fn metric(controller: &Controller, demand: Demand, plan: &Plan) -> MetricExplanation {
    let policy = controller.policy();
    let (name, current, target) = match (demand, &policy.target_qps_per_replica) {
        (Demand::PendingJobs(pending), _) => ("pending_jobs", pending as f64, policy.queue_threshold() as f64),
        (_, TargetQps::Replica(qps)) => ("requests_per_second", demand.qps(), *qps),
        (_, TargetQps::Gpu(rates)) => {
            let most = rates.iter().map(|(_, rate)| *rate).fold(0.0, f64::max);
            ("requests_per_second", demand.qps(), most)
        }
        (_, TargetQps::Unset) => ("requests_per_second", demand.qps(), 0.0),
    };
    let note = match controller.algorithm() {
        Algorithm::InstanceAware => "compared with what the replicas of each GPU type take together".to_owned(),
        _ => String::new(),
    };
    MetricExplanation { name: name.into(), current: Some(current), target, proposal: Some(count(plan.proposal)), note }
}

fn count(replicas: i64) -> u32 {
    u32::try_from(replicas.max(0)).unwrap_or(u32::MAX)
}
