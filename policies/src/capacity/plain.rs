//! Policies that remember nothing of preemptions.

use super::stand_in::fallback;
use crate::info::{PolicyInfo, Port};
use flashcrowd_core::SimDuration;
use flashcrowd_core::ports::{CapacityPolicy, CapacityView};

/// On-demand capacity alone.
#[derive(Clone, Debug)]
pub struct OnDemandOnly {
    period: SimDuration,
}

impl OnDemandOnly {
    /// What the list of policies says of it.
    pub const INFO: PolicyInfo = PolicyInfo::own(Port::Capacity, "on-demand-only", "no spot capacity");

    /// Looks once in `period`.
    pub fn new(period: SimDuration) -> Self {
        OnDemandOnly { period }
    }
}

impl CapacityPolicy for OnDemandOnly {
    fn name(&self) -> &'static str {
        "on-demand"
    }

    fn period(&self) -> SimDuration {
        self.period
    }

    fn spot_wanted(&mut self, _: &CapacityView) -> u32 {
        0
    }

    fn next_place(&mut self, _: &CapacityView) -> Option<usize> {
        None
    }

    fn answered(&mut self, _: usize, _: bool) {}

    fn preempted(&mut self, _: usize) {}

    fn on_demand_wanted(&mut self, seen: &CapacityView) -> u32 {
        seen.target
    }
}

/// Where [`SpotOnly`] tries the next replica.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Where {
    /// Always in the place of this position.
    Single(usize),
    /// In the place with the fewest own replicas that has not refused at this look; of equals, the next in
    /// turn after the one tried last.
    Spread,
    /// In all places in turn, whatever they answered.
    RoundRobin,
}

/// Spot capacity, with on-demand replicas for what is missing if asked for.
#[derive(Clone, Debug)]
pub struct SpotOnly {
    place: Where,
    margin: u32,
    fallback: bool,
    period: SimDuration,
    cursor: usize,
    refused: Vec<usize>,
}

impl SpotOnly {
    /// What the list of policies says of it.
    pub const INFO: PolicyInfo = PolicyInfo::own(Port::Capacity, "spot-only", "spot in one zone, spread or in turn");

    /// `margin` spot replicas more than the target; with `fallback`, on-demand replicas for those that
    /// are not ready.
    pub fn new(place: Where, margin: u32, fallback: bool, period: SimDuration) -> Self {
        SpotOnly { place, margin, fallback, period, cursor: 0, refused: Vec::new() }
    }
}

impl CapacityPolicy for SpotOnly {
    fn name(&self) -> &'static str {
        match self.place {
            Where::Single(_) => "spot-one-zone",
            Where::Spread => "spot-spread",
            Where::RoundRobin => "spot-round-robin",
        }
    }

    fn period(&self) -> SimDuration {
        self.period
    }

    fn spot_wanted(&mut self, seen: &CapacityView) -> u32 {
        self.refused.clear();
        seen.target.saturating_add(self.margin)
    }

    fn next_place(&mut self, seen: &CapacityView) -> Option<usize> {
        let places = seen.places.len();
        match self.place {
            Where::Single(at) => (at < places).then_some(at),
            Where::Spread => {
                let free = (0..places).filter(|at| !self.refused.contains(at));
                let chosen =
                    free.min_by_key(|&at| (seen.places[at].own, (at + places - self.cursor % places) % places))?;
                self.cursor = chosen + 1;
                Some(chosen)
            }
            Where::RoundRobin => {
                let at = self.cursor % places.max(1);
                self.cursor = at + 1;
                (places > 0).then_some(at)
            }
        }
    }

    fn answered(&mut self, place: usize, granted: bool) {
        if !granted {
            self.refused.push(place);
        }
    }

    fn preempted(&mut self, _: usize) {}

    fn on_demand_wanted(&mut self, seen: &CapacityView) -> u32 {
        if self.fallback { fallback(seen, self.margin) } else { 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flashcrowd_core::SimTime;
    use flashcrowd_core::ports::PlaceView;
    use flashcrowd_core::units::PicoUsdPerHour;

    fn seen(own: &[u32]) -> CapacityView {
        let place = |&own: &u32| PlaceView {
            region: "r".into(),
            zone: "z".into(),
            gpu: "g".into(),
            price: PicoUsdPerHour(1),
            own,
            ready: own,
        };
        let places = own.iter().map(place).collect();
        CapacityView { now: SimTime::ZERO, target: 3, places, on_demand: 0, on_demand_ready: 0 }
    }

    #[test]
    fn spreading_does_not_stay_with_who_refuses() {
        let mut mix = SpotOnly::new(Where::Spread, 0, false, SimDuration::from_s(20));
        let mut tried = Vec::new();
        for _ in 0..3 {
            let market = seen(&[0, 1, 0, 0]);
            mix.spot_wanted(&market);
            for _ in 0..2 {
                let place = mix.next_place(&market).unwrap();
                tried.push(place);
                mix.answered(place, false);
            }
        }
        assert_eq!(tried, [0, 2, 3, 0, 2, 3], "the one with a replica comes last, and others in turn");
    }
}
