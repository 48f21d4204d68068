//! Tables and JSON lines with columns of their own: what is read, in which order, and what is refused.

use super::super::{BlockIndex, OnBadRow, Recording, TraceOptions, TraceSource, summary};
use super::*;
use flashcrowd_core::clock::{Seed, SimDuration};
use flashcrowd_core::ports::ArrivalSource;
use proptest::prelude::*;
use std::fmt::Write as _;
use std::io::Write as _;
use std::sync::Arc;

const LOG: &str =
    "timestamp,prompt_tokens,completion_tokens\n1762128000.5,374,44\n1762128004.25,396,109\n1762128004.25,879,55\n";

fn plan() -> Plan {
    Plan {
        time: "timestamp".to_owned(),
        prompt: Some("prompt_tokens".to_owned()),
        output: Some("completion_tokens".to_owned()),
        ..Plan::default()
    }
}

/// Reads a file of this content; errors without their folder, hints in parentheses.
fn read(content: &[u8], plan: &Plan) -> Result<Table, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t");
    std::fs::write(&path, content).unwrap();
    let table = open_records(&path).and_then(|mut records| Table::read(&mut *records, plan));
    table.map_err(|error| {
        let hint = error.hint.clone().map(|hint| format!(" ({hint})")).unwrap_or_default();
        format!("{error}{hint}").replace(&format!("{}/", folder.path().display()), "")
    })
}

fn rows(table: &Table) -> Vec<(u64, u32, u32)> {
    table.rows.iter().map(|row| (row.at.as_ps(), row.prompt_tokens, row.output_tokens)).collect()
}

const ROWS: [(u64, u32, u32); 3] = [(0, 374, 44), (3_750_000_000_000, 396, 109), (3_750_000_000_000, 879, 55)];

#[test]
fn one_log_in_many_spellings() {
    let quoted = "\u{feff} id , \"prompt_tokens\", completion_tokens ,model,timestamp\r\n\
        1,374,\"44\",\"a, \"\"b\"\"\",1762128000.5\r\n2, 396 ,109,\"x\ny\",1762128004.25\r\n3,879.0,55,,1762128004.250\r\n\r\n";
    let iso =
        LOG.replace("1762128000.5", "2025-11-03T00:00:00.5Z").replace("1762128004.25", "2025-11-03 01:00:04.25+01:00");
    let millis = LOG.replace("1762128000.5", "1762128000500").replace("1762128004.25", "1762128004250");
    for text in [
        LOG.to_owned(),
        LOG.replace(',', ";"),
        LOG.replace(',', "\t"),
        quoted.to_owned(),
        quoted.replace("a, ", "a; ").replace(',', ";"),
        iso,
        millis.clone(),
        millis.replace("500,", "500000,").replace("250,", "250000,"),
    ] {
        let table = read(text.as_bytes(), &plan()).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(rows(&table), ROWS, "{text}");
        assert_eq!((table.dropped, table.left_out, table.late_rows()), (0, 0, 0));
        assert_eq!(table.starts_at_ps, Some(1_762_128_000_500_000_000_000), "{text}");
    }
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    packed.write_all(LOG.as_bytes()).unwrap();
    assert_eq!(rows(&read(&packed.finish().unwrap(), &plan()).unwrap()), ROWS);
}

#[test]
fn objects_are_read_by_dotted_paths() {
    let text = r#"{"timestamp": 1762128000.5, "usage": {"prompt_tokens": 374, "completion_tokens": 44}, "more": [1]}

{"usage": {"completion_tokens": "109", "prompt_tokens": 396.0}, "timestamp": "1762128004.25"}
{"timestamp": 1.76212800425e9, "usage": {"prompt_tokens": 879, "completion_tokens": 55}, "x": null}
"#;
    let nested = Plan {
        prompt: Some("usage.prompt_tokens".to_owned()),
        output: Some("usage.completion_tokens".to_owned()),
        ..plan()
    };
    assert_eq!(rows(&read(text.as_bytes(), &nested).unwrap()), ROWS);
    assert_eq!(rows(&read(format!("\u{feff}{text}").as_bytes(), &nested).unwrap()), ROWS);
    let literal = text.replace(r#""usage": {"#, "").replace("}, \"more", ", \"more").replace("}, \"time", ", \"time");
    let literal = literal
        .replace("55}, ", "55, ")
        .replace("prompt_t", "usage.prompt_t")
        .replace("completion_t", "usage.completion_t");
    assert_eq!(rows(&read(literal.as_bytes(), &nested).unwrap()), ROWS);
}

/// Gateways write a line when an answer ends.
#[test]
fn rows_out_of_order_are_sorted_and_those_of_one_instant_stay_as_they_were() {
    let text = "timestamp,prompt_tokens,completion_tokens\n9,1,1\n3,2,1\n9,3,1\n3,4,1\n0.5,5,1\n10,6,1\n";
    let table = read(text.as_bytes(), &plan()).unwrap();
    let prompts: Vec<u32> = table.rows.iter().map(|row| row.prompt_tokens).collect();
    assert_eq!((prompts, table.late_rows()), (vec![5, 2, 4, 1, 3, 6], 3));
    assert_eq!(table.starts_at_ps, None);
}

#[test]
fn only_rows_of_a_value_are_kept() {
    let text = "timestamp,prompt_tokens,completion_tokens,model,tenant\n1,1,1,8b,a\n2,oops,1,70b,a\n3,3,1,8b,b\n4,4,1,8b,a\n5,x,1,8b,a\n";
    let with = |only: &[(&str, &str)], on_bad_row| {
        let only = only.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        read(text.as_bytes(), &Plan { only, on_bad_row, ..plan() })
    };
    let kept = |only: &[(&str, &str)]| {
        let table = with(only, OnBadRow::Drop).unwrap();
        (table.rows.len(), table.left_out, table.dropped)
    };
    assert_eq!(kept(&[]), (3, 0, 2));
    assert_eq!(kept(&[("model", "8b")]), (3, 1, 1), "a bad row that is not meant is not bad");
    assert_eq!(kept(&[("model", "8b"), ("tenant", "b")]), (1, 4, 0));
    let refused = |only| with(only, OnBadRow::Refuse).unwrap_err();
    assert_eq!(refused(&[("model", "8B")]), "t: no row has `8B` in `model` (it has `70b`, `8b`; did you mean `8b`?)");
    assert_eq!(
        refused(&[("model", "70b"), ("tenant", "b")]),
        "t: no row has `model` = `70b` and `tenant` = `b`; 0 were dropped"
    );
    assert!(refused(&[("model", "8b")]).starts_with("t:6: `prompt_tokens` is `x`"));
}

#[test]
fn a_bad_row_is_refused_with_its_line_or_dropped() {
    let with = |row: &str| {
        format!(
            "timestamp,prompt_tokens,completion_tokens,note\n1762128000,1,1,\"two\nlines\"\n{row}\n1762128009,2,2,\n"
        )
    };
    for (row, expected) in [
        ("1762128001,1,1", "t:4: expected 4 fields, found 3"),
        ("1762128001,,1,", "t:4: `prompt_tokens` is empty: expected a whole number of tokens"),
        ("1762128001,-1,1,", "t:4: `prompt_tokens` is `-1`: expected a whole number from 1 to 4294967295"),
        ("1762128001,1.5,1,", "`prompt_tokens` is `1.5`"),
        ("1762128001,NaN,1,", "`prompt_tokens` is `NaN`"),
        ("1762128001,1,4294967296,", "`completion_tokens` is `4294967296`"),
        ("1762128001,0,1,", "`prompt_tokens` is 0: the row has no tokens"),
        (",1,1,", "t:4: the time is missing"),
        ("-5,1,1,", "`-5` is no time: expected ISO 8601, or a number from 0 on"),
        ("noon,1,1,", "`noon` is no time"),
        (
            "1762128001000,1,1,",
            "`1762128001000` looks like Unix milliseconds: the first row has Unix seconds (say how all are written: `time: UnixSeconds`)",
        ),
        ("2025-11-03 00:00:00,1,1,", "looks like ISO 8601: the first row has Unix seconds"),
    ] {
        let error = read(with(row).as_bytes(), &plan()).unwrap_err();
        assert!(error.contains(expected), "{row}: {error}");
        assert!(error.contains("on_bad_row: Drop") || error.contains("`time: "), "{error}");
        let table = read(with(row).as_bytes(), &Plan { on_bad_row: OnBadRow::Drop, ..plan() }).unwrap();
        assert_eq!((table.rows.len(), table.dropped), (2, 1), "{row}");
    }
    let open = read(with("1762128001,\"1,1,").as_bytes(), &plan()).unwrap_err();
    assert_eq!(open, "t:4: a quote in this row is never closed");
    let far = read(with("1962128001,1,1,").as_bytes(), &plan()).unwrap_err();
    assert!(far.starts_with("t: the trace is longer than 213 days"), "{far}");
}

#[test]
fn times_that_are_not_written_as_the_scenario_says() {
    let of = |form, text: &str| {
        let log = format!("timestamp,prompt_tokens,completion_tokens\n{text},1,1\n");
        read(log.as_bytes(), &Plan { form: Some(form), ..plan() }).map(|table| table.starts_at_ps)
    };
    let refused = |form, text| of(form, text).unwrap_err();
    assert!(refused(TimeForm::Iso, "1762128000.5").contains("(it looks like Unix seconds: `time: UnixSeconds`)"));
    assert!(
        refused(TimeForm::UnixSeconds, "1762128000500")
            .contains("(it looks like Unix milliseconds: `time: UnixMillis`)")
    );
    assert!(refused(TimeForm::Millis, "2025-11-03T00:00:00").contains("(it looks like ISO 8601: `time: Iso`)"));
    assert_eq!(of(TimeForm::Millis, "1762128000500"), Ok(None), "any number may be one of milliseconds from a start");
    assert_eq!(of(TimeForm::UnixSeconds, "5"), Ok(Some(5_000_000_000_000)));
}

#[test]
fn files_that_cannot_be_read() {
    for (text, expected) in [
        ("", "t:1: the file is empty"),
        ("timestamp,prompt_tokens,completion_tokens\n", "t: the trace has no row to play; 0 were dropped"),
        ("\"timestamp,prompt_tokens\n", "t:1: the header has a quote that is never closed"),
        ("timestamp,timestamp,prompt_tokens,completion_tokens\n", "t:1: the header has the column `timestamp` twice"),
        ("time,prompt_tokens,completion_tokens\n", "t:1: the header has no column `timestamp`"),
        ("{\"timestamp\": 1, \"prompt_tokens\": 1}\n", "no object has the key `completion_tokens`"),
        ("[{\"timestamp\": 1}]\n", "t:1: this line is no JSON object: invalid type: sequence, expected an object"),
        ("[\n{\"timestamp\": 1}]\n", "(write one object a line: `jq -c '.[]'`)"),
        ("{\n\"timestamp\": 1\n}\n", "(an object stands on one line: `jq -c .`)"),
        ("{\"timestamp\": 1}\n", "no object has the key `prompt_tokens`"),
        (
            "{\"timestamp\": 1, \"prompt_tokens\": 1, \"completion_tokens\": 1}\n[1]\n",
            "t:2: this line is no JSON object",
        ),
        ("{\"timestamp\": 1, \"prompt_tokens\": [1], \"completion_tokens\": 1}\n", "t:1: `prompt_tokens` is a list"),
        ("{\"timestamp\": 1, \"prompt_tokens\": null, \"completion_tokens\": 1}\n", "t:1: `prompt_tokens` is empty"),
        ("{\"timestamp\": {}, \"prompt_tokens\": 1, \"completion_tokens\": 1}\n", "t:1: an object is no time"),
        ("timestamp\0,\n", "it holds zero bytes"),
    ] {
        let error = read(text.as_bytes(), &plan()).unwrap_err();
        assert!(error.contains(expected), "{text}: {error}");
    }
}

#[test]
fn a_column_of_tokens_may_be_left_out() {
    let alone = Plan { time: "timestamp".to_owned(), ..Plan::default() };
    let table = read(LOG.as_bytes(), &alone).unwrap();
    assert_eq!(rows(&table), ROWS.map(|row| (row.0, 0, 0)));
}

/// A held table is played as a file is: windows, repeats, copies, blocks.
#[test]
fn options_do_to_a_table_what_they_do_to_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let (mut own, mut known) = ("when,in,out\n".to_owned(), "TIMESTAMP,ContextTokens,GeneratedTokens\n".to_owned());
    for i in 0..120_u64 {
        let ms = i * 700 + i * i % 300;
        let _ = writeln!(own, "{}.{:03},{},{}", 1_700_158_500 + ms / 1_000, ms % 1_000, i + 1, i + 2);
        let (min, s) = (15 + ms / 60_000, ms / 1_000 % 60);
        let _ = writeln!(known, "2023-11-16 18:{min:02}:{s:02}.{:03},{},{}", ms % 1_000, i + 1, i + 2);
    }
    let file = folder.path().join("known.csv");
    std::fs::write(&file, known).unwrap();
    let (time, prompt, output) = ("when".to_owned(), Some("in".to_owned()), Some("out".to_owned()));
    let table = read(own.as_bytes(), &Plan { time, prompt, output, ..Plan::default() }).unwrap();
    let (held, file) = (Recording::Held(Arc::new(table)), Recording::from(&file));
    let normal = TraceOptions::default();
    let window = Some((SimDuration::from_s(5), SimDuration::from_s(65)));
    for options in [
        normal,
        TraceOptions { window, ..normal },
        TraceOptions { window, repeat: 3, time_scale: 0.5, ..normal },
        TraceOptions { rate_scale: 2.5, repeat: 2, ..normal },
        TraceOptions { rate_scale: 0.3, ..normal },
    ] {
        let found = summary(&held, &options).unwrap();
        assert_eq!(found, summary(&file, &options).unwrap());
        let play = |from: &Recording, is_resampled: bool| {
            let mut source = if is_resampled {
                let index = BlockIndex::new(from, &options, found, SimDuration::from_s(7)).unwrap();
                TraceSource::open_resampled(from, &options, found, index.into(), Seed::new(3), "t").unwrap()
            } else {
                TraceSource::open_checked(from, &options, found, Seed::new(3), "t").unwrap()
            };
            std::iter::from_fn(|| source.next_arrival().unwrap()).collect::<Vec<_>>()
        };
        assert_eq!(play(&held, false), play(&file, false));
        assert_eq!(play(&held, true), play(&file, true));
    }
}

proptest! {
    #[test]
    fn no_content_panics(
        at in 0_usize..200, bytes in prop::collection::vec(any::<u8>(), 0..6), cut in any::<bool>(), json in any::<bool>(),
    ) {
        let json_log = "{\"timestamp\": 1, \"prompt_tokens\": 1, \"completion_tokens\": 2, \"a\": {\"b\": [\"c\"]}}\n".repeat(3);
        let mut content = if json { json_log.into_bytes() } else { LOG.replace("374", "\"374\"").into_bytes() };
        let at = at % content.len();
        if cut {
            content.truncate(at);
        }
        content.splice(at.min(content.len())..(at + bytes.len()).min(content.len()), bytes);
        let only = vec![("prompt_tokens".to_owned(), "1".to_owned())];
        for plan in [plan(), Plan { only, on_bad_row: OnBadRow::Drop, ..plan() }] {
            if let Err(error) = read(&content, &plan) {
                prop_assert!(error.starts_with("t:"), "{}", error);
            }
        }
    }
}
