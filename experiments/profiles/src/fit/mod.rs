//! `flashcrowd fit serving`: a profile from a load sweep, in seconds and without simulating.
//!
//! | module | holds |
//! | --- | --- |
//! | `input` | sweeps as benchmark tools write them |
//! | `row` | what one run of a sweep measured |
//! | `steady` | what the time model predicts for a steady load |
//! | `least_squares` | least squares whose unknowns are not negative |
//! | `solve` | the fit itself |
//! | `report` | results in words, as JSON and as a profile |
//!
//! In a steady state the mean inter-token latency follows from Little's law: so many sequences run
//! as arrive during one request, `N = rate * (out - 1) * ITL`, and their iterations are now and then longer by the prompts that join.

pub mod input;
mod least_squares;
pub mod report;
mod row;
mod solve;
mod steady;

#[cfg(test)]
mod tests;

pub use row::{Arrival, Band, Length, Row};
pub use solve::{Fit, FitError, Lookahead, Settings, fit};
pub use steady::{Load, Steady, closed_loop_itl_ms, idle, steady};
