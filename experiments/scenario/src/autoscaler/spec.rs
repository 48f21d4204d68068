//! Autoscalers and metric bindings, as written.

use crate::spec::{Clairvoyant, ConcurrencyTarget, LatencyTarget, Policy, Predictive, QueueDepth, Timetable};
use flashcrowd_language::units::{Duration, Fraction, NonNegative, Positive};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::value::MapAccessDeserializer;
use serde::de::{self, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use std::borrow::Cow;
use std::fmt;

/// Who sets the number of replicas.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub enum Autoscaler {
    /// Always so many.
    Fixed(Fixed),
    /// The user's own manifest, as it runs in production.
    Manifest(GivenManifest),
    /// By requests that wait.
    QueueDepth(QueueDepth),
    /// By requests in flight.
    ConcurrencyTarget(ConcurrencyTarget),
    /// By a latency percentile.
    LatencyTarget(LatencyTarget),
    /// By the clock.
    Timetable(Timetable),
    /// By a forecast of the arrivals.
    Predictive(Predictive),
    /// A policy of the user's own, in any language: a process that reads observations and writes
    /// decisions, a JSON object a line.
    Command(GivenCommand),
    /// A policy of the user's own crate, by the name under which it is registered.
    Policy(Policy),
    /// By the arrivals themselves: the bound, which nobody can run.
    Clairvoyant(Clairvoyant),
}

/// Parameters of `Fixed`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Fixed {
    /// How many.
    pub replicas: u32,
}

/// Parameters of `Manifest`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// The file.
    pub path: String,
    /// Which of several in the file.
    pub name: Option<String>,
    /// Which upstream controller; `k8s-1.28` by default.
    pub variant: Option<String>,
    /// `--horizontal-pod-autoscaler-sync-period`.
    pub sync_period: Option<Duration>,
    /// First reconcile; drawn from one period by default.
    pub phase: Option<Duration>,
    /// `--horizontal-pod-autoscaler-tolerance`.
    pub tolerance: Option<NonNegative>,
    /// `--horizontal-pod-autoscaler-downscale-stabilization`.
    pub downscale_stabilization: Option<Duration>,
    /// `--horizontal-pod-autoscaler-cpu-initialization-period`.
    pub cpu_initialization_period: Option<Duration>,
    /// `--horizontal-pod-autoscaler-initial-readiness-delay`.
    pub initial_readiness_delay: Option<Duration>,
    /// Feature gate `HPAScaleToZero` (2026 variant).
    pub scale_to_zero: Option<bool>,
    /// Keep upstream quirks; true by default.
    pub faithful: Option<bool>,
    /// What Ray Serve's delays count: `wall` time, or `ticks` of its loop as before 2.5x.
    pub delay_clock: Option<String>,
}

/// A [`Manifest`] as it may be written: the path alone, `Manifest("hpa.yaml")`, is enough.
#[derive(Clone, Debug)]
pub struct GivenManifest(pub Manifest);

impl<'de> Deserialize<'de> for GivenManifest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ManifestVisitor).map(GivenManifest)
    }
}

impl JsonSchema for GivenManifest {
    fn schema_name() -> Cow<'static, str> {
        "GivenManifest".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let fields = Manifest::json_schema(generator);
        schemars::json_schema!({ "anyOf": [{ "type": "string", "description": "The file." }, fields] })
    }
}

struct ManifestVisitor;

impl<'de> Visitor<'de> for ManifestVisitor {
    type Value = Manifest;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the manifest's path, or `path: ...` with the controller's settings")
    }

    fn visit_str<E: de::Error>(self, path: &str) -> Result<Manifest, E> {
        Ok(Manifest { path: path.to_owned(), ..Manifest::default() })
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Manifest, A::Error> {
        Manifest::deserialize(MapAccessDeserializer::new(map))
    }
}

/// Parameters of `Command`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Command {
    /// Program and arguments; it runs in the scenario's folder.
    pub program: Vec<String>,
    /// Time between observations; 15s by default.
    pub period: Option<Duration>,
    /// Metrics of the whole service that it is shown, by name.
    pub signals: Option<Vec<String>>,
    /// Metrics of each replica that it is shown, by name.
    #[serde(default)]
    pub replica_signals: Vec<String>,
    /// Whether a request that nobody serves wakes it; false by default.
    pub poked: Option<bool>,
    /// How long it may take for a decision; 10s by default.
    pub time_limit: Option<Duration>,
    /// The most replicas that it will ask for, for estimates of memory.
    pub max: Option<u32>,
}

/// A [`Command`] as it may be written: program and arguments alone, `Command(["python3", "policy.py"])`,
/// are enough.
#[derive(Clone, Debug)]
pub struct GivenCommand(pub Command);

impl<'de> Deserialize<'de> for GivenCommand {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(CommandVisitor).map(GivenCommand)
    }
}

impl JsonSchema for GivenCommand {
    fn schema_name() -> Cow<'static, str> {
        "GivenCommand".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let fields = Command::json_schema(generator);
        let words = schemars::json_schema!({ "type": "array", "items": { "type": "string" }, "description": "Program and arguments." });
        schemars::json_schema!({ "anyOf": [words, fields] })
    }
}

struct CommandVisitor;

impl<'de> Visitor<'de> for CommandVisitor {
    type Value = Command;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the program and its arguments in a list, or `program: [...]` with other settings")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut words: A) -> Result<Command, A::Error> {
        let mut program = Vec::new();
        while let Some(word) = words.next_element()? {
            program.push(word);
        }
        Ok(Command { program, ..Command::default() })
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Command, A::Error> {
        Command::deserialize(MapAccessDeserializer::new(map))
    }
}

/// What a metric name stands for.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub enum Binding {
    /// Percent of time in which any kernel ran.
    GpuUtilization,
    /// Percent of the SMs that hold a warp, over time.
    SmActive,
    /// Percent of the GPU's peak FLOP/s that computed tokens make.
    TensorActive,
    /// Percent of the GPU's peak memory bandwidth that reads of weights and cache make.
    DramActive,
    /// Percent of the KV cache's blocks in use.
    KvCacheUse,
    /// Attempts that wait.
    WaitingRequests,
    /// Attempts in service.
    RunningRequests,
    /// Both.
    InFlightRequests,
    /// Arrivals per second.
    RequestsPerSecond,
    /// Completions per second.
    CompletionsPerSecond,
    /// CPU of the server process.
    CpuCores,
    /// Memory of the server process.
    MemoryBytes,
    /// Median end-to-end latency in seconds.
    LatencyP50,
    /// 90th percentile.
    LatencyP90,
    /// 95th percentile.
    LatencyP95,
    /// 99th percentile.
    LatencyP99,
    /// 95th percentile of the time in queues.
    QueueTimeP95,
    /// 95th percentile of the time to first token, in seconds.
    TimeToFirstTokenP95,
    /// 99th percentile.
    TimeToFirstTokenP99,
    /// 95th percentile of the gaps between tokens, in seconds.
    InterTokenLatencyP95,
    /// 99th percentile.
    InterTokenLatencyP99,
    /// 95th percentile of the requests' mean gaps between tokens, in seconds.
    TimePerOutputTokenP95,
    /// 99th percentile.
    TimePerOutputTokenP99,
    /// A signal with its whole pipeline.
    Signal(Box<SignalBinding>),
}

/// A signal with its pipeline.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SignalBinding {
    /// What is measured: a word such as `"WaitingRequests"`, or `"LatencyP99.9"`.
    pub source: String,
    /// Pipeline preset, such as `"dcgm-1s"`.
    pub preset: Option<String>,
    /// The metric's value is the signal's times this.
    pub scale: Option<Positive>,
    /// Scrape period.
    pub scrape_period: Option<Duration>,
    /// Period at which the exporter refreshes its value.
    pub collect_period: Option<Duration>,
    /// Probability that a scrape fails.
    pub scrape_failure: Option<Fraction>,
    /// `avg_over_time` with this range.
    pub average_over: Option<Duration>,
    /// `max_over_time` with this range.
    pub max_over: Option<Duration>,
    /// `rate` with this range.
    pub rate_over: Option<Duration>,
    /// Range of a latency quantile.
    pub quantile_over: Option<Duration>,
    /// Period of a recording rule.
    pub rule_period: Option<Duration>,
    /// Whose label the value carries.
    pub attribution: Option<Attribution>,
    /// Absent replicas read as zero.
    pub missing_as_zero: Option<bool>,
    /// Period at which the adapter relists names.
    pub relist_period: Option<Duration>,
}

/// Whose label a value carries.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
pub enum Attribution {
    /// The replica's pod.
    Pod,
    /// All replicas of a node get the node's mean.
    Node,
    /// The exporter's pod: no replica is named.
    Exporter,
}
