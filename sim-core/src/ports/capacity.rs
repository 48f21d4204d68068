//! Where a service's capacity is bought, and in which market.
//!
//! Once a period the engine asks the policy how many spot replicas it wants, makes an attempt for
//! each missing one and tells the outcome before it asks for the next, and then asks how many
//! on-demand replicas the policy wants besides.

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
    /// The ready ones among them.
    pub ready: u32,
}

/// What a [`CapacityPolicy`] sees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CapacityView {
    /// The time.
    pub now: SimTime,
    /// `spec.replicas`: how many replicas should be ready.
    pub target: u32,
    /// All places, in the order of the service's pools and of their zones.
    pub places: Vec<PlaceView>,
    /// On-demand (and reserved) replicas that are not being deleted.
    pub on_demand: u32,
    /// The ready ones among them.
    pub on_demand_ready: u32,
}

impl CapacityView {
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
pub trait CapacityPolicy: Send {
    /// Its name, for reports.
    fn name(&self) -> &str;

    /// How often it looks.
    fn period(&self) -> SimDuration;

    /// Whether it also looks at once when a replica of its service is lost or becomes ready, or
    /// when capacity comes back.
    fn watches(&self) -> bool {
        false
    }

    /// How many spot replicas it wants in all. Surplus replicas are deleted, the newest first.
    fn spot_wanted(&mut self, seen: &CapacityView) -> u32;

    /// Where to try the next spot replica, by position in `seen.places`; `None` to try no more now.
    fn next_place(&mut self, seen: &CapacityView) -> Option<usize>;

    /// The outcome of the last attempt, which was made at `place`.
    fn answered(&mut self, place: usize, granted: bool);

    /// A replica at `place` was reclaimed: called at the notice, or at the loss if there was no
    /// notice.
    fn preempted(&mut self, place: usize);

    /// How many on-demand replicas it wants besides. Surplus replicas are deleted, the newest
    /// first.
    fn on_demand_wanted(&mut self, seen: &CapacityView) -> u32;
}
