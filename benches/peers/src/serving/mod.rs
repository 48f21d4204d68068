//! LLM serving on flashcrowd and on `aisimulate-core`: 8 replicas with round robin, Poisson 32
//! requests/s, 500 tokens in and 200 out, a prefill of 35 ms and decode steps of 13 ms.
//!
//! Each engine plays in a process of its own, so that its peak memory is its own; memory a request
//! is what twice as many requests add. Latencies that differ by more than a few percent end the
//! program: then the two would not have played the same.

mod aisimulate_peer;
mod ours;

use crate::RUNS;
use flashcrowd_benches::meter::{cpu_seconds, median, peak_rss_mib};
use rand_distr::{Distribution, Exp};
use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::SeedableRng;
use serde_json::{Map, Value, json};
use std::process::Command;

const REPLICAS: u32 = 8;
const RATE: f64 = 32.0;
const PROMPT: u32 = 500;
const OUTPUT: u32 = 200;
const PREFILL_MS: f64 = 35.0;
const DECODE_MS: f64 = 13.0;

/// What an engine found.
struct Found {
    completed: u64,
    ttft_ms: f64,
    e2e_ms: f64,
}

/// Instants of the arrivals in seconds, equal for both.
fn arrivals_s() -> impl Iterator<Item = f64> + Send {
    let mut draws = Xoshiro256PlusPlus::seed_from_u64(1);
    let gap = Exp::new(RATE).expect("a positive rate");
    let mut at_s = 0.0;
    std::iter::repeat_with(move || {
        at_s += gap.sample(&mut draws);
        at_s
    })
}

/// Plays so many requests on one engine, in this process.
pub fn play(engine: &str, requests: u64) -> Value {
    let (found, cpu_s) = match engine {
        "flashcrowd" => cpu_seconds(|| ours::play(requests)),
        "aisimulate-core" => {
            // Its requests are all in memory before it starts; only its run is timed.
            let replay = aisimulate_peer::prepare(requests);
            cpu_seconds(|| aisimulate_peer::play(replay))
        }
        _ => panic!("there is no engine {engine}"),
    };
    json!({
        "completed": found.completed,
        "requests_per_cpu_s": found.completed as f64 / cpu_s,
        "mean_ttft_ms": found.ttft_ms,
        "mean_e2e_ms": found.e2e_ms,
        "peak_rss_mib": peak_rss_mib(),
    })
}

fn in_child(engine: &str, requests: u64) -> Value {
    let program = std::env::current_exe().expect("this program");
    let output = Command::new(program).args(["serving", &requests.to_string(), engine]).output().expect("it starts");
    assert!(output.status.success(), "{engine}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("one JSON object")
}

/// Plays so many requests on each engine; flashcrowd plays fifty times as many, to be measurable.
pub fn compare(requests: u64) -> Value {
    let mut rows = Map::new();
    for (engine, requests) in [("flashcrowd", requests * 50), ("aisimulate-core", requests)] {
        let runs: Vec<Value> = (0..RUNS).map(|_| in_child(engine, requests)).collect();
        let figure = |run: &Value, name: &str| run[name].as_f64().unwrap_or(f64::NAN);
        let twice = in_child(engine, 2 * requests);
        let added_mib = figure(&twice, "peak_rss_mib") - figure(&runs[0], "peak_rss_mib");
        let rates = runs.iter().map(|run| figure(run, "requests_per_cpu_s")).collect();
        assert_eq!(runs[0]["completed"], requests, "{engine}");
        rows.insert(
            engine.to_owned(),
            json!({
                "requests": requests,
                "requests_per_cpu_s": median(rates).round(),
                "mean_ttft_ms": figure(&runs[0], "mean_ttft_ms"),
                "mean_e2e_ms": figure(&runs[0], "mean_e2e_ms"),
                "peak_rss_mib": figure(&runs[0], "peak_rss_mib"),
                "bytes_a_request": (added_mib * 1_048_576.0 / requests as f64).round(),
            }),
        );
    }
    let of = |engine: &str, name: &str| rows[engine][name].as_f64().unwrap_or(f64::NAN);
    for name in ["mean_ttft_ms", "mean_e2e_ms"] {
        let ratio = of("flashcrowd", name) / of("aisimulate-core", name);
        assert!((ratio - 1.0).abs() < 0.05, "{name} differs by a factor of {ratio}");
    }
    let faster = of("flashcrowd", "requests_per_cpu_s") / of("aisimulate-core", "requests_per_cpu_s");
    rows.insert("flashcrowd_is_faster_by".to_owned(), json!(faster.round()));
    Value::Object(rows)
}
