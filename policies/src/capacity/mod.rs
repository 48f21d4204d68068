//! Where and in which market capacity is bought: policies of the
//! [`CapacityPolicy`](flashcrowd_core::ports::CapacityPolicy) port.
//!
//! | policy | spot replicas | on-demand replicas |
//! | --- | --- | --- |
//! | [`OnDemandOnly`] | none | the target |
//! | [`SpotOnly`] | the target, in one zone, spread, or in turn | none, or what is missing |
//! | [`SpotHedge`] | the target and a margin, away from zones that preempted | what is missing |
//! | [`Foresight`] | the target, where they live longest | what will be missing |
//!
//! [`SpotPlacer`] is where `SkyServe` puts the next spot replica; [`SpotHedge`] asks it.

mod foresight;
mod hedge;
mod plain;
mod spot_placer;
mod stand_in;

pub use foresight::{Foresight, Future};
pub use hedge::{Order, SpotHedge};
pub use plain::{OnDemandOnly, SpotOnly, Where};
pub use spot_placer::SpotPlacer;
