//! Ongoing requests, from the series that handles and replicas push
//! (`serve/_private/autoscaling_metrics_merge.py`).

use super::config::Aggregation;
use std::collections::{BTreeMap, BTreeSet};

/// Samples of one gauge as `(time in s, value)`, oldest first. Between two samples the older holds.
pub type Series = Vec<(f64, f64)>;

/// What the controller was last pushed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reports {
    /// Requests that wait, of each handle.
    pub queued: Vec<Series>,
    /// Requests that each handle has sent to each replica and that are not answered.
    pub running_of_handles: Vec<BTreeMap<String, Series>>,
    /// Requests that each replica says it serves.
    pub running_of_replicas: BTreeMap<String, Series>,
}

/// Steps in which times are rounded where several series are added.
const STEPS_PER_S: f64 = 100.0;
/// The last value holds at least this long, in seconds.
const LEAST_HOLD_S: f64 = 1e-3;

/// All ongoing requests at `now_s`, and those among them that wait at handles.
///
/// ```
/// use flashcrowd_policies::autoscalers::ray_serve::{Aggregation, Reports, total_requests};
/// let reports = Reports { queued: vec![vec![(0.0, 4.0), (5.0, 8.0)]], ..Reports::default() };
/// assert_eq!(total_requests(&reports, &Default::default(), Aggregation::Mean, 10.0), (6.0, 6.0));
/// assert_eq!(total_requests(&reports, &Default::default(), Aggregation::Max, 10.0), (8.0, 8.0));
/// ```
pub fn total_requests(
    reports: &Reports,
    running_replicas: &BTreeSet<String>,
    aggregation: Aggregation,
    now_s: f64,
) -> (f64, f64) {
    let (all, queued) = merged(reports, running_replicas);
    (all.value(aggregation, now_s), queued.value(aggregation, now_s))
}

/// Several series as one, which stays the same until a push.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Merged {
    points: Series,
    /// Where the window opens, in seconds; with the first point if unset.
    start_s: Option<f64>,
}

/// All series that count, and those of requests that wait, each as one.
pub(super) fn merged(reports: &Reports, running_replicas: &BTreeSet<String>) -> (Merged, Merged) {
    let queued: Vec<&Series> = reports.queued.iter().collect();
    let is_running = |(replica, _): &(&String, &Series)| running_replicas.contains(*replica);
    let of_replicas = reports.running_of_replicas.iter().filter(is_running).map(|(_, series)| series);
    let of_handles = reports.running_of_handles.iter().flatten().filter(is_running).map(|(_, series)| series);
    let mut all: Vec<&Series> = of_replicas.filter(|series| !series.is_empty()).collect();
    if all.is_empty() {
        all = of_handles.collect();
    }
    all.extend(&queued);
    (Merged::of(&all), Merged::of(&queued))
}

impl Merged {
    fn of(series: &[&Series]) -> Merged {
        let series: Vec<&Series> = series.iter().copied().filter(|series| !series.is_empty()).collect();
        match series.as_slice() {
            [] => Merged::default(),
            [one] => Merged { points: (*one).clone(), start_s: None },
            several => {
                let points = sum(several);
                // A sum over fewer series than there are would be too small.
                let latest_first = several.iter().map(|series| series[0].0).fold(f64::NEG_INFINITY, f64::max);
                let last = points.last().map_or(f64::NEG_INFINITY, |(at, _)| *at);
                Merged { points, start_s: (latest_first <= last).then_some(latest_first) }
            }
        }
    }

    /// The one number that it comes to at `now_s`.
    pub(super) fn value(&self, aggregation: Aggregation, now_s: f64) -> f64 {
        summarise(&self.points, self.start_s, aggregation, now_s)
    }
}

/// The sum of several step functions, at the rounded times of their changes.
fn sum(several: &[&Series]) -> Series {
    let mut deltas: BTreeMap<i64, f64> = BTreeMap::new();
    for series in several {
        let mut value = 0.0;
        // Each begins at zero: a first sample of zero changes nothing and is no point.
        for (at, next) in series.iter().filter(|(_, next)| next.is_finite()) {
            if *next == value {
                continue;
            }
            let step = (at * STEPS_PER_S + 0.5).floor() as i64;
            *deltas.entry(step).or_default() += next - value;
            value = *next;
        }
    }
    let mut total = 0.0;
    let points = deltas.into_iter().map(|(step, delta)| {
        total += delta;
        (step as f64 / STEPS_PER_S, total)
    });
    points.collect()
}

/// One number of a step function, from `start_s` (or its first point) to `now_s`.
fn summarise(points: &[(f64, f64)], start_s: Option<f64>, aggregation: Aggregation, now_s: f64) -> f64 {
    let (Some(first), Some(last)) = (points.first(), points.last()) else { return 0.0 };
    let start_s = start_s.map_or(first.0, |start_s| start_s.max(first.0));
    let within = points.iter().filter(|(at, _)| *at >= start_s).map(|(_, value)| *value);
    match aggregation {
        Aggregation::Max => within.reduce(f64::max).unwrap_or(0.0),
        Aggregation::Min => within.reduce(f64::min).unwrap_or(0.0),
        Aggregation::Mean => {
            let end_s = last.0 + (now_s - last.0).max(LEAST_HOLD_S);
            let ends = points.iter().skip(1).map(|(at, _)| *at).chain([end_s]);
            let (mut area, mut span_s) = (0.0, 0.0);
            for ((begin, value), end) in points.iter().zip(ends) {
                let held_s = end - begin.max(start_s);
                if held_s > 0.0 {
                    area += value * held_s;
                    span_s += held_s;
                }
            }
            if span_s > 0.0 { area / span_s } else { 0.0 }
        }
    }
}
