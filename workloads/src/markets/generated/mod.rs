//! The generated spot market: zones that are up and down by turns, with heavy tails, shared
//! shortages and bursts. Draws belong to (zone, time): nothing that is bought moves them.

mod burst;
mod law;
mod runs;
mod shipped;

#[cfg(test)]
mod tests;

pub use burst::{BurstLaw, OF_FOUR, OF_SIXTEEN};
pub use law::{MAX_ZONES, MarketLaw, Stress, ZoneLaw};
pub use shipped::{MEASURED_ZONES, MeasuredZone, measured_market};

use crate::ParameterError;
use flashcrowd_core::clock::{Seed, SimDuration, SimTime, Stream};
use law::{flicker, steps};
use runs::{RunLaw, Runs};
use std::collections::VecDeque;

/// The capacity of a zone from now on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    /// When.
    pub at: SimTime,
    /// Which zone, by position.
    pub zone: usize,
    /// Nodes.
    pub nodes: u32,
}

/// A market that runs on for ever; memory does not grow. Streams are `<label>/<zone>/own`,
/// `<label>/<zone>/<stress>`, `<label>/<zone>/burst` and `<label>/stress/<stress>`.
#[derive(Clone, Debug)]
pub struct Market {
    step_ps: u64,
    stresses: Vec<Runs>,
    zones: Vec<Zone>,
    now: u64,
    ready: VecDeque<Change>,
}

#[derive(Clone, Debug)]
struct Zone {
    own: Runs,
    /// Which stress, and whether the zone bears it.
    flickers: Vec<(usize, Option<Runs>)>,
    up: bool,
    nodes: u32,
    burst: BurstLaw,
    burst_stream: Stream,
}

impl Market {
    /// A market in its stationary state at time 0. The first changes are the capacities of all
    /// zones at time 0, in order.
    ///
    /// # Errors
    /// What [`MarketLaw::check`] refuses.
    pub fn new(law: &MarketLaw, seed: Seed, label: &str) -> Result<Self, ParameterError> {
        law.check()?;
        let stress = |stress: &Stress| {
            let on = steps(stress.mean, law.step);
            let off = on * (1.0 - stress.share) / stress.share;
            let laws = (RunLaw { mean: on, sigma: stress.sigma_on }, RunLaw { mean: off, sigma: stress.sigma_off });
            Runs::new(laws.0, laws.1, seed.stream(&format!("{label}/stress/{}", stress.name)))
        };
        let zones = (0..law.zones.len()).map(|zone| Zone::new(law, zone, seed, label)).collect::<Result<_, _>>()?;
        let mut market = Market {
            step_ps: law.step.as_ps(),
            stresses: law.stresses.iter().map(stress).collect(),
            zones,
            now: 0,
            ready: VecDeque::new(),
        };
        market.look(true);
        Ok(market)
    }

    /// The next change, no earlier than the last; `None` after the end of time.
    pub fn next_change(&mut self) -> Option<Change> {
        while self.ready.is_empty() {
            self.now = self.next_switch();
            self.now.checked_mul(self.step_ps)?;
            self.switch();
            self.look(false);
        }
        self.ready.pop_front()
    }

    /// The nearest step at which any part switches.
    fn next_switch(&self) -> u64 {
        let stresses = self.stresses.iter().map(Runs::until);
        let zones = self.zones.iter().map(Zone::next_switch);
        stresses.chain(zones).min().unwrap_or(u64::MAX)
    }

    fn switch(&mut self) {
        let now = self.now;
        let due = |runs: &&mut Runs| runs.until() == now;
        self.stresses.iter_mut().filter(due).for_each(Runs::switch);
        for zone in &mut self.zones {
            let flickers = zone.flickers.iter_mut().filter_map(|flicker| flicker.1.as_mut());
            std::iter::once(&mut zone.own).chain(flickers).filter(due).for_each(Runs::switch);
        }
    }

    /// Notes which zones have changed.
    fn look(&mut self, first: bool) {
        let at = SimTime::from_ps(self.now.saturating_mul(self.step_ps));
        for (index, zone) in self.zones.iter_mut().enumerate() {
            let up = zone.is_up(&self.stresses);
            if up != zone.up || first {
                zone.up = up;
                let lost = if up { 0 } else { zone.burst.sample(&mut zone.burst_stream) };
                self.ready.push_back(Change { at, zone: index, nodes: zone.nodes.saturating_sub(lost) });
            }
        }
    }
}

impl Zone {
    fn new(law: &MarketLaw, zone: usize, seed: Seed, label: &str) -> Result<Self, ParameterError> {
        let (parts, law_of_zone) = (law.parts(zone)?, &law.zones[zone]);
        let runs = |up: f64, down: f64, part: &str| {
            let up = RunLaw { mean: up, sigma: law_of_zone.sigma_up };
            let down = RunLaw { mean: down, sigma: law_of_zone.sigma_down };
            Runs::new(up, down, seed.stream(&format!("{label}/{}/{part}", law_of_zone.name)))
        };
        let bears = |(index, stress): (usize, &Stress)| {
            let p = stress.hits[zone];
            let (up, down) = flicker(p, parts.down);
            (p > 0.0).then(|| (index, (p < 1.0).then(|| runs(up, down, &stress.name))))
        };
        Ok(Zone {
            own: runs(parts.own_up, parts.down, "own"),
            flickers: law.stresses.iter().enumerate().filter_map(bears).collect(),
            up: false,
            nodes: law_of_zone.nodes,
            burst: law_of_zone.burst.clone(),
            burst_stream: seed.stream(&format!("{label}/{}/burst", law_of_zone.name)),
        })
    }

    fn next_switch(&self) -> u64 {
        let flickers = self.flickers.iter().filter_map(|flicker| flicker.1.as_ref());
        flickers.map(Runs::until).fold(self.own.until(), u64::min)
    }

    fn is_up(&self, stresses: &[Runs]) -> bool {
        let bears = |(stress, flicker): &(usize, Option<Runs>)| {
            !stresses[*stress].is_on() || flicker.as_ref().is_some_and(Runs::is_on)
        };
        self.own.is_on() && self.flickers.iter().all(bears)
    }
}

/// The capacity of each zone of a market over a span.
///
/// # Errors
/// What [`MarketLaw::check`] refuses.
pub fn record(
    law: &MarketLaw,
    span: SimDuration,
    seed: Seed,
    label: &str,
) -> Result<Vec<super::CapacitySeries>, ParameterError> {
    let mut market = Market::new(law, seed, label)?;
    let mut samples = vec![Vec::new(); law.zones.len()];
    let end = SimTime::ZERO + span;
    while let Some(change) = market.next_change().filter(|change| change.at < end) {
        samples[change.zone].push((change.at, change.nodes));
    }
    Ok(samples.into_iter().map(|samples| super::CapacitySeries::from_samples(samples, end)).collect())
}
