//! The datasheet law: coefficients from a model card and a GPU's datasheet, without a measurement.

use super::coefficients::Coefficients;
use super::gpu::Gpu;
use super::memory::Memory;
use super::model::Model;
use super::precision::Precision;
use super::profile::{Origin, Profile};
use std::collections::BTreeMap;

/// Constants of the law, equal for all models, GPUs and engines. How they were chosen, and how far
/// the law is from measurements, is told in `docs/profiles.md`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Datasheet {
    /// Share of the peak memory bandwidth that reading weights and cache reaches.
    pub bandwidth_share: f64,
    /// Share of the dense peak that matrix products and attention reach.
    pub compute_share: f64,
    /// Share of a link's one-way bandwidth that an all-reduce reaches.
    pub link_share: f64,
    /// Latency of one all-reduce, ms.
    pub all_reduce_ms: f64,
    /// Launches and host time per layer, ms.
    pub layer_ms: f64,
    /// Host and sampler time per sequence, ms.
    pub sequence_ms: f64,
    /// Front-end time of a request, ms.
    pub front_end_ms: f64,
}

/// The constants that [`Profile::computed`] uses.
pub const DATASHEET: Datasheet = Datasheet {
    bandwidth_share: 0.92,
    compute_share: 0.62,
    link_share: 0.45,
    all_reduce_ms: 0.01,
    layer_ms: 0.05,
    sequence_ms: 0.025,
    front_end_ms: 9.5,
};

/// All-reduces of a layer: after attention and after the MLP.
const ALL_REDUCES: f64 = 2.0;

/// Bytes of weights that each GPU reads in an iteration: the embedding is looked up, not read.
pub(super) fn weights_read_bytes(model: &Model, tensor_parallel: u32, precision: Precision) -> f64 {
    let embedding = model.vocabulary_params() * Precision::Bf16.bytes() / f64::from(tensor_parallel.max(1));
    model.weight_bytes(tensor_parallel, precision) - embedding
}

impl Datasheet {
    /// The coefficients of `model` on `tensor_parallel` of `gpu`.
    pub fn coefficients(&self, model: &Model, gpu: &Gpu, tensor_parallel: u32, precision: Precision) -> Coefficients {
        let gpus = f64::from(tensor_parallel.max(1));
        let bytes_per_ms = self.bandwidth_share * gpu.bandwidth_gb_s * 1e6;
        let flops_per_ms = |precision| self.compute_share * gpu.peak_flops(precision) / 1e3 * gpus;
        let weights = weights_read_bytes(model, tensor_parallel, precision);
        let reduces = if tensor_parallel > 1 { ALL_REDUCES * f64::from(model.layers) } else { 0.0 };
        Coefficients {
            overhead_ms: self.layer_ms * f64::from(model.layers) + reduces * self.all_reduce_ms,
            weights_ms: weights / bytes_per_ms,
            token_ms: 2.0 * model.params_per_token() / flops_per_ms(precision)
                + reduces * self.all_reduce_token_ms(model, gpu, gpus),
            sequence_ms: self.sequence_ms,
            context_ms: model.kv_bytes_per_token(tensor_parallel, Precision::Bf16) / bytes_per_ms,
            attention_ms: model.attention_flops() / flops_per_ms(Precision::Bf16),
            front_end_ms: self.front_end_ms,
        }
    }

    /// Time of one all-reduce for each token: a ring moves the activations of 16 bits twice, but for
    /// the share that each GPU holds itself.
    fn all_reduce_token_ms(&self, model: &Model, gpu: &Gpu, gpus: f64) -> f64 {
        let bytes = 2.0 * (gpus - 1.0) / gpus * f64::from(model.hidden) * Precision::Bf16.bytes();
        bytes / (self.link_share * gpu.interconnect.bytes_per_s() / 1e3)
    }

    /// Where each coefficient is from, by its symbol.
    fn sources(&self) -> BTreeMap<String, String> {
        let Datasheet { bandwidth_share, compute_share, link_share, .. } = self;
        let sources = [
            format!("{} ms a layer; {} ms each of two all-reduces a layer if split", self.layer_ms, self.all_reduce_ms),
            format!("weights but the embedding at {bandwidth_share} of the memory bandwidth"),
            format!("2 FLOP a parameter at {compute_share} of the dense peak; all-reduces at {link_share} of the link"),
            "assumed".to_owned(),
            format!("cache of 16 bits at {bandwidth_share} of the memory bandwidth"),
            format!("4 FLOP a head dimension and layer at {compute_share} of the 16-bit peak"),
            "assumed".to_owned(),
        ];
        Coefficients::SYMBOLS.iter().map(|symbol| (*symbol).to_owned()).zip(sources).collect()
    }
}

impl Profile {
    /// The profile that the datasheet law gives, whether or not a measured one is known.
    pub fn computed(model: &Model, gpu: &Gpu, tensor_parallel: u32, precision: Precision) -> Profile {
        let tensor_parallel = tensor_parallel.max(1);
        Profile {
            name: Profile::name_of(&model.name, &gpu.name, tensor_parallel, precision),
            model: model.name.clone(),
            gpu: gpu.name.clone(),
            tensor_parallel,
            precision,
            coefficients: DATASHEET.coefficients(model, gpu, tensor_parallel, precision),
            origin: Origin::Computed { how: format!("datasheet law; {}; {}", model.source, gpu.source) },
            validated: None,
            lookahead_steps: 1,
            memory: Some(Memory::of(model, tensor_parallel, precision, Precision::Bf16)),
            sources: DATASHEET.sources(),
            shape: None,
        }
    }
}
