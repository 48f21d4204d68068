//! Where a capacity policy stands: what its settings lean on, and what becomes of it.

use crate::part::Port;
use crate::settings::Notes;
use flashcrowd_core::SimDuration;
use flashcrowd_core::fleet::{PoolConfig, Region};
use flashcrowd_core::ports::{CapacityPolicy, Maker};
use flashcrowd_core::units::Market;
use flashcrowd_language::Diagnostic;
use flashcrowd_language::units::Duration;
use flashcrowd_policies::PolicyInfo;
use flashcrowd_policies::capacity::Future;
use std::fmt;
use std::sync::Arc;

/// The port of capacity policies.
pub(crate) enum Capacities {}

impl Port for Capacities {
    type Place<'n, 'd: 'n> = Place<'n, 'd>;
    type Made = ResolvedCapacity;
}

/// What a service's capacity is bought on.
#[derive(Clone, Copy)]
pub(crate) struct Shelf<'a> {
    pub(crate) pools: &'a [PoolConfig],
    pub(crate) regions: &'a [Region],
    /// Those that may host the service.
    pub(crate) own: &'a [u32],
}

impl<'a> Shelf<'a> {
    /// The places of a service as its policy sees them: spot pools in order, and their zones.
    pub(crate) fn places(&self) -> Vec<(u32, u32)> {
        places(self.own, self.pools)
    }

    /// A zone's name.
    pub(crate) fn zone(&self, (pool, zone): (u32, u32)) -> &'a str {
        let region = &self.regions[self.pools[pool as usize].region as usize];
        &region.zones[zone as usize]
    }
}

/// The places of a service as its policy sees them: spot pools in order, and their zones.
pub(crate) fn places(own: &[u32], pools: &[PoolConfig]) -> Vec<(u32, u32)> {
    let spot = own.iter().filter(|&&pool| pools[pool as usize].market == Market::Spot);
    spot.flat_map(|&pool| pools[pool as usize].zones.iter().map(move |&zone| (pool, zone))).collect()
}

/// Where a capacity policy stands.
pub(crate) struct Place<'n, 'd> {
    pub(crate) notes: &'n mut Notes<'d>,
    pub(crate) path: String,
    pub(crate) shelf: Shelf<'n>,
}

impl Place<'_, '_> {
    pub(super) fn at(&self, field: &str) -> String {
        format!("{}.{field}", self.path)
    }

    /// Time between two looks.
    pub(super) fn look_every(&mut self, given: Option<Duration>) -> Result<SimDuration, Diagnostic> {
        let (path, default) = (self.at("look_every"), Duration(SimDuration::from_s(20)));
        let period = self.notes.or(&path, given, default, "SkyServe's decision interval").get();
        if period < SimDuration::from_ms(100) {
            return Err(self.notes.error(&path, "expected at least 100ms"));
        }
        Ok(period)
    }

    /// Replicas beyond the target, within reason.
    pub(super) fn within(&self, overprovision: u32) -> Result<(), Diagnostic> {
        self.notes.within(&self.at("overprovision"), u64::from(overprovision), 0, 100_000)
    }

    /// Refuses a policy that buys spot capacity where there is none.
    pub(super) fn needs_spot(&self) -> Result<(), Diagnostic> {
        if !self.shelf.places().is_empty() {
            return Ok(());
        }
        let error = self.notes.error(&self.path, "no pool that may host this service is bought as Spot");
        Err(error.with_help("give one of its pools `market: Spot`"))
    }

    /// Refuses a policy that falls back to on-demand capacity where there is none.
    pub(super) fn needs_on_demand(&self) -> Result<(), Diagnostic> {
        let Shelf { own, pools, .. } = self.shelf;
        if own.iter().any(|&pool| pools[pool as usize].market != Market::Spot) {
            return Ok(());
        }
        let error = self.notes.error(&self.path, "there is no on-demand pool to fall back to");
        Err(error.with_help("add one, or say `fallback: false`"))
    }
}

type Make = Arc<dyn Fn(Future) -> Box<dyn CapacityPolicy> + Send + Sync>;

/// A capacity policy, resolved.
#[derive(Clone)]
pub(crate) struct ResolvedCapacity {
    name: &'static str,
    foresees: bool,
    make: Make,
}

impl fmt::Debug for ResolvedCapacity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl ResolvedCapacity {
    /// A policy that knows what anybody knows.
    pub(super) fn of<P: CapacityPolicy + 'static>(
        info: PolicyInfo,
        make: impl Fn() -> P + Send + Sync + 'static,
    ) -> Self {
        ResolvedCapacity { name: info.name, foresees: false, make: Arc::new(move |_| Box::new(make())) }
    }

    /// A policy that knows the future market.
    pub(super) fn foreseeing<P: CapacityPolicy + 'static>(
        info: PolicyInfo,
        make: impl Fn(Future) -> P + Send + Sync + 'static,
    ) -> Self {
        ResolvedCapacity { name: info.name, foresees: true, make: Arc::new(move |future| Box::new(make(future))) }
    }

    /// The policy; `future`, what the market will hold, is for the policy that knows it.
    pub(crate) fn maker(&self, future: Future) -> Maker<dyn CapacityPolicy> {
        let make = Arc::clone(&self.make);
        Maker::new(self.name, move || make(future.clone()))
    }

    /// Whether the policy knows the future market.
    pub(crate) fn foresees(&self) -> bool {
        self.foresees
    }
}
