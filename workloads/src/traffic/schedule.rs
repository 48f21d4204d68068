//! Poisson arrivals whose rate follows a timetable, in steps or linear ramps, once or again and
//! again.

use super::hazard::{Hazard, PS_PER_S};
use super::rate::check_rate;
use super::requests::{RequestDistributions, Requests, Until};
use crate::ParameterError;
use flashcrowd_core::clock::{Seed, SimDuration};
use flashcrowd_core::ports::{Arrival, ArrivalSource, SourceError};

/// A rate over time.
#[derive(Clone, Debug, PartialEq)]
pub struct Timetable {
    /// From when on which rate holds, in requests per second; the first at zero, then ascending.
    pub points: Vec<(SimDuration, f64)>,
    /// Whether the rate moves in a straight line from each point to the next (and, if the table
    /// repeats, from the last to the first of the next period) instead of stepping.
    pub ramps: bool,
    /// After how long the table starts again. Without it the last rate holds for ever.
    pub repeat: Option<SimDuration>,
}

/// A stretch of constant or linearly changing rate.
#[derive(Clone, Copy, Debug)]
struct Segment {
    start_ps: u64,
    end_ps: u64,
    /// Per second, at the start.
    rate: f64,
    /// Change of the rate per second.
    slope: f64,
}

/// A Poisson process along a [`Timetable`].
///
/// Arrivals are those of the unit-rate process, placed by the exact inverse of the integrated
/// rate, so that the n-th arrivals of two timetables come from one draw.
#[derive(Clone, Debug)]
pub struct Schedule {
    segments: Vec<Segment>,
    period_ps: Option<u64>,
    /// Expected arrivals in one period.
    per_period: f64,
    period_start_ps: u64,
    segment: usize,
    /// Since the start of the period.
    now_ps: u64,
    hazard: Hazard,
    requests: Requests,
}

impl Timetable {
    /// Checks the points.
    ///
    /// # Errors
    /// Names the point and what it should have been.
    pub fn check(&self) -> Result<(), ParameterError> {
        match self.points.first() {
            None => return Err(ParameterError::new("the timetable", "at least one point")),
            Some((at, _)) if !at.is_zero() => {
                return Err(ParameterError::new("the first point", "at 0s (a rate of 0 is allowed)"));
            }
            Some(_) => {}
        }
        for (index, (at, rate)) in self.points.iter().enumerate() {
            check_rate(format!("the rate at {at}"), *rate)?;
            if index > 0 && self.points[index - 1].0 >= *at {
                return Err(ParameterError::new(format!("the point at {at}"), "after the one before it"));
            }
            if self.repeat.is_some_and(|period| *at >= period) {
                return Err(ParameterError::new(format!("the point at {at}"), "before the end of the period"));
            }
        }
        // Millions of periods in a second would be a slow way to write one mean rate.
        if self.repeat.is_some_and(|period| period < SimDuration::from_us(1)) {
            return Err(ParameterError::new("the period", "at least 1us"));
        }
        Ok(())
    }

    fn segments(&self) -> Vec<Segment> {
        let wrap = self.repeat.map(|period| (period, self.points[0].1));
        let last = self.points[self.points.len() - 1].1;
        let end = wrap.unwrap_or((SimDuration::MAX, last));
        let nexts = self.points.iter().skip(1).copied().chain(std::iter::once(end));
        let pairs = self.points.iter().zip(nexts);
        pairs
            .map(|(&(start, rate), (end, next))| {
                let slope = if self.ramps { (next - rate) / (end - start).as_s_f64() } else { 0.0 };
                Segment { start_ps: start.as_ps(), end_ps: end.as_ps(), rate, slope }
            })
            .collect()
    }
}

impl Segment {
    fn rate_at(&self, ps: u64) -> f64 {
        (self.rate + self.slope * ((ps - self.start_ps) as f64 / PS_PER_S)).max(0.0)
    }

    /// Expected arrivals from `ps` to the end.
    fn integral_from(&self, ps: u64) -> f64 {
        let seconds = (self.end_ps - ps) as f64 / PS_PER_S;
        f64::midpoint(self.rate_at(ps), self.rate_at(self.end_ps)) * seconds
    }

    /// How long after `ps` the expected arrivals reach `hazard`, in picoseconds.
    fn inverse(&self, ps: u64, hazard: f64) -> u64 {
        let rate = self.rate_at(ps);
        // The root of slope/2 * t^2 + rate * t = hazard, in the form that never cancels.
        let root = (rate * rate + 2.0 * self.slope * hazard).max(0.0).sqrt();
        (2.0 * hazard / (rate + root) * PS_PER_S + 0.5) as u64
    }
}

impl Schedule {
    /// Arrivals along `table`.
    ///
    /// # Errors
    /// A table or laws that are none.
    pub fn new(
        table: &Timetable,
        laws: &RequestDistributions,
        until: Until,
        seed: Seed,
        label: &str,
    ) -> Result<Self, ParameterError> {
        table.check()?;
        let segments = table.segments();
        Ok(Schedule {
            per_period: segments.iter().map(|segment| segment.integral_from(segment.start_ps)).sum(),
            segments,
            period_ps: table.repeat.map(SimDuration::as_ps),
            period_start_ps: 0,
            segment: 0,
            now_ps: 0,
            hazard: Hazard::new(seed, label),
            requests: Requests::new(laws, until, seed, label)?,
        })
    }

    /// Goes to the next segment; `None` if there is none before the end of time. Whole periods
    /// that `hazard` outlasts are skipped at once.
    fn advance(&mut self, hazard: &mut f64) -> Option<()> {
        self.segment += 1;
        if let Some(segment) = self.segments.get(self.segment) {
            self.now_ps = segment.start_ps;
            return Some(());
        }
        let period = self.period_ps.filter(|_| self.per_period > 0.0)?;
        let skipped = (*hazard / self.per_period).floor();
        *hazard -= skipped * self.per_period;
        let ahead = period.checked_mul((skipped as u64).saturating_add(1))?;
        self.period_start_ps = self.period_start_ps.checked_add(ahead)?;
        (self.segment, self.now_ps) = (0, 0);
        Some(())
    }

    fn next_ps(&mut self) -> Option<u64> {
        let mut hazard = self.hazard.next_gap();
        loop {
            let segment = self.segments.get(self.segment)?;
            let passed = segment.integral_from(self.now_ps);
            if hazard < passed {
                let step = segment.inverse(self.now_ps, hazard);
                self.now_ps = self.now_ps.saturating_add(step).min(segment.end_ps);
                return self.period_start_ps.checked_add(self.now_ps);
            }
            hazard -= passed;
            self.advance(&mut hazard)?;
            if self.period_start_ps.saturating_add(self.now_ps) >= self.requests.end_ps() {
                return None;
            }
        }
    }
}

impl ArrivalSource for Schedule {
    fn next_arrival(&mut self) -> Result<Option<Arrival>, SourceError> {
        if self.requests.is_over() {
            return Ok(None);
        }
        let at_ps = self.next_ps().unwrap_or(u64::MAX);
        Ok(self.requests.at(at_ps))
    }
}
