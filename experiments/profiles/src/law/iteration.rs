//! The time of one iteration, and its terms.

use super::attention::{self, Context, State};
use super::dense::{Layers, Products};
use super::engine::Engine;
use super::messages::Messages;
use crate::architecture::{Architecture, CacheFormat};
use crate::gpu::Gpu;
use crate::rank::Parallelism;

/// Host, sampler and detokeniser of one row, ms. Least squares on closed-loop points.
pub(super) const SEQUENCE_MS: f64 = 0.008_21;

/// The law of one model on one group of GPUs.
#[derive(Clone, Debug, PartialEq)]
pub struct Law {
    /// What the engine takes of each iteration, ms.
    pub step_ms: f64,
    pub(super) layers: Layers,
    /// Attention, by how far layers see.
    pub contexts: Vec<Context>,
    /// Linear attention.
    pub state: State,
    /// Messages between ranks.
    pub messages: Messages,
    /// The least that an iteration with prompts takes beside the step, ms.
    pub floor_ms: f64,
    ranks: Parallelism,
}

/// What an iteration works on.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Load {
    /// Sequences in decode, over all replicas of the attention.
    pub decodes: f64,
    /// Tokens that each of them sees.
    pub context: f64,
    /// Chunks of prompts, all on the busiest replica.
    pub chunks: Vec<Chunk>,
}

/// A chunk of a prompt.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Chunk {
    /// Its tokens.
    pub tokens: f64,
    /// Tokens of the same prompt before it.
    pub past: f64,
}

/// The terms of an iteration, ms.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Terms {
    /// The engine's own.
    pub step: f64,
    /// Launches and small kernels.
    pub launches: f64,
    /// Reading matrices.
    pub read: f64,
    /// Multiplying with them, which overlaps with reading.
    pub multiply: f64,
    /// Reading experts.
    pub read_experts: f64,
    /// Multiplying with them.
    pub multiply_experts: f64,
    /// Attention of decodes.
    pub decode_attention: f64,
    /// Attention of prompts.
    pub prompt_attention: f64,
    /// Messages between ranks.
    pub messages: f64,
    /// Rows.
    pub rows: f64,
    /// What the sum is raised to.
    pub least: f64,
}

impl Terms {
    /// The time of the iteration, ms.
    pub fn ms(&self) -> f64 {
        let sum = self.step
            + self.launches
            + self.read.hypot(self.multiply)
            + self.read_experts
            + self.multiply_experts
            + self.decode_attention
            + self.prompt_attention
            + self.messages
            + self.rows;
        sum.max(self.least)
    }
}

impl Law {
    /// The law of `model` on `gpu`.
    pub fn of(model: &Architecture, gpu: &Gpu, ranks: Parallelism, engine: Engine, cache: CacheFormat) -> Self {
        let layers = Layers::of(model, gpu, ranks);
        let (contexts, state) = attention::of(model, gpu, ranks, cache);
        let (layer_ms, experts_ms) = engine.floor_ms();
        Law {
            step_ms: engine.step_ms(),
            floor_ms: layer_ms * model.layers.len() as f64 + experts_ms * layers.sparse as f64,
            layers,
            contexts,
            state,
            messages: Messages::of(model, gpu, ranks),
            ranks,
        }
    }

    /// The terms of an iteration.
    pub fn terms(&self, load: &Load) -> Terms {
        let prompt: f64 = load.chunks.iter().map(|chunk| chunk.tokens).sum();
        let prompts = load.chunks.len() as f64;
        let replicas = f64::from(self.ranks.data);
        // The busiest replica.
        let decodes = (load.decodes / replicas).ceil();
        let (tokens, all) = (decodes + prompt, load.decodes + prompt);
        let (dense, rows) = (&self.layers, decodes + prompts);
        let used = |products: &Products, by: f64| {
            if by > 0.0 { (products.read_ms, products.token_ms * by) } else { (0.0, 0.0) }
        };
        let parts = [
            (dense.always.read_ms, dense.always.token_ms * tokens),
            (dense.head.read_ms, dense.head.token_ms * rows),
            used(&dense.decodes, decodes),
            used(&dense.prompts, prompt),
        ];
        let experts = dense.experts.iter().map(|group| group.ms(all));
        let (read_experts, multiply_experts) = experts.fold((0.0, 0.0), |(a, b), (c, d)| (a + c, b + d));
        Terms {
            step: self.step_ms,
            launches: dense.launch_ms,
            read: parts.iter().map(|part| part.0).sum(),
            multiply: parts.iter().map(|part| part.1).sum(),
            read_experts,
            multiply_experts,
            decode_attention: decodes * (self.seen_ms(load.context) + self.state.decode_ms),
            prompt_attention: load.chunks.iter().map(|chunk| self.chunk_ms(*chunk)).sum(),
            messages: self.messages.ms(tokens, all),
            rows: SEQUENCE_MS * rows,
            least: if prompt > 0.0 { self.step_ms + self.floor_ms } else { 0.0 },
        }
    }

    /// The time of an iteration, ms.
    pub fn iteration_ms(&self, load: &Load) -> f64 {
        self.terms(load).ms()
    }

    fn seen_ms(&self, context: f64) -> f64 {
        let seen = |part: &Context| part.window.map_or(context, |window| context.min(window as f64));
        self.contexts.iter().map(|part| part.decode_ms * seen(part)).sum()
    }

    fn chunk_ms(&self, chunk: Chunk) -> f64 {
        let mean = chunk.past + chunk.tokens / 2.0;
        let seen = |part: &Context| part.window.map_or(mean, |window| mean.min(window as f64));
        let attention: f64 = self.contexts.iter().map(|part| part.prompt_ms * seen(part)).sum();
        chunk.tokens * (attention + self.state.prompt_ms)
    }
}
