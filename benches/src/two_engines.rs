//! Two token-level services on the same GPUs: on each replica of one an engine of the other is resident,
//! and the two take turns by whole iterations.

use crate::llm::Llm;
use flashcrowd_core::clock::Seed;
use flashcrowd_core::serving::ServiceConfig;
use flashcrowd_core::simulation::World;
use flashcrowd_core::traffic::{ClientConfig, Traffic};
use flashcrowd_core::units::Bytes;

/// Names of services and of their clients.
const NAMES: [&str; 2] = ["owner", "resident"];

/// Replicas, each with an engine of each service.
const REPLICAS: u32 = 64;

/// Sequences that would decode in each replica, if one service had all traffic.
const BATCH: u32 = 12;

/// Two services that share the GPUs of 64 replicas, half of the traffic to each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TwoEngines {
    /// Requests that arrive, of both together.
    pub requests: u64,
    /// Whether iterations with one batch are played at once.
    pub leaps: bool,
}

impl TwoEngines {
    /// The world: as that of a row of one service, but for what is shared.
    ///
    /// # Panics
    /// Never: the laws and the rates are valid.
    pub fn world(&self) -> World {
        let whole =
            Llm { replicas: REPLICAS, batch: BATCH, requests: self.requests, experts: false, leaps: self.leaps };
        let plain = whole.world();
        World {
            seed: Seed::new(1),
            services: (0..2).map(|at| service(at, &whole)).collect(),
            clients: (0..2).map(|at| client(at, &whole)).collect(),
            ..plain
        }
    }
}

fn service(at: usize, whole: &Llm) -> ServiceConfig {
    ServiceConfig {
        name: NAMES[at].into(),
        resident_on: (at > 0).then_some(0),
        memory_per_gpu: Bytes::gib(36),
        ..whole.service(whole.cluster().service())
    }
}

fn client(at: usize, whole: &Llm) -> ClientConfig {
    let requests = whole.requests.div_ceil(2);
    let source = Llm { requests, ..*whole }.arrivals_at(whole.rate() / 2.0, NAMES[at]);
    ClientConfig {
        name: format!("client of {}", NAMES[at]).into(),
        service: at as u32,
        traffic: Traffic::Open(Box::new(source)),
        ..whole.cluster().client()
    }
}
