//! What an engine takes of a GPU beside weights and cache.
//!
//! Read off the logs of vLLM 0.19 on H100: `activation = max(T * (widest layer + 8 h), 14 S vocab + 2.2 T h + 0.11 GiB)`
//! with `T` tokens of an iteration and `S` sequences. The sampler's profile decides more often than the forward pass.

use super::cache::Cache;
use super::parallelism::Parallelism;
use super::weights::{Weights, weights};
use crate::architecture::{Architecture, CacheFormat, FeedForward};

const GIB: f64 = (1_u64 << 30) as f64;
/// CUDA's context and buffers of an engine on one GPU, and of one of several; more than two were not measured.
const ALONE_BYTES: f64 = 0.25 * GIB;
const AMONG_SEVERAL_BYTES: f64 = 2.08 * GIB;
/// Cards of less memory were seen to take this more (one row: RTX 4090).
const SMALL_GPU_BYTES: f64 = 40.0 * GIB;
const SMALL_GPU_MORE_BYTES: f64 = 0.3 * GIB;
/// Sequences whose states are set aside in linear attention before tokens are counted.
const STATES: f64 = 64.0;
/// What a model that reads images takes beside.
const IMAGES_BYTES: f64 = 0.27 * GIB;

/// Settings of an engine that decide how much is left for the cache.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings {
    /// Share of the GPU's memory that the engine may take.
    pub utilization: f64,
    /// Tokens of an iteration.
    pub batched_tokens: u32,
    /// Sequences running at once.
    pub sequences: u32,
    /// Width of the cache's numbers.
    pub cache: CacheFormat,
    /// Whether the tower that reads images is loaded, where there is one.
    pub reads_images: bool,
}

impl Default for Settings {
    /// vLLM's on a small GPU: 0.9, 2,048 tokens, 256 sequences, a cache of 16 bits.
    fn default() -> Self {
        Settings {
            utilization: 0.9,
            batched_tokens: 2_048,
            sequences: 256,
            cache: CacheFormat::Bf16,
            reads_images: false,
        }
    }
}

/// How the memory of one rank is spent, bytes.
#[derive(Clone, Debug, PartialEq)]
pub struct Budget {
    /// What the engine may take.
    pub given_bytes: f64,
    /// Weights.
    pub weights: Weights,
    /// Activations at their peak.
    pub activation_bytes: f64,
    /// CUDA's context, and buffers of communication.
    pub fixed_bytes: f64,
    /// What is left for the cache; below 0 if the model does not fit.
    pub cache_bytes: f64,
    /// The cache.
    pub cache: Cache,
    /// Tokens that it holds.
    pub tokens: u64,
}

/// By how much a model does not fit.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error(
    "it does not fit: weights of {:.1} GiB, activations of {:.1} GiB and {:.1} GiB for CUDA take {:.1} GiB more than \
     the {:.1} GiB that an engine may take of each GPU",
    .0.weights.loaded_bytes() / GIB, .0.activation_bytes / GIB, .0.fixed_bytes / GIB, -.0.cache_bytes / GIB,
    .0.given_bytes / GIB
)]
pub struct DoesNotFit(pub Box<Budget>);

impl Budget {
    /// The budget of one rank on a GPU of `gpu_bytes`, as CUDA reports them.
    pub fn of(model: &Architecture, ranks: Parallelism, gpu_bytes: u64, settings: Settings) -> Budget {
        let reads_images = settings.reads_images && model.vision_params > 0;
        let weights = weights(model, ranks);
        let given_bytes = gpu_bytes as f64 * settings.utilization;
        let images = if reads_images { IMAGES_BYTES } else { 0.0 };
        let activation_bytes = activation_bytes(model, ranks, settings) + images;
        let small = if (gpu_bytes as f64) < SMALL_GPU_BYTES { SMALL_GPU_MORE_BYTES } else { 0.0 };
        let fixed_bytes = small + if ranks.tensor > 1 { AMONG_SEVERAL_BYTES } else { ALONE_BYTES };
        let vision = if reads_images { weights.vision_bytes } else { 0.0 };
        let cache_bytes = given_bytes - weights.loaded_bytes() - vision - activation_bytes - fixed_bytes;
        let cache = Cache::of(model, ranks, settings.cache);
        let tokens = cache.tokens(cache_bytes - STATES * cache.rank_state_bytes);
        Budget { given_bytes, weights, activation_bytes, fixed_bytes, cache_bytes, cache, tokens }
    }

    /// The budget, if a sequence fits.
    ///
    /// # Errors
    /// By how much the model does not fit.
    pub fn checked(self) -> Result<Budget, DoesNotFit> {
        if self.tokens > 0 { Ok(self) } else { Err(DoesNotFit(Box::new(self))) }
    }
}

/// Activations at their peak: the widest layer at all tokens of an iteration, or the sampler at all sequences.
fn activation_bytes(model: &Architecture, ranks: Parallelism, settings: Settings) -> f64 {
    let (tokens, sequences) = (f64::from(settings.batched_tokens), f64::from(settings.sequences));
    let hidden = model.hidden as f64;
    let of = |part: &FeedForward| widest_bytes(part, hidden, ranks);
    let parts = model.layers.iter().filter_map(|layer| layer.feed_forward.as_ref());
    let widest = parts.map(of).fold(0.0, f64::max);
    let forward = tokens * (widest + 8.0 * hidden);
    let sampler = 14.0 * sequences * model.vocab as f64 + 2.2 * tokens * hidden + 0.11 * GIB;
    forward.max(sampler)
}

/// Bytes of a token within the feed-forward part of a layer: in 16 bits, the gate, its other half and their product.
fn widest_bytes(part: &FeedForward, hidden: f64, ranks: Parallelism) -> f64 {
    let tensor = f64::from(ranks.tensor);
    match part {
        FeedForward::Dense(mlp) => 2.0 * mlp.matrices as f64 * mlp.width as f64 / tensor,
        FeedForward::Sparse(experts) => {
            let width = experts.mlp.width as f64 / tensor;
            let each = 2.0 * experts.mlp.matrices as f64 * width + 2.0 * hidden;
            experts.chosen as f64 * each + 6.0 * experts.shared_width as f64 / tensor
        }
    }
}
