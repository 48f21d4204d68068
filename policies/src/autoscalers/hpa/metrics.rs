//! The proposal of a single metric: formulas for per-pod values, utilization and object values.

use super::arithmetic::{ceil32, int32, int64};
use super::config::{Container, HpaConfig};
use super::decision::{CurrentValue, MetricProposal};
use super::metric_error::MetricError;
use super::observation::{HpaObservation, MetricReading, PodSample};
use super::pods::{Samples, group, ready_count};
use super::spec::{MetricSource, MetricSpec, Target};
use super::tolerance::Tolerance;

/// What `metric` asks for, given the answer of its API.
///
/// # Errors
/// Why the controller finds no answer.
pub fn propose(
    config: &HpaConfig,
    now: i64,
    seen: &HpaObservation,
    metric: &MetricSpec,
    reading: Option<&MetricReading>,
) -> Result<MetricProposal, MetricError> {
    let tolerance = Tolerance::of(config);
    let per_service = matches!(metric.source, MetricSource::Object { .. } | MetricSource::External(_));
    match reading {
        None => Err(MetricError::Unread),
        Some(MetricReading::Failed(why)) => Err(MetricError::Api(why.clone())),
        Some(MetricReading::Pods { samples, .. }) if samples.is_empty() => Err(MetricError::NoPodMetrics),
        Some(MetricReading::External(values)) if values.is_empty() => Err(MetricError::NoExternalMetrics),
        Some(MetricReading::Pods { samples, window_ns }) if !per_service => {
            let measure = Measure::of(config, metric);
            PodMetric { config, now, seen, tolerance, window_ns: *window_ns }.propose(samples, &measure)
        }
        Some(MetricReading::Object(usage)) if per_service => {
            service_metric(config, seen, tolerance, metric.target, *usage)
        }
        Some(MetricReading::External(values)) if per_service => {
            // Go wraps; the 2026 tree saturates, but that was not ported back.
            let usage = values.iter().fold(0_i64, |sum, value| sum.wrapping_add(*value));
            service_metric(config, seen, tolerance, metric.target, usage)
        }
        Some(_) => Err(MetricError::OtherKind),
    }
}

/// How per-pod samples are held against their target.
struct Measure {
    /// What a pod may use by the target, in the unit that the ratio compares.
    target: i64,
    /// Request of each pod; `Some` for Utilization. An error if a container has none.
    request: Option<Result<i64, MetricError>>,
    /// Whether the readiness rules of CPU hold.
    cpu: bool,
}

impl Measure {
    fn of(config: &HpaConfig, metric: &MetricSpec) -> Measure {
        let (resource, container) = match &metric.source {
            MetricSource::Resource { name } => (name.as_str(), None),
            MetricSource::ContainerResource { name, container } => (name.as_str(), Some(container.as_str())),
            MetricSource::Pods(_) | MetricSource::Object { .. } | MetricSource::External(_) => ("", None),
        };
        let cpu = resource == "cpu";
        match metric.target {
            Target::Utilization(percent) => {
                let request = pod_request(config.containers(), resource, container);
                Measure { target: i64::from(percent), request: Some(request), cpu }
            }
            Target::AverageValue(quantity) | Target::Value(quantity) => {
                Measure { target: quantity.milli(), request: None, cpu }
            }
        }
    }

    /// Ratio of usage to target, and the value to show.
    fn compare(&self, known: &[u32], samples: &Samples) -> Result<(f64, CurrentValue), MetricError> {
        let Some(request) = &self.request else {
            let sum = samples.values().fold(0_i64, |sum, sample| sum.wrapping_add(sample.milli));
            let usage = sum / samples.len().max(1) as i64;
            return Ok((usage as f64 / self.target as f64, CurrentValue::Average(Some(usage))));
        };
        let request = request.clone()?;
        let (mut used, mut requested, mut count) = (0_i64, 0_i64, 0_i64);
        for (_, sample) in samples.iter().filter(|(pod, _)| known.binary_search(pod).is_ok()) {
            used = used.wrapping_add(sample.milli);
            requested = requested.wrapping_add(request);
            count += 1;
        }
        if requested == 0 {
            return Err(MetricError::NoMatch);
        }
        // Whole percent, before the tolerance test and before rounding up.
        let percent = (used.wrapping_mul(100).wrapping_div(requested)) as i32;
        let current = CurrentValue::Utilization { percent, average: used / count.max(1) };
        Ok((f64::from(percent) / self.target as f64, current))
    }

    /// What a pod without a sample is taken to use when the others are below target.
    fn missing_on_the_way_down(&self) -> i64 {
        match &self.request {
            Some(Ok(request)) => request.wrapping_mul(self.target.max(100)) / 100,
            Some(Err(_)) | None => self.target,
        }
    }
}

fn pod_request(containers: &[Container], resource: &str, only: Option<&str>) -> Result<i64, MetricError> {
    let mut sum = 0_i64;
    let mut found = only.is_none();
    for container in containers.iter().filter(|container| only.is_none_or(|name| name == container.name)) {
        found = true;
        let Some(request) = container.requests.get(resource) else {
            let (resource, container) = (resource.to_owned(), container.name.clone());
            return Err(MetricError::MissingRequest { resource, container });
        };
        sum = sum.wrapping_add(*request);
    }
    if found { Ok(sum) } else { Err(MetricError::MissingContainer(only.unwrap_or_default().to_owned())) }
}

/// One evaluation of samples of pods.
struct PodMetric<'a> {
    config: &'a HpaConfig,
    now: i64,
    seen: &'a HpaObservation,
    tolerance: Tolerance,
    window_ns: i64,
}

impl PodMetric<'_> {
    fn propose(&self, samples: &[PodSample], measure: &Measure) -> Result<MetricProposal, MetricError> {
        if self.seen.pods.is_empty() {
            return Err(MetricError::NoPods);
        }
        let mut samples: Samples = samples.iter().map(|sample| (sample.pod, *sample)).collect();
        let groups = group(self.config, self.now, self.seen, &samples, self.window_ns, measure.cpu);
        for pod in groups.ignored.iter().chain(&groups.unready) {
            samples.remove(pod);
        }
        if samples.is_empty() {
            return Err(MetricError::NoSamples);
        }
        let mut known: Vec<u32> = self.seen.pods.iter().map(|pod| pod.id).collect();
        known.sort_unstable();

        let (ratio, current) = measure.compare(&known, &samples)?;
        let answer = |replicas| Ok(MetricProposal { replicas, current, ratio });
        let spec_replicas = self.seen.spec_replicas;
        let unready_hold_back = !groups.unready.is_empty() && ratio > 1.0;
        if !unready_hold_back && groups.missing.is_empty() {
            if self.tolerance.within(ratio) {
                return answer(spec_replicas);
            }
            return answer(ceil32(ratio * groups.ready as f64));
        }
        let mut fill = |pods: &[u32], milli| {
            samples.extend(pods.iter().map(|pod| (*pod, PodSample { pod: *pod, milli, at: self.now })));
        };
        // Assumed values always work against the direction of the change; at a ratio of exactly 1
        // nothing is assumed.
        if ratio < 1.0 {
            fill(&groups.missing, measure.missing_on_the_way_down());
        } else if ratio > 1.0 {
            fill(&groups.missing, 0);
        }
        if unready_hold_back {
            fill(&groups.unready, 0);
        }
        let (filled, _) = measure.compare(&known, &samples)?;
        let flipped = (ratio < 1.0 && filled > 1.0) || (ratio > 1.0 && filled < 1.0);
        if self.tolerance.within(filled) || flipped {
            return answer(spec_replicas);
        }
        let replicas = ceil32(filled * samples.len() as f64);
        let against = (filled < 1.0 && replicas > spec_replicas) || (filled > 1.0 && replicas < spec_replicas);
        answer(if against { spec_replicas } else { replicas })
    }
}

/// Object and External metrics: one usage for the whole target.
fn service_metric(
    config: &HpaConfig,
    seen: &HpaObservation,
    tolerance: Tolerance,
    target: Target,
    usage: i64,
) -> Result<MetricProposal, MetricError> {
    match target {
        Target::Value(target) => {
            let ratio = usage as f64 / target.milli() as f64;
            let replicas = value_replicas(seen, tolerance, ratio)?;
            Ok(MetricProposal { replicas, current: CurrentValue::Value(usage), ratio })
        }
        Target::AverageValue(target) => {
            let quirk = config.settings().quirks.average_value_uses_status;
            let base = if quirk { seen.status_replicas } else { seen.spec_replicas };
            Ok(average_value(tolerance, usage, target.milli(), base))
        }
        Target::Utilization(_) => Err(MetricError::NoUtilization),
    }
}

fn value_replicas(seen: &HpaObservation, tolerance: Tolerance, ratio: f64) -> Result<i32, MetricError> {
    if seen.spec_replicas == 0 {
        return Ok(ceil32(ratio));
    }
    if tolerance.within(ratio) {
        return Ok(seen.spec_replicas);
    }
    if seen.pods.is_empty() {
        return Err(MetricError::NoReadyPods);
    }
    Ok(ceil32(ratio * ready_count(seen) as f64))
}

fn average_value(tolerance: Tolerance, usage: i64, target: i64, base: i32) -> MetricProposal {
    let ratio = usage as f64 / (target as f64 * f64::from(base));
    let replicas = if tolerance.within_or_nan(ratio) { base } else { int32((usage as f64 / target as f64).ceil()) };
    let average = (base != 0).then(|| int64((usage as f64 / f64::from(base)).ceil()));
    MetricProposal { replicas, current: CurrentValue::Average(average), ratio }
}
