//! Where and in which market capacity is bought: policies of the
//! [`CapacityPolicy`](flashcrowd_core::ports::CapacityPolicy) port.
//!
//! | policy | spot replicas | on-demand replicas |
//! | --- | --- | --- |
//! | [`OnDemandOnly`] | none | the target |
//! | [`SpotOnly`] | the target, in one zone, spread, or in turn | none, or what is missing |
//! | [`SpotHedge`] | the target and a margin, away from zones that preempted | what is missing |
//! | [`Foresight`] | the target, where they live longest | what will be missing |

mod foresight;
mod hedge;
mod plain;

pub use foresight::{Foresight, Future};
pub use hedge::{Order, SpotHedge};
pub use plain::{OnDemandOnly, SpotOnly, Where};

use flashcrowd_core::ports::CapacityView;

/// On-demand replicas that stand in for spot replicas which are not ready (dynamic fallback): the
/// target and the margin, less what is ready, at most the target.
pub(crate) fn fallback(seen: &CapacityView, margin: u32) -> u32 {
    seen.target.saturating_add(margin).saturating_sub(seen.spot_ready()).min(seen.target)
}
