//! Parts of the latency and their statistics, by name.

use super::part::Distribution;
use flashcrowd_core::ports::LatencyPart;

/// Which value of a distribution.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Statistic {
    /// The mean.
    Mean,
    /// A quantile.
    Quantile(f64),
    /// The highest.
    Max,
}

/// Statistics by the names of ids and summaries.
pub const STATISTICS: [(&str, Statistic); 7] = [
    ("mean", Statistic::Mean),
    ("p50", Statistic::Quantile(0.5)),
    ("p90", Statistic::Quantile(0.9)),
    ("p95", Statistic::Quantile(0.95)),
    ("p99", Statistic::Quantile(0.99)),
    ("p999", Statistic::Quantile(0.999)),
    ("max", Statistic::Max),
];

/// The name of a latency part in ids and summaries.
pub fn part_name(part: LatencyPart) -> &'static str {
    Distribution::of(part).name()
}

/// A part of the latency in words.
pub const fn part_words(part: LatencyPart) -> &'static str {
    match part {
        LatencyPart::EndToEnd => "end-to-end latency",
        LatencyPart::Queue => "queue time",
        LatencyPart::ColdStart => "cold-start wait",
        LatencyPart::Service => "service time",
        LatencyPart::TimeToFirstToken => "time to first token",
        LatencyPart::TimePerOutputToken => "time per output token",
        LatencyPart::InterToken => "inter-token latency",
        LatencyPart::NoCapacity => "wait for a full pool",
        LatencyPart::Retries => "time of earlier attempts",
        LatencyPart::Network => "time on the way",
    }
}
