//! The iteration-time model and its coefficients.

use super::fields::non_negative;
use serde::{Deserialize, Serialize};

/// One chunk of a prompt that an iteration prefills.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Chunk {
    /// Tokens of the chunk (`p`).
    pub tokens: f64,
    /// Tokens of the same sequence that are in the cache before it (`ctx`).
    pub context: f64,
}

/// Coefficients of the time that one iteration of a continuous-batching engine takes:
///
/// ```text
/// T = o + sqrt(w^2 + (b*(P+D))^2) + c*(D+S) + d*KV + e*sum p*(ctx + p/2)   [ms]
/// TTFT = time to the end of the iteration that yields the first token + t0
/// ```
///
/// `P` prefill tokens, `D` sequences in decode, `S` sequences with a prefill chunk, `KV` context
/// tokens that the decodes read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Coefficients {
    /// `o`: fixed overhead of an iteration, ms.
    #[serde(deserialize_with = "non_negative")]
    pub overhead_ms: f64,
    /// `w`: time to read the weights once, ms.
    #[serde(deserialize_with = "non_negative")]
    pub weights_ms: f64,
    /// `b`: compute per token, ms.
    #[serde(deserialize_with = "non_negative")]
    pub token_ms: f64,
    /// `c`: host, sampler and output layer per sequence, ms.
    #[serde(deserialize_with = "non_negative")]
    pub sequence_ms: f64,
    /// `d`: reading the cache, per context token, ms.
    #[serde(deserialize_with = "non_negative")]
    pub context_ms: f64,
    /// `e`: attention of prefill, per pair of tokens, ms.
    #[serde(deserialize_with = "non_negative")]
    pub attention_ms: f64,
    /// `t0`: front-end time of a request, added to its time to first token, ms.
    #[serde(deserialize_with = "non_negative")]
    pub front_end_ms: f64,
}

impl Coefficients {
    /// Symbols of the law, in the order of [`Coefficients::values`].
    pub const SYMBOLS: [&'static str; 7] = ["o", "w", "b", "c", "d", "e", "t0"];
    /// Units, in the same order.
    pub const UNITS: [&'static str; 7] =
        ["ms", "ms", "ms/token", "ms/sequence", "ms/context token", "ms/token^2", "ms"];

    /// All values, in the order of [`Coefficients::SYMBOLS`].
    pub const fn values(&self) -> [f64; 7] {
        [
            self.overhead_ms,
            self.weights_ms,
            self.token_ms,
            self.sequence_ms,
            self.context_ms,
            self.attention_ms,
            self.front_end_ms,
        ]
    }

    /// The coefficients with these values, in the order of [`Coefficients::SYMBOLS`].
    pub const fn from_values(values: [f64; 7]) -> Self {
        let [overhead_ms, weights_ms, token_ms, sequence_ms, context_ms, attention_ms, front_end_ms] = values;
        Coefficients { overhead_ms, weights_ms, token_ms, sequence_ms, context_ms, attention_ms, front_end_ms }
    }

    /// Time of one iteration, ms.
    ///
    /// ```
    /// use flashcrowd_profiles::{Chunk, Coefficients};
    /// let law = Coefficients::from_values([1.0, 3.0, 0.004, 0.1, 1e-4, 1e-6, 7.0]);
    /// // 990 prompt tokens and 10 decodes: sqrt(3^2 + 4^2) = 5.
    /// let chunk = Chunk { tokens: 990.0, context: 0.0 };
    /// let ms = law.iteration_ms(990.0, 10.0, 1.0, 10_000.0, &[chunk]);
    /// assert!((ms - (1.0 + 5.0 + 1.1 + 1.0 + 0.49005)).abs() < 1e-9);
    /// ```
    pub fn iteration_ms(&self, prefill: f64, decodes: f64, prompts: f64, context: f64, chunks: &[Chunk]) -> f64 {
        let pairs: f64 = chunks.iter().map(|chunk| chunk.tokens * (chunk.context + chunk.tokens / 2.0)).sum();
        self.overhead_ms
            + self.weights_ms.hypot(self.token_ms * (prefill + decodes))
            + self.sequence_ms * (decodes + prompts)
            + self.context_ms * context
            + self.attention_ms * pairs
    }

    /// What is left of these measured coefficients when the datasheet law goes from `before` to
    /// `after`: times in proportion, overheads by the difference.
    #[must_use]
    pub fn scaled(&self, before: &Coefficients, after: &Coefficients) -> Coefficients {
        let ratio = |value: f64, before: f64, after: f64| if before > 0.0 { value * (after / before) } else { value };
        let shift = |value: f64, before: f64, after: f64| (value + (after - before)).max(0.0);
        Coefficients {
            overhead_ms: shift(self.overhead_ms, before.overhead_ms, after.overhead_ms),
            weights_ms: ratio(self.weights_ms, before.weights_ms, after.weights_ms),
            token_ms: ratio(self.token_ms, before.token_ms, after.token_ms),
            sequence_ms: shift(self.sequence_ms, before.sequence_ms, after.sequence_ms),
            context_ms: ratio(self.context_ms, before.context_ms, after.context_ms),
            attention_ms: ratio(self.attention_ms, before.attention_ms, after.attention_ms),
            front_end_ms: self.front_end_ms,
        }
    }
}
