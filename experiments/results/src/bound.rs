//! How far policies are from the bound: the variant whose policy knows the arrivals.
//!
//! The bound has at every instant as many replicas as the arrivals need, by the rate that its
//! settings say one replica carries. Ready GPUs beyond those of the bound are over-provisioned, those
//! that are missing under-provisioned; both are exact integrals over the lives of replicas. With what
//! is paid for and not ready (booting, starting, draining, held by nobody) they add up to the
//! difference of the bills in GPU-hours.

use super::pooled::Estimate;
use super::results::Results;
use super::scope::{Scope, ScopeKind};
use super::verdict::{Verdict, verdicts};
use crate::statistics::Interval;
use serde_json::{Value, json};

/// One variant beside the bound, over trials.
#[derive(Clone, Debug, PartialEq)]
pub struct Distance {
    /// Cost in dollars.
    pub cost_usd: Estimate,
    /// Cost over that of the bound, minus one.
    pub cost_over_bound: Estimate,
    /// GPU-hours of ready replicas beyond those of the bound.
    pub over_gpu_h: Estimate,
    /// GPU-hours of ready replicas that were missing to those of the bound.
    pub under_gpu_h: Estimate,
    /// GPU-hours paid for and not ready beyond those of the bound: with the two before it, the
    /// difference of all GPU-hours.
    pub not_ready_gpu_h: Estimate,
}

/// How far a variant is from the bound; `None` without a bound.
pub fn distance(results: &Results<'_>, variant: usize) -> Option<Distance> {
    const PS_PER_HOUR: f64 = 3.6e15;
    let bound = results.bound.variant()?;
    let of = |variant, id| results.estimate(variant, &Scope::all(), id);
    let (cost_usd, best) = (of(variant, "cost_usd"), of(bound, "cost_usd"));
    let ratio = |own: Option<f64>, best: Option<f64>| Some(own? / best.filter(|best| *best > 0.0)? - 1.0);
    let over = cost_usd.each.iter().zip(&best.each).map(|(own, best)| ratio(*own, *best)).collect();
    let sides = |side: usize| -> Vec<Option<f64>> {
        let one = |replicate| Some(results.bound.beside(variant, replicate)?[side] as f64 / PS_PER_HOUR);
        (0..cost_usd.each.len() as u32).map(one).collect()
    };
    let (many, few) = (sides(0), sides(1));
    let (hours, ideal) = (of(variant, "gpu_hours"), of(bound, "gpu_hours"));
    let rest = hours.each.iter().zip(&ideal.each).zip(many.iter().zip(&few));
    let rest = rest.map(|((own, best), (many, few))| Some((*own)? - (*best)? - ((*many)? - (*few)?)));
    let rest: Vec<Option<f64>> = rest.collect();
    Some(Distance {
        cost_over_bound: Estimate::new(ratio(cost_usd.got, best.got), over),
        cost_usd,
        over_gpu_h: Estimate::new(mean(&many), many),
        under_gpu_h: Estimate::new(mean(&few), few),
        not_ready_gpu_h: Estimate::new(mean(&rest), rest),
    })
}

/// The distances of all variants as JSON.
pub fn json(results: &Results<'_>) -> Value {
    let rows = (0..results.variants.len()).filter_map(|variant| {
        let far = distance(results, variant)?;
        let judged = verdicts(results, variant);
        let lowest = judged.iter().filter_map(|verdict| verdict.attainment.got).reduce(f64::min);
        let changes = results.loaded.variants[variant].services.iter().filter_map(|service| {
            results.got(variant, &Scope::new(ScopeKind::Service, &*service.config.name), "reversals")
        });
        Some(json!({
            "variant": results.loaded.variants[variant].variant,
            "attainment": lowest,
            "met": judged.iter().all(Verdict::holds),
            "reversals": changes.sum::<f64>(),
            "cost_usd": far.cost_usd.got,
            "cost_over_bound": far.cost_over_bound.got,
            "over_provisioned_gpu_h": far.over_gpu_h.got,
            "under_provisioned_gpu_h": far.under_gpu_h.got,
            "not_ready_gpu_h": far.not_ready_gpu_h.got,
        }))
    });
    let rows: Vec<Value> = rows.collect();
    let bound = results.bound().map(|bound| results.loaded.variants[bound].variant.clone());
    json!({ "variant": bound, "distances": rows })
}

fn mean(values: &[Option<f64>]) -> Option<f64> {
    let values: Option<Vec<f64>> = values.iter().copied().collect();
    values.filter(|values| !values.is_empty()).map(|values| Interval::of(&values).mean)
}
