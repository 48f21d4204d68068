//! Replicas that load at once over one link: max-min shares.

use super::super::document::Params;
use super::super::plant::{Plant, pool};
use super::{Case, Finding, Findings};
use flashcrowd_core::SimDuration;
use flashcrowd_core::clock::{Distribution, SimTime};
use flashcrowd_core::fleet::{Link, LinkScope, StageKind, StageWork, StartupStage, Transfer};
use flashcrowd_core::ports::TargetId;
use flashcrowd_core::simulation::Simulation;
use flashcrowd_policies::FixedReplicas;
use std::sync::Arc;

/// Longest load that is played, in seconds.
const LONGEST: f64 = 1e6;
/// Most replicas at once.
const MOST: u32 = 10_000;
/// Slowest and fastest rate in GB/s: the engine keeps rates in 2^-20 bytes per second.
const RATES: [f64; 2] = [1e-3, 1e5];

/// Loads of `size` GB at most at `cap` GB/s over a link of `link` GB/s.
struct Loads {
    k: u32,
    size: f64,
    link: f64,
    cap: f64,
}

impl Loads {
    fn read(params: Params<'_>) -> Result<Self, String> {
        let rate = |name: &str| params.positive(name);
        let cap = if params.has("per_stream_cap") { rate("per_stream_cap")? } else { f64::INFINITY };
        Ok(Loads { k: params.count("k")?, size: params.positive("size_gb")?, link: rate("link_gbps")?, cap })
    }

    /// When the last of `k` loads ends.
    fn time(&self, k: u32) -> f64 {
        self.size / self.cap.min(self.link / f64::from(k))
    }

    /// Whether the engine can play it.
    fn check(&self) -> Result<(), String> {
        let [slowest, fastest] = RATES;
        let share = self.cap.min(self.link / f64::from(self.k));
        if share < slowest || self.link > fastest {
            return Err(format!("expected rates of {slowest} to {fastest} GB/s"));
        }
        if self.k > MOST || self.time(self.k) > LONGEST {
            return Err(format!("expected at most {MOST} loads of at most {LONGEST} s"));
        }
        Ok(())
    }

    /// Plays `k` loads at once: when the last ends.
    fn play(&self, k: u32, label: String) -> Result<f64, String> {
        let bytes = |gb: f64| (gb * 1e9).round() as u64;
        let link = Link { name: "link".into(), bytes_per_s: bytes(self.link), scope: LinkScope::Fleet };
        let transfer = Transfer {
            bytes: bytes(self.size),
            tier_bytes_per_s: self.cap * 1e9,
            loader_bytes_per_s: f64::INFINITY,
            streams: 1,
            per_stream_bytes_per_s: 1e14,
            via: vec![Arc::new(link)],
        };
        let work = StageWork::Transfer(transfer, Distribution::Constant(1.0));
        let mut plant = Plant::open(label, 0.0, Distribution::Constant(1.0), 1, 1.0);
        plant.replicas = 0;
        plant.span = 1.0;
        let (mut world, _) = plant.world(0, false)?;
        world.horizon = SimTime::ZERO + SimDuration::from_s_f64(self.time(k) * 1.01 + 60.0);
        world.pools = vec![pool(k)];
        world.pools[0].min_nodes = world.pools[0].max_nodes;
        world.services[0].startup.stages = vec![StartupStage::plain(StageKind::WeightsLoad, work)];
        world.controllers = vec![Box::new(FixedReplicas::new(TargetId(0), k))];
        let record = Simulation::new(world).run().map_err(|error| error.to_string())?;
        let mut last = 0.0_f64;
        for replica in &record.replicas {
            let (placed, ready) = replica.placed.zip(replica.ready).ok_or("a replica did not become ready")?;
            last = last.max(ready.since(placed).as_s_f64());
        }
        Ok(last)
    }
}

fn value(key: &str, all: f64, alone: f64) -> Option<f64> {
    match key {
        "t_all" => Some(all),
        "t_alone" => Some(alone),
        "slowdown" => Some(all / alone),
        _ => None,
    }
}

pub(super) fn formula(params: Params<'_>, key: &str) -> Result<Option<f64>, String> {
    let loads = Loads::read(params)?;
    Ok(value(key, loads.time(loads.k), loads.time(1)))
}

/// A controller asks for k replicas at once of a service that has none; there are free nodes.
pub(super) fn simulate(case: &Case<'_>) -> Result<Findings, String> {
    let loads = Loads::read(case.params)?;
    loads.check()?;
    let all = loads.play(loads.k, case.label("all"))?;
    let alone = loads.play(1, case.label("alone"))?;
    let found = |key: &str| value(key, all, alone).map(Some);
    let finding = |key: &str, found| Finding { key: key.to_owned(), variant: String::new(), found, half_width: 0.0 };
    let values = case.goals.iter().filter_map(|goal| Some(finding(&goal.key, found(&goal.key)?))).collect();
    Ok(Findings { values, replicates: 1, requests: 0 })
}
