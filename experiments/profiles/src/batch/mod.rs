//! How vision and language models batch under Triton: the shipped profiles, and how they are made.
//!
//! | module | holds |
//! | --- | --- |
//! | `rows` | benchmark tables and their curves |
//! | `fit` | profiles from tables |
//! | `name` | names of profiles |
//! | `profile` | one profile, as text and as the engine's settings |
//! | `plant` | a batching server under closed-loop clients |

mod fit;
mod name;
pub mod plant;
mod profile;
pub mod rows;

pub use fit::{Half, fit};
pub use fit::{offline, online};
pub use name::of as name_of;
pub use profile::{BatchProfile, Online, write};
pub use rows::{Key, Row, RowError, Scenario, parse};

use flashcrowd_language::Diagnostic;
use std::sync::OnceLock;

/// The shipped file.
const SHIPPED: &str = include_str!("../../../../profiles/batch.ron");

/// The shipped profiles, by name.
///
/// # Errors
/// None, unless the program was built with a broken file: a test reads it.
pub fn shipped() -> Result<&'static [BatchProfile], Diagnostic> {
    static PROFILES: OnceLock<Result<Vec<BatchProfile>, Diagnostic>> = OnceLock::new();
    match PROFILES.get_or_init(|| profile::read("profiles/batch.ron", SHIPPED)) {
        Ok(profiles) => Ok(profiles),
        Err(error) => Err(error.clone()),
    }
}

#[cfg(test)]
mod tests;
