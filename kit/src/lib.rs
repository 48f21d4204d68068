//! Laws that every autoscaler should keep, to be called from the tests of a policy.
//!
//! | module | job |
//! | --- | --- |
//! | [`Subject`] | the policy under test, as a scenario names it |
//! | [`world`] | small worlds: a load, one service, a start-up; each is a scenario file |
//! | [`shapes`] | proptest strategies for worlds: steps, ramps, bursts, flapping, missing metrics, slow starts |
//! | [`observations`] | proptest strategies for valid observations |
//! | [`laws`] | the laws, and the counterexamples that break them |
//!
//! A law plays worlds drawn from a fixed seed. One that breaks it is shrunk, and the message holds it as a
//! complete scenario file, which `flashcrowd run` plays in the program that registers the policy.
//!
//! ```
//! use flashcrowd::Registry;
//! use flashcrowd_kit::{Subject, laws};
//!
//! let subject = Subject::written("QueueDepth(waiting_per_replica: 2, max: 8)", &Registry::new());
//! laws::determinism(&subject)?;
//! # Ok::<(), flashcrowd_kit::Broken>(())
//! ```

pub mod laws;
pub mod observations;
pub mod shapes;
mod subject;
pub mod world;

pub use laws::Broken;
pub use subject::Subject;
