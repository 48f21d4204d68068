//! Quantities as people write them: `"4m10s"`, `"80GiB"`, `"2.99/h"`. A bare number is refused
//! with a hint, since its unit would be a guess; decimals are read as integers, never as floats.

mod decimal;
mod duration;
mod error;
mod number;
mod rate;
mod size;

pub use duration::Duration;
pub use error::{Limit, QuantityError};
pub use number::{Fraction, NonNegative, Positive};
pub use rate::{MAX_RATE, Price, Rate};
pub use size::{ByteRate, ByteSize};

use crate::fault::hinted;
use serde::de::{self, Visitor};
use std::fmt;
use std::marker::PhantomData;

/// A quantity that is written as a string with its unit.
trait Quantity: Sized {
    /// Said after "expected", with an example.
    const EXPECTED: &'static str;
    /// Examples for the hint after a bare number.
    const EXAMPLE: &'static str;
    /// Reads the text.
    fn read(text: &str) -> Result<Self, QuantityError>;
    /// Reads a bare number, where that has a meaning.
    fn from_number(_number: f64) -> Option<Result<Self, QuantityError>> {
        None
    }
}

/// Reads a [`Quantity`] by whatever is written.
struct QuantityVisitor<Q>(PhantomData<Q>);

impl<Q: Quantity> Visitor<'_> for QuantityVisitor<Q> {
    type Value = Q;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(Q::EXPECTED)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Q, E> {
        Q::read(text).map_err(|error| refusal(&error))
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Q, E> {
        self.visit_f64(number as f64)
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Q, E> {
        self.visit_f64(number as f64)
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<Q, E> {
        Q::from_number(number).unwrap_or_else(|| Err(bare::<Q>(number))).map_err(|error| refusal(&error))
    }
}

fn bare<Q: Quantity>(number: f64) -> QuantityError {
    QuantityError::BareNumber { number, expected: Q::EXPECTED, examples: Q::EXAMPLE }
}

fn refusal<E: de::Error>(error: &QuantityError) -> E {
    E::custom(hinted(error, error.help()))
}

/// The serde and text sides that all quantities share.
macro_rules! quantity {
    ($type:ty, $by:ident) => {
        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.$by(super::QuantityVisitor::<$type>(std::marker::PhantomData))
            }
        }

        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl std::str::FromStr for $type {
            type Err = super::QuantityError;

            /// Reads the notation that `Display` prints.
            fn from_str(text: &str) -> Result<Self, super::QuantityError> {
                <$type as super::Quantity>::read(text)
            }
        }
    };
}
use quantity;
