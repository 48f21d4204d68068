//! Where and in which market capacity is bought.

mod foresight;
mod on_demand_only;
pub(crate) mod place;
mod spot_hedge;
mod spot_only;

use crate::settings::Notes;
use flashcrowd_language::Diagnostic;
use place::{Capacities, Place, ResolvedCapacity, Shelf};

crate::part::parts! {
    /// Where and in which market a service's capacity is bought.
    pub enum Capacity: Capacities {
        alone {}
        with settings {
            /// On demand alone.
            on_demand_only::OnDemandOnly,
            /// Spot, in one zone, spread or in turn.
            spot_only::SpotOnly,
            /// Spot beyond the target, away from zones that preempt, with on-demand replicas for what is missing.
            spot_hedge::SpotHedge,
            /// Knows what the market will hold: the bound.
            foresight::Foresight,
        }
    }
}

/// The capacity policy of a service.
pub(crate) fn capacity(
    notes: &mut Notes<'_>,
    service: &str,
    given: &Capacity,
    shelf: Shelf<'_>,
) -> Result<ResolvedCapacity, Diagnostic> {
    let path = format!("services.{service}.capacity");
    notes.given(&path, "");
    given.make(&mut Place { notes, path, shelf })
}
