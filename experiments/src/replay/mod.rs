//! A policy alone on recorded metrics: here the HPA, reconcile by reconcile; in `open_loop` any other.
//!
//! It is open loop: the recorded values are what they were, whatever the policy would have done
//! about them. Where `replicas` was recorded each decision starts from it; otherwise each starts
//! from the decision before, and its replicas are ready at once.

pub mod open_loop;
pub mod policy;
pub mod signals;

use flashcrowd_language::Diagnostic;
use flashcrowd_policies::autoscalers::hpa::{
    Container, HpaConfig, HpaDecision, HpaObservation, HpaState, MetricReading, MetricSource, MetricSpec, Pod,
    PodPhase, PodSample, ReadyCondition, Target, step,
};
use signals::{Recording, Series};
use std::collections::BTreeMap;

/// One reconcile of the dry run.
#[derive(Clone, Debug)]
pub struct Tick {
    /// Seconds since the first sample.
    pub at_s: f64,
    /// Replicas before.
    pub before: i32,
    /// What the HPA decided and why.
    pub decision: HpaDecision,
}

/// A recorded utilization in percent is taken as usage of a request of this size.
const REQUEST_MILLI: i64 = 100_000;
/// A recording of longer ticks than this many would not be read by anyone.
const MOST_TICKS: i64 = 2_000_000;

/// The containers that recorded utilizations (in percent) are measured against: one of each name
/// that the metrics ask for.
pub fn containers(metrics: &[MetricSpec]) -> Vec<Container> {
    let mut names: Vec<String> = metrics
        .iter()
        .filter_map(|metric| match &metric.source {
            MetricSource::ContainerResource { container, .. } => Some(container.clone()),
            _ => None,
        })
        .collect();
    names.sort();
    names.dedup();
    if names.is_empty() {
        names.push("recorded".to_owned());
    }
    let requests = BTreeMap::from(["cpu", "memory"].map(|resource| (resource.to_owned(), REQUEST_MILLI)));
    names.into_iter().map(|name| Container { name, requests: requests.clone() }).collect()
}

/// Plays `config` over the recording, one reconcile each `period_s`.
///
/// # Errors
/// If a metric of the manifest was not recorded, or the recording is too long.
pub fn dry_run(
    config: &HpaConfig,
    file: &str,
    recording: &Recording,
    period_s: u32,
    replicas: Option<u32>,
) -> Result<Vec<Tick>, Diagnostic> {
    let metrics: Vec<Metric<'_>> = config
        .metrics()
        .iter()
        .map(|metric| {
            let percent = matches!(metric.target, Target::Utilization(_));
            Ok((&metric.source, percent, recording.metric(file, metric.source.metric_name())?))
        })
        .collect::<Result<_, Diagnostic>>()?;
    let period_ns = i64::from(period_s) * 1_000_000_000;
    if recording.end_ns / period_ns > MOST_TICKS {
        return Err(Diagnostic::about(file, "the recording has more than two million sync periods"));
    }
    let scale = recording.metrics.get("replicas").and_then(|series| series.first());
    let ready = recording.metrics.get("ready").and_then(|series| series.first());
    let names = pod_names(&metrics);
    let mut spec = replicas.map_or(config.min_replicas(), |replicas| i32::try_from(replicas).unwrap_or(i32::MAX));
    let mut state = HpaState::default();
    let mut ticks = Vec::new();
    let mut now = 0;
    while now <= recording.end_ns {
        let recorded = scale.and_then(|series| series.at(now)).map(|value| value.round() as i32);
        let before = recorded.unwrap_or(spec);
        let ready = ready.and_then(|series| series.at(now)).map_or(before, |value| value.round() as i32);
        let pods = pods(before.clamp(0, 100_000), ready, names.len());
        let metrics = metrics.iter().map(|metric| reading(metric, &pods, &names, now)).collect();
        let seen =
            HpaObservation { scale_failed: false, spec_replicas: before, status_replicas: before, pods, metrics };
        let decision = step(&mut state, now, config, &seen);
        spec = decision.desired;
        ticks.push(Tick { at_s: now as f64 / 1e9, before, decision });
        now += period_ns;
    }
    Ok(ticks)
}

/// A metric's source, whether it is in percent, and its series.
type Metric<'a> = (&'a MetricSource, bool, &'a [Series]);

/// Names of all pods that any series names; a pod's position is its id.
fn pod_names<'a>(metrics: &[Metric<'a>]) -> Vec<&'a str> {
    let series = metrics.iter().flat_map(|metric| metric.2);
    let mut names: Vec<&str> = series.filter_map(|series| series.pod.as_deref()).collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// As many pods as there are replicas, or as the series name, the first of them ready.
fn pods(replicas: i32, ready: i32, named: usize) -> Vec<Pod> {
    let count = replicas.max(named.min(100_000) as i32);
    // Long ready: the recording does not say since when.
    let since = -86_400_000_000_000;
    let pod = |id: i32| Pod {
        id: id as u32,
        phase: PodPhase::Running,
        deleting: false,
        started: Some(since),
        ready: Some(ReadyCondition { status: id < ready, since }),
    };
    (0..count).map(pod).collect()
}

fn reading(metric: &Metric<'_>, pods: &[Pod], names: &[&str], now: i64) -> MetricReading {
    let (source, percent, series) = metric;
    let milli = |value: f64| {
        let scaled = if *percent { value * REQUEST_MILLI as f64 / 100.0 } else { value * 1e3 };
        scaled as i64
    };
    let values: Vec<(usize, f64)> =
        series.iter().enumerate().filter_map(|(i, series)| Some((i, series.at(now)?))).collect();
    if values.is_empty() {
        return MetricReading::Failed("no sample within five minutes".to_owned());
    }
    match source {
        MetricSource::Object { .. } => MetricReading::Object(values.iter().map(|value| milli(value.1)).sum()),
        MetricSource::External(_) => MetricReading::External(values.iter().map(|value| milli(value.1)).collect()),
        _ => {
            let sample = |pod: u32, value: f64| PodSample { pod, milli: milli(value), at: now };
            let named = |(i, value): &(usize, f64)| {
                let id = names.binary_search(&series[*i].pod.as_deref()?).ok()?;
                Some(sample(id as u32, *value))
            };
            let mut samples: Vec<PodSample> = values.iter().filter_map(named).collect();
            if samples.is_empty() {
                // One series without pods is the average: every pod shows it.
                samples = pods.iter().map(|pod| sample(pod.id, values[0].1)).collect();
            }
            MetricReading::Pods { samples, window_ns: 0 }
        }
    }
}
