//! Worlds of token-level serving: replicas of a continuous-batching engine under Poisson traffic.

use crate::worlds::{CLIENT, Model, SERVICE};
use flashcrowd_core::clock::{Distribution, Seed};
use flashcrowd_core::ports::LatencyPart;
use flashcrowd_core::serving::{
    Coefficients, Discipline, EngineConfig, Experts, Knee, LawParts, ServiceConfig, ServiceTime, Slo, TimeModel,
};
use flashcrowd_core::simulation::World;
use flashcrowd_core::traffic::Traffic;
use flashcrowd_core::units::Bytes;
use flashcrowd_core::{SimDuration, SimTime};
use flashcrowd_workloads::traffic::poisson::Poisson;
use flashcrowd_workloads::traffic::requests::{RequestDistributions, Until};

/// Mean lengths in tokens; both are lognormal, of the variation that chat traffic has.
const MEAN_PROMPT: f64 = 512.0;
const MEAN_OUTPUT: f64 = 200.0;
const CV2: f64 = 1.0;

/// Llama-3.1-8B on an H100, rounded from the shipped profile (`profiles/fitted.ron`).
const DENSE: Coefficients = Coefficients {
    overhead_ms: 1.41,
    weights_ms: 5.53,
    token_ms: 0.0235,
    sequence_ms: 0.0194,
    context_ms: 0.000_045_8,
    attention_ms: 0.0,
};

/// Qwen3-30B-A3B on an H100, rounded, by its layers and the datasheet: of 128 experts a token chooses
/// 8.
const SPARSE: Coefficients = Coefficients {
    overhead_ms: 4.3,
    weights_ms: 0.82,
    token_ms: 0.0037,
    sequence_ms: 0.0082,
    context_ms: 0.000_037_8,
    attention_ms: 0.0,
};
const EXPERTS: Experts = Experts { read_ms: 17.3, chosen_share: 0.0625, skew: 0.612, token_ms: 0.0086 };
/// Its 48 layers are launched one by one in iterations with prompts.
const FLOOR_MS: f64 = 13.4;

/// Blocks of 16 tokens that such a GPU holds beside the weights.
const BLOCKS: u64 = 26_000;
const SPARSE_BLOCKS: u64 = 9_200;

/// Identical replicas, each an engine, at a rate that keeps about this many sequences decoding in
/// each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Llm {
    /// Replicas.
    pub replicas: u32,
    /// Sequences in each, on average.
    pub batch: u32,
    /// Requests that arrive.
    pub requests: u64,
    /// Whether the model has experts.
    pub experts: bool,
    /// Whether iterations with one batch are played at once.
    pub leaps: bool,
}

impl Llm {
    /// Requests per simulated second: by Little's law, with the iteration that holds the batch
    /// and its share of prefills.
    pub fn rate(&self) -> f64 {
        let batch = f64::from(self.batch);
        let (law, parts) = self.law();
        let experts = |tokens: f64| -> f64 { parts.experts.iter().map(|experts| experts_ms(experts, tokens)).sum() };
        let prefill_ms = law.token_ms * MEAN_PROMPT + law.sequence_ms + (experts(batch + MEAN_PROMPT) - experts(batch));
        let context = MEAN_PROMPT + MEAN_OUTPUT * (1.0 + CV2) / 2.0;
        let decode_ms = law.overhead_ms
            + law.weights_ms.hypot(law.token_ms * batch)
            + (law.sequence_ms + law.context_ms * context) * batch
            + experts(batch);
        // Each sequence that ends is replaced by one whose prefill lengthens an iteration.
        f64::from(self.replicas) * batch / (MEAN_OUTPUT * decode_ms + batch * prefill_ms) * 1e3
    }

    /// The world: no controllers, all histograms.
    ///
    /// # Panics
    /// Never: the law and the rate are valid.
    pub fn world(&self) -> World {
        let plain = self.cluster();
        let horizon_s = self.requests as f64 / self.rate() * 1.02 + 600.0;
        let mut world = plain.world(false);
        world.horizon = SimTime::ZERO + SimDuration::from_s_f64(horizon_s);
        world.services = vec![self.service(plain.service())];
        world.clients[0].traffic = Traffic::Open(Box::new(self.arrivals()));
        world
    }

    /// The fleet around the engines.
    pub(crate) fn cluster(&self) -> Model {
        Model::cluster(self.replicas, self.requests)
    }

    /// The arrivals.
    pub(crate) fn arrivals(&self) -> Poisson {
        self.arrivals_at(self.rate(), CLIENT)
    }

    /// As many arrivals at another rate and with draws of another name.
    pub(crate) fn arrivals_at(&self, rate: f64, label: &str) -> Poisson {
        let laws = RequestDistributions {
            prompt: Some(Distribution::lognormal_mean_cv2(MEAN_PROMPT, CV2)),
            output: Some(Distribution::lognormal_mean_cv2(MEAN_OUTPUT, CV2)),
            service: None,
        };
        let until = Until { count: self.requests, ..Until::default() };
        Poisson::new(rate, &laws, until, Seed::new(1), label).expect("a valid rate")
    }

    /// The law of its iterations.
    pub(crate) fn law(&self) -> (Coefficients, LawParts) {
        if self.experts {
            (SPARSE, LawParts { experts: vec![EXPERTS], floor_ms: FLOOR_MS, ..LawParts::default() })
        } else {
            (DENSE, LawParts::default())
        }
    }

    /// Each engine.
    pub(crate) fn engine(&self) -> EngineConfig {
        let (coefficients, parts) = self.law();
        let law = TimeModel::with_parts(&coefficients, Knee::Soft, &parts).expect("a valid law");
        let blocks = if self.experts { SPARSE_BLOCKS } else { BLOCKS };
        EngineConfig { front_end: SimDuration::from_us(9_630), leaps: self.leaps, ..EngineConfig::new(law, blocks) }
    }

    pub(crate) fn service(&self, plain: ServiceConfig) -> ServiceConfig {
        let slo = |part, quantile, ms| Slo { part, quantile, limit: SimDuration::from_ms(ms) };
        ServiceConfig {
            name: SERVICE.into(),
            discipline: Discipline::ContinuousBatch(self.engine()),
            service_time: ServiceTime::Drawn(Distribution::Constant(0.0)),
            network: None,
            memory_per_gpu: Bytes::gib(72),
            slos: vec![slo(LatencyPart::TimeToFirstToken, 0.99, 500), slo(LatencyPart::InterToken, 0.99, 50)],
            ..plain
        }
    }
}

/// About the time of an iteration of `tokens` tokens in experts.
fn experts_ms(experts: &Experts, tokens: f64) -> f64 {
    let unread = (1.0 - experts.chosen_share).powf(1.0 + experts.skew * (tokens - 1.0));
    experts.read_ms * (1.0 - unread) + experts.token_ms * tokens
}
