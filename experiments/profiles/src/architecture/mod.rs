//! A model as a list of layers, each of an attention and a feed-forward part: what a `config.json`
//! says of its shape, and the parameters that follow from it.
//!
//! | module | holds |
//! | --- | --- |
//! | `attention`, `feed_forward` | the kinds of both parts |
//! | `format` | number formats of weights, and which part has which |
//! | `piece` | the matrices and vectors of a layer |
//! | `read` | Hugging Face's `config.json` |
//! | `known` | models whose file is part of the program |
//! | `error` | what is refused, and why |

mod attention;
mod error;
mod feed_forward;
mod format;
mod known;
mod piece;
mod read;

#[cfg(test)]
mod tests;

pub use attention::{Attention, DeltaNet, Grouped, Index, Latent, Mamba, QkNorm, Reach};
pub use error::{ConfigError, Doubt};
pub use feed_forward::{Experts, FeedForward, Mlp};
pub use format::{CacheFormat, Format, Formats};
pub use known::{KNOWN_MODELS, KnownModel};
pub use piece::{Part, Piece};
pub use read::read;

/// A decoder-only model.
#[derive(Clone, Debug, PartialEq)]
pub struct Architecture {
    /// `model_type` of the configuration.
    pub kind: String,
    /// Width of the residual stream.
    pub hidden: u64,
    /// Tokens of the vocabulary.
    pub vocab: u64,
    /// Whether the output layer is the embedding.
    pub is_tied: bool,
    /// Layers, from the first.
    pub layers: Vec<Layer>,
    /// Parameters beside layers and ends: the last norm, and a bias of the output layer.
    pub other_params: u64,
    /// The longest context that its file says, tokens: what an engine serves unless it is told another.
    pub positions: Option<u64>,
    /// Tables of rotary embeddings, bytes: part of what an engine loads, not of the file.
    pub rope_bytes: u64,
    /// Parameters of what turns images into tokens, where the file holds it.
    pub vision_params: u64,
    /// Number formats of the weights.
    pub formats: Formats,
    /// What is not verified about it.
    pub doubts: Vec<Doubt>,
}

/// One layer; either part may be missing, as in models with one of them a layer.
#[derive(Clone, Debug, PartialEq)]
pub struct Layer {
    /// Width of the residual stream.
    pub hidden: u64,
    /// How tokens see each other.
    pub attention: Option<Attention>,
    /// What is done with each token.
    pub feed_forward: Option<FeedForward>,
    /// Parameters of its norms.
    pub norm_params: u64,
}

impl Architecture {
    /// All parameters, without vision and drafting.
    pub fn params(&self) -> u64 {
        let layers: u64 = self.layers.iter().map(Layer::params).sum();
        layers + self.vocabulary_params() * if self.is_tied { 1 } else { 2 } + self.other_params
    }

    /// Parameters that one token meets: of the experts, those that are chosen.
    pub fn active_params(&self) -> u64 {
        let idle = self.experts().map(|experts| (experts.total - experts.chosen) * experts.params(self.hidden));
        self.params() - idle.sum::<u64>()
    }

    /// Bytes of its weights in the file, without vision and drafting.
    pub fn file_bytes(&self) -> f64 {
        let layers: f64 = self.pieces().map(|piece| piece.params as f64 * self.formats.of(piece.part).bytes()).sum();
        let ends = self.vocabulary_params() * if self.is_tied { 1 } else { 2 } + self.other_params;
        layers + ends as f64 * Format::Bf16.bytes()
    }

    /// Parameters of the embedding, and of the output layer.
    pub fn vocabulary_params(&self) -> u64 {
        self.vocab * self.hidden
    }

    /// Experts, layer by layer.
    pub fn experts(&self) -> impl Iterator<Item = &Experts> {
        self.layers.iter().filter_map(|layer| layer.feed_forward.as_ref()?.experts())
    }

    /// The pieces of all layers.
    pub fn pieces(&self) -> impl Iterator<Item = Piece> {
        self.layers.iter().flat_map(Layer::pieces)
    }

    /// Attention parts, layer by layer.
    pub fn attentions(&self) -> impl Iterator<Item = &Attention> {
        self.layers.iter().filter_map(|layer| layer.attention.as_ref())
    }
}

impl Layer {
    /// Its pieces; those without parameters are left out.
    pub fn pieces(&self) -> Vec<Piece> {
        let mut pieces = vec![piece::whole(Part::Vector, self.norm_params)];
        pieces.extend(self.attention.iter().flat_map(|attention| attention.pieces(self.hidden)));
        pieces.extend(self.feed_forward.iter().flat_map(|part| part.pieces(self.hidden)));
        pieces.retain(|piece| piece.params > 0);
        pieces
    }

    /// Its parameters.
    pub fn params(&self) -> u64 {
        self.pieces().iter().map(|piece| piece.params).sum()
    }
}
