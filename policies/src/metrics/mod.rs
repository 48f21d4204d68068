//! What the metric names in users' manifests stand for.
//!
//! [`resolve`] turns a name into a [`MetricBinding`]: a signal of the simulator, a factor for the
//! unit and the pipeline that it usually comes through. [`parse_binding`] reads the words by which
//! a scenario binds any other name.

mod binding;
mod fitting;
mod percentile;
mod presets;
mod query;
mod signals;
mod table;

pub use binding::MetricBinding;
pub use fitting::fitting;
pub use presets::Preset;
pub use query::{Combine, Query, QueryError, read_query};
pub use signals::Signal;
pub use table::{KnownMetric, UnsupportedMetric};

use crate::manifest::nearest;
use flashcrowd_core::ports::{LatencyPart, SignalSource};
use percentile::percentile;
use presets::RANGE;
use signals::SIGNALS;
use table::{KNOWN, TIMES, UNSUPPORTED, is_of_pods};

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
    /// A name that is not in the table.
    #[error("the metric `{name}` is not known{}; bind it to a signal, such as {}: `flashcrowd signals` lists them",
        meant(*.suggestion), fitting(name))]
    Unknown {
        /// The name.
        name: String,
        /// The known name that is most like it.
        suggestion: Option<&'static str>,
    },
    /// A word that is no signal's.
    #[error("there is no signal `{word}`{}; `flashcrowd signals` lists them", meant(*.suggestion))]
    NoSignal {
        /// The word.
        word: String,
        /// The word that is most like it.
        suggestion: Option<&'static str>,
    },
}

/// The name that a misspelt one stands for, as messages say it.
fn meant(suggestion: Option<&str>) -> String {
    suggestion.map(|name| format!(" (did you mean `{name}`?)")).unwrap_or_default()
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
    let own = of_google(name).unwrap_or(name);
    let wanted = normalized(own);
    if let Some(known) = KNOWN.iter().find(|known| normalized(known.name) == wanted) {
        return Ok(known.binding());
    }
    if let Some(known) = UNSUPPORTED.iter().find(|known| normalized(known.name) == wanted) {
        return Err(MetricNameError::Unsupported { name: name.to_owned(), why: known.why });
    }
    if let Some(binding) = latency_pattern(&wanted) {
        return Ok(MetricBinding { of_pods: is_of_pods(own), ..binding });
    }
    let names = KNOWN.iter().map(|known| known.name).chain(UNSUPPORTED.iter().map(|known| known.name));
    Err(MetricNameError::Unknown { name: name.to_owned(), suggestion: nearest(own, names) })
}

/// The exporter's name of a metric of Google's Managed Prometheus, as its adapter writes it:
/// `prometheus.googleapis.com|vllm:num_requests_waiting|gauge`.
fn of_google(name: &str) -> Option<&str> {
    let (own, kind) = name.strip_prefix("prometheus.googleapis.com|")?.rsplit_once('|')?;
    ["gauge", "counter", "histogram", "summary", "unknown"].contains(&kind).then_some(own)
}

/// All names that [`resolve`] knows, for listings.
pub fn known_metrics() -> &'static [KnownMetric] {
    KNOWN
}

/// All names that are known and not supported, for listings.
pub fn unsupported_metrics() -> &'static [UnsupportedMetric] {
    UNSUPPORTED
}

/// Words for times in names that adapters and recording rules make of histograms, with a percentile:
/// `latency` in `p99_latency_ms`.
pub fn known_times() -> impl Iterator<Item = &'static str> {
    TIMES.iter().map(|(word, _)| *word)
}

/// All signals by the words of [`parse_binding`], for listings.
pub fn signals() -> &'static [Signal] {
    SIGNALS
}

/// The signal that a scenario names by one word. Shares of the GPU and its cache are in percent;
/// `LatencyP99`, `TimeToFirstTokenP90`, `InterTokenLatencyP95`, `TimePerOutputTokenP95`,
/// `QueueTimeP50`, `ColdStartP95` and `ServiceTimeP95` take any percentile and are in seconds.
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
    SIGNALS.iter().find_map(|signal| signal.read(word)).ok_or_else(|| {
        let suggestion = nearest(word, SIGNALS.iter().map(|signal| signal.word));
        MetricNameError::NoSignal { word: word.to_owned(), suggestion }
    })
}

fn normalized(name: &str) -> String {
    name.chars().map(|c| if matches!(c, ':' | '-' | '.') { '_' } else { c.to_ascii_lowercase() }).collect()
}

/// Names as adapters and recording rules make them of histograms, the words in any order:
/// `latency_p95`, `p99_latency_ms`, `queue_time_p90_seconds`, `vllm_time_to_first_token_seconds_p95`.
fn latency_pattern(name: &str) -> Option<MetricBinding> {
    let (mut quantile, mut scale, mut engine, mut rest) = (None, 1.0, "", Vec::new());
    for word in name.split('_').filter(|word| !word.is_empty()) {
        let found = word.strip_prefix('p').and_then(percentile);
        match word {
            _ if found.is_some() && quantile.is_none() => quantile = found,
            "ms" | "milliseconds" => scale = 1000.0,
            "s" | "seconds" => {}
            "vllm" | "sglang" | "tgi" => engine = word,
            _ => rest.push(word),
        }
    }
    let part = match (rest.join("_").as_str(), engine) {
        // vLLM's histogram of that name counts every gap; elsewhere it is a request's mean.
        ("time_per_output_token", "vllm") => LatencyPart::InterToken,
        (word, _) => TIMES.iter().find(|(known, _)| *known == word)?.1,
    };
    Some(MetricBinding::gauge(SignalSource::LatencyQuantile { part, quantile: quantile?, window: RANGE }, scale))
}

#[cfg(test)]
mod tests {
    use super::*;
    use flashcrowd_core::SimDuration;
    use flashcrowd_core::ports::Sampler;

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
        let error = resolve("dcgm_fi_dev_fb_used").unwrap_err().to_string();
        assert!(error.contains("GPU memory") && error.contains("vllm:kv_cache_usage_perc"), "{error}");
    }

    #[test]
    fn names_of_google_s_managed_prometheus_are_the_exporter_s() {
        let waiting = resolve("prometheus.googleapis.com|vllm:num_requests_waiting|gauge").expect("known");
        assert_eq!(waiting, resolve("vllm:num_requests_waiting").expect("known"));
        let error = resolve("prometheus.googleapis.com|vllm:num_requests_waitin|gauge").unwrap_err().to_string();
        assert!(error.contains("did you mean `vllm:num_requests_waiting`?"), "{error}");
    }

    #[test]
    fn latency_names_carry_quantile_and_unit() {
        let table: &[(&str, LatencyPart, f64, f64)] = &[
            ("latency_p95", LatencyPart::EndToEnd, 0.95, 1.0),
            ("p99_latency_ms", LatencyPart::EndToEnd, 0.99, 1000.0),
            ("request_latency_p999_seconds", LatencyPart::EndToEnd, 0.999, 1.0),
            ("queue_time_p50_ms", LatencyPart::Queue, 0.5, 1000.0),
            ("vllm:time_to_first_token_seconds_p95", LatencyPart::TimeToFirstToken, 0.95, 1.0),
            ("vllm_time_to_first_token_seconds:p99", LatencyPart::TimeToFirstToken, 0.99, 1.0),
            ("ttft_p90_ms", LatencyPart::TimeToFirstToken, 0.9, 1000.0),
            ("p95_vllm_inter_token_latency_seconds", LatencyPart::InterToken, 0.95, 1.0),
            ("itl_p99_ms", LatencyPart::InterToken, 0.99, 1000.0),
            ("vllm:time_per_output_token_seconds_p95", LatencyPart::InterToken, 0.95, 1.0),
            ("time_per_output_token_p95", LatencyPart::TimePerOutputToken, 0.95, 1.0),
            ("vllm_request_time_per_output_token_seconds_p50", LatencyPart::TimePerOutputToken, 0.5, 1.0),
            ("tpot_p95", LatencyPart::TimePerOutputToken, 0.95, 1.0),
            ("sglang_e2e_request_latency_seconds_p99", LatencyPart::EndToEnd, 0.99, 1.0),
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
        for signal in SIGNALS {
            assert!(parse_binding(signal.word).is_ok(), "{}", signal.word);
            assert!(parse_binding(&signal.word.replace("95", "99.9")).is_ok(), "{}", signal.word);
        }
        for known in KNOWN {
            let (word, unit) = (known.word(), known.unit());
            assert_eq!(parse_binding(&word).map(|binding| binding.source), Ok(known.source), "{}", known.name);
            assert!(!unit.is_empty(), "{}", known.name);
        }
        for preset in Preset::ALL {
            assert_eq!(Preset::from_name(preset.name()), Some(preset));
        }
    }

    #[test]
    fn another_preset_changes_the_way_and_not_the_kind() {
        let sampler = |name: &str, preset| resolve(name).expect(name).through(preset).pipeline.sampler;
        let second = SimDuration::from_s(1);
        assert_eq!(sampler("DCGM_FI_PROF_SM_ACTIVE", Preset::Dcgm1s), Sampler::WindowMean(second));
        assert_eq!(sampler("DCGM_FI_DEV_GPU_UTIL", Preset::Dcgm1s), Sampler::Nvml(second));
        assert_eq!(sampler("DCGM_FI_DEV_GPU_UTIL", Preset::VllmGauge15s), Sampler::Nvml(second));
        assert_eq!(sampler("vllm:kv_cache_usage_perc", Preset::DcgmDefault), Sampler::Instant);
    }

    proptest::proptest! {
        #[test]
        fn no_name_panics(name in "\\PC{0,40}", almost in "(latency_|queue_time_)?p[0-9.]{0,8}(_latency)?(_ms|_s)?") {
            let _ = (resolve(&name), resolve(&almost), parse_binding(&name), parse_binding(&almost));
        }
    }
}
