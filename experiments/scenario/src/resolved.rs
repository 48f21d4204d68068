//! A variant of a scenario as it is played: no option is open.

use crate::faults::resolve::ResolvedFaults;
use crate::files::InputHash;
use crate::network::resolve::ResolvedRoute;
use crate::nodes::resolve::ResolvedNodes;
use crate::service::resolved::ResolvedService;
use crate::settings::Setting;
use crate::traffic::resolve::ResolvedTraffic;
use flashcrowd_core::fleet::{PoolConfig, Region};
use flashcrowd_core::network::Geography;
use flashcrowd_core::ports::{Maker, Placement};
use flashcrowd_core::simulation::Limits;
use flashcrowd_core::{SimDuration, SimTime};
use flashcrowd_policies::clock::WallClock;
use std::sync::Arc;

/// One variant of a scenario, resolved: no option is open.
#[derive(Clone, Debug)]
pub struct Resolved {
    /// Name of the scenario.
    pub name: String,
    /// Name of the variant; empty if the scenario has none.
    pub variant: String,
    /// What was set beyond the scenario's text, in order.
    pub overrides: Vec<String>,
    /// What it is about.
    pub about: String,
    /// Seed.
    pub seed: u64,
    /// When the run begins by the clock on the wall, if that is known.
    pub starts_at: Option<WallClock>,
    /// End of the run.
    pub horizon: SimTime,
    /// Start of the measured part.
    pub warmup: SimTime,
    /// Independent repetitions.
    pub replicates: u32,
    /// Regions.
    pub regions: Vec<Region>,
    /// Pools.
    pub pools: Vec<PoolConfig>,
    /// Services, sorted by name.
    pub services: Vec<ResolvedService>,
    /// Routes, sorted by name.
    pub routes: Vec<ResolvedRoute>,
    /// Distances between regions.
    pub geography: Geography,
    /// Traffic, sorted by name.
    pub traffic: Vec<ResolvedTraffic>,
    /// Every setting with its origin.
    pub settings: Vec<Setting>,
    /// What the user should know before trusting results.
    pub warnings: Vec<String>,
    /// Hashes of the files that were read.
    pub inputs: Vec<InputHash>,
    /// Period of the series.
    pub series_period: SimDuration,
    /// Paths of what has no effect.
    pub(crate) idle: Vec<String>,
    pub(crate) faults: ResolvedFaults,
    pub(crate) placement: Maker<dyn Placement>,
    pub(crate) node_scan_period: SimDuration,
    pub(crate) nodes: ResolvedNodes,
    pub(crate) request_sample: u64,
    pub(crate) limits: Limits,
}

impl Resolved {
    /// Whether the same requests come as to another variant, replicate for replicate. How long clients
    /// wait and whether they try again is no part of it.
    pub fn has_traffic_of(&self, other: &Resolved) -> bool {
        let called =
            |resolved: &Resolved| resolved.traffic.iter().map(|own| resolved.called_by(own)).collect::<Vec<_>>();
        self.traffic.len() == other.traffic.len()
            && self.traffic.iter().zip(&other.traffic).all(|(own, other)| own.sends_as(other))
            && called(self) == called(other)
    }

    /// The name that a client calls.
    fn called_by(&self, traffic: &ResolvedTraffic) -> Arc<str> {
        match traffic.route() {
            Some(route) => Arc::clone(&self.routes[route as usize].name),
            None => Arc::clone(&self.services[traffic.service as usize].config.name),
        }
    }

    /// Whether the same happens to the fleet as in another variant.
    pub fn has_faults_of(&self, other: &Resolved) -> bool {
        format!("{:?}", self.faults) == format!("{:?}", other.faults)
    }
}
