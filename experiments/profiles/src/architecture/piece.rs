//! The matrices and vectors of a layer: what each is for, how large it is, and whether ranks split it.

use super::attention::{Attention, QkNorm};
use super::feed_forward::FeedForward;

/// What a piece is for; it decides its number format, and who reads it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Part {
    /// Queries, keys and values; of latent attention, all but the next two.
    Attention,
    /// The matrix after attention.
    Output,
    /// What makes keys and values of a latent row: read where a prompt is.
    KeyValueUp,
    /// Matrices of linear attention.
    Linear,
    /// Convolutions of linear attention.
    Convolution,
    /// An MLP.
    Mlp,
    /// Shared experts.
    Shared,
    /// The choice of experts.
    Router,
    /// Experts.
    Expert,
    /// Norms, biases and other vectors.
    Vector,
}

/// A matrix, or some vectors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece {
    /// What it is for.
    pub part: Part,
    /// Its parameters.
    pub params: u64,
    /// Whether the ranks of a tensor-parallel group split it; else each holds it whole.
    pub is_split: bool,
}

fn split(part: Part, params: u64) -> Piece {
    Piece { part, params, is_split: true }
}

pub(super) fn whole(part: Part, params: u64) -> Piece {
    Piece { part, params, is_split: false }
}

impl Attention {
    pub(super) fn pieces(&self, h: u64) -> Vec<Piece> {
        match self {
            Attention::Grouped(a) => {
                let (queries, keys) = (a.query_heads * a.head, a.kv_heads * a.head);
                let biases = if a.has_bias { queries + keys + a.kv_heads * a.value_head } else { 0 };
                let norms = match a.qk_norm {
                    QkNorm::None => 0,
                    QkNorm::Head => 2 * a.head,
                    QkNorm::Layer => queries + keys,
                };
                vec![
                    split(Part::Attention, h * queries * if a.is_gated { 2 } else { 1 }),
                    split(Part::Attention, h * (keys + a.kv_heads * a.value_head)),
                    split(Part::Output, a.query_heads * a.value_head * h),
                    split(Part::Vector, biases + norms),
                    whole(Part::Vector, if a.has_output_bias { h } else { 0 }),
                ]
            }
            Attention::Latent(a) => {
                let (heads, query) = (a.query_heads, a.nope + a.rope);
                let rank = a.query_rank.unwrap_or(0);
                let mut pieces = vec![
                    whole(Part::Attention, h * rank),
                    split(Part::Attention, a.query_rank.unwrap_or(h) * heads * query),
                    whole(Part::Attention, h * (a.kv_rank + a.rope)),
                    split(Part::KeyValueUp, a.kv_rank * heads * (a.nope + a.value)),
                    split(Part::Output, heads * a.value * h),
                    split(Part::Vector, rank + a.kv_rank),
                ];
                if let Some(index) = a.index.as_ref().filter(|index| index.is_own) {
                    let from = a.query_rank.unwrap_or(h);
                    let params = from * index.heads * index.width + h * index.width + h * index.heads;
                    pieces.push(whole(Part::Attention, params));
                }
                pieces
            }
            Attention::DeltaNet(net) => {
                let (keys, values) = (net.key_heads * net.key, net.value_heads * net.value);
                vec![
                    split(Part::Linear, h * (2 * keys + 2 * values + 2 * net.value_heads)),
                    split(Part::Linear, values * h),
                    split(Part::Convolution, net.convolution * net.mixed()),
                    split(Part::Vector, 2 * net.value_heads + net.value),
                ]
            }
            Attention::Mamba(mamba) => {
                let inner = mamba.inner();
                vec![
                    split(Part::Linear, h * (inner + mamba.mixed() + mamba.heads)),
                    split(Part::Linear, inner * h),
                    split(Part::Convolution, mamba.convolution * mamba.mixed()),
                    split(Part::Vector, 3 * mamba.heads + inner + mamba.mixed()),
                ]
            }
        }
    }
}

impl FeedForward {
    pub(super) fn pieces(&self, h: u64) -> Vec<Piece> {
        match self {
            FeedForward::Dense(mlp) => {
                vec![split(Part::Mlp, mlp.matrix_params(h)), split(Part::Vector, mlp.bias_params(h))]
            }
            FeedForward::Sparse(experts) => {
                let latent = experts.latent.map_or(0, |latent| 2 * h * latent);
                let bias = if experts.mlp.has_bias { experts.total } else { 0 };
                let correction = if experts.has_correction { experts.total } else { 0 };
                let gate = if experts.has_shared_gate { h } else { 0 };
                vec![
                    split(Part::Expert, experts.total * experts.params(h)),
                    split(Part::Shared, experts.mlp.matrices * h * experts.shared_width + gate),
                    whole(Part::Shared, latent),
                    whole(Part::Router, h * experts.total),
                    whole(Part::Vector, bias + correction),
                ]
            }
        }
    }
}
