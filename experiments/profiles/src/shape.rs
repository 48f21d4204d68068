//! Profiles of models whose shape is known and whose times were not measured.

use super::architecture::Architecture;
use super::gpu::Gpu;
use super::law::{Class, Engine, Law};
use super::memory::EngineLimits;
use super::precision::Precision;
use super::profile::{Origin, Profile};
use super::rank::{Budget, Parallelism, ParallelismError, Settings};
use flashcrowd_core::serving::LawParts;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A model on a group of GPUs, and what its law has beside the coefficients.
#[derive(Clone, Debug, PartialEq)]
pub struct Shape {
    /// The model.
    pub model: Architecture,
    /// One of the GPUs.
    pub gpu: Gpu,
    /// How they share it.
    pub ranks: Parallelism,
    /// What serves it.
    pub engine: Engine,
    /// What the law has beside the coefficients.
    pub parts: LawParts,
}

impl Shape {
    /// How the memory of a GPU of `gpu_bytes` is spent. Where these are the catalogue's nominal ones, what CUDA
    /// reports of it is taken.
    pub fn budget(&self, gpu_bytes: u64, limits: EngineLimits) -> Budget {
        let seen = if gpu_bytes == self.gpu.memory_bytes() { self.gpu.seen_bytes() } else { gpu_bytes };
        let settings = Settings {
            utilization: limits.utilization,
            batched_tokens: limits.batched_tokens,
            sequences: limits.sequences,
            cache: self.model.formats.cache,
            reads_images: false,
        };
        Budget::of(&self.model, self.ranks, seen, settings)
    }

    /// The longest context that an engine serves whose replicas hold so many tokens each: as long as the model was
    /// made for.
    pub fn longest_context(&self, held: u64) -> u32 {
        let most = self.model.positions.unwrap_or(u64::MAX).min(held.saturating_add(1));
        most.min(u64::from(u32::MAX)) as u32
    }

    /// Parameters that one token of one rank is multiplied with, beside the output layer.
    pub(super) fn params_per_token(&self) -> f64 {
        let ends = self.model.vocabulary_params() * if self.model.is_tied { 1 } else { 2 };
        (self.model.active_params() - ends) as f64 / f64::from(self.ranks.tensor)
    }
}

impl Profile {
    /// The profile of a model by its shape, on so many ranks and served by that engine: see [`super::law`].
    ///
    /// # Errors
    /// If such ranks cannot share the model.
    pub fn of_shape(
        name: &str,
        model: &Architecture,
        gpu: &Gpu,
        ranks: Parallelism,
        engine: Engine,
    ) -> Result<Profile, ParallelismError> {
        ranks.check(model)?;
        let law = Law::of(model, gpu, ranks, engine, model.formats.cache);
        let (coefficients, parts) = law.for_engine(engine.front_end_ms());
        let format = model.formats.quantised;
        let shape = Shape { model: model.clone(), gpu: gpu.clone(), ranks, engine, parts };
        Ok(Profile {
            name: format!("{name}/{}/{ranks}/{format}", gpu.name),
            model: name.to_owned(),
            gpu: gpu.name.clone(),
            tensor_parallel: ranks.tensor,
            precision: Precision::of_bytes(format.bytes()),
            coefficients,
            origin: Origin::Computed { how: format!("from its shape and the datasheet; {}", Class::of(model).trust()) },
            validated: None,
            lookahead_steps: 1,
            memory: None,
            sources: BTreeMap::new(),
            shape: Some(Arc::new(shape)),
        })
    }
}
