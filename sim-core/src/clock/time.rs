//! Integer picosecond time.
//!
//! A step rounded to nanoseconds, or held in `f64`, makes a leap over many steps differ from the
//! steps one by one. Picoseconds in `u64` reach 213 days, which is the longest horizon.

use std::fmt;
use std::ops::{Add, AddAssign, Mul, Sub};

const PS_PER_S: u64 = 1_000_000_000_000;

/// An instant of simulated time: picoseconds since the start of the run.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SimTime(u64);

/// A span of simulated time in picoseconds.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SimDuration(u64);

impl SimTime {
    /// The start of a run.
    pub const ZERO: SimTime = SimTime(0);
    /// Later than everything: used as "never".
    pub const MAX: SimTime = SimTime(u64::MAX);

    /// The instant `ps` picoseconds after the start.
    pub const fn from_ps(ps: u64) -> Self {
        SimTime(ps)
    }

    /// The instant `s` seconds after the start; saturates at [`SimTime::MAX`].
    pub const fn from_s(s: u64) -> Self {
        SimTime(s.saturating_mul(PS_PER_S))
    }

    /// Picoseconds since the start.
    pub const fn as_ps(self) -> u64 {
        self.0
    }

    /// Nanoseconds since the start, rounded down: the resolution of Go's `time.Time`.
    pub const fn as_ns(self) -> i64 {
        (self.0 / 1_000) as i64
    }

    /// Seconds since the start, for printing only.
    pub fn as_s_f64(self) -> f64 {
        SimDuration(self.0).as_s_f64()
    }

    /// The span from `earlier` to here; zero if `earlier` is later.
    #[must_use]
    pub const fn since(self, earlier: SimTime) -> SimDuration {
        SimDuration(self.0.saturating_sub(earlier.0))
    }

    /// This instant moved back by `span`; stops at the start.
    #[must_use]
    pub const fn back(self, span: SimDuration) -> SimTime {
        SimTime(self.0.saturating_sub(span.0))
    }
}

impl SimDuration {
    /// No time.
    pub const ZERO: SimDuration = SimDuration(0);
    /// The longest span: used as "no limit".
    pub const MAX: SimDuration = SimDuration(u64::MAX);

    /// A span of `ps` picoseconds.
    pub const fn from_ps(ps: u64) -> Self {
        SimDuration(ps)
    }

    /// A span of `us` microseconds; saturates.
    pub const fn from_us(us: u64) -> Self {
        SimDuration(us.saturating_mul(PS_PER_S / 1_000_000))
    }

    /// A span of `ms` milliseconds; saturates.
    pub const fn from_ms(ms: u64) -> Self {
        SimDuration(ms.saturating_mul(PS_PER_S / 1_000))
    }

    /// A span of `s` seconds; saturates.
    pub const fn from_s(s: u64) -> Self {
        SimDuration(s.saturating_mul(PS_PER_S))
    }

    /// The nearest span to `s` seconds; negative and NaN become zero, what is too long saturates.
    /// For draws and configuration only: no simulated clock is ever held in `f64`.
    pub fn from_s_f64(s: f64) -> Self {
        let exact = s * PS_PER_S as f64;
        // `as` maps NaN and negatives to zero and saturates above. Rounded by hand, since `round`
        // is a call into the C library on most targets; the fraction is exact.
        let whole = exact as u64;
        SimDuration(whole.saturating_add(u64::from(exact - whole as f64 >= 0.5)))
    }

    /// Length in picoseconds.
    pub const fn as_ps(self) -> u64 {
        self.0
    }

    /// Length in whole microseconds, rounded down: the unit of the latency histograms.
    pub const fn as_us(self) -> u64 {
        self.0 / (PS_PER_S / 1_000_000)
    }

    /// Length in whole milliseconds, rounded down.
    pub const fn as_ms(self) -> u64 {
        self.0 / (PS_PER_S / 1_000)
    }

    /// Length in seconds, for printing only.
    pub fn as_s_f64(self) -> f64 {
        self.0 as f64 / PS_PER_S as f64
    }

    /// Whether this is no time at all.
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// The difference, or zero if `other` is longer.
    #[must_use]
    pub const fn saturating_sub(self, other: SimDuration) -> SimDuration {
        SimDuration(self.0.saturating_sub(other.0))
    }
}

impl Add<SimDuration> for SimTime {
    type Output = SimTime;
    /// Saturates at [`SimTime::MAX`], which no horizon reaches.
    fn add(self, span: SimDuration) -> SimTime {
        SimTime(self.0.saturating_add(span.0))
    }
}

impl AddAssign<SimDuration> for SimTime {
    fn add_assign(&mut self, span: SimDuration) {
        *self = *self + span;
    }
}

impl Add for SimDuration {
    type Output = SimDuration;
    fn add(self, other: SimDuration) -> SimDuration {
        SimDuration(self.0.saturating_add(other.0))
    }
}

impl AddAssign for SimDuration {
    fn add_assign(&mut self, other: SimDuration) {
        *self = *self + other;
    }
}

impl Sub for SimDuration {
    type Output = SimDuration;
    fn sub(self, other: SimDuration) -> SimDuration {
        self.saturating_sub(other)
    }
}

impl Mul<u64> for SimDuration {
    type Output = SimDuration;
    fn mul(self, factor: u64) -> SimDuration {
        SimDuration(self.0.saturating_mul(factor))
    }
}

impl fmt::Debug for SimTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl fmt::Display for SimTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "t={}", SimDuration(self.0))
    }
}

impl fmt::Debug for SimDuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl fmt::Display for SimDuration {
    /// Exact seconds without trailing zeros, such as `1.5s`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fraction = self.0 % PS_PER_S;
        if fraction == 0 {
            return write!(f, "{}s", self.0 / PS_PER_S);
        }
        let digits = format!("{fraction:012}");
        write!(f, "{}.{}s", self.0 / PS_PER_S, digits.trim_end_matches('0'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conversion_rounds_to_the_nearest_picosecond_and_never_wraps() {
        assert_eq!(SimDuration::from_s_f64(1.5).as_ps(), 1_500_000_000_000);
        assert_eq!(SimDuration::from_s_f64(-1.0), SimDuration::ZERO);
        assert_eq!(SimDuration::from_s_f64(f64::NAN), SimDuration::ZERO);
        assert_eq!(SimDuration::from_s_f64(1e300), SimDuration::MAX);
        assert_eq!(SimTime::MAX + SimDuration::from_s(1), SimTime::MAX);
    }

    #[test]
    fn conversion_rounds_as_the_library_does() {
        let mut x = 1e-13_f64;
        while x < 3e7 {
            for y in [x, x.next_up(), x.next_down(), (x * 1e12).round() / 1e12, ((x * 1e12).floor() + 0.5) / 1e12] {
                assert_eq!(SimDuration::from_s_f64(y).as_ps(), (y * 1e12).round() as u64, "{y}");
            }
            x *= 1.003;
        }
        assert_eq!(SimDuration::from_s_f64(f64::INFINITY), SimDuration::MAX);
    }

    #[test]
    fn display_is_exact() {
        assert_eq!(SimDuration::from_ms(1_500).to_string(), "1.5s");
        assert_eq!(SimDuration::from_s(30).to_string(), "30s");
        assert_eq!(SimDuration::from_ps(1).to_string(), "0.000000000001s");
    }
}
