//! `"15s"`, `"4m10s"`, `"250ms"`: exact to the picosecond.

use super::decimal::{Decimal, Inexact, write_decimal};
use super::{Limit, Quantity, QuantityError, quantity};
use crate::nearest::nearest;
use flashcrowd_core::SimDuration;
use std::fmt;

/// A span of time, written `"15s"`, `"4m10s"`, `"1h30m"`, `"250ms"`, `"10us"`, `"500ns"` or `"2d"`.
///
/// ```
/// use flashcrowd_language::units::Duration;
/// let span: Duration = "4m10s".parse()?;
/// assert_eq!(span.get().as_ms(), 250_000);
/// assert_eq!(span.to_string(), "4m10s");
/// # Ok::<(), flashcrowd_language::units::QuantityError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Duration(pub SimDuration);

impl Duration {
    /// The span as the engine's type.
    pub const fn get(self) -> SimDuration {
        self.0
    }
}

impl From<Duration> for SimDuration {
    fn from(span: Duration) -> SimDuration {
        span.0
    }
}

const S: u64 = 1_000_000_000_000;

/// Units from long to short, in picoseconds.
const UNITS: [(&str, u64); 8] = [
    ("d", 86_400 * S),
    ("h", 3_600 * S),
    ("m", 60 * S),
    ("s", S),
    ("ms", S / 1_000),
    ("us", S / 1_000_000),
    ("ns", S / 1_000_000_000),
    ("ps", 1),
];

quantity!(Duration, deserialize_str);

impl Quantity for Duration {
    const EXPECTED: &'static str = "a duration such as \"15s\" or \"4m10s\"";
    const EXAMPLE: &'static str = "\"15s\", \"250ms\", \"4m10s\" or \"2h\"";

    fn read(text: &str) -> Result<Self, QuantityError> {
        let mut rest = text.trim();
        if rest.starts_with('-') {
            return Err(QuantityError::negative(text, "a duration is not"));
        }
        let mut total = 0_u64;
        // Units must become shorter, so that "10m4m" and "10s4m" are noticed.
        let mut allowed = &UNITS[..];
        while !rest.is_empty() || allowed.len() == UNITS.len() {
            let (number, after) = Decimal::split(rest).ok_or_else(|| QuantityError::form(text, Self::EXPECTED))?;
            let after = after.trim_start();
            let end = after.find(|c: char| !c.is_alphabetic()).unwrap_or(after.len());
            let (name, after) = after.split_at(end);
            let index = unit(text, name, allowed)?;
            let part = number.times(allowed[index].1).map_err(|inexact| match inexact {
                Inexact::TooLarge => QuantityError::too_large(text, Limit::Time),
                Inexact::Fraction => QuantityError::too_fine(text, "picosecond"),
            })?;
            total = total.checked_add(part).ok_or_else(|| QuantityError::too_large(text, Limit::Time))?;
            allowed = &allowed[index + 1..];
            rest = after.trim_start();
        }
        Ok(Duration(SimDuration::from_ps(total)))
    }
}

fn unit(text: &str, name: &str, allowed: &[(&str, u64)]) -> Result<usize, QuantityError> {
    let name = match name {
        "min" => "m",
        "µs" | "μs" => "us",
        name => name,
    };
    if let Some(index) = allowed.iter().position(|(unit, _)| *unit == name) {
        return Ok(index);
    }
    if name.is_empty() {
        return Err(QuantityError::NoUnit { text: text.to_owned(), place: " at its end", examples: Duration::EXAMPLE });
    }
    if UNITS.iter().any(|(unit, _)| *unit == name) {
        return Err(QuantityError::UnitOrder { text: text.to_owned() });
    }
    let names = || UNITS.iter().map(|(unit, _)| *unit);
    let words = [("sec", "s"), ("hour", "h"), ("day", "d"), ("msec", "ms"), ("mins", "m"), ("minute", "m")];
    let spoken = words.into_iter().find(|(word, _)| name.starts_with(word)).map(|(_, unit)| unit);
    let near = spoken.or_else(|| nearest(name, names()));
    Err(QuantityError::UnknownUnit { text: text.to_owned(), unit: name.to_owned(), known: names().collect(), near })
}

impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut left = self.0.as_ps();
        if left == 0 {
            return f.write_str("0s");
        }
        for (name, unit) in &UNITS[..3] {
            if left >= *unit {
                write!(f, "{}{name}", left / unit)?;
                left %= unit;
            }
        }
        // The rest in its largest unit, with decimals: "1.5s", "250ms".
        for (index, (name, unit)) in UNITS[3..].iter().enumerate() {
            if left >= *unit {
                write_decimal(f, left, 12 - 3 * index)?;
                return f.write_str(name);
            }
        }
        Ok(())
    }
}
