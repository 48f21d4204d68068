//! Whether a limit is held, as far as chance lets one say.

use super::bounds::Bounds;
use super::interval::Interval;
use super::replicates::more_to_tell;
use std::fmt;

/// What an interval says of a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    /// The whole interval is on the good side of the limit, or reaches just to it.
    Holds,
    /// The whole interval is on the bad side of the limit.
    Misses,
    /// The limit is within the interval.
    TooClose {
        /// How many replicates more would probably tell, up to 10,000; `None` where none can be named.
        more: Option<u32>,
    },
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Call::Holds => f.write_str("holds"),
            Call::Misses => f.write_str("misses"),
            Call::TooClose { more: None } => f.write_str("too close to call"),
            Call::TooClose { more: Some(1) } => f.write_str("too close to call: 1 more replicate would tell"),
            Call::TooClose { more: Some(more) } => write!(f, "too close to call: {more} more replicates would tell"),
        }
    }
}

/// What the interval of a mean says of a limit in the same unit. Without a half-width it is too close to
/// call.
///
/// ```
/// use flashcrowd_results::statistics::{Interval, call};
/// let seconds = Interval::of(&[1.2, 1.4, 1.3, 1.5]);
/// assert_eq!(call(&seconds, 2.0, true).to_string(), "holds");
/// assert_eq!(call(&seconds, 1.4, true).to_string(), "too close to call: 51 more replicates would tell");
/// ```
pub fn call(interval: &Interval, limit: f64, lower_is_better: bool) -> Call {
    let bounds = interval.bounds().map(|bounds| call_bounds(bounds, limit, lower_is_better));
    match bounds {
        Some(call @ (Call::Holds | Call::Misses)) => call,
        _ => Call::TooClose { more: more_to_tell(interval, limit).filter(|more| *more > 0) },
    }
}

/// What two ends say of a limit in the same unit, as those of a quantile or a bootstrap. It names no number
/// of replicates.
pub fn call_bounds(bounds: Bounds, limit: f64, lower_is_better: bool) -> Call {
    let (best, worst, limit) =
        if lower_is_better { (bounds.low, bounds.high, limit) } else { (-bounds.high, -bounds.low, -limit) };
    if worst <= limit {
        Call::Holds
    } else if best > limit {
        Call::Misses
    } else {
        Call::TooClose { more: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUNDS: Bounds = Bounds { low: 1.0, high: 3.0 };

    #[test]
    fn sides_depend_on_what_is_better() {
        let close = Call::TooClose { more: None };
        let calls = |lower| [0.5, 1.0, 2.0, 3.0, 3.5].map(|limit| call_bounds(BOUNDS, limit, lower));
        assert_eq!(calls(true), [Call::Misses, close, close, Call::Holds, Call::Holds]);
        assert_eq!(calls(false), [Call::Holds, Call::Holds, close, close, Call::Misses]);
        assert_eq!(call_bounds(BOUNDS, f64::NAN, true), close);
        assert_eq!(call_bounds(Bounds { low: f64::NAN, high: f64::NAN }, 1.0, true), close);
    }

    #[test]
    fn calls_read_as_sentences() {
        let words = |more| Call::TooClose { more }.to_string();
        assert_eq!((Call::Holds.to_string(), Call::Misses.to_string()), ("holds".into(), "misses".into()));
        assert_eq!(words(Some(12)), "too close to call: 12 more replicates would tell");
        assert_eq!(words(Some(1)), "too close to call: 1 more replicate would tell");
        assert_eq!(words(None), "too close to call");
    }

    #[test]
    fn a_mean_on_its_limit_or_alone_has_no_number() {
        let close = Call::TooClose { more: None };
        assert_eq!(call(&Interval::of(&[1.0, 3.0]), 2.0, true), close);
        assert_eq!(call(&Interval::of(&[1.0]), 2.0, true), close);
        assert_eq!(call(&Interval::of(&[]), 2.0, true), close);
        // More than 10,000.
        assert_eq!(call(&Interval::of(&[1.0, 3.0]), 2.001, true), close);
        // What does not vary is on its limit and holds it.
        assert_eq!(call(&Interval::of(&[2.0; 3]), 2.0, true), Call::Holds);
        assert_eq!(call(&Interval::of(&[2.0; 3]), 1.9, true), Call::Misses);
    }
}
