//! What a GPU costs by cloud and region.

use super::{Cloud, plain};
use flashcrowd_core::units::PicoUsdPerHour;
use std::sync::LazyLock;

/// One row of the catalogue. Prices are for one GPU with its share of the host.
#[derive(Clone, Debug, PartialEq)]
pub struct GpuPrice {
    /// Which cloud.
    pub cloud: Cloud,
    /// Which of its regions.
    pub region: String,
    /// The type of machine.
    pub instance: String,
    /// The model of the GPU, such as `H100`.
    pub gpu: String,
    /// GPUs of the machine.
    pub gpus: u32,
    /// Price on demand.
    pub on_demand: PicoUsdPerHour,
    /// Median price of the zones with a spot market; `None` without a price, or with one of at least
    /// 0.99 of that on demand, which stands for no market.
    pub spot: Option<PicoUsdPerHour>,
    /// What is odd about it, separated by `;`; empty if nothing is.
    pub flags: String,
}

impl GpuPrice {
    /// Whether the row holds what cannot be a list price: never a default.
    pub fn is_suspect(&self) -> bool {
        self.flags.split(';').any(|flag| flag.starts_with("SUSPECT_"))
    }
}

/// From this share of the price on demand on, a spot price stands for no market.
const NO_SPOT: f64 = 0.99;

static PRICES: LazyLock<Vec<GpuPrice>> =
    LazyLock::new(|| include_str!("data/gpu_prices.csv").lines().skip(1).filter_map(parse).collect());

fn parse(line: &str) -> Option<GpuPrice> {
    let cells: Vec<&str> = line.split(',').collect();
    let [cloud, region, instance, gpu, gpus, on_demand, spot, flags] = cells[..] else { return None };
    let on_demand: f64 = on_demand.parse().ok()?;
    let spot = spot.parse::<f64>().ok().filter(|spot| *spot < NO_SPOT * on_demand);
    Some(GpuPrice {
        cloud: Cloud::from_name(cloud)?,
        region: region.to_owned(),
        instance: instance.to_owned(),
        gpu: gpu.to_owned(),
        gpus: gpus.parse().ok()?,
        on_demand: PicoUsdPerHour::from_usd(on_demand),
        spot: spot.map(PicoUsdPerHour::from_usd),
        flags: flags.to_owned(),
    })
}

/// All rows, suspect ones too.
pub fn gpu_prices() -> &'static [GpuPrice] {
    &PRICES
}

/// The cheapest machine on demand with this GPU in this region, for each GPU; of equal ones the first.
/// Suspect rows are never taken.
pub fn gpu_price(cloud: Cloud, region: &str, gpu: &str) -> Option<&'static GpuPrice> {
    let (region, gpu) = (plain(region), plain(gpu));
    let fits =
        |row: &&GpuPrice| row.cloud == cloud && row.region == region && plain(&row.gpu) == gpu && !row.is_suspect();
    PRICES.iter().filter(fits).min_by_key(|row| row.on_demand.0)
}
