//! Number formats of weights and caches.

use super::architecture::Format;
use serde::{Deserialize, Serialize};
use std::fmt;

/// A number format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Precision {
    /// 16 bits: bfloat16 or half.
    Bf16,
    /// 8 bits.
    Fp8,
    /// 4 bits with a scale of 8 bits for each block of 16 (NVFP4).
    Fp4,
}

impl Precision {
    /// All formats.
    pub const ALL: [Precision; 3] = [Precision::Bf16, Precision::Fp8, Precision::Fp4];

    /// Bytes that one number takes, scales included.
    pub const fn bytes(self) -> f64 {
        match self {
            Precision::Bf16 => 2.0,
            Precision::Fp8 => 1.0,
            Precision::Fp4 => 0.5625,
        }
    }

    /// The format that takes about so many bytes a number.
    pub fn of_bytes(bytes: f64) -> Self {
        match bytes {
            bytes if bytes > 1.5 => Precision::Bf16,
            bytes if bytes > 0.75 => Precision::Fp8,
            _ => Precision::Fp4,
        }
    }

    /// The format of weights that it stands for.
    pub const fn format(self) -> Format {
        match self {
            Precision::Bf16 => Format::Bf16,
            Precision::Fp8 => Format::Fp8,
            Precision::Fp4 => Format::Nvfp4,
        }
    }

    /// The name on the command line and in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Precision::Bf16 => "bf16",
            Precision::Fp8 => "fp8",
            Precision::Fp4 => "fp4",
        }
    }

    /// The format of that name; `fp16` and `auto` are 16 bits.
    pub fn from_name(name: &str) -> Option<Self> {
        match name.to_ascii_lowercase().as_str() {
            "bf16" | "fp16" | "bfloat16" | "float16" | "half" => Some(Precision::Bf16),
            "fp8" | "fp8_e4m3" => Some(Precision::Fp8),
            "fp4" | "nvfp4" => Some(Precision::Fp4),
            _ => None,
        }
    }
}

impl fmt::Display for Precision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
