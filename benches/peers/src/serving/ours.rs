//! flashcrowd, with its histograms, series and bill.

use super::{DECODE_MS, Found, OUTPUT, PREFILL_MS, PROMPT, RATE, REPLICAS, arrivals_s};
use flashcrowd_benches::worlds::Model;
use flashcrowd_core::ports::{Arrival, ArrivalSource, LatencyPart, Maker, SourceError};
use flashcrowd_core::serving::{Coefficients, Discipline, EngineConfig, Knee, ServiceConfig, TimeModel};
use flashcrowd_core::traffic::Traffic;
use flashcrowd_core::simulation::World;
use flashcrowd_core::{SimDuration, SimTime, Simulation};
use flashcrowd_policies::routers::replicas::RoundRobin;

struct Arrivals<I> {
    at_s: I,
    left: u64,
}

impl<I: Iterator<Item = f64> + Send> ArrivalSource for Arrivals<I> {
    fn next_arrival(&mut self) -> Result<Option<Arrival>, SourceError> {
        self.left = match self.left.checked_sub(1) {
            Some(left) => left,
            None => return Ok(None),
        };
        let at = self.at_s.next().map(|s| SimTime::ZERO + SimDuration::from_s_f64(s));
        Ok(at.map(|at| Arrival { at, prompt_tokens: PROMPT, output_tokens: OUTPUT, service_time: None }))
    }
}

pub fn play(requests: u64) -> Found {
    // The peer adds the time of the prefills of a pass and that of its decodes.
    let law = Coefficients {
        weights_ms: DECODE_MS,
        token_ms: PREFILL_MS / f64::from(PROMPT),
        ..Coefficients::default()
    };
    let law = TimeModel::new(&law, Knee::Linear).expect("a valid law");
    let plain = Model::cluster(REPLICAS, requests);
    let mut world: World = plain.world(false);
    world.horizon = SimTime::ZERO + SimDuration::from_s_f64(requests as f64 / RATE * 1.05 + 600.0);
    world.services = vec![ServiceConfig {
        discipline: Discipline::ContinuousBatch(EngineConfig {
            max_sequences: 256,
            prefix_caching: false,
            ..EngineConfig::new(law, 16_384)
        }),
        network: None,
        router: Maker::of("round robin", RoundRobin::default()),
        ..plain.service()
    }];
    world.clients[0].traffic = Traffic::Open(Box::new(Arrivals { at_s: arrivals_s(), left: requests }));
    let record = Simulation::new(world).run().expect("within the limits");
    let latency = &record.services[0].latency;
    Found {
        completed: record.clients[0].requests.completed,
        ttft_ms: latency.mean_s(LatencyPart::TimeToFirstToken) * 1e3,
        e2e_ms: latency.mean_s(LatencyPart::EndToEnd) * 1e3,
    }
}
