//! A policy that knows the market's future: the bound that others are held against.
//!
//! It buys where capacity will last longest, orders the replacement of a replica one start-up before
//! that one is lost, and on-demand replicas only for what no zone can give. Greedy, so not the exact
//! optimum: no cheaper plan was proved not to exist.

use crate::info::{PolicyInfo, Port};
use flashcrowd_core::ports::{CapacityPolicy, CapacityView};
use flashcrowd_core::{SimDuration, SimTime};

/// What the market will hold at each place: steps of (time, nodes), ascending.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Future {
    /// By place, in the order of `CapacityView::places`.
    pub places: Vec<Vec<(SimTime, u32)>>,
}

impl Future {
    /// Least capacity of a place from `now` to `until`, both included; endless where nothing is known.
    fn least(&self, place: usize, now: SimTime, until: SimTime) -> u32 {
        let Some(steps) = self.places.get(place) else { return u32::MAX };
        let first = steps.partition_point(|step| step.0 <= now).saturating_sub(1);
        let within = steps[first.min(steps.len())..].iter().take_while(|step| step.0 <= until);
        within.map(|step| step.1).min().unwrap_or(u32::MAX)
    }

    /// When a place first holds fewer than so many from `now` on.
    fn falls_below(&self, place: usize, nodes: u32, now: SimTime) -> SimTime {
        let Some(steps) = self.places.get(place) else { return SimTime::MAX };
        let first = steps.partition_point(|step| step.0 <= now).saturating_sub(1);
        steps.iter().skip(first).find(|step| step.1 < nodes).map_or(SimTime::MAX, |step| step.0.max(now))
    }
}

/// Knows the future.
#[derive(Clone, Debug)]
pub struct Foresight {
    future: Future,
    /// How long a replica takes to be ready.
    lead: SimDuration,
    period: SimDuration,
    refused: Vec<usize>,
}

impl Foresight {
    /// What the list of policies says of it.
    pub const INFO: PolicyInfo =
        PolicyInfo::own(Port::Capacity, "foresight", "knows what the market will hold: the bound of those that buy");

    /// `lead` is how long a replica takes from its order to being ready.
    pub fn new(future: Future, lead: SimDuration, period: SimDuration) -> Self {
        Foresight { future, lead, period, refused: Vec::new() }
    }

    /// Spot replicas that will still be there when what is bought at the next look can be ready.
    fn lasting(&self, seen: &CapacityView) -> u32 {
        let until = seen.now + self.lead + self.period;
        let places = seen.places.iter().enumerate();
        places.map(|(at, place)| place.own.min(self.future.least(at, seen.now, until))).sum()
    }
}

impl CapacityPolicy for Foresight {
    fn name(&self) -> &'static str {
        "foresight"
    }

    fn period(&self) -> SimDuration {
        self.period
    }

    fn spot_wanted(&mut self, seen: &CapacityView) -> u32 {
        self.refused.clear();
        seen.target.saturating_add(seen.spot() - self.lasting(seen))
    }

    fn next_place(&mut self, seen: &CapacityView) -> Option<usize> {
        let useful = |at: &usize| {
            let end = self.future.falls_below(*at, seen.places[*at].own + 1, seen.now);
            (end > seen.now + self.lead && !self.refused.contains(at)).then_some((*at, end))
        };
        let places = (0..seen.places.len()).filter_map(|at| useful(&at));
        // Of the places that last longest, the first one.
        places.max_by_key(|&(at, end)| (end, std::cmp::Reverse(at))).map(|(at, _)| at)
    }

    fn answered(&mut self, place: usize, granted: bool) {
        if !granted {
            self.refused.push(place);
        }
    }

    fn preempted(&mut self, _: usize) {}

    fn on_demand_wanted(&mut self, seen: &CapacityView) -> u32 {
        let missing = seen.target.saturating_sub(seen.spot_ready());
        missing.max(seen.target.saturating_sub(self.lasting(seen)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_future_is_read_as_steps() {
        let s = SimTime::from_s;
        let future = Future { places: vec![vec![(s(0), 1), (s(100), 0), (s(200), 2)]] };
        assert_eq!((future.least(0, s(0), s(99)), future.least(0, s(50), s(100))), (1, 0));
        assert_eq!(future.least(0, s(250), s(900)), 2);
        assert_eq!(future.falls_below(0, 1, s(10)), s(100));
        assert_eq!(future.falls_below(0, 1, s(150)), s(150));
        assert_eq!(future.falls_below(0, 2, s(200)), SimTime::MAX);
        assert_eq!(future.falls_below(9, 1, s(0)), SimTime::MAX);
    }
}
