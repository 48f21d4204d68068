//! Services: discipline, queue, router, size of a replica, SLOs.

use super::resolved::ResolvedService;
use crate::capacity::capacity;
use crate::capacity::place::Shelf;
use crate::errors::unknown;
use crate::files::Files;
use crate::service::router::router;
use crate::serving::{batch, engine};
use crate::settings::Notes;
use crate::slo::resolve::slos;
use crate::spec;
use crate::startup::links::Links;
use crate::startup::resolve as startup;
use flashcrowd_core::SimDuration;
use flashcrowd_core::clock::Distribution;
use flashcrowd_core::fleet::ScaleDownOrder;
use flashcrowd_core::fleet::{PoolConfig, Region};
use flashcrowd_core::serving::{CpuModel, Discipline, QueueMode, ServiceConfig, ServiceTime};
use flashcrowd_core::units::{Bytes, Market};
use flashcrowd_language::Diagnostic;
use flashcrowd_language::units::{ByteSize, Duration, Fraction, NonNegative, Positive};
use flashcrowd_profiles::Profile;
use std::fmt;

/// What services are placed on.
pub(crate) struct Stock<'a> {
    pub(crate) pools: &'a [PoolConfig],
    pub(crate) regions: &'a [Region],
    pub(crate) links: &'a Links,
}

pub(crate) fn resolve(
    notes: &mut Notes<'_>,
    files: &mut Files,
    name: &str,
    service: &spec::Service,
    engines: u32,
    stock: &Stock<'_>,
) -> Result<ResolvedService, Diagnostic> {
    let path = |field: &str| format!("services.{name}.{field}");
    let Stock { pools, links, .. } = *stock;
    let gpus_per_group = notes.or(&path("gpus"), service.gpus, 1, "one GPU a replica");
    notes.within(&path("gpus"), u64::from(gpus_per_group), 1, 64)?;
    let groups = notes.or(&path("groups"), service.groups, 1, "a replica on one node");
    notes.within(&path("groups"), u64::from(groups), 1, 4_096)?;
    let Worker { discipline, profile, memory_per_gpu } = worker(notes, files, name, service, engines, pools)?;
    let service_time = service_time(notes, name, service.service_time.as_ref(), &discipline)?;
    let queue = queue(notes, name, service.queue.as_ref(), &discipline)?;
    let drain = Duration(SimDuration::from_s(30));
    let grace = "terminationGracePeriodSeconds of Kubernetes";
    let kernel_share = service.kernel_share.map(Fraction::get);
    let share = notes.or(&path("kernel_share"), kernel_share, 1.0, "kernels run all the time that a request is served");
    if service.network.is_some() {
        notes.given(&path("network"), "");
    }
    let usable = usable_pools(notes, name, service, stock, gpus_per_group, memory_per_gpu)?;
    let shelf = Shelf { pools, regions: stock.regions, own: &usable };
    let capacity = service.capacity.as_ref().map(|given| capacity(notes, name, given, shelf)).transpose()?;
    let spot = usable.iter().any(|&pool| pools[pool as usize].market == Market::Spot);
    let requeued = u32::from(spot);
    let source = if spot { "work that a reclaim cuts off is sent again once" } else { "left to the client" };
    let requeues = notes.or(&path("requeue_lost"), service.requeue_lost, requeued, source);
    notes.within(&path("requeue_lost"), u64::from(requeues), 0, 100)?;
    if !service.regions.is_empty() {
        return Err(notes.error(&path("regions"), "expected overrides by region: {\"us-east-1\": [\"replicas=2\"]}"));
    }
    let running = "the run begins with a running service";
    let config = ServiceConfig {
        name: name.into(),
        pools: usable,
        requeues,
        starts_cold: notes.or(&path("starts_cold"), service.starts_cold, false, running),
        slos: slos(notes, name, &service.slo, &discipline)?,
        discipline,
        service_time,
        queue,
        router: router(notes, name, service.router.as_ref())?,
        network: service.network.as_ref().map(|law| law.distribution().clone()),
        initial_replicas: service.replicas.unwrap_or(1),
        scale_down_order: ScaleDownOrder::ReplicaSet,
        resident_on: None,
        gpus_per_group,
        groups,
        memory_per_gpu,
        startup: startup::resolve(notes, name, service.startup.as_ref(), profile.as_ref(), links)?,
        drain_timeout: notes.or(&path("drain_timeout"), service.drain_timeout, drain, grace).get(),
        kernel_share: share,
        cpu: cpu(notes, name, service.cpu.as_ref())?,
        capacity: None,
    };
    Ok(ResolvedService {
        config,
        model: service.model.as_ref().map(spec::Model::name),
        profile,
        autoscaler: None,
        capacity,
    })
}

/// How a replica works, and what memory of each GPU that takes.
struct Worker {
    discipline: Discipline,
    profile: Option<Profile>,
    memory_per_gpu: Bytes,
}

fn worker(
    notes: &mut Notes<'_>,
    files: &mut Files,
    name: &str,
    service: &spec::Service,
    engines: u32,
    pools: &[PoolConfig],
) -> Result<Worker, Diagnostic> {
    let memory = format!("services.{name}.gpu_memory");
    let spec::Serving::ContinuousBatch(given) = &service.serving else {
        let memory = notes.or(&memory, service.gpu_memory, ByteSize(0), "memory is not checked");
        let discipline = discipline(notes, name, &service.serving)?;
        return Ok(Worker { discipline, profile: None, memory_per_gpu: Bytes(memory.0) });
    };
    notes.given(&format!("services.{name}.serving"), "");
    let groups = service.groups.unwrap_or(1);
    let is_dealt = given.parallelism.is_some_and(|parallelism| parallelism.dp.is_some_and(|dp| dp > 1));
    if groups > 1 && !is_dealt {
        let at = format!("services.{name}.groups");
        let error = notes.error(&at, "an engine works on one group: its GPUs are those of one node");
        return Err(error.with_help("replicas of its attention may be on several: `parallelism: (dp: ..)`"));
    }
    let place = engine::Place { name, service, gpus: service.gpus.unwrap_or(1), groups, engines };
    let engine = engine::resolve(notes, files, &place, given, pools)?;
    let taken = ByteSize((engine.gpu_bytes as f64 * engine.utilization) as u64);
    if let Some(given) = service.gpu_memory.filter(|given| given.0 < taken.0) {
        let message = format!("the engine takes {taken} of each GPU, and `gpu_memory` is {given}");
        return Err(notes.error(&memory, message).with_help("leave it out, or lower `serving.gpu_memory_utilization`"));
    }
    let memory = notes.or(&memory, service.gpu_memory, taken, "gpu_memory_utilization of the GPU's memory");
    let discipline = Discipline::ContinuousBatch(engine.config);
    Ok(Worker { discipline, profile: Some(engine.profile), memory_per_gpu: Bytes(memory.0) })
}

fn discipline(notes: &mut Notes<'_>, name: &str, given: &spec::Serving) -> Result<Discipline, Diagnostic> {
    let path = |field: &str| format!("services.{name}.serving.{field}");
    notes.given(&format!("services.{name}.serving"), "");
    match given {
        spec::Serving::ContinuousBatch(_) => Err(notes.error(&path("serving"), "an engine is resolved with its pools")),
        spec::Serving::Slots(slots) => {
            notes.within(&path("concurrency"), u64::from(slots.concurrency), 1, 1_000_000)?;
            Ok(Discipline::Slots { concurrency: slots.concurrency })
        }
        spec::Serving::Sharing(sharing) => {
            let (processors, limit) = (sharing.processors.unwrap_or(1), sharing.limit.unwrap_or(u32::MAX));
            notes.within(&path("processors"), u64::from(processors), 1, 1_000_000)?;
            notes.within(&path("limit"), u64::from(limit), 1, u64::from(u32::MAX))?;
            Ok(Discipline::Sharing { processors, limit })
        }
        spec::Serving::DynamicBatch(batch) => batch::resolve(notes, name, batch).map(Discipline::DynamicBatch),
    }
}

fn service_time(
    notes: &mut Notes<'_>,
    name: &str,
    given: Option<&spec::ServiceTime>,
    discipline: &Discipline,
) -> Result<ServiceTime, Diagnostic> {
    let path = format!("services.{name}.service_time");
    let message = match discipline {
        Discipline::DynamicBatch(_) => {
            Some("a batching service has no `service_time`: its `fixed` and `per_item` say how long a batch takes")
        }
        Discipline::ContinuousBatch(_) => {
            Some("a token-level engine has no `service_time`: its profile says how long an iteration takes")
        }
        Discipline::Slots { .. } | Discipline::Sharing { .. } => None,
    };
    let batches = message.is_some();
    if let (Some(_), Some(message)) = (given, message) {
        return Err(notes.error(&path, message));
    }
    match given {
        Some(spec::ServiceTime::Takes(law) | spec::ServiceTime::PerAttempt(law)) => {
            notes.given(&path, "");
            if law.distribution().mean() <= 0.0 {
                return Err(notes.error(&path, "requests that take no time cannot be simulated; expected above zero"));
            }
            let (anew, law) = (matches!(given, Some(spec::ServiceTime::PerAttempt(_))), law.distribution().clone());
            Ok(if anew { ServiceTime::DrawnPerAttempt(law) } else { ServiceTime::Drawn(law) })
        }
        Some(spec::ServiceTime::Tokens(tokens)) => {
            notes.given(&path, "");
            Ok(ServiceTime::Tokens {
                fixed: tokens.fixed.get(),
                per_prompt_token: tokens.per_prompt_token.get(),
                per_output_token: tokens.per_output_token.get(),
            })
        }
        None if batches => Ok(ServiceTime::Drawn(Distribution::Constant(0.0))),
        None => {
            let error = notes.error(&format!("services.{name}"), format!("the service `{name}` has no `service_time`"));
            Err(error.with_help(
                "say how long a request takes: `service_time: \"120ms\"`, \
                 `service_time: LogNormal(p50: \"80ms\", p99: \"400ms\")` or \
                 `Tokens(fixed: ..., per_prompt_token: ..., per_output_token: ...)`",
            ))
        }
    }
}

/// Unlimited, in the words of scenarios.
struct Limit(u32);

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == u32::MAX { f.write_str("unlimited") } else { write!(f, "{}", self.0) }
    }
}

fn queue(
    notes: &mut Notes<'_>,
    name: &str,
    given: Option<&spec::Queue>,
    discipline: &Discipline,
) -> Result<QueueMode, Diagnostic> {
    let path = |field: &str| format!("services.{name}.queue{field}");
    let unbounded = "queues are not bounded";
    match given {
        None => {
            notes.default(&path(""), "PerReplica()", "a queue at each replica, not bounded", false);
            Ok(QueueMode::PerReplica { capacity: u32::MAX, gateway: u32::MAX })
        }
        Some(spec::Queue::PerReplica(queue)) => Ok(QueueMode::PerReplica {
            capacity: notes.or(&path(".capacity"), queue.capacity.map(Limit), Limit(u32::MAX), unbounded).0,
            gateway: notes.or(&path(".gateway"), queue.gateway.map(Limit), Limit(u32::MAX), unbounded).0,
        }),
        Some(spec::Queue::Shared(queue)) => {
            if discipline.room() == u32::MAX {
                let error = notes.error(&path(""), "a shared queue never fills before replicas without a limit");
                return Err(error.with_help("give `serving` a `limit`, or use `PerReplica`"));
            }
            let capacity = queue.capacity.map(Limit);
            Ok(QueueMode::Shared { capacity: notes.or(&path(".capacity"), capacity, Limit(u32::MAX), unbounded).0 })
        }
    }
}

fn usable_pools(
    notes: &mut Notes<'_>,
    name: &str,
    service: &spec::Service,
    stock: &Stock<'_>,
    gpus: u32,
    memory: Bytes,
) -> Result<Vec<u32>, Diagnostic> {
    let path = format!("services.{name}.pools");
    let pools = stock.pools;
    let region = own_region(notes, name, service, stock)?;
    let there = |pool: &PoolConfig| region.is_none_or(|region| region == pool.region);
    let fits = |pool: &PoolConfig| pool.gpus_per_node >= gpus && pool.memory_per_gpu >= memory && there(pool);
    let mut chosen = Vec::new();
    if let Some(wanted) = &service.pools {
        notes.given(&path, "");
        for (i, pool) in wanted.iter().enumerate() {
            let found = pools.iter().position(|known| &*known.name == pool.as_str());
            let at = format!("{path}.{i}");
            let names = pools.iter().map(|pool| &*pool.name);
            let index = found.ok_or_else(|| unknown(notes, &at, "pool", pool, names))?;
            if !there(&pools[index]) {
                // The list may name the pools of all regions of the service.
                continue;
            }
            if !fits(&pools[index]) {
                let message = format!(
                    "a replica does not fit a node of pool `{pool}`: {}",
                    shortage(&pools[index], gpus, memory)
                );
                return Err(notes.error(&at, message));
            }
            chosen.push(index as u32);
        }
    } else {
        chosen = (0..).zip(pools).filter(|(_, pool)| fits(pool)).map(|(index, _)| index).collect();
    }
    if chosen.is_empty() {
        let reasons: Vec<String> =
            pools.iter().map(|pool| format!("`{}` {}", pool.name, shortage(pool, gpus, memory))).collect();
        let error = notes.error(&format!("services.{name}"), format!("no pool can host a replica of `{name}`"));
        return Err(if reasons.is_empty() {
            error.with_help("add a pool: `pools: {\"h100\": (gpu: \"H100\", max_nodes: 4)}`")
        } else {
            error.with_help(reasons.join("; "))
        });
    }
    Ok(chosen)
}

/// The region that a service is confined to, if it is.
fn own_region(
    notes: &Notes<'_>,
    name: &str,
    service: &spec::Service,
    stock: &Stock<'_>,
) -> Result<Option<u32>, Diagnostic> {
    let Some(wanted) = &service.region else { return Ok(None) };
    let found = stock.regions.iter().position(|region| *region.name == **wanted);
    let names = stock.regions.iter().map(|region| &*region.name);
    let found = found.ok_or_else(|| unknown(notes, &format!("services.{name}.region"), "region", wanted, names))?;
    if stock.pools.iter().all(|pool| pool.region != found as u32) {
        let at = format!("services.{name}.region");
        return Err(notes.error(&at, format!("there is no pool in region `{wanted}`")));
    }
    Ok(Some(found as u32))
}

fn shortage(pool: &PoolConfig, gpus: u32, memory: Bytes) -> String {
    if pool.gpus_per_node < gpus {
        format!("has {} GPUs a node, {gpus} are needed", pool.gpus_per_node)
    } else {
        format!("has {} of memory a GPU, {memory} are needed", pool.memory_per_gpu)
    }
}

/// More cores than any machine has; beyond, sums over a long run would leave what numbers hold.
const MAX_CORES: f64 = 1e6;

fn cpu(notes: &Notes<'_>, name: &str, given: Option<&spec::Cpu>) -> Result<CpuModel, Diagnostic> {
    let Some(cpu) = given else { return Ok(CpuModel::default()) };
    let given = [
        ("idle_cores", cpu.idle_cores.map(NonNegative::get)),
        ("cores_per_request", cpu.cores_per_request.map(NonNegative::get)),
        ("request_cores", cpu.request_cores.map(Positive::get)),
    ];
    for (field, cores) in given {
        if let Some(cores) = cores.filter(|&cores| cores > MAX_CORES) {
            let path = format!("services.{name}.cpu.{field}");
            return Err(notes.error(&path, format!("`{field}` is {cores}; expected at most {MAX_CORES}")));
        }
    }
    Ok(CpuModel {
        idle_cores: cpu.idle_cores.map_or(0.0, NonNegative::get),
        cores_per_request: cpu.cores_per_request.map_or(0.0, NonNegative::get),
        idle_bytes: cpu.idle_memory.map_or(0.0, |x| x.0 as f64),
        bytes_per_request: cpu.memory_per_request.map_or(0.0, |x| x.0 as f64),
    })
}
