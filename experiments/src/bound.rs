//! How far policies are from the bound: the variant whose policy knows the arrivals.
//!
//! The bound has at every instant as many replicas as the arrivals need, by the rate that its
//! settings say one replica carries. What a policy has more than that is over-provisioned, what it
//! has less is under-provisioned; both are integrals over the series, so exact to its period.

use crate::report::groups::spoken_for;
use crate::report::money;
use crate::run::{Played, Run};
use flashcrowd_core::ledger::SeriesRow;
use serde_json::{Value, json};
use std::fmt::Write;

/// One variant beside the bound; means over replicates.
#[derive(Clone, Debug, PartialEq)]
pub struct Distance {
    /// Its name.
    pub variant: String,
    /// Share of requests that kept the first promise of the first service, if there is one.
    pub attainment: Option<f64>,
    /// Whether that is as much as was promised, in every replicate.
    pub met: Option<bool>,
    /// Cost in dollars.
    pub cost_usd: f64,
    /// Changes of direction of the replica count.
    pub reversals: f64,
    /// Cost over that of the bound, minus one; none without a bound.
    pub cost_over_bound: Option<f64>,
    /// GPU-hours of ready replicas beyond those of the bound.
    pub over_gpu_h: Option<f64>,
    /// GPU-hours of ready replicas that were missing to those of the bound.
    pub under_gpu_h: Option<f64>,
}

/// The variant that is the bound.
pub fn bound_of(played: &Played) -> Option<usize> {
    let is_bound = |service: &crate::scenario::resolve::ResolvedService| {
        service.autoscaler.as_ref().is_some_and(crate::scenario::resolve::ResolvedAutoscaler::is_bound)
    };
    played.loaded.variants.iter().position(|variant| variant.services.iter().any(is_bound))
}

/// All variants beside the bound.
pub fn distances(played: &Played) -> Vec<Distance> {
    let bound = bound_of(played);
    (0..played.loaded.variants.len()).map(|variant| distance(played, variant, bound)).collect()
}

fn distance(played: &Played, variant: usize, bound: Option<usize>) -> Distance {
    let runs: Vec<&Run> = played.of_variant(variant).collect();
    let mean = |of: &dyn Fn(&Run) -> f64| runs.iter().map(|run| of(run)).sum::<f64>() / runs.len().max(1) as f64;
    let cost = |run: &Run| run.record.bill.usd(|_| true);
    let resolved = &played.loaded.variants[variant];
    let group = spoken_for(resolved);
    let slo = resolved.services[group.services[0]].slos.first();
    let kept = |run: &Run| slo.map(|slo| group.slo(run, 0, slo));
    let cost_usd = mean(&cost);
    let beside: Option<Vec<[f64; 3]>> = bound.map(|bound| {
        let pairs = runs.iter().zip(played.of_variant(bound));
        pairs
            .map(|(run, best)| {
                let [over, under] = provisioned_gpu_h(played, run, best);
                [cost(run) / cost(best).max(1e-12) - 1.0, over, under]
            })
            .collect()
    });
    let beside =
        |at: usize| beside.as_ref().map(|rows| rows.iter().map(|row| row[at]).sum::<f64>() / rows.len().max(1) as f64);
    Distance {
        variant: played.loaded.variants[variant].variant.clone(),
        attainment: slo.map(|_| mean(&|run| kept(run).map_or(0.0, |slo| slo.attainment))),
        met: slo.map(|_| runs.iter().all(|run| kept(run).is_some_and(|slo| slo.met))),
        cost_usd,
        reversals: mean(&|run| run.record.services.iter().map(|service| service.reversals as f64).sum()),
        cost_over_bound: beside(0),
        over_gpu_h: beside(1),
        under_gpu_h: beside(2),
    }
}

/// GPU-hours that a run had ready beyond those of the bound, and those that it lacked.
fn provisioned_gpu_h(played: &Played, run: &Run, best: &Run) -> [f64; 2] {
    let services = &played.loaded.variants[run.variant].services;
    let gpus = |row: &SeriesRow| {
        let service = &services[row.service as usize];
        f64::from(row.ready * service.gpus_per_group * service.groups)
    };
    let period_h = played.loaded.variants[run.variant].series_period.as_s_f64() / 3_600.0;
    let mut sums = [0.0; 2];
    for (own, ideal) in run.record.series.iter().zip(&best.record.series) {
        let more = gpus(own) - gpus(ideal);
        sums[0] += more.max(0.0) * period_h;
        sums[1] += (-more).max(0.0) * period_h;
    }
    sums
}

/// The distances as a table.
pub fn text(played: &Played) -> String {
    let rows = distances(played);
    let mut text = String::new();
    let width = rows.iter().map(|row| row.variant.chars().count()).max().unwrap_or(8).max(8);
    let bound = bound_of(played);
    let _ = write!(text, "{:<width$} {:>11} {:>11} {:>10}", "variant", "attainment", "cost", "reversals");
    if bound.is_some() {
        let _ = write!(text, " {:>10} {:>13} {:>14}", "over bound", "too many GPUh", "too few GPUh");
    }
    let _ = writeln!(text);
    for row in &rows {
        let attainment = row.attainment.map_or_else(|| "-".to_owned(), |share| format!("{:.2} %", share * 100.0));
        let Distance { cost_usd, reversals, .. } = row;
        let _ = write!(text, "{:<width$} {attainment:>11} {:>11} {reversals:>10.1}", row.variant, money(*cost_usd));
        if let (Some(over), Some(many), Some(few)) = (row.cost_over_bound, row.over_gpu_h, row.under_gpu_h) {
            let _ = write!(text, " {:>10} {many:>13.1} {few:>14.1}", format!("{:+.1} %", over * 100.0));
        }
        let _ = writeln!(text, "{}", if row.met == Some(false) { "  MISS" } else { "" });
    }
    if let Some(bound) = bound {
        let name = &played.loaded.variants[bound].variant;
        let _ = writeln!(
            text,
            "`{name}` knows the arrivals: what others cost more at the same promise is the price of not knowing them."
        );
    }
    text
}

/// The distances as JSON.
pub fn json(played: &Played) -> Value {
    let rows: Vec<Value> = distances(played)
        .into_iter()
        .map(|row| {
            json!({
                "variant": row.variant,
                "attainment": row.attainment,
                "met": row.met,
                "cost_usd": row.cost_usd,
                "reversals": row.reversals,
                "cost_over_bound": row.cost_over_bound,
                "over_provisioned_gpu_h": row.over_gpu_h,
                "under_provisioned_gpu_h": row.under_gpu_h,
            })
        })
        .collect();
    let bound = bound_of(played).map(|bound| played.loaded.variants[bound].variant.clone());
    json!({ "variant": bound, "distances": rows })
}
