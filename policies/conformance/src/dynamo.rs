//! The runner of the reference vectors: runs of the planner's own functions, one decision a line.

#[cfg(test)]
mod tests;

use crate::outcome::{Outcome, VectorError, parse};
use flashcrowd_policies::autoscalers::dynamo::{Component, EngineLoad, LoadThresholds, Reason, Role, Rules, Target};
use serde::Deserialize;

#[derive(Deserialize)]
struct Line {
    id: String,
    role: String,
    optimization_target: String,
    num_workers: u32,
    pending_startup: u32,
    min_endpoint: u32,
    context_length: Option<f64>,
    max_kv_tokens: Option<f64>,
    prefill_scale_up_queue_tokens: Option<f64>,
    prefill_scale_down_queue_tokens: Option<f64>,
    decode_scale_up_kv_rate: Option<f64>,
    decode_scale_down_kv_rate: Option<f64>,
    engines_sched_kv_queued_kv_queued_prefill: Vec<(f64, f64, f64)>,
    out: Option<u32>,
    reason: Option<String>,
}

/// One line of `dynamo_easy_load`: one decision of the inner function.
///
/// ```
/// let line = r#"{"id":"one","role":"prefill","optimization_target":"latency","num_workers":2,
/// "pending_startup":0,"min_endpoint":1,"context_length":8192,"max_kv_tokens":100000,
/// "prefill_scale_up_queue_tokens":null,"prefill_scale_down_queue_tokens":null,
/// "decode_scale_up_kv_rate":null,"decode_scale_down_kv_rate":null,
/// "engines_sched_kv_queued_kv_queued_prefill":[[0,0,900],[0,0,0]],"out":3,"reason":null}"#;
/// let outcome = flashcrowd_conformance::dynamo::dynamo_easy_load(line)?;
/// assert_eq!((outcome.checks, outcome.failures.len()), (2, 0));
/// # Ok::<(), flashcrowd_conformance::VectorError>(())
/// ```
///
/// # Errors
/// If the line is not JSON or not of this form.
pub fn dynamo_easy_load(line: &str) -> Result<Outcome, VectorError> {
    run(line, Rules::REAL)
}

fn run(line: &str, rules: Rules) -> Result<Outcome, VectorError> {
    let line: Line = parse(line)?;
    let unknown = |what: &str, word: &str| VectorError::new(&line.id, format!("unknown {what} \"{word}\""));
    let component = Component {
        role: match line.role.as_str() {
            "prefill" => Role::Prefill,
            "decode" => Role::Decode,
            "agg" => Role::Aggregated,
            other => return Err(unknown("role", other)),
        },
        target: match line.optimization_target.as_str() {
            "throughput" => Target::Throughput,
            "latency" => Target::Latency,
            "load" => Target::Load,
            other => return Err(unknown("optimization target", other)),
        },
        workers: line.num_workers,
        pending: line.pending_startup,
        min_endpoint: line.min_endpoint,
        context_length: line.context_length,
        max_kv_tokens: line.max_kv_tokens,
        thresholds: LoadThresholds {
            prefill_up_tokens: line.prefill_scale_up_queue_tokens,
            prefill_down_tokens: line.prefill_scale_down_queue_tokens,
            decode_up_percent: line.decode_scale_up_kv_rate,
            decode_down_percent: line.decode_scale_down_kv_rate,
        },
    };
    let engines: Vec<EngineLoad> = line
        .engines_sched_kv_queued_kv_queued_prefill
        .iter()
        .map(|&(scheduled_kv, queued_kv, queued_prefill)| EngineLoad { scheduled_kv, queued_kv, queued_prefill })
        .collect();
    let found = component.decide_with(&engines, rules);
    let mut outcome = Outcome::default();
    outcome.compare(&line.id, "out", &line.out, &found.ok());
    let reason = found.err().map(Reason::name);
    outcome.compare(&line.id, "reason", &line.reason.as_deref(), &reason);
    Ok(outcome)
}
