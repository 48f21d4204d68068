//! Plays the life of a decider.

use crate::outcome::{Outcome, VectorError, parse};
use flashcrowd_policies::autoscalers::knative::{Aggregation, Decider, DeciderSpec, Rules};
use serde::Deserialize;

const NS_PER_MS: i64 = 1_000_000;
const NS_PER_S: i64 = 1_000_000_000;
/// Averages are rounded to six digits there, and a power may differ in its last bit.
const NEAR: f64 = 2e-6;
/// Longest window that a line may ask for.
const MOST_WINDOW_S: u32 = 86_400;

#[derive(Deserialize)]
struct Line {
    id: String,
    spec: Spec,
    events: Vec<Event>,
}

#[derive(Deserialize)]
struct Spec {
    metric: String,
    aggregation: String,
    target_value: f64,
    total_value: f64,
    target_burst_capacity: f64,
    panic_threshold: f64,
    max_scale_up_rate: f64,
    max_scale_down_rate: f64,
    stable_window_s: u32,
    panic_window_ms: u32,
    scale_down_delay_s: f64,
    activation_scale: i32,
    reachable: bool,
    initial_ready: u32,
}

#[derive(Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
enum Event {
    Stat {
        t_ms: i64,
        concurrency: f64,
        rps: f64,
    },
    Scale {
        t_ms: i64,
        ready: u32,
        valid: bool,
        in_panic: bool,
        max_panic_pods: i32,
        stable: Option<f64>,
        panic: Option<f64>,
        desired: Option<i32>,
        ebc: Option<i32>,
    },
}

impl Spec {
    fn decider(&self, place: &str, rules: Rules) -> Result<DeciderSpec, VectorError> {
        let panic_window_s = self.panic_window_ms.div_ceil(1000);
        if self.stable_window_s > MOST_WINDOW_S || panic_window_s > MOST_WINDOW_S {
            return Err(VectorError::new(place, format!("a window above {MOST_WINDOW_S} s")));
        }
        let aggregation = match self.aggregation.as_str() {
            "linear" | "weighted-exponential" => Aggregation::from_text(&self.aggregation),
            other => return Err(VectorError::new(place, format!("unknown aggregation \"{other}\""))),
        };
        Ok(DeciderSpec {
            aggregation,
            target_value: self.target_value,
            total_value: self.total_value,
            target_burst_capacity: self.target_burst_capacity,
            panic_threshold: self.panic_threshold,
            max_scale_up_rate: self.max_scale_up_rate,
            max_scale_down_rate: self.max_scale_down_rate,
            stable_window_s: self.stable_window_s,
            panic_window_s,
            scale_down_delay_ns: (self.scale_down_delay_s * NS_PER_S as f64) as i64,
            activation_scale: self.activation_scale,
            reachable: self.reachable,
            max_scale: 0,
            rules,
        })
    }
}

pub(super) fn run(line: &str, rules: Rules) -> Result<Outcome, VectorError> {
    let line: Line = parse(line)?;
    let is_rps = match line.spec.metric.as_str() {
        "concurrency" => false,
        "rps" => true,
        other => return Err(VectorError::new(&line.id, format!("unknown metric \"{other}\""))),
    };
    let mut decider = Decider::new(line.spec.decider(&line.id, rules)?, 0, line.spec.initial_ready);
    let mut outcome = Outcome::default();
    for event in &line.events {
        match *event {
            Event::Stat { t_ms, concurrency, rps } => {
                decider.record(t_ms.saturating_mul(NS_PER_MS), if is_rps { rps } else { concurrency });
            }
            Event::Scale { t_ms, ready, valid, in_panic, max_panic_pods, stable, panic, desired, ebc } => {
                let place = format!("{} t={t_ms}", line.id);
                let found = decider.decide(t_ms.saturating_mul(NS_PER_MS), ready);
                outcome.compare(&place, "valid", &valid, &found.is_some());
                outcome.compare_near(&place, "stable", stable, found.map(|verdict| verdict.stable), NEAR);
                outcome.compare_near(&place, "panic", panic, found.map(|verdict| verdict.panic), NEAR);
                outcome.compare(&place, "desired", &desired, &found.map(|verdict| verdict.desired));
                outcome.compare(&place, "ebc", &ebc, &found.map(|verdict| verdict.excess_burst_capacity));
                outcome.compare(&place, "in_panic", &in_panic, &decider.in_panic());
                outcome.compare(&place, "max_panic_pods", &max_panic_pods, &decider.max_panic_pods());
            }
        }
    }
    Ok(outcome)
}
