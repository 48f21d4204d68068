//! Rows of the function files: single floating-point rules, where rationals give other answers.

use super::format::FunctionRow;
use super::{Outcome, VectorError};
use flashcrowd_policies::autoscalers::hpa::{
    Container, ControllerSettings, HpaConfig, HpaObservation, HpaSpec, MetricReading, MetricSource, MetricSpec, Pod,
    PodPhase, PodSample, ReadyCondition, Target, Variant, propose, scale_down_percent_limit, scale_up_percent_limit,
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
        ("utilizationReplicas", &[pods, percent, target]) => {
            utilization_replicas(variant, pods, percent, target).map_err(|why| VectorError::new(&place, why))?
        }
        _ => return Err(VectorError::new(&place, "unknown function or wrong number of arguments")),
    };
    let mut outcome = Outcome::default();
    outcome.compare(&place, "out", &row.out, &i64::from(got));
    Ok(outcome)
}

/// `pods` ready replicas that all use `percent` of their request.
fn utilization_replicas(variant: Variant, pods: i32, percent: i32, target: i32) -> Result<i32, String> {
    const REQUEST: i64 = 100;
    const MOST: i32 = 100_000;
    if !(0..=MOST).contains(&pods) {
        return Err(format!("{pods} pods: expected 0 to {MOST}"));
    }
    let source = MetricSource::Resource { name: "memory".to_owned() };
    let metric = MetricSpec { source, target: Target::Utilization(target) };
    let spec = HpaSpec { min_replicas: None, max_replicas: i32::MAX, metrics: vec![metric.clone()], behavior: None };
    let container =
        Container { name: "main".to_owned(), requests: [("memory".to_owned(), REQUEST)].into_iter().collect() };
    let settings = ControllerSettings { variant, ..ControllerSettings::default() };
    let config = HpaConfig::new(&spec, settings, vec![container])
        .map_err(|errors| errors.first().map(ToString::to_string).unwrap_or_default())?;
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
    propose(&config, 0, &seen, &metric, Some(&reading)).map(|proposal| proposal.replicas)
}
