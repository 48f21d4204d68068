//! Capacity of spot markets: generated, recorded, or of nodes with lifetimes of their own.

use super::Listed;
use crate::ParameterError;
use crate::markets::CapacitySeries;
use crate::markets::generated::{Market, MarketLaw};
use crate::markets::lifetimes::Lifetime;
use flashcrowd_core::clock::{Distribution, Seed, SimDuration, SimTime, Stream};
use flashcrowd_core::ports::{Fault, FaultSource, SourceError, TimedFault};
use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

/// The pool and zone whose capacity something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Which pool.
    pub pool: u32,
    /// Which zone of its region.
    pub zone: u32,
}

impl Place {
    fn holds(self, at: SimTime, nodes: u32) -> TimedFault {
        TimedFault { at, fault: Fault::Capacity { pool: self.pool, zone: self.zone, nodes } }
    }
}

/// The capacity of a generated market.
#[derive(Clone, Debug)]
pub struct MarketCapacity {
    market: Market,
    places: Vec<Vec<Place>>,
    /// Faults of one change that are still to be told: its places from here on.
    open: Option<(crate::markets::generated::Change, usize)>,
}

impl MarketCapacity {
    /// `places[z]` are bought from the market's zone `z`.
    ///
    /// # Errors
    /// What [`MarketLaw::check`] refuses, or places for more or fewer zones than it has.
    pub fn new(law: &MarketLaw, places: Vec<Vec<Place>>, seed: Seed, label: &str) -> Result<Self, ParameterError> {
        if places.len() != law.zones.len() {
            return Err(ParameterError::new("the places", format!("for {} zones", law.zones.len())));
        }
        if places.iter().all(Vec::is_empty) {
            return Err(ParameterError::new("the places", "at least one"));
        }
        Ok(MarketCapacity { market: Market::new(law, seed, label)?, places, open: None })
    }
}

impl FaultSource for MarketCapacity {
    fn next_fault(&mut self) -> Result<Option<TimedFault>, SourceError> {
        loop {
            if let Some((change, index)) = &mut self.open
                && let Some(place) = self.places[change.zone].get(*index)
            {
                *index += 1;
                return Ok(Some(place.holds(change.at, change.nodes)));
            }
            let Some(change) = self.market.next_change() else { return Ok(None) };
            self.open = Some((change, 0));
        }
    }
}

/// The capacity of recorded zones; after its end, a recording keeps its last capacity.
pub fn recorded(zones: &[(Place, &CapacitySeries)]) -> Listed {
    let of_zone = |(place, series): &(Place, &CapacitySeries)| {
        let place = *place;
        series.steps().iter().map(move |(at, nodes)| place.holds(*at, *nodes)).collect::<Vec<_>>()
    };
    Listed::new(zones.iter().flat_map(of_zone).collect())
}

/// The machine repairman: so many nodes, each there for a lifetime and then gone for an exponential
/// time. Independent, so only behind an explicit choice: see [`crate::markets::generated`] for what real
/// markets do. Node `n` draws from `<label>/<n>`.
#[derive(Clone, Debug)]
pub struct NodeLifetimes {
    place: Place,
    lifetime: Lifetime,
    away: Distribution,
    nodes: Vec<(bool, Stream)>,
    /// When a node changes, and which.
    due: BinaryHeap<Reverse<(SimTime, u32)>>,
    there: u32,
    started: bool,
    /// Nodes that may come back at once, and those that wait for their turn to, in order.
    repairers: u32,
    waiting: VecDeque<u32>,
}

/// Most nodes with lifetimes of their own.
pub const MAX_NODES: u32 = 100_000;

impl NodeLifetimes {
    /// `nodes` nodes, all new at time 0, each away for `mean_away` on average after its end.
    ///
    /// # Errors
    /// No nodes or too many, or parameters that are not a lifetime.
    pub fn new(
        place: Place,
        nodes: u32,
        lifetime: Lifetime,
        mean_away: SimDuration,
        seed: Seed,
        label: &str,
    ) -> Result<Self, ParameterError> {
        lifetime.check()?;
        if !(1..=MAX_NODES).contains(&nodes) {
            return Err(ParameterError::new("the number of nodes", format!("1 to {MAX_NODES}")));
        }
        if mean_away.is_zero() {
            return Err(ParameterError::new("the mean time away", "above 0"));
        }
        let mut streams: Vec<(bool, Stream)> = (0..nodes).map(|n| (true, seed.keyed(label, u64::from(n), 0))).collect();
        let ends =
            streams.iter_mut().zip(0..).map(|((_, stream), n)| Reverse((SimTime::ZERO + lifetime.sample(stream), n)));
        let due = ends.collect();
        let away = Distribution::Exponential { mean: mean_away.as_s_f64() };
        let (there, started, repairers, waiting) = (nodes, false, u32::MAX, VecDeque::new());
        Ok(NodeLifetimes { place, lifetime, away, nodes: streams, due, there, started, repairers, waiting })
    }

    /// Lets at most `repairers` of the nodes that are away come back at once; the others wait for
    /// their turn.
    ///
    /// # Errors
    /// No repairer.
    pub fn with_repairers(self, repairers: u32) -> Result<Self, ParameterError> {
        if repairers == 0 {
            return Err(ParameterError::new("the number of repairers", "at least 1"));
        }
        Ok(NodeLifetimes { repairers, ..self })
    }

    /// Plans a node's next change; a picosecond ahead at least, so that time goes on.
    fn plan(&mut self, at: SimTime, n: u32) {
        let (there, stream) = &mut self.nodes[n as usize];
        let span = if *there { self.lifetime.sample(stream) } else { self.away.sample_duration(stream) };
        self.due.push(Reverse((at + span + SimDuration::from_ps(u64::from(span.is_zero())), n)));
    }

    /// Nodes that are away and do not wait for their turn to come back.
    fn in_repair(&self) -> u32 {
        self.nodes.len() as u32 - self.there - self.waiting.len() as u32
    }
}

impl FaultSource for NodeLifetimes {
    fn next_fault(&mut self) -> Result<Option<TimedFault>, SourceError> {
        if !std::mem::replace(&mut self.started, true) {
            return Ok(Some(self.place.holds(SimTime::ZERO, self.there)));
        }
        let Some(Reverse((at, n))) = self.due.pop().filter(|due| due.0.0 < SimTime::MAX) else { return Ok(None) };
        let there = !self.nodes[n as usize].0;
        self.nodes[n as usize].0 = there;
        self.there = if there { self.there + 1 } else { self.there - 1 };
        if there {
            self.plan(at, n);
            if let Some(next) = self.waiting.pop_front() {
                self.plan(at, next);
            }
        } else if self.in_repair() > self.repairers {
            self.waiting.push_back(n);
        } else {
            self.plan(at, n);
        }
        Ok(Some(self.place.holds(at, self.there)))
    }
}
