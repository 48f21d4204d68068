//! The datasheet law: coefficients from a model card and a GPU's datasheet, without a measurement.

use super::coefficients::Coefficients;
use super::gpu::Gpu;
use super::memory::Memory;
use super::model::Model;
use super::precision::Precision;
use super::profile::{Origin, Profile};
use std::collections::BTreeMap;

/// Constants of the law, equal for all models, GPUs and engines.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Datasheet {
    /// Share of the peak memory bandwidth that reading weights and cache reaches.
    pub bandwidth_share: f64,
    /// Share of the dense peak that matrix products reach.
    pub compute_share: f64,
    /// Host and sampler time per sequence, ms.
    pub sequence_ms: f64,
    /// Launches and host time per layer, ms.
    pub layer_ms: f64,
    /// Front-end time of a request, ms.
    pub front_end_ms: f64,
}

/// The constants that [`Profile::computed`] uses.
pub const DATASHEET: Datasheet =
    Datasheet { bandwidth_share: 0.8, compute_share: 0.6, sequence_ms: 0.02, layer_ms: 0.6 / 32.0, front_end_ms: 7.0 };

impl Datasheet {
    /// The coefficients of `model` on `tensor_parallel` of `gpu`.
    pub fn coefficients(&self, model: &Model, gpu: &Gpu, tensor_parallel: u32, precision: Precision) -> Coefficients {
        let bytes_per_ms = self.bandwidth_share * gpu.bandwidth_gb_s * 1e6;
        let flops_per_ms = self.compute_share * gpu.peak_flops(precision) / 1e3;
        let gpus = f64::from(tensor_parallel.max(1));
        Coefficients {
            overhead_ms: self.layer_ms * f64::from(model.layers),
            weights_ms: model.weight_bytes(tensor_parallel, precision) / bytes_per_ms,
            token_ms: 2.0 * model.params_per_token() / gpus / flops_per_ms,
            sequence_ms: self.sequence_ms,
            context_ms: model.kv_bytes_per_token(tensor_parallel, Precision::Bf16) / bytes_per_ms,
            attention_ms: model.attention_flops() / gpus / (self.compute_share * gpu.peak_flops(Precision::Bf16) / 1e3),
            front_end_ms: self.front_end_ms,
        }
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
            sources: BTreeMap::new(),
        }
    }
}
