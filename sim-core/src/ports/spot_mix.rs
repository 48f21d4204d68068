//! Where and in which market a service's capacity is bought.
//!
//! The engine looks at the market once a period: it asks how many spot replicas are wanted, makes
//! as many attempts as are missing, tells the outcome of each before it asks for the next, and then
//! asks how many on-demand replicas stand beside them.

use crate::clock::{SimDuration, SimTime};
use crate::units::PicoUsdPerHour;
use std::sync::Arc;

/// A place where spot capacity may be bought: a pool in one of its zones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlaceView {
    /// Region.
    pub region: Arc<str>,
    /// Zone.
    pub zone: Arc<str>,
    /// GPU type.
    pub gpu: Arc<str>,
    /// What a node costs there now.
    pub price: PicoUsdPerHour,
    /// The service's spot replicas there that are not being deleted or reclaimed.
    pub own: u32,
    /// Those of them that are ready.
    pub ready: u32,
}

/// What a [`SpotMix`] sees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MarketView {
    /// The time.
    pub now: SimTime,
    /// `spec.replicas`: how many are to be ready.
    pub target: u32,
    /// All places, in the order of the service's pools and of their zones.
    pub places: Vec<PlaceView>,
    /// On-demand (and reserved) replicas that are not being deleted.
    pub on_demand: u32,
    /// Those of them that are ready.
    pub on_demand_ready: u32,
}

impl MarketView {
    /// Spot replicas that are not being deleted.
    pub fn spot(&self) -> u32 {
        self.places.iter().map(|place| place.own).sum()
    }

    /// Spot replicas that are ready.
    pub fn spot_ready(&self) -> u32 {
        self.places.iter().map(|place| place.ready).sum()
    }
}

/// Decides where capacity is bought.
pub trait SpotMix: Send {
    /// Its name, for reports.
    fn name(&self) -> &str;

    /// How often it looks at the market.
    fn period(&self) -> SimDuration;

    /// Whether it also looks at once when a replica of its service is lost or gets ready, or capacity
    /// comes back.
    fn watches(&self) -> bool {
        false
    }

    /// How many spot replicas it wants in all. Surplus is given up, the newest first.
    fn spot_wanted(&mut self, seen: &MarketView) -> u32;

    /// Where the next spot replica is tried, by position in `seen.places`; `None` to try no more now.
    fn next_place(&mut self, seen: &MarketView) -> Option<usize>;

    /// Whether the last attempt, at `place`, was granted.
    fn answered(&mut self, place: usize, granted: bool);

    /// A replica at `place` was reclaimed: told at the notice, or at the loss where there was none.
    fn preempted(&mut self, place: usize);

    /// How many on-demand replicas it wants beside them. Surplus is given up, the newest first.
    fn on_demand_wanted(&mut self, seen: &MarketView) -> u32;
}
