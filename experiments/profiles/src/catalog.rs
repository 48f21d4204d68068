//! Tables that are part of the program, and finding things in them by name.

use flashcrowd_language::{Document, list, nearest};
use serde::de::DeserializeOwned;
use std::fmt;

/// Something with a name and aliases.
pub trait Named {
    /// What it is, in messages.
    const KIND: &'static str;
    /// Its name.
    fn name(&self) -> &str;
    /// Its other names.
    fn aliases(&self) -> &[String];
}

/// Why there is no profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProfileError {
    /// A name that no table holds.
    Unknown {
        /// What was looked for: "GPU" or "model".
        kind: &'static str,
        /// The name.
        name: String,
        /// The names that there are.
        known: Vec<String>,
    },
    /// A model that cannot be split among this many GPUs.
    TensorParallel {
        /// The number of GPUs.
        tensor_parallel: u32,
        /// The model.
        model: String,
        /// Its query heads.
        query_heads: u32,
    },
}

impl ProfileError {
    /// The nearest name to the unknown one.
    pub fn nearest(&self) -> Option<&str> {
        match self {
            ProfileError::Unknown { name, known, .. } => nearest(name, known.iter().map(String::as_str)),
            ProfileError::TensorParallel { .. } => None,
        }
    }
}

impl fmt::Display for ProfileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ProfileError::Unknown { kind, name, known } => {
                write!(f, "there is no {kind} `{name}`: expected {}", list(known.iter().map(String::as_str)))?;
                self.nearest().map_or(Ok(()), |near| write!(f, "; did you mean `{near}`?"))
            }
            ProfileError::TensorParallel { tensor_parallel, model, query_heads } => {
                write!(f, "`{model}` has {query_heads} query heads, which {tensor_parallel} GPUs cannot share evenly")
            }
        }
    }
}

impl std::error::Error for ProfileError {}

/// The entry of that name or alias, in any case of letters.
///
/// # Errors
/// If no entry has that name.
pub fn lookup<'a, T: Named>(entries: &'a [T], name: &str) -> Result<&'a T, ProfileError> {
    let is = |other: &str| other.eq_ignore_ascii_case(name);
    let found = entries.iter().find(|entry| is(entry.name()) || entry.aliases().iter().any(|alias| is(alias)));
    found.ok_or_else(|| ProfileError::Unknown {
        kind: T::KIND,
        name: name.to_owned(),
        known: entries.iter().map(|entry| entry.name().to_owned()).collect(),
    })
}

/// Reads a table that is part of the program: a mistake in it is a bug, which the tests find.
pub(super) fn embedded<T: DeserializeOwned>(file: &str, text: &str) -> T {
    let table = Document::parse(file, text).and_then(|document| document.deserialize());
    table.unwrap_or_else(|error| panic!("{error}"))
}
