//! How a trace is played.

use crate::ParameterError;
use flashcrowd_core::clock::SimDuration;

/// How a trace is played.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TraceOptions {
    /// Instants are multiplied by this: 2.0 plays the trace in twice the time, at half the rate.
    pub time_scale: f64,
    /// How many requests are sent for each row. Below 1, a row is sent with this probability.
    /// From 1 on it is sent so many times; a fraction is the probability of one more. The first
    /// is sent at the row's instant, the others at uniform instants before the next row, so that
    /// bursts keep their place. Copies are other users: the second copy of a row shares blocks
    /// with the second copies of other rows, and with nothing else.
    pub rate_scale: f64,
    /// How often the trace is played, back to back: each time begins one mean gap after the last
    /// row of the time before, with other users.
    pub repeat: u32,
    /// Only rows from (and with) the first to (and without) the second instant, counted from the
    /// first row of the file, before any scaling.
    pub window: Option<(SimDuration, SimDuration)>,
    /// What happens with a row that cannot be used.
    pub on_bad_row: OnBadRow,
}

/// What happens with a row that is malformed, goes back in time, or has no tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnBadRow {
    /// It is an error.
    #[default]
    Refuse,
    /// It is left out and counted.
    Drop,
}

impl Default for TraceOptions {
    fn default() -> Self {
        TraceOptions { time_scale: 1.0, rate_scale: 1.0, repeat: 1, window: None, on_bad_row: OnBadRow::Refuse }
    }
}

/// Most copies of a row.
pub const MAX_RATE_SCALE: f64 = 10_000.0;

impl TraceOptions {
    /// Refuses options that make no sense.
    ///
    /// # Errors
    /// Names the option and what it should have been.
    pub fn check(&self) -> Result<(), ParameterError> {
        if !(1e-6..=1e6).contains(&self.time_scale) {
            return Err(ParameterError::new("time_scale", "from 1e-6 to 1e6"));
        }
        if !(self.rate_scale > 0.0 && self.rate_scale <= MAX_RATE_SCALE) {
            return Err(ParameterError::new("rate_scale", format!("above 0 and at most {MAX_RATE_SCALE}")));
        }
        if self.repeat == 0 {
            return Err(ParameterError::new("repeat", "at least 1"));
        }
        if self.window.is_some_and(|(from, to)| from >= to) {
            return Err(ParameterError::new("the window", "such that its end is after its start"));
        }
        Ok(())
    }
}
