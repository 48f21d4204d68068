//! GPUs by name: memory and on-demand price, for scenarios that give neither.
//!
//! Memory is the nominal size of the product. Prices are snapshots of public lists (AWS us-east-1
//! by the catalog of `SkyPilot` v8; Azure by the list of 2026-06-18): a report that used one says so.

/// A GPU type.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Gpu {
    /// Name in scenarios.
    pub name: &'static str,
    /// Memory in GiB.
    pub memory_gib: u64,
    /// On-demand price of one GPU in dollars per hour, where one was found.
    pub usd_per_h: Option<f64>,
    /// Where the price is from.
    pub price_source: &'static str,
}

const AWS: &str = "AWS us-east-1 on demand, SkyPilot catalog v8";
const AZURE: &str = "Azure on demand, list of 2026-06-18";

/// All known types.
pub const GPUS: [Gpu; 10] = [
    gpu("T4", 16, Some(0.526), AZURE),
    gpu("L4", 24, Some(0.8048), AWS),
    gpu("A10G", 24, Some(1.006), AWS),
    gpu("L40S", 48, None, ""),
    gpu("A100-40GB", 40, Some(2.7447), AWS),
    gpu("A100-80GB", 80, Some(3.4309), AWS),
    gpu("H100", 80, Some(6.88), AWS),
    gpu("H200", 141, Some(7.912), AWS),
    gpu("B200", 180, Some(14.2416), AWS),
    gpu("MI300X", 192, Some(6.0), AZURE),
];

const fn gpu(name: &'static str, memory_gib: u64, usd_per_h: Option<f64>, price_source: &'static str) -> Gpu {
    Gpu { name, memory_gib, usd_per_h, price_source }
}

/// The type of that name.
pub fn find(name: &str) -> Option<&'static Gpu> {
    GPUS.iter().find(|gpu| gpu.name == name)
}
