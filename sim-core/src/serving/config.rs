//! Resolved configuration of services.

use super::EngineConfig;
use super::batch_time::BatchTime;
use crate::clock::{Distribution, SimDuration};
use crate::fleet::{Probe, ScaleDownOrder, Startup};
use crate::ports::{CapacityPolicy, LatencyPart, Maker, Router};
use crate::units::Bytes;
use std::sync::Arc;

/// A service: one model behind one name, served by the replicas of one deployment.
#[derive(Clone, Debug)]
pub struct ServiceConfig {
    /// Its name.
    pub name: Arc<str>,
    /// How a replica works.
    pub discipline: Discipline,
    /// How long an attempt takes, for disciplines that need it (`Slots`, `Sharing`).
    pub service_time: ServiceTime,
    /// Where attempts wait.
    pub queue: QueueMode,
    /// Chooses the replica, if each replica has a queue of its own.
    pub router: Maker<dyn Router>,
    /// Delay from the gateway to a replica, drawn for each attempt.
    pub network: Option<Distribution>,
    /// Replicas at the start of the run, ready at once.
    pub initial_replicas: u32,
    /// The service on whose replicas this one is resident, by position. A resident service has no
    /// replicas of its own: `initial_replicas`, `pools` and sizes are those of that service.
    pub resident_on: Option<u32>,
    /// GPUs of one group; a replica is placed with all its groups or not at all.
    pub gpus_per_group: u32,
    /// Groups of one replica, each on one node.
    pub groups: u32,
    /// Memory that a replica needs on each of its GPUs, without residents.
    pub memory_per_gpu: Bytes,
    /// Pools that may host it, by position, in order of preference.
    pub pools: Vec<u32>,
    /// How a replica starts.
    pub startup: Startup,
    /// How long a deleted replica may go on with its work; then it is killed.
    pub drain_timeout: SimDuration,
    /// Share of an attempt's service time in which its kernels run on the GPU.
    pub kernel_share: f64,
    /// CPU and memory of the server process, for Resource metrics.
    pub cpu: CpuModel,
    /// The SLOs of the service.
    pub slos: Vec<Slo>,
    /// How often an attempt that was lost with its node is sent again at once, without asking its
    /// client.
    pub requeues: u32,
    /// Whether its first replicas only begin to start with the run; otherwise they are ready then.
    pub starts_cold: bool,
    /// Which of its replicas a scale-down gives up first.
    pub scale_down_order: ScaleDownOrder,
    /// Buys its capacity; by default the deployment creates replicas, and nodes are ordered for them.
    pub capacity: Option<Maker<dyn CapacityPolicy>>,
}

impl ServiceConfig {
    /// One replica on one GPU of the first pool, ready as soon as it is placed; queues without bound at each
    /// replica; each request takes a second where its discipline asks.
    pub fn plain(name: impl Into<Arc<str>>, discipline: Discipline, router: Maker<dyn Router>) -> Self {
        ServiceConfig {
            name: name.into(),
            discipline,
            service_time: ServiceTime::Drawn(Distribution::Constant(1.0)),
            queue: QueueMode::PerReplica { capacity: u32::MAX, gateway: u32::MAX },
            router,
            network: None,
            initial_replicas: 1,
            resident_on: None,
            gpus_per_group: 1,
            groups: 1,
            memory_per_gpu: Bytes::gib(20),
            pools: vec![0],
            startup: Startup {
                stages: Vec::new(),
                probe: Probe { initial_delay: SimDuration::ZERO, period: SimDuration::ZERO, threshold: 1 },
            },
            drain_timeout: SimDuration::from_s(30),
            kernel_share: 1.0,
            cpu: CpuModel::default(),
            slos: Vec::new(),
            requeues: 0,
            starts_cold: false,
            scale_down_order: ScaleDownOrder::ReplicaSet,
            capacity: None,
        }
    }
}

/// How a replica works.
#[derive(Clone, Debug, PartialEq)]
pub enum Discipline {
    /// `concurrency` attempts at once, each with its own service time, first come first served.
    Slots {
        /// Attempts at once.
        concurrency: u32,
    },
    /// All attempts share the GPU group equally; none runs faster than alone on one processor.
    Sharing {
        /// Number of attempts that the group serves at full speed.
        processors: u32,
        /// Most attempts at once; more wait.
        limit: u32,
    },
    /// Waits for batches; see [`BatchConfig`].
    DynamicBatch(BatchConfig),
    /// Serves tokens: continuous batching; see [`EngineConfig`].
    ContinuousBatch(EngineConfig),
}

/// The largest load of one replica at which its time model was compared with measurements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ValidatedBand {
    /// Sequences that run at once.
    pub sequences: u32,
    /// Tokens of context that they hold in all.
    pub context_tokens: u64,
}

impl Discipline {
    /// Time before the wait at a replica that does not count as waiting: on the way, and in
    /// service.
    #[inline]
    pub(crate) fn before_the_wait(&self) -> [SimDuration; 2] {
        match self {
            Discipline::Slots { .. } | Discipline::Sharing { .. } => [SimDuration::ZERO; 2],
            Discipline::DynamicBatch(batch) => [SimDuration::ZERO, batch.own_work()],
            Discipline::ContinuousBatch(engine) => [engine.front_end, SimDuration::ZERO],
        }
    }

    /// How many attempts a replica takes before further ones wait.
    pub fn room(&self) -> u32 {
        match self {
            Discipline::Slots { concurrency } => *concurrency,
            Discipline::Sharing { limit, .. } => *limit,
            Discipline::ContinuousBatch(engine) => engine.max_sequences,
            Discipline::DynamicBatch(batch) => batch.requests_per_batch().saturating_mul(batch.instances),
        }
    }
}

/// Dynamic batching as Triton does it; see the module `batch` for the rules and their sources.
#[derive(Clone, Debug, PartialEq)]
pub struct BatchConfig {
    /// Largest batch in items.
    pub max_batch: u32,
    /// Items of one request: what Triton's clients call their batch size.
    pub items_per_request: u32,
    /// Longest wait for more requests to fill the batch; zero for none.
    pub max_delay: SimDuration,
    /// Sizes in items at which a batch leaves without waiting, ascending; may be empty.
    pub preferred: Vec<u32>,
    /// Batches that run at once on the GPU group; their kernels run one after the other.
    pub instances: u32,
    /// Batches that are formed ahead for each instance while all are busy.
    pub formed_ahead: u32,
    /// How long a batch takes when it has the GPU alone.
    pub time: BatchTime,
    /// What a batch takes while another instance is busy, in millionths of its time alone.
    pub sharing_ppm: u32,
    /// Time of one item in the host or transfer stage before the batcher; zero for none.
    pub host_per_item: SimDuration,
    /// Time that each request takes outside both stages: client, network, front end.
    pub overhead: SimDuration,
}

impl BatchConfig {
    /// Batches of at most `max_batch` without a delay, by one instance, in one stage.
    pub fn plain(max_batch: u32, time: BatchTime) -> Self {
        BatchConfig {
            max_batch,
            items_per_request: 1,
            max_delay: SimDuration::ZERO,
            preferred: Vec::new(),
            instances: 1,
            formed_ahead: 0,
            time,
            sharing_ppm: 1_000_000,
            host_per_item: SimDuration::ZERO,
            overhead: SimDuration::ZERO,
        }
    }

    /// Time of one request in the host stage.
    pub(crate) fn host_per_request(&self) -> SimDuration {
        self.host_per_item * u64::from(self.items_per_request)
    }

    /// The server's work on a request before it joins the batcher's queue, without waiting.
    pub(crate) fn own_work(&self) -> SimDuration {
        self.overhead + self.host_per_request()
    }

    /// Most requests of a batch.
    pub fn requests_per_batch(&self) -> u32 {
        (self.max_batch / self.items_per_request.max(1)).max(1)
    }
}

/// How long an attempt takes.
#[derive(Clone, Debug, PartialEq)]
pub enum ServiceTime {
    /// Drawn for each request, in seconds.
    Drawn(Distribution),
    /// Drawn anew for each attempt of a request, in seconds.
    DrawnPerAttempt(Distribution),
    /// `fixed + per_prompt_token * prompt + per_output_token * output`.
    Tokens {
        /// Constant part.
        fixed: SimDuration,
        /// For each prompt token.
        per_prompt_token: SimDuration,
        /// For each output token.
        per_output_token: SimDuration,
    },
}

/// Where attempts wait for a replica.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QueueMode {
    /// Each replica has a queue of at most `capacity` waiting attempts, and a router chooses the
    /// replica. While no replica is ready, at most `gateway` attempts wait at the gateway.
    PerReplica {
        /// Most attempts that wait at one replica.
        capacity: u32,
        /// Most attempts that wait while no replica is ready.
        gateway: u32,
    },
    /// One queue of at most `capacity` waiting attempts, from which replicas with room take the
    /// next.
    Shared {
        /// Most attempts that wait.
        capacity: u32,
    },
}

/// CPU and memory that a server process uses: `idle + per_request * attempts in service`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct CpuModel {
    /// Cores used without work.
    pub idle_cores: f64,
    /// Cores that each attempt in service adds.
    pub cores_per_request: f64,
    /// Resident bytes without work.
    pub idle_bytes: f64,
    /// Bytes that each attempt in service adds.
    pub bytes_per_request: f64,
}

/// A service level objective: the `quantile` of `part` must be at most `limit`.
#[derive(Clone, Debug, PartialEq)]
pub struct Slo {
    /// Which part of the latency.
    pub part: LatencyPart,
    /// The quantile in (0, 1).
    pub quantile: f64,
    /// The limit.
    pub limit: SimDuration,
}
