//! What a user writes: the language of scenario files.

pub mod language;
