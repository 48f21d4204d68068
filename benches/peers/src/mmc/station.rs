//! What the peers have in common: the draws, the queue before the servers, and what is counted.

use flashcrowd_core::clock::{Distribution, Seed, Stream};
use std::collections::VecDeque;

/// Servers.
pub const SERVERS: u32 = 16;
/// Arrivals per second, at a mean service of one second.
pub const RATE: f64 = 0.7 * SERVERS as f64;

/// A finished run.
#[derive(Clone, Copy, Debug)]
pub struct Played {
    pub completed: u64,
    pub mean_wait_s: f64,
    pub cpu_s: f64,
}

impl Played {
    pub fn requests_per_cpu_s(&self) -> f64 {
        self.completed as f64 / self.cpu_s
    }
}

/// Gaps between arrivals and service times.
#[derive(Clone, Debug)]
pub struct Draws {
    gaps: Stream,
    sizes: Stream,
}

impl Draws {
    pub fn new() -> Self {
        Draws { gaps: Seed::new(1).stream("gaps"), sizes: Seed::new(1).stream("sizes") }
    }

    pub fn gap_s(&mut self) -> f64 {
        Distribution::Exponential { mean: 1.0 / RATE }.sample(&mut self.gaps)
    }

    pub fn service_s(&mut self) -> f64 {
        Distribution::Exponential { mean: 1.0 }.sample(&mut self.sizes)
    }
}

/// The queue before the servers, by an engine's own clock in seconds.
#[derive(Clone, Debug, Default)]
pub struct Station {
    running: u32,
    waiting: VecDeque<f64>,
    started: u64,
    pub completed: u64,
    waited_s: f64,
}

impl Station {
    /// A request arrives; true if it starts at once.
    pub fn arrive(&mut self, now: f64) -> bool {
        if self.running < SERVERS {
            self.running += 1;
            self.started += 1;
            return true;
        }
        self.waiting.push_back(now);
        false
    }

    /// A server is free; true if it starts the next request.
    pub fn finish(&mut self, now: f64) -> bool {
        self.completed += 1;
        let Some(arrived) = self.waiting.pop_front() else {
            self.running -= 1;
            return false;
        };
        self.started += 1;
        self.waited_s += now - arrived;
        true
    }

    pub fn mean_wait_s(&self) -> f64 {
        self.waited_s / self.started as f64
    }
}
