//! Which signal of the simulator a trigger reads.
//!
//! A user's own binding holds first. A `prometheus` trigger is known by `metadata.metricName`, or by
//! the first known metric name in its query; `rate(...[2m])` and `histogram_quantile(0.9, ...)` there
//! set the range and the quantile; `avg(...)`, `max(...)` and `min(...)` around a gauge go over the
//! replicas, everything else is the service's own value, their sum. Triggers on queues read what the
//! queue counts in the trigger's mode ([`counts`]): requests that wait, that run, or both.

use super::manifest::scalers::{Counts, counts};
use super::spec::Trigger;
use crate::metrics::{MetricBinding, MetricNameError, parse_binding, resolve};
use flashcrowd_core::SimDuration;
use flashcrowd_core::ports::{Adapter, Sample, SignalSource, Transform};
use std::collections::BTreeMap;

/// A user's own bindings, by the trigger's name or `s<index>-<type>`.
pub type Bindings = BTreeMap<String, MetricBinding>;

/// What the trigger at `index` reads.
///
/// ```
/// use flashcrowd_core::ports::SignalSource;
/// use flashcrowd_policies::autoscalers::keda::{Bindings, Trigger, bind_trigger};
/// let query = ("query".to_owned(), "sum(vllm:num_requests_waiting{model=\"m\"})".to_owned());
/// let trigger = Trigger { kind: "prometheus".into(), metadata: vec![query], ..Trigger::default() };
/// assert_eq!(bind_trigger(&trigger, 0, &Bindings::new())?.source, SignalSource::WaitingRequests);
/// # Ok::<(), flashcrowd_policies::metrics::MetricNameError>(())
/// ```
///
/// # Errors
/// If nothing names a signal.
pub fn bind_trigger(trigger: &Trigger, index: usize, chosen: &Bindings) -> Result<MetricBinding, MetricNameError> {
    let key = trigger.key(index);
    if let Some(binding) = chosen.get(&key).or_else(|| chosen.get(&format!("s{index}-{}", trigger.kind))) {
        return Ok(*binding);
    }
    match trigger.kind.as_str() {
        "cpu" | "memory" => resolve(&trigger.kind),
        "prometheus" => from_query(trigger, &key),
        _ => match counts(trigger) {
            Counts::Arrivals => parse_binding("RequestsPerSecond"),
            Counts::Waiting => parse_binding("WaitingRequests"),
            Counts::InFlight => parse_binding("InFlightRequests"),
            Counts::Running => parse_binding("RunningRequests"),
            Counts::Clock | Counts::Resource | Counts::Own => {
                Err(MetricNameError::Unknown { name: key, suggestion: None })
            }
        },
    }
}

/// How the values of replicas become one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Combine {
    /// The service's own value.
    Service,
    /// Mean over the replicas.
    Mean,
    /// Largest of the replicas.
    Max,
    /// Smallest of the replicas.
    Min,
}

impl Combine {
    /// What the query of a trigger does with its gauge, unless the user has bound it.
    pub(super) fn of(trigger: &Trigger, index: usize, binding: &MetricBinding, chosen: &Bindings) -> Combine {
        let bound =
            [trigger.key(index), format!("s{index}-{}", trigger.kind)].iter().any(|key| chosen.contains_key(key));
        let requests = matches!(
            binding.source,
            SignalSource::WaitingRequests | SignalSource::RunningRequests | SignalSource::InFlightRequests
        );
        if bound || trigger.kind != "prometheus" || !(requests || binding.source.is_share()) {
            return Combine::Service;
        }
        let query = trigger.metadata("query").unwrap_or_default().trim_start();
        let word = query.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').next().unwrap_or_default();
        match word {
            // For a share, the value of the service is the mean already.
            "avg" if requests => Combine::Mean,
            "max" => Combine::Max,
            "min" => Combine::Min,
            _ => Combine::Service,
        }
    }

    /// One value of those of `samples`, which are not empty.
    pub(super) fn value(self, samples: &[Sample]) -> f64 {
        let values = samples.iter().map(|sample| sample.value);
        match self {
            Combine::Service => values.sum(),
            Combine::Mean => values.sum::<f64>() / samples.len() as f64,
            Combine::Max => values.fold(f64::NEG_INFINITY, f64::max),
            Combine::Min => values.fold(f64::INFINITY, f64::min),
        }
    }
}

/// With `useCachedMetrics` the HPA is shown the value of the last poll, until two are missed.
pub(super) fn cached(mut binding: MetricBinding, polling_interval_s: u32) -> MetricBinding {
    let seconds = u64::from(polling_interval_s.max(1));
    binding.pipeline.adapter =
        Adapter::Cached { period: SimDuration::from_s(seconds), ttl: SimDuration::from_s(seconds.saturating_mul(2)) };
    binding
}

fn from_query(trigger: &Trigger, key: &str) -> Result<MetricBinding, MetricNameError> {
    let unknown = || MetricNameError::Unknown { name: key.to_owned(), suggestion: None };
    let query = trigger.metadata("query").unwrap_or_default();
    let mut first_error = None;
    let words = query.split(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | ':' | '-')));
    let words = trigger.metadata("metricName").into_iter().chain(words);
    for word in words.filter(|word| !word.is_empty()) {
        match resolve(word.strip_suffix("_bucket").unwrap_or(word)) {
            Ok(binding) => return Ok(as_asked(binding, query)),
            // The unknown name that is nearest to a known one gets its own message.
            Err(error) => {
                let telling =
                    !matches!(error, MetricNameError::Unknown { suggestion: None, .. }) && word.contains(['_', ':']);
                first_error = first_error.or(telling.then_some(error));
            }
        }
    }
    Err(first_error.unwrap_or_else(unknown))
}

/// The range and the quantile that the query gives.
fn as_asked(mut binding: MetricBinding, query: &str) -> MetricBinding {
    let range = range_of(query);
    if let (Transform::Rate(window), Some(range)) = (&mut binding.pipeline.transform, range) {
        *window = range;
    }
    if let SignalSource::LatencyQuantile { quantile, window, .. } = &mut binding.source {
        *window = range.unwrap_or(*window);
        if let Some(asked) = quantile_of(query) {
            *quantile = asked;
        }
    }
    binding
}

fn range_of(query: &str) -> Option<SimDuration> {
    let (inner, _) = query.split_once('[')?.1.split_once(']')?;
    let inner = inner.split(':').next()?.trim();
    let unit_s = match inner.chars().next_back()? {
        's' => 1.0,
        'm' => 60.0,
        'h' => 3600.0,
        'd' => 86400.0,
        _ => return None,
    };
    let count: f64 = inner[..inner.len() - 1].parse().ok()?;
    (count > 0.0 && count.is_finite()).then(|| SimDuration::from_s_f64(count * unit_s))
}

fn quantile_of(query: &str) -> Option<f64> {
    let (_, rest) = query.split_once("histogram_quantile(")?;
    let quantile: f64 = rest.split(',').next()?.trim().parse().ok()?;
    (quantile > 0.0 && quantile < 1.0).then_some(quantile)
}

#[cfg(test)]
mod tests {
    use super::*;
    use flashcrowd_core::ports::LatencyPart;

    fn bound(query: &str) -> Result<MetricBinding, MetricNameError> {
        let metadata = vec![("query".to_owned(), query.to_owned())];
        bind_trigger(&Trigger { kind: "prometheus".to_owned(), metadata, ..Trigger::default() }, 2, &Bindings::new())
    }

    #[test]
    fn a_query_names_its_metric_its_range_and_its_quantile() {
        let rate = bound("sum(rate(http_requests[5m]))").expect("known");
        assert_eq!(rate.pipeline.transform, Transform::Rate(SimDuration::from_s(300)));
        let query = "histogram_quantile(0.9, sum(rate(vllm:time_to_first_token_seconds_bucket[2m])) by (le))";
        let wanted = SignalSource::LatencyQuantile {
            part: LatencyPart::TimeToFirstToken,
            quantile: 0.9,
            window: SimDuration::from_s(120),
        };
        assert_eq!(bound(query).expect("known").source, wanted);
    }

    #[test]
    fn an_unknown_query_is_refused_by_its_key_or_its_near_name() {
        assert!(bound("up").unwrap_err().to_string().contains("`s2-prometheus`"));
        assert!(bound("avg(vllm:num_request_waiting)").unwrap_err().to_string().contains("vllm:num_requests_waiting"));
        assert!(bound("x[é]").is_err() && bound("http_requests[é]").is_ok());
    }
}
