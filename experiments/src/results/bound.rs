//! How far policies are from the bound: the variant whose policy knows the arrivals.
//!
//! The bound has at every instant as many replicas as the arrivals need, by the rate that its
//! settings say one replica carries. Ready GPUs beyond those of the bound are over-provisioned, those
//! that are missing under-provisioned; both are exact integrals over the lives of replicas. With what
//! is paid for and not ready (booting, starting, draining, held by nobody) they add up to the
//! difference of the bills in GPU-hours.

use super::figure::{Better, FigureDef, Of, Unit};
use super::part::Pool;
use super::pooled::Estimate;
use super::scope::{Scope, ScopeKind};
use super::{Results, Verdict, verdicts};
use crate::run::Run;
use crate::scenario::load::Loaded;
use crate::scenario::resolve::{Resolved, ResolvedAutoscaler, ResolvedService};
use crate::statistics::Interval;
use serde_json::{Value, json};
use std::collections::BTreeMap;

const ALL: &[ScopeKind] = &[ScopeKind::All];

const fn beside(id: &'static str, words: &'static str, unit: Unit, pool: Pool) -> FigureDef {
    FigureDef { id, words, unit, better: Better::Lower, scopes: ALL, pool, scale: 1.0, of: Of::Bound }
}

pub(super) const FIGURES: [FigureDef; 4] = [
    beside("cost_over_bound", "cost over that of the bound", Unit::Share, Pool::SumOverSum),
    beside("over_provisioned_gpu_h", "ready GPU-hours beyond those of the bound", Unit::Number, Pool::Mean),
    beside("under_provisioned_gpu_h", "ready GPU-hours missing to those of the bound", Unit::Number, Pool::Mean),
    beside("not_ready_gpu_h", "GPU-hours paid for and not ready, beyond those of the bound", Unit::Number, Pool::Mean),
];

/// Ready GPUs over time, by service: changes at instants in picoseconds, in any order.
type Steps = Vec<Vec<(u64, i64)>>;

/// What is kept of each trial to hold it against the bound's; nothing where there is no bound.
#[derive(Clone, Debug, Default)]
pub(super) struct Ready {
    variant: Option<usize>,
    steps: BTreeMap<(usize, u32), Steps>,
}

impl Ready {
    pub(super) fn new(loaded: &Loaded) -> Self {
        let is_bound =
            |service: &ResolvedService| service.autoscaler.as_ref().is_some_and(ResolvedAutoscaler::is_bound);
        let variant = loaded.variants.iter().position(|variant| variant.services.iter().any(is_bound));
        Ready { variant, steps: BTreeMap::new() }
    }

    pub(super) fn variant(&self) -> Option<usize> {
        self.variant
    }

    pub(super) fn add(&mut self, resolved: &Resolved, run: &Run) {
        if self.variant.is_some() {
            self.steps.insert((run.variant, run.replicate()), steps(resolved, run));
        }
    }

    /// GPU-picoseconds that a trial had ready beyond those of the bound, and those that it lacked.
    fn beside(&self, variant: usize, replicate: u32) -> Option<[i128; 2]> {
        let own = self.steps.get(&(variant, replicate))?;
        let best = self.steps.get(&(self.variant?, replicate))?;
        let pairs = own.iter().zip(best).map(|(own, best)| over_and_under(own, best));
        Some(pairs.fold([0; 2], |sum, pair| [sum[0] + pair[0], sum[1] + pair[1]]))
    }
}

/// Changes of a service's ready GPUs. What is resident on others' GPUs adds none.
fn steps(resolved: &Resolved, run: &Run) -> Steps {
    let mut steps: Steps = vec![Vec::new(); resolved.services.len()];
    let end = run.record.ended;
    for replica in &run.record.replicas {
        let service = &resolved.services[replica.service as usize];
        let Some(ready) = replica.ready.filter(|_| service.resident_on.is_none()) else { continue };
        let until = [replica.deleted, replica.gone, Some(end)].into_iter().flatten().min().unwrap_or(end);
        let gpus = i64::from(service.gpus_per_group * service.groups);
        if until > ready {
            steps[replica.service as usize].extend([(ready.as_ps(), gpus), (until.as_ps(), -gpus)]);
        }
    }
    steps
}

fn over_and_under(own: &[(u64, i64)], best: &[(u64, i64)]) -> [i128; 2] {
    let mut changes: Vec<(u64, i64)> = own.to_vec();
    changes.extend(best.iter().map(|(at, gpus)| (*at, -gpus)));
    changes.sort_unstable();
    let (mut more, mut since, mut sums) = (0_i64, 0_u64, [0_i128; 2]);
    for (at, change) in changes {
        let area = i128::from(more.unsigned_abs()) * i128::from(at - since);
        sums[usize::from(more < 0)] += area;
        (more, since) = (more + change, at);
    }
    sums
}

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
        let promised = verdicts(results, variant);
        let lowest = promised.iter().filter_map(|verdict| verdict.attainment.got).reduce(f64::min);
        let changes = results.loaded.variants[variant]
            .services
            .iter()
            .filter_map(|service| results.got(variant, &Scope::new(ScopeKind::Service, &*service.name), "reversals"));
        Some(json!({
            "variant": results.loaded.variants[variant].variant,
            "attainment": lowest,
            "met": promised.iter().all(Verdict::holds),
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// What is too many less what is too few is the difference of the integrals, exactly.
        #[test]
        fn over_and_under_differ_by_the_areas(
            own in prop::collection::vec((0_u64..1_000, 1_u64..500, 1_i64..9), 0..20),
            best in prop::collection::vec((0_u64..1_000, 1_u64..500, 1_i64..9), 0..20),
        ) {
            let area = |lives: &[(u64, u64, i64)]| lives.iter().map(|(_, span, gpus)| i128::from(*span) * i128::from(*gpus)).sum::<i128>();
            let steps = |lives: &[(u64, u64, i64)]| {
                let mut steps: Vec<(u64, i64)> =
                    lives.iter().flat_map(|(at, span, gpus)| [(*at, *gpus), (at + span, -gpus)]).collect();
                steps.sort_unstable();
                steps
            };
            let [over, under] = over_and_under(&steps(&own), &steps(&best));
            prop_assert!(over >= 0 && under >= 0);
            prop_assert_eq!(over - under, area(&own) - area(&best));
        }
    }
}
