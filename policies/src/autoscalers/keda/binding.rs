//! Which signal of the simulator a trigger reads.
//!
//! A user's own binding holds first. A `prometheus` trigger is read by its query, whole or not at
//! all ([`read_query`]). Triggers on queues read the requests that wait at the service, with those
//! in flight where the queue counts them.

use super::manifest::scalers::{Counts, counts, find};
use super::spec::Trigger;
use crate::metrics::{Combine, MetricBinding, MetricNameError, QueryError, parse_binding, read_query, resolve};
use flashcrowd_core::SimDuration;
use flashcrowd_core::ports::Adapter;
use std::collections::BTreeMap;

/// A user's own bindings, by the trigger's name or `s<index>-<type>`.
pub type Bindings = BTreeMap<String, MetricBinding>;

/// Why a trigger has no signal.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TriggerError {
    /// It counts something of the user's own.
    #[error("trigger `{key}` reads {words}: bind it to a signal")]
    Own {
        /// By what it is bound.
        key: String,
        /// What it reads.
        words: String,
    },
    /// A query that is not understood whole.
    #[error("trigger `{key}`: its query is not read in part: {why}; bind it to a signal")]
    Query {
        /// By what it is bound.
        key: String,
        /// What is not understood.
        why: QueryError,
    },
    /// A resource without a signal.
    #[error(transparent)]
    Name(#[from] MetricNameError),
}

impl TriggerError {
    /// By what the trigger is bound.
    pub fn key(&self) -> Option<&str> {
        match self {
            TriggerError::Own { key, .. } | TriggerError::Query { key, .. } => Some(key),
            TriggerError::Name(_) => None,
        }
    }
}

/// What the trigger at `index` reads.
///
/// ```
/// use flashcrowd_core::ports::SignalSource;
/// use flashcrowd_policies::autoscalers::keda::{Bindings, Trigger, bind_trigger};
/// let query = ("query".to_owned(), "sum(vllm:num_requests_waiting{model=\"m\"})".to_owned());
/// let trigger = Trigger { kind: "prometheus".into(), metadata: vec![query], ..Trigger::default() };
/// assert_eq!(bind_trigger(&trigger, 0, &Bindings::new())?.0.source, SignalSource::WaitingRequests);
/// # Ok::<(), flashcrowd_policies::autoscalers::keda::TriggerError>(())
/// ```
///
/// # Errors
/// If nothing names a signal, and a query that is not understood whole.
pub fn bind_trigger(
    trigger: &Trigger,
    index: usize,
    chosen: &Bindings,
) -> Result<(MetricBinding, Combine), TriggerError> {
    let key = trigger.key(index);
    if let Some(binding) = chosen.get(&key).or_else(|| chosen.get(&trigger.own_key(index))) {
        return Ok((*binding, Combine::Service));
    }
    if trigger.kind == "prometheus" {
        let query = trigger.metadata("query").unwrap_or_default();
        let read = read_query(query).map_err(|why| TriggerError::Query { key, why })?;
        return Ok((read.binding, read.combine));
    }
    let word = match counts(trigger) {
        Counts::Arrivals => "RequestsPerSecond",
        Counts::Waiting => "WaitingRequests",
        Counts::InFlight => "InFlightRequests",
        Counts::Running => "RunningRequests",
        Counts::Resource => return Ok((resolve(&trigger.kind)?, Combine::Service)),
        Counts::Clock | Counts::Own => {
            let words = find(&trigger.kind).map_or_else(String::new, |scaler| format!("the {}", scaler.words));
            return Err(TriggerError::Own { key, words });
        }
    };
    Ok((parse_binding(word)?, Combine::Service))
}

/// With `useCachedMetrics` the HPA is shown the value of the last poll, until two are missed.
pub(super) fn cached(mut binding: MetricBinding, polling_interval_s: u32) -> MetricBinding {
    let seconds = u64::from(polling_interval_s.max(1));
    binding.pipeline.adapter =
        Adapter::Cached { period: SimDuration::from_s(seconds), ttl: SimDuration::from_s(seconds.saturating_mul(2)) };
    binding
}

#[cfg(test)]
mod tests {
    use super::*;
    use flashcrowd_core::ports::SignalSource;

    fn bound(kind: &str, metadata: &[(&str, &str)]) -> Result<SignalSource, TriggerError> {
        let metadata = metadata.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        let trigger = Trigger { kind: kind.to_owned(), metadata, ..Trigger::default() };
        bind_trigger(&trigger, 2, &Bindings::new()).map(|(binding, _)| binding.source)
    }

    #[test]
    fn queues_count_what_is_in_flight_where_upstream_does() {
        let sqs = |metadata: &[(&str, &str)]| bound("aws-sqs-queue", metadata);
        assert_eq!(sqs(&[]), Ok(SignalSource::InFlightRequests));
        assert_eq!(sqs(&[("scaleOnInFlight", "false")]), Ok(SignalSource::WaitingRequests));
        assert_eq!(bound("redis", &[]), Ok(SignalSource::WaitingRequests));
        assert_eq!(bound("rabbitmq", &[("mode", "MessageRate")]), Ok(SignalSource::RequestsArrived));
    }

    #[test]
    fn what_is_the_users_own_is_refused_by_its_key() {
        let own = bound("mysql", &[("query", "SELECT 1")]).unwrap_err();
        assert!(own.to_string().starts_with("trigger `s2-mysql` reads the number that the query returns"), "{own}");
        let query = bound("prometheus", &[("query", "up"), ("metricName", "vllm:num_requests_waiting")]).unwrap_err();
        assert!(query.to_string().contains("`s2-prometheus`") && query.to_string().contains("`up`"), "{query}");
    }
}
