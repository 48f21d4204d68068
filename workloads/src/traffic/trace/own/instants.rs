//! How a column of times is written: said by the scenario, or recognised from the first row.

use super::super::format::Complaint;
use super::super::timestamp;
use super::decimal::Decimal;
use super::records::Cell;
use super::words::clipped;

/// How times are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeForm {
    /// Dates with a time of the day, in ISO 8601: UTC where no offset is given.
    Iso,
    /// Seconds since 1970.
    UnixSeconds,
    /// Milliseconds since 1970.
    UnixMillis,
    /// Microseconds since 1970.
    UnixMicros,
    /// Nanoseconds since 1970.
    UnixNanos,
    /// Seconds from any start.
    Seconds,
    /// Milliseconds from any start.
    Millis,
    /// Microseconds from any start.
    Micros,
    /// Nanoseconds from any start.
    Nanos,
    /// Instants by the file's own type, as Parquet has them.
    Typed,
}

/// Where numbers change their meaning: below the first they are seconds of a recording (for three years);
/// up to the others they count since 1970 (in 1973 to 5138).
const UNIX: [(i128, TimeForm); 5] = [
    (100_000_000, TimeForm::Seconds),
    (100_000_000_000, TimeForm::UnixSeconds),
    (100_000_000_000_000, TimeForm::UnixMillis),
    (100_000_000_000_000_000, TimeForm::UnixMicros),
    (100_000_000_000_000_000_000, TimeForm::UnixNanos),
];

/// The end of the year 9999, in picoseconds since 1970.
const END_PS: i128 = 253_402_300_800 * 1_000_000_000_000;

impl TimeForm {
    /// All that a scenario may name.
    pub const NAMED: [TimeForm; 9] = [
        TimeForm::Iso,
        TimeForm::UnixSeconds,
        TimeForm::UnixMillis,
        TimeForm::UnixMicros,
        TimeForm::UnixNanos,
        TimeForm::Seconds,
        TimeForm::Millis,
        TimeForm::Micros,
        TimeForm::Nanos,
    ];

    /// Its name in scenarios.
    pub fn name(self) -> &'static str {
        match self {
            TimeForm::Iso => "Iso",
            TimeForm::UnixSeconds => "UnixSeconds",
            TimeForm::UnixMillis => "UnixMillis",
            TimeForm::UnixMicros => "UnixMicros",
            TimeForm::UnixNanos => "UnixNanos",
            TimeForm::Seconds => "Seconds",
            TimeForm::Millis => "Millis",
            TimeForm::Micros => "Micros",
            TimeForm::Nanos => "Nanos",
            TimeForm::Typed => "None",
        }
    }

    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            TimeForm::Iso => "ISO 8601",
            TimeForm::UnixSeconds => "Unix seconds",
            TimeForm::UnixMillis => "Unix milliseconds",
            TimeForm::UnixMicros => "Unix microseconds",
            TimeForm::UnixNanos => "Unix nanoseconds",
            TimeForm::Seconds => "seconds",
            TimeForm::Millis => "milliseconds",
            TimeForm::Micros => "microseconds",
            TimeForm::Nanos => "nanoseconds",
            TimeForm::Typed => "the file's own type",
        }
    }

    /// Whether they say when it was, and not only how long after the start.
    pub fn is_absolute(self) -> bool {
        !matches!(self, TimeForm::Seconds | TimeForm::Millis | TimeForm::Micros | TimeForm::Nanos)
    }

    /// Picoseconds of its unit, as a power of ten.
    fn power(self) -> Option<i32> {
        match self {
            TimeForm::UnixSeconds | TimeForm::Seconds => Some(12),
            TimeForm::UnixMillis | TimeForm::Millis => Some(9),
            TimeForm::UnixMicros | TimeForm::Micros => Some(6),
            TimeForm::UnixNanos | TimeForm::Nanos => Some(3),
            TimeForm::Iso | TimeForm::Typed => None,
        }
    }

    /// What a time looks like; `None` if it is none.
    pub(in super::super) fn of(cell: Cell<'_>) -> Option<TimeForm> {
        let text = match cell {
            Cell::Instant(_) => return Some(TimeForm::Typed),
            Cell::Text(text) => text,
            Cell::Empty | Cell::Other(_) => return None,
        };
        if timestamp::parse_any(text).is_some() {
            return Some(TimeForm::Iso);
        }
        let units = Decimal::parse(text)?.scaled(0)?;
        UNIX.iter().find(|(end, _)| units < *end).map(|(_, form)| *form)
    }

    /// The time in picoseconds, if it is written so.
    fn read(self, cell: Cell<'_>) -> Option<i128> {
        match (cell, self.power()) {
            (Cell::Text(text), None) if self == TimeForm::Iso => timestamp::parse_any(text),
            (Cell::Text(text), Some(power)) => {
                let ps = Decimal::parse(text)?.scaled(power)?;
                (ps < END_PS).then_some(ps)
            }
            (Cell::Instant(ps), _) if self == TimeForm::Typed => Some(ps),
            _ => None,
        }
    }
}

/// Reads a column of times, all in one way.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    form: Option<TimeForm>,
    is_given: bool,
}

impl Clock {
    /// Reads as the scenario says, or as the first row is written.
    pub(super) fn new(given: Option<TimeForm>) -> Clock {
        Clock { form: given, is_given: given.is_some() }
    }

    /// How the times are written; `None` until one was read.
    pub(super) fn form(self) -> Option<TimeForm> {
        self.form
    }

    /// The time in picoseconds.
    pub(super) fn read(&mut self, cell: Cell<'_>) -> Result<i128, Complaint> {
        if cell == Cell::Empty {
            return Err(("the time is missing".to_owned(), None));
        }
        let seen = TimeForm::of(cell);
        if self.is_given {
            let form = self.form.unwrap_or(TimeForm::Iso);
            return form.read(cell).ok_or_else(|| is_other(cell, form, seen));
        }
        let Some(seen) = seen else {
            let message = format!("{} is no time: expected ISO 8601, or a number from 0 on", shown(cell));
            return Err((message, None));
        };
        let form = *self.form.get_or_insert(seen);
        if form != seen {
            let message = format!("{} looks like {}: the first row has {}", shown(cell), seen.words(), form.words());
            let hint = format!("say how all are written: `time: {}`", form.name());
            return Err((message, (form != TimeForm::Typed).then_some(hint)));
        }
        form.read(cell).ok_or_else(|| is_other(cell, form, None))
    }
}

/// A time that is not written as it should be, with what it looks like.
fn is_other(cell: Cell<'_>, form: TimeForm, seen: Option<TimeForm>) -> Complaint {
    let message = format!("{} is no time in {}", shown(cell), form.words());
    let hint = match seen.filter(|seen| *seen != form) {
        Some(TimeForm::Typed) => Some("the column has timestamps by its own type: leave `time` out".to_owned()),
        Some(seen) => Some(format!("it looks like {}: `time: {}`", seen.words(), seen.name())),
        None => None,
    };
    (message, hint)
}

fn shown(cell: Cell<'_>) -> String {
    match cell {
        Cell::Empty => "an empty cell".to_owned(),
        Cell::Text(text) => format!("`{}`", clipped(text)),
        Cell::Instant(_) => "a timestamp".to_owned(),
        Cell::Other(what) => what.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_told_apart_by_their_size() {
        let of = |text| TimeForm::of(Cell::Text(text));
        for (text, form) in [
            ("0", TimeForm::Seconds),
            ("99999999.999", TimeForm::Seconds),
            ("100000000", TimeForm::UnixSeconds),
            ("1762128000.5", TimeForm::UnixSeconds),
            ("1.7621280005e9", TimeForm::UnixSeconds),
            ("99999999999.9", TimeForm::UnixSeconds),
            ("100000000000", TimeForm::UnixMillis),
            ("1762128000500", TimeForm::UnixMillis),
            ("99999999999999", TimeForm::UnixMillis),
            ("100000000000000", TimeForm::UnixMicros),
            ("99999999999999999", TimeForm::UnixMicros),
            ("100000000000000000", TimeForm::UnixNanos),
            ("1762128000500000000", TimeForm::UnixNanos),
            ("2025-11-03T00:00:00.123456789Z", TimeForm::Iso),
            ("2025-11-03 00:00:00+0530", TimeForm::Iso),
        ] {
            assert_eq!(of(text), Some(form), "{text}");
        }
        for text in ["", "-1", "NaN", "100000000000000000000", "12:00", "soon"] {
            assert_eq!(of(text), None, "{text}");
        }
    }

    #[test]
    fn all_units_mean_the_same_instant() {
        let ps = |form: TimeForm, text| form.read(Cell::Text(text));
        let expected = Some(1_762_128_000_500_000_000_000);
        assert_eq!(ps(TimeForm::UnixSeconds, "1762128000.5"), expected);
        assert_eq!(ps(TimeForm::UnixMillis, "1762128000500"), expected);
        assert_eq!(ps(TimeForm::UnixMicros, "1762128000500000.0"), expected);
        assert_eq!(ps(TimeForm::UnixNanos, "1762128000500000000"), expected);
        assert_eq!(ps(TimeForm::Iso, "2025-11-03T00:00:00.5Z"), expected);
        assert_eq!(ps(TimeForm::Iso, "2025-11-03 02:00:00.5+02:00"), expected);
        assert_eq!(ps(TimeForm::UnixSeconds, "1762128000500"), None, "it lies beyond the year 9999");
    }
}
