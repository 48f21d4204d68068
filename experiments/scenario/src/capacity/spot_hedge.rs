//! Spot capacity beyond the target, and on-demand capacity for what is missing.

use super::place::{Capacities, Place, ResolvedCapacity};
use crate::part::Part;
use flashcrowd_language::Diagnostic;
use flashcrowd_language::units::Duration;
use flashcrowd_policies::{PolicyInfo, capacity as policy};
use schemars::JsonSchema;
use serde::Deserialize;

/// Parameters of `SpotHedge`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SpotHedge {
    /// Replicas more than the target.
    #[schemars(extend("x-example" = "1"))]
    pub overprovision: Option<u32>,
    /// Whether on-demand replicas stand in for what is missing.
    pub fallback: Option<bool>,
    /// Which active zone comes first.
    pub order: Option<ZoneOrder>,
    /// How often it looks.
    #[schemars(extend("x-example" = r#""20s""#))]
    pub look_every: Option<Duration>,
}

/// Which active zone comes first.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
pub enum ZoneOrder {
    /// The one with the fewest own replicas.
    FewestOwn,
    /// The cheapest without one.
    Cheapest,
}

impl Part<Capacities> for SpotHedge {
    const POLICIES: &'static [PolicyInfo] = &[policy::SpotHedge::INFO];

    fn make(&self, place: &mut Place<'_, '_>) -> Result<ResolvedCapacity, Diagnostic> {
        let order = match self.order {
            None | Some(ZoneOrder::FewestOwn) => policy::Order::FewestOwn,
            Some(ZoneOrder::Cheapest) => policy::Order::Cheapest,
        };
        let (over, fallback) = (place.at("overprovision"), place.at("fallback"));
        let margin = place.notes.or(&over, self.overprovision, 1, "E = 1 of the SkyServe paper");
        let fallback = place.notes.or(&fallback, self.fallback, true, "dynamic fallback to on-demand");
        place.within(margin)?;
        let period = place.look_every(self.look_every)?;
        place.needs_spot()?;
        if fallback {
            place.needs_on_demand()?;
        }
        let make = move || policy::SpotHedge::new(order, margin, fallback, period);
        Ok(ResolvedCapacity::of(policy::SpotHedge::INFO, make))
    }
}
