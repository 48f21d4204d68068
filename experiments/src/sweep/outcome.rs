//! What the cells of a sweep say: for each point and variant its SLOs and what it costs.

use super::axis;
use super::plan::Plan;
use super::points::Points;
use super::store::{Entry, Played, Store, StoreError};
use flashcrowd_results::statistics::Interval;
use flashcrowd_results::{PooledFigures, Scope, ScopeKind};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The outcome of a sweep.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// What was played.
    pub plan: Plan,
    /// By point, then variant.
    pub rows: Vec<Row>,
}

/// One variant at one point, over its replicates.
#[derive(Clone, Debug)]
pub struct Row {
    /// Number of the point.
    pub point: u64,
    /// Its values, one of each axis, in words.
    pub values: Vec<String>,
    /// The variant; empty if the scenario has none.
    pub variant: String,
    /// SLOs.
    pub slos: Vec<SloRow>,
    /// Dollars a week, in each replicate.
    pub usd_per_week: Vec<f64>,
    /// Replicates.
    pub replicates: u32,
}

/// One SLO of a row.
#[derive(Clone, Debug, PartialEq)]
pub struct SloRow {
    /// `chat: ttft p99 < 2s`.
    pub name: String,
    /// The quantile of all replicates together, in seconds; `None` if it was never answered.
    pub got_s: Option<f64>,
    /// Replicates that kept it.
    pub held: u32,
}

impl Row {
    /// Whether every replicate kept every SLO; a row without any keeps none.
    pub fn holds(&self) -> bool {
        !self.slos.is_empty() && self.slos.iter().all(|slo| slo.held == self.replicates)
    }

    fn json(&self, axes: &[String]) -> Value {
        let values: serde_json::Map<String, Value> =
            axes.iter().cloned().zip(self.values.iter().map(|value| json!(value))).collect();
        let slos: Vec<Value> =
            self.slos.iter().map(|slo| json!({ "slo": slo.name, "got_s": slo.got_s, "held": slo.held })).collect();
        let cost = self.cost();
        json!({
            "point": self.point,
            "values": values,
            "variant": self.variant,
            "holds": self.holds(),
            "slos": slos,
            "usd_per_week": cost.mean,
            "usd_per_week_half_width": cost.half_width,
        })
    }

    /// Its cost to sort by, in millionths of a dollar: what rounding the lines of a bill leaves makes none cheaper.
    pub fn cost_rank(&self) -> u128 {
        (self.cost().mean * 1e6).round() as u128
    }

    /// Its cost, with a 95 % interval.
    pub fn cost(&self) -> Interval {
        /// What rounding the lines of a bill leaves is no uncertainty.
        const ROUNDING: f64 = 1e-9;
        let cost = Interval::of(&self.usd_per_week);
        let exact = |half: f64| if half <= cost.mean.abs() * ROUNDING { 0.0 } else { half };
        Interval { half_width: cost.half_width.map(exact), ..cost }
    }
}

impl Outcome {
    /// Reads the cells of a sweep.
    ///
    /// # Errors
    /// If one cannot be read.
    pub fn read(plan: &Plan, store: &Store, entries: &[Entry]) -> Result<Outcome, StoreError> {
        let points = Points::new(&plan.axes, plan.sample, plan.seed);
        let mut rows = Vec::new();
        for of_row in entries.chunk_by(|one, other| (one.point, one.variant) == (other.point, other.variant)) {
            let (point, variant) = (of_row[0].point, of_row[0].variant);
            let played: Result<Vec<Played>, StoreError> = of_row.iter().map(|entry| store.get(&entry.cell)).collect();
            rows.push(Row {
                point,
                values: points.get(point).iter().map(axis::Value::words).collect(),
                variant: plan.variants[variant].clone(),
                ..row(played?)
            });
        }
        Ok(Outcome { plan: plan.clone(), rows })
    }

    /// The cheapest row that holds all SLOs, by position; of equals the first.
    pub fn cheapest_that_holds(&self) -> Option<usize> {
        let held = self.rows.iter().enumerate().filter(|(_, row)| row.holds());
        held.min_by_key(|(_, row)| row.cost_rank()).map(|(at, _)| at)
    }

    /// As JSON.
    pub fn json(&self) -> Value {
        let axes: Vec<String> = self.plan.axes.iter().map(|axis| axis.paths.join(",")).collect();
        let rows: Vec<Value> = self.rows.iter().map(|row| row.json(&axes)).collect();
        json!({
            "schema": "flashcrowd/sweep-outcome/1",
            "scenario": self.plan.name,
            "points": self.plan.points,
            "replicates": self.plan.replicates,
            "rows": rows,
            "cheapest_that_holds": self.cheapest_that_holds(),
        })
    }

    /// Rows that no other beats in both cost and what `figure` says, by ascending cost.
    pub fn front(&self, figure: impl Fn(&Row) -> Option<f64>) -> Vec<usize> {
        let mut rows: Vec<(usize, u128, f64)> =
            self.rows.iter().enumerate().filter_map(|(at, row)| Some((at, row.cost_rank(), figure(row)?))).collect();
        rows.sort_by(|one, other| one.1.cmp(&other.1).then(one.2.total_cmp(&other.2)));
        let mut best = f64::INFINITY;
        rows.retain(|(_, _, value)| {
            let is_better = *value < best;
            best = best.min(*value);
            is_better
        });
        rows.into_iter().map(|(at, ..)| at).collect()
    }
}

/// What the replicates of a row say.
fn row(played: Vec<Played>) -> Row {
    let replicates = played.len() as u32;
    let mut held: BTreeMap<String, u32> = BTreeMap::new();
    let mut names: Vec<String> = Vec::new();
    let mut pooled = PooledFigures::default();
    for Played { figures, slos, .. } in played {
        for (name, kept) in slos {
            if !names.contains(&name) {
                names.push(name.clone());
            }
            *held.entry(name).or_default() += u32::from(kept);
        }
        pooled.add(figures);
    }
    let slos = names.into_iter().map(|name| SloRow {
        got_s: pooled.got(&Scope::new(ScopeKind::Slo, &*name), "observed_s"),
        held: held.get(&name).copied().unwrap_or(0),
        name,
    });
    let cost = pooled.estimate(&Scope::all(), "usd_per_week").each;
    Row {
        point: 0,
        values: Vec::new(),
        variant: String::new(),
        slos: slos.collect(),
        usd_per_week: cost.into_iter().flatten().collect(),
        replicates,
    }
}
