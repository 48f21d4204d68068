//! One row of the throughput table: a model on the simulator and as a bare loop, in one process.

use crate::bare;
use crate::meter::{cpu_seconds, median, peak_rss_mib};
use crate::worlds::Model;
use flashcrowd_core::Simulation;
use serde_json::{Value, json};

/// The rows, in the order of the table.
pub const ROWS: [&str; 4] = ["mmc_16", "mmc_1024", "cluster_64", "cluster_1024"];

/// The model of a row, and whether controllers and scrapes run with it.
pub fn model(row: &str, requests: u64) -> Option<(Model, bool)> {
    let (kind, size) = row.split_once('_')?;
    let size = size.parse().ok().filter(|size| (1..=1 << 20).contains(size))?;
    match kind {
        "mmc" => Some((Model::mmc(size, requests), false)),
        "cluster" => Some((Model::cluster(size, requests), true)),
        _ => None,
    }
}

/// Runs a row and describes it: medians over `runs`.
///
/// # Panics
/// If the simulator and the bare loop disagree about the requests that they played, since then
/// their times could not be compared.
pub fn measure(row: &str, requests: u64, runs: usize) -> Option<Value> {
    let (model, controlled) = model(row, requests)?;
    let (mut simulated_s, mut bare_s) = (Vec::new(), Vec::new());
    for _ in 0..runs.max(1) {
        let (record, seconds) = cpu_seconds(|| Simulation::new(model.world(controlled)).run().expect("no limits"));
        simulated_s.push(seconds);
        let (outcome, seconds) = cpu_seconds(|| bare::run(&model));
        bare_s.push(seconds);
        let latency = &record.services[0].latency.e2e;
        assert_eq!(latency.len(), outcome.completed, "{row}: the models differ");
        assert_eq!(*latency, outcome.latency_us, "{row}: the models differ");
    }
    let per_s = |seconds| requests as f64 / median(seconds);
    let (simulated, bare) = (per_s(simulated_s), per_s(bare_s));
    Some(json!({
        "requests_per_cpu_s": simulated.round(),
        "bare_requests_per_cpu_s": bare.round(),
        "ratio": (simulated / bare * 1e3).round() / 1e3,
        "peak_rss_mib": peak_rss_mib().map(|mib| (mib * 10.0).round() / 10.0),
    }))
}
