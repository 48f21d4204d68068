//! One column of a Parquet file: what its values mean, and a batch of them at a time.

use flashcrowd_workloads::traffic::trace::own::Cell;
use parquet::basic::{ConvertedType, LogicalType, TimeUnit, Type};
use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::{ByteArray, DataType, Int96};
use parquet::errors::{ParquetError, Result};
use parquet::schema::types::ColumnDescriptor;
use std::fmt::Write as _;

/// What the values of a column mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Meaning {
    /// Numbers and texts as they are.
    Plain,
    /// Whole numbers of the other half of the range.
    Unsigned,
    /// Whole numbers divided by ten to this power.
    Decimal(u32),
    /// Instants since 1970 in units of so many picoseconds.
    Instant(i64),
    /// Nothing that a trace can use, in words.
    Other(&'static str),
}

impl Meaning {
    fn of(column: &ColumnDescriptor) -> Meaning {
        const UNITS: [i64; 3] = [1_000_000_000, 1_000_000, 1_000];
        if column.max_rep_level() > 0 {
            return Meaning::Other("a list");
        }
        let is_integer = matches!(column.physical_type(), Type::INT32 | Type::INT64);
        match (column.logical_type_ref(), column.converted_type()) {
            (Some(LogicalType::Timestamp(of)), _) => Meaning::Instant(match of.unit {
                TimeUnit::MILLIS => UNITS[0],
                TimeUnit::MICROS => UNITS[1],
                TimeUnit::NANOS => UNITS[2],
            }),
            (_, ConvertedType::TIMESTAMP_MILLIS) => Meaning::Instant(UNITS[0]),
            (_, ConvertedType::TIMESTAMP_MICROS) => Meaning::Instant(UNITS[1]),
            (Some(LogicalType::Date), _) | (_, ConvertedType::DATE) => Meaning::Other("a date without a time"),
            (Some(LogicalType::Time(_)), _) | (_, ConvertedType::TIME_MILLIS | ConvertedType::TIME_MICROS) => {
                Meaning::Other("a time of the day without a date")
            }
            (Some(LogicalType::Decimal(of)), _) if is_integer => Meaning::decimal(of.scale),
            (_, ConvertedType::DECIMAL) if is_integer => Meaning::decimal(column.type_scale()),
            (_, ConvertedType::DECIMAL) | (Some(LogicalType::Decimal(_)), _) => {
                Meaning::Other("a decimal of many bytes")
            }
            (Some(LogicalType::Integer(of)), _) if !of.is_signed => Meaning::Unsigned,
            (_, ConvertedType::UINT_8 | ConvertedType::UINT_16 | ConvertedType::UINT_32 | ConvertedType::UINT_64) => {
                Meaning::Unsigned
            }
            _ => Meaning::Plain,
        }
    }

    fn decimal(scale: i32) -> Meaning {
        match u32::try_from(scale) {
            Ok(scale @ 0..=18) => Meaning::Decimal(scale),
            _ => Meaning::Other("a decimal of many digits"),
        }
    }
}

/// A value.
enum Item {
    Empty,
    Whole(i64),
    Unsigned(u64),
    Decimal(i64, u32),
    Double(f64),
    Single(f32),
    Bool(bool),
    Bytes(ByteArray),
    Instant(i128),
    Other(&'static str),
}

/// A column that is looked at.
pub(crate) struct Column {
    /// Its place among the columns of the file.
    pub(crate) at: usize,
    meaning: Meaning,
    /// The level at which a value is there; 0 if it always is.
    defined: i16,
    batch: Vec<Item>,
    /// The current value, as a text if it is one; kept from row to row, so that little is allocated.
    text: String,
    kind: Kind,
}

#[derive(Clone, Copy)]
enum Kind {
    Empty,
    Text,
    Instant(i128),
    Other(&'static str),
}

impl Column {
    pub(crate) fn new(at: usize, column: &ColumnDescriptor) -> Column {
        let (meaning, defined) = (Meaning::of(column), column.max_def_level());
        Column { at, meaning, defined, batch: Vec::new(), text: String::new(), kind: Kind::Empty }
    }

    /// Whether there is anything to be read in it.
    pub(crate) fn is_read(&self) -> bool {
        !matches!(self.meaning, Meaning::Other(_))
    }

    /// Reads the next `count` values.
    pub(crate) fn fill(&mut self, reader: &mut Option<ColumnReader>, count: usize) -> Result<()> {
        self.batch.clear();
        let (meaning, defined) = (self.meaning, self.defined);
        let items = &mut self.batch;
        let integer = |value: i64, low: u64| match meaning {
            Meaning::Instant(unit) => Item::Instant(i128::from(value) * i128::from(unit)),
            Meaning::Unsigned => Item::Unsigned(value.cast_unsigned() & low),
            Meaning::Decimal(scale) => Item::Decimal(value, scale),
            Meaning::Plain | Meaning::Other(_) => Item::Whole(value),
        };
        match reader {
            None => {
                let Meaning::Other(what) = meaning else { return Err(short()) };
                items.extend((0..count).map(|_| Item::Other(what)));
                Ok(())
            }
            Some(ColumnReader::BoolColumnReader(reader)) => read(reader, count, defined, items, Item::Bool),
            Some(ColumnReader::Int32ColumnReader(reader)) => {
                read(reader, count, defined, items, |value| integer(i64::from(value), u64::from(u32::MAX)))
            }
            Some(ColumnReader::Int64ColumnReader(reader)) => {
                read(reader, count, defined, items, |value| integer(value, u64::MAX))
            }
            Some(ColumnReader::Int96ColumnReader(reader)) => {
                read(reader, count, defined, items, |value| Item::Instant(instant(value)))
            }
            Some(ColumnReader::FloatColumnReader(reader)) => read(reader, count, defined, items, Item::Single),
            Some(ColumnReader::DoubleColumnReader(reader)) => read(reader, count, defined, items, Item::Double),
            Some(ColumnReader::ByteArrayColumnReader(reader)) => read(reader, count, defined, items, Item::Bytes),
            Some(ColumnReader::FixedLenByteArrayColumnReader(reader)) => {
                read(reader, count, defined, items, |_| Item::Other("bytes of a fixed length"))
            }
        }
    }

    /// Makes a value of the batch the current one.
    pub(crate) fn take(&mut self, at: usize) {
        self.text.clear();
        let text = &mut self.text;
        // Writing into a string never fails. Floats are written with the fewest digits that mean them.
        let written = match self.batch.get(at) {
            None | Some(Item::Empty) => return self.kind = Kind::Empty,
            Some(Item::Instant(ps)) => return self.kind = Kind::Instant(*ps),
            Some(Item::Other(what)) => return self.kind = Kind::Other(what),
            Some(Item::Bytes(bytes)) => match bytes.as_utf8() {
                Ok(bytes) => write!(text, "{}", bytes.trim()),
                Err(_) => return self.kind = Kind::Other("bytes that are no text"),
            },
            Some(Item::Whole(value)) => write!(text, "{value}"),
            Some(Item::Unsigned(value)) => write!(text, "{value}"),
            Some(Item::Double(value)) => write!(text, "{value}"),
            Some(Item::Single(value)) => write!(text, "{value}"),
            Some(Item::Bool(value)) => write!(text, "{value}"),
            Some(Item::Decimal(value, scale)) => {
                let (unit, sign) = (10_u64.pow(*scale), if *value < 0 { "-" } else { "" });
                let (whole, rest) = (value.unsigned_abs() / unit, value.unsigned_abs() % unit);
                write!(text, "{sign}{whole}.{rest:0width$}", width = (*scale).max(1) as usize)
            }
        };
        self.kind = if written.is_err() || self.text.is_empty() { Kind::Empty } else { Kind::Text };
    }

    /// The current value.
    pub(crate) fn cell(&self) -> Cell<'_> {
        match self.kind {
            Kind::Empty => Cell::Empty,
            Kind::Text => Cell::Text(&self.text),
            Kind::Instant(ps) => Cell::Instant(ps),
            Kind::Other(what) => Cell::Other(what),
        }
    }
}

/// Reads so many values of a column, those that are missing with the others.
fn read<T: DataType>(
    reader: &mut ColumnReaderImpl<T>,
    count: usize,
    defined: i16,
    items: &mut Vec<Item>,
    item: impl Fn(T::T) -> Item,
) -> Result<()> {
    while items.len() < count {
        let (mut levels, mut values) = (Vec::new(), Vec::new());
        let wanted = if defined > 0 { Some(&mut levels) } else { None };
        let (records, ..) = reader.read_records(count - items.len(), wanted, None, &mut values)?;
        if records == 0 {
            return Err(short());
        }
        let mut values = values.into_iter();
        for at in 0..records {
            let is_there = defined == 0 || levels.get(at).is_some_and(|level| *level == defined);
            items.push(if is_there { values.next().map(&item).ok_or_else(short)? } else { Item::Empty });
        }
    }
    Ok(())
}

fn short() -> ParquetError {
    ParquetError::EOF("a column has fewer values than the file has rows".to_owned())
}

/// Picoseconds since 1970 of a timestamp as old programs write it: nanoseconds of a Julian day.
fn instant(value: Int96) -> i128 {
    const JULIAN_1970: i128 = 2_440_588;
    let [low, high, day] = *value.data() else { return 0 };
    let nanos = (i128::from(high) << 32) | i128::from(low);
    ((i128::from(day) - JULIAN_1970) * 86_400_000_000_000 + nanos) * 1_000
}
