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
    places: Vec<SpotPlace>,
    /// The demand for replicas that are not spot, if the service has other pools.
    on_demand: Option<DemandId>,
    looks: u64,
    /// When it looks next by its own period.
    due: SimTime,
    /// Whether an extra look at this instant is planned.
    woken: bool,
}

impl CapacityControl {
    pub(crate) fn new(policy: Box<dyn CapacityPolicy>, places: Vec<SpotPlace>, on_demand: Option<DemandId>) -> Self {
        CapacityControl { policy, places, on_demand, looks: 0, due: SimTime::ZERO, woken: false }
    }

    /// The places where it may buy spot replicas.
    pub(crate) fn places(&self) -> &[SpotPlace] {
        &self.places
    }

    /// The demand for replicas that are not spot, if the service has other pools.
    pub(crate) fn on_demand(&self) -> Option<DemandId> {
        self.on_demand
    }

    /// The place that a demand belongs to, if there is one.
    pub(crate) fn place_of(&self, demand: DemandId) -> Option<usize> {
        self.places.iter().position(|place| place.demand == demand)
    }

    /// Plans the next look by its own period; says its number.
    pub(crate) fn plan_look(&mut self, at: SimTime) -> u64 {
        self.due = at;
        self.looks += 1;
        self.looks
    }

    /// Plans a look at this instant, unless it does not watch for changes, or one is planned; says its number.
    pub(crate) fn wake(&mut self) -> Option<u64> {
        if !self.policy.watches() || std::mem::replace(&mut self.woken, true) {
            return None;
        }
        self.looks += 1;
        Some(self.looks)
    }

    /// It looks now: whether that is the look by its own period.
    pub(crate) fn look(&mut self, now: SimTime) -> bool {
        self.woken = false;
        self.due <= now
    }
}
