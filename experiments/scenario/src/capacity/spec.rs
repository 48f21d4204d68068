//! Capacity policies, as written.

use flashcrowd_language::units::{Duration, Price};
use schemars::JsonSchema;
use serde::Deserialize;

/// Where and in which market a service's capacity is bought.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub enum Capacity {
    /// On demand alone.
    OnDemandOnly(OnDemandOnly),
    /// Spot, in one zone, spread or in turn.
    SpotOnly(SpotOnly),
    /// Spot beyond the target, away from zones that preempt, with on-demand replicas for what is missing.
    SpotHedge(SpotHedge),
    /// Knows what the market will hold: the bound.
    Foresight(Foresight),
}

/// Parameters of `OnDemandOnly`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OnDemandOnly {
    /// How often it looks.
    #[schemars(extend("x-example" = r#""20s""#))]
    pub look_every: Option<Duration>,
}

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

/// Parameters of `Foresight`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Foresight {
    /// From the order of a replica to its being ready.
    #[schemars(extend("x-example" = r#""3m""#))]
    pub lead: Duration,
    /// How often it looks.
    #[schemars(extend("x-example" = r#""20s""#))]
    pub look_every: Option<Duration>,
}

/// A price that holds from an instant on.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PriceStep {
    /// From when.
    pub at: Duration,
    /// Price of one GPU.
    pub gpu_price: Price,
}
