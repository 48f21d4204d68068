//! Matrices, experts and launches of all layers on one rank.

use super::tables::{peak_flops_per_ms, shares};
use crate::architecture::{Architecture, Attention, FeedForward, Format, Grouped, Latent, Part, QkNorm};
use crate::gpu::Gpu;
use crate::rank::Parallelism;
use crate::rank::absorbed_params;

/// Share of the bandwidth, and of the peak, that matrices reach at best.
const BYTES_SHARE: f64 = 0.886;
const FLOPS_SHARE: f64 = 0.917;
/// The same of experts.
const EXPERT_BYTES_SHARE: f64 = 1.0;
const EXPERT_FLOPS_SHARE: f64 = 0.946;
/// What launches count: a fit beside the kernel tables.
const LAUNCHES: f64 = 1.63;
const EXPERT_LAUNCHES: f64 = 0.959;
/// Small kernels of a part of a layer, us: attention, latent, linear, index, feed-forward, norms of queries and keys.
const SMALL_US: [f64; 6] = [4.5, 27.0, 30.0, 30.0, 3.9, 4.0];

/// Reading and multiplying matrices.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Products {
    /// Reading all of them once, ms.
    pub(super) read_ms: f64,
    /// Multiplying one token, ms.
    pub(super) token_ms: f64,
}

/// Layers whose experts are alike.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct ExpertGroup {
    /// Reading all experts of a rank in all these layers once, ms.
    pub(super) read_ms: f64,
    /// Share of all experts that one token chooses.
    pub(super) chosen_share: f64,
    /// Multiplying one token of all replicas, ms.
    pub(super) token_ms: f64,
}

/// Of the experts, how many more are met by each further token than if all chose the same: tokens of a batch choose
/// alike. Least squares on closed-loop points.
pub(super) const SKEW: f64 = 0.612;

impl ExpertGroup {
    /// Share of the experts of a rank that `tokens` meet together.
    pub(super) fn met_share(&self, tokens: f64) -> f64 {
        if tokens <= 0.0 { 0.0 } else { 1.0 - (1.0 - self.chosen_share).powf(1.0 + SKEW * (tokens - 1.0)) }
    }

    /// Time of their part of an iteration of so many tokens, over all replicas: reading, and multiplying.
    pub(super) fn ms(&self, tokens: f64) -> (f64, f64) {
        (self.read_ms * self.met_share(tokens), self.token_ms * tokens)
    }
}

/// All of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Layers {
    /// Matrices that every iteration reads.
    pub(super) always: Products,
    /// Beside them, what decodes read: copies that attend to latent rows.
    pub(super) decodes: Products,
    /// Beside them, what prompts read: what makes keys and values of latent rows.
    pub(super) prompts: Products,
    /// The output layer: all of it is read, and only sampled rows are multiplied.
    pub(super) head: Products,
    pub(super) experts: Vec<ExpertGroup>,
    /// Launches and small kernels, ms.
    pub(super) launch_ms: f64,
    /// How many have experts.
    pub(super) sparse: u64,
}

/// One matrix.
fn product(params: f64, format: Format, gpu: &Gpu) -> Products {
    let of = shares(format, gpu);
    Products {
        read_ms: params * format.bytes() / of.bytes_share / (BYTES_SHARE * gpu.bandwidth_gb_s * 1e6),
        token_ms: 2.0 * params / (FLOPS_SHARE * of.flops_share * peak_flops_per_ms(format, gpu)),
    }
}

impl Products {
    fn add(&mut self, other: Products) {
        self.read_ms += other.read_ms;
        self.token_ms += other.token_ms;
    }
}

impl Layers {
    pub(super) fn of(model: &Architecture, gpu: &Gpu, ranks: Parallelism) -> Self {
        let tensor = f64::from(ranks.tensor);
        let mut layers = Layers::default();
        for piece in model.pieces() {
            let params = piece.params as f64 / if piece.is_split { tensor } else { 1.0 };
            let product = product(params, model.formats.of(piece.part), gpu);
            match piece.part {
                Part::KeyValueUp => layers.prompts.add(product),
                Part::Attention | Part::Output | Part::Linear | Part::Mlp | Part::Shared | Part::Router => {
                    layers.always.add(product);
                }
                Part::Expert | Part::Convolution | Part::Vector => {}
            }
        }
        let absorbed: f64 = model.attentions().map(absorbed_params).sum();
        layers.decodes = product(absorbed / tensor, Format::Bf16, gpu);
        layers.head = head(model.vocabulary_params() as f64 / tensor, gpu);
        layers.experts = expert_groups(model, gpu, ranks);
        layers.launch_ms = launch_us(model, gpu) / 1e3;
        layers.sparse = model.experts().count() as u64;
        layers
    }
}

/// The output layer is one large matrix, which reaches what any does.
fn head(params: f64, gpu: &Gpu) -> Products {
    let of = product(params, Format::Bf16, gpu);
    Products { read_ms: of.read_ms * shares(Format::Bf16, gpu).bytes_share, ..of }
}

fn expert_groups(model: &Architecture, gpu: &Gpu, ranks: Parallelism) -> Vec<ExpertGroup> {
    let format = model.formats.of(Part::Expert);
    let of = shares(format, gpu);
    let bytes_per_ms = EXPERT_BYTES_SHARE * of.expert_bytes_share * gpu.bandwidth_gb_s * 1e6;
    let flops_per_ms = EXPERT_FLOPS_SHARE * of.expert_flops_share * peak_flops_per_ms(format, gpu);
    let mut groups: Vec<ExpertGroup> = Vec::new();
    for experts in model.experts() {
        let params = experts.matrix_params(model.hidden) as f64 / ranks.ranks_of_an_expert();
        let chosen_share = experts.chosen as f64 / experts.total as f64;
        let read_ms = params * format.bytes() * ranks.experts_of_a_rank(experts) / bytes_per_ms;
        let token_ms = 2.0 * params * experts.chosen as f64 / f64::from(ranks.expert) / flops_per_ms;
        match groups.iter_mut().find(|group| group.chosen_share == chosen_share) {
            Some(group) => {
                group.read_ms += read_ms;
                group.token_ms += token_ms;
            }
            None => groups.push(ExpertGroup { read_ms, chosen_share, token_ms }),
        }
    }
    groups
}

/// Launches and small kernels of all layers, us.
fn launch_us(model: &Architecture, gpu: &Gpu) -> f64 {
    let launch = |part| shares(model.formats.of(part), gpu).launch_us;
    let plain = shares(Format::Bf16, gpu).launch_us;
    let [attention, latent, linear, index, feed_forward, norms] = SMALL_US;
    let of_attention = |part: &Attention| match part {
        Attention::Grouped(Grouped { qk_norm, .. }) => {
            (2.0 * launch(Part::Attention), attention + if *qk_norm == QkNorm::None { 0.0 } else { norms })
        }
        Attention::Latent(Latent { index: of_index, .. }) => {
            let (kernels, small) = if of_index.is_some() { (5.0, latent + index) } else { (2.0, latent) };
            (3.0 * launch(Part::Attention) + kernels * plain, small)
        }
        Attention::DeltaNet(_) | Attention::Mamba(_) => (3.0 * launch(Part::Linear), linear),
    };
    let of_feed_forward = |part: &FeedForward| match part {
        FeedForward::Dense(_) => (2.0 * launch(Part::Mlp), 0.0),
        FeedForward::Sparse(experts) => {
            let shared = if experts.shared_width > 0 { 2.0 * launch(Part::Shared) } else { 0.0 };
            (shared + plain, shares(model.formats.of(Part::Expert), gpu).expert_launch_us)
        }
    };
    let of = |layer: &crate::architecture::Layer| {
        let (kernels, small) = layer.attention.as_ref().map_or((0.0, 0.0), of_attention);
        let (more, experts) = layer.feed_forward.as_ref().map_or((0.0, 0.0), of_feed_forward);
        let small = small + if layer.feed_forward.is_some() { feed_forward } else { 0.0 };
        LAUNCHES * (kernels + more) + EXPERT_LAUNCHES * experts + small
    };
    model.layers.iter().map(of).sum()
}
