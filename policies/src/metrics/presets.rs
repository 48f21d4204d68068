//! Metric pipelines by name: the delays and distortions that common installations have.

use flashcrowd_core::SimDuration;
use flashcrowd_core::ports::{Adapter, Attribution, MissingAs, Pipeline, Sampler, Stamp, Transform};

/// Range of `rate(...)` and of latency quantiles where the name does not say.
pub(super) const RANGE: SimDuration = SimDuration::from_s(60);

/// Period at which dcgm-exporter collects by default.
pub(super) const DCGM_COLLECTION: SimDuration = SimDuration::from_s(30);

/// A named pipeline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Preset {
    /// metrics-server at the 15 s of its shipped manifest and chart.
    MetricsServer15s,
    /// metrics-server at the 60 s that its code defaults to.
    MetricsServer60s,
    /// dcgm-exporter with its default collection every 30 s, scraped every 15 s.
    DcgmDefault,
    /// dcgm-exporter collecting every second, as many users set it.
    Dcgm1s,
    /// A gauge of the server itself, scraped every 15 s.
    VllmGauge15s,
    /// KEDA with `useCachedMetrics`: the value of its last poll, at most 30 s old.
    Keda30s,
}

/// How long an exporter's spot sample of GPU utilization looks back.
const NVML_WINDOW: SimDuration = SimDuration::from_s(1);
const SCRAPE: SimDuration = SimDuration::from_s(15);

impl Preset {
    /// All presets.
    pub const ALL: [Preset; 6] = [
        Preset::MetricsServer15s,
        Preset::MetricsServer60s,
        Preset::DcgmDefault,
        Preset::Dcgm1s,
        Preset::VllmGauge15s,
        Preset::Keda30s,
    ];

    /// Its name in scenario files.
    pub const fn name(self) -> &'static str {
        match self {
            Preset::MetricsServer15s => "metrics-server-15s",
            Preset::MetricsServer60s => "metrics-server-60s",
            Preset::DcgmDefault => "dcgm-default",
            Preset::Dcgm1s => "dcgm-1s",
            Preset::VllmGauge15s => "vllm-gauge-15s",
            Preset::Keda30s => "keda-30s",
        }
    }

    /// The preset of that name.
    pub fn from_name(name: &str) -> Option<Preset> {
        Preset::ALL.into_iter().find(|preset| preset.name() == name)
    }

    /// The pipeline.
    ///
    /// ```
    /// use flashcrowd_core::{SimDuration, ports::Sampler};
    /// use flashcrowd_policies::metrics::Preset;
    /// let pipeline = Preset::DcgmDefault.pipeline();
    /// assert_eq!(pipeline.sampler, Sampler::Nvml(SimDuration::from_s(1)));
    /// assert_eq!(pipeline.collect_period, Some(SimDuration::from_s(30)));
    /// ```
    pub const fn pipeline(self) -> Pipeline {
        match self {
            Preset::MetricsServer15s => metrics_server(SimDuration::from_s(15)),
            Preset::MetricsServer60s => metrics_server(SimDuration::from_s(60)),
            Preset::DcgmDefault => dcgm(DCGM_COLLECTION),
            Preset::Dcgm1s => dcgm(SimDuration::from_s(1)),
            Preset::VllmGauge15s => GAUGE,
            Preset::Keda30s => {
                let period = SimDuration::from_s(30);
                // KEDA keeps a polled value until the next poll; two polls missed and it is gone.
                Pipeline { adapter: Adapter::Cached { period, ttl: SimDuration::from_s(60) }, ..GAUGE }
            }
        }
    }
}

/// An instant value, scraped and asked for live; prometheus-adapter stamps its answer with now.
const GAUGE: Pipeline = Pipeline {
    sampler: Sampler::Instant,
    collect_period: None,
    scrape_period: SCRAPE,
    scrape_failure: 0.0,
    transform: Transform::None,
    rule_period: None,
    adapter: Adapter::Live,
    relist_period: None,
    missing: MissingAs::Drop,
    stamp: Stamp::Now,
    attribution: Attribution::Pod,
};

/// The difference of the last two points over their distance, with the kubelet's time.
const fn metrics_server(resolution: SimDuration) -> Pipeline {
    Pipeline { sampler: Sampler::WindowMean(resolution), scrape_period: resolution, stamp: Stamp::Sample, ..GAUGE }
}

/// A scrape returns the value of the last collection, however old.
const fn dcgm(collect: SimDuration) -> Pipeline {
    Pipeline { sampler: Sampler::Nvml(NVML_WINDOW), collect_period: Some(collect), ..GAUGE }
}
