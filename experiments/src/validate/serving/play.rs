//! Plays a measured point: the same window and the same client, against one simulated engine.

use super::point::{Client, Metric, Point, Range, Window};
use crate::profiles::{GPUS, Profile, lookup};
use crate::validate::queueing::plant::pool;
use flashcrowd_core::clock::{Distribution, Seed, Stream};
use flashcrowd_core::fleet::{Probe, Region, Startup};
use flashcrowd_core::ledger::RequestRecord;
use flashcrowd_core::ports::{Arrival, ArrivalSource, SourceError};
use flashcrowd_core::serving::{
    ClientConfig, CpuModel, Discipline, EngineConfig, Outcome, QueueMode, RetryPolicy, ServiceConfig, ServiceTime,
    Traffic,
};
use flashcrowd_core::simulation::{Limits, World};
use flashcrowd_core::units::Bytes;
use flashcrowd_core::{SimDuration, SimTime, Simulation};
use flashcrowd_policies::placement::Pack;
use flashcrowd_policies::routing::RoundRobin;

/// The metrics of a point, as the load generator would report them: the mean over `replicates`.
pub(super) fn play(point: &Point, profile: &Profile, replicates: u32) -> Result<Vec<(Metric, f64)>, String> {
    let mut sums = vec![0.0; point.measured.len()];
    for replicate in 0..replicates {
        let (world, window_s) = world(point, profile, replicate)?;
        let record = Simulation::new(world).run().map_err(|error| error.to_string())?;
        let measures = Measures::of(&record.requests, point, window_s);
        for (sum, (metric, _)) in sums.iter_mut().zip(&point.measured) {
            *sum += measures.get(*metric);
        }
    }
    let mean = |(&(metric, _), sum): (&(Metric, f64), f64)| (metric, sum / f64::from(replicates));
    Ok(point.measured.iter().zip(sums).map(mean).collect())
}

/// How much longer than its requests took when measured a point is played: more than any profile
/// that is worth judging is slow.
const SLACK: f64 = 2.0;

fn world(point: &Point, profile: &Profile, replicate: u32) -> Result<(World, f64), String> {
    let seed = Seed { seed: 1, replicate };
    let window_s = match point.window {
        Window::Seconds(s) => s,
        Window::Requests { turns, .. } => SLACK * turns * point.longest_request_s(),
    };
    let world = World {
        seed,
        horizon: SimTime::ZERO + SimDuration::from_s_f64(window_s),
        warmup: SimTime::ZERO,
        regions: vec![Region { name: "local".into(), zones: vec!["a".into()] }],
        pools: vec![pool(1)],
        services: vec![service(engine(point, profile)?)],
        clients: vec![ClientConfig {
            name: point.id.as_str().into(),
            service: 0,
            traffic: traffic(point, seed),
            timeout: SimDuration::MAX,
            attempt_timeout: SimDuration::MAX,
            cancel_on_timeout: true,
            retries: RetryPolicy::none(),
        }],
        controllers: Vec::new(),
        placement: Box::new(Pack),
        node_scan_period: SimDuration::from_s(10),
        series_period: SimDuration::MAX,
        longest_latency: SimDuration::from_s_f64(window_s),
        limits: Limits::default(),
        occupancy_levels: 0,
        keep_history: false,
        request_sample: 1,
    };
    Ok((world, window_s))
}

/// The engine of a point, with a profile's law and the memory of its GPU.
fn engine(point: &Point, profile: &Profile) -> Result<EngineConfig, String> {
    let gpu = lookup(&GPUS, &point.gpu).map_err(|error| error.to_string())?;
    profile.engine(gpu.memory_bytes(), point.limits)
}

fn traffic(point: &Point, seed: Seed) -> Traffic {
    let lengths = |what: &str| seed.stream(&format!("{}/{what}", point.id));
    match point.client {
        Client::Closed { users } => Traffic::Closed {
            users,
            think: Distribution::Constant(0.0),
            prompt_tokens: point.prompt.law(),
            output_tokens: point.output.law(),
        },
        Client::Constant { rate } | Client::Poisson { rate } => Traffic::Open(Box::new(Sent {
            rate,
            poisson: matches!(point.client, Client::Poisson { .. }),
            number: 0,
            at_s: 0.0,
            ranges: [point.prompt, point.output],
            streams: [lengths("prompt"), lengths("output"), lengths("gaps")],
        })),
    }
}

impl Range {
    fn law(self) -> Distribution {
        // Draws are rounded, so half a token more on each side makes all lengths equally likely.
        if self.low == self.high {
            Distribution::Constant(f64::from(self.low))
        } else {
            Distribution::Uniform { low: f64::from(self.low) - 0.5, high: f64::from(self.high) + 0.5 }
        }
    }
}

/// Requests at a rate, for ever.
struct Sent {
    rate: f64,
    poisson: bool,
    number: u64,
    at_s: f64,
    ranges: [Range; 2],
    streams: [Stream; 3],
}

impl ArrivalSource for Sent {
    fn next_arrival(&mut self) -> Result<Option<Arrival>, SourceError> {
        let [prompts, outputs, gaps] = &mut self.streams;
        if self.poisson {
            self.at_s += Distribution::Exponential { mean: 1.0 / self.rate }.sample(gaps);
        } else {
            self.at_s = self.number as f64 / self.rate;
        }
        self.number += 1;
        Ok(Some(Arrival {
            at: SimTime::ZERO + SimDuration::from_s_f64(self.at_s),
            prompt_tokens: self.ranges[0].law().sample(prompts).round() as u32,
            output_tokens: self.ranges[1].law().sample(outputs).round() as u32,
            service_time: None,
        }))
    }
}

/// What a load generator reports of the requests that ended in its window.
struct Measures {
    e2e_ms: Vec<f64>,
    ttft_ms: Vec<f64>,
    tpot_ms: Vec<f64>,
    gaps: f64,
    gap_ms: f64,
    seconds: f64,
}

impl Measures {
    fn of(requests: &[RequestRecord], point: &Point, window_s: f64) -> Self {
        let wanted = match point.window {
            Window::Seconds(_) => usize::MAX,
            Window::Requests { count, .. } => count as usize,
        };
        let mut measures = Measures {
            e2e_ms: Vec::new(),
            ttft_ms: Vec::new(),
            tpot_ms: Vec::new(),
            gaps: 0.0,
            gap_ms: 0.0,
            seconds: window_s,
        };
        let completed = requests.iter().filter(|request| request.outcome == Outcome::Completed);
        for request in completed.take(wanted) {
            let ms = |span: SimDuration| span.as_s_f64() * 1e3;
            let (e2e, ttft) = (ms(request.ended.since(request.arrived)), ms(request.ttft.unwrap_or_default()));
            let gaps = f64::from(request.tokens[1].max(1) - 1);
            measures.e2e_ms.push(e2e);
            measures.ttft_ms.push(ttft);
            measures.gaps += gaps;
            measures.gap_ms += e2e - ttft;
            if gaps > 0.0 {
                measures.tpot_ms.push((e2e - ttft) / gaps);
            }
            if wanted < usize::MAX {
                measures.seconds = request.ended.as_s_f64();
            }
        }
        for values in [&mut measures.e2e_ms, &mut measures.ttft_ms] {
            values.sort_by(f64::total_cmp);
        }
        measures
    }

    fn get(&self, metric: Metric) -> f64 {
        let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len().max(1) as f64;
        match metric {
            Metric::E2eMean => mean(&self.e2e_ms),
            Metric::E2eP99 => quantile(&self.e2e_ms, 0.99),
            Metric::ItlMean => self.gap_ms / self.gaps.max(1.0),
            Metric::TtftMean => mean(&self.ttft_ms),
            Metric::TtftP99 => quantile(&self.ttft_ms, 0.99),
            Metric::TpotMean => mean(&self.tpot_ms),
            Metric::RequestsPerS => self.e2e_ms.len() as f64 / self.seconds,
        }
    }
}

/// The value at a rank of sorted values; 0 if there are none.
fn quantile(sorted: &[f64], q: f64) -> f64 {
    let rank = (q * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.saturating_sub(1).min(sorted.len().saturating_sub(1))).copied().unwrap_or(0.0)
}

/// One replica with that engine and an endless queue.
fn service(engine: EngineConfig) -> ServiceConfig {
    ServiceConfig {
        name: "llm".into(),
        discipline: Discipline::ContinuousBatch(engine),
        service_time: ServiceTime::Drawn(Distribution::Constant(0.0)),
        queue: QueueMode::PerReplica { capacity: u32::MAX, gateway: u32::MAX },
        router: Box::new(RoundRobin::default()),
        network: None,
        initial_replicas: 1,
        gpus_per_group: 1,
        groups: 1,
        memory_per_gpu: Bytes(0),
        pools: vec![0],
        startup: Startup {
            stages: Vec::new(),
            probe: Probe { initial_delay: SimDuration::ZERO, period: SimDuration::ZERO, threshold: 1 },
        },
        drain_timeout: SimDuration::MAX,
        kernel_share: 1.0,
        cpu: CpuModel::default(),
        slos: Vec::new(),
    }
}
