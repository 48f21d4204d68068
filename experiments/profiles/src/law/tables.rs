//! What kernels of each number format reach on each generation of GPUs.
//!
//! Fitted to the kernel tables of `ai-dynamo/aiconfigurator` (commit 095f58a, `systems/data`), 21,900 shapes of matrix
//! products for each GPU, engine and type, then rounded.

use crate::architecture::Format;
use crate::gpu::{Generation, Gpu};

/// What a format reaches on one generation.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shares {
    /// Launch of a kernel for a matrix, us.
    pub(super) launch_us: f64,
    /// Launch of the kernels of one layer's experts, us.
    pub(super) expert_launch_us: f64,
    /// Share of the peak that matrices reach, beside what all do.
    pub(super) flops_share: f64,
    /// The same of experts.
    pub(super) expert_flops_share: f64,
    /// Share of the bandwidth that matrices reach, beside what all do.
    pub(super) bytes_share: f64,
    /// The same of experts.
    pub(super) expert_bytes_share: f64,
}

/// Shares by generation: launch, launch of experts (us), shares of the peak, of experts, of the bandwidth, of experts.
type Table = [[f64; 4]; 6];

const BF16: Table = [
    [5.7, 1.5, 3.8, 3.3],
    [75.0, 18.0, 50.0, 25.0],
    [0.80, 0.60, 0.78, 0.72],
    [0.30, 0.45, 0.45, 0.33],
    [0.93, 0.95, 1.0, 0.95],
    [1.0, 1.0, 1.0, 0.95],
];
const FP8: Table = [
    [5.7, 3.0, 6.0, 6.5],
    [90.0, 30.0, 48.0, 25.0],
    [0.80, 0.50, 0.62, 0.58],
    [0.25, 0.35, 0.42, 0.34],
    [0.90, 0.95, 1.0, 0.95],
    [0.95, 0.95, 0.97, 0.93],
];
const FP8_BLOCK: Table = [
    [5.7, 4.0, 7.0, 8.5],
    [90.0, 38.0, 45.0, 28.0],
    [0.80, 0.40, 0.60, 0.55],
    [0.25, 0.35, 0.25, 0.16],
    [0.90, 0.90, 0.95, 0.85],
    [0.95, 0.95, 0.97, 0.90],
];
const NVFP4: Table = [
    [7.0, 3.0, 5.0, 6.5],
    [90.0, 40.0, 75.0, 24.0],
    [0.70, 0.50, 0.65, 0.52],
    [0.30, 0.30, 0.35, 0.35],
    [0.80, 0.80, 0.85, 0.80],
    [0.80, 0.80, 0.80, 0.92],
];
const MXFP4: Table = [
    [7.0, 3.0, 5.0, 6.5],
    [110.0, 33.0, 75.0, 26.0],
    [0.70, 0.50, 0.65, 0.52],
    [0.25, 0.30, 0.45, 0.35],
    [0.80, 0.80, 0.85, 0.80],
    [0.70, 0.70, 0.55, 0.88],
];
const INT4: Table = [
    [7.0, 3.0, 5.0, 5.0],
    [57.0, 30.0, 60.0, 45.0],
    [0.60, 0.45, 0.55, 0.45],
    [0.20, 0.30, 0.25, 0.15],
    [0.80, 0.85, 0.85, 0.70],
    [0.85, 0.95, 0.70, 0.50],
];
const INT8: Table = [
    [6.0, 3.0, 6.0, 6.0],
    [90.0, 30.0, 48.0, 25.0],
    [0.70, 0.50, 0.60, 0.50],
    [0.25, 0.30, 0.30, 0.25],
    [0.90, 0.90, 0.95, 0.90],
    [0.95, 0.95, 0.97, 0.90],
];
const INT8_WEIGHTS: Table = [
    [6.0, 3.0, 5.0, 5.0],
    [75.0, 30.0, 60.0, 45.0],
    [0.60, 0.50, 0.55, 0.50],
    [0.25, 0.30, 0.30, 0.25],
    INT8[4],
    INT8[5],
];

/// The format whose kernels compute weights of `format`: what a GPU lacks runs in another.
pub fn computed_in(format: Format, gpu: &Gpu) -> Format {
    match format {
        Format::Fp8 | Format::Fp8Block if gpu.tflops.fp8.is_none() => Format::Int8WeightsOnly,
        Format::Nvfp4 if gpu.tflops.fp4.is_none() => Format::Mxfp4,
        other => other,
    }
}

/// What weights of `format` of.
pub(super) fn shares(format: Format, gpu: &Gpu) -> Shares {
    let table = match computed_in(format, gpu) {
        Format::Bf16 => BF16,
        Format::Fp8 => FP8,
        Format::Fp8Block => FP8_BLOCK,
        Format::Mxfp4 => MXFP4,
        Format::Nvfp4 => NVFP4,
        Format::Int4(_) | Format::Int4Symmetric(_) => INT4,
        Format::Int8 => INT8,
        Format::Int8WeightsOnly => INT8_WEIGHTS,
    };
    let [launch_us, expert_launch_us, flops_share, expert_flops_share, bytes_share, expert_bytes_share] =
        table.map(|row| row[gpu.generation as usize]);
    Shares { launch_us, expert_launch_us, flops_share, expert_flops_share, bytes_share, expert_bytes_share }
}

/// Dense peak that products of weights of `format` have, FLOP/ms.
pub(super) fn peak_flops_per_ms(format: Format, gpu: &Gpu) -> f64 {
    let peaks = gpu.tflops;
    let tera = match computed_in(format, gpu) {
        Format::Bf16 | Format::Int4(_) | Format::Int4Symmetric(_) | Format::Int8WeightsOnly => peaks.bf16,
        // MXFP4 is widened to 8 bits on Blackwell, and to 16 elsewhere.
        Format::Mxfp4 if gpu.generation != Generation::Blackwell => peaks.bf16,
        Format::Fp8 | Format::Fp8Block | Format::Int8 | Format::Mxfp4 => peaks.fp8.unwrap_or(peaks.bf16),
        Format::Nvfp4 => peaks.fp4.unwrap_or(peaks.bf16),
    };
    tera * 1e9
}
