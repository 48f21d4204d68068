//! Cost: no policy keeps the SLO as well for less money than one that knows the arrivals.

use super::Broken;
use super::breach::Breach;
use super::search::search_worlds;
use crate::Subject;
use crate::shapes::{constant, ramps, steps};
use crate::world::SmallWorld;
use flashcrowd_core::ledger::RunRecord;
use proptest::prelude::*;

/// What the bound is up to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CostClaim {
    /// At which share of its capacity a replica still keeps the SLO, in (0, 1]. Claimed too low, the
    /// bound buys more than is needed, and the law breaks.
    pub utilization: f64,
    /// By which share a bill may be below the bound's. The clairvoyant scaler averages arrivals over a
    /// minute and holds what the next start-up and period will need: a policy that lets a wave wait
    /// within the SLO is cheaper by that much.
    pub tolerance: f64,
}

impl Default for CostClaim {
    /// Full capacity, and a tenth: of 1,800 worlds under a dozen policies, none was cheaper at all.
    fn default() -> Self {
        CostClaim { utilization: 1.0, tolerance: 0.1 }
    }
}

/// A bill for the service below that of the clairvoyant scaler in the same world, at a share of requests
/// within the SLO that is no lower, is a sign of a false claim: of the capacity, or of what was served.
/// Requests that never end count as late.
///
/// # Errors
/// The smallest world found in which that happens.
pub fn cost_bound(subject: &Subject, claim: CostClaim) -> Result<(), Broken> {
    let worlds = prop_oneof![constant(), steps(), ramps()];
    search_worlds("cost_bound", subject, worlds, |world| {
        let bound = world.play_with(subject, &clairvoyant(world, claim))?;
        let own = world.play(subject)?;
        // A replica that is still starting when the run ends is not a saving.
        let slack = PRICE_PER_S * f64::from(world.start_s + 60);
        let (kept, bound_kept) = (kept(&own), kept(&bound));
        let (cost, bound_cost) = (cost(&own), cost(&bound));
        if kept < bound_kept || cost + slack >= bound_cost * (1.0 - claim.tolerance) {
            return Ok(());
        }
        Err(Breach::TooCheap { kept, cost, bound_kept, bound_cost, utilization: claim.utilization })
    })
}

/// Of the worlds' GPUs: two dollars an hour.
const PRICE_PER_S: f64 = 2.0 / 3_600.0;

fn clairvoyant(world: &SmallWorld, claim: CostClaim) -> String {
    let (rate, lead_s) = (world.capacity_per_s() * claim.utilization, world.start_s);
    format!(
        "Clairvoyant(rate_per_replica: {rate:?}, lead: \"{lead_s}s\", window: \"60s\", min: 0, max: {})",
        crate::world::GPUS
    )
}

/// Share of the requests that came which were served in time.
fn kept(record: &RunRecord) -> f64 {
    let arrived: u64 = record.clients.iter().map(|client| client.requests.arrived).sum();
    if arrived == 0 { 1.0 } else { record.services[0].latency.slos[0].good as f64 / arrived as f64 }
}

fn cost(record: &RunRecord) -> f64 {
    record.bill.usd(|line| line.service == Some(0))
}
