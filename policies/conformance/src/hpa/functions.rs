//! Rows of the function files: single floating-point rules, where rationals give other answers.

use super::format::FunctionRow;
use super::{Outcome, VectorError};
use flashcrowd_policies::autoscalers::hpa::{
    Container, ControllerSettings, HpaConfig, HpaObservation, HpaSpec, MetricError, MetricReading, MetricSource,
    MetricSpec, Pod, PodPhase, PodSample, ReadyCondition, SpecError, Target, Variant, propose,
    scale_down_percent_limit, scale_up_percent_limit,
};

/// Computes one row under `variant` and compares.
///
/// # Errors
/// If the function or its arguments are not known.
pub fn run_function_row(variant: Variant, row: &FunctionRow) -> Result<Outcome, VectorError> {
    let place = format!("{}{:?}", row.function, row.args);
    let got = match (row.function.as_str(), row.args.as_slice()) {
        ("scaleUpPercentLimit", &[current, percent]) => scale_up_percent_limit(current, percent),
        ("scaleDownPercentLimit", &[current, percent]) => scale_down_percent_limit(current, percent),
        ("utilizationReplicas", &[pods, percent, target]) => utilization_replicas(variant, pods, percent, target)
            .map_err(|error| VectorError::new(&place, error.to_string()))?,
        _ => return Err(VectorError::new(&place, "unknown function or wrong number of arguments")),
    };
    let mut outcome = Outcome::default();
    outcome.compare(&place, "out", &row.out, &i64::from(got));
    Ok(outcome)
}

/// Why a row of utilization has no result.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
enum RowError {
    #[error("{pods} pods: expected 0 to {most}")]
    Pods { pods: i32, most: i32 },
    #[error("{}", .0.first().map(ToString::to_string).unwrap_or_default())]
    Spec(Vec<SpecError>),
    #[error(transparent)]
    Metric(#[from] MetricError),
}

/// `pods` ready replicas that all use `percent` of their request.
fn utilization_replicas(variant: Variant, pods: i32, percent: i32, target: i32) -> Result<i32, RowError> {
    const REQUEST: i64 = 100;
    const MOST: i32 = 100_000;
    if !(0..=MOST).contains(&pods) {
        return Err(RowError::Pods { pods, most: MOST });
    }
    let source = MetricSource::Resource { name: "memory".to_owned() };
    let metric = MetricSpec { source, target: Target::Utilization(target) };
    let spec = HpaSpec { min_replicas: None, max_replicas: i32::MAX, metrics: vec![metric.clone()], behavior: None };
    let container =
        Container { name: "main".to_owned(), requests: [("memory".to_owned(), REQUEST)].into_iter().collect() };
    let settings = ControllerSettings { variant, ..ControllerSettings::default() };
    let config = HpaConfig::new(&spec, settings, vec![container]).map_err(RowError::Spec)?;
    let ids = 0..pods.unsigned_abs();
    let pod = |id| Pod {
        id,
        phase: PodPhase::Running,
        deleting: false,
        started: Some(0),
        ready: Some(ReadyCondition { status: true, since: 0 }),
    };
    let samples = ids.clone().map(|pod| PodSample { pod, milli: i64::from(percent), at: 0 }).collect();
    let reading = MetricReading::Pods { samples, window_ns: 0 };
    let seen = HpaObservation {
        spec_replicas: pods,
        status_replicas: pods,
        pods: ids.map(pod).collect(),
        ..HpaObservation::default()
    };
    Ok(propose(&config, 0, &seen, &metric, Some(&reading))?.replicas)
}
