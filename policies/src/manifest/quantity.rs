//! Kubernetes quantities, exact to a thousandth of a unit.
//!
//! The controller compares everything in milli-units, so that is all that is kept. What does not
//! divide is rounded away from zero, as `resource.Quantity.MilliValue` does.

use std::fmt;
use std::str::FromStr;

/// A Kubernetes quantity in milli-units.
///
/// ```
/// use flashcrowd_policies::manifest::Quantity;
/// let milli = |text: &str| text.parse::<Quantity>().map(|q| q.milli());
/// assert_eq!(milli("70"), Ok(70_000));
/// assert_eq!(milli("750m"), Ok(750));
/// assert_eq!(milli("2Ki"), Ok(2_048_000));
/// assert_eq!(milli("1e3"), Ok(1_000_000));
/// assert_eq!(milli("1n"), Ok(1)); // rounds up
/// assert!(milli("70 %").is_err());
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Quantity(i64);

/// Why a text is no quantity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QuantityError {
    /// It has no digits, or something else stands where a digit should.
    #[error("not a number: expected digits such as 70, 1.5 or 750m")]
    NotANumber,
    /// The number is fine, what follows it is not.
    #[error("unknown suffix: expected n, u, m, k, M, G, T, P, E, Ki, Mi, Gi, Ti, Pi, Ei or an exponent such as e3")]
    UnknownSuffix,
    /// It does not fit 64 bits of milli-units.
    #[error("too large: at most 9223372036854775 units")]
    TooLarge,
}

/// A text taken apart: (-1)^negative x digits x 10^decimal x 2^binary.
struct Parts {
    negative: bool,
    digits: String,
    decimal: i64,
    binary: u32,
}

/// More significant digits than these only decide whether the rest is zero.
const KEPT_DIGITS: usize = 20;

impl Quantity {
    /// A quantity of `milli` thousandths.
    pub const fn from_milli(milli: i64) -> Self {
        Quantity(milli)
    }

    /// Its value in thousandths.
    pub const fn milli(self) -> i64 {
        self.0
    }

    /// Its value in units, for printing.
    pub fn as_f64(self) -> f64 {
        self.0 as f64 / 1000.0
    }
}

impl FromStr for Quantity {
    type Err = QuantityError;

    fn from_str(text: &str) -> Result<Self, QuantityError> {
        let parts = split(text)?;
        let milli = magnitude_milli(&parts)?;
        Ok(Quantity(if parts.negative { -milli } else { milli }))
    }
}

impl fmt::Display for Quantity {
    /// As `kubectl` prints it: whole units, or milli-units with `m`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 % 1000 == 0 { write!(f, "{}", self.0 / 1000) } else { write!(f, "{}m", self.0) }
    }
}

/// The value of `text` as `Quantity.AsApproximateFloat64` computes it: digits times a power of ten.
///
/// # Errors
/// If `text` is no quantity.
pub fn approximate_f64(text: &str) -> Result<f64, QuantityError> {
    let parts = split(text)?;
    magnitude_milli(&parts)?;
    let digits: f64 = format!("0{}", parts.digits).parse().map_err(|_| QuantityError::NotANumber)?;
    let scaled = if parts.decimal == 0 {
        digits
    } else {
        digits * format!("1e{}", parts.decimal).parse::<f64>().map_err(|_| QuantityError::TooLarge)?
    };
    let value = scaled * (1_u64 << parts.binary.min(63)) as f64;
    Ok(if parts.negative { -value } else { value })
}

fn split(text: &str) -> Result<Parts, QuantityError> {
    let (negative, rest) = match text.as_bytes().first() {
        Some(b'-') => (true, &text[1..]),
        Some(b'+') => (false, &text[1..]),
        _ => (false, text),
    };
    let end_of_digits = |s: &str| s.find(|c: char| !c.is_ascii_digit()).unwrap_or(s.len());
    let (whole, rest) = rest.split_at(end_of_digits(rest));
    let (fraction, suffix) = match rest.strip_prefix('.') {
        Some(after) => after.split_at(end_of_digits(after)),
        None => ("", rest),
    };
    if whole.is_empty() && fraction.is_empty() {
        return Err(QuantityError::NotANumber);
    }
    let (exponent, binary) = suffix_power(suffix)?;
    let fraction_len = i64::try_from(fraction.len()).map_err(|_| QuantityError::TooLarge)?;
    let digits = format!("{whole}{fraction}").trim_start_matches('0').to_owned();
    Ok(Parts { negative, digits, decimal: exponent - fraction_len, binary })
}

/// What a suffix multiplies by, as powers of ten and of two.
fn suffix_power(suffix: &str) -> Result<(i64, u32), QuantityError> {
    Ok(match suffix {
        "" => (0, 0),
        "n" => (-9, 0),
        "u" => (-6, 0),
        "m" => (-3, 0),
        "k" => (3, 0),
        "M" => (6, 0),
        "G" => (9, 0),
        "T" => (12, 0),
        "P" => (15, 0),
        "E" => (18, 0),
        "Ki" => (0, 10),
        "Mi" => (0, 20),
        "Gi" => (0, 30),
        "Ti" => (0, 40),
        "Pi" => (0, 50),
        "Ei" => (0, 60),
        _ => {
            let digits = suffix.strip_prefix(['e', 'E']).ok_or(QuantityError::UnknownSuffix)?;
            // An exponent beyond 32 bits means nothing but zero or too large; both come out right.
            let exponent: i32 = digits.parse().map_err(|_| QuantityError::UnknownSuffix)?;
            (i64::from(exponent), 0)
        }
    })
}

/// The absolute value in milli-units, rounded up.
fn magnitude_milli(parts: &Parts) -> Result<i64, QuantityError> {
    let significant = parts.digits.trim_end_matches('0');
    if significant.is_empty() {
        return Ok(0);
    }
    let kept = &significant[..significant.len().min(KEPT_DIGITS)];
    let cut = kept.len() < significant.len();
    let mantissa: u128 = kept.parse().map_err(|_| QuantityError::NotANumber)?;
    let dropped = i64::try_from(parts.digits.len() - kept.len()).map_err(|_| QuantityError::TooLarge)?;
    let power = parts.decimal + dropped + 3;
    // Twenty digits times 2^60 stay below 2^127.
    let scaled = mantissa << parts.binary;
    let value = if power >= 0 {
        let factor = u32::try_from(power).ok().and_then(|p| 10_u128.checked_pow(p));
        factor.and_then(|factor| scaled.checked_mul(factor)).ok_or(QuantityError::TooLarge)?
    } else {
        match u32::try_from(-power).ok().and_then(|p| 10_u128.checked_pow(p)) {
            Some(divisor) => scaled / divisor + u128::from(cut || !scaled.is_multiple_of(divisor)),
            None => 1,
        }
    };
    i64::try_from(value).map_err(|_| QuantityError::TooLarge)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn milli(text: &str) -> Result<i64, QuantityError> {
        text.parse::<Quantity>().map(Quantity::milli)
    }

    #[test]
    fn every_suffix_and_form() {
        let table: &[(&str, i64)] = &[
            ("0", 0),
            ("70", 70_000),
            ("+70", 70_000),
            ("-1.5", -1_500),
            ("1.", 1_000),
            (".5", 500),
            ("1.5", 1_500),
            ("0.0001", 1),
            ("-0.0001", -1),
            ("750m", 750),
            ("1u", 1),
            ("1500u", 2),
            ("1k", 1_000_000),
            ("2Ki", 2_048_000),
            ("1.5Gi", 1_610_612_736_000),
            ("1e3", 1_000_000),
            ("1E3", 1_000_000),
            ("1e-3", 1),
            ("12e-1", 1_200),
            ("1e-99999", 1),
            ("000000000000000000000000000001", 1_000),
            ("9223372036854775", 9_223_372_036_854_775_000),
        ];
        for (text, want) in table {
            assert_eq!(milli(text), Ok(*want), "{text}");
        }
    }

    #[test]
    fn refuses_what_apimachinery_refuses() {
        for text in ["", "m", ".", "-", "1 ", "1K", "1ki", "1e", "1.2.3", "0x10", "NaN", "1e3m", "70%", "1,5", "½"] {
            assert!(milli(text).is_err(), "{text}");
        }
        assert_eq!(milli("1E"), Err(QuantityError::TooLarge));
        assert_eq!(milli("1e99999"), Err(QuantityError::TooLarge));
        assert_eq!(milli("9223372036854776"), Err(QuantityError::TooLarge));
    }

    #[test]
    fn approximate_value_multiplies_as_go_does() {
        assert_eq!(approximate_f64("0.05"), Ok(0.05));
        assert_eq!(approximate_f64("57e-2"), Ok(57.0 * 0.01));
        assert_eq!(approximate_f64("100m"), Ok(100.0 * 0.001));
        assert_eq!(approximate_f64("0"), Ok(0.0));
    }

    proptest::proptest! {
        #[test]
        fn printing_and_parsing_again_changes_nothing(value in i64::MIN + 1..i64::MAX) {
            let quantity = Quantity::from_milli(value);
            proptest::prop_assert_eq!(quantity.to_string().parse(), Ok(quantity));
        }

        #[test]
        fn no_text_panics(text in "\\PC*", almost in "[-+]?[0-9]{0,60}[.]?[0-9]{0,60}[eEnumkKMGTPi]{0,2}[-+]?[0-9]{0,12}") {
            let _ = (milli(&text), milli(&almost), approximate_f64(&text), approximate_f64(&almost));
        }
    }
}
