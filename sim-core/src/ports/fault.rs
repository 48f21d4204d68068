//! Faults: events from outside that change the fleet, as primitives that sources combine.
//!
//! A zone outage is `Lose` of all nodes and `Block` until it ends; a region outage is `Unreachable`
//! too; a control-plane outage is `Block` alone; spot capacity is `Capacity` as a step function.

use super::SourceError;
use crate::clock::{SimDuration, SimTime};
use crate::units::PicoUsdPerHour;

/// A region, or one zone of it, by position.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Area {
    /// Which region.
    pub region: u32,
    /// Which of its zones; `None` for all.
    pub zone: Option<u32>,
}

/// One fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The market holds `nodes` nodes of a pool in a zone. It grants no more than that; of a spot
    /// pool, nodes beyond that number are reclaimed, the newest first. Other pools keep their
    /// nodes: a stock-out.
    Capacity {
        /// Which pool.
        pool: u32,
        /// Which zone of its region.
        zone: u32,
        /// Nodes.
        nodes: u32,
    },
    /// A node of a pool in a zone costs this much from now on.
    Price {
        /// Which pool.
        pool: u32,
        /// Which zone of its region.
        zone: u32,
        /// Price of a node.
        price: PicoUsdPerHour,
    },
    /// A share of the nodes of an area, drawn at random, is lost at once.
    Lose {
        /// Where.
        area: Area,
        /// How much, in millionths.
        share_ppm: u32,
    },
    /// An area gets no new nodes from now on, or does again. Overlapping blocks add up.
    Block {
        /// Where.
        area: Area,
        /// Whether it begins.
        begins: bool,
    },
    /// No request reaches a region from now on, or requests do again. Overlapping ones add up.
    Unreachable {
        /// Which region.
        region: u32,
        /// Whether it begins.
        begins: bool,
    },
    /// One live node of a pool, drawn at random, fails; nothing happens if there is none.
    Node {
        /// Which pool.
        pool: u32,
    },
    /// The link between two regions, in both directions: what it adds to each round trip, and the
    /// share of attempts that it loses. Zeros repair it.
    Link {
        /// One end, a region.
        from: u32,
        /// The other.
        to: u32,
        /// Added to a round trip.
        delay: SimDuration,
        /// Lost, in millionths.
        loss_ppm: u32,
    },
}

/// A fault and its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimedFault {
    /// When.
    pub at: SimTime,
    /// What.
    pub fault: Fault,
}

/// A source of faults, read one fault ahead like arrivals.
pub trait FaultSource: Send {
    /// The next fault, not before the last one; `None` if there are no more.
    ///
    /// # Errors
    /// If a recording cannot be read further.
    fn next_fault(&mut self) -> Result<Option<TimedFault>, SourceError>;
}
