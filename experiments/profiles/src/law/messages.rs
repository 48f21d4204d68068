//! What ranks tell each other in an iteration.

use crate::architecture::{Architecture, Attention, Grouped, QkNorm};
use crate::gpu::Gpu;
use crate::rank::Parallelism;

/// Share of a link's one-way bandwidth that an all-reduce reaches, and that an exchange of tokens does.
const REDUCE_SHARE: f64 = 0.235;
const EXCHANGE_SHARE: f64 = 0.547;
/// Latency of an all-reduce among one rank, ms, and its growth with their number.
const REDUCE_MS: f64 = 3.6e-3;
/// Latency of an exchange of tokens, ms; one before the experts and one after.
const EXCHANGE_MS: f64 = 23.9e-3;
/// A norm over all heads asks for one more all-reduce a layer, and small kernels.
const NORM_MS: f64 = 6e-3;
/// Beyond so many bytes an all-reduce is this much faster.
const LARGE_BYTES: f64 = 16e6;
const LARGE_SPEEDUP: f64 = 1.7;

/// Messages of an iteration.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Messages {
    /// Latencies, ms.
    pub fixed_ms: f64,
    /// All-reduces, for each byte of one, ms.
    reduce_ms_per_byte: f64,
    /// Bytes of one token in an all-reduce.
    token_bytes: f64,
    /// Exchanges, for each token of the busiest replica, ms.
    exchange_token_ms: f64,
    /// Whether all tokens are gathered by all replicas, or sent to those that hold their experts.
    is_gathered: bool,
    replicas: f64,
}

impl Messages {
    pub(super) fn of(model: &Architecture, gpu: &Gpu, ranks: Parallelism) -> Self {
        let (tensor, replicas) = (f64::from(ranks.tensor), f64::from(ranks.data));
        let layers = model.layers.len() as f64;
        let link_per_ms = gpu.interconnect.bytes_per_s() / 1e3;
        let token_bytes = model.hidden as f64 * 2.0;
        let mut messages = Messages { token_bytes, replicas, ..Messages::default() };
        if ranks.tensor > 1 {
            let latency = REDUCE_MS * (0.7 + 0.3 * tensor.log2());
            messages.fixed_ms += 2.0 * layers * latency;
            messages.reduce_ms_per_byte = 2.0 * layers * 2.0 * (tensor - 1.0) / tensor / (REDUCE_SHARE * link_per_ms);
            let normed = |a: &&Attention| matches!(a, Attention::Grouped(Grouped { qk_norm: QkNorm::Layer, .. }));
            messages.fixed_ms += model.attentions().filter(normed).count() as f64 * (latency + NORM_MS);
        }
        if ranks.data > 1 {
            let rate = EXCHANGE_SHARE * link_per_ms;
            let (count, chosen) = model.experts().fold((0.0, 0), |(n, k), e| (n + 1.0, k.max(e.chosen)));
            messages.fixed_ms += count * 2.0 * EXCHANGE_MS;
            messages.is_gathered = ranks.expert == 1;
            let hidden = model.hidden as f64;
            messages.exchange_token_ms = count / rate
                * if messages.is_gathered {
                    (replicas - 1.0) * hidden * 4.0
                } else {
                    // Sent in 8 bits, and back in 16.
                    chosen.min(u64::from(ranks.expert) - 1) as f64 * hidden * 3.0
                };
        }
        messages
    }

    /// Tokens of an all-reduce that is small.
    pub(super) fn small_tokens(&self) -> f64 {
        if self.token_bytes > 0.0 { (LARGE_BYTES / self.token_bytes).floor() } else { 0.0 }
    }

    /// Time of a token of a small message, and of each beyond, ms; of the busiest replica.
    pub(super) fn token_ms(&self) -> [f64; 2] {
        let reduce = self.reduce_ms_per_byte * self.token_bytes;
        let exchange = if self.is_gathered { 0.0 } else { self.exchange_token_ms };
        [reduce + exchange, reduce / LARGE_SPEEDUP + exchange]
    }

    /// Time of a token of any replica that all gather, ms.
    pub(super) fn gathered_token_ms(&self) -> f64 {
        if self.is_gathered { self.exchange_token_ms / self.replicas } else { 0.0 }
    }

    /// Time of an iteration with `tokens` on the busiest replica and `all` on all.
    pub fn ms(&self, tokens: f64, all: f64) -> f64 {
        let bytes = tokens * self.token_bytes;
        let slow = bytes.min(LARGE_BYTES) + (bytes - LARGE_BYTES).max(0.0) / LARGE_SPEEDUP;
        let mean = all / self.replicas;
        let exchanged = if self.is_gathered { mean } else { tokens.max(mean) };
        self.fixed_ms + self.reduce_ms_per_byte * slow + self.exchange_token_ms * exchanged
    }
}
