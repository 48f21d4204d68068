//! Values of figures and their differences, in words.

use crate::report::{money, money_per};
use flashcrowd_language::words::{count, duration, percent};
use flashcrowd_results::{FigureDef, Unit};

/// A value.
pub fn shown_value(figure: &FigureDef, value: f64) -> String {
    match figure.unit {
        Unit::Seconds => duration(value),
        Unit::Share => percent(value),
        Unit::Usd => money(value),
        Unit::Count | Unit::Number => plain(value),
    }
}

/// A difference, with its sign.
pub(super) fn signed(figure: &FigureDef, by: f64) -> String {
    let sign = if by < 0.0 { "-" } else { "+" };
    match figure.unit {
        Unit::Seconds => format!("{sign}{}", duration(by.abs())),
        Unit::Share => format!("{:+.3} points", by * 100.0),
        Unit::Usd => money_per(by),
        Unit::Count | Unit::Number => format!("{sign}{}", plain(by.abs())),
    }
}

/// A mean number of things: whole ones without digits after the point, many without thinking of those.
fn plain(value: f64) -> String {
    if value >= 1_000.0 || value.fract() == 0.0 { count(value.round() as u64) } else { format!("{value:.2}") }
}
