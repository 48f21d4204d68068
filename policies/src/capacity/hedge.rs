//! `SpotHedge`: spot replicas beyond the target, away from places that preempted or refused, and
//! on-demand replicas for as long as too few are ready.
//!
//! Sources: Mao et al., "`SkyServe`: Serving AI Models across Regions and Clouds with Spot Instances"
//! (`EuroSys` 2025), and skypilot's `DynamicFallbackSpotPlacer`. The paper's code and its replay differ
//! in which of the active places comes first: see [`Order`].

use super::spot_placer::SpotPlacer;
use super::stand_in::fallback;
use crate::info::{PolicyInfo, Port};
use flashcrowd_core::SimDuration;
use flashcrowd_core::ports::{CapacityPolicy, CapacityView};

/// Which of the active places is tried first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// The one with the fewest own replicas, the first of equals.
    FewestOwn,
    /// The cheapest one without an own replica, or the cheapest, the first of equals: skypilot's.
    Cheapest,
}

/// `SpotHedge`.
#[derive(Clone, Debug)]
pub struct SpotHedge {
    placer: Option<SpotPlacer>,
    order: Order,
    margin: u32,
    fallback: bool,
    period: SimDuration,
}

impl SpotHedge {
    /// What the list of policies says of it.
    pub const INFO: PolicyInfo = PolicyInfo::reproducing(
        Port::Capacity,
        "spot-hedge",
        "spot beyond the target, away from zones that preempt, and on-demand for what is missing",
        "SkyServe (EuroSys 2025); the placer equal to recorded runs of SkyPilot 0.14.1, the replay to reference values",
    );

    /// `margin` spot replicas more than the target (skypilot's `num_overprovision`); with `fallback`,
    /// on-demand replicas for those that are not ready (`dynamic_ondemand_fallback`).
    pub fn new(order: Order, margin: u32, fallback: bool, period: SimDuration) -> Self {
        SpotHedge { placer: None, order, margin, fallback, period }
    }

    fn placer(&mut self, seen: &CapacityView) -> &mut SpotPlacer {
        let prices = || seen.places.iter().map(|place| place.price.as_usd()).collect();
        self.placer.get_or_insert_with(|| SpotPlacer::new(prices()))
    }
}

impl CapacityPolicy for SpotHedge {
    fn name(&self) -> &'static str {
        "spothedge"
    }

    fn period(&self) -> SimDuration {
        self.period
    }

    fn spot_wanted(&mut self, seen: &CapacityView) -> u32 {
        self.placer(seen);
        seen.target.saturating_add(self.margin)
    }

    fn next_place(&mut self, seen: &CapacityView) -> Option<usize> {
        let order = self.order;
        let placer = self.placer(seen);
        match order {
            Order::FewestOwn => placer.active().into_iter().min_by_key(|&at| (seen.places[at].own, at)),
            Order::Cheapest => {
                let prices = seen.places.iter().map(|place| place.price.as_usd());
                placer.set_costs(prices);
                let used: Vec<usize> = (0..seen.places.len()).filter(|&at| seen.places[at].own > 0).collect();
                placer.select(&used)
            }
        }
    }

    fn answered(&mut self, place: usize, granted: bool) {
        let Some(placer) = &mut self.placer else { return };
        if granted { placer.succeeded(place) } else { placer.preempted(place) }
    }

    fn preempted(&mut self, place: usize) {
        if let Some(placer) = &mut self.placer {
            placer.preempted(place);
        }
    }

    fn on_demand_wanted(&mut self, seen: &CapacityView) -> u32 {
        if self.fallback { fallback(seen, self.margin) } else { 0 }
    }
}
