//! Money: integers that add up exactly.
//!
//! Each interval adds `GPUs x picoseconds` to one line of (pool, rate, state, service); the price
//! of a line is divided once, when it is printed. So the bill equals the sum of its intervals
//! exactly, also where prices change: each price of a pool is a rate of its own.

use crate::clock::SimDuration;
use crate::units::PicoUsdPerHour;
use std::collections::BTreeMap;

/// What a GPU does, for the bill, by precedence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum GpuState {
    /// Trains.
    Training,
    /// Finishes work of a deleted replica.
    Draining,
    /// Has work in flight.
    Serving,
    /// Its node boots or its replica is not ready.
    Starting,
    /// Ready without work, or not allocated.
    Idle,
    /// Added by a minimum charge.
    Minimum,
    /// Committed but not used: no node stands for it.
    Unused,
}

impl GpuState {
    /// All states, in the order of reports.
    pub const ALL: [GpuState; 7] = [
        GpuState::Training,
        GpuState::Draining,
        GpuState::Serving,
        GpuState::Starting,
        GpuState::Idle,
        GpuState::Minimum,
        GpuState::Unused,
    ];

    /// The name used in tables.
    pub const fn name(self) -> &'static str {
        match self {
            GpuState::Training => "training",
            GpuState::Draining => "draining",
            GpuState::Serving => "serving",
            GpuState::Starting => "starting",
            GpuState::Idle => "idle",
            GpuState::Minimum => "minimum",
            GpuState::Unused => "unused",
        }
    }
}

/// One line of the bill. `service` is `None` for GPUs that no replica holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct BillLine {
    /// Pool, by position.
    pub pool: u32,
    /// The rate: what a node costs, by position among the rates of the bill.
    pub rate: u32,
    /// State.
    pub state: GpuState,
    /// Service, by position.
    pub service: Option<u32>,
}

/// Accumulates the bill of a run.
#[derive(Clone, Debug, Default)]
pub struct Bill {
    /// GPU-picoseconds by line.
    lines: BTreeMap<BillLine, u128>,
    /// The rates: pool, price of a node, GPUs of a node. The first one of each pool is its list
    /// price.
    rates: Vec<(u32, PicoUsdPerHour, u32)>,
}

/// An exact amount of money: `whole + rest / denominator` pico-dollars. As a single fraction it
/// would overflow `u128` for a large fleet over months.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Money {
    /// Whole pico-dollars.
    pub whole: u128,
    /// The remainder, below the denominator.
    pub rest: u128,
    /// Picoseconds of an hour times GPUs of a node.
    pub denominator: u128,
}

const PS_PER_HOUR: u128 = 3_600_000_000_000_000;

impl Money {
    /// Dollars, divided once.
    pub fn as_usd(self) -> f64 {
        (self.whole as f64 + self.rest as f64 / self.denominator as f64) / 1e12
    }
}

impl Bill {
    /// An empty bill, for pools with these node prices and GPUs per node: rate i is the list price
    /// of pool i.
    pub fn new(prices: Vec<(PicoUsdPerHour, u32)>) -> Self {
        let rates = (0..).zip(prices).map(|(pool, (price, gpus))| (pool, price, gpus)).collect();
        Bill { lines: BTreeMap::new(), rates }
    }

    /// The rate of a pool at a price: the known one, or a new one.
    pub fn rate(&mut self, pool: u32, price: PicoUsdPerHour) -> u32 {
        let known = self.rates.iter().position(|rate| rate.0 == pool && rate.1 == price);
        let at = known.unwrap_or(self.rates.len());
        if known.is_none() {
            let gpus = self.rates[pool as usize].2;
            self.rates.push((pool, price, gpus));
        }
        at as u32
    }

    /// Adds an interval in which `gpus` GPUs of a pool were in one state.
    pub fn add(&mut self, line: BillLine, gpus: u32, span: SimDuration) {
        if gpus > 0 && !span.is_zero() {
            *self.lines.entry(line).or_default() += u128::from(gpus) * u128::from(span.as_ps());
        }
    }

    /// What was added since the bill stood at `earlier`: line by line, exact.
    #[must_use]
    pub fn since(&self, earlier: &Bill) -> Bill {
        let left = |(&line, &gpu_ps): (&BillLine, &u128)| {
            let before = earlier.lines.get(&line).copied().unwrap_or(0);
            (gpu_ps > before).then(|| (line, gpu_ps - before))
        };
        Bill { lines: self.lines.iter().filter_map(left).collect(), rates: self.rates.clone() }
    }

    /// GPU-picoseconds by line, in a fixed order.
    pub fn lines(&self) -> impl Iterator<Item = (BillLine, u128)> + '_ {
        self.lines.iter().map(|(&line, &gpu_ps)| (line, gpu_ps))
    }

    /// The price of a node at a rate.
    pub fn price_of(&self, rate: u32) -> PicoUsdPerHour {
        self.rates[rate as usize].1
    }

    /// What `gpu_ps` GPU-picoseconds cost at a rate.
    pub fn price(&self, rate: u32, gpu_ps: u128) -> Money {
        let (_, price, gpus) = self.rates[rate as usize];
        let (price, denominator) = (u128::from(price.0), PS_PER_HOUR * u128::from(gpus.max(1)));
        // The factors are below 2^64 and 2^58: the product fits.
        let part = price * (gpu_ps % denominator);
        let whole = price.saturating_mul(gpu_ps / denominator).saturating_add(part / denominator);
        Money { whole, rest: part % denominator, denominator }
    }

    /// Dollars of all lines that `pick` selects: GPU time is added first, then priced, by rate.
    pub fn usd(&self, pick: impl Fn(&BillLine) -> bool) -> f64 {
        let mut by_rate = vec![0_u128; self.rates.len()];
        for (line, gpu_ps) in self.lines() {
            if pick(&line) {
                by_rate[line.rate as usize] += gpu_ps;
            }
        }
        by_rate.iter().zip(0..).map(|(&gpu_ps, rate)| self.price(rate, gpu_ps).as_usd()).sum()
    }

    /// Pico-dollars of all lines that `pick` selects, each line rounded down once: however the
    /// lines are divided among tables, the tables add up to the same total.
    pub fn pico_usd(&self, pick: impl Fn(&BillLine) -> bool) -> u128 {
        let lines = self.lines().filter(|(line, _)| pick(line));
        lines.map(|(line, gpu_ps)| self.price(line.rate, gpu_ps).whole).sum()
    }

    /// GPU-hours of all lines that `pick` selects.
    pub fn gpu_hours(&self, pick: impl Fn(&BillLine) -> bool) -> f64 {
        let gpu_ps: u128 = self.lines().filter(|(line, _)| pick(line)).map(|(_, gpu_ps)| gpu_ps).sum();
        gpu_ps as f64 / PS_PER_HOUR as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// However an interval is cut, the line holds the same GPU time, to the picosecond.
        #[test]
        fn the_bill_is_the_sum_of_its_intervals(cuts in prop::collection::vec(1_u64..1 << 60, 1..20), gpus in 1_u32..64) {
            let line = BillLine { pool: 0, rate: 0, state: GpuState::Serving, service: Some(1) };
            let prices = vec![(PicoUsdPerHour::from_usd(23.92), 8)];
            let (mut whole, mut parts) = (Bill::new(prices.clone()), Bill::new(prices));
            let mut gpu_ps = 0_u128;
            for cut in &cuts {
                parts.add(line, gpus, SimDuration::from_ps(*cut));
                gpu_ps += u128::from(*cut) * u128::from(gpus);
            }
            for cut in cuts {
                whole.add(line, gpus, SimDuration::from_ps(cut));
            }
            prop_assert_eq!(parts.lines().next(), Some((line, gpu_ps)));
            prop_assert_eq!(parts.usd(|_| true), whole.usd(|_| true));
        }
    }

    #[test]
    fn the_dearest_fleet_over_the_longest_run_has_a_price() {
        let price = u64::MAX;
        let mut bill = Bill::new(vec![(PicoUsdPerHour(price), 8)]);
        let line = BillLine { pool: 0, rate: 0, state: GpuState::Idle, service: None };
        for _ in 0..100 {
            bill.add(line, u32::MAX, SimDuration::MAX);
        }
        let hours = 100.0 * f64::from(u32::MAX) * (u64::MAX as f64 / 3.6e15) / 8.0;
        let usd = price as f64 / 1e12 * hours;
        assert!((bill.usd(|_| true) / usd - 1.0).abs() < 1e-9);
    }

    #[test]
    fn a_node_hour_costs_its_price() {
        let mut bill = Bill::new(vec![(PicoUsdPerHour::from_usd(10.0), 3)]);
        bill.add(BillLine { pool: 0, rate: 0, state: GpuState::Idle, service: None }, 3, SimDuration::from_s(3_600));
        assert!((bill.usd(|_| true) - 10.0).abs() < 1e-12);
        assert!((bill.gpu_hours(|_| true) - 3.0).abs() < 1e-12);
    }
}
