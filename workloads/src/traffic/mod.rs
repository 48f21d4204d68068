//! Requests: synthetic and recorded, behind [`ArrivalSource`](flashcrowd_core::ports::ArrivalSource).
//!
//! | module | traffic |
//! | --- | --- |
//! | [`poisson`] | constant rate |
//! | [`mmpp`] | Markov-modulated Poisson: bursts |
//! | [`schedule`] | a rate that follows a timetable, in steps or ramps |
//! | [`trace`] | recorded requests (Azure LLM inference, 2023 to 2025) |
//! | [`requests`] | token lengths and service times of synthetic requests |
//!
//! Each source names its random streams after its label: `<label>/arrivals`, `<label>/prompt`,
//! `<label>/output`, `<label>/service`, and so on, so that a change of one law moves no other draw.

mod hazard;
pub mod mmpp;
pub mod poisson;
mod rate;
pub mod requests;
pub mod schedule;
pub mod trace;

pub use rate::MAX_RATE;
