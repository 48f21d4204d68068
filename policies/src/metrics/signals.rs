//! The signals that a scenario can bind a metric's name to: one list for the reader and for listings.

use super::binding::MetricBinding;
use super::percentile::percentile;
use super::presets::{DCGM_COLLECTION, Preset, RANGE};
use flashcrowd_core::ports::{LatencyPart, Sampler, SignalSource, Transform};

/// A signal by the word of scenarios.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Signal {
    /// The word: `WaitingRequests`. One that takes a percentile stands here with 95: `LatencyP95`.
    pub word: &'static str,
    /// What its values are in: percent, requests, requests/s, seconds, cores, bytes.
    pub unit: &'static str,
    /// What it measures.
    pub about: &'static str,
    /// What its value for a service is made of; for a pod it is the pod's own.
    pub of_service: &'static str,
    made: Made,
}

/// How a signal is measured.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Made {
    /// As the server itself or the kubelet exports it.
    Gauge(SignalSource, Preset),
    /// As a profiling field of DCGM.
    Profiled(SignalSource),
    /// The rate of a counter.
    Rate(SignalSource),
    /// Any percentile of a time.
    Quantile(LatencyPart),
}

const MEAN: &str = "mean of its pods";
const SUM: &str = "sum of its pods";
const QUEUE: &str = "sum of its pods and its gateway";
const COUNTED: &str = "counted at its gateway";
const MERGED: &str = "of all its requests";

const fn gauge(source: SignalSource) -> Made {
    Made::Gauge(source, Preset::VllmGauge15s)
}

const fn share(word: &'static str, made: Made, about: &'static str) -> Signal {
    Signal { word, unit: "percent", about, of_service: MEAN, made }
}

const fn requests(word: &'static str, source: SignalSource, of_service: &'static str, about: &'static str) -> Signal {
    Signal { word, unit: "requests", about, of_service, made: gauge(source) }
}

const fn rate(word: &'static str, source: SignalSource, about: &'static str) -> Signal {
    Signal { word, unit: "requests/s", about, of_service: COUNTED, made: Made::Rate(source) }
}

const fn resource(word: &'static str, unit: &'static str, source: SignalSource, about: &'static str) -> Signal {
    Signal { word, unit, about, of_service: SUM, made: Made::Gauge(source, Preset::MetricsServer15s) }
}

const fn time(word: &'static str, part: LatencyPart, about: &'static str) -> Signal {
    Signal { word, unit: "seconds", about, of_service: MERGED, made: Made::Quantile(part) }
}

#[rustfmt::skip]
pub(super) const SIGNALS: &[Signal] = &[
    share("GpuUtilization", Made::Gauge(SignalSource::GpuUtilization, Preset::DcgmDefault),
        "time in which any kernel ran on the GPUs"),
    share("SmActive", Made::Profiled(SignalSource::SmActive), "time in which SMs of the GPUs held a warp"),
    share("TensorActive", Made::Profiled(SignalSource::TensorActive), "the part of the peak FLOP/s that computed tokens take"),
    share("DramActive", Made::Profiled(SignalSource::DramActive),
        "the part of the peak memory bandwidth that reads of weights and cache take"),
    share("KvCacheUse", gauge(SignalSource::KvCacheUse), "blocks of the KV cache in use"),
    requests("WaitingRequests", SignalSource::WaitingRequests, QUEUE, "attempts that wait for service"),
    requests("RunningRequests", SignalSource::RunningRequests, SUM, "attempts in service"),
    requests("InFlightRequests", SignalSource::InFlightRequests, QUEUE, "attempts that wait or are in service"),
    rate("RequestsPerSecond", SignalSource::RequestsArrived, "arrivals; of a pod, what it took"),
    rate("CompletionsPerSecond", SignalSource::RequestsCompleted, "completions"),
    resource("CpuCores", "cores", SignalSource::CpuCores, "CPU of the server process"),
    resource("MemoryBytes", "bytes", SignalSource::MemoryBytes, "memory of the server process"),
    time("LatencyP95", LatencyPart::EndToEnd, "from the client's send to the end"),
    time("QueueTimeP95", LatencyPart::Queue, "waiting that no cold start or full pool explains"),
    time("ColdStartP95", LatencyPart::ColdStart, "waiting while replicas were starting"),
    time("ServiceTimeP95", LatencyPart::Service, "in service"),
    time("TimeToFirstTokenP95", LatencyPart::TimeToFirstToken, "from the client's send to the first token"),
    time("InterTokenLatencyP95", LatencyPart::InterToken, "each gap between two tokens"),
    time("TimePerOutputTokenP95", LatencyPart::TimePerOutputToken, "a request's mean gap between tokens"),
];

/// The percentile in the words of [`SIGNALS`].
const SHOWN: &str = "95";

impl Signal {
    /// Whether the word takes any percentile: `LatencyP50`, `LatencyP99.9`.
    pub fn takes_percentile(&self) -> bool {
        matches!(self.made, Made::Quantile(_))
    }

    /// Whether only services that serve tokens have it.
    pub fn is_of_tokens(&self) -> bool {
        match self.made {
            Made::Gauge(source, _) | Made::Profiled(source) | Made::Rate(source) => source.is_of_tokens(),
            Made::Quantile(part) => part.is_of_tokens(),
        }
    }

    /// The binding of a word, if it is this signal's.
    pub(super) fn read(&self, word: &str) -> Option<MetricBinding> {
        let quantile = if self.takes_percentile() {
            percentile(word.strip_prefix(self.word.strip_suffix(SHOWN)?)?)?
        } else {
            (word == self.word).then_some(0.0)?
        };
        Some(match self.made {
            Made::Gauge(source, preset) => MetricBinding::gauge(source, 1.0).through(preset),
            Made::Profiled(source) => {
                let mut binding = MetricBinding::gauge(source, 1.0);
                binding.pipeline.sampler = Sampler::WindowMean(DCGM_COLLECTION);
                binding.through(Preset::DcgmDefault)
            }
            Made::Rate(source) => {
                let mut binding = MetricBinding::gauge(source, 1.0);
                binding.pipeline.transform = Transform::Rate(RANGE);
                binding
            }
            Made::Quantile(part) => {
                MetricBinding::gauge(SignalSource::LatencyQuantile { part, quantile, window: RANGE }, 1.0)
            }
        })
    }

    /// The signal that measures a source, and the word for exactly that.
    pub(super) fn of(source: SignalSource) -> Option<(&'static Signal, String)> {
        let found = SIGNALS.iter().find(|signal| match (signal.made, source) {
            (Made::Quantile(part), SignalSource::LatencyQuantile { part: wanted, .. }) => part == wanted,
            (Made::Gauge(own, _) | Made::Profiled(own) | Made::Rate(own), wanted) => own == wanted,
            (Made::Quantile(_), _) => false,
        })?;
        let word = match source {
            // As few digits as there are: 0.999 is 99.9.
            SignalSource::LatencyQuantile { quantile, .. } => {
                let percent = format!("{:.6}", quantile * 100.0);
                let percent = percent.trim_end_matches('0').trim_end_matches('.');
                format!("{}{percent}", found.word.strip_suffix(SHOWN)?)
            }
            _ => found.word.to_owned(),
        };
        Some((found, word))
    }
}
