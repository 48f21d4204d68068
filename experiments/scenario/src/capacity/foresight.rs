//! Knows what the market will hold: the bound of those that buy.

use super::place::{Capacities, Place, ResolvedCapacity};
use crate::part::Part;
use flashcrowd_language::Diagnostic;
use flashcrowd_language::units::Duration;
use flashcrowd_policies::{PolicyInfo, capacity as policy};
use schemars::JsonSchema;
use serde::Deserialize;

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

impl Part<Capacities> for Foresight {
    const POLICIES: &'static [PolicyInfo] = &[policy::Foresight::INFO];

    fn make(&self, place: &mut Place<'_, '_>) -> Result<ResolvedCapacity, Diagnostic> {
        let (lead, period) = (self.lead.get(), place.look_every(self.look_every)?);
        place.needs_spot()?;
        place.needs_on_demand()?;
        let make = move |future| policy::Foresight::new(future, lead, period);
        Ok(ResolvedCapacity::foreseeing(policy::Foresight::INFO, make))
    }
}
