//! The tests of the program and its library, in one program: each file is a topic.
//!
//! `cargo test -p flashcrowd --test it reports` runs one of them. The long tests are ignored by a
//! plain `cargo test`; `.ci/run` plays them, and so does
//! `cargo test -p flashcrowd --test it gate -- --ignored`.

mod bad_input;
mod clusters;
mod compare;
mod core_verdicts;
mod coverage;
mod external;
mod fit_serving;
mod folder;
mod found;
mod found_manifests;
mod fuzz;
mod gate;
mod idle;
mod limits;
mod load;
mod memory;
mod metric_names;
mod model;
mod node_autoscalers;
mod outputs;
mod pipes;
mod policy_tests;
mod regions;
mod registry;
mod replay;
mod reports;
mod scenario_language;
mod schema;
mod shipped;
mod slos;
mod sums;
mod sweep;
mod tokens;
mod traces;
mod until;
mod validate_coldstart;
mod validate_controllers;
mod validate_hpa;
mod validate_queueing;
mod validate_serving;
mod validate_spot;
mod warnings;
mod words;
mod written;
