//! The long tests of the other files in one program: continuous integration builds it optimised, beside the
//! programs of the short ones, and runs only what those ignore.
//!
//! `cargo test --profile ci --package flashcrowd --test long -- --ignored`

#[path = "../fit_serving.rs"]
mod fit_serving;
#[path = "../gate.rs"]
mod gate;
#[path = "../memory.rs"]
mod memory;
#[path = "../regions.rs"]
mod regions;
#[path = "../shipped.rs"]
mod shipped;
#[path = "../validate_queueing.rs"]
mod validate_queueing;
#[path = "../validate_serving.rs"]
mod validate_serving;
