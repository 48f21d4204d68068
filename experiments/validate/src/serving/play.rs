//! Plays a measured point: the same window and the same client, against one simulated engine.

use super::error::PlayError;
use super::measures::Measures;
use super::point::{Client, Length, Metric, Point, Recorded, Window};
use crate::queueing::plant::pool;
use flashcrowd_core::clock::{Distribution, Seed, Stream};
use flashcrowd_core::ports::{Arrival, ArrivalSource, Maker, SourceError};
use flashcrowd_core::serving::{Discipline, EngineConfig, ServiceConfig, ServiceTime};
use flashcrowd_core::simulation::World;
use flashcrowd_core::traffic::{ClientConfig, RetryPolicy, Traffic};
use flashcrowd_core::units::Bytes;
use flashcrowd_core::{SimDuration, SimTime, Simulation};
use flashcrowd_policies::placement::Pack;
use flashcrowd_policies::routers::replicas::RoundRobin;
use flashcrowd_profiles::{Coefficients, EngineLimits, Memory, Profile};
use std::sync::Arc;

/// The metrics of a point, as the load generator would report them: the mean over `replicates`.
pub(super) fn play(point: &Point, profile: &Profile, replicates: u32) -> Result<Vec<(Metric, f64)>, PlayError> {
    let mut sums = vec![0.0; point.measured.len()];
    for replicate in 0..replicates {
        let (world, window_s) = world(point, profile, replicate)?;
        let record = Simulation::new(world).run()?;
        let measures = Measures::of(&record.requests, point, window_s);
        for (sum, (metric, _)) in sums.iter_mut().zip(&point.measured) {
            *sum += measures.get(*metric);
        }
    }
    let mean = |(&(metric, _), sum): (&(Metric, f64), f64)| (metric, sum / f64::from(replicates));
    Ok(point.measured.iter().zip(sums).map(mean).collect())
}

fn world(point: &Point, profile: &Profile, replicate: u32) -> Result<(World, f64), PlayError> {
    let seed = Seed { seed: 1, replicate };
    let window_s = match point.window {
        Window::Seconds(s) => s,
        Window::Requests { within_s, .. } => within_s,
    };
    let horizon = SimTime::ZERO + SimDuration::from_s_f64(window_s);
    let world = World {
        pools: vec![pool(point.setup.replicas)],
        services: vec![service(engine(point, profile)?, point.setup.replicas)],
        clients: vec![ClientConfig {
            name: point.id.as_str().into(),
            service: 0,
            traffic: traffic(point, seed),
            timeout: SimDuration::MAX,
            attempt_timeout: SimDuration::MAX,
            cancel_on_timeout: true,
            retries: RetryPolicy::none(),
            propagates_deadline: false,
            max_in_flight: point.setup.in_flight,
            place: None,
        }],
        request_sample: 1,
        ..World::small(seed, horizon, Box::new(Pack))
    };
    Ok((world, window_s))
}

/// The engine of a point, with a profile's law and the memory of its GPU.
fn engine(point: &Point, profile: &Profile) -> Result<EngineConfig, PlayError> {
    let setup = &point.setup;
    let law = &profile.coefficients;
    let coefficients = Coefficients {
        // Reading the cached prefix of each sequence costs as much as one more term of each.
        sequence_ms: law.sequence_ms + law.context_ms * setup.cached_context,
        front_end_ms: setup.front_end_ms.unwrap_or(law.front_end_ms),
        ..*law
    };
    let profile = Profile { coefficients, ..profile.clone() };
    let memory_bytes = point.gpu.memory_bytes();
    let limits = match (setup.blocks, profile.memory) {
        (Some(blocks), Some(memory)) => holding(blocks, &memory, memory_bytes, point.limits),
        _ => point.limits,
    };
    let engine = EngineConfig {
        chunked_prefill: setup.chunked_prefill,
        prefix_caching: setup.prefix_caching,
        ..profile.engine(memory_bytes, limits)?
    };
    let mut engine = EngineConfig { lookahead: setup.lookahead.unwrap_or(engine.lookahead), ..engine };
    if let (Some(blocks), Some(_)) = (setup.blocks, &profile.shape) {
        engine.blocks = blocks;
    }
    if let (Some(shaped), Some(shape)) = (&point.shaped, &profile.shape) {
        engine.receive_interval = shaped.receive_interval;
        engine.balance_iterations = shaped.balance_iterations;
        engine.chunked_prefill = shape.engine.chunks_prompts();
        engine.max_context = point.prompt.most().saturating_add(point.output.most());
    }
    engine.check()?;
    Ok(engine)
}

/// The limits that leave a cache of `blocks` blocks: the measured engine had them, whatever the
/// profile says of its memory.
fn holding(blocks: u64, memory: &Memory, memory_bytes: u64, limits: EngineLimits) -> EngineLimits {
    let block = memory.kv_bytes_per_token * f64::from(limits.block_tokens);
    // Half a block more, so that rounding down gives exactly `blocks`.
    let bytes = memory.weights_bytes + memory.runtime_bytes(limits) + (blocks as f64 + 0.5) * block;
    EngineLimits { utilization: bytes / memory_bytes as f64, ..limits }
}

fn traffic(point: &Point, seed: Seed) -> Traffic {
    let stream = |what: &str| seed.stream(&format!("{}/{what}", point.id));
    let (pace, left) = match &point.client {
        Client::Closed { users } => {
            return Traffic::Closed {
                users: *users,
                think: Distribution::Constant(0.0),
                prompt_tokens: point.prompt.law(),
                output_tokens: point.output.law(),
            };
        }
        Client::Constant { rate } => (Pace::Constant(*rate), point.window.requests()),
        Client::Poisson { rate } => (Pace::Poisson(*rate), point.window.requests()),
        Client::AtOnce { requests } => (Pace::AtOnce, u64::from(*requests)),
        Client::Recorded { requests, rate } => {
            let pace = rate.map_or(Pace::Recorded, Pace::Poisson);
            let lengths = Lengths::Recorded(Arc::clone(requests));
            return Traffic::Open(Box::new(Sender::new(pace, requests.len() as u64, lengths, &stream)));
        }
    };
    let lengths = Lengths::Drawn([point.prompt.law(), point.output.law()], [stream("prompt"), stream("output")]);
    Traffic::Open(Box::new(Sender::new(pace, left, lengths, &stream)))
}

impl Window {
    /// How many requests are sent; without end where the window is given by time.
    const fn requests(self) -> u64 {
        match self {
            Window::Seconds(_) => u64::MAX,
            Window::Requests { count, .. } => count,
        }
    }
}

impl Length {
    fn law(self) -> Distribution {
        match self {
            Length::Between(low, high) if low == high => Distribution::Constant(f64::from(low)),
            // Draws are rounded, so half a token more on each side makes all lengths equally likely.
            Length::Between(low, high) => {
                Distribution::Uniform { low: f64::from(low) - 0.5, high: f64::from(high) + 0.5 }
            }
            Length::Mean(mean) => Distribution::Exponential { mean },
        }
    }
}

/// When requests are sent.
#[derive(Clone, Copy, Debug)]
enum Pace {
    /// At this rate.
    Constant(f64),
    /// At this rate, with exponential gaps.
    Poisson(f64),
    /// All at the start.
    AtOnce,
    /// As they were.
    Recorded,
}

/// How long they are.
enum Lengths {
    /// Prompt and output by these laws.
    Drawn([Distribution; 2], [Stream; 2]),
    /// As they were.
    Recorded(Arc<[Recorded]>),
}

/// Sends requests.
struct Sender {
    pace: Pace,
    lengths: Lengths,
    gaps: Stream,
    left: u64,
    number: u64,
    at_s: f64,
}

impl Sender {
    fn new(pace: Pace, left: u64, lengths: Lengths, stream: &dyn Fn(&str) -> Stream) -> Self {
        Sender { pace, lengths, gaps: stream("gaps"), left, number: 0, at_s: 0.0 }
    }

    /// Prompt and output tokens of the next request.
    fn tokens(&mut self) -> [u32; 2] {
        match &mut self.lengths {
            Lengths::Drawn([prompt, output], [prompts, outputs]) => {
                [prompt.sample(prompts), output.sample(outputs)].map(|tokens| tokens.round().max(1.0) as u32)
            }
            Lengths::Recorded(requests) => {
                requests.get(self.number as usize).map_or([1, 1], |request| [request.prompt, request.output])
            }
        }
    }
}

impl ArrivalSource for Sender {
    fn next_arrival(&mut self) -> Result<Option<Arrival>, SourceError> {
        if self.number >= self.left {
            return Ok(None);
        }
        match (self.pace, &self.lengths) {
            (Pace::Constant(rate), _) => self.at_s = self.number as f64 / rate,
            (Pace::Poisson(rate), _) => {
                self.at_s += Distribution::Exponential { mean: 1.0 / rate }.sample(&mut self.gaps);
            }
            (Pace::Recorded, Lengths::Recorded(requests)) => {
                self.at_s = requests.get(self.number as usize).map_or(self.at_s, |request| request.at_s);
            }
            (Pace::AtOnce | Pace::Recorded, _) => {}
        }
        let [prompt_tokens, output_tokens] = self.tokens();
        self.number += 1;
        let at = SimTime::ZERO + SimDuration::from_s_f64(self.at_s);
        Ok(Some(Arrival { at, prompt_tokens, output_tokens, service_time: None }))
    }
}

/// Replicas with that engine and endless queues.
fn service(engine: EngineConfig, replicas: u32) -> ServiceConfig {
    let router = Maker::of("round robin", RoundRobin::default());
    ServiceConfig {
        service_time: ServiceTime::Drawn(Distribution::Constant(0.0)),
        initial_replicas: replicas,
        memory_per_gpu: Bytes(0),
        drain_timeout: SimDuration::MAX,
        ..ServiceConfig::plain("llm", Discipline::ContinuousBatch(engine), router)
    }
}
