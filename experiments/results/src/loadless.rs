//! Signals that do not move with the load, although the load moved.
//!
//! A metric is judged only where it could have shown something. The traffic must really have moved,
//! and the requests in flight per replica with it: under constant traffic they are noise, and where
//! an autoscaler holds them at its target, or the count of replicas follows the load, a metric that
//! stands still does what it should. What moved is seen in means of several decisions each, against
//! the scatter within them, since a metric that is itself a mean over a minute cannot follow noise.

use crate::statistics::correlation;
use flashcrowd_core::SimTime;
use flashcrowd_core::ledger::{ControllerRecord, DecisionRecord, RunRecord, SeriesRow};
use flashcrowd_core::ports::TargetId;
use flashcrowd_language::words::percent;
use flashcrowd_scenario::Resolved;
use std::collections::BTreeMap;

/// What a controller was shown at one decision, and what the load was then.
#[derive(Clone, Copy, Debug)]
struct Point {
    /// Requests in flight per ready replica.
    per_replica: f64,
    /// Requests in flight.
    total: f64,
    /// Arrivals in that period of the series.
    arrived: f64,
    signal: f64,
}

/// Warnings about signals without a load in them. `series` holds the rows of each service.
pub(crate) fn warnings(resolved: &Resolved, record: &RunRecord, series: &[Vec<&SeriesRow>]) -> Vec<String> {
    let mut warnings = Vec::new();
    let mut decided: BTreeMap<(u32, TargetId), Vec<&DecisionRecord>> = BTreeMap::new();
    for decision in &record.decisions {
        decided.entry((decision.controller, decision.target)).or_default().push(decision);
    }
    for (controller, index) in record.controllers.iter().zip(0_u32..) {
        for (target, position, name) in positions(controller) {
            let Some(decisions) = decided.get(&(index, target)) else { continue };
            let rows = &series[target.0 as usize];
            let points: Vec<Point> = decisions.iter().filter_map(|decision| point(decision, position, rows)).collect();
            if let Some(problem) = loadless(&points) {
                let service = &resolved.services[target.0 as usize].config.name;
                warnings.push(format!("`{service}`: metric `{name}` carries no load signal: {problem}"));
            }
        }
    }
    warnings
}

/// Each signal of a controller with its position within its target.
fn positions(controller: &ControllerRecord) -> Vec<(TargetId, usize, &str)> {
    let mut count: BTreeMap<TargetId, usize> = BTreeMap::new();
    let mut seen = Vec::new();
    for (target, name) in &controller.signals {
        let next = count.entry(*target).or_default();
        seen.push((*target, *next, &**name));
        *next += 1;
    }
    seen
}

fn point(decision: &DecisionRecord, position: usize, rows: &[&SeriesRow]) -> Option<Point> {
    let signal = decision.signals.get(position)?;
    signal.samples?;
    let total = f64::from(decision.in_flight);
    (decision.ready > 0).then(|| Point {
        per_replica: total / f64::from(decision.ready),
        total,
        arrived: arrived(rows, decision.at),
        signal: signal.mean,
    })
}

/// Arrivals of the period in which an instant lies.
fn arrived(rows: &[&SeriesRow], at: SimTime) -> f64 {
    let index = rows.partition_point(|row| row.at < at);
    rows.get(index).or(rows.last()).map_or(0.0, |row| row.arrived as f64)
}

/// Fewest decisions that are judged, and of which a mean is taken.
const ENOUGH: usize = 40;
const GROUP: usize = 8;
/// Deviation over mean from which a load has moved.
const MOVED: f64 = 0.3;

fn loadless(points: &[Point]) -> Option<String> {
    if points.len() < ENOUGH {
        return None;
    }
    let per_replica = Means::of(points, |point| point.per_replica);
    let arrived = Means::of(points, |point| point.arrived);
    if !per_replica.moved() || !arrived.moved() {
        return None;
    }
    let highest = points.iter().map(|point| point.signal).fold(f64::MIN, f64::max);
    let at_top = points.iter().filter(|point| point.signal >= 0.98 * highest).count() as f64 / points.len() as f64;
    if highest > 0.0 && at_top >= 0.8 {
        return Some(format!("it stood at its highest value {} of the time while load varied", percent(at_top)));
    }
    let signal = Means::of(points, |point| point.signal).means;
    let with = |load: &[f64]| {
        let pairs: Vec<(f64, f64)> = load.iter().copied().zip(signal.iter().copied()).collect();
        correlation(&pairs)
    };
    let Some(own) = with(&per_replica.means) else {
        return Some("it never changed while load varied".to_owned());
    };
    // A signal of the whole service follows all that is there, however many replicas share it.
    let total = Means::of(points, |point| point.total).means;
    let others = [with(&total), with(&arrived.means)].into_iter().flatten().fold(own, f64::max);
    (others < 0.1).then(|| format!("its correlation with requests in flight per replica is {own:.2}"))
}

/// Means of groups of decisions in a row.
struct Means {
    means: Vec<f64>,
    /// Variance of the groups' means that the scatter within groups alone would make.
    noise: f64,
}

impl Means {
    fn of(points: &[Point], pick: fn(&Point) -> f64) -> Self {
        let size = GROUP.max(points.len() / 24);
        let groups: Vec<Vec<f64>> = points.chunks_exact(size).map(|group| group.iter().map(pick).collect()).collect();
        let within: f64 = groups.iter().map(|group| variance(group)).sum::<f64>() / groups.len() as f64;
        Means { means: groups.iter().map(|group| mean(group)).collect(), noise: within / size as f64 }
    }

    /// Whether the groups differ by much, and by more than chance.
    fn moved(&self) -> bool {
        // Decisions in a row see the same requests: their scatter says less than as many draws.
        const BEYOND_NOISE: f64 = 4.0;
        let (mean, variance) = (mean(&self.means), variance(&self.means));
        mean > 0.0 && variance.sqrt() >= MOVED * mean && variance >= BEYOND_NOISE * self.noise
    }
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

fn variance(values: &[f64]) -> f64 {
    let mean = mean(values);
    values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / values.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A day of traffic that rises and falls between 1 and 21, with a scatter of a third.
    fn wave(i: usize) -> f64 {
        11.0 + 10.0 * (i as f64 / 40.0).sin() + noise(i)
    }

    fn noise(i: usize) -> f64 {
        ((i * 7_919) % 13) as f64 / 2.0 - 3.0
    }

    fn points(make: impl Fn(usize) -> [f64; 4]) -> Vec<Point> {
        let point = |[per_replica, total, arrived, signal]: [f64; 4]| Point { per_replica, total, arrived, signal };
        (0..400).map(|i| point(make(i))).collect()
    }

    #[test]
    fn a_saturated_metric_is_named_and_a_good_one_is_not() {
        let saturated = loadless(&points(|i| [wave(i), wave(i), wave(i), 100.0])).unwrap();
        assert!(saturated.contains("highest value 100 % of the time"), "{saturated}");
        let blind = loadless(&points(|i| [wave(i), wave(i), wave(i), noise(i * 31)])).unwrap();
        assert!(blind.contains("its correlation"), "{blind}");
        assert_eq!(loadless(&points(|i| [wave(i), wave(i), wave(i), wave(i) * 2.0])), None);
        assert_eq!(loadless(&points(|_| [5.0, 5.0, 5.0, 100.0])), None, "without varying load nothing can be said");
    }

    /// One request more or less is a large share of few, and no change of the load.
    #[test]
    fn the_noise_of_constant_traffic_is_no_load() {
        assert_eq!(loadless(&points(|i| [3.5 + noise(i), 3.5 + noise(i), 10.0, noise(i * 31)])), None);
        assert_eq!(loadless(&points(|i| [wave(i), wave(i), 10.0, 100.0])), None);
    }

    /// Twenty replicas at twenty times the load: the metric stands where the autoscaler wants it.
    #[test]
    fn a_metric_that_is_held_at_its_target_is_not_broken() {
        assert_eq!(loadless(&points(|i| [5.0 + noise(i) / 3.0, wave(i), wave(i), 80.0])), None);
        assert_eq!(loadless(&points(|i| [5.0 + noise(i) / 3.0, wave(i), wave(i), noise(i * 31)])), None);
    }

    /// A rate of the whole service need not go with what each replica has.
    #[test]
    fn a_signal_of_the_whole_service_is_held_against_the_whole() {
        let lag = |i: usize| 20.0 - wave(i);
        assert_eq!(loadless(&points(|i| [lag(i).max(0.1), wave(i), wave(i), wave(i)])), None);
    }
}
