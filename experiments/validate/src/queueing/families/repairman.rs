//! The machine repairman: a spot market of nodes with lifetimes of their own, and a service that wants
//! all of them.
//!
//! Runs last equally long whatever the parameters, so their hours are scaled. The engine's integrals
//! begin at the start of a run, where all nodes are there: a run up to the end of the warm-up, which has
//! the same history, is taken off.

use super::super::document::Params;
use super::super::error::CaseError;
use super::super::statistic::Observation;
use super::case::{Case, Findings};
use crate::closed_forms::reliability::Repairman;
use flashcrowd_core::ports::{CapacityPolicy, CapacityView, Maker};
use flashcrowd_core::simulation::Simulation;
use flashcrowd_core::units::Market;
use flashcrowd_core::{SimDuration, SimTime};
use flashcrowd_workloads::faults::capacity::{MAX_NODES, NodeLifetimes, Place};
use flashcrowd_workloads::markets::lifetimes::Lifetime;

/// Preemptions of one replicate, about.
const PREEMPTIONS: f64 = 2_000.0;
/// Most of an estimate.
const MOST_PREEMPTIONS: f64 = 2e7;
/// Length of a run in simulated seconds.
const RUN_S: f64 = 1e6;

fn read(params: Params<'_>) -> Result<Repairman, CaseError> {
    let nodes = params.count("N")?;
    if nodes > MAX_NODES {
        return Err(CaseError::out_of_range("N", nodes, format!("at most {MAX_NODES}")));
    }
    let repairers = if params.has("R") { params.count("R")? } else { nodes };
    Ok(Repairman { nodes, repairers, up: params.positive("mtbp_h")?, down: params.positive("mttp_h")? })
}

fn need(params: Params<'_>, repairman: &Repairman) -> Result<u32, CaseError> {
    if params.has("need") { params.count("need") } else { Ok(repairman.nodes) }
}

pub(super) fn formula(params: Params<'_>, key: &str) -> Result<Option<f64>, CaseError> {
    let repairman = read(params)?;
    let nodes = f64::from(repairman.nodes);
    Ok(match key {
        "mean_up" => Some(repairman.mean_up()),
        "avail" => Some(repairman.mean_up() / nodes),
        "P_up_ge_need" => Some(repairman.at_least(need(params, &repairman)?)),
        "P_all_up" => Some(repairman.at_least(repairman.nodes)),
        "preemptions_per_h" => Some(repairman.mean_up() / repairman.up),
        _ => None,
    })
}

/// A capacity policy that takes every node there is. The shortage is counted against the register
/// of the service, which need not match.
struct TakeAll(u32);

impl CapacityPolicy for TakeAll {
    fn name(&self) -> &'static str {
        "take-all"
    }

    fn period(&self) -> SimDuration {
        SimDuration::MAX
    }

    fn watches(&self) -> bool {
        true
    }

    fn spot_wanted(&mut self, _: &CapacityView) -> u32 {
        self.0
    }

    fn next_place(&mut self, _: &CapacityView) -> Option<usize> {
        Some(0)
    }

    fn answered(&mut self, _: usize, _: bool) {}

    fn preempted(&mut self, _: usize) {}

    fn on_demand_wanted(&mut self, _: &CapacityView) -> u32 {
        0
    }
}

/// What is measured of one run: replica-seconds, seconds with too few, preemptions.
type Sums = [f64; 3];

/// A repairman with its time scale.
struct Scaled {
    repairman: Repairman,
    /// Simulated seconds of an hour.
    hour_s: f64,
    warm_s: f64,
}

impl Scaled {
    fn new(repairman: Repairman) -> Self {
        let Repairman { nodes, repairers, up, down } = repairman;
        // Time in which the number of nodes that are up forgets its start; with a queue of repairs,
        // about the longest.
        let queue = f64::from(nodes) / f64::from(repairers.min(nodes));
        let relaxation = if repairers >= nodes { up * down / (up + down) } else { up + down * queue };
        let rate = repairman.mean_up() / up;
        let span = (PREEMPTIONS / rate).max(40.0 * relaxation);
        let warm = 10.0 * relaxation;
        let hour_s = RUN_S / (warm + span);
        Scaled { repairman, hour_s, warm_s: warm * hour_s }
    }

    /// Preemptions of a replicate.
    fn preemptions(&self) -> f64 {
        self.repairman.mean_up() / self.repairman.up * RUN_S / self.hour_s
    }

    fn play(&self, case: &Case<'_>, replicate: u32, need: u32, span_s: f64) -> Result<Sums, CaseError> {
        let mut world = case.bare_world(replicate)?;
        let Repairman { nodes, repairers, up, down } = self.repairman;
        let hours = |hours: f64| SimDuration::from_s_f64(hours * self.hour_s);
        let (place, lifetime) = (Place { pool: 0, zone: 0 }, Lifetime::Exponential { mean: hours(up) });
        let source = NodeLifetimes::new(place, nodes, lifetime, hours(down), world.seed, &case.label("nodes"));
        let source = source.and_then(|source| source.with_repairers(repairers))?;
        world.horizon = SimTime::ZERO + SimDuration::from_s_f64(span_s);
        world.faults = vec![Box::new(source)];
        let pool = &mut world.pools[0];
        (pool.market, pool.gpus_per_node, pool.max_nodes) = (Market::Spot, 1, u32::MAX);
        pool.idle_timeout = SimDuration::ZERO;
        let service = &mut world.services[0];
        service.initial_replicas = need;
        service.drain_timeout = SimDuration::ZERO;
        service.capacity = Some(Maker::new("all", move || -> Box<dyn CapacityPolicy> { Box::new(TakeAll(nodes)) }));
        let record = Simulation::new(world).run()?;
        let service = &record.services[0];
        Ok([service.ready_replica_s, service.short.as_s_f64(), service.capacity.preempted as f64])
    }

    /// The same after the warm-up.
    fn measure(&self, case: &Case<'_>, replicate: u32, need: u32) -> Result<Sums, CaseError> {
        let warm = self.play(case, replicate, need, self.warm_s)?;
        let whole = self.play(case, replicate, need, RUN_S)?;
        Ok([0, 1, 2].map(|i| whole[i] - warm[i]))
    }
}

pub(super) fn simulate(case: &Case<'_>) -> Result<Findings, CaseError> {
    let scaled = Scaled::new(read(case.params)?);
    let (nodes, need) = (scaled.repairman.nodes, need(case.params, &scaled.repairman)?);
    let span = RUN_S - scaled.warm_s;
    let most = (MOST_PREEMPTIONS / scaled.preemptions()) as u32;
    let knows = ["mean_up", "avail", "P_up_ge_need", "P_all_up", "preemptions_per_h"];
    case.play_each(most, &knows, |keys, replicate| {
        let [ready, short, preempted] = scaled.measure(case, replicate, need)?;
        let observe = |key: &&str| {
            Ok(match *key {
                "mean_up" => Observation::Ratio(ready, span),
                "avail" => Observation::Ratio(ready, span * f64::from(nodes)),
                "P_up_ge_need" => Observation::Ratio(span - short, span),
                "P_all_up" => Observation::Ratio(span - scaled.measure(case, replicate, nodes)?[1], span),
                _ => Observation::Ratio(preempted, span / scaled.hour_s),
            })
        };
        Ok((keys.iter().map(observe).collect::<Result<_, CaseError>>()?, 0))
    })
}
