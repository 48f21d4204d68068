//! Scenario files, runs and reports of flashcrowd.

pub mod scenario;
pub mod shipped;
