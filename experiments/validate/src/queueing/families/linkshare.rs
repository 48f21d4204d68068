//! Replicas that load at once over one link: max-min shares. Two forms: `k` loads that begin together
//! (`size_gb`, `link_gbps`, `per_stream_cap`), and two of which the second begins later (`size`, `link`, `t1`).

use super::super::document::Params;
use super::super::error::CaseError;
use super::super::plant::{Plant, pool};
use super::case::{Case, Finding, Findings};
use flashcrowd_core::SimDuration;
use flashcrowd_core::clock::{Distribution, SimTime};
use flashcrowd_core::fleet::{Link, LinkScope, StageKind, StageWork, StartupStage, Transfer};
use flashcrowd_core::ports::TargetId;
use flashcrowd_core::simulation::Simulation;
use flashcrowd_policies::autoscalers::FixedReplicas;
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
    fn read(params: Params<'_>) -> Result<Self, CaseError> {
        let rate = |name: &str| params.positive(name);
        let cap = if params.has("per_stream_cap") { rate("per_stream_cap")? } else { f64::INFINITY };
        Ok(Loads { k: params.count("k")?, size: params.positive("size_gb")?, link: rate("link_gbps")?, cap })
    }

    /// When the last of `k` loads ends.
    fn time(&self, k: u32) -> f64 {
        self.size / self.cap.min(self.link / f64::from(k))
    }

    /// Whether the engine can play it.
    fn check(&self) -> Result<(), CaseError> {
        let [slowest, fastest] = RATES;
        let share = self.cap.min(self.link / f64::from(self.k));
        if share < slowest || self.link > fastest {
            return Err(CaseError::LinkRates { slowest, fastest });
        }
        if self.k > MOST || self.time(self.k) > LONGEST {
            return Err(CaseError::Loads { most: MOST, longest_s: LONGEST });
        }
        Ok(())
    }

    /// Plays `k` loads at once: when the last ends.
    fn play(&self, k: u32, label: String) -> Result<f64, CaseError> {
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
        let stages = vec![StartupStage::plain(StageKind::WeightsLoad, work)];
        Ok(ready(label, self.time(k), vec![stages], k)?.into_iter().fold(0.0, f64::max))
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

/// Two loads of equal size, the second of which begins `later` seconds after the first.
struct Pair {
    /// Seconds that one takes alone: size and rate have no other meaning.
    alone: f64,
    later: f64,
}

impl Pair {
    /// The pair of a case of that form.
    fn read(params: Params<'_>) -> Result<Option<Self>, CaseError> {
        if !params.has("t1") {
            return Ok(None);
        }
        params.only(&["size", "link", "t1"])?;
        let alone = params.positive("size")? / params.positive("link")?;
        let later = params.not_negative("t1")?;
        if !(1e-3..=LONGEST).contains(&alone) || later > LONGEST {
            return Err(CaseError::LoadPair { longest_s: LONGEST });
        }
        Ok(Some(Pair { alone, later }))
    }

    /// When each ends, by processor sharing.
    fn ends(&self) -> [f64; 2] {
        let left = self.alone - self.later;
        if left <= 0.0 {
            return [self.alone, self.later + self.alone];
        }
        // Both have half of the link until the first has what was left of it.
        [self.later + 2.0 * left, 2.0 * self.alone]
    }

    /// Plays both: the second is of a service that first does something else for so long.
    fn play(&self, label: String) -> Result<[f64; 2], CaseError> {
        const RATE: u64 = 25_000_000_000;
        let link = Arc::new(Link { name: "link".into(), bytes_per_s: RATE, scope: LinkScope::Fleet });
        let transfer = Transfer {
            bytes: (self.alone * RATE as f64).round() as u64,
            tier_bytes_per_s: f64::INFINITY,
            loader_bytes_per_s: f64::INFINITY,
            streams: 1,
            per_stream_bytes_per_s: 1e14,
            via: vec![link],
        };
        let load = StageWork::Transfer(transfer, Distribution::Constant(1.0));
        let wait = StageWork::Drawn(Distribution::Constant(self.later));
        let stages = |waits: Option<StageWork>| {
            let wait = waits.map(|work| StartupStage::plain(StageKind::ImagePull, work));
            wait.into_iter().chain([StartupStage::plain(StageKind::WeightsLoad, load.clone())]).collect()
        };
        let ends = ready(label, 2.0 * (self.alone + self.later), vec![stages(None), stages(Some(wait))], 1)?;
        match ends.as_slice() {
            [first, second] => Ok([*first, *second]),
            _ => Err(CaseError::NotReady),
        }
    }

    fn value(ends: [f64; 2], key: &str) -> Option<f64> {
        match key {
            "finish1" => Some(ends[0]),
            "finish2" => Some(ends[1]),
            _ => None,
        }
    }
}

/// Seconds from placement to ready for each replica: `each` of every service, on nodes that are
/// free. A service is given by its stages.
fn ready(label: String, longest: f64, services: Vec<Vec<StartupStage>>, each: u32) -> Result<Vec<f64>, CaseError> {
    let mut plant = Plant::open(label, 0.0, Distribution::Constant(1.0), 1, 1.0);
    plant.replicas = 0;
    plant.span = 1.0;
    let (mut world, _) = plant.world(0, false)?;
    world.horizon = SimTime::ZERO + SimDuration::from_s_f64(longest * 1.01 + 60.0);
    world.pools = vec![pool(each * services.len() as u32)];
    world.pools[0].min_nodes = world.pools[0].max_nodes;
    world.controllers.clear();
    for (stages, at) in services.into_iter().zip(0_u32..) {
        if at > 0 {
            let (other, _) = plant.world(0, false)?;
            world.services.extend(other.services);
            world.services[at as usize].name = format!("queue-{at}").into();
        }
        world.services[at as usize].startup.stages = stages;
        world.controllers.push(FixedReplicas::new(TargetId(at), each).boxed());
    }
    let record = Simulation::new(world).run()?;
    let mut found: Vec<(u32, f64)> = Vec::new();
    for replica in &record.replicas {
        let (placed, ready) = replica.placed.zip(replica.ready).ok_or(CaseError::NotReady)?;
        found.push((replica.service, ready.since(placed).as_s_f64()));
    }
    found.sort_by_key(|(service, _)| *service);
    Ok(found.into_iter().map(|(_, seconds)| seconds).collect())
}

pub(super) fn formula(params: Params<'_>, key: &str) -> Result<Option<f64>, CaseError> {
    if let Some(pair) = Pair::read(params)? {
        return Ok(Pair::value(pair.ends(), key));
    }
    let loads = Loads::read(params)?;
    Ok(value(key, loads.time(loads.k), loads.time(1)))
}

/// A controller asks for k replicas at once of a service that has none; there are free nodes.
pub(super) fn simulate(case: &Case<'_>) -> Result<Findings, CaseError> {
    if let Some(pair) = Pair::read(case.params)? {
        let ends = pair.play(case.label("pair"))?;
        return Ok(findings(case, |key| Pair::value(ends, key)));
    }
    let loads = Loads::read(case.params)?;
    loads.check()?;
    let all = loads.play(loads.k, case.label("all"))?;
    let alone = loads.play(1, case.label("alone"))?;
    Ok(findings(case, |key| value(key, all, alone)))
}

fn findings(case: &Case<'_>, value: impl Fn(&str) -> Option<f64>) -> Findings {
    let finding = |key: &str| {
        let found = Some(value(key)?);
        Some(Finding { key: key.to_owned(), variant: String::new(), found, half_width: 0.0 })
    };
    let values = case.goals.iter().filter_map(|goal| finding(&goal.key)).collect();
    Findings { values, replicates: 1, requests: 0 }
}
