//! The policies that the reference names.

use flashcrowd_core::SimDuration;
use flashcrowd_core::ports::CapacityPolicy;
use flashcrowd_policies::capacity::{OnDemandOnly, Order, SpotHedge, SpotOnly, Where};

/// A policy as its name says: `spothedge_E1_cold2`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Policy {
    kind: Kind,
    margin: u32,
    fallback: bool,
    /// Ticks until a replica is ready.
    pub(super) cold_ticks: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    OnDemand,
    Spot(Where),
    Hedge,
}

impl Policy {
    pub(super) const EXPECTED: &str = "`ondemand`, `spot_single_zone0`, `spot_roundrobin` or `spothedge_E1`, with \
                                       `_nofallback` or `_cold2` behind";

    /// Reads a name: the policy, then its settings in any order.
    pub(super) fn parse(name: &str, zones: usize) -> Option<Self> {
        let (kind, rest) = if let Some(rest) = name.strip_prefix("ondemand") {
            (Kind::OnDemand, rest)
        } else if let Some(rest) = name.strip_prefix("spothedge") {
            (Kind::Hedge, rest)
        } else if let Some(rest) = name.strip_prefix("spot_roundrobin") {
            (Kind::Spot(Where::RoundRobin), rest)
        } else if let Some(rest) = name.strip_prefix("spot_spread") {
            (Kind::Spot(Where::Spread), rest)
        } else {
            let rest = name.strip_prefix("spot_single_zone")?;
            let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
            let zone: usize = rest[..digits].parse().ok().filter(|zone| *zone < zones)?;
            (Kind::Spot(Where::Single(zone)), &rest[digits..])
        };
        let mut policy = Policy { kind, margin: 0, fallback: kind == Kind::Hedge, cold_ticks: 1 };
        if !rest.is_empty() {
            for setting in rest.strip_prefix('_')?.split('_') {
                policy.set(setting)?;
            }
        }
        Some(policy)
    }

    fn set(&mut self, setting: &str) -> Option<()> {
        let number = |text: &str| text.parse().ok().filter(|number: &u32| *number <= 1_000);
        if setting == "nofallback" {
            self.fallback = false;
        } else if setting == "fallback" {
            self.fallback = true;
        } else if let Some(margin) = setting.strip_prefix('E') {
            self.margin = number(margin)?;
        } else {
            self.cold_ticks = number(setting.strip_prefix("cold")?)?;
        }
        Some(())
    }

    pub(super) fn make(self, period: SimDuration) -> Box<dyn CapacityPolicy> {
        match self.kind {
            Kind::OnDemand => Box::new(OnDemandOnly::new(period)),
            Kind::Spot(place) => Box::new(SpotOnly::new(place, self.margin, self.fallback, period)),
            Kind::Hedge => Box::new(SpotHedge::new(Order::FewestOwn, self.margin, self.fallback, period)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_say_what_a_policy_does() {
        let hedge = |margin, fallback, cold_ticks| Some(Policy { kind: Kind::Hedge, margin, fallback, cold_ticks });
        assert_eq!(Policy::parse("spothedge_E2", 9), hedge(2, true, 1));
        assert_eq!(Policy::parse("spothedge_nofallback_E1", 9), hedge(1, false, 1));
        assert_eq!(Policy::parse("spothedge_E1_cold4", 9), hedge(1, true, 4));
        let single = Policy::parse("spot_single_zone3", 9).map(|policy| policy.kind);
        assert_eq!(single, Some(Kind::Spot(Where::Single(3))));
        for bad in ["", "spot", "spot_single_zone9", "spot_single_zone", "spothedge_", "spothedge_E", "spothedgeE1"] {
            assert_eq!(Policy::parse(bad, 9), None, "{bad}");
        }
    }
}
