//! How fast a model runs on a GPU: catalogues, the datasheet law, and measured profiles.
//!
//! | module | holds |
//! | --- | --- |
//! | [`architecture`] | a model as a list of layers, read from a `config.json` |
//! | [`rank`] | what one rank of an engine holds of a model, and how many tokens |
//! | [`law`] | how long an iteration takes, for any model on any GPU |
//! | `coefficients` | the iteration-time model of profiles |
//! | `gpu`, `model`, `precision` | what datasheets and model cards say |
//! | `catalog` | names and aliases |
//! | `profile` | a profile and where it is from |
//! | `shape` | profiles of models that were not measured, by their shape |
//! | `start` | how long an engine takes to start, by its model and ranks |
//! | `datasheet` | coefficients without a measurement |
//! | `memory` | how many tokens the cache holds |
//! | `engine` | the engine of a profile |
//! | `library` | the best profile for a model on a GPU |
//! | `file` | profile files |
//! | [`fit`] | profiles from load sweeps |
//! | [`batch`] | how models batch under Triton |
//! | [`tables`] | round trips, jurisdictions, prices, charges for traffic |

pub mod architecture;
pub mod batch;
mod catalog;
mod coefficients;
mod datasheet;
mod engine;
mod fields;
mod file;
pub mod fit;
mod gpu;
pub mod law;
mod library;
mod memory;
mod model;
mod precision;
mod profile;
pub mod rank;
mod shape;
mod start;
pub mod tables;

#[cfg(test)]
mod tests;

pub use catalog::{Named, ProfileError, lookup};
pub use coefficients::{Chunk, Coefficients};
pub use datasheet::{DATASHEET, Datasheet};
pub use engine::EngineError;
pub use file::write;
pub use gpu::{GPUS, Generation, Gpu, Interconnect, Peaks};
pub use library::{Library, find, read};
pub use memory::{EngineLimits, Memory};
pub use model::{Experts, MODELS, Model};
pub use precision::Precision;
pub use profile::{Band, Fitted, Origin, Profile, Residual};
pub use shape::Shape;
pub use start::StartPhases;
