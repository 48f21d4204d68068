//! Which rates of arrivals there are.

use crate::ParameterError;

/// The highest rate of any source, in requests per second.
pub const MAX_RATE: f64 = 1e12;

pub(super) fn check_rate(what: impl Into<String>, rate: f64) -> Result<(), ParameterError> {
    if (0.0..=MAX_RATE).contains(&rate) { Ok(()) } else { Err(ParameterError::new(what, "from 0 to 1e12 per second")) }
}
