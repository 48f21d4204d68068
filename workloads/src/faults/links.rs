//! Windows in which the way between two regions is bad.

use super::Listed;
use crate::ParameterError;
use flashcrowd_core::clock::{SimDuration, SimTime};
use flashcrowd_core::ports::{Fault, TimedFault};

/// One window. Windows of one link must not overlap: the end of one mends the link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadLink {
    /// When it begins.
    pub at: SimTime,
    /// How long it lasts.
    pub lasts: SimDuration,
    /// One end, a region, and the other.
    pub between: (u32, u32),
    /// Added to each round trip.
    pub delay: SimDuration,
    /// Share of attempts that are lost, in millionths.
    pub loss_ppm: u32,
}

/// Bad links from a list.
///
/// # Errors
/// A window of no time, one that overlaps another of its link, or a share above everything.
pub fn listed(windows: &[BadLink]) -> Result<Listed, ParameterError> {
    let ends = |window: &BadLink| {
        let (a, b) = window.between;
        (a.min(b), a.max(b))
    };
    let mut sorted: Vec<&BadLink> = windows.iter().collect();
    sorted.sort_by_key(|window| (ends(window), window.at));
    for window in &sorted {
        if window.lasts.is_zero() || window.loss_ppm > 1_000_000 {
            let expected = "longer than 0, with a loss of at most 1000000 millionths";
            return Err(ParameterError::new("a window of a bad link", expected));
        }
    }
    if sorted.windows(2).any(|pair| ends(pair[0]) == ends(pair[1]) && pair[1].at < pair[0].at + pair[0].lasts) {
        return Err(ParameterError::new(
            "the windows of a bad link",
            "such that none begins before the last has ended",
        ));
    }
    let faults = |window: &&BadLink| {
        let (from, to) = window.between;
        let link = |at, delay, loss_ppm| TimedFault { at, fault: Fault::Link { from, to, delay, loss_ppm } };
        let end = window.at + window.lasts;
        [link(window.at, window.delay, window.loss_ppm), link(end, SimDuration::ZERO, 0)]
    };
    Ok(Listed::new(sorted.iter().flat_map(faults).collect()))
}
