//! The same M/M/c on flashcrowd and on published simulation engines: requests per CPU-second of each.
//!
//! All play Poisson arrivals and exponential service of 16 servers at load 0.7, drawn by the same
//! generator (`SimPy` has its own). The peers only add up waits; flashcrowd keeps its histograms,
//! series and bill besides. A mean wait that is not that of Erlang's formula ends the program.

mod erlang;
mod nexosim_peer;
mod ours;
mod simcore_peer;
mod simpy_peer;
mod station;

use crate::RUNS;
use flashcrowd_benches::meter::median;
use serde_json::{Map, Value, json};
use station::{Played, SERVERS};

/// Plays so many requests on each engine.
pub fn compare(requests: u64) -> Value {
    let mut engines: Vec<(&str, Vec<Played>)> = vec![
        ("flashcrowd", repeat(|| Some(ours::play(requests)))),
        ("simcore", repeat(|| Some(simcore_peer::play(requests)))),
        ("nexosim", repeat(|| Some(nexosim_peer::play(requests)))),
    ];
    // An interpreter is some hundred times slower, so it plays a tenth.
    let simpy = repeat(|| simpy_peer::play(requests / 10));
    if simpy.is_empty() {
        eprintln!("SimPy is left out: python3 does not find it");
    } else {
        engines.push(("simpy", simpy));
    }
    table(&engines)
}

fn repeat(play: impl Fn() -> Option<Played>) -> Vec<Played> {
    (0..RUNS).filter_map(|_| play()).collect()
}

fn table(engines: &[(&str, Vec<Played>)]) -> Value {
    let expected = erlang::mean_wait(SERVERS, station::RATE, 1.0);
    let rate = |runs: &[Played]| median(runs.iter().map(Played::requests_per_cpu_s).collect());
    let ours = rate(&engines[0].1);
    let mut rows = Map::new();
    for (name, runs) in engines {
        let wait = runs[0].mean_wait_s;
        // A mean of correlated waits: a few percent at a million requests.
        let tolerance = 0.03 * (2e6 / runs[0].completed as f64).sqrt().max(1.0);
        assert!((wait / expected - 1.0).abs() < tolerance, "{name}: mean wait {wait}, by Erlang C {expected}");
        rows.insert(
            (*name).to_owned(),
            json!({
                "requests_per_cpu_s": rate(runs).round(),
                "flashcrowd_is_faster_by": (ours / rate(runs) * 10.0).round() / 10.0,
                "mean_wait_s": wait,
            }),
        );
    }
    rows.insert("erlang_c_mean_wait_s".to_owned(), json!(expected));
    Value::Object(rows)
}
