//! The `flashcrowd` command, and the face of the libraries below it: a crate of a user's own needs this
//! name alone.
//!
//! | module | job |
//! | --- | --- |
//! | [`cli`] | the command |
//! | [`report`], [`compare`], [`lint`] | results in words |
//! | [`sweep`] | a scenario for many values of its settings |
//! | [`regression`] | policy regression tests |
//! | [`replay`] | a manifest on recorded metrics |
//! | [`schemas`] | JSON schemas |
//!
//! | handed on | from |
//! | --- | --- |
//! | [`scenario`], [`registry`], [`external`], [`shipped`] | scenario files, resolved into worlds; policies of a user's own |
//! | [`results`], [`run`], [`statistics`] | trials, figures, summaries, tables; playing them |
//! | [`profiles`] | how fast models run on GPUs |
//! | [`validate`] | the simulator against reference data |

pub mod cli;
pub mod compare;
pub mod lint;
pub mod regression;
pub mod replay;
pub mod report;
pub mod schemas;
pub mod sweep;

pub use flashcrowd_profiles as profiles;
pub use flashcrowd_results as results;
pub use flashcrowd_results::{run, statistics};
pub use flashcrowd_scenario as scenario;
pub use flashcrowd_scenario::{external, registry, shipped};
pub use flashcrowd_validate as validate;

pub use cli::main_with;
pub use flashcrowd_scenario::Registry;
