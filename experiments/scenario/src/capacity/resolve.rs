//! Where and in which market a service's capacity is bought.

use crate::errors::unknown;
use crate::settings::Notes;
use crate::spec;
use flashcrowd_core::SimDuration;
use flashcrowd_core::fleet::{PoolConfig, Region};
use flashcrowd_core::ports::{CapacityPolicy, Maker};
use flashcrowd_core::units::Market;
use flashcrowd_language::Diagnostic;
use flashcrowd_language::units::Duration;
use flashcrowd_policies::capacity::{Foresight, Future, OnDemandOnly, Order, SpotHedge, SpotOnly, Where};

/// A buyer, resolved.
#[derive(Clone, Debug)]
pub(crate) struct ResolvedCapacity {
    kind: Kind,
    margin: u32,
    fallback: bool,
    period: SimDuration,
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    OnDemand,
    Spot(Where),
    Hedge(Order),
    Foresight(SimDuration),
}

impl ResolvedCapacity {
    /// The policy; `future`, what the market will hold, is for the policy that knows it.
    pub(crate) fn maker(&self, future: Future) -> Maker<dyn CapacityPolicy> {
        let ResolvedCapacity { margin, fallback, period, kind } = self.clone();
        Maker::new(format!("{self:?}"), move || -> Box<dyn CapacityPolicy> {
            match kind {
                Kind::OnDemand => Box::new(OnDemandOnly::new(period)),
                Kind::Spot(place) => Box::new(SpotOnly::new(place, margin, fallback, period)),
                Kind::Hedge(order) => Box::new(SpotHedge::new(order, margin, fallback, period)),
                Kind::Foresight(lead) => Box::new(Foresight::new(future.clone(), lead, period)),
            }
        })
    }

    /// Whether the policy knows the future market.
    pub(crate) fn foresees(&self) -> bool {
        matches!(self.kind, Kind::Foresight(_))
    }
}

/// The places of a service as its buyer sees them: spot pools in order, and their zones.
pub(crate) fn places(pools: &[u32], of: &[PoolConfig]) -> Vec<(u32, u32)> {
    let spot = pools.iter().filter(|&&pool| of[pool as usize].market == Market::Spot);
    spot.flat_map(|&pool| of[pool as usize].zones.iter().map(move |&zone| (pool, zone))).collect()
}

/// What a service's capacity is bought on.
pub(crate) struct Shelf<'a> {
    pub(crate) pools: &'a [PoolConfig],
    pub(crate) regions: &'a [Region],
    /// Those that may host the service.
    pub(crate) own: &'a [u32],
}

pub(crate) fn resolve(
    notes: &mut Notes<'_>,
    name: &str,
    given: &spec::Capacity,
    shelf: &Shelf<'_>,
) -> Result<ResolvedCapacity, Diagnostic> {
    let path = format!("services.{name}.capacity");
    notes.given(&path, "");
    let (kind, margin, fallback, look_every) = match given {
        spec::Capacity::OnDemandOnly(given) => (Kind::OnDemand, 0, true, given.look_every),
        spec::Capacity::SpotOnly(given) => {
            let place = match &given.place {
                None | Some(spec::SpotPlace::Spread) => Where::Spread,
                Some(spec::SpotPlace::RoundRobin) => Where::RoundRobin,
                Some(spec::SpotPlace::Zone(zone)) => Where::Single(zone_at(notes, &path, zone, shelf)?),
            };
            let fallback = given.fallback.unwrap_or(false);
            (Kind::Spot(place), given.overprovision.unwrap_or(0), fallback, given.look_every)
        }
        spec::Capacity::SpotHedge(given) => {
            let order = match given.order {
                None | Some(spec::ZoneOrder::FewestOwn) => Order::FewestOwn,
                Some(spec::ZoneOrder::Cheapest) => Order::Cheapest,
            };
            let over =
                notes.or(&format!("{path}.overprovision"), given.overprovision, 1, "E = 1 of the SkyServe paper");
            let fallback = notes.or(&format!("{path}.fallback"), given.fallback, true, "dynamic fallback to on-demand");
            (Kind::Hedge(order), over, fallback, given.look_every)
        }
        spec::Capacity::Foresight(given) => (Kind::Foresight(given.lead.get()), 0, true, given.look_every),
    };
    notes.within(&format!("{path}.overprovision"), u64::from(margin), 0, 100_000)?;
    let default = Duration(SimDuration::from_s(20));
    let period = notes.or(&format!("{path}.look_every"), look_every, default, "SkyServe's decision interval").get();
    if period < SimDuration::from_ms(100) {
        return Err(notes.error(&format!("{path}.look_every"), "expected at least 100ms"));
    }
    let has_spot = !places(shelf.own, shelf.pools).is_empty();
    if !has_spot && !matches!(kind, Kind::OnDemand) {
        let error = notes.error(&path, "no pool that may host this service is bought as Spot");
        return Err(error.with_help("give one of its pools `market: Spot`"));
    }
    let on_demand = shelf.own.iter().any(|&pool| shelf.pools[pool as usize].market != Market::Spot);
    if fallback && !on_demand {
        let error = notes.error(&path, "there is no on-demand pool to fall back to");
        return Err(error.with_help("add one, or say `fallback: false`"));
    }
    Ok(ResolvedCapacity { kind, margin, fallback, period })
}

fn zone_at(notes: &Notes<'_>, path: &str, wanted: &str, shelf: &Shelf<'_>) -> Result<usize, Diagnostic> {
    let places = places(shelf.own, shelf.pools);
    let zone = |&(pool, zone): &(u32, u32)| {
        let region = &shelf.regions[shelf.pools[pool as usize].region as usize];
        &*region.zones[zone as usize]
    };
    let found = places.iter().position(|place| zone(place) == wanted);
    found.ok_or_else(|| unknown(notes, &format!("{path}.place"), "spot zone", wanted, places.iter().map(zone)))
}
