//! Checks that the fields of profile files share.

use flashcrowd_language::units::{NonNegative, Positive};
use serde::{Deserialize, Deserializer};

pub(super) fn non_negative<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    NonNegative::deserialize(deserializer).map(NonNegative::get)
}

pub(super) fn positive<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    Positive::deserialize(deserializer).map(Positive::get)
}

pub(super) fn some_positive<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
    Ok(Option::<Positive>::deserialize(deserializer)?.map(Positive::get))
}
