//! A table as Parquet: columns have types, and notebooks read a few of them without the others.

use super::table::{Cell, Column, Kind};
use parquet::basic::{Compression, LogicalType, Repetition, Type as Physical, ZstdLevel};
use parquet::column::writer::ColumnWriter;
use parquet::data_type::ByteArray;
use parquet::errors::{ParquetError, Result};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::{Type, TypePtr};
use std::io::{self, Write};
use std::sync::Arc;

/// A table that is being written.
pub(super) struct ParquetTable<W: Write + Send> {
    writer: SerializedFileWriter<W>,
    columns: Vec<Kind>,
}

impl<W: Write + Send> ParquetTable<W> {
    pub(super) fn new(out: W, columns: &[Column]) -> io::Result<Self> {
        let fields: Result<Vec<TypePtr>> = columns.iter().map(field).collect();
        let schema = fields.and_then(|fields| Type::group_type_builder("sweep").with_fields(fields).build());
        let level = ZstdLevel::try_new(3).map_err(refused)?;
        let properties = WriterProperties::builder().set_compression(Compression::ZSTD(level)).build();
        let writer = SerializedFileWriter::new(out, Arc::new(schema.map_err(refused)?), Arc::new(properties));
        Ok(ParquetTable {
            writer: writer.map_err(refused)?,
            columns: columns.iter().map(|column| column.kind).collect(),
        })
    }

    /// Adds rows as a group of their own.
    pub(super) fn add(&mut self, rows: &[Vec<Cell>]) -> io::Result<()> {
        self.group(rows).map_err(refused)
    }

    fn group(&mut self, rows: &[Vec<Cell>]) -> Result<()> {
        let mut group = self.writer.next_row_group()?;
        for (at, kind) in self.columns.iter().enumerate() {
            let Some(mut column) = group.next_column()? else { break };
            let cells = rows.iter().map(|row| &row[at]);
            match (column.untyped(), kind) {
                (ColumnWriter::Int64ColumnWriter(of), Kind::Count) => {
                    // As unsigned numbers have the same 64 bits.
                    let counts: Vec<i64> = cells.map(|cell| cell.count().cast_signed()).collect();
                    of.write_batch(&counts, None, None)?;
                }
                (ColumnWriter::ByteArrayColumnWriter(of), Kind::Text) => {
                    let texts: Vec<ByteArray> = cells.map(|cell| ByteArray::from(&*cell.text())).collect();
                    of.write_batch(&texts, None, None)?;
                }
                (ColumnWriter::DoubleColumnWriter(of), Kind::Number) => {
                    let numbers: Vec<Option<f64>> = cells.map(Cell::number).collect();
                    let levels: Vec<i16> = numbers.iter().map(|number| i16::from(number.is_some())).collect();
                    let there: Vec<f64> = numbers.into_iter().flatten().collect();
                    of.write_batch(&there, Some(&levels), None)?;
                }
                _ => return Err(ParquetError::General("a column of another type".to_owned())),
            }
            column.close()?;
        }
        group.close().map(|_| ())
    }

    /// Writes what stands at the end.
    pub(super) fn finish(self) -> io::Result<()> {
        self.writer.close().map(|_| ()).map_err(refused)
    }
}

fn field(column: &Column) -> Result<TypePtr> {
    let (physical, logical, repetition) = match column.kind {
        Kind::Count => (Physical::INT64, Some(LogicalType::integer(64, false)), Repetition::REQUIRED),
        Kind::Text => (Physical::BYTE_ARRAY, Some(LogicalType::String), Repetition::REQUIRED),
        Kind::Number => (Physical::DOUBLE, None, Repetition::OPTIONAL),
    };
    let field = Type::primitive_type_builder(&column.name, physical);
    Ok(Arc::new(field.with_logical_type(logical).with_repetition(repetition).build()?))
}

/// What the system refused comes through; nothing else can go wrong with a table of our own.
fn refused(error: ParquetError) -> io::Error {
    match error {
        ParquetError::External(inner) => match inner.downcast::<io::Error>() {
            Ok(error) => *error,
            Err(other) => io::Error::other(other),
        },
        other => io::Error::other(other),
    }
}
