//! The simulator against reference data: exact runs of real controllers, and queueing theory.
//!
//! | module | holds |
//! | --- | --- |
//! | [`closed_forms`] | queueing, staffing and cost in closed form |
//! | `suite` | the suites, and how one is played |
//! | `report`, `error` | what a validation came to; why there is none |
//! | `input` | plain and gzip files, line by line |
//! | `hpa` | the HPA against recorded reconciles of the real controller |
//! | `controllers` | the other autoscalers against decisions of their real code |
//! | `vectors` | what the two share |
//! | `serving` | token-level serving against measured engines |
//! | `queueing` | the engine and the closed forms against analytic results |
//! | `spot` | spot policies against replays of recorded markets |
//! | `coldstart` | the rule for loading weights against measured loads |
//! | `serving_batch` | the batching server against Triton tables |
//!
//! A simulated value is judged only when its 95 % confidence half-width is at most a third of the
//! tolerance. Replicates are added until it is, up to a cap; what is still too wide there counts
//! as not converged, never as passed.

pub mod closed_forms;
mod coldstart;
mod controllers;
mod error;
mod hpa;
mod input;
mod queueing;
mod report;
mod serving;
mod serving_batch;
mod spot;
mod suite;
mod vectors;

pub use error::ValidateError;
pub use report::{Counts, Report, Worst};
pub use serving::Baseline;
pub use suite::{Suite, plots, run, serving_with, spot_with};
