//! Bytes of weights on one rank.

use super::parallelism::Parallelism;
use crate::architecture::{Architecture, Attention, Format, Part};

/// Bytes of weights on one rank.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Weights {
    /// Of the file, and of copies that engines make of latent attention.
    pub model_bytes: f64,
    /// What else is loaded: tables of rotary embeddings, and what kernels pad experts with.
    pub loaded_beside_bytes: f64,
    /// The tower that reads images.
    pub vision_bytes: f64,
}

impl Weights {
    /// All that is loaded to serve texts.
    pub fn loaded_bytes(&self) -> f64 {
        self.model_bytes + self.loaded_beside_bytes
    }
}

const BF16_BYTES: f64 = 2.0;

/// The weights of one rank.
pub fn weights(model: &Architecture, ranks: Parallelism) -> Weights {
    let tensor = f64::from(ranks.tensor);
    let layers: f64 = model
        .pieces()
        .map(|piece| {
            let shared = match piece.part {
                Part::Expert => f64::from(ranks.ranks()),
                _ if piece.is_split => tensor,
                _ => 1.0,
            };
            piece.params as f64 * model.formats.of(piece.part).bytes() / shared
        })
        .sum();
    let ends = model.vocabulary_params() as f64 * if model.is_tied { 1.0 } else { 2.0 };
    let absorbed: f64 = model.attentions().map(absorbed_params).sum();
    Weights {
        model_bytes: layers + (ends + absorbed) * BF16_BYTES / tensor,
        loaded_beside_bytes: model.rope_bytes as f64 + padding_bytes(model, ranks),
        vision_bytes: model.vision_params as f64 * BF16_BYTES / tensor,
    }
}

/// Engines keep a copy of what makes keys and values of a latent row, to attend to the row itself.
pub(crate) fn absorbed_params(attention: &Attention) -> f64 {
    match attention {
        Attention::Latent(latent) => (latent.kv_rank * latent.query_heads * (latent.nope + latent.value)) as f64,
        _ => 0.0,
    }
}

/// Kernels for MXFP4 (Marlin) want experts whose width is a multiple of 128, and whose input is one of 256.
fn padding_bytes(model: &Architecture, ranks: Parallelism) -> f64 {
    let format = model.formats.of(Part::Expert);
    if format != Format::Mxfp4 {
        return 0.0;
    }
    let of = |experts: &crate::architecture::Experts| {
        let split = ranks.ranks_of_an_expert();
        let (hidden, width) = (experts.hidden(model.hidden), experts.mlp.width as f64 / split);
        let padded = (width / 128.0).ceil() * 128.0 * hidden.next_multiple_of(256) as f64;
        let grows_by = padded / (width * hidden as f64) - 1.0;
        experts.params(model.hidden) as f64 / split * format.bytes() * ranks.experts_of_a_rank(experts) * grows_by
    };
    model.experts().map(of).sum()
}
