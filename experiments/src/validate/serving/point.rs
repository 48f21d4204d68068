//! A measured point: who asked an engine for what, and what was measured.

use crate::profiles::{EngineLimits, Precision};
use serde::Serialize;

/// How near to its saturation an engine was measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(super) enum Band {
    /// One request after the other.
    #[serde(rename = "sync")]
    Sync,
    /// Up to 76 % of the measured saturation.
    #[serde(rename = "le76")]
    UpTo76,
    /// 88 %.
    #[serde(rename = "88")]
    At88,
    /// At the measured saturation.
    #[serde(rename = "100")]
    At100,
    /// So many clients, each of which sends when it has its answer.
    #[serde(rename = "closed")]
    Closed,
    /// An open load whose share of the saturation is not known.
    #[serde(rename = "unrated")]
    Unrated,
}

impl Band {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Band::Sync => "sync",
            Band::UpTo76 => "le76",
            Band::At88 => "88",
            Band::At100 => "100",
            Band::Closed => "closed",
            Band::Unrated => "unrated",
        }
    }
}

/// What is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Metric {
    /// Mean end-to-end latency, ms.
    E2eMean,
    /// Its 99th percentile, ms.
    E2eP99,
    /// Mean inter-token latency over all gaps, ms.
    ItlMean,
    /// Mean time to first token, ms.
    TtftMean,
    /// Its 99th percentile, ms.
    TtftP99,
    /// Mean over requests of the time per output token, ms.
    TpotMean,
    /// Requests answered in a second.
    RequestsPerS,
}

impl Metric {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Metric::E2eMean => "e2e_mean",
            Metric::E2eP99 => "e2e_p99",
            Metric::ItlMean => "itl_mean",
            Metric::TtftMean => "ttft_mean",
            Metric::TtftP99 => "ttft_p99",
            Metric::TpotMean => "tpot_mean",
            Metric::RequestsPerS => "requests_per_s",
        }
    }
}

/// How requests were sent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Client {
    /// One every `1 / rate` seconds, at most so many at once.
    Constant {
        /// Requests a second.
        rate: f64,
    },
    /// With exponential gaps.
    Poisson {
        /// Requests a second.
        rate: f64,
    },
    /// By so many users, each of whom sends when it has its answer.
    Closed {
        /// Users.
        users: u32,
    },
}

/// A length that is uniform between two bounds, both among them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Range {
    pub(super) low: u32,
    pub(super) high: u32,
}

/// When a measurement ends.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Window {
    /// After so many seconds; what has not ended by then is not counted.
    Seconds(f64),
    /// With the answer of that request.
    Requests {
        /// Requests in all.
        count: u64,
        /// For each user.
        turns: f64,
    },
}

/// A measured point.
#[derive(Clone, Debug)]
pub(super) struct Point {
    pub(super) id: String,
    pub(super) model: String,
    pub(super) gpu: String,
    pub(super) gpus: u32,
    pub(super) precision: Precision,
    pub(super) band: Band,
    pub(super) client: Client,
    pub(super) window: Window,
    pub(super) prompt: Range,
    pub(super) output: Range,
    pub(super) limits: EngineLimits,
    /// What was measured, by metric.
    pub(super) measured: Vec<(Metric, f64)>,
    /// Why the point is replayed but not judged, if so.
    pub(super) unjudged: Option<&'static str>,
}

impl Point {
    /// About how long its longest request took when it was measured, in seconds.
    pub(super) fn longest_request_s(&self) -> f64 {
        let of = |wanted| self.measured.iter().find(|(metric, _)| *metric == wanted).map_or(0.0, |(_, value)| *value);
        (of(Metric::TpotMean) * f64::from(self.output.high)).max(of(Metric::E2eMean)) / 1e3
    }
}
