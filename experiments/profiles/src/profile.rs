//! A profile: how fast a model runs on a group of GPUs, and how that is known.

use super::architecture::KnownModel;
use super::coefficients::Coefficients;
use super::memory::Memory;
use super::precision::Precision;
use super::rank::Parallelism;
use super::shape::Shape;
use super::start::StartPhases;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// How fast a model runs on one group of GPUs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// Name, such as `Llama-3.1-8B/H100/tp1/bf16`.
    pub name: String,
    /// The model, as the catalogue calls it where it is there.
    pub model: String,
    /// The GPU, as the catalogue calls it where it is there.
    pub gpu: String,
    /// GPUs that share each layer.
    pub tensor_parallel: u32,
    /// Format of the weights.
    pub precision: Precision,
    /// The time model.
    pub coefficients: Coefficients,
    /// How the coefficients were found.
    pub origin: Origin,
    /// Where the law was compared with measurements; outside of it, results are extrapolated.
    #[serde(default)]
    pub validated: Option<Band>,
    /// 0: a request that arrives during an iteration may join the next; 1: the one after
    /// (asynchronous scheduling).
    pub lookahead_steps: u32,
    /// Memory of one GPU; unknown for a model that the catalogue lacks.
    #[serde(default)]
    pub memory: Option<Memory>,
    /// Source of each coefficient, by its symbol.
    #[serde(default)]
    pub sources: BTreeMap<String, String>,
    /// The model and its law, where times and memory are computed from its shape.
    #[serde(skip)]
    pub shape: Option<Arc<Shape>>,
}

/// How coefficients were found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Origin {
    /// From a load sweep of the same model, GPU and parallelism.
    Fitted(Fitted),
    /// From a fitted profile of the same model.
    Scaled {
        /// Name of that profile.
        from: String,
        /// What was done, in words.
        how: String,
    },
    /// From the model card and the datasheet.
    Computed {
        /// Which law, in words.
        how: String,
    },
}

/// A fit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fitted {
    /// The data and where they are from.
    pub data: String,
    /// Which rows were fitted.
    pub on: String,
    /// How far the fit is from these rows, by load.
    pub residuals: Vec<Residual>,
}

/// Distance between a fit and its rows in one band of load.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Residual {
    /// The band.
    pub band: String,
    /// Rows.
    pub rows: u32,
    /// Mean absolute error of the mean inter-token latency, percent.
    pub itl_percent: f64,
    /// Mean absolute error of the mean time to first token, percent, where it was compared.
    #[serde(default)]
    pub ttft_percent: Option<f64>,
}

/// Where a law was compared with measurements.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Band {
    /// Highest share of the measured capacity.
    pub load_share: f64,
    /// Most sequences running at once.
    pub batch: f64,
    /// Most context tokens held by them.
    pub context_tokens: f64,
}

impl Origin {
    /// One word.
    pub const fn name(&self) -> &'static str {
        match self {
            Origin::Fitted(_) => "fitted",
            Origin::Scaled { .. } => "scaled",
            Origin::Computed { .. } => "computed",
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Fitted(fitted) => write!(f, "fitted to {} ({})", fitted.data, fitted.on),
            Origin::Scaled { from, how } => write!(f, "scaled from {from}: {how}"),
            Origin::Computed { how } => write!(f, "computed: {how}"),
        }
    }
}

impl Profile {
    /// Bytes of the weights of the whole group, as they are read from a file; `None` if they are not known.
    pub fn weights_bytes(&self) -> Option<u64> {
        let bytes = match (&self.shape, self.memory) {
            (Some(shape), _) => shape.model.file_bytes(),
            (None, memory) => memory?.weights_bytes * f64::from(self.tensor_parallel.max(1)),
        };
        (bytes > 0.0).then_some(bytes as u64)
    }

    /// How long vLLM takes to start beside its weights; `None` for a model whose shape is not known.
    pub fn start_phases(&self) -> Option<StartPhases> {
        if let Some(shape) = &self.shape {
            return Some(StartPhases::of(&shape.model, shape.ranks));
        }
        let model = KnownModel::find(&self.model).ok()?.architecture();
        let is_own = Precision::of_bytes(model.formats.quantised.bytes()) == self.precision;
        let model = if is_own { model } else { model.in_format(self.precision.format()) };
        Some(StartPhases::of(&model, Parallelism::tensor(self.tensor_parallel.max(1))))
    }

    /// The name of a profile for these.
    pub fn name_of(model: &str, gpu: &str, tensor_parallel: u32, precision: Precision) -> String {
        format!("{model}/{gpu}/tp{tensor_parallel}/{precision}")
    }
}
