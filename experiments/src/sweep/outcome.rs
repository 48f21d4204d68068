//! What the cells of a sweep say: for each point and variant its SLOs and what it costs.

use super::axis;
use super::plan::Plan;
use super::points::Points;
use super::store::{Entry, Played, SloPlayed, Store, StoreError};
use flashcrowd_results::statistics::{Call, Interval, call, holm, p_value, paired};
use flashcrowd_results::{PooledFigures, Scope, ScopeKind};
use rayon::prelude::*;
use serde_json::{Value, json};

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

/// What a row costs more than another.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Dearer {
    /// Its position.
    pub row: usize,
    /// Dollars a week, by the same replicates.
    pub by: Interval,
    /// Whether it is dearer.
    pub call: Call,
}

/// One SLO of a row.
#[derive(Clone, Debug, PartialEq)]
pub struct SloRow {
    /// `chat: ttft p99 < 2s`.
    pub name: String,
    /// The quantile of all replicates together, in seconds; `None` if it was never answered.
    pub got_s: Option<f64>,
    /// The same in each replicate that has one.
    pub each_s: Vec<f64>,
    /// Its limit, seconds.
    pub limit_s: f64,
    /// Replicates that kept it.
    pub held: u32,
}

impl SloRow {
    /// What another replicate would probably do. With one replicate, or one in which it was never answered, nothing
    /// can be said.
    pub fn call(&self, replicates: u32) -> Call {
        let each = if self.each_s.len() == replicates as usize { &*self.each_s } else { &[] };
        call(&Interval::of(each), self.limit_s, true)
    }
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
            self.slos.iter().map(|slo| json!({ "slo": slo.name, "got_s": slo.got_s, "held": slo.held, "call": slo.call(self.replicates).to_string() })).collect();
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
        let rows: Vec<&[Entry]> =
            entries.chunk_by(|one, other| (one.point, one.variant) == (other.point, other.variant)).collect();
        let read = |of_row: &&[Entry]| -> Result<Row, StoreError> {
            let (point, variant) = (of_row[0].point, of_row[0].variant);
            let played: Result<Vec<Played>, StoreError> = of_row.iter().map(|entry| store.get(&entry.cell)).collect();
            Ok(Row {
                point,
                values: points.get(point).iter().map(axis::Value::words).collect(),
                variant: plan.variants[variant].clone(),
                ..row(played?)
            })
        };
        let rows: Result<Vec<Row>, StoreError> = rows.par_iter().map(read).collect();
        let rows = rows?;
        Ok(Outcome { plan: plan.clone(), rows })
    }

    /// The cheapest row that holds all SLOs, by position; of equals the first.
    pub fn cheapest_that_holds(&self) -> Option<usize> {
        let held = self.rows.iter().enumerate().filter(|(_, row)| row.holds());
        held.min_by_key(|(_, row)| row.cost_rank()).map(|(at, _)| at)
    }

    /// What each other row that holds costs more than one of them, by position: with Holm's adjustment for so many
    /// comparisons at once, 95 %.
    pub fn dearer(&self, than: usize) -> Vec<Dearer> {
        let base = &self.rows[than].usd_per_week;
        let others: Vec<usize> = (0..self.rows.len()).filter(|&at| at != than && self.rows[at].holds()).collect();
        let chances: Vec<f64> =
            others.iter().map(|&at| p_value(&self.rows[at].usd_per_week, base).unwrap_or(1.0)).collect();
        let adjusted = holm(&chances).unwrap_or_else(|| chances.clone());
        let of = |(&row, chance): (&usize, f64)| {
            let by = paired(&self.rows[row].usd_per_week, base, 0.95)?;
            let call = match call(&by, 0.0, false) {
                Call::Holds if chance > 0.05 => Call::TooClose { more: None },
                call => call,
            };
            Some(Dearer { row, by, call })
        };
        others.iter().zip(adjusted).filter_map(of).collect()
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
    let mut slos: Vec<SloRow> = Vec::new();
    let mut pooled = PooledFigures::default();
    for Played { figures, told } in played {
        for SloPlayed { name, limit_s, kept } in told.slos {
            let at = slos.iter().position(|slo| slo.name == name).unwrap_or_else(|| {
                slos.push(SloRow { name, got_s: None, each_s: Vec::new(), limit_s, held: 0 });
                slos.len() - 1
            });
            slos[at].held += u32::from(kept);
        }
        pooled.add(figures);
    }
    for slo in &mut slos {
        let observed = pooled.estimate(&Scope::new(ScopeKind::Slo, &*slo.name), "observed_s");
        (slo.got_s, slo.each_s) = (observed.got, observed.each.into_iter().flatten().collect());
    }
    let cost = pooled.estimate(&Scope::all(), "usd_per_week").each;
    Row {
        point: 0,
        values: Vec::new(),
        variant: String::new(),
        slos,
        usd_per_week: cost.into_iter().flatten().collect(),
        replicates,
    }
}
