//! GPUs by name: memory and on-demand price, for scenarios that give neither; from `profiles/gpus.ron`.

use flashcrowd_profiles::lookup;
use std::sync::LazyLock;

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

/// All known types.
pub static GPUS: LazyLock<Vec<Gpu>> = LazyLock::new(|| flashcrowd_profiles::GPUS.iter().map(Gpu::of).collect());

impl Gpu {
    fn of(gpu: &'static flashcrowd_profiles::Gpu) -> Self {
        let flashcrowd_profiles::Gpu { name, memory_gib, usd_per_h, price_source, .. } = gpu;
        Gpu { name, memory_gib: *memory_gib, usd_per_h: *usd_per_h, price_source }
    }
}

/// The type of that name or alias.
pub fn find(name: &str) -> Option<Gpu> {
    lookup(&flashcrowd_profiles::GPUS, name).ok().map(Gpu::of)
}
