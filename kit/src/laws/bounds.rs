//! Bounds: whatever happens, the register stays within what the policy claims.

use super::Broken;
use super::breach::Breach;
use super::search::{changes, search_worlds};
use crate::Subject;
use crate::shapes::any_world;
use std::ops::RangeInclusive;

/// Every write is within `replicas`, and no action of the policy is refused.
///
/// # Errors
/// The smallest world found in which that does not hold.
pub fn bounds(subject: &Subject, replicas: RangeInclusive<u32>) -> Result<(), Broken> {
    search_worlds("bounds", subject, any_world(), |world| {
        let record = world.play(subject)?;
        if let Some(decision) = changes(&record.decisions).find(|decision| !replicas.contains(&decision.after)) {
            let (at, wrote, claimed) = (decision.at, decision.after, replicas.clone());
            return Err(Breach::OutOfBounds { at, wrote, claimed });
        }
        match record.decisions.iter().find_map(|decision| Some((decision.at, decision.refused.first()?.1))) {
            Some((at, reason)) => Err(Breach::Refused { at, reason }),
            None => Ok(()),
        }
    })
}
