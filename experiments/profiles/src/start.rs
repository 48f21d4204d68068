//! How long vLLM takes to start once its weights are read, by the shape of its model and the ranks that share it.
//!
//! Read off the logs of vLLM 0.19 on H100 (sixteen starts, a cold cache of compiled kernels): imports and processes,
//! profile and warm-up, `torch.compile`, CUDA graphs. What the logs give for a single model each (experts, queries and
//! keys with norms, images) is one or two starts' worth of knowledge. With compiled kernels in the cache two starts took
//! 30 s instead of 48.

use crate::architecture::{Architecture, Attention, FeedForward, Format, Grouped, QkNorm};
use crate::rank::Parallelism;

/// Phases of a start, in seconds; weights are not among them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StartPhases {
    /// Imports, processes, groups of ranks, and the server in front.
    pub imports_s: f64,
    /// A profile run for the memory, and warm-up.
    pub profile_s: f64,
    /// Kernels are compiled; nearly nothing where the cache of an earlier start is kept.
    pub compile_s: f64,
    /// CUDA graphs are captured.
    pub graphs_s: f64,
}

/// Imports and server of one process, and of each further rank: groups of several ranks start processes of their own.
const IMPORTS_S: f64 = 22.0;
const GROUP_S: f64 = 11.0;
const RANK_S: f64 = 2.3;
/// What reads images has a processor to load and to warm up.
const IMAGES_S: f64 = 10.0;
/// Profile and warm-up.
const PROFILE_S: f64 = 6.8;
/// Compiling, and for each layer.
const COMPILE_S: f64 = 4.9;
const COMPILE_LAYER_S: f64 = 0.2;
/// More to compile: formats with scales, norms of queries and keys, latent attention; and each further rank, which
/// compiles on the same processors.
const COMPILE_FORMAT_S: f64 = 2.0;
const COMPILE_NORM_S: f64 = 3.0;
const COMPILE_LATENT_S: f64 = 3.0;
const COMPILE_RANK_S: f64 = 2.2;
/// Graphs, for each layer; and of experts, whose kernels are tuned at each size.
const GRAPHS_S: f64 = 1.0;
const GRAPHS_LAYER_S: f64 = 0.07;
const GRAPHS_EXPERTS_S: f64 = 8.0;

impl StartPhases {
    /// Of `model` on so many ranks.
    pub fn of(model: &Architecture, ranks: Parallelism) -> Self {
        StartPhases::of_stages(model, ranks, 1)
    }

    /// The same where each of so many groups of ranks has its part of the layers (pipeline parallelism).
    pub fn of_stages(model: &Architecture, ranks: Parallelism, stages: u32) -> Self {
        let layers = model.layers.len() as f64 / f64::from(stages.max(1));
        let of_a_stage = f64::from(ranks.ranks()) - 1.0;
        let further = f64::from(ranks.ranks() * stages.max(1)) - 1.0;
        let when = |is: bool, s: f64| if is { s } else { 0.0 };
        let has_norms = model.attentions().any(
            |attention| matches!(attention, Attention::Grouped(Grouped { qk_norm, .. }) if *qk_norm != QkNorm::None),
        );
        let is_latent = model.attentions().any(|attention| matches!(attention, Attention::Latent(_)));
        let sparse = |layer: &FeedForward| matches!(layer, FeedForward::Sparse(_));
        let has_experts = model.layers.iter().filter_map(|layer| layer.feed_forward.as_ref()).any(sparse);
        StartPhases {
            imports_s: IMPORTS_S
                + when(further > 0.0, GROUP_S)
                + RANK_S * further
                + when(model.vision_params > 0, IMAGES_S),
            profile_s: PROFILE_S + when(model.vision_params > 0, IMAGES_S / 2.0),
            compile_s: COMPILE_S
                + COMPILE_LAYER_S * layers
                + when(model.formats.quantised != Format::Bf16, COMPILE_FORMAT_S)
                + when(has_norms, COMPILE_NORM_S)
                + when(is_latent, COMPILE_LATENT_S)
                + COMPILE_RANK_S * of_a_stage,
            graphs_s: GRAPHS_S + GRAPHS_LAYER_S * layers + when(has_experts, GRAPHS_EXPERTS_S),
        }
    }

    /// What vLLM logs as the time to initialise the engine: profile, warm-up, compiling and graphs.
    pub fn engine_s(&self) -> f64 {
        self.profile_s + self.compile_s + self.graphs_s
    }

    /// From the first line of the log to readiness, but for the weights.
    pub fn total_s(&self) -> f64 {
        self.imports_s + self.engine_s()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::architecture::KnownModel;

    fn phases(name: &str, tensor: u32) -> StartPhases {
        StartPhases::of(&KnownModel::find(name).unwrap().architecture(), Parallelism::tensor(tensor))
    }

    /// Each thing that the logs show to take longer does.
    #[test]
    fn more_ranks_layers_and_kinds_take_longer() {
        let small = phases("Llama-3.1-8B", 1);
        assert!((small.total_s() - 43.3).abs() < 0.1 && (small.engine_s() - 21.3).abs() < 0.1, "{small:?}");
        assert!(phases("Llama-3.1-8B", 2).total_s() - small.total_s() > 12.0);
        assert!(phases("Llama-3.1-8B", 4).engine_s() > phases("Llama-3.1-8B", 2).engine_s() + 2.0);
        assert!(phases("Llama-3.1-70B", 1).compile_s > small.compile_s);
        assert!(phases("Mixtral-8x7B", 1).graphs_s > small.graphs_s + 7.0);
        assert!(phases("Kimi-VL-A3B", 1).imports_s > small.imports_s);
        assert!(phases("Qwen3-8B", 1).compile_s > small.compile_s + 2.0);
    }

    /// Layers of a pipeline are compiled by the ranks that have them.
    #[test]
    fn a_part_of_the_layers_is_compiled_sooner() {
        let model = KnownModel::find("Llama-3.1-8B").unwrap().architecture();
        let [one, four] = [1, 4].map(|stages| StartPhases::of_stages(&model, Parallelism::tensor(1), stages));
        assert!(four.compile_s < one.compile_s && four.imports_s > one.imports_s);
    }
}
