//! How a policy answers load: calm under a constant one, and never with less for more.

use super::Broken;
use super::breach::Breach;
use super::search::{broken, changes, search, search_worlds};
use crate::Subject;
use crate::shapes::{constant, ramps, steps};
use crate::world::SmallWorld;
use flashcrowd_core::SimTime;
use flashcrowd_core::ledger::RunRecord;
use proptest::prelude::*;

/// For how long a constant load is watched after the policy had time to settle, in seconds.
const WATCHED_S: u32 = 1_800;

/// Under a constant load, `settle_s` seconds after the start, the direction of changes turns at most
/// `reversals` times in half an hour. Arrivals are Poisson: a policy that follows each of their waves
/// claims more than zero.
///
/// # Errors
/// The smallest world found in which it turns more often.
pub fn no_oscillation(subject: &Subject, settle_s: u32, reversals: usize) -> Result<(), Broken> {
    let worlds = constant().prop_map(move |world| SmallWorld { horizon_s: settle_s + WATCHED_S, ..world });
    search_worlds("no_oscillation", subject, worlds, |world| {
        let record = world.play(subject)?;
        let from = SimTime::from_s(u64::from(settle_s));
        let later = changes(&record.decisions).filter(|decision| decision.at >= from);
        let ups: Vec<bool> = later.map(|decision| decision.after > decision.before).collect();
        let turns = ups.windows(2).filter(|pair| pair[0] != pair[1]).count();
        if turns <= reversals {
            return Ok(());
        }
        let rate = world.steps[0].1;
        Err(Breach::Oscillates { rate, turns, settle_s, claimed: reversals })
    })
}

/// Where each rate is several times as high, the mean number of ready replicas is no lower than before,
/// up to `tolerance` replicas.
///
/// # Errors
/// The smallest two worlds found in which it is lower.
pub fn monotone(subject: &Subject, tolerance: f64) -> Result<(), Broken> {
    let worlds = (prop_oneof![constant(), steps(), ramps()], 2_u32..6);
    let found = search(worlds, |(world, factor)| {
        let more = times(world, *factor);
        let (less, more) = (mean(&world.play(subject)?), mean(&more.play(subject)?));
        if more + tolerance >= less {
            return Ok(());
        }
        Err(Breach::FewerForMore { factor: *factor, more, less })
    });
    match found {
        None => Ok(()),
        Some(((world, factor), reason)) => {
            let more = times(&world, factor);
            Err(broken("monotone", reason, subject, &world, &[("more load", &more)]))
        }
    }
}

fn times(world: &SmallWorld, factor: u32) -> SmallWorld {
    let steps = world.steps.iter().map(|&(at_s, rate)| (at_s, rate * factor)).collect();
    SmallWorld { steps, ..world.clone() }
}

fn mean(record: &RunRecord) -> f64 {
    record.services[0].ready_replica_s / record.ended.as_s_f64()
}
