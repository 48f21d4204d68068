//! Recovery from zero: a service without replicas gets one when something arrives.

use super::Broken;
use super::breach::Breach;
use super::search::search_worlds;
use crate::Subject;
use crate::shapes::from_zero;
use crate::world::SmallWorld;
use proptest::strategy::Strategy;

/// Where a service has no replica and requests begin to arrive, one is ready no later than `within_s`
/// seconds and a start-up after that.
///
/// # Errors
/// The smallest world found in which none is.
pub fn recovery_from_zero(subject: &Subject, within_s: u32) -> Result<(), Broken> {
    // The run must be long enough to show the first ready replica.
    let worlds = from_zero().prop_map(move |world| SmallWorld { horizon_s: 600 + within_s + world.start_s, ..world });
    search_worlds("recovery_from_zero", subject, worlds, |world| {
        let record = world.play(subject)?;
        let first_s = f64::from(world.steps[1].0);
        // Rates are low: the first request itself may take its time.
        let first_s = record.series.iter().find(|row| row.arrived > 0).map_or(first_s, |row| row.at.as_s_f64());
        let last_s = first_s + f64::from(within_s + world.start_s) + SERIES_S;
        let mut rows = record.series.iter().filter(|row| row.at.as_s_f64() <= last_s);
        if rows.any(|row| row.ready > 0 && row.at.as_s_f64() >= first_s) {
            return Ok(());
        }
        Err(Breach::StaysAtZero { first_s, within_s, start_s: world.start_s })
    })
}

/// Seconds that a row of the series covers.
const SERIES_S: f64 = 15.0;
