//! The tables of an output folder: variant and replicate first, units last in column names.

mod decisions;
mod fleet;
mod regions;
mod replicas;
mod requests;
mod series;

use crate::table::{Column, Kind, Out, Source, Table, csv, header};
use csv::Writer;
use std::io::{self, Write};

/// One table, whatever its rows are.
#[derive(Clone, Copy)]
pub struct TableDef {
    /// Its name.
    pub name: &'static str,
    /// Names, units and kinds of its columns.
    pub columns: fn() -> Vec<(&'static str, &'static str, Kind)>,
    header: fn() -> Vec<&'static str>,
    rows: fn(&Source<'_>, &mut Out) -> io::Result<()>,
}

const fn def<T: Table>() -> TableDef {
    TableDef { name: T::NAME, columns: columns::<T>, header: header::<T>, rows: csv::<T> }
}

fn columns<T: Table>() -> Vec<(&'static str, &'static str, Kind)> {
    let info = |column: &Column<T>| (column.name, column.unit, column.kind);
    T::COLUMNS.iter().map(info).collect()
}

/// The tables of an output folder.
pub const TABLES: [TableDef; 9] = [
    def::<series::Series>(),
    def::<fleet::Fleet>(),
    def::<decisions::Decisions>(),
    def::<replicas::Replicas>(),
    def::<fleet::Nodes>(),
    def::<requests::Requests>(),
    def::<regions::Faults>(),
    def::<regions::Health>(),
    def::<regions::Served>(),
];

/// A table that is written run by run.
pub(crate) struct TableWriter {
    def: TableDef,
    out: Out,
}

impl TableWriter {
    /// With its header.
    pub(crate) fn new(def: TableDef, out: Box<dyn Write + Send>) -> io::Result<Self> {
        let mut out = Writer::from_writer(out);
        out.write_record((def.header)())?;
        Ok(TableWriter { def, out })
    }

    pub(crate) fn add(&mut self, source: &Source<'_>) -> io::Result<()> {
        (self.def.rows)(source, &mut self.out)
    }

    pub(crate) fn finish(mut self) -> io::Result<()> {
        self.out.flush()
    }
}
