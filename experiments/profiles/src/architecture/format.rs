//! Number formats of weights: what a number takes, and which part of a model has which.

use super::piece::Part;
use std::fmt;

/// A number format of weights, scales included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// 16 bits: bfloat16 or half.
    Bf16,
    /// 8-bit floats, a scale for each tensor or channel.
    Fp8,
    /// 8-bit floats, a scale of 32 bits for each block of 128 by 128.
    Fp8Block,
    /// 4-bit floats, a scale of 8 bits for each 32.
    Mxfp4,
    /// 4-bit floats, a scale of 8 bits for each 16.
    Nvfp4,
    /// 4-bit integers with a scale and a zero for each group of so many (AWQ, GPTQ).
    Int4(u32),
    /// 4-bit integers with a scale for each group of so many.
    Int4Symmetric(u32),
    /// 8-bit integers, activations too.
    Int8,
    /// 8-bit integers, weights alone.
    Int8WeightsOnly,
}

impl Format {
    /// Bytes that one number takes.
    pub fn bytes(self) -> f64 {
        match self {
            Format::Bf16 => 2.0,
            Format::Fp8 | Format::Int8 | Format::Int8WeightsOnly => 1.0,
            Format::Fp8Block => 1.0 + 4.0 / (128.0 * 128.0),
            Format::Mxfp4 => 0.531_25,
            Format::Nvfp4 => 0.5625,
            Format::Int4(group) => 0.5 + 2.5 / f64::from(group),
            Format::Int4Symmetric(group) => 0.5 + 2.0 / f64::from(group),
        }
    }

    /// The name on the command line and in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Format::Bf16 => "bf16",
            Format::Fp8 => "fp8",
            Format::Fp8Block => "fp8-block",
            Format::Mxfp4 => "mxfp4",
            Format::Nvfp4 => "nvfp4",
            Format::Int4(_) => "int4",
            Format::Int4Symmetric(_) => "int4-symmetric",
            Format::Int8 => "int8",
            Format::Int8WeightsOnly => "int8-weights",
        }
    }

    /// All formats by their names, with the usual groups.
    pub const ALL: [Format; 9] = [
        Format::Bf16,
        Format::Fp8,
        Format::Fp8Block,
        Format::Mxfp4,
        Format::Nvfp4,
        Format::Int4(128),
        Format::Int4Symmetric(32),
        Format::Int8,
        Format::Int8WeightsOnly,
    ];

    /// The format of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        let name = name.to_ascii_lowercase();
        let other = match name.as_str() {
            "fp16" | "bfloat16" | "float16" | "half" => "bf16",
            "fp8_block" | "fp8b" => "fp8-block",
            "fp4" => "nvfp4",
            "awq" | "gptq" | "w4a16" => "int4",
            "w8a8" => "int8",
            "w8a16" => "int8-weights",
            name => name,
        };
        Format::ALL.into_iter().find(|format| format.name() == other)
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A number format of the cache.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CacheFormat {
    /// 16 bits.
    #[default]
    Bf16,
    /// 8 bits.
    Fp8,
}

impl CacheFormat {
    /// Bytes of a number.
    pub const fn bytes(self) -> u64 {
        match self {
            CacheFormat::Bf16 => 2,
            CacheFormat::Fp8 => 1,
        }
    }

    /// The format of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        match name.to_ascii_lowercase().as_str() {
            "bf16" | "bfloat16" | "fp16" | "float16" => Some(CacheFormat::Bf16),
            "fp8" | "fp8_e4m3" | "fp8_e5m2" => Some(CacheFormat::Fp8),
            _ => None,
        }
    }
}

/// Which part of a model has which format: one for all that is quantised, 16 bits for the rest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Formats {
    /// The format of what is quantised.
    pub quantised: Format,
    /// Parts that stay in 16 bits, beside ends, norms, routers and convolutions, which always do.
    pub kept: Vec<Part>,
    /// The format of the cache that the model was quantised for, which engines take by default.
    pub cache: CacheFormat,
}

impl Formats {
    /// The format of everything.
    pub const fn all(quantised: Format) -> Self {
        Formats { quantised, kept: Vec::new(), cache: CacheFormat::Bf16 }
    }

    /// The format of a part.
    pub fn of(&self, part: Part) -> Format {
        let always = matches!(part, Part::Convolution | Part::Router | Part::Vector);
        if always || self.kept.contains(&part) { Format::Bf16 } else { self.quantised }
    }
}
