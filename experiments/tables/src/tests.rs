//! Files written by the same crate: every type that is read, and files that are damaged.

use super::*;
use flashcrowd_workloads::traffic::trace::OnBadRow;
use flashcrowd_workloads::traffic::trace::own::{Cell, Plan, Records, Table, TimeForm};
use parquet::basic::{Compression, ZstdLevel};
use parquet::column::writer::ColumnWriter;
use parquet::data_type::{ByteArray, FixedLenByteArray, Int96};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use proptest::prelude::*;
use std::sync::Arc;

/// Values of a column, those that are there, and the levels that say which are.
enum Values<'a> {
    I32(&'a [i32]),
    I64(&'a [i64]),
    I96(&'a [Int96]),
    F32(&'a [f32]),
    F64(&'a [f64]),
    Bool(&'a [bool]),
    Text(&'a [&'a str]),
    Fixed(&'a [&'a str]),
}

type Written<'a> = (Values<'a>, Option<&'a [i16]>);

/// A file with a group of rows for each entry, its columns in the order of the schema.
fn file(schema: &str, packed: Compression, groups: &[&[Written<'_>]]) -> Vec<u8> {
    let schema = Arc::new(parse_message_type(schema).unwrap());
    let properties = Arc::new(WriterProperties::builder().set_compression(packed).build());
    let mut writer = SerializedFileWriter::new(Vec::new(), schema, properties).unwrap();
    for columns in groups {
        let mut group = writer.next_row_group().unwrap();
        for (values, levels) in *columns {
            let mut column = group.next_column().unwrap().unwrap();
            let texts = |texts: &[&str]| texts.iter().map(|text| ByteArray::from(*text)).collect::<Vec<_>>();
            match (column.untyped(), values) {
                (ColumnWriter::Int32ColumnWriter(of), Values::I32(values)) => {
                    // The only one that repeats has no values.
                    of.write_batch(values, *levels, levels.filter(|_| values.is_empty()))
                }
                (ColumnWriter::Int64ColumnWriter(of), Values::I64(values)) => of.write_batch(values, *levels, None),
                (ColumnWriter::Int96ColumnWriter(of), Values::I96(values)) => of.write_batch(values, *levels, None),
                (ColumnWriter::FloatColumnWriter(of), Values::F32(values)) => of.write_batch(values, *levels, None),
                (ColumnWriter::DoubleColumnWriter(of), Values::F64(values)) => of.write_batch(values, *levels, None),
                (ColumnWriter::BoolColumnWriter(of), Values::Bool(values)) => of.write_batch(values, *levels, None),
                (ColumnWriter::ByteArrayColumnWriter(of), Values::Text(values)) => {
                    of.write_batch(&texts(values), *levels, None)
                }
                (ColumnWriter::FixedLenByteArrayColumnWriter(of), Values::Fixed(values)) => {
                    let values: Vec<FixedLenByteArray> = texts(values).into_iter().map(Into::into).collect();
                    of.write_batch(&values, *levels, None)
                }
                _ => panic!("the schema has another type"),
            }
            .unwrap();
            column.close().unwrap();
        }
        group.close().unwrap();
    }
    writer.into_inner().unwrap()
}

/// A log of gateways: nested counts, some missing, two groups of rows.
fn log(packed: Compression) -> Vec<u8> {
    let schema = "message log {
        required int64 at (TIMESTAMP(MICROS, true));
        optional binary model (STRING);
        optional group usage { optional int32 prompt; optional double output; }
    }";
    let first = [
        (Values::I64(&[1_762_128_000_500_000, 1_762_128_004_250_000]), None),
        (Values::Text(&["8b"]), Some(&[1, 0][..])),
        (Values::I32(&[374, 396]), Some(&[2, 2][..])),
        (Values::F64(&[44.0]), Some(&[2, 0][..])),
    ];
    let second = [
        (Values::I64(&[1_762_128_004_250_000]), None),
        (Values::Text(&["8b"]), Some(&[1][..])),
        (Values::I32(&[879]), Some(&[2][..])),
        (Values::F64(&[55.0]), Some(&[2][..])),
    ];
    file(schema, packed, &[&first, &second])
}

fn plan() -> Plan {
    let (prompt, output) = (Some("usage.prompt".to_owned()), Some("usage.output".to_owned()));
    Plan { time: "at".to_owned(), prompt, output, on_bad_row: OnBadRow::Drop, ..Plan::default() }
}

/// Shows what is made of a file of these bytes; errors without their folder.
fn with<T>(
    bytes: &[u8],
    see: impl FnOnce(ParquetRows) -> Result<T, flashcrowd_core::ports::SourceError>,
) -> Result<T, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.parquet");
    std::fs::write(&path, bytes).unwrap();
    let seen = ParquetRows::open(&path).and_then(see);
    seen.map_err(|error| error.to_string().replace(&format!("{}/", folder.path().display()), ""))
}

fn table(bytes: &[u8], plan: &Plan) -> Result<Table, String> {
    with(bytes, |mut rows| Table::read(&mut rows, plan))
}

#[test]
fn a_log_is_read_whatever_it_is_packed_with() {
    let zstd = Compression::ZSTD(ZstdLevel::default());
    let gzip = Compression::GZIP(parquet::basic::GzipLevel::default());
    let mut texts = Vec::new();
    for packed in [Compression::UNCOMPRESSED, Compression::SNAPPY, Compression::LZ4_RAW, Compression::LZ4, zstd, gzip] {
        let table = table(&log(packed), &plan()).unwrap_or_else(|error| panic!("{packed:?}: {error}"));
        assert_eq!(table.form(), TimeForm::Typed);
        texts.push(format!("{table:?}").split_once(", ").unwrap().1.to_owned());
    }
    assert!(texts[0].contains("2 rows"), "the row without an output is dropped: {}", texts[0]);
    texts.dedup();
    assert_eq!(texts.len(), 1, "{texts:?}");
    let only = vec![("model".to_owned(), "8b".to_owned())];
    assert!(format!("{:?}", table(&log(zstd), &Plan { only, ..plan() }).unwrap()).contains("2 rows"));
    let strict = table(&log(zstd), &Plan { on_bad_row: OnBadRow::Refuse, ..plan() }).unwrap_err();
    assert_eq!(strict, "t.parquet, row 2: `usage.output` is empty: expected a whole number of tokens");
}

#[test]
fn names_are_paths() {
    let names = with(&log(Compression::SNAPPY), |rows| Ok(rows.names().to_vec())).unwrap();
    assert_eq!(names, ["at", "model", "usage.prompt", "usage.output"]);
    let missing = table(&log(Compression::SNAPPY), &Plan { time: "time".to_owned(), ..plan() }).unwrap_err();
    assert_eq!(missing, "t.parquet: the file has no column `time`");
}

#[test]
fn types_are_read_as_what_they_mean() {
    let schema = "message all {
        required int64 millis (TIMESTAMP(MILLIS, false));
        required int64 micros (TIMESTAMP_MICROS);
        required int64 nanos (TIMESTAMP(NANOS, true));
        required int96 old;
        required int32 signed;
        required int32 unsigned (INTEGER(32, false));
        required int64 large (UINT_64);
        required int64 cents (DECIMAL(10, 2));
        required float single;
        required double double;
        required boolean flag;
        required binary text (UTF8);
        required int32 date (DATE);
        required fixed_len_byte_array(2) fixed;
        repeated int32 list;
    }";
    let ms = 1_762_128_000_500;
    let mut old = Int96::new();
    let nanos: u64 = 500_000_000;
    old.set_data(nanos as u32, (nanos >> 32) as u32, 2_440_588 + 20_395);
    let bytes = file(
        schema,
        Compression::SNAPPY,
        &[&[
            (Values::I64(&[ms]), None),
            (Values::I64(&[ms * 1_000]), None),
            (Values::I64(&[ms * 1_000_000]), None),
            (Values::I96(&[old]), None),
            (Values::I32(&[-5]), None),
            (Values::I32(&[-1]), None),
            (Values::I64(&[-1]), None),
            (Values::I64(&[-105]), None),
            (Values::F32(&[0.1]), None),
            (Values::F64(&[1_762_128_000.123_4]), None),
            (Values::Bool(&[true]), None),
            (Values::Text(&["héllo "]), None),
            (Values::I32(&[20_395]), None),
            (Values::Fixed(&["ab"]), None),
            (Values::I32(&[]), Some(&[0])),
        ]],
    );
    let ps = i128::from(ms) * 1_000_000_000;
    let expected = [
        Cell::Instant(ps),
        Cell::Instant(ps),
        Cell::Instant(ps),
        Cell::Instant(ps),
        Cell::Text("-5"),
        Cell::Text("4294967295"),
        Cell::Text("18446744073709551615"),
        Cell::Text("-1.05"),
        Cell::Text("0.1"),
        Cell::Text("1762128000.1234"),
        Cell::Text("true"),
        Cell::Text("héllo"),
        Cell::Other("a date without a time"),
        Cell::Other("bytes of a fixed length"),
        Cell::Other("a list"),
    ];
    with(&bytes, |mut rows| {
        let names = rows.names().to_vec();
        rows.choose(&names.iter().map(String::as_str).collect::<Vec<_>>())?;
        assert_eq!(rows.advance()?, Some(Ok(())));
        for (at, expected) in expected.iter().enumerate() {
            assert_eq!(rows.cell(at), *expected, "{}", names[at]);
        }
        assert_eq!(rows.advance()?, None);
        Ok(())
    })
    .unwrap();
}

#[test]
fn many_rows_come_in_batches() {
    let values: Vec<i64> = (0..5_000).collect();
    let levels: Vec<i16> = values.iter().map(|value| i16::from(value % 3 != 0)).collect();
    let there: Vec<i64> = values.iter().copied().filter(|value| value % 3 != 0).collect();
    let schema = "message m { required int64 at; optional int64 n; }";
    let bytes =
        file(schema, Compression::SNAPPY, &[&[(Values::I64(&values), None), (Values::I64(&there), Some(&levels))]]);
    with(&bytes, |mut rows| {
        rows.choose(&["n", "at"])?;
        for value in &values {
            assert_eq!(rows.advance()?, Some(Ok(())));
            let text = value.to_string();
            assert_eq!(rows.cell(1), Cell::Text(&text));
            assert_eq!(rows.cell(0), if value % 3 == 0 { Cell::Empty } else { Cell::Text(&text) });
        }
        assert_eq!(rows.advance()?, None);
        Ok(())
    })
    .unwrap();
}

#[test]
fn what_is_no_parquet_file_is_refused() {
    let whole = log(Compression::SNAPPY);
    let mut claims = whole.clone();
    let end = claims.len();
    claims[end - 8..end - 4].copy_from_slice(&u32::MAX.to_le_bytes());
    let mut elsewhere = whole.clone();
    elsewhere[end - 4..].copy_from_slice(b"1RAP");
    for bytes in [&b""[..], b"PAR1", b"PAR1PAR1", &whole[..end / 2], &whole[..end - 1], &claims, &elsewhere] {
        let error = table(bytes, &plan()).unwrap_err();
        assert!(error.starts_with("t.parquet: the Parquet file is damaged: "), "{error}");
    }
}

proptest! {
    /// Whatever a file holds, the answer is a table or a message.
    #[test]
    fn damaged_files_get_a_message(
        flips in prop::collection::vec((any::<prop::sample::Index>(), 1_u8..=255), 1..6),
        at_end in any::<bool>(), cut in prop::option::weighted(0.2, any::<prop::sample::Index>()),
        packed in prop::sample::select(vec![
            Compression::UNCOMPRESSED, Compression::SNAPPY, Compression::LZ4_RAW, Compression::ZSTD(ZstdLevel::default()),
        ]),
    ) {
        let mut bytes = log(packed);
        let length = bytes.len();
        for (at, mask) in flips {
            // The last half describes the first.
            let at = if at_end { length / 2 + at.index(length - length / 2) } else { at.index(length) };
            bytes[at] ^= mask;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(length));
        }
        if let Err(error) = table(&bytes, &plan()) {
            prop_assert!(error.starts_with("t.parquet"), "{}", error);
        }
    }
}
