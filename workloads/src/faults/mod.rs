//! Faults of a fleet, as [`FaultSource`]s: capacity and price of spot markets, outages, node
//! failures and bad links. A random draw belongs to a thing and a time, so what a policy buys does
//! not change it.
//!
//! | module | faults |
//! | --- | --- |
//! | [`capacity`] | capacity of a generated or recorded market, or of nodes with lifetimes of their own |
//! | [`outages`] | zones and regions that fail, from a list or drawn |
//! | [`failures`] | single nodes that fail |
//! | [`links`] | windows in which the way between two regions is bad |
//! | [`prices`] | spot prices, constant or from a file |

pub mod capacity;
pub mod failures;
pub mod links;
pub mod outages;
pub mod prices;

#[cfg(test)]
mod tests;

use flashcrowd_core::SimTime;
use flashcrowd_core::ports::{Fault, FaultSource, SourceError, TimedFault};
use flashcrowd_core::units::PicoUsdPerHour;
use std::collections::VecDeque;

/// Faults that are known beforehand.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listed(VecDeque<TimedFault>);

impl Listed {
    /// In order of time; of equal times, as given.
    pub fn new(mut faults: Vec<TimedFault>) -> Self {
        faults.sort_by_key(|fault| fault.at);
        Listed(faults.into())
    }

    /// With every price times a factor: what a negotiated discount leaves of it.
    #[must_use]
    pub fn at_prices_times(mut self, factor: f64) -> Self {
        for fault in &mut self.0 {
            if let Fault::Price { price, .. } = &mut fault.fault {
                *price = PicoUsdPerHour((price.0 as f64 * factor).round() as u64);
            }
        }
        self
    }

    /// When the first of them happens.
    pub fn begins(&self) -> Option<SimTime> {
        self.0.front().map(|fault| fault.at)
    }
}

impl FaultSource for Listed {
    fn next_fault(&mut self) -> Result<Option<TimedFault>, SourceError> {
        Ok(self.0.pop_front())
    }
}

/// Several sources as one, in order of time; of equal times, in the order of the sources.
#[derive(Default)]
pub struct Merged {
    sources: Vec<(Box<dyn FaultSource>, Option<TimedFault>)>,
}

impl Merged {
    /// All of these; one fault of each is held.
    ///
    /// # Errors
    /// What a source says of its first fault.
    pub fn new(sources: Vec<Box<dyn FaultSource>>) -> Result<Self, SourceError> {
        let first = |mut source: Box<dyn FaultSource>| source.next_fault().map(|fault| (source, fault));
        Ok(Merged { sources: sources.into_iter().map(first).collect::<Result<_, _>>()? })
    }
}

impl FaultSource for Merged {
    fn next_fault(&mut self) -> Result<Option<TimedFault>, SourceError> {
        let due = self.sources.iter_mut().filter(|source| source.1.is_some());
        let Some(nearest) = due.min_by_key(|source| source.1.map(|fault| fault.at)) else { return Ok(None) };
        let next = nearest.0.next_fault()?;
        Ok(std::mem::replace(&mut nearest.1, next))
    }
}
