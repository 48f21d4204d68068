//! Units that are not time: money, memory, and the names of GPU markets.

use std::fmt;

/// A price in pico-dollars per hour: an integer, so that bills add up exactly.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PicoUsdPerHour(pub u64);

impl PicoUsdPerHour {
    /// The nearest price to `usd` dollars per hour; negative and NaN become zero.
    pub fn from_usd(usd: f64) -> Self {
        PicoUsdPerHour((usd * 1e12).round() as u64)
    }

    /// Dollars per hour, for printing only.
    pub fn as_usd(self) -> f64 {
        self.0 as f64 / 1e12
    }
}

/// An amount of memory in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bytes(pub u64);

impl Bytes {
    /// `gib` times 2^30 bytes.
    pub const fn gib(gib: u64) -> Self {
        Bytes(gib << 30)
    }
}

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let gib = self.0 as f64 / f64::from(1 << 30);
        if gib >= 0.1 { write!(f, "{gib:.1}GiB") } else { write!(f, "{}B", self.0) }
    }
}

/// How capacity is bought.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Market {
    /// By the hour, at list price.
    #[default]
    OnDemand,
    /// Committed ahead.
    Reserved,
    /// Reclaimable at short notice.
    Spot,
}

impl Market {
    /// The name used in tables and summaries.
    pub const fn name(self) -> &'static str {
        match self {
            Market::OnDemand => "on_demand",
            Market::Reserved => "reserved",
            Market::Spot => "spot",
        }
    }
}
