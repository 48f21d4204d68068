//! How far computed times are to be trusted, by class of model.

use crate::architecture::{Architecture, Attention};
use crate::gpu::{Generation, Gpu};
use crate::rank::Parallelism;

/// A class of models whose times were compared with measurements apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// No experts, all tokens seen.
    Dense,
    /// No experts, windows.
    DenseWindowed,
    /// Experts, grouped attention.
    Experts,
    /// Experts, windows.
    ExpertsWindowed,
    /// Latent attention.
    Latent,
    /// Latent attention with an index.
    LatentSparse,
    /// Linear attention in most layers.
    Linear,
}

impl Class {
    /// The class of a model.
    pub fn of(model: &Architecture) -> Self {
        let any = |is: fn(&Attention) -> bool| model.attentions().any(is);
        let has_experts = model.experts().next().is_some();
        let is_linear = |a: &Attention| matches!(a, Attention::DeltaNet(_) | Attention::Mamba(_));
        let has_index = |a: &Attention| matches!(a, Attention::Latent(latent) if latent.index.is_some());
        if any(is_linear) {
            Class::Linear
        } else if any(has_index) {
            Class::LatentSparse
        } else if any(|a| matches!(a, Attention::Latent(_))) {
            Class::Latent
        } else {
            let has_windows = any(|a| a.name() == "window");
            match (has_experts, has_windows) {
                (false, false) => Class::Dense,
                (false, true) => Class::DenseWindowed,
                (true, false) => Class::Experts,
                (true, true) => Class::ExpertsWindowed,
            }
        }
    }

    /// Its name in tables.
    pub const fn name(self) -> &'static str {
        match self {
            Class::Dense => "dense",
            Class::DenseWindowed => "dense, windows",
            Class::Experts => "experts",
            Class::ExpertsWindowed => "experts, windows",
            Class::Latent => "latent",
            Class::LatentSparse => "latent, sparse",
            Class::Linear => "linear",
        }
    }

    /// Errors of the time per output token on closed-loop points of models that the constants had not seen, of the
    /// prototype that they were fitted with.
    pub const fn trust(self) -> &'static str {
        match self {
            Class::Dense => "dense models: time per output token 7 % off in the median, 11 % in the mean",
            Class::DenseWindowed => "dense models with windows: times were compared with no measurement",
            Class::Experts => "experts with grouped attention: time per output token 10 % off in the median and mean",
            Class::ExpertsWindowed => {
                "experts with windows: time per output token 17 % off in the median and mean, mostly too high"
            }
            Class::Latent => "latent attention: time per output token 13 % off in the median, 18 % in the mean",
            Class::LatentSparse => {
                "sparse latent attention: time per output token 5 % off in the median, 6 % in the mean, on ten points"
            }
            Class::Linear => "linear attention: time per output token 12 % off in the median, 13 % in the mean",
        }
    }

    /// What no closed-loop measurement confirms of this model on these GPUs.
    pub fn doubts(self, model: &Architecture, gpu: &Gpu, ranks: Parallelism) -> Vec<&'static str> {
        let has_experts = model.experts().next().is_some();
        let is_unseen = matches!(gpu.name.as_str(), "MI300X" | "T4" | "L4" | "A10G")
            || (has_experts && matches!(gpu.generation, Generation::Ampere | Generation::Ada));
        let is_slow_link = matches!(gpu.interconnect, crate::gpu::Interconnect::Pcie { .. });
        let mut doubts = vec!["times to first token are a band: 21 to 56 % off in the median, by class"];
        if is_unseen {
            doubts.push("this GPU was compared with no closed-loop measurement of such models");
        }
        if ranks.tensor > 8 || (ranks.tensor > 2 && is_slow_link) {
            doubts.push("messages of so many ranks over this link were compared with no measurement");
        }
        doubts
    }
}
