//! What the metric names in users' manifests stand for.
//!
//! [`resolve`] turns a name into a [`MetricBinding`]: a signal of the simulator, a factor for the
//! unit and the pipeline that it usually comes through. [`parse_binding`] reads the words by which
//! a scenario binds any other name.

mod presets;
mod table;

pub use presets::Preset;
pub use table::{KnownMetric, UnsupportedMetric};

use crate::hpa::manifest::nearest;
use flashcrowd_core::ports::{LatencyPart, Pipeline, Sampler, Scope, SignalRequest, SignalSource, Transform};
use table::{KNOWN, RANGE, UNSUPPORTED};

/// What a metric's name stands for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MetricBinding {
    /// What is measured.
    pub source: SignalSource,
    /// The metric's value is the signal's times this (1000 where a name says ms, 0.01 for ratios).
    pub scale: f64,
    /// The preset that `pipeline` began with.
    pub preset: Preset,
    /// Through which pipeline.
    pub pipeline: Pipeline,
}

/// Why a metric's name has no binding.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MetricNameError {
    /// The name is known, the simulator has no such signal.
    #[error("the metric `{name}` is {why}")]
    Unsupported {
        /// The name.
        name: String,
        /// What it is.
        why: &'static str,
    },
    /// Nobody knows the name.
    #[error("the metric `{name}` is not known{}; bind it to a signal, such as WaitingRequests or GpuUtilization",
        suggestion.map(|name| format!(" (did you mean `{name}`?)")).unwrap_or_default())]
    Unknown {
        /// The name.
        name: String,
        /// The known name that is most like it.
        suggestion: Option<&'static str>,
    },
}

impl MetricBinding {
    /// The wish to see this signal under `name`.
    pub fn request(&self, name: &str, scope: Scope) -> SignalRequest {
        SignalRequest { name: name.to_owned(), source: self.source, scope, pipeline: self.pipeline }
    }

    /// The same signal through another pipeline; what the name itself implies is kept.
    #[must_use]
    pub fn through(mut self, preset: Preset) -> Self {
        let transform = self.pipeline.transform;
        self.preset = preset;
        self.pipeline = Pipeline { transform, ..preset.pipeline() };
        self
    }

    fn of(known: &KnownMetric) -> Self {
        let mut pipeline = known.preset.pipeline();
        pipeline.transform = known.transform;
        if let Some(sampler) = known.sampler {
            pipeline.sampler = sampler;
        }
        MetricBinding { source: known.source, scale: known.scale, preset: known.preset, pipeline }
    }

    fn gauge(source: SignalSource, scale: f64) -> Self {
        let preset = Preset::VllmGauge15s;
        MetricBinding { source, scale, preset, pipeline: preset.pipeline() }
    }

    fn rate(source: SignalSource) -> Self {
        let mut binding = MetricBinding::gauge(source, 1.0);
        binding.pipeline.transform = Transform::Rate(RANGE);
        binding
    }
}

/// What `name` stands for. Case and the characters `:`, `-` and `_` do not matter, as adapters
/// rewrite them.
///
/// ```
/// use flashcrowd_core::ports::SignalSource;
/// use flashcrowd_policies::metrics::resolve;
/// assert_eq!(resolve("vllm_num_requests_waiting")?.source, SignalSource::WaitingRequests);
/// assert_eq!(resolve("p99_latency_ms")?.scale, 1000.0);
/// let error = resolve("vllm:num_request_waiting").unwrap_err().to_string();
/// assert!(error.contains("did you mean `vllm:num_requests_waiting`?"), "{error}");
/// # Ok::<(), flashcrowd_policies::metrics::MetricNameError>(())
/// ```
///
/// # Errors
/// If the name is unknown, or known and without a signal in the simulator.
pub fn resolve(name: &str) -> Result<MetricBinding, MetricNameError> {
    let wanted = normalized(name);
    if let Some(known) = KNOWN.iter().find(|known| normalized(known.name) == wanted) {
        return Ok(MetricBinding::of(known));
    }
    if let Some(known) = UNSUPPORTED.iter().find(|known| normalized(known.name) == wanted) {
        return Err(MetricNameError::Unsupported { name: name.to_owned(), why: known.why });
    }
    if let Some(binding) = latency_pattern(&wanted) {
        return Ok(binding);
    }
    let names = KNOWN.iter().map(|known| known.name).chain(UNSUPPORTED.iter().map(|known| known.name));
    Err(MetricNameError::Unknown { name: name.to_owned(), suggestion: nearest(name, names) })
}

/// All names that [`resolve`] knows, for listings.
pub fn known_metrics() -> &'static [KnownMetric] {
    KNOWN
}

/// All names that are known and not supported, for listings.
pub fn unsupported_metrics() -> &'static [UnsupportedMetric] {
    UNSUPPORTED
}

/// The words of [`parse_binding`], besides those with a quantile.
const WORDS: [&str; 10] = [
    "GpuUtilization",
    "WaitingRequests",
    "RunningRequests",
    "InFlightRequests",
    "RequestsPerSecond",
    "CompletionsPerSecond",
    "CpuCores",
    "MemoryBytes",
    "LatencyP95",
    "QueueTimeP95",
];

/// The signal that a scenario names by one word; `LatencyP99`, `QueueTimeP50` and
/// `ServiceTimeP95` take any percentile and are in seconds.
///
/// ```
/// use flashcrowd_core::ports::SignalSource;
/// use flashcrowd_policies::metrics::parse_binding;
/// assert_eq!(parse_binding("InFlightRequests")?.source, SignalSource::InFlightRequests);
/// assert!(parse_binding("LatencyP99.9").is_ok());
/// assert!(parse_binding("WaitingRequest").unwrap_err().to_string().contains("`WaitingRequests`"));
/// # Ok::<(), flashcrowd_policies::metrics::MetricNameError>(())
/// ```
///
/// # Errors
/// If the word is unknown.
pub fn parse_binding(word: &str) -> Result<MetricBinding, MetricNameError> {
    let gauge = |source| MetricBinding::gauge(source, 1.0);
    Ok(match word {
        "GpuUtilization" => gauge(SignalSource::GpuUtilization).through(Preset::DcgmDefault),
        "WaitingRequests" => gauge(SignalSource::WaitingRequests),
        "RunningRequests" => gauge(SignalSource::RunningRequests),
        "InFlightRequests" => gauge(SignalSource::InFlightRequests),
        "RequestsPerSecond" => MetricBinding::rate(SignalSource::RequestsArrived),
        "CompletionsPerSecond" => MetricBinding::rate(SignalSource::RequestsCompleted),
        "CpuCores" => gauge(SignalSource::CpuCores).through(Preset::MetricsServer15s),
        "MemoryBytes" => {
            let mut binding = gauge(SignalSource::MemoryBytes).through(Preset::MetricsServer15s);
            binding.pipeline.sampler = Sampler::Instant;
            binding
        }
        _ => {
            let parts = [
                ("LatencyP", LatencyPart::EndToEnd),
                ("QueueTimeP", LatencyPart::Queue),
                ("ColdStartP", LatencyPart::ColdStart),
                ("ServiceTimeP", LatencyPart::Service),
            ];
            let found = parts.iter().find_map(|(prefix, part)| {
                let quantile = percentile(word.strip_prefix(prefix)?)?;
                Some(gauge(SignalSource::LatencyQuantile { part: *part, quantile, window: RANGE }))
            });
            let unknown = || MetricNameError::Unknown { name: word.to_owned(), suggestion: nearest(word, WORDS) };
            found.ok_or_else(unknown)?
        }
    })
}

fn normalized(name: &str) -> String {
    name.chars().map(|c| if matches!(c, ':' | '-' | '.') { '_' } else { c.to_ascii_lowercase() }).collect()
}

/// Names such as `latency_p95`, `request_latency_p50_ms`, `p99_latency_ms` or `queue_time_p90_seconds`.
fn latency_pattern(name: &str) -> Option<MetricBinding> {
    let (name, scale) = match name {
        _ if name.ends_with("_ms") => (name.strip_suffix("_ms")?, 1000.0),
        _ if name.ends_with("_milliseconds") => (name.strip_suffix("_milliseconds")?, 1000.0),
        _ => (name.strip_suffix("_seconds").or(name.strip_suffix("_s")).unwrap_or(name), 1.0),
    };
    let (quantile, rest) = name.split('_').find_map(|word| {
        let quantile = percentile(word.strip_prefix('p')?)?;
        let rest: Vec<&str> = name.split('_').filter(|other| *other != word).collect();
        Some((quantile, rest.join("_")))
    })?;
    let part = match rest.as_str() {
        "latency"
        | "request_latency"
        | "e2e_latency"
        | "e2e_request_latency"
        | "response_time"
        | "request_duration" => LatencyPart::EndToEnd,
        "queue_time" | "queue_latency" | "queue_duration" | "request_queue_time" => LatencyPart::Queue,
        "service_time" | "inference_time" | "inference_latency" => LatencyPart::Service,
        _ => return None,
    };
    Some(MetricBinding::gauge(SignalSource::LatencyQuantile { part, quantile, window: RANGE }, scale))
}

/// `95`, `99.9` or, as many write it, `999` as a quantile.
fn percentile(digits: &str) -> Option<f64> {
    let (percent, fraction) = match digits.split_once('.') {
        Some(split) => split,
        None if digits.len() > 2 && digits.starts_with('9') => digits.split_at_checked(2)?,
        None => (digits, ""),
    };
    let is_number = |text: &str| text.chars().all(|c| c.is_ascii_digit());
    if percent.is_empty() || percent.len() > 2 || !is_number(percent) || !is_number(fraction) {
        return None;
    }
    // Parsed as one decimal number: dividing by 100 would be off by a bit.
    let quantile: f64 = format!("0.{percent:0>2}{fraction}").parse().ok()?;
    (quantile > 0.0 && quantile < 1.0).then_some(quantile)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_known_name_resolves_with_either_separator_and_none_twice() {
        let mut seen = Vec::new();
        for name in KNOWN.iter().map(|k| k.name).chain(UNSUPPORTED.iter().map(|k| k.name)) {
            assert!(!seen.contains(&normalized(name)), "{name} twice");
            seen.push(normalized(name));
        }
        for known in KNOWN {
            assert!(resolve(&known.name.replace(':', "_")).is_ok(), "{}", known.name);
        }
    }

    #[test]
    fn an_unsupported_name_says_what_it_is() {
        let error = resolve("vllm_gpu_cache_usage_perc").unwrap_err().to_string();
        assert!(error.contains("KV cache") && error.contains("does not measure yet"), "{error}");
    }

    #[test]
    fn latency_names_carry_quantile_and_unit() {
        let table: &[(&str, LatencyPart, f64, f64)] = &[
            ("latency_p95", LatencyPart::EndToEnd, 0.95, 1.0),
            ("p99_latency_ms", LatencyPart::EndToEnd, 0.99, 1000.0),
            ("request_latency_p999_seconds", LatencyPart::EndToEnd, 0.999, 1.0),
            ("queue_time_p50_ms", LatencyPart::Queue, 0.5, 1000.0),
        ];
        for (name, part, quantile, scale) in table {
            let source = SignalSource::LatencyQuantile { part: *part, quantile: *quantile, window: RANGE };
            let binding = resolve(name).expect(name);
            assert_eq!((binding.source, binding.scale), (source, *scale), "{name}");
        }
        for name in ["latency_p100", "latency_p0", "latency_p", "latency_px", "p95", "ms_p95"] {
            assert!(resolve(name).is_err(), "{name}");
        }
    }

    #[test]
    fn every_word_parses_and_every_preset_has_its_name() {
        for word in WORDS {
            assert!(parse_binding(word).is_ok(), "{word}");
        }
        for preset in Preset::ALL {
            assert_eq!(Preset::from_name(preset.name()), Some(preset));
        }
    }

    proptest::proptest! {
        #[test]
        fn no_name_panics(name in "\\PC{0,40}", almost in "(latency_|queue_time_)?p[0-9.]{0,8}(_latency)?(_ms|_s)?") {
            let _ = (resolve(&name), resolve(&almost), parse_binding(&name), parse_binding(&almost));
        }
    }
}
