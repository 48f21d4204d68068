//! Decimal numbers as exact integers.

use std::fmt;

/// A decimal number without a sign: `digits / 10^places`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Decimal {
    digits: u128,
    places: u32,
}

/// What a decimal is not, once multiplied by its unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Inexact {
    /// More than 2^64.
    TooLarge,
    /// Not a whole number.
    Fraction,
}

impl Decimal {
    /// Splits a decimal number from the start of `text`: the number, and the rest.
    pub(super) fn split(text: &str) -> Option<(Decimal, &str)> {
        let end = text.find(|c: char| !c.is_ascii_digit() && c != '.' && c != '_').unwrap_or(text.len());
        let (number, rest) = text.split_at(end);
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        let fraction = fraction.trim_end_matches('0');
        let plain = format!("{whole}{fraction}").replace('_', "");
        // `1e3` is not a decimal: `e3` would be read as its unit.
        if number.trim_matches(['.', '_']).is_empty() || fraction.contains(['.', '_']) || plain.len() > 36 {
            return None;
        }
        let digits = if plain.is_empty() { 0 } else { plain.parse().ok()? };
        Some((Decimal { digits, places: fraction.len() as u32 }, rest))
    }

    /// This many units of `unit`, as a whole number.
    pub(super) fn times(self, unit: u64) -> Result<u64, Inexact> {
        // At most 36 places, so the power fits.
        let scale = 10_u128.pow(self.places);
        let product = self.digits.checked_mul(u128::from(unit)).ok_or(Inexact::TooLarge)?;
        if product % scale != 0 {
            return Err(Inexact::Fraction);
        }
        u64::try_from(product / scale).map_err(|_| Inexact::TooLarge)
    }

    /// This many units of `unit`, to the nearest whole number.
    pub(super) fn times_rounded(self, unit: u64) -> Result<u64, Inexact> {
        let scale = 10_u128.pow(self.places);
        let product = self.digits.checked_mul(u128::from(unit)).ok_or(Inexact::TooLarge)?;
        u64::try_from(product.saturating_add(scale / 2) / scale).map_err(|_| Inexact::TooLarge)
    }
}

/// Prints `value / 10^places` without trailing zeros.
pub(super) fn write_decimal(f: &mut fmt::Formatter<'_>, value: u64, places: usize) -> fmt::Result {
    let scale = 10_u64.pow(places as u32);
    let fraction = format!("{:0places$}", value % scale);
    let fraction = fraction.trim_end_matches('0');
    if places == 0 || fraction.is_empty() {
        write!(f, "{}", value / scale)
    } else {
        write!(f, "{}.{fraction}", value / scale)
    }
}
