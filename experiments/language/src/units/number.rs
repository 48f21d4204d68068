//! Plain numbers that are checked: fractions, positive numbers, and those from zero.

use super::QuantityError;
use serde::{Deserialize, Serialize};

macro_rules! checked {
    ($(#[$doc:meta])* $name:ident, $expected:literal, |$x:ident| $holds:expr) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Serialize, Deserialize)]
        #[serde(try_from = "f64", into = "f64")]
        pub struct $name(f64);

        impl $name {
            /// The number, if it is in range.
            pub fn new($x: f64) -> Option<Self> {
                $holds.then_some($name($x))
            }

            /// The number.
            pub const fn get(self) -> f64 {
                self.0
            }
        }

        impl TryFrom<f64> for $name {
            type Error = QuantityError;

            fn try_from(number: f64) -> Result<Self, QuantityError> {
                Self::new(number).ok_or(QuantityError::OutOfRange { expected: $expected, found: number })
            }
        }

        impl From<$name> for f64 {
            fn from(number: $name) -> f64 {
                number.0
            }
        }
    };
}

checked! {
    /// A finite number above zero.
    Positive, "a number above 0", |x| (x > 0.0 && x.is_finite())
}
checked! {
    /// A finite number from zero on.
    NonNegative, "a number from 0 on", |x| (x >= 0.0 && x.is_finite())
}
checked! {
    /// A number from 0 to 1: a share or a probability.
    Fraction, "a number from 0 to 1", |x| (0.0..=1.0).contains(&x)
}
