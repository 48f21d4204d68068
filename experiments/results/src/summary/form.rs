//! The form of `summary.json`.

use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeMap;

/// The summary of one run.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Summary {
    /// Version of the form.
    pub schema: String,
    /// Name of the scenario.
    pub scenario: String,
    /// Name of the variant; empty if the scenario has none.
    pub variant: String,
    /// Seed.
    pub seed: u64,
    /// Number of the replicate.
    pub replicate: u32,
    /// Name of the trial: scenario, variant, overrides, seed, replicate.
    pub trial: String,
    /// Length of the run.
    pub horizon_s: f64,
    /// Requests that arrive before are played, but not measured.
    pub warmup_s: f64,
    /// Digest of the ordered history.
    pub digest: String,
    /// Work of the simulator; differs from one run of the same trial to the next.
    pub engine: Work,
    /// Requests of the whole run.
    pub requests: Counts,
    /// Requests after the warm-up.
    pub measured: MeasuredCounts,
    /// By service.
    pub services: BTreeMap<String, ServiceSummary>,
    /// By route; empty without regions.
    pub routes: BTreeMap<String, RouteSummary>,
    /// What was paid.
    pub cost: Cost,
    /// Training jobs.
    pub training: Training,
    /// What to know before trusting it.
    pub trust: Trust,
    /// Version of the program.
    pub version: String,
    /// Its commit.
    pub commit: String,
    /// Files that were read.
    pub inputs: Vec<Input>,
}

/// Work of the simulator.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Work {
    /// Events handled.
    pub events: u64,
    /// Requests for each second of CPU time.
    pub requests_per_cpu_s: f64,
    /// CPU time.
    pub cpu_s: f64,
    /// Most requests that were live at once.
    pub peak_live_requests: u64,
}

/// Counts of requests over the whole run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Counts {
    /// Requests made: the sum of the next five.
    pub arrived: u64,
    /// Answered in time.
    pub completed: u64,
    /// Refused by full queues.
    pub rejected: u64,
    /// Given up by clients.
    pub expired: u64,
    /// Lost with their workers.
    pub failed: u64,
    /// Not ended when the run did.
    pub live_at_end: u64,
    /// Attempts made.
    pub attempts: u64,
    /// Rows that recorded sources left out.
    pub dropped_rows: u64,
}

/// Counts of requests that arrived after the warm-up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct MeasuredCounts {
    /// Requests made.
    pub arrived: u64,
    /// Answered.
    pub completed: u64,
    /// Rejected, given up or failed.
    pub not_served: u64,
    /// Answered, and no SLO broken.
    pub good: u64,
}

/// A latency distribution in seconds; null where nothing was measured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, JsonSchema)]
pub struct Quantiles {
    /// Values measured.
    pub count: u64,
    /// Exact mean.
    pub mean: Option<f64>,
    /// Median.
    pub p50: Option<f64>,
    /// 90th percentile.
    pub p90: Option<f64>,
    /// 95th percentile.
    pub p95: Option<f64>,
    /// 99th percentile.
    pub p99: Option<f64>,
    /// 99.9th percentile.
    pub p999: Option<f64>,
    /// Largest, exactly.
    pub max: Option<f64>,
}

/// One service.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct ServiceSummary {
    /// Requests that called it, without those of routes.
    pub requests: Counts,
    /// The same after the warm-up; `good` counts what it served for routes, too.
    pub measured: MeasuredCounts,
    /// By part: `e2e`, `ttft`, `itl`, `tpot`, `queue`, `cold_start`, `service`.
    pub latency_s: BTreeMap<&'static str, Quantiles>,
    /// Its SLOs.
    pub slo: Vec<SloResult>,
    /// Share of the measured requests that broke none of them; null without SLOs or requests.
    pub attainment: Option<f64>,
    /// Its replicas.
    pub replicas: Replicas,
    /// Tokens of completed requests.
    pub tokens: Tokens,
    /// What the market did to it.
    pub market: MarketSummary,
    /// What its token-level engines did; null without any.
    pub engine: Option<EngineSummary>,
}

/// An SLO, and how it was kept.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct SloResult {
    /// Which part of the latency.
    pub metric: String,
    /// The quantile of the SLO.
    pub quantile: f64,
    /// Its limit.
    pub limit_s: f64,
    /// What was observed, requests without an answer being longer than any; null if it is one of those.
    pub observed_s: Option<f64>,
    /// Share that kept it; null if there was nothing to keep it for.
    pub attainment: Option<f64>,
    /// Whether that is at least the quantile.
    pub met: bool,
    /// How many kept it.
    pub kept: u64,
    /// How many broke it.
    pub broken: u64,
}

/// Replicas of a service.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Replicas {
    /// Ready ones, mean.
    pub mean: f64,
    /// Ready ones, most.
    pub max: u64,
    /// Wanted, most.
    pub wanted_max: u64,
    /// Changes upwards.
    pub ups: u64,
    /// Changes downwards.
    pub downs: u64,
    /// Changes against the direction of the one before.
    pub reversals: u64,
    /// Time at the highest count wanted.
    pub at_max_s: f64,
    /// Share of the time with all wanted ones ready.
    pub availability: f64,
    /// Missing ones, mean.
    pub missing_mean: f64,
}

/// Tokens of completed requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Tokens {
    /// In prompts.
    pub prompt: u64,
    /// Generated.
    pub output: u64,
}

/// What the market did to a service.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, JsonSchema)]
pub struct MarketSummary {
    /// Replicas reclaimed or lost.
    pub preempted: u64,
    /// Orders of spot replicas.
    pub spot_orders: u64,
    /// Those of them that were refused.
    pub spot_orders_refused: u64,
    /// Looks at which an on-demand replica was refused.
    pub on_demand_refused: u64,
    /// Attempts sent again after a loss.
    pub requeued: u64,
    /// Spot price of a replica and hour below which spot would have been cheaper.
    pub break_even_spot_usd_per_replica_h: Option<f64>,
}

/// What the token-level engines of a service did.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, JsonSchema)]
pub struct EngineSummary {
    /// Iterations.
    pub iterations: u64,
    /// Tokens computed.
    pub computed_tokens: u64,
    /// Prompt tokens found in the prefix cache.
    pub cached_tokens: u64,
    /// Sequences preempted.
    pub preemptions: u64,
    /// Room of a KV cache.
    pub kv_cache_tokens: u64,
    /// Share of it in use at most.
    pub kv_cache_peak_use: f64,
}

/// One route.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct RouteSummary {
    /// Requests that called it.
    pub requests: Counts,
    /// Those after the warm-up.
    pub measured: MeasuredCounts,
    /// Latencies over all its cells.
    pub latency_s: BTreeMap<&'static str, Quantiles>,
    /// Its SLOs; empty where its cells have different ones.
    pub slo: Vec<SloResult>,
    /// Share of the measured requests that broke none of them.
    pub attainment: Option<f64>,
    /// By client.
    pub clients: BTreeMap<String, RouteClient>,
    /// How often probes changed their mind.
    pub health_changes: u64,
}

/// One client of a route.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct RouteClient {
    /// Its region.
    pub origin: Option<String>,
    /// Its requests.
    pub requests: Counts,
    /// What each cell did for it.
    pub cells: BTreeMap<String, Cells>,
}

/// What one cell did for one client.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Cells {
    /// Attempts sent there.
    pub attempts: u64,
    /// Requests completed there.
    pub completed: u64,
    /// End-to-end latency.
    pub e2e_s: Percentiles,
    /// Time to first token; its mean is not kept by client.
    pub ttft_s: Percentiles,
}

/// A mean and two percentiles in seconds; null where nothing was measured.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Percentiles {
    /// Exact mean.
    pub mean: Option<f64>,
    /// Median.
    pub p50: Option<f64>,
    /// 99th percentile.
    pub p99: Option<f64>,
}

/// The bill: each table adds up to the total.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Cost {
    /// Of the whole run.
    pub total_usd: f64,
    /// Of the part after the warm-up.
    pub measured_usd: f64,
    /// By node pool.
    pub by_pool: BTreeMap<String, f64>,
    /// By region.
    pub by_region: BTreeMap<String, f64>,
    /// By market.
    pub by_market: BTreeMap<String, f64>,
    /// By state of GPUs.
    pub by_state: BTreeMap<String, f64>,
    /// By what GPUs were paid for: idle ones of replicas and those that nobody holds are told apart.
    pub by_use: BTreeMap<String, f64>,
    /// By service.
    pub by_service: BTreeMap<String, f64>,
    /// What was sent between regions, on top of the total.
    pub egress_usd: f64,
    /// Of 1,000 completed requests of the whole run; null where none was completed.
    pub usd_per_1k_requests: Option<f64>,
    /// Of 1,000 requests after the warm-up that broke no SLO.
    pub usd_per_1k_good: Option<f64>,
    /// Of a million tokens of completed requests of the whole run: of their prompts (in, found in a cache or not) and
    /// their outputs (out) together.
    pub usd_per_1m_tokens: Option<f64>,
}

/// Training jobs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, JsonSchema)]
pub struct Training {
    /// Jobs done.
    pub jobs_done: u64,
    /// Mean time to completion.
    pub mean_completion_s: f64,
    /// GPU-hours.
    pub gpu_hours: f64,
    /// Preemptions.
    pub preemptions: u64,
    /// GPU-hours lost by them.
    pub lost_gpu_hours: f64,
}

/// What to know before trusting a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Trust {
    /// Late requests beyond the band in which their engine was measured; null where none was.
    pub late_requests_outside_validated_band: Option<u64>,
    /// What results lean on without the scenario saying so.
    pub assumed: Vec<String>,
    /// Warnings.
    pub warnings: Vec<String>,
}

/// A file that was read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Input {
    /// As it was written.
    pub path: String,
    /// Hash of its bytes.
    pub hash: String,
}
