//! flashcrowd, with its histograms, series and bill.

use super::station::{Played, RATE, SERVERS};
use flashcrowd_benches::meter::cpu_seconds;
use flashcrowd_benches::worlds::Model;
use flashcrowd_core::Simulation;
use flashcrowd_core::clock::Distribution;
use flashcrowd_core::ports::LatencyPart;

pub fn play(requests: u64) -> Played {
    let model = Model { service: Distribution::Exponential { mean: 1.0 }, ..Model::mmc(SERVERS, requests) };
    assert!((model.rate() - RATE).abs() < 1e-9, "the same load");
    let (record, cpu_s) = cpu_seconds(|| Simulation::new(model.world(false)).run().expect("within the limits"));
    let mean_wait_s = record.services[0].latency.mean_s(LatencyPart::Queue);
    Played { completed: record.clients[0].requests.completed, mean_wait_s, cpu_s }
}
