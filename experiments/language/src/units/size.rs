//! `"80GiB"`, `"15GB"`, and bytes per second: `"1GiB/s"`.

use super::decimal::Decimal;
use super::{Limit, Quantity, QuantityError, quantity};
use crate::nearest::nearest;
use flashcrowd_core::units::Bytes;
use std::fmt;

/// An amount of memory, written `"80GiB"` (2^30), `"15GB"` (10^9), `"512MiB"` or `"1TB"`; to the
/// nearest byte.
///
/// ```
/// use flashcrowd_language::units::ByteSize;
/// let size: ByteSize = "80GiB".parse()?;
/// assert_eq!(size.get().0, 80 << 30);
/// # Ok::<(), flashcrowd_language::units::QuantityError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct ByteSize(pub u64);

/// Bytes per second, written `"0.5GB/s"` or `"1GiB/s"`; to the nearest byte per second.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct ByteRate(pub u64);

impl ByteSize {
    /// The size as the engine's type.
    pub const fn get(self) -> Bytes {
        Bytes(self.0)
    }
}

impl ByteRate {
    /// Bytes per second.
    pub const fn bytes_per_s(self) -> u64 {
        self.0
    }
}

const UNITS: [(&str, u64); 11] = [
    ("PiB", 1 << 50),
    ("PB", 1_000_000_000_000_000),
    ("TiB", 1 << 40),
    ("TB", 1_000_000_000_000),
    ("GiB", 1 << 30),
    ("GB", 1_000_000_000),
    ("MiB", 1 << 20),
    ("MB", 1_000_000),
    ("KiB", 1 << 10),
    ("kB", 1_000),
    ("B", 1),
];

quantity!(ByteSize, deserialize_str);
quantity!(ByteRate, deserialize_str);

impl Quantity for ByteSize {
    const EXPECTED: &'static str = "a size such as \"80GiB\" or \"15GB\"";
    const EXAMPLE: &'static str = "\"80GiB\", \"15GB\" or \"512MiB\"";

    fn read(text: &str) -> Result<Self, QuantityError> {
        bytes(text, text.trim(), Self::EXPECTED, Self::EXAMPLE).map(ByteSize)
    }
}

impl Quantity for ByteRate {
    const EXPECTED: &'static str = "bytes per second such as \"0.5GB/s\" or \"1GiB/s\"";
    const EXAMPLE: &'static str = "\"0.5GB/s\" or \"1GiB/s\"";

    fn read(text: &str) -> Result<Self, QuantityError> {
        let Some(size) = text.trim().strip_suffix("/s") else {
            return Err(QuantityError::form_help(text, Self::EXPECTED, format!("write {}", Self::EXAMPLE)));
        };
        bytes(text, size.trim_end(), Self::EXPECTED, Self::EXAMPLE).map(ByteRate)
    }
}

/// The bytes in `size`, which stands in `text`.
fn bytes(text: &str, size: &str, expected: &'static str, examples: &'static str) -> Result<u64, QuantityError> {
    if size.starts_with('-') {
        return Err(QuantityError::negative(text, format!("expected {expected}")));
    }
    let (number, name) = Decimal::split(size).ok_or_else(|| QuantityError::form(text, expected))?;
    let name = name.trim_start();
    if name.is_empty() {
        return Err(QuantityError::NoUnit { text: text.to_owned(), place: "", examples });
    }
    let same = if name == "KB" { "kB" } else { name };
    let Some((_, unit)) = UNITS.iter().find(|(unit, _)| *unit == same) else {
        let names = || UNITS.iter().rev().map(|(unit, _)| *unit);
        // Kubernetes writes `Gi` for GiB.
        let near = names().find(|unit| unit.strip_suffix('B') == Some(name)).or_else(|| nearest(name, names()));
        let (text, unit, known) = (text.to_owned(), name.to_owned(), names().collect());
        return Err(QuantityError::UnknownUnit { text, unit, known, near });
    };
    number.times_rounded(*unit).map_err(|_| QuantityError::too_large(text, Limit::Bytes))
}

/// The largest unit that gives a whole number.
fn write_bytes(f: &mut fmt::Formatter<'_>, bytes: u64) -> fmt::Result {
    let exact = UNITS.iter().filter(|(_, unit)| bytes > 0 && bytes.is_multiple_of(*unit));
    let (name, unit) = exact.min_by_key(|(_, unit)| bytes / unit).unwrap_or(&("B", 1));
    write!(f, "{}{name}", bytes / unit)
}

impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_bytes(f, self.0)
    }
}

impl fmt::Display for ByteRate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_bytes(f, self.0)?;
        f.write_str("/s")
    }
}
