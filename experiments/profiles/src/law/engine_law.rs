//! The law as the engine of the simulator takes it: six coefficients, and what a model has beside them.

use super::attention::Context;
use super::dense::{ExpertGroup, SKEW};
use super::iteration::{Law, SEQUENCE_MS};
use crate::coefficients::Coefficients;
use flashcrowd_core::serving::{Experts, LawParts, Messages, Window};

impl Law {
    /// The coefficients of the law, and its parts.
    ///
    /// They equal [`Law::iteration_ms`] but for three things. Rows of the output layer are counted beside the knee,
    /// not within it. Copies that only decodes read of latent attention are read in every iteration, and its products
    /// count as those of decodes. Scans of linear attention count for decodes, too.
    pub fn for_engine(&self, front_end_ms: f64) -> (Coefficients, LawParts) {
        let dense = &self.layers;
        let (full, windows): (Vec<&Context>, Vec<&Context>) =
            self.contexts.iter().partition(|context| context.window.is_none());
        let coefficients = Coefficients {
            overhead_ms: self.step_ms + dense.launch_ms + self.messages.fixed_ms,
            weights_ms: dense.always.read_ms + dense.head.read_ms + dense.decodes.read_ms,
            token_ms: dense.always.token_ms + dense.decodes.token_ms,
            sequence_ms: SEQUENCE_MS + dense.head.token_ms + self.state.decode_ms,
            context_ms: full.iter().map(|context| context.decode_ms).sum(),
            attention_ms: full.iter().map(|context| context.prompt_ms).sum(),
            front_end_ms,
        };
        let [token_ms, further_token_ms] = self.messages.token_ms();
        let parts = LawParts {
            experts: experts(&dense.experts, self.messages.gathered_token_ms()),
            windows: windows
                .iter()
                .map(|context| Window {
                    tokens: context.window.unwrap_or(u64::MAX).min(u64::from(u32::MAX)) as u32,
                    context_ms: context.decode_ms,
                    attention_ms: context.prompt_ms,
                })
                .collect(),
            messages: Messages {
                token_ms: token_ms + self.state.prompt_ms,
                small_tokens: self.messages.small_tokens().min(f64::from(u32::MAX)) as u32,
                further_token_ms: further_token_ms + self.state.prompt_ms,
            },
            floor_ms: self.step_ms + self.floor_ms,
        };
        (coefficients, parts)
    }
}

/// Groups of experts; what it takes to gather a token is counted with the experts, since it grows with the tokens of all
/// replicas.
fn experts(groups: &[ExpertGroup], gathered_ms: f64) -> Vec<Experts> {
    let mut experts: Vec<Experts> = groups.iter().map(ExpertGroup::for_engine).collect();
    if let Some(first) = experts.first_mut() {
        first.token_ms += gathered_ms;
    }
    experts
}

impl ExpertGroup {
    fn for_engine(&self) -> Experts {
        Experts { read_ms: self.read_ms, chosen_share: self.chosen_share, skew: SKEW, token_ms: self.token_ms }
    }
}

#[cfg(test)]
mod tests {
    use crate::architecture::{CacheFormat, KNOWN_MODELS};
    use crate::law::{Chunk, Engine, Law, Load};
    use crate::rank::Parallelism;
    use crate::{GPUS, lookup};
    use flashcrowd_core::serving::LawParts;

    /// An iteration of the busiest of so many replicas by coefficients and parts, as the engine counts: decodes are
    /// dealt evenly, chunks are all on it.
    fn engine_ms(of: &(crate::Coefficients, LawParts), load: &Load, replicas: f64) -> f64 {
        let (law, parts) = of;
        let all = load.decodes + load.chunks.iter().map(|chunk| chunk.tokens).sum::<f64>();
        let load = &Load { decodes: (load.decodes / replicas).ceil(), ..load.clone() };
        let chunks: Vec<_> = load.chunks.iter().map(|c| crate::Chunk { tokens: c.tokens, context: c.past }).collect();
        let prompt: f64 = chunks.iter().map(|chunk| chunk.tokens).sum();
        let tokens = load.decodes + prompt;
        let sum = law.iteration_ms(prompt, load.decodes, chunks.len() as f64, load.decodes * load.context, &chunks);
        let experts = parts.experts.iter().map(|e| {
            let met = 1.0 - (1.0 - e.chosen_share).powf(1.0 + e.skew * (all - 1.0));
            e.read_ms * met + e.token_ms * all
        });
        let windows = parts.windows.iter().map(|w| {
            let seen = |context: f64| context.min(f64::from(w.tokens));
            let of_chunks = chunks.iter().map(|c| w.attention_ms * c.tokens * seen(c.context + c.tokens / 2.0));
            w.context_ms * load.decodes * seen(load.context) + of_chunks.sum::<f64>()
        });
        let small = tokens.min(f64::from(parts.messages.small_tokens));
        let messages = parts.messages.token_ms * small + parts.messages.further_token_ms * (tokens - small);
        let sum = sum + experts.sum::<f64>() + windows.sum::<f64>() + messages;
        if prompt > 0.0 { sum.max(parts.floor_ms) } else { sum }
    }

    /// What the engine plays is the law, for every model of the catalogue, within 2 % of decodes and 6 % of prompts.
    #[test]
    fn the_engine_plays_the_law() {
        for known in KNOWN_MODELS.iter() {
            let model = known.architecture();
            let dealt = |tensor, data, expert| Parallelism { tensor, data, expert };
            let ranks = [
                ("H100", dealt(1, 1, 1)),
                ("B200", dealt(8, 1, 1)),
                ("A100", dealt(2, 1, 1)),
                ("H200", dealt(1, 8, 8)),
                ("H100", dealt(2, 4, 1)),
            ];
            for (gpu, ranks) in ranks {
                let (gpu, replicas) = (lookup(&GPUS, gpu).unwrap(), f64::from(ranks.data));
                if ranks.check(&model).is_err() {
                    continue;
                }
                let law = Law::of(&model, gpu, ranks, Engine::Vllm, CacheFormat::Bf16);
                let of = law.for_engine(15.0);
                for decodes in [1.0, 7.0, 64.0, 256.0] {
                    let load = Load { decodes, context: 3_000.0, chunks: Vec::new() };
                    let (wanted, found) = (law.iteration_ms(&load), engine_ms(&of, &load, replicas));
                    assert!((found / wanted - 1.0).abs() < 0.02, "{} {decodes}: {found} of {wanted}", known.name);
                }
                for tokens in [300.0, 8_000.0] {
                    let chunks = vec![Chunk { tokens, past: 0.0 }];
                    let load = Load { decodes: 0.0, context: 0.0, chunks };
                    let (wanted, found) = (law.iteration_ms(&load), engine_ms(&of, &load, replicas));
                    assert!((found / wanted - 1.0).abs() < 0.06, "{} {tokens}: {found} of {wanted}", known.name);
                }
            }
        }
    }
}
