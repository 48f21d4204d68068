//! Replicas that differ in what they can take, by their GPU type
//! (`InstanceAwareRequestRateAutoscaler`).

use super::policy::{ReplicaPolicy, TargetQps};
use super::replica::{Replica, Status};
use std::cmp::Reverse;

/// Which of the code's habits hold.
#[derive(Clone, Copy)]
pub(super) struct Rules {
    pub(super) all_records_count: bool,
    pub(super) stays_at_zero: bool,
}

/// How many replicas `qps` requests per second ask for, before the bounds.
pub(super) fn propose(policy: &ReplicaPolicy, replicas: &[Replica], qps: f64, rules: Rules) -> i64 {
    let able = |replica: &&Replica| matches!(replica.status, Status::Ready | Status::Starting | Status::Provisioning);
    let capacity = replicas.iter().filter(able).fold(0.0, |sum, replica| sum + rate(policy, &replica.gpu));
    let largest = rates(policy).iter().map(|(_, rate)| *rate).fold(0.0, f64::max);
    if capacity > 0.0 && qps >= capacity {
        let known = if rules.all_records_count { replicas.len() } else { super::replica::live(replicas).len() };
        let more = ((qps - capacity) / largest).ceil() as i64;
        return more.saturating_add(known as i64);
    }
    if capacity > 0.0 {
        return smallest_sufficient(policy, replicas, qps, largest);
    }
    if rules.stays_at_zero {
        return i64::from(policy.min_replicas);
    }
    (qps / largest).ceil() as i64
}

/// The smallest number of ready replicas, largest first, that together take more than `qps`.
fn smallest_sufficient(policy: &ReplicaPolicy, replicas: &[Replica], qps: f64, largest: f64) -> i64 {
    let ready = replicas.iter().filter(|replica| replica.status == Status::Ready);
    let mut ready: Vec<f64> = ready.map(|replica| rate(policy, &replica.gpu)).collect();
    ready.sort_by(|a, b| b.total_cmp(a));
    if ready.is_empty() {
        ready.push(largest);
    }
    let mut sum = 0.0;
    for (index, rate) in ready.iter().enumerate() {
        sum += rate;
        if sum > qps {
            return index as i64 + 1;
        }
    }
    ready.len() as i64
}

/// The order in which replicas are given up: those that take least go first.
pub(super) fn victims(
    policy: &ReplicaPolicy,
    ignores_status: bool,
) -> impl Fn(Vec<&Replica>, usize) -> Vec<u32> + use<'_> {
    move |mut live: Vec<&Replica>, count: usize| {
        live.sort_by(|a, b| {
            let status = |replica: &Replica| (!ignores_status).then_some(replica.status);
            let by_rate = rate(policy, &a.gpu).total_cmp(&rate(policy, &b.gpu));
            let rest = |replica: &Replica| (replica.version, Reverse(replica.id));
            status(a).cmp(&status(b)).then(by_rate).then_with(|| rest(a).cmp(&rest(b)))
        });
        live.iter().take(count).map(|replica| replica.id).collect()
    }
}

fn rates(policy: &ReplicaPolicy) -> &[(String, f64)] {
    match &policy.target_qps_per_replica {
        TargetQps::Gpu(rates) => rates,
        TargetQps::Unset | TargetQps::Replica(_) => &[],
    }
}

/// What a replica with this GPU takes: by its exact name, else by the name without a count, else
/// the least of all.
fn rate(policy: &ReplicaPolicy, gpu: &str) -> f64 {
    let rates = rates(policy);
    let exact = rates.iter().find(|(name, _)| name == gpu);
    let base = || rates.iter().find(|(name, _)| name.split(':').next() == Some(gpu));
    match exact.or_else(base) {
        Some((_, rate)) => *rate,
        None => rates.iter().map(|(_, rate)| *rate).fold(f64::INFINITY, f64::min),
    }
}
