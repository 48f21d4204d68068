//! The scenario language: RON with places, overrides and units, independent of any schema.
//!
//! | module | job |
//! | --- | --- |
//! | [`tree`] | the tree that a file becomes: values with their places |
//! | `scan`, `parse` | text to tree |
//! | [`document`] | a tree with the texts it came from; finds places, reads a schema |
//! | [`overrides`] | `--set PATH=VALUE` |
//! | [`print`](mod@print) | a tree as a text that people read |
//! | `de`, `access`, `fault` | a serde deserializer over the tree, whose errors know their place |
//! | [`units`] | durations, sizes, prices and rates as people write them |
//! | [`distribution`] | probability distributions of durations and token counts |
//! | `json` | a part of a tree as JSON or as a type of its own |
//! | `json_schema` | schemas of quantities and distributions |
//! | [`diagnostic`] | an error with file, line, caret and the nearest name |
//! | [`words`] | numbers, and errors of the system, in plain words |
//!
//! ```
//! use flashcrowd_language::{Document, units::Duration};
//! use serde::Deserialize;
//!
//! #[derive(Deserialize)]
//! #[serde(deny_unknown_fields)]
//! struct Pool {
//!     nodes: u32,
//!     boot: Duration,
//! }
//!
//! let mut document = Document::parse("s.ron", "(nodes: 3, boot: \"4m10s\")")?;
//! document.set("--set", "nodes=4")?;
//! let pool: Pool = document.deserialize()?;
//! assert_eq!((pool.nodes, pool.boot.to_string()), (4, "4m10s".to_owned()));
//! # Ok::<(), flashcrowd_language::Diagnostic>(())
//! ```

mod access;
mod de;
pub mod diagnostic;
pub mod distribution;
pub mod document;
mod fault;
mod json;
mod json_schema;
mod nearest;
pub mod overrides;
mod parse;
pub mod print;
mod scan;
pub mod tree;
pub mod units;
pub mod words;

#[cfg(test)]
mod tests;

pub use diagnostic::Diagnostic;
pub use distribution::{DurationDistribution, SizeDistribution};
pub use document::{Document, Origin};
pub use nearest::{list, nearest};
