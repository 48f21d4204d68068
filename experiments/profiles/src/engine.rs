//! An engine with a profile's law and memory.

use super::catalog::lookup;
use super::datasheet::{DATASHEET, weights_read_bytes};
use super::gpu::GPUS;
use super::memory::EngineLimits;
use super::model::MODELS;
use super::profile::Profile;
use super::shape::Shape;
use flashcrowd_core::SimDuration;
use flashcrowd_core::serving::{
    self, BlockGroups, EngineConfig, EngineConfigError, Knee, LawParts, TimeModel, TimeModelError, ValidatedBand,
};

const GIB: f64 = (1_u64 << 30) as f64;

/// Why a profile gives no engine.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum EngineError {
    /// Coefficients that are no law of iteration times.
    #[error(transparent)]
    Law(#[from] TimeModelError),
    /// A profile without the memory of its model.
    #[error("the profile `{profile}` does not say its memory")]
    UnknownMemory {
        /// The profile's name.
        profile: String,
    },
    /// Weights and activations that leave no room for a cache.
    #[error(
        "`{profile}` does not fit: its weights take {:.1} GiB and its activations {:.1} GiB of the {:.1} GiB that an \
         engine may take of each GPU",
        .weights_bytes / GIB,
        .activations_bytes / GIB,
        .given_bytes / GIB
    )]
    DoesNotFit {
        /// The profile's name.
        profile: String,
        /// Bytes of weights on each GPU.
        weights_bytes: f64,
        /// Bytes of activations on each GPU.
        activations_bytes: f64,
        /// Bytes that the engine may take of each GPU.
        given_bytes: f64,
    },
    /// Settings that do not go together.
    #[error(transparent)]
    Settings(#[from] EngineConfigError),
}

impl Profile {
    /// The engine of this profile on GPUs of `gpu_bytes` of memory each, with vLLM's defaults
    /// where `limits` says nothing.
    ///
    /// # Errors
    /// If the weights leave no room for a cache, or the memory of the model is not known.
    pub fn engine(&self, gpu_bytes: u64, limits: EngineLimits) -> Result<EngineConfig, EngineError> {
        let none = LawParts::default();
        let parts = self.shape.as_ref().map_or(&none, |shape| &shape.parts);
        let law = TimeModel::with_parts(&self.law(), Knee::Soft, parts)?;
        if let Some(shape) = &self.shape {
            return self.engine_of(shape, law, gpu_bytes, limits);
        }
        let memory = self.memory.ok_or_else(|| EngineError::UnknownMemory { profile: self.name.clone() })?;
        let blocks = memory.kv_blocks(gpu_bytes, limits);
        if blocks == 0 {
            return Err(EngineError::DoesNotFit {
                profile: self.name.clone(),
                weights_bytes: memory.weights_bytes,
                activations_bytes: memory.runtime_bytes(limits),
                given_bytes: gpu_bytes as f64 * limits.utilization,
            });
        }
        self.engine_with(law, blocks, limits)
    }

    fn engine_of(
        &self,
        shape: &Shape,
        law: TimeModel,
        gpu_bytes: u64,
        limits: EngineLimits,
    ) -> Result<EngineConfig, EngineError> {
        let budget = shape.budget(gpu_bytes, limits);
        let blocks = budget.tokens / u64::from(limits.block_tokens);
        if blocks == 0 {
            return Err(EngineError::DoesNotFit {
                profile: self.name.clone(),
                weights_bytes: budget.weights.loaded_bytes(),
                activations_bytes: budget.activation_bytes + budget.fixed_bytes,
                given_bytes: budget.given_bytes,
            });
        }
        // A replica of the attention has as many blocks as a GPU.
        let (replicas, groups) = (shape.ranks.data, budget.cache.block_groups());
        let engine = EngineConfig {
            replicas,
            groups,
            prefill: shape.engine.prefill(),
            chunked_prefill: shape.engine.chunks_prompts(),
            token_budget: limits.batched_tokens,
            block_tokens: limits.block_tokens,
            ..EngineConfig::new(law, blocks * groups.map_or(1, BlockGroups::all) * u64::from(replicas))
        };
        self.engine_like(EngineConfig { max_context: shape.longest_context(engine.held_tokens()), ..engine }, limits)
    }

    fn engine_with(&self, law: TimeModel, blocks: u64, limits: EngineLimits) -> Result<EngineConfig, EngineError> {
        self.engine_like(EngineConfig::new(law, blocks), limits)
    }

    fn engine_like(&self, engine: EngineConfig, limits: EngineLimits) -> Result<EngineConfig, EngineError> {
        let engine = EngineConfig {
            front_end: SimDuration::from_s_f64(self.coefficients.front_end_ms / 1e3),
            token_budget: limits.batched_tokens,
            max_sequences: limits.sequences,
            block_tokens: limits.block_tokens,
            lookahead: self.lookahead_steps > 0,
            peak_token_s: self.peak_token_s().unwrap_or(0.0),
            read_efficiency: self.read_efficiency().unwrap_or(DATASHEET.bandwidth_share),
            validated: self
                .validated
                .map(|band| ValidatedBand { sequences: band.batch as u32, context_tokens: band.context_tokens as u64 }),
            ..engine
        };
        engine.check()?;
        Ok(engine)
    }

    /// Seconds that one token's products take at the dense peak of the group's GPUs; `None` if the
    /// catalogue lacks model or GPU.
    fn peak_token_s(&self) -> Option<f64> {
        if let Some(shape) = &self.shape {
            return Some(2.0 * shape.params_per_token() / shape.gpu.peak_flops(self.precision));
        }
        let (model, gpu) = (lookup(&MODELS, &self.model).ok()?, lookup(&GPUS, &self.gpu).ok()?);
        let gpus = f64::from(self.tensor_parallel.max(1));
        Some(2.0 * model.params_per_token() / gpus / gpu.peak_flops(self.precision))
    }

    /// Share of the peak memory bandwidth that reading the weights reaches, by the datasheet's peak
    /// and the profile's own time. `None` if the catalogue lacks model or GPU, or if the profile
    /// counts the read elsewhere.
    fn read_efficiency(&self) -> Option<f64> {
        if let Some(shape) = &self.shape {
            let read = shape.budget(shape.gpu.memory_bytes(), EngineLimits::default()).weights.model_bytes;
            let peak_ms = read / (shape.gpu.bandwidth_gb_s * 1e6);
            let experts: f64 = shape.parts.experts.iter().map(|experts| experts.read_ms).sum();
            return Some((peak_ms / (self.coefficients.weights_ms + experts)).min(1.0));
        }
        let (model, gpu) = (lookup(&MODELS, &self.model).ok()?, lookup(&GPUS, &self.gpu).ok()?);
        let peak_ms = weights_read_bytes(model, self.tensor_parallel, self.precision) / (gpu.bandwidth_gb_s * 1e6);
        let measured_ms = self.coefficients.weights_ms;
        (measured_ms > 0.0).then(|| (peak_ms / measured_ms).min(1.0))
    }

    /// The coefficients of an iteration, as the engine takes them.
    fn law(&self) -> serving::Coefficients {
        let law = &self.coefficients;
        serving::Coefficients {
            overhead_ms: law.overhead_ms,
            weights_ms: law.weights_ms,
            token_ms: law.token_ms,
            sequence_ms: law.sequence_ms,
            context_ms: law.context_ms,
            attention_ms: law.attention_ms,
        }
    }
}
