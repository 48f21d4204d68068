//! The capacity policy of a service at work, and the places where it may buy.

use crate::clock::SimTime;
use crate::id::{DemandId, PoolId, ZoneId};
use crate::ports::CapacityPolicy;

/// A place where spot capacity may be bought.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SpotPlace {
    pub(crate) pool: PoolId,
    pub(crate) zone: ZoneId,
    pub(crate) demand: DemandId,
}

/// The capacity policy of a service at work.
pub(crate) struct CapacityControl {
    pub(crate) policy: Box<dyn CapacityPolicy>,
    pub(crate) places: Vec<SpotPlace>,
    /// The demand for replicas that are not spot, if the service has other pools.
    pub(crate) on_demand: Option<DemandId>,
    pub(crate) looks: u64,
    /// When it looks next by its own period.
    pub(crate) due: SimTime,
    /// Whether an extra look at this instant is planned.
    pub(crate) woken: bool,
}

impl CapacityControl {
    /// The place that a demand belongs to, if there is one.
    pub(crate) fn place_of(&self, demand: DemandId) -> Option<usize> {
        self.places.iter().position(|place| place.demand == demand)
    }
}
