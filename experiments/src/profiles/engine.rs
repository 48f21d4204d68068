//! An engine with a profile's law and memory.

use super::memory::EngineLimits;
use super::profile::Profile;
use flashcrowd_core::SimDuration;
use flashcrowd_core::serving::{self, EngineConfig, Knee, TimeLaw};

impl Profile {
    /// The engine of this profile on GPUs of `gpu_bytes` of memory each, with vLLM's defaults
    /// where `limits` says nothing.
    ///
    /// # Errors
    /// If the weights leave no room for a cache, or the memory of the model is not known.
    pub fn engine(&self, gpu_bytes: u64, limits: EngineLimits) -> Result<EngineConfig, String> {
        let law = TimeLaw::new(&self.law(), Knee::Soft)?;
        let memory = self.memory.ok_or_else(|| format!("the profile `{}` does not say its memory", self.name))?;
        let blocks = memory.kv_blocks(gpu_bytes, limits);
        if blocks == 0 {
            return Err(format!(
                "`{}` does not fit: its weights take {:.1} GiB of a GPU's {:.1} GiB",
                self.name,
                memory.weights_bytes / f64::from(1 << 30),
                gpu_bytes as f64 / f64::from(1 << 30)
            ));
        }
        let engine = EngineConfig {
            front_end: SimDuration::from_s_f64(self.coefficients.front_end_ms / 1e3),
            token_budget: limits.batched_tokens,
            max_sequences: limits.sequences,
            block_tokens: limits.block_tokens,
            lookahead: self.lookahead_steps > 0,
            ..EngineConfig::new(law, blocks)
        };
        engine.check()?;
        Ok(engine)
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
