//! No decision from the future: what arrives later changes nothing that was decided before.

use super::Broken;
use super::breach::Breach;
use super::search::{broken, search};
use crate::Subject;
use crate::shapes::{ramps, steps};
use crate::world::SmallWorld;
use flashcrowd_core::SimTime;
use proptest::prelude::*;

/// Two worlds whose load agrees up to an instant have the same decisions up to it.
///
/// # Errors
/// The smallest two worlds found in which they differ.
pub fn no_future(subject: &Subject) -> Result<(), Broken> {
    let pairs = (prop_oneof![steps(), ramps()], prop_oneof![Just(0_u32), 2_u32..8], 1_usize..4);
    let found = search(pairs, |(world, factor, kept)| {
        let (other, at) = with_another_future(world, *factor, *kept);
        let (first, second) = (world.play(subject)?, other.play(subject)?);
        let until = |record: &flashcrowd_core::ledger::RunRecord| {
            let before = record.decisions.iter().filter(|decision| decision.at < at);
            before.map(|decision| (decision.at, decision.before, decision.after)).collect::<Vec<_>>()
        };
        let (first, second) = (until(&first), until(&second));
        let differs = (0..first.len().max(second.len())).find(|&i| first.get(i) != second.get(i));
        let Some(i) = differs else { return Ok(()) };
        Err(Breach::Foresees { until: at, one: first.get(i).copied(), other: second.get(i).copied() })
    });
    match found {
        None => Ok(()),
        Some(((world, factor, kept), reason)) => {
            let (other, _) = with_another_future(&world, factor, kept);
            Err(broken("no_future", reason, subject, &world, &[("another future", &other)]))
        }
    }
}

/// The world with other rates after its first few steps, and the instant up to which both agree.
fn with_another_future(world: &SmallWorld, factor: u32, kept: usize) -> (SmallWorld, SimTime) {
    let kept = kept.min(world.steps.len() - 1);
    let mut steps = world.steps.clone();
    for step in &mut steps[kept..] {
        // A factor of zero stops the traffic; any other changes every rate, also one of zero.
        step.1 = if factor == 0 { 0 } else { step.1 * factor + 60 };
    }
    // On a ramp the two loads differ from the last kept step on.
    let last = if world.ramp { kept - 1 } else { kept };
    (SmallWorld { steps, ..world.clone() }, SimTime::from_s(u64::from(world.steps[last].0)))
}
