//! The worlds that are timed: a plain M/M/c, and a cluster with everything switched on.

use flashcrowd_core::clock::{Distribution, Seed};
use flashcrowd_core::fleet::{CacheSizes, PoolConfig, Reclaim};
use flashcrowd_core::ports::{Controller, LatencyPart, Maker, TargetId};
use flashcrowd_core::serving::{Discipline, ServiceConfig, ServiceTime, Slo};
use flashcrowd_core::simulation::World;
use flashcrowd_core::traffic::{ClientConfig, RetryPolicy, Traffic};
use flashcrowd_core::units::{Bytes, Market, PicoUsdPerHour};
use flashcrowd_core::{SimDuration, SimTime};
use flashcrowd_policies::autoscalers::hpa::manifest::read;
use flashcrowd_policies::autoscalers::hpa::{Hpa, HpaOptions, bind};
use flashcrowd_policies::placement::Spread;
use flashcrowd_policies::routers::replicas::PowerOfChoices;
use flashcrowd_workloads::traffic::poisson::Poisson;
use flashcrowd_workloads::traffic::requests::{RequestDistributions, Until};
use std::collections::BTreeMap;

/// Load of all models.
const LOAD: f64 = 0.7;

/// What a model and its hand-written twin have in common.
#[derive(Clone, Debug)]
pub struct Model {
    /// Replicas, each with a queue of its own.
    pub replicas: u32,
    /// Attempts at once in each replica.
    pub slots: u32,
    /// Law of service times in seconds.
    pub service: Distribution,
    /// Delay from router to replica in seconds.
    pub network: Option<Distribution>,
    /// Requests that arrive.
    pub requests: u64,
    /// Root of all draws.
    pub seed: Seed,
}

/// Label of the client's streams.
pub const CLIENT: &str = "client";
/// Label of the service's streams.
pub const SERVICE: &str = "service";

impl Model {
    /// One queue before `slots` servers, exponential times of 50 ms.
    pub fn mmc(slots: u32, requests: u64) -> Self {
        let service = Distribution::Exponential { mean: 0.05 };
        Model { replicas: 1, slots, service, network: None, requests, seed: Seed::new(1) }
    }

    /// This many replicas of one slot behind power-of-two routing and a network.
    pub fn cluster(replicas: u32, requests: u64) -> Self {
        let service = Distribution::lognormal_mean_cv2(0.1, 1.0);
        let network = Some(Distribution::Constant(0.000_5));
        Model { replicas, slots: 1, service, network, requests, seed: Seed::new(1) }
    }

    /// This many thousand replicas, each of four slots: a fleet whose state no cache holds.
    pub fn thousands(thousands: u32, requests: u64) -> Self {
        Model { slots: 4, ..Model::cluster(thousands * 1_000, requests) }
    }

    /// Requests per simulated second.
    pub fn rate(&self) -> f64 {
        LOAD * f64::from(self.replicas * self.slots) / self.service.mean()
    }

    /// The arrivals.
    ///
    /// # Panics
    /// Never: the rate is positive and finite.
    pub fn arrivals(&self) -> Poisson {
        let until = Until { count: self.requests, ..Until::default() };
        Poisson::new(self.rate(), &RequestDistributions::default(), until, self.seed, CLIENT).expect("a valid rate")
    }

    /// The router.
    pub fn router(&self) -> PowerOfChoices {
        PowerOfChoices::new(2)
    }

    /// The world: with `controlled`, an HPA reads two scraped signals and decides every 15 s.
    pub fn world(&self, controlled: bool) -> World {
        let controllers = if controlled { vec![hpa(self.replicas).boxed()] } else { Vec::new() };
        // Long enough that the last request ends too.
        let horizon = self.requests as f64 / self.rate() * 1.02 + 60.0;
        let horizon = SimTime::ZERO + SimDuration::from_s_f64(horizon);
        World {
            pools: vec![pool(self.replicas)],
            services: vec![self.service()],
            clients: vec![self.client()],
            controllers,
            series_period: SimDuration::from_s(60),
            ..World::small(self.seed, horizon, Box::new(Spread))
        }
    }

    /// The service, of slots.
    pub fn service(&self) -> ServiceConfig {
        let router = Maker::of("the model's", self.router());
        ServiceConfig {
            service_time: ServiceTime::Drawn(self.service.clone()),
            network: self.network.clone(),
            initial_replicas: self.replicas,
            slos: vec![Slo { part: LatencyPart::EndToEnd, quantile: 0.99, limit: SimDuration::from_s(10) }],
            ..ServiceConfig::plain(SERVICE, Discipline::Slots { concurrency: self.slots }, router)
        }
    }

    /// The client.
    pub fn client(&self) -> ClientConfig {
        ClientConfig {
            name: CLIENT.into(),
            service: 0,
            traffic: Traffic::Open(Box::new(self.arrivals())),
            timeout: SimDuration::MAX,
            attempt_timeout: SimDuration::MAX,
            cancel_on_timeout: true,
            retries: RetryPolicy::none(),
            propagates_deadline: false,
            max_in_flight: u32::MAX,
            place: None,
        }
    }
}

fn pool(replicas: u32) -> PoolConfig {
    PoolConfig {
        name: "pool".into(),
        region: 0,
        zones: vec![0],
        gpu: "H100".into(),
        gpus_per_node: 8,
        memory_per_gpu: Bytes::gib(80),
        cache: CacheSizes::default(),
        price: PicoUsdPerHour::from_usd(23.92),
        market: Market::OnDemand,
        min_nodes: 0,
        max_nodes: replicas.div_ceil(8),
        provisioning: Distribution::Constant(180.0),
        idle_timeout: SimDuration::from_s(600),
        minimum_charge: SimDuration::ZERO,
        reclaim: Reclaim::default(),
        committed: 0,
    }
}

/// An HPA that works and never disturbs: at this load its targets are met by `replicas`.
fn hpa(replicas: u32) -> Controller<Hpa> {
    let text = format!(
        "apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: {{ name: {SERVICE} }}\nspec:\n  \
         scaleTargetRef: {{ kind: Deployment, name: {SERVICE} }}\n  minReplicas: {}\n  maxReplicas: {replicas}\n  \
         metrics:\n  - type: Pods\n    pods: {{ metric: {{ name: gpu_utilization }}, target: {{ type: AverageValue, \
         averageValue: \"65\" }} }}\n  - type: Pods\n    pods: {{ metric: {{ name: pending_requests }}, target: {{ \
         type: AverageValue, averageValue: \"5\" }} }}\n",
        replicas / 2,
    );
    let manifest = read(&text, None).expect("a valid manifest");
    let metrics = bind(&manifest.spec, &BTreeMap::new()).expect("known metrics");
    Hpa::new(&manifest.spec, HpaOptions::new(SERVICE, TargetId(0), metrics)).expect("a valid spec")
}
