//! Faults: what befalls the fleet from outside, in primitives that sources combine.
//!
//! A zone outage is `Lose` all of it and `Block` it until the end; a region outage is `Unreachable`
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

/// One thing that happens to the fleet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The market holds so many nodes of a pool in a zone: no more are granted, and of a spot pool what
    /// lives beyond that is reclaimed, the newest first. Others keep what they have: a stock-out.
    Capacity {
        /// Which pool.
        pool: u32,
        /// Which zone of its region.
        zone: u32,
        /// Nodes.
        nodes: u32,
    },
    /// A node of a pool in a zone costs so much from now on.
    Price {
        /// Which pool.
        pool: u32,
        /// Which zone of its region.
        zone: u32,
        /// Price of a node.
        price: PicoUsdPerHour,
    },
    /// A share of the nodes of an area is lost at once, drawn at random.
    Lose {
        /// Where.
        area: Area,
        /// How much, in millionths.
        share_ppm: u32,
    },
    /// From now on (or no longer) an area gets no new nodes. Overlapping blocks add up.
    Block {
        /// Where.
        area: Area,
        /// Whether it begins.
        begins: bool,
    },
    /// From now on (or no longer) no request reaches a region. Overlapping ones add up.
    Unreachable {
        /// Which region.
        region: u32,
        /// Whether it begins.
        begins: bool,
    },
    /// One live node of a pool fails, drawn at random; nothing if it has none.
    Node {
        /// Which pool.
        pool: u32,
    },
    /// The way between two regions, both directions: what it adds to each round trip, and the share
    /// of attempts that it loses. Zeros mend it.
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

/// A source of faults, pulled one ahead as arrivals are.
pub trait FaultSource: Send {
    /// The next fault, no earlier than the last one; `None` when there is no more.
    ///
    /// # Errors
    /// A recording that cannot be read on.
    fn next_fault(&mut self) -> Result<Option<TimedFault>, SourceError>;
}
