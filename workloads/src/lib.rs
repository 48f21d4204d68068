//! Every source of traffic of flashcrowd, synthetic and recorded, behind
//! [`ArrivalSource`](flashcrowd_core::ports::ArrivalSource).
//!
//! | module | traffic |
//! | --- | --- |
//! | [`poisson`] | constant rate |
//! | [`mmpp`] | Markov-modulated Poisson: bursts |
//! | [`schedule`] | a rate that follows a timetable, in steps or ramps |
//! | [`trace`] | recorded requests (Azure LLM inference, 2023 to 2025) |
//! | [`faults`] | no requests: outages, failures, spot capacity and prices for the fleet |
//! | [`spot`] | no requests: spot capacity over time, recorded and generated |
//! | [`input`] | files that are read, and what is none |
//! | [`requests`] | token lengths and service times of synthetic requests |
//!
//! Each source names its random streams after its label: `<label>/arrivals`, `<label>/prompt`,
//! `<label>/output`, `<label>/service`, and so on, so that a change of one law moves no other draw.

pub mod faults;
mod hazard;
pub mod input;
pub mod mmpp;
pub mod poisson;
pub mod requests;
pub mod schedule;
pub mod spot;
pub mod trace;

/// Why parameters are no source of traffic.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what} must be {expected}")]
pub struct ParameterError {
    /// The parameter.
    pub what: String,
    /// What it should have been.
    pub expected: String,
}

impl ParameterError {
    fn new(what: impl Into<String>, expected: impl Into<String>) -> Self {
        ParameterError { what: what.into(), expected: expected.into() }
    }
}

/// The highest rate of any source, in requests per second.
pub const MAX_RATE: f64 = 1e12;

fn check_rate(what: impl Into<String>, rate: f64) -> Result<(), ParameterError> {
    if (0.0..=MAX_RATE).contains(&rate) { Ok(()) } else { Err(ParameterError::new(what, "from 0 to 1e12 per second")) }
}
