//! Spot capacity in one zone, spread or in turn.

use super::place::{Capacities, Place, ResolvedCapacity};
use crate::errors::unknown;
use crate::part::Part;
use flashcrowd_language::Diagnostic;
use flashcrowd_language::units::Duration;
use flashcrowd_policies::{PolicyInfo, capacity as policy};
use schemars::JsonSchema;
use serde::Deserialize;

/// Parameters of `SpotOnly`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SpotOnly {
    /// Which zones.
    pub place: Option<SpotPlace>,
    /// Replicas more than the target.
    #[schemars(extend("x-example" = "1"))]
    pub overprovision: Option<u32>,
    /// Whether on-demand replicas stand in for what is missing.
    pub fallback: Option<bool>,
    /// How often it looks.
    #[schemars(extend("x-example" = r#""20s""#))]
    pub look_every: Option<Duration>,
}

/// Which zones.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub enum SpotPlace {
    /// One zone, by name.
    Zone(String),
    /// The zone with the fewest own replicas.
    Spread,
    /// All in turn.
    RoundRobin,
}

impl Part<Capacities> for SpotOnly {
    const POLICIES: &'static [PolicyInfo] = &[policy::SpotOnly::INFO];

    fn make(&self, place: &mut Place<'_, '_>) -> Result<ResolvedCapacity, Diagnostic> {
        let zones = match &self.place {
            None | Some(SpotPlace::Spread) => policy::Where::Spread,
            Some(SpotPlace::RoundRobin) => policy::Where::RoundRobin,
            Some(SpotPlace::Zone(zone)) => policy::Where::Single(zone_at(place, zone)?),
        };
        let (margin, fallback) = (self.overprovision.unwrap_or(0), self.fallback.unwrap_or(false));
        place.within(margin)?;
        let period = place.look_every(self.look_every)?;
        place.needs_spot()?;
        if fallback {
            place.needs_on_demand()?;
        }
        let make = move || policy::SpotOnly::new(zones, margin, fallback, period);
        Ok(ResolvedCapacity::of(policy::SpotOnly::INFO, make))
    }
}

/// The position of a spot zone.
fn zone_at(place: &Place<'_, '_>, wanted: &str) -> Result<usize, Diagnostic> {
    let places = place.shelf.places();
    let zone = |&at: &(u32, u32)| place.shelf.zone(at);
    let found = places.iter().position(|at| zone(at) == wanted);
    found.ok_or_else(|| unknown(place.notes, &place.at("place"), "spot zone", wanted, places.iter().map(zone)))
}
