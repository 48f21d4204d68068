//! Determinism: on the same observations a policy makes the same decisions, and it does not panic.

use super::Broken;
use super::breach::Breach;
use super::search::{search, search_worlds};
use crate::Subject;
use crate::observations::history;
use crate::shapes::any_world;
use crate::world::SmallWorld;
use flashcrowd_core::ports::{Controller, Observation};

/// A world that is played twice goes the same way twice.
///
/// # Errors
/// The smallest world found in which it does not.
pub fn determinism(subject: &Subject) -> Result<(), Broken> {
    search_worlds("determinism", subject, any_world(), |world| {
        let (first, again) = (world.play(subject)?, world.play(subject)?);
        let differs = first.decisions.iter().zip(&again.decisions).find(|(a, b)| a != b);
        match differs {
            Some((a, b)) if a.at == b.at => Err(Breach::WritesOtherwise { at: a.at, was: a.after, is: b.after }),
            Some((a, b)) => Err(Breach::DecidesAtOtherTimes { first: a.at, again: b.at }),
            None if first.digest == again.digest => Ok(()),
            None => Err(Breach::Digests),
        }
    })
}

/// On any observations that are valid, however strange, it does not panic, and a second policy that was
/// made like it gives the same answers.
///
/// # Errors
/// The shortest history found on which it does.
///
/// # Panics
/// If the policy cannot be made.
pub fn robust(subject: &Subject) -> Result<(), Broken> {
    // A policy may have several controllers: each is checked alone.
    for (index, sample) in controllers(subject).iter().enumerate() {
        let found = search(history(sample, 8), |history| {
            let mut twins = [controllers(subject).swap_remove(index), controllers(subject).swap_remove(index)];
            for seen in history {
                let [first, second] = twins.each_mut().map(|twin| twin.policy.decide(seen));
                if first != second {
                    return Err(Breach::Twin { first: Box::new(first), second: Box::new(second) });
                }
            }
            Ok(())
        });
        if let Some((history, reason)) = found {
            return Err(Broken { law: "robust", reason, scenario: None, observations: shown(&history) });
        }
    }
    Ok(())
}

fn shown(history: &[Observation]) -> String {
    history.iter().map(|seen| format!("{seen:#?}")).collect::<Vec<_>>().join("\n")
}

/// The policy alone, as the world makes it.
fn controllers(subject: &Subject) -> Vec<Controller> {
    let world = SmallWorld {
        seed: 1,
        horizon_s: 60,
        steps: vec![(0, 60)],
        ramp: false,
        service_ms: 200,
        concurrency: 1,
        start_s: 0,
        replicas: 1,
        scrape_failure_percent: 0,
    };
    let made = world.build(subject).unwrap_or_else(|error| panic!("{error}"));
    made.controllers
}
