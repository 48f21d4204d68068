//! Plays a scenario of the spot placer.

use super::{Outcome, VectorError};
use flashcrowd_policies::capacity::SpotPlacer;
use serde::Deserialize;

#[derive(Clone, Debug, Deserialize)]
pub(super) struct Scenario {
    id: String,
    costs: Vec<f64>,
    ops: Vec<Operation>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "op", rename_all = "lowercase")]
enum Operation {
    Select { current: Vec<usize>, selected: usize },
    Preempt { location: usize, active_after: Vec<usize> },
    Active { location: usize, active_after: Vec<usize> },
}

/// Plays one line.
pub(super) fn run(line: &str) -> Result<Outcome, VectorError> {
    let scenario: Scenario =
        serde_json::from_str(line).map_err(|error| VectorError::new("malformed line", error.to_string()))?;
    let placer = SpotPlacer::new(scenario.costs.clone());
    Ok(play(&scenario, placer))
}

fn play(scenario: &Scenario, mut placer: SpotPlacer) -> Outcome {
    let mut outcome = Outcome::default();
    for (index, operation) in scenario.ops.iter().enumerate() {
        let place = format!("{} op {index}", scenario.id);
        match operation {
            Operation::Select { current, selected } => {
                outcome.compare(&place, "selected", &Some(*selected), &placer.select(current));
            }
            Operation::Preempt { location, active_after } => {
                placer.preempted(*location);
                outcome.compare(&place, "active_after", active_after, &placer.active());
            }
            Operation::Active { location, active_after } => {
                placer.succeeded(*location);
                outcome.compare(&place, "active_after", active_after, &placer.active());
            }
        }
    }
    outcome
}

/// Plays one line with a placer that keeps another number of locations active.
#[cfg(test)]
pub(super) fn run_with_fewest(line: &str, fewest_active: usize) -> Outcome {
    let scenario: Scenario = serde_json::from_str(line).expect("a scenario");
    let mut placer = SpotPlacer::new(scenario.costs.clone());
    placer.fewest_active = fewest_active;
    play(&scenario, placer)
}
