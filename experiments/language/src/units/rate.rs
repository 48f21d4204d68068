//! Prices per hour and requests per second.

use super::decimal::{Decimal, Inexact, write_decimal};
use super::{Limit, Quantity, QuantityError, quantity};
use flashcrowd_core::units::PicoUsdPerHour;
use std::fmt;

/// The highest rate, in requests per second: one in each picosecond.
pub const MAX_RATE: f64 = 1e12;

/// Dollars per hour, written `"2.99/h"` or `"$2.99/h"`; exact to the pico-dollar.
///
/// ```
/// use flashcrowd_language::units::Price;
/// let price: Price = "$2.99/h".parse()?;
/// assert_eq!(price.get().0, 2_990_000_000_000);
/// assert_eq!(price.to_string(), "2.99/h");
/// # Ok::<(), flashcrowd_language::units::QuantityError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Price(pub PicoUsdPerHour);

impl Price {
    /// The price as the engine's type.
    pub const fn get(self) -> PicoUsdPerHour {
        self.0
    }
}

/// Requests per second: a plain number, or `"40/s"`, `"600/min"`, `"2400000/h"`.
#[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd)]
pub struct Rate(f64);

impl Rate {
    /// A rate of `per_s` requests per second, if that is finite, not negative and at most
    /// [`MAX_RATE`].
    pub fn new(per_s: f64) -> Option<Rate> {
        (0.0..=MAX_RATE).contains(&per_s).then_some(Rate(per_s))
    }

    /// Requests per second.
    pub const fn per_s(self) -> f64 {
        self.0
    }
}

quantity!(Price, deserialize_str);
quantity!(Rate, deserialize_any);

impl Quantity for Price {
    const EXPECTED: &'static str = "dollars per hour such as \"2.99/h\"";
    const EXAMPLE: &'static str = "\"2.99/h\"";

    fn read(text: &str) -> Result<Self, QuantityError> {
        const PICO: u64 = 1_000_000_000_000;
        let plain = text.trim();
        let plain = plain.strip_prefix('$').unwrap_or(plain);
        if plain.starts_with('-') {
            return Err(QuantityError::negative(text, format!("expected {}", Self::EXPECTED)));
        }
        let (number, unit) = Decimal::split(plain).ok_or_else(|| QuantityError::form(text, Self::EXPECTED))?;
        if unit.trim_start() != "/h" {
            return Err(QuantityError::form_help(text, Self::EXPECTED, "prices are per hour: write \"2.99/h\""));
        }
        let pico = number.times(PICO).map_err(|inexact| match inexact {
            Inexact::TooLarge => QuantityError::too_large(text, Limit::Price),
            Inexact::Fraction => QuantityError::too_fine(text, "pico-dollar"),
        })?;
        Ok(Price(PicoUsdPerHour(pico)))
    }
}

impl fmt::Display for Price {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_decimal(f, self.0.0, 12)?;
        f.write_str("/h")
    }
}

impl Quantity for Rate {
    const EXPECTED: &'static str = "requests per second such as 40 or \"600/min\"";
    const EXAMPLE: &'static str = "40, \"40/s\", \"600/min\" or \"2400000/h\"";

    fn read(text: &str) -> Result<Self, QuantityError> {
        let wrong = || QuantityError::form_help(text, Self::EXPECTED, format!("write {}", Self::EXAMPLE));
        let (number, unit) = text.split_once('/').ok_or_else(wrong)?;
        let number: f64 = number.trim().replace('_', "").parse().map_err(|_| wrong())?;
        let seconds = match unit.trim() {
            "s" => 1.0,
            "m" | "min" => 60.0,
            "h" => 3_600.0,
            "d" => 86_400.0,
            _ => return Err(wrong()),
        };
        checked(number / seconds, text)
    }

    fn from_number(number: f64) -> Option<Result<Self, QuantityError>> {
        Some(checked(number, &number.to_string()))
    }
}

fn checked(per_s: f64, text: &str) -> Result<Rate, QuantityError> {
    Rate::new(per_s).ok_or_else(|| QuantityError::Rate { text: text.to_owned(), most: MAX_RATE })
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/s", self.0)
    }
}
