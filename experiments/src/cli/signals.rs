//! `flashcrowd signals`: what names of metrics can be bound to, and what known names stand for.

use super::args::{Format, SignalsArgs};
use super::outcome::{Outcome, print};
use crate::report::columns;
use flashcrowd_policies::metrics::{KnownMetric, Signal, known_metrics, known_times, signals, unsupported_metrics};
use serde_json::{Value, json};
use std::fmt::Write as _;

pub(super) fn list(args: &SignalsArgs) -> Outcome {
    match args.format {
        Format::Json => print(&serde_json::to_string_pretty(&json()).unwrap_or_default())?,
        Format::Text => print(&text())?,
    }
    Ok(0)
}

/// The `serving` of services that have it.
fn serving(is_of_tokens: bool) -> &'static str {
    if is_of_tokens { "ContinuousBatch" } else { "any" }
}

fn row(cells: [&str; 5]) -> Vec<String> {
    cells.map(str::to_owned).to_vec()
}

fn text() -> String {
    let mut text = String::new();
    let mut rows = vec![row(["signal", "unit", "serving", "of the service", "what it measures"])];
    rows.extend(signals().iter().map(|signal| {
        let word = format!("{}{}", signal.word, if signal.takes_percentile() { "*" } else { "" });
        row([&word, signal.unit, serving(signal.is_of_tokens()), signal.of_service, signal.about])
    }));
    text.push_str(&columns(&rows, &[]));
    text.push_str("* or any other percentile: LatencyP50, LatencyP99.9. Percentiles and rates are over 1m.\n");
    text.push_str("A metric of pods (Pods, Resource) has each pod's own value; others have that of the service.\n");

    let mut rows = vec![row(["metric that is known", "stands for", "times", "in", "exported by"])];
    rows.extend(known_metrics().iter().map(|known| {
        let by = if known.is_of_pods() { "pods" } else { "" };
        row([known.name, &known.word(), &known.scale.to_string(), known.unit(), by])
    }));
    let _ = write!(text, "\n{}", columns(&rows, &[]));
    text.push_str("What only pods export has no series while there is no pod.\n");
    let times: Vec<&str> = known_times().collect();
    text.push_str("A time with a percentile is known by its words in any order, such as p99_latency_ms:\n");
    for some in times.chunks(6) {
        let _ = writeln!(text, "  {}", some.join(" "));
    }

    let mut rows = vec![["metric that is not offered", "it is"].map(str::to_owned).to_vec()];
    rows.extend(unsupported_metrics().iter().map(|metric| vec![metric.name.to_owned(), metric.why.to_owned()]));
    let _ = write!(text, "\n{}", columns(&rows, &[]));
    text
}

fn json() -> Value {
    let signal = |signal: &Signal| {
        json!({
            "signal": signal.word,
            "any_percentile": signal.takes_percentile(),
            "unit": signal.unit,
            "serving": serving(signal.is_of_tokens()),
            "of_service": signal.of_service,
            "about": signal.about,
        })
    };
    let metric = |known: &KnownMetric| {
        json!({
            "metric": known.name,
            "signal": known.word(),
            "factor": known.scale,
            "unit": known.unit(),
            "serving": serving(known.is_of_tokens()),
            "pods_only": known.is_of_pods(),
        })
    };
    let times: Vec<&str> = known_times().collect();
    let not_offered = unsupported_metrics().iter().map(|metric| json!({ "metric": metric.name, "why": metric.why }));
    json!({
        "schema": "flashcrowd/signals/1",
        "signals": signals().iter().map(signal).collect::<Vec<_>>(),
        "metrics": known_metrics().iter().map(metric).collect::<Vec<_>>(),
        "times": times,
        "not_offered": not_offered.collect::<Vec<_>>(),
    })
}
