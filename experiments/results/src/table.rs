//! Tables: columns that say their name, unit and kind, and rows that are handed on one by one.

use crate::run::Run;
use flashcrowd_core::SimTime;
use flashcrowd_scenario::Resolved;
use std::fmt;
use std::io;

/// What rows are made from: one run of one variant.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    /// The variant.
    pub resolved: &'a Resolved,
    /// The run.
    pub run: &'a Run,
}

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Text.
    Text,
    /// A whole number.
    Integer,
    /// A number.
    Number,
}

/// A value of a cell.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    /// Text.
    Text(String),
    /// A whole number.
    Integer(u64),
    /// A number with all its digits.
    Number(f64),
    /// A number to six digits after the point: times, to the microsecond, and shares.
    Micro(f64),
    /// Nothing.
    Empty,
}

impl Cell {
    pub(crate) fn text(text: impl Into<String>) -> Self {
        Cell::Text(text.into())
    }

    pub(crate) fn at(at: SimTime) -> Self {
        Cell::Micro(at.as_s_f64())
    }

    pub(crate) fn maybe(at: Option<SimTime>) -> Self {
        at.map_or(Cell::Empty, Cell::at)
    }
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Cell::Text(text) => f.write_str(text),
            Cell::Integer(n) => write!(f, "{n}"),
            Cell::Number(x) => write!(f, "{x}"),
            Cell::Micro(x) => write!(f, "{x:.6}"),
            Cell::Empty => Ok(()),
        }
    }
}

/// A column of a table.
pub struct Column<T: Table + ?Sized> {
    /// Its name, unit last.
    pub name: &'static str,
    /// Its unit; empty for names, counts and shares.
    pub unit: &'static str,
    /// What it holds.
    pub kind: Kind,
    /// Its value in a row.
    pub(crate) get: Get<T>,
}

/// Where tables are written.
pub(crate) type Out = csv::Writer<Box<dyn io::Write + Send>>;

/// How a column finds its value.
pub(crate) type Get<T> = for<'a> fn(&Source<'a>, &<T as Table>::Row<'a>) -> Cell;

impl<T: Table + ?Sized> Column<T> {
    pub(crate) const fn text(name: &'static str, get: Get<T>) -> Self {
        Column { name, unit: "", kind: Kind::Text, get }
    }

    pub(crate) const fn count(name: &'static str, get: Get<T>) -> Self {
        Column { name, unit: "", kind: Kind::Integer, get }
    }

    pub(crate) const fn number(name: &'static str, unit: &'static str, get: Get<T>) -> Self {
        Column { name, unit, kind: Kind::Number, get }
    }

    pub(crate) const fn seconds(name: &'static str, get: Get<T>) -> Self {
        Column::number(name, "s", get)
    }
}

/// A table of an output folder.
pub trait Table: 'static {
    /// Its name, and that of its file.
    const NAME: &'static str;
    /// What a row is made from.
    type Row<'a>;
    /// Its columns, after those of the variant and the replicate.
    const COLUMNS: &'static [Column<Self>];
    /// Hands on the rows of one run, in order.
    ///
    /// # Errors
    /// What `each` answers.
    fn rows<'a>(source: &Source<'a>, each: &mut dyn FnMut(&Self::Row<'a>) -> io::Result<()>) -> io::Result<()>;
}

/// The header of a table.
pub(crate) fn header<T: Table>() -> Vec<&'static str> {
    ["variant", "replicate"].into_iter().chain(T::COLUMNS.iter().map(|column| column.name)).collect()
}

/// Writes the rows of one run as CSV.
///
/// # Errors
/// If `out` refuses.
pub(crate) fn csv<T: Table>(source: &Source<'_>, out: &mut Out) -> io::Result<()> {
    T::rows(source, &mut |row| {
        out.write_field(&source.resolved.variant)?;
        out.write_field(source.run.replicate().to_string())?;
        for column in T::COLUMNS {
            out.write_field((column.get)(source, row).to_string())?;
        }
        out.write_record(None::<&[u8]>)?;
        Ok(())
    })
}
