//! What a user writes: the language of scenario files, their schema, and how they become runs.

pub mod catalog;
pub mod language;
pub mod load;
pub mod resolve;
pub mod schema;
