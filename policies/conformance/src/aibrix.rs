//! The runner of the reference vectors: runs of `AIBrix`'s own functions, one decision a line.

#[cfg(test)]
mod tests;

use crate::outcome::{Outcome, VectorError, parse};
use flashcrowd_policies::autoscalers::aibrix::{Algorithms, Rules, Settings};
use serde::Deserialize;

#[derive(Deserialize)]
struct Line {
    id: String,
    #[serde(rename = "in")]
    input: Input,
    desired: i32,
    in_panic: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Input {
    algorithm: String,
    current_replicas: i32,
    min_replicas: i32,
    max_replicas: i32,
    target: f64,
    stable_value: f64,
    panic_value: f64,
    up_tolerance: f64,
    down_tolerance: f64,
    max_scale_up_rate: f64,
    max_scale_down_rate: f64,
    panic_threshold: f64,
}

/// One line of `aibrix_algorithms`: a decision with a fresh context.
///
/// ```
/// let line = r#"{"id":"one","in":{"algorithm":"apa","current_replicas":4,"min_replicas":1,
/// "max_replicas":5,"target":50,"stable_value":24.7,"panic_value":34.4,"up_tolerance":0.1,
/// "down_tolerance":0.2,"max_scale_up_rate":1.5,"max_scale_down_rate":2,"panic_threshold":2},
/// "desired":2,"in_panic":false}"#;
/// let outcome = flashcrowd_conformance::aibrix::aibrix_algorithms(line)?;
/// assert_eq!((outcome.checks, outcome.failures.len()), (2, 0));
/// # Ok::<(), flashcrowd_conformance::VectorError>(())
/// ```
///
/// # Errors
/// If the line is not JSON or not of this form.
pub fn aibrix_algorithms(line: &str) -> Result<Outcome, VectorError> {
    run(line, Rules::REAL)
}

fn run(line: &str, rules: Rules) -> Result<Outcome, VectorError> {
    let line: Line = parse(line)?;
    let input = &line.input;
    let settings = Settings {
        min_replicas: input.min_replicas,
        max_replicas: input.max_replicas,
        target: input.target,
        up_tolerance: input.up_tolerance,
        down_tolerance: input.down_tolerance,
        max_scale_up_rate: input.max_scale_up_rate,
        max_scale_down_rate: input.max_scale_down_rate,
        panic_threshold: input.panic_threshold,
    };
    let algorithms = Algorithms { settings: &settings, rules };
    let found = match input.algorithm.as_str() {
        "apa" => algorithms.apa(input.current_replicas, input.stable_value),
        "kpa" => algorithms.kpa(input.current_replicas, input.stable_value, input.panic_value, 0),
        other => return Err(VectorError::new(&line.id, format!("unknown algorithm \"{other}\""))),
    };
    let mut outcome = Outcome::default();
    outcome.compare(&line.id, "desired", &line.desired, &found.desired);
    outcome.compare(&line.id, "in_panic", &line.in_panic, &found.in_panic);
    Ok(outcome)
}
