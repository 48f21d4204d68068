//! temp
use flashcrowd_core::clock::{Distribution, Seed, Stream};
use flashcrowd_core::fleet::*;
use flashcrowd_core::ports::*;
use flashcrowd_core::serving::*;
use flashcrowd_core::simulation::*;
use flashcrowd_core::units::*;
use flashcrowd_core::*;
use rand_distr::{Distribution as _, Exp1};

struct Poisson {
    mean_ps: f64,
    at: SimTime,
    stream: Stream,
    left: u64,
}
impl ArrivalSource for Poisson {
    fn next_arrival(&mut self) -> Result<Option<Arrival>, SourceError> {
        if self.left == 0 {
            return Ok(None);
        }
        self.left -= 1;
        let x: f64 = Exp1.sample(&mut self.stream);
        self.at += SimDuration::from_ps((x * self.mean_ps) as u64);
        Ok(Some(Arrival { at: self.at, ..Arrival::default() }))
    }
}
struct P2;
impl Router for P2 {
    fn route(&mut self, o: &[u32], s: &mut Stream) -> usize {
        use rand::Rng;
        let n = o.len() as u64;
        let x = s.next_u64();
        let a = (((x & 0xffff_ffff) * n) >> 32) as usize;
        let b = (((x >> 32) * n) >> 32) as usize;
        if o[b] < o[a] { b } else { a }
    }
}
struct First;
impl Placement for First {
    fn choose(&mut self, _: &[Fit]) -> usize {
        0
    }
}
fn world(replicas: u32, conc: u32, n: u64, law: Distribution, mean: f64, net: Option<Distribution>) -> World {
    let rate = 0.7 * f64::from(replicas * conc) / mean;
    let seed = Seed::new(1);
    let source = Poisson { mean_ps: 1e12 / rate, at: SimTime::ZERO, stream: seed.stream("a"), left: n };
    World {
        seed,
        horizon: SimTime::ZERO + SimDuration::from_s_f64(n as f64 / rate),
        warmup: SimTime::ZERO,
        regions: vec![Region { name: "r".into(), zones: vec!["z".into()] }],
        pools: vec![PoolConfig {
            name: "p".into(),
            region: 0,
            zones: vec![0],
            gpu: "H100".into(),
            gpus_per_node: 8,
            memory_per_gpu: Bytes::gib(80),
            price: PicoUsdPerHour::from_usd(1.0),
            market: Market::OnDemand,
            min_nodes: 0,
            max_nodes: 1000,
            provisioning: Distribution::Constant(100.0),
            idle_timeout: SimDuration::from_s(600),
            minimum_charge: SimDuration::ZERO,
        }],
        services: vec![ServiceConfig {
            name: "s".into(),
            discipline: Discipline::Slots { concurrency: conc },
            service_time: ServiceTime::Drawn(law),
            queue: QueueMode::PerReplica { capacity: u32::MAX, gateway: u32::MAX },
            router: Box::new(P2),
            network: net,
            initial_replicas: replicas,
            gpus_per_group: 1,
            groups: 1,
            memory_per_gpu: Bytes(0),
            pools: vec![0],
            startup: Startup {
                stages: vec![],
                probe: flashcrowd_core::fleet::Probe {
                    initial_delay: SimDuration::ZERO,
                    period: SimDuration::ZERO,
                    threshold: 1,
                },
            },
            drain_timeout: SimDuration::from_s(30),
            kernel_share: 1.0,
            cpu: CpuModel::default(),
            slos: vec![],
        }],
        clients: vec![ClientConfig {
            name: "c".into(),
            service: 0,
            traffic: Traffic::Open(Box::new(source)),
            timeout: SimDuration::MAX,
            attempt_timeout: SimDuration::MAX,
            cancel_on_timeout: true,
            retries: RetryPolicy::none(),
        }],
        controllers: vec![],
        placement: Box::new(First),
        node_scan_period: SimDuration::from_s(10),
        series_period: SimDuration::from_s(60),
        longest_latency: SimDuration::from_s(3600),
        limits: Limits::default(),
        occupancy_levels: 0,
        keep_history: false,
        request_sample: 0,
    }
}
#[allow(clippy::disallowed_types, clippy::disallowed_methods)]
fn main() {
    let n = 5_000_000;
    for (name, w) in [
        ("mmc_16", world(1, 16, n, Distribution::Exponential { mean: 1.0 }, 1.0, None)),
        ("mmc_1024", world(1, 1024, n, Distribution::Exponential { mean: 1.0 }, 1.0, None)),
        (
            "cluster_64",
            world(64, 1, n, Distribution::lognormal_mean_cv2(0.1, 1.0), 0.1, Some(Distribution::Constant(0.0005))),
        ),
        (
            "cluster_1024",
            world(1024, 1, n, Distribution::lognormal_mean_cv2(0.1, 1.0), 0.1, Some(Distribution::Constant(0.0005))),
        ),
    ] {
        let t = std::time::Instant::now();
        let r = Simulation::new(w).run().unwrap();
        let s = t.elapsed().as_secs_f64();
        println!(
            "{name} {:.2} M/s events {} e2e mean {:.4} queue mean {:.4} {} peak {}",
            n as f64 / s / 1e6,
            r.work.events,
            r.services[0].latency.mean_s(LatencyPart::EndToEnd),
            r.services[0].latency.mean_s(LatencyPart::Queue),
            r.digest,
            r.work.peak_live_requests
        );
    }
}
