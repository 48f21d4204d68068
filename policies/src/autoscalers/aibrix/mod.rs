//! `AIBrix`'s autoscaler: the algorithms APA and KPA, and the stabilization after them.
//!
//! Reproduces `vllm-project/aibrix` @ e3e10f9e (2026-08-22). The algorithms are compared with runs of
//! its code; stabilization and the averaging over windows are taken from reading it.
//!
//! | part | owns |
//! | --- | --- |
//! | [`Settings`] | the algorithms' parameters, and the algorithms |
//! | [`Stabilizer`] | cooldown windows |
//! | [`manifest`] | a user's own `PodAutoscaler` |
//! | [`Aibrix`] | the controller behind the simulator's port |

mod algorithm;
mod autoscaler;
pub mod manifest;
mod stabilizer;

pub use algorithm::{Algorithms, Recommendation, Rules, Settings};
pub use autoscaler::{Aibrix, AibrixOptions, Quirks, bind};
pub use manifest::{Metric, MetricKind, PodAutoscaler, Strategy};
pub use stabilizer::Stabilizer;
