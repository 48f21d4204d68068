//! Language models by name: shapes from their model cards.

use super::catalog::{Named, embedded};
use super::precision::Precision;
use serde::Deserialize;
use std::sync::LazyLock;

/// A decoder-only model, as in `profiles/models.ron`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Model {
    /// Name in scenarios and profiles.
    pub name: String,
    /// Other names: paths on Hugging Face, as engines and benchmarks write them.
    #[serde(default)]
    pub aliases: Vec<String>,
    /// Parameters.
    pub params: u64,
    /// Parameters that one token meets, where that is less than all (experts).
    #[serde(default)]
    pub active_params: Option<u64>,
    /// Layers.
    pub layers: u32,
    /// Width of the residual stream.
    pub hidden: u32,
    /// Width inside an MLP or expert.
    pub ffn: u32,
    /// Query heads of a layer.
    pub query_heads: u32,
    /// Key and value heads of a layer.
    pub kv_heads: u32,
    /// Width of a head.
    pub head_dim: u32,
    /// Tokens of the vocabulary.
    pub vocab: u32,
    /// Experts, where there are any.
    #[serde(default)]
    pub experts: Option<Experts>,
    /// Format of the weights as usually served.
    pub precision: Precision,
    /// Where these figures are from.
    pub source: String,
}

/// Experts of a layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Experts {
    /// All of them.
    pub total: u32,
    /// Those that a token is sent to.
    pub active: u32,
}

impl Model {
    /// Parameters of the output layer, and of the token embedding.
    pub fn vocabulary_params(&self) -> f64 {
        f64::from(self.vocab) * f64::from(self.hidden)
    }

    /// Parameters that one token is multiplied with in all layers; not the embedding, which is
    /// looked up, nor the output layer, which only sampled tokens meet.
    pub fn params_per_token(&self) -> f64 {
        self.active_params.unwrap_or(self.params) as f64 - 2.0 * self.vocabulary_params()
    }

    /// Work of attention for one pair of tokens, all layers, FLOP: scores and their weighted sum.
    pub fn attention_flops(&self) -> f64 {
        4.0 * f64::from(self.layers) * f64::from(self.query_heads) * f64::from(self.head_dim)
    }

    /// Numbers in the cache for one token: keys and values of all layers.
    pub fn cached_numbers(&self) -> f64 {
        2.0 * f64::from(self.layers) * f64::from(self.kv_heads) * f64::from(self.head_dim)
    }

    /// Bytes of the cache for one token on one GPU of `tensor_parallel`. Heads are split among the
    /// GPUs; where there are fewer heads than GPUs, each keeps one.
    ///
    /// ```
    /// use flashcrowd_profiles::{MODELS, Precision, lookup};
    /// let model = lookup(&MODELS, "meta-llama/Llama-3.1-8B")?;
    /// assert_eq!(model.kv_bytes_per_token(1, Precision::Bf16), 131_072.0);
    /// # Ok::<(), flashcrowd_profiles::ProfileError>(())
    /// ```
    pub fn kv_bytes_per_token(&self, tensor_parallel: u32, cache: Precision) -> f64 {
        let split = f64::from(tensor_parallel.clamp(1, self.kv_heads.max(1)));
        self.cached_numbers() * cache.bytes() / split
    }

    /// Bytes of the weights on one GPU of `tensor_parallel`. The vocabulary's layers stay in 16
    /// bits, as quantised checkpoints leave them.
    pub fn weight_bytes(&self, tensor_parallel: u32, precision: Precision) -> f64 {
        let vocabulary = 2.0 * self.vocabulary_params();
        let layers = self.params as f64 - vocabulary;
        (layers * precision.bytes() + vocabulary * Precision::Bf16.bytes()) / f64::from(tensor_parallel.max(1))
    }
}

impl Named for Model {
    const KIND: &'static str = "model";

    fn name(&self) -> &str {
        &self.name
    }

    fn aliases(&self) -> &[String] {
        &self.aliases
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename = "Catalog")]
struct File {
    models: Vec<Model>,
}

/// All models of the catalogue.
pub static MODELS: LazyLock<Vec<Model>> =
    LazyLock::new(|| embedded::<File>("models.ron", include_str!("../../../profiles/models.ron")).models);
