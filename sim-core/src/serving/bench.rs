//! What the simulation lends a server for one call.

use super::Discipline;
use super::engine::{Clock, FRACTION_BITS, Leap, Sequence};
use crate::agenda::Agenda;
use crate::clock::{SimDuration, SimTime};
use crate::id::{AttemptSlot, Table};
use crate::ledger::Latency;
use crate::traffic::{Arena, Attempt, Prefixes};

/// What a server works with at one instant.
pub(crate) struct Bench<'a> {
    pub(crate) agenda: &'a mut Agenda,
    pub(crate) attempts: &'a mut Arena<AttemptSlot, Attempt>,
    pub(crate) discipline: &'a Discipline,
    /// What engines know of each attempt, by the attempt's slot.
    pub(crate) sequences: &'a mut Table<AttemptSlot, Sequence>,
    /// Names of the blocks of prompts.
    pub(crate) prefixes: &'a Prefixes,
    /// Attempts whose first token has just come.
    pub(crate) first_tokens: &'a mut Vec<AttemptSlot>,
    /// Leaps and the number of their decodes, if a signal wants every gap between tokens.
    pub(crate) gaps: Option<&'a mut Vec<(Leap, u64)>>,
    pub(crate) latency: &'a mut Latency,
    /// What ends before this instant is not measured.
    pub(crate) warmup: SimTime,
}

impl Bench<'_> {
    /// An attempt enters service at `at`: now, or at the boundary of an engine that catches up.
    #[inline]
    pub(crate) fn start(&mut self, index: AttemptSlot, at: SimTime) {
        self.attempts[index].start(at);
    }

    /// Records the gaps of a leap that started at `clock` and took `units` units: `decodes`
    /// sequences had a token in each of its iterations.
    #[inline]
    pub(crate) fn gaps(&mut self, leap: Leap, clock: Clock, units: u128, decodes: u64) {
        if let Some(gaps) = &mut self.gaps {
            gaps.push((leap, decodes));
        }
        if clock.at < self.warmup {
            return self.gaps_of_warm_up(leap, clock, decodes);
        }
        if let Some(tokens) = &mut self.latency.tokens {
            tokens.record_leap(leap, units, decodes);
        }
    }

    /// The same for a leap that began during the warm-up: only iterations that end later are
    /// measured.
    #[cold]
    fn gaps_of_warm_up(&mut self, leap: Leap, clock: Clock, decodes: u64) {
        let Some(tokens) = &mut self.latency.tokens else { return };
        let skipped = match self.warmup.as_ps().checked_sub(1) {
            Some(ps) => leap.first_after(clock.units, SimTime::from_ps(ps)).saturating_sub(1).min(leap.len),
            None => 0,
        };
        let rest = leap.rest(skipped);
        tokens.record_leap(rest, rest.units(rest.len), decodes);
    }

    /// Records one gap between two tokens of a sequence; the second token came at `at`.
    pub(crate) fn gap(&mut self, gap: SimDuration, at: SimTime) {
        if let Some(gaps) = &mut self.gaps {
            // A gap that does not fit is in the last bucket anyway.
            let first = gap.as_ps().saturating_mul(1 << FRACTION_BITS);
            gaps.push((Leap { len: 1, first, growth: 0 }, 1));
        }
        if let Some(tokens) = &mut self.latency.tokens
            && at >= self.warmup
        {
            tokens.record_gap(gap);
        }
    }
}
