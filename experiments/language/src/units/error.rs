//! What can be wrong with a quantity.

use crate::nearest::list;

/// Why a text or a number is not the quantity that was expected. [`QuantityError::help`] says what
/// to write instead.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum QuantityError {
    /// A bare number where a unit is needed.
    #[error("`{number}` has no unit: expected {expected}")]
    BareNumber {
        /// The number.
        number: f64,
        /// What was expected, with an example.
        expected: &'static str,
        /// What to write.
        examples: &'static str,
    },
    /// A text that is not written as the quantity is.
    #[error("{text:?} is not {expected}")]
    Form {
        /// The text.
        text: String,
        /// What was expected, with an example.
        expected: &'static str,
        /// What to write, where that is more than the example.
        help: Option<String>,
    },
    /// A number at the end of a text, without its unit.
    #[error("{text:?} has no unit{place}")]
    NoUnit {
        /// The text.
        text: String,
        /// Where the unit is missing, or nothing.
        place: &'static str,
        /// What to write.
        examples: &'static str,
    },
    /// A unit that does not exist.
    #[error("{text:?} has an unknown unit `{unit}`; expected {}", list(.known.iter().copied()))]
    UnknownUnit {
        /// The text.
        text: String,
        /// The unit.
        unit: String,
        /// The units that exist.
        known: Vec<&'static str>,
        /// The one that was probably meant.
        near: Option<&'static str>,
    },
    /// Parts of a duration that do not go from long to short.
    #[error("in {text:?}, units must go from long to short, each at most once")]
    UnitOrder {
        /// The text.
        text: String,
    },
    /// A quantity below zero.
    #[error("{text:?} is negative; {expected}")]
    Negative {
        /// The text.
        text: String,
        /// What was expected.
        expected: String,
    },
    /// More than the quantity can hold.
    #[error("{text:?} is too {}", .limit.too())]
    TooLarge {
        /// The text.
        text: String,
        /// The limit that it passes.
        limit: Limit,
    },
    /// More decimals than the quantity keeps.
    #[error("{text:?} is finer than a {step}")]
    TooFine {
        /// The text.
        text: String,
        /// The smallest step.
        step: &'static str,
    },
    /// A number that is not a rate.
    #[error("`{text}` is no rate: expected 0 to {most:e} per second")]
    Rate {
        /// The number as it was written.
        text: String,
        /// The highest rate, in requests per second.
        most: f64,
    },
    /// A plain number outside its range.
    #[error("expected {expected}, found `{found}`")]
    OutOfRange {
        /// The range in words.
        expected: &'static str,
        /// The number.
        found: f64,
    },
}

/// The largest value of a quantity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// The end of simulated time.
    Time,
    /// The largest size.
    Bytes,
    /// The highest price.
    Price,
}

impl Limit {
    /// Continues "is too".
    fn too(self) -> &'static str {
        match self {
            Limit::Time => "long: simulated time ends at 213 days",
            Limit::Bytes => "large: it passes 2^64 bytes",
            Limit::Price => "much: the limit is $18 million per hour",
        }
    }
}

impl QuantityError {
    pub(super) fn form(text: &str, expected: &'static str) -> Self {
        QuantityError::Form { text: text.to_owned(), expected, help: None }
    }

    pub(super) fn form_help(text: &str, expected: &'static str, help: impl Into<String>) -> Self {
        QuantityError::Form { text: text.to_owned(), expected, help: Some(help.into()) }
    }

    pub(super) fn too_large(text: &str, limit: Limit) -> Self {
        QuantityError::TooLarge { text: text.to_owned(), limit }
    }

    pub(super) fn too_fine(text: &str, step: &'static str) -> Self {
        QuantityError::TooFine { text: text.to_owned(), step }
    }

    pub(super) fn negative(text: &str, expected: impl Into<String>) -> Self {
        QuantityError::Negative { text: text.to_owned(), expected: expected.into() }
    }

    /// What to write instead, where something is known.
    pub fn help(&self) -> Option<String> {
        match self {
            QuantityError::BareNumber { examples, .. } | QuantityError::NoUnit { examples, .. } => {
                Some(format!("write {examples}"))
            }
            QuantityError::Form { help, .. } => help.clone(),
            QuantityError::UnknownUnit { near, .. } => near.map(|near| format!("did you mean `{near}`?")),
            _ => None,
        }
    }
}
