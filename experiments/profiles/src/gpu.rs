//! GPUs by name: what their datasheets say, and a price.

use super::catalog::{Named, embedded};
use super::fields::{positive, some_positive};
use super::precision::Precision;
use serde::Deserialize;
use std::sync::LazyLock;

/// A GPU type, as in `profiles/gpus.ron`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gpu {
    /// Name in scenarios and profiles.
    pub name: String,
    /// Other names of the same product.
    #[serde(default)]
    pub aliases: Vec<String>,
    /// Nominal memory, GiB.
    pub memory_gib: u64,
    /// Memory as CUDA reports it, bytes, where that was read.
    #[serde(default)]
    pub cuda_bytes: Option<u64>,
    /// Which kernels it runs.
    pub generation: Generation,
    /// Peak memory bandwidth, GB/s.
    #[serde(deserialize_with = "positive")]
    pub bandwidth_gb_s: f64,
    /// Dense tensor peaks.
    pub tflops: Peaks,
    /// The link to other GPUs of the node.
    pub interconnect: Interconnect,
    /// Where these figures are from.
    pub source: String,
    /// On-demand price of one GPU, dollars per hour, where one was found.
    #[serde(default, deserialize_with = "some_positive")]
    pub usd_per_h: Option<f64>,
    /// Where the price is from.
    #[serde(default)]
    pub price_source: String,
}

/// A generation of GPUs: what kernels reach is known by generation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum Generation {
    /// A100, A10G; also taken for older ones, unvalidated there.
    Ampere,
    /// L4, L40S.
    Ada,
    /// H100, H200; also taken for CDNA 3 (MI300X), unvalidated there.
    Hopper,
    /// B200, B300, GB200.
    Blackwell,
}

/// Dense tensor peaks, TFLOP/s; `None` where the GPU lacks the format.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Peaks {
    /// bf16, or fp16 where there is no bf16.
    #[serde(deserialize_with = "positive")]
    pub bf16: f64,
    /// fp8.
    #[serde(default, deserialize_with = "some_positive")]
    pub fp8: Option<f64>,
    /// fp4.
    #[serde(default, deserialize_with = "some_positive")]
    pub fp4: Option<f64>,
}

/// How the GPUs of a node are linked; GB/s of one GPU, both directions together.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Interconnect {
    /// A switch or mesh between GPUs.
    NvLink {
        /// Bandwidth, GB/s.
        #[serde(deserialize_with = "positive")]
        gb_s: f64,
    },
    /// The host's bus.
    Pcie {
        /// Bandwidth, GB/s.
        #[serde(deserialize_with = "positive")]
        gb_s: f64,
    },
}

impl Gpu {
    /// Nominal memory, bytes.
    pub const fn memory_bytes(&self) -> u64 {
        self.memory_gib << 30
    }

    /// Memory that an engine sees, bytes: as CUDA reports it, else the nominal one.
    pub fn seen_bytes(&self) -> u64 {
        self.cuda_bytes.unwrap_or(self.memory_bytes())
    }

    /// Dense peak at `precision`, FLOP/s. Formats that the GPU lacks are computed in the next wider
    /// one (weight-only quantisation).
    pub fn peak_flops(&self, precision: Precision) -> f64 {
        let fp8 = self.tflops.fp8.unwrap_or(self.tflops.bf16);
        let tera = match precision {
            Precision::Bf16 => self.tflops.bf16,
            Precision::Fp8 => fp8,
            Precision::Fp4 => self.tflops.fp4.unwrap_or(fp8),
        };
        tera * 1e12
    }
}

impl Interconnect {
    /// Bandwidth of one GPU in one direction, bytes/s.
    pub const fn bytes_per_s(self) -> f64 {
        match self {
            Interconnect::NvLink { gb_s } | Interconnect::Pcie { gb_s } => gb_s * 1e9 / 2.0,
        }
    }
}

impl Named for Gpu {
    const KIND: &'static str = "GPU";

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
    gpus: Vec<Gpu>,
}

/// All GPUs of the catalogue.
pub static GPUS: LazyLock<Vec<Gpu>> =
    LazyLock::new(|| embedded::<File>("gpus.ron", include_str!("../../../profiles/gpus.ron")).gpus);
