//! The record of a finished run: plain data from which every export is made.

use super::latency::Latency;
use super::money::Bill;
use super::parts::FailBecause;
use super::parts::RequestParts;
use crate::clock::{SimDuration, SimTime};
use crate::journal::Happening;
use crate::ports::{Action, Explanation, Fault, Refusal, TargetId};
use crate::serving::EngineWork;
use crate::traffic::Outcome;
use hdrhistogram::Histogram;
use std::sync::Arc;

/// A finished run.
#[derive(Clone, Debug)]
pub struct RunRecord {
    /// When it ended.
    pub ended: SimTime,
    /// When measuring began.
    pub warmup: SimTime,
    /// Digest of the ordered history.
    pub digest: String,
    /// The history itself, if the run kept it.
    pub history: Vec<Happening>,
    /// Work of the simulator.
    pub work: WorkRecord,
    /// By service.
    pub services: Vec<ServiceRecord>,
    /// By client.
    pub clients: Vec<ClientRecord>,
    /// By controller.
    pub controllers: Vec<ControllerRecord>,
    /// All decisions, in order.
    pub decisions: Vec<DecisionRecord>,
    /// One row for each service and series period.
    pub series: Vec<SeriesRow>,
    /// One row for each pool and series period.
    pub fleet: Vec<FleetRow>,
    /// Every replica that existed.
    pub replicas: Vec<ReplicaRecord>,
    /// Every node that existed.
    pub nodes: Vec<NodeRecord>,
    /// Bytes sent between regions.
    pub egress: Vec<EgressRecord>,
    /// Changes of health that probes found at cells, in order.
    pub health: Vec<HealthRecord>,
    /// All faults, in order.
    pub faults: Vec<FaultRecord>,
    /// What the node autoscaler behind the port did; `None` if the plain one ran.
    pub node_autoscaler: Option<NodeScalerRecord>,
    /// The bill.
    pub bill: Bill,
    /// The bill at the end of the warm-up, with all intervals that were open then billed up to that
    /// instant; empty without a warm-up. [`Bill::since`] subtracts it exactly, which leaves the
    /// measured part. Minimum charges fall where a node is given back or the run ends, commitments
    /// where their time passes.
    pub warmup_bill: Bill,
    /// A sample of the ended requests, if asked for: every n-th of each client, in order of their
    /// end.
    pub requests: Vec<RequestRecord>,
}

/// What a node autoscaler ordered and did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NodeScalerRecord {
    /// Its name.
    pub name: Arc<str>,
    /// How often it looked.
    pub looks: u64,
    /// Nodes that it ordered.
    pub orders: u64,
    /// Orders for which a node was granted.
    pub granted: u64,
    /// Offers that were refused: a stock-out, a block, or the pool's maximum.
    pub refusals: u64,
    /// Open orders that it cancelled.
    pub cancelled: u64,
    /// Nodes that it gave back, booting or empty.
    pub removed: u64,
    /// Nodes that it drained.
    pub drained: u64,
    /// Nodes that it cordoned.
    pub cordoned: u64,
    /// Nodes that it uncordoned.
    pub uncordoned: u64,
    /// Refused actions: on a busy or unknown node, or below a pool's minimum.
    pub impossible: u64,
}

/// One ended request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestRecord {
    /// Its client.
    pub client: u32,
    /// Its number among the client's requests.
    pub number: u64,
    /// When it was sent.
    pub arrived: SimTime,
    /// When it ended.
    pub ended: SimTime,
    /// How it ended.
    pub outcome: Outcome,
    /// Attempts made.
    pub tries: u32,
    /// Prompt and output tokens; for a completed request, the tokens generated.
    pub tokens: [u32; 2],
    /// The parts of its time, if it was completed: they add up to its latency.
    pub parts: Option<RequestParts>,
    /// Time to its first token, if the service has tokens.
    pub ttft: Option<SimDuration>,
    /// The replica that completed it.
    pub replica: Option<u32>,
}

/// Work of the simulator in one run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WorkRecord {
    /// Events handled, arrivals among them.
    pub events: u64,
    /// Most requests that were live at once.
    pub peak_live_requests: u64,
    /// Most pods that were known at once; pods that have ended are forgotten.
    pub peak_pods: u64,
}

/// One service.
#[derive(Clone, Debug)]
pub struct ServiceRecord {
    /// Its name.
    pub name: Arc<str>,
    /// Latency over the measured part.
    pub latency: Latency,
    /// Measured requests that were answered and met all SLOs on requests (SLOs on gaps between
    /// tokens are counted by gap). If there are SLOs on requests, every judged request is counted
    /// here or in `latency.late`.
    pub good: u64,
    /// Integral of ready replicas over the run, in replica-seconds.
    pub ready_replica_s: f64,
    /// Integral of the replicas that `spec.replicas` asked for and that were not ready, in
    /// replica-seconds.
    pub short_replica_s: f64,
    /// Time in which at least one was missing.
    pub short: SimDuration,
    /// What its capacity policy got, and what the market and outages took.
    pub capacity: CapacityRecord,
    /// Most ready replicas.
    pub ready_max: u32,
    /// Highest `spec.replicas`.
    pub spec_max: u32,
    /// Changes of `spec.replicas` upwards.
    pub ups: u64,
    /// Changes downwards.
    pub downs: u64,
    /// Changes against the direction of the one before.
    pub reversals: u64,
    /// Time during which `spec.replicas` stood at its highest value of the run.
    pub at_max: SimDuration,
    /// Integral of attempts in service, in attempt-seconds.
    pub running_s: f64,
    /// Time at each number of requests present, in seconds, if asked for; the last level includes
    /// all higher ones.
    pub occupancy_s: Vec<f64>,
    /// Prompt and generated tokens of completed requests.
    pub tokens: [u64; 2],
    /// Tokens of the requests that arrived after the warm-up.
    pub measured_tokens: [u64; 2],
    /// Completed requests whose output was cut at the longest context of their engine.
    pub cut: u64,
    /// Attempts refused because a queue was full.
    pub rejected_attempts: u64,
    /// Measured requests that failed, by [`FailBecause`].
    pub failed_because: [u64; FailBecause::ALL.len()],
    /// Of the late requests, those whose first token came while their replica was beyond the band
    /// in which its time model was validated, or that still waited at such a replica when they
    /// ended.
    pub late_beyond_band: u64,
    /// What the token-level engines of its replicas did; peaks are the highest of any.
    pub engine: EngineWork,
}

/// What the capacity policy of one service got, and what the market and outages took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CapacityRecord {
    /// Replicas that were reclaimed, or lost with their node.
    pub preempted: u64,
    /// Attempts of its capacity policy to get a spot replica.
    pub attempts: u64,
    /// Attempts that were refused.
    pub refused: u64,
    /// Looks at which its capacity policy was refused an on-demand replica.
    pub on_demand_refused: u64,
    /// Attempts of requests that were sent again after they were lost with their node.
    pub requeued: u64,
}

/// A fault, as it was applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FaultRecord {
    /// When.
    pub at: SimTime,
    /// What.
    pub fault: Fault,
}

/// One client.
#[derive(Clone, Debug, PartialEq)]
pub struct ClientRecord {
    /// Its name.
    pub name: Arc<str>,
    /// The service that it calls.
    pub service: u32,
    /// Its requests by how they ended.
    pub requests: RequestCounts,
    /// Its requests that arrived after the warm-up.
    pub measured: RequestCounts,
    /// Attempts made.
    pub attempts: u64,
    /// Rows that its source left out.
    pub dropped_rows: u64,
    /// The route that it calls, if it calls one.
    pub route: Option<u32>,
    /// Its region, if distance matters.
    pub origin: Option<u32>,
    /// What each cell that it may reach did for it, nearest first.
    pub served: Vec<ServedRecord>,
}

/// Requests by how they ended. `arrived` is the sum of the others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RequestCounts {
    /// Requests sent.
    pub arrived: u64,
    /// Answered in time.
    pub completed: u64,
    /// Refused by full queues.
    pub rejected: u64,
    /// Given up by the client.
    pub expired: u64,
    /// Lost with their replicas.
    pub failed: u64,
    /// Not ended when the run ended.
    pub live_at_end: u64,
}

/// What one cell did for one client's requests.
#[derive(Clone, Debug, PartialEq)]
pub struct ServedRecord {
    /// The cell, as a service.
    pub service: u32,
    /// Attempts sent there.
    pub attempts: u64,
    /// Requests completed there.
    pub completed: u64,
    /// End-to-end latencies of the measured part in microseconds, to two digits.
    pub e2e: Histogram<u64>,
    /// Times to first token, if the service has tokens.
    pub ttft: Histogram<u64>,
    /// Exact sum of the end-to-end latencies.
    pub e2e_sum_us: u128,
    /// The longest of the end-to-end latencies and of the times to first token; 0 without any.
    pub max_us: [u64; 2],
}

/// Bytes sent from one region to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EgressRecord {
    /// From which region.
    pub from: u32,
    /// To which.
    pub to: u32,
    /// Bytes.
    pub bytes: u128,
    /// What it cost.
    pub pico_usd: u128,
}

/// A change of a cell's health, as probes found it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HealthRecord {
    /// When the change was known.
    pub at: SimTime,
    /// Of which route.
    pub route: u32,
    /// Which of its cells.
    pub cell: u32,
    /// Whether it is healthy from then on.
    pub healthy: bool,
}

/// One controller and the signals it saw.
#[derive(Clone, Debug, PartialEq)]
pub struct ControllerRecord {
    /// Its name.
    pub name: Arc<str>,
    /// Its signals' names, by target.
    pub signals: Vec<(TargetId, Arc<str>)>,
}

/// One decision: the register before and after, what was refused, and why it was made.
#[derive(Clone, Debug, PartialEq)]
pub struct DecisionRecord {
    /// When.
    pub at: SimTime,
    /// Its controller, by position.
    pub controller: u32,
    /// Its target.
    pub target: TargetId,
    /// `spec.replicas` before.
    pub before: u32,
    /// And after.
    pub after: u32,
    /// Ready replicas at that moment.
    pub ready: u32,
    /// Requests present at the service at that moment.
    pub in_flight: u32,
    /// Replicas that were starting at that moment.
    pub starting: u32,
    /// What the controller's signals showed, in their order.
    pub signals: Vec<SignalValue>,
    /// The actions that the engine refused, with reasons.
    pub refused: Vec<(Action, Refusal)>,
    /// The controller's own explanation.
    pub explanation: Option<Box<Explanation>>,
}

impl DecisionRecord {
    /// A controller's decisions that change nothing are recorded no more often than this.
    pub const QUIET_PERIOD: SimDuration = SimDuration::from_s(1);
}

/// What a signal showed a controller: the mean of its samples.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SignalValue {
    /// Samples seen; `None` if the metrics API failed.
    pub samples: Option<u32>,
    /// Their mean; 0 without samples.
    pub mean: f64,
}

/// A service during one period of the series.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SeriesRow {
    /// End of the period.
    pub at: SimTime,
    /// Which service.
    pub service: u32,
    /// `spec.replicas`.
    pub spec: u32,
    /// Ready replicas.
    pub ready: u32,
    /// Replicas that wait for GPUs.
    pub pending: u32,
    /// Replicas in a start-up stage.
    pub starting: u32,
    /// Draining replicas.
    pub draining: u32,
    /// Attempts waiting.
    pub waiting: u32,
    /// Attempts in service.
    pub running: u32,
    /// Requests that arrived in the period.
    pub arrived: u64,
    /// Requests completed in the period.
    pub completed: u64,
    /// Late requests of the period: those that missed an SLO, unserved ones among them.
    pub late: u64,
    /// Median end-to-end latency of the requests completed in the period.
    pub p50: SimDuration,
    /// 99th percentile.
    pub p99: SimDuration,
    /// Share of ready GPU time with work in service, in the period.
    pub utilization: f64,
}

/// A pool at the end of one period of the series.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FleetRow {
    /// End of the period.
    pub at: SimTime,
    /// Which pool.
    pub pool: u32,
    /// Ready nodes.
    pub ready: u32,
    /// Booting nodes.
    pub booting: u32,
    /// GPUs that replicas hold.
    pub gpus_held: u32,
}

/// One replica's life.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplicaRecord {
    /// Which service.
    pub service: u32,
    /// Its first node.
    pub node: Option<u32>,
    /// Created.
    pub created: SimTime,
    /// Placed on its node.
    pub placed: Option<SimTime>,
    /// Ends of the start-up stages, in the order of the configuration.
    pub stage_ends: Vec<SimTime>,
    /// Ready.
    pub ready: Option<SimTime>,
    /// Deletion asked for.
    pub deleted: Option<SimTime>,
    /// Gone.
    pub gone: Option<SimTime>,
    /// Killed before its work was done.
    pub killed: bool,
    /// Attempts completed.
    pub completed: u64,
    /// Time with work in service.
    pub busy: SimDuration,
}

/// One node's life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NodeRecord {
    /// Its pool.
    pub pool: u32,
    /// Its zone, by position in the region.
    pub zone: u32,
    /// Ordered.
    pub ordered: SimTime,
    /// Ready.
    pub ready: Option<SimTime>,
    /// Given back or lost.
    pub gone: Option<SimTime>,
    /// When the market reclaimed it, or would have done at the end of the notice.
    pub reclaimed: Option<SimTime>,
}
