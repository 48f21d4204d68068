//! Scenario files, runs, comparisons, validation and reports: everything between a user and the
//! simulator.
//!
//! | module | job |
//! | --- | --- |
//! | [`replay`] | a manifest on recorded metrics |
//! | [`profiles_batch`] | how models batch under Triton |
//! | [`scenario`] | files as written, resolved into worlds |
//! | [`fit`] | profiles from load sweeps |
//! | [`profiles`] | how fast models run on GPUs |
//! | [`run`] | all variants and replicates, in parallel |
//! | [`registry`] | policies of a user's own crate, by name |
//! | [`regression`] | policy regression tests |
//! | [`report`], [`compare`], [`lint`] | results in words |
//! | [`tables`] | round trips, jurisdictions, prices, charges for traffic |
//! | [`results`] | the catalogue of figures, trials, summary, tables, the output folder |
//! | [`validate`], [`closed_forms`] | the simulator against reference data |
//! | [`statistics`] | means over replicates and their intervals |
//! | [`shipped`] | scenarios that are part of the program |
//! | [`schemas`] | JSON schemas |
//! | [`cli`] | the command |

pub mod cli;
pub mod closed_forms;
pub mod compare;
pub mod external;
pub mod fit;
pub mod lint;
pub mod profiles;
pub mod profiles_batch;
pub mod registry;
pub mod regression;
pub mod replay;
pub mod report;
pub mod results;
pub mod run;
pub mod scenario;
pub mod schemas;
pub mod shipped;
pub mod statistics;
pub mod tables;
pub mod validate;

pub use cli::main_with;
pub use registry::Registry;
