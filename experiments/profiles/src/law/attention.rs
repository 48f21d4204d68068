//! Attention of decodes and prompts on one rank, by how far layers see.

use crate::architecture::{Architecture, Attention, CacheFormat, Grouped, Index, Latent, Reach};
use crate::gpu::{Generation, Gpu};
use crate::rank::Parallelism;

/// Share of the bandwidth, and of the 16-bit peak, that attention reaches.
const BYTES_SHARE: f64 = 0.777;
const DECODE_FLOPS_SHARE: f64 = 0.612;
const PROMPT_FLOPS_SHARE: f64 = 0.613;
/// Bytes of the scale of a key of an index.
const INDEX_SCALE_BYTES: f64 = 4.0;

/// Layers that see equally far.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Context {
    /// The most tokens that they see; all without.
    pub window: Option<u64>,
    /// A decode, for each token that it sees, ms.
    pub decode_ms: f64,
    /// A token of a prompt, for each token that it sees, ms.
    pub prompt_ms: f64,
}

/// Linear attention: the same for any context.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct State {
    /// A decode: reading and writing its state, ms.
    pub decode_ms: f64,
    /// A token of a prompt, ms.
    pub prompt_ms: f64,
}

/// Attention of all layers.
pub(super) fn of(model: &Architecture, gpu: &Gpu, ranks: Parallelism, cache: CacheFormat) -> (Vec<Context>, State) {
    let (mut contexts, mut state): (Vec<Context>, State) = (Vec::new(), State::default());
    let mut add = |new: Context| match contexts.iter_mut().find(|old| old.window == new.window) {
        Some(old) => {
            old.decode_ms += new.decode_ms;
            old.prompt_ms += new.prompt_ms;
        }
        None => contexts.push(new),
    };
    let rates = Rates::of(gpu, ranks);
    for attention in model.attentions() {
        match attention {
            Attention::Grouped(grouped) => add(rates.grouped(grouped, cache)),
            Attention::Latent(latent) => rates.latent(latent, cache).into_iter().for_each(&mut add),
            Attention::DeltaNet(_) | Attention::Mamba(_) => {
                let (bytes, numbers) = (attention.state_bytes().0 as f64, attention.state_numbers().0 as f64);
                state.decode_ms += 2.0 * bytes / rates.tensor / rates.bytes_per_ms;
                state.prompt_ms += 6.0 * numbers / rates.tensor / rates.linear_flops_per_ms;
            }
        }
    }
    (contexts, state)
}

/// What a rank reaches.
struct Rates {
    tensor: f64,
    bytes_per_ms: f64,
    decode_flops_per_ms: f64,
    prompt_flops_per_ms: f64,
    linear_flops_per_ms: f64,
}

impl Rates {
    fn of(gpu: &Gpu, ranks: Parallelism) -> Self {
        let peak = gpu.tflops.bf16 * 1e9;
        // Scans of linear attention, by kernel tables.
        let linear = if gpu.generation == Generation::Blackwell { 0.055 } else { 0.12 };
        Rates {
            tensor: f64::from(ranks.tensor),
            bytes_per_ms: BYTES_SHARE * gpu.bandwidth_gb_s * 1e6,
            decode_flops_per_ms: DECODE_FLOPS_SHARE * peak,
            prompt_flops_per_ms: PROMPT_FLOPS_SHARE * peak,
            linear_flops_per_ms: linear * peak,
        }
    }

    fn grouped(&self, a: &Grouped, cache: CacheFormat) -> Context {
        let widths = (a.head + a.value_head) as f64;
        let split = self.tensor.min(a.kv_heads as f64);
        let bytes = a.kv_heads as f64 * widths * cache.bytes() as f64 / split;
        let flops = 2.0 * a.query_heads as f64 / self.tensor * widths;
        let window = match a.reach {
            Reach::Full => None,
            Reach::Window(tokens) => Some(tokens),
        };
        Context {
            window,
            decode_ms: (bytes / self.bytes_per_ms).max(flops / self.decode_flops_per_ms),
            prompt_ms: flops / self.prompt_flops_per_ms,
        }
    }

    /// Decodes attend to the latent row itself, prompts to keys and values made of it. An index chooses tokens, for
    /// which it reads the keys of all.
    fn latent(&self, a: &Latent, cache: CacheFormat) -> Vec<Context> {
        let heads = a.query_heads as f64 / self.tensor;
        let bytes = ((a.kv_rank + a.rope) * cache.bytes()) as f64;
        let flops = 2.0 * heads * (2 * a.kv_rank + a.rope) as f64;
        let rows = Context {
            window: a.index.as_ref().map(|index| index.top),
            decode_ms: (bytes / self.bytes_per_ms).max(flops / self.decode_flops_per_ms),
            prompt_ms: 2.0 * heads * (a.nope + a.rope + a.value) as f64 / self.prompt_flops_per_ms,
        };
        let keys = |index: &Index| Context {
            window: None,
            decode_ms: (index.width as f64 + INDEX_SCALE_BYTES) / self.bytes_per_ms,
            prompt_ms: 0.0,
        };
        let index = a.index.as_ref().filter(|index| index.is_own);
        [Some(rows), index.map(keys)].into_iter().flatten().collect()
    }
}
