//! Zones and regions that fail: from a list, or drawn. Durations are lognormal, times between outages
//! exponential.

use super::Listed;
use crate::ParameterError;
use flashcrowd_core::clock::{Distribution, Seed, SimDuration, SimTime, Stream};
use flashcrowd_core::ports::{Area, Fault, FaultSource, SourceError, TimedFault};
use std::collections::VecDeque;

/// What an outage does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// All nodes are lost and none can be had until the end; a region is not reached either.
    Total,
    /// A share of the nodes is lost, in millionths, and none can be had until the end.
    Partial {
        /// How much.
        share_ppm: u32,
    },
    /// What runs stays, but no new nodes can be had.
    ControlPlane,
}

/// One outage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outage {
    /// When it begins.
    pub at: SimTime,
    /// How long it lasts.
    pub lasts: SimDuration,
    /// Where.
    pub area: Area,
    /// What it does.
    pub kind: Kind,
}

impl Outage {
    /// What it is made of, in order of time.
    pub fn faults(&self) -> Vec<TimedFault> {
        let begin = |fault| TimedFault { at: self.at, fault };
        let end = |fault| TimedFault { at: self.at + self.lasts, fault };
        let area = self.area;
        let block = |begins| Fault::Block { area, begins };
        let unreachable = |begins| Fault::Unreachable { region: area.region, begins };
        let lose = |share_ppm| Fault::Lose { area, share_ppm };
        match self.kind {
            Kind::ControlPlane => vec![begin(block(true)), end(block(false))],
            Kind::Partial { share_ppm } => vec![begin(block(true)), begin(lose(share_ppm)), end(block(false))],
            Kind::Total if area.zone.is_some() => vec![begin(block(true)), begin(lose(ALL)), end(block(false))],
            Kind::Total => vec![
                begin(unreachable(true)),
                begin(block(true)),
                begin(lose(ALL)),
                end(block(false)),
                end(unreachable(false)),
            ],
        }
    }
}

/// Everything, in millionths.
const ALL: u32 = 1_000_000;

/// Outages from a list.
///
/// # Errors
/// An outage that lasts no time, or loses more than everything.
pub fn listed(outages: &[Outage]) -> Result<Listed, ParameterError> {
    for (index, outage) in outages.iter().enumerate() {
        if outage.lasts.is_zero() {
            return Err(ParameterError::new(format!("the duration of outage {index}"), "above 0"));
        }
        check(outage.kind)?;
    }
    Ok(Listed::new(outages.iter().flat_map(Outage::faults).collect()))
}

fn check(kind: Kind) -> Result<(), ParameterError> {
    match kind {
        Kind::Partial { share_ppm } if share_ppm > ALL => {
            Err(ParameterError::new("the share of an outage", "at most 1000000 millionths"))
        }
        _ => Ok(()),
    }
}

/// How outages of one area are drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OutageLaw {
    /// Where.
    pub area: Area,
    /// What they do.
    pub kind: Kind,
    /// Mean time from the end of one to the next, in hours: it may be longer than any run.
    pub mean_gap_h: f64,
    /// Median duration.
    pub median: SimDuration,
    /// Standard deviation of the logarithm of the duration.
    pub sigma: f64,
}

impl OutageLaw {
    /// A total outage of a region every 1.5 years on average, of median 4 h, sigma 1.2: guesses,
    /// within one each 1 to 2 years of the postmortems of large clouds.
    pub fn region(region: u32) -> Self {
        OutageLaw {
            area: Area { region, zone: None },
            kind: Kind::Total,
            mean_gap_h: 1.5 * 365.25 * 24.0,
            median: SimDuration::from_s(4 * 3_600),
            sigma: 1.2,
        }
    }
}

/// Drawn outages of one area. Stream: `<label>/outages`.
#[derive(Clone, Debug)]
pub struct Outages {
    law: OutageLaw,
    now: SimTime,
    stream: Stream,
    ready: VecDeque<TimedFault>,
}

impl Outages {
    /// Outages by this law, from time 0 on.
    ///
    /// # Errors
    /// Gaps or durations of zero, or a spread or share out of range.
    pub fn new(law: OutageLaw, seed: Seed, label: &str) -> Result<Self, ParameterError> {
        check(law.kind)?;
        if !(1e-3..=1e9).contains(&law.mean_gap_h) {
            return Err(ParameterError::new("the mean gap of outages", "from 0.001 to 1e9 hours"));
        }
        if law.median < SimDuration::from_s(1) {
            return Err(ParameterError::new("the median duration of outages", "at least 1s"));
        }
        if !(0.0..=4.0).contains(&law.sigma) {
            return Err(ParameterError::new("the sigma of outages", "from 0 to 4"));
        }
        let stream = seed.stream(&format!("{label}/outages"));
        Ok(Outages { law, now: SimTime::ZERO, stream, ready: VecDeque::new() })
    }
}

impl FaultSource for Outages {
    fn next_fault(&mut self) -> Result<Option<TimedFault>, SourceError> {
        if self.ready.is_empty() {
            let law = self.law;
            let gap = Distribution::Exponential { mean: 3_600.0 * law.mean_gap_h }.sample_duration(&mut self.stream);
            // The length is drawn separately from the gap.
            let normal: f64 = rand_distr::Distribution::sample(&rand_distr::StandardNormal, &mut self.stream);
            let lasts = SimDuration::from_s_f64(law.median.as_s_f64() * (law.sigma * normal).exp());
            let at = self.now + gap;
            if at == SimTime::MAX {
                return Ok(None);
            }
            self.now = at + lasts;
            self.ready = Outage { at, lasts, area: law.area, kind: law.kind }.faults().into();
        }
        Ok(self.ready.pop_front())
    }
}
