//! What a spot market is described by, and what its parts must be so that the whole has the means
//! that were asked for.
//!
//! A zone is up while its own process is up and no stress that is on has it down. While a stress is
//! on, a zone flickers: it is down for a share `p` of the time. All parts are independent, so
//!
//! ```text
//! availability      A = A_own * prod_s (1 - u_s p_s)
//! stays up a step   1 - 1/U = (1 - 1/U_own) * prod_s n_s
//! n_s = (1 - 2 u p + (u - u/T)(p - p/d)) / (1 - u p)
//! ```
//!
//! with `u` the share of time a stress is on, `T` its mean length, `d` the mean down run of the
//! flicker and `U` mean up runs, all in steps. Given `A` and `U` of the zone, one unknown is left,
//! `d`: it is chosen so that own and flickering down runs have the same mean.

use super::burst::BurstLaw;
use crate::ParameterError;
use flashcrowd_core::clock::SimDuration;

/// One zone of a market.
#[derive(Clone, Debug, PartialEq)]
pub struct ZoneLaw {
    /// Its name; its random streams are named after it.
    pub name: String,
    /// Mean time from when nodes can be had to the next preemption.
    pub mean_up: SimDuration,
    /// Mean time from a preemption to when nodes can be had again.
    pub mean_down: SimDuration,
    /// Standard deviation of the logarithm of up runs, outside of and within stresses.
    pub sigma_up: f64,
    /// The same of down runs.
    pub sigma_down: f64,
    /// Nodes that the market holds while the zone is up.
    pub nodes: u32,
    /// How many of them go at a preemption.
    pub burst: BurstLaw,
}

/// A shortage that several zones share.
#[derive(Clone, Debug, PartialEq)]
pub struct Stress {
    /// Its name; its random stream is named after it.
    pub name: String,
    /// Share of the time that it is on.
    pub share: f64,
    /// Mean length.
    pub mean: SimDuration,
    /// Standard deviation of the logarithm of its lengths.
    pub sigma_on: f64,
    /// The same of the times between.
    pub sigma_off: f64,
    /// For each zone in order: the share of the stress for which it has the zone down; 0 does not
    /// touch it, 1 has it down from the first to the last step.
    pub hits: Vec<f64>,
}

/// A market of zones with shared shortages.
#[derive(Clone, Debug, PartialEq)]
pub struct MarketLaw {
    /// The grid of time: nothing changes between two steps, and no run is shorter than one.
    pub step: SimDuration,
    /// Its zones.
    pub zones: Vec<ZoneLaw>,
    /// What they share.
    pub stresses: Vec<Stress>,
}

/// Most zones of a market, and most stresses.
pub const MAX_ZONES: usize = 1_000;

/// The parts of a zone: means in steps.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Parts {
    /// Mean up run of its own process.
    pub(super) own_up: f64,
    /// Mean down run of its own process, and of the flicker if that can be.
    pub(super) down: f64,
}

/// Mean up and down runs of the flicker of a zone under a stress that takes the share `p`.
pub(super) fn flicker(p: f64, down: f64) -> (f64, f64) {
    // An up run is a step or more.
    let down = down.max(p / (1.0 - p)).max(1.0);
    (down * (1.0 - p) / p, down)
}

impl Stress {
    /// The probability that a zone which this stress does not have down is not so a step later.
    fn stays_clear(&self, p: f64, down: f64, step: SimDuration) -> f64 {
        let both_on = self.share * (1.0 - 1.0 / steps(self.mean, step));
        let both_down = if p >= 1.0 { 1.0 } else { p - p / flicker(p, down).1 };
        (1.0 - 2.0 * self.share * p + both_on * both_down) / (1.0 - self.share * p)
    }

    fn check(&self, index: usize, law: &MarketLaw) -> Result<(), ParameterError> {
        let named = |what: &str| format!("{what} of stress {index} (`{}`)", self.name);
        if !(self.share > 0.0 && self.share < 1.0) {
            return Err(ParameterError::new(named("the share"), "above 0 and below 1"));
        }
        check_sigma(self.sigma_on, || named("sigma_on"))?;
        check_sigma(self.sigma_off, || named("sigma_off"))?;
        if self.hits.len() != law.zones.len() || self.hits.iter().any(|p| !(0.0..=1.0).contains(p)) {
            return Err(ParameterError::new(named("the hits"), format!("{} numbers from 0 to 1", law.zones.len())));
        }
        let mean = steps(self.mean, law.step);
        if mean < 1.0 || mean * (1.0 - self.share) / self.share < 1.0 {
            return Err(ParameterError::new(named("the mean"), "such that it and the gaps last at least a step"));
        }
        Ok(())
    }
}

impl MarketLaw {
    /// Checks the parameters, and that the zones have room for their shortages.
    ///
    /// # Errors
    /// Names the parameter and what it should have been.
    pub fn check(&self) -> Result<(), ParameterError> {
        if self.step < SimDuration::from_ms(1) {
            return Err(ParameterError::new("the step", "at least 1ms"));
        }
        if self.zones.is_empty() || self.zones.len() > MAX_ZONES || self.stresses.len() > MAX_ZONES {
            return Err(ParameterError::new("a market", format!("of 1 to {MAX_ZONES} zones and stresses")));
        }
        for (index, stress) in self.stresses.iter().enumerate() {
            stress.check(index, self)?;
        }
        for (index, zone) in self.zones.iter().enumerate() {
            check_sigma(zone.sigma_up, || format!("sigma_up of zone `{}`", zone.name))?;
            check_sigma(zone.sigma_down, || format!("sigma_down of zone `{}`", zone.name))?;
            zone.burst.check(zone.nodes)?;
            if self.zones[..index].iter().any(|other| other.name == zone.name) {
                return Err(ParameterError::new(format!("the name `{}`", zone.name), "that of one zone only"));
            }
            self.parts(index)?;
        }
        Ok(())
    }

    /// The parts of a zone.
    pub(super) fn parts(&self, zone: usize) -> Result<Parts, ParameterError> {
        let law = &self.zones[zone];
        let (up, down) = (steps(law.mean_up, self.step), steps(law.mean_down, self.step));
        if up < 1.0 || down < 1.0 {
            let what = format!("the mean runs of zone `{}`", law.name);
            return Err(ParameterError::new(what, "at least a step of the market's grid"));
        }
        let clear: f64 = self.stresses.iter().map(|stress| 1.0 - stress.share * stress.hits[zone]).product();
        let own = up / (up + down) / clear;
        let room = |expected| ParameterError::new(format!("the stresses of zone `{}`", law.name), expected);
        if own >= 1.0 {
            return Err(room("shorter: together they take more than its mean down time"));
        }
        // The mean length of the zone's own up runs for a mean down run of `d` steps; `None` if the
        // stresses alone end up runs too often.
        let own_up = |d: f64| {
            let clear: f64 =
                self.stresses.iter().map(|stress| stress.stays_clear(stress.hits[zone], d, self.step)).product();
            let ends = 1.0 - (1.0 - 1.0 / up) / clear;
            (ends > 0.0).then_some(1.0 / ends)
        };
        // Own down runs grow shorter as `d` grows: the root is where both are equal.
        let own_down = |d: f64| own_up(d).map_or(f64::INFINITY, |up| up * (1.0 - own) / own);
        let (mut low, mut high) = (1.0, 1e9);
        if own_down(low) < low || own_down(high) > high {
            return Err(room("rarer or longer: they end its up runs more often than it has any"));
        }
        for _ in 0..200 {
            let middle = 0.5 * (low + high);
            if own_down(middle) > middle { low = middle } else { high = middle }
        }
        let Some(own_up) = own_up(high).filter(|up| *up >= 1.0) else {
            return Err(room("weaker: they leave it no process of its own"));
        };
        Ok(Parts { own_up, down: own_up * (1.0 - own) / own })
    }
}

/// A span in steps.
pub(super) fn steps(span: SimDuration, step: SimDuration) -> f64 {
    span.as_ps() as f64 / step.as_ps() as f64
}

fn check_sigma(sigma: f64, what: impl Fn() -> String) -> Result<(), ParameterError> {
    if (0.0..=4.0).contains(&sigma) { Ok(()) } else { Err(ParameterError::new(what(), "from 0 to 4")) }
}
