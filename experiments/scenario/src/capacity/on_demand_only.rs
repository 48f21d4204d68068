//! No spot capacity.

use super::place::{Capacities, Place, ResolvedCapacity};
use crate::part::Part;
use flashcrowd_language::Diagnostic;
use flashcrowd_language::units::Duration;
use flashcrowd_policies::{PolicyInfo, capacity as policy};
use schemars::JsonSchema;
use serde::Deserialize;

/// Parameters of `OnDemandOnly`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OnDemandOnly {
    /// How often it looks.
    #[schemars(extend("x-example" = r#""20s""#))]
    pub look_every: Option<Duration>,
}

impl Part<Capacities> for OnDemandOnly {
    const POLICIES: &'static [PolicyInfo] = &[policy::OnDemandOnly::INFO];

    fn make(&self, place: &mut Place<'_, '_>) -> Result<ResolvedCapacity, Diagnostic> {
        let period = place.look_every(self.look_every)?;
        place.needs_on_demand()?;
        Ok(ResolvedCapacity::of(policy::OnDemandOnly::INFO, move || policy::OnDemandOnly::new(period)))
    }
}
