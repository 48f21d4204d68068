//! Traces with columns of their own, as a user meets them: what plays, what is said of it, what is refused.

use parquet::basic::{Compression, ZstdLevel};
use parquet::column::writer::ColumnWriter;
use parquet::data_type::ByteArray;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use serde_json::Value;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;
use tempfile::TempDir;

const SCENARIO: &str = r#"(
    pools: {"h100": (gpu: "H100", max_nodes: 1, min_nodes: 1)},
    services: {
        "chat": (
            model: "Llama-3.1-8B",
            serving: ContinuousBatch(),
            replicas: 1,
        ),
    },
    traffic: {
        "users": Trace(
            path: "log.csv",
            columns: (time: "timestamp", prompt: "prompt_tokens", output: "completion_tokens"),
        ),
    },
)
"#;

/// Requests: milliseconds since the first, tokens, model. Not in the order of time.
fn requests() -> Vec<(i64, i32, i32, &'static str)> {
    let request = |i: i64| {
        let ms = i * 400 + i * i % 397 - if i % 7 == 3 { 2_000 } else { 0 };
        (ms.max(0), 100 + (i * 31 % 900) as i32, 1 + (i * 17 % 80) as i32, if i % 3 == 0 { "70b" } else { "8b" })
    };
    (0..120).map(request).collect()
}

/// 2025-11-03 00:00:00.5 UTC in milliseconds since 1970.
const START_MS: i64 = 1_762_128_000_500;

fn csv() -> String {
    let mut text = "timestamp,prompt_tokens,completion_tokens,model\n".to_owned();
    for (ms, prompt, output, model) in requests() {
        let ms = START_MS + ms;
        let _ = writeln!(text, "{}.{:03},{prompt},{output},{model}", ms / 1_000, ms % 1_000);
    }
    text
}

fn json_lines() -> String {
    let mut text = String::new();
    for (ms, prompt, output, model) in requests() {
        let ms = START_MS + ms;
        let _ = writeln!(
            text,
            r#"{{"created": {}.{:03}, "request": {{"model": "{model}"}}, "usage": {{"prompt_tokens": {prompt}, "completion_tokens": {output}}}}}"#,
            ms / 1_000,
            ms % 1_000
        );
    }
    text
}

fn parquet() -> Vec<u8> {
    let schema = "message log {
        required int64 at (TIMESTAMP(MILLIS, true));
        required group usage { required int32 prompt; required int32 output; }
        required binary model (STRING);
    }";
    let properties = WriterProperties::builder().set_compression(Compression::ZSTD(ZstdLevel::default())).build();
    let schema = Arc::new(parse_message_type(schema).unwrap());
    let mut writer = SerializedFileWriter::new(Vec::new(), schema, Arc::new(properties)).unwrap();
    for part in requests().chunks(50) {
        let mut group = writer.next_row_group().unwrap();
        let mut at = 0;
        while let Some(mut column) = group.next_column().unwrap() {
            match column.untyped() {
                ColumnWriter::Int64ColumnWriter(column) => {
                    let values: Vec<i64> = part.iter().map(|request| START_MS + request.0).collect();
                    column.write_batch(&values, None, None).unwrap();
                }
                ColumnWriter::Int32ColumnWriter(column) => {
                    let values: Vec<i32> =
                        part.iter().map(|request| if at == 1 { request.1 } else { request.2 }).collect();
                    column.write_batch(&values, None, None).unwrap();
                }
                ColumnWriter::ByteArrayColumnWriter(column) => {
                    let values: Vec<ByteArray> = part.iter().map(|request| ByteArray::from(request.3)).collect();
                    column.write_batch(&values, None, None).unwrap();
                }
                _ => unreachable!("the schema has no other type"),
            }
            column.close().unwrap();
            at += 1;
        }
        group.close().unwrap();
    }
    writer.into_inner().unwrap()
}

/// The same requests in the format of the Azure traces, in the order of time.
fn azure() -> String {
    let mut all = requests();
    all.sort_by_key(|request| request.0);
    let mut text = "TIMESTAMP,ContextTokens,GeneratedTokens\n".to_owned();
    for (ms, prompt, output, _) in all {
        let ms = 500 + ms;
        let _ = writeln!(text, "2025-11-03 00:00:{:02}.{:03},{prompt},{output}", ms / 1_000, ms % 1_000);
    }
    text
}

const JSON: &str = r#"(time: "created", prompt: "usage.prompt_tokens", output: "usage.completion_tokens")"#;
const PARQUET: &str = r#"(time: "at", prompt: "usage.prompt", output: "usage.output")"#;

fn folder() -> TempDir {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("log.csv"), csv()).unwrap();
    fs::write(folder.path().join("log.jsonl"), json_lines()).unwrap();
    fs::write(folder.path().join("log.parquet"), parquet()).unwrap();
    fs::write(folder.path().join("azure.csv"), azure()).unwrap();
    folder
}

/// The scenario with another file and columns.
fn scenario(file: &str, columns: &str) -> String {
    let given = r#"(time: "timestamp", prompt: "prompt_tokens", output: "completion_tokens")"#;
    SCENARIO.replace("log.csv", file).replace(given, columns)
}

fn flashcrowd(folder: &Path, scenario: &str, args: &[&str]) -> Output {
    fs::write(folder.join("s.ron"), scenario).unwrap();
    Command::new(env!("CARGO_BIN_EXE_flashcrowd")).current_dir(folder).args(args).output().unwrap()
}

fn digest(folder: &Path, scenario: &str, more: &[&str]) -> String {
    let args = [&["run", "s.ron", "--no-out", "-q", "--format", "json"], more].concat();
    let output = flashcrowd(folder, scenario, &args);
    let json: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("{more:?}: {}", String::from_utf8_lossy(&output.stderr)));
    json["digest"].as_str().unwrap().to_owned()
}

/// What `check` prints, with its exit code.
fn checked(folder: &Path, scenario: &str, more: &[&str]) -> (i32, String) {
    let output = flashcrowd(folder, scenario, &[&["check", "s.ron"], more].concat());
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    (output.status.code().unwrap(), text)
}

#[test]
fn one_log_plays_alike_from_every_kind_of_file() {
    let folder = folder();
    assert_eq!(SCENARIO.lines().count(), 16);
    let expected = digest(folder.path(), SCENARIO, &[]);
    let known = SCENARIO.replace("log.csv", "azure.csv");
    let known: Vec<&str> = known.lines().filter(|line| !line.contains("columns")).collect();
    assert_eq!(digest(folder.path(), &known.join("\n"), &[]), expected, "as the Azure traces are written");
    assert_eq!(digest(folder.path(), &scenario("log.jsonl", JSON), &[]), expected);
    assert_eq!(digest(folder.path(), &scenario("log.parquet", PARQUET), &[]), expected);

    let only = |scenario: &str, column: &str| {
        scenario.replace("columns:", &format!("where: {{\"{column}\": \"8b\"}}, columns:"))
    };
    let part = digest(folder.path(), &only(SCENARIO, "model"), &[]);
    assert_ne!(part, expected);
    assert_eq!(digest(folder.path(), &only(&scenario("log.jsonl", JSON), "request.model"), &[]), part);
    assert_eq!(digest(folder.path(), &only(&scenario("log.parquet", PARQUET), "model"), &[]), part);
}

#[test]
fn what_is_read_of_a_file_is_said() {
    let folder = folder();
    let mut text = String::new();
    let told = SCENARIO
        .replace("columns: (", "columns: (model: \"model\", ")
        .replace("path:", "where: {\"model\": \"8b\"}, path:");
    for scenario in [SCENARIO, &told, &scenario("log.jsonl", JSON), &scenario("log.parquet", PARQUET)] {
        let (code, said) = checked(folder.path(), scenario, &[]);
        assert_eq!(code, 0, "{said}");
        text += &said;
    }
    insta::assert_snapshot!("said", text);

    let (code, written) = checked(folder.path(), &told, &["--print-resolved"]);
    assert_eq!(code, 0, "{written}");
    assert!(written.contains("time: UnixSeconds, // recognised from the first row"), "{written}");
    assert!(written.contains("traffic.users.rows = 80 played, 40 left out by `where`, 0 bad, "), "{written}");
    assert_eq!(digest(folder.path(), &written, &[]), digest(folder.path(), &told, &[]), "it plays the same run");
}

/// A row that breaks the law of the file, or a scenario that names what is not there.
#[test]
fn what_is_wrong_is_said_with_what_would_be_right() {
    let folder = folder();
    let own = |from: &str, to: &str| SCENARIO.replace(from, to);
    let without_columns = |file: &str| {
        let all = SCENARIO.replace("log.csv", file);
        all.lines().filter(|line| !line.contains("columns")).collect::<Vec<_>>().join("\n")
    };
    fs::write(folder.path().join("semi.csv"), csv().replace(',', ";")).unwrap();
    fs::write(folder.path().join("other.csv"), "id,when,size\n1,2,3\n").unwrap();
    fs::write(folder.path().join("numbers.csv"), azure().replace("2025-11-03 00:00:", "17621280")).unwrap();
    fs::write(folder.path().join("late.csv"), csv() + "1762128000500,1,1,8b\n").unwrap();
    fs::write(folder.path().join("bad.csv"), csv() + "1762128090,1.5,1,\"8b\nand more\"\n").unwrap();
    fs::write(folder.path().join("open.csv"), csv() + "1762128090,1,1,\"8b\n").unwrap();
    fs::write(folder.path().join("array.json"), "[{\"timestamp\": 1}]\n").unwrap();
    fs::write(folder.path().join("cut.parquet"), &parquet()[..400]).unwrap();
    let cases = [
        ("a header of no known format", without_columns("log.csv")),
        ("separated by semicolons", without_columns("semi.csv")),
        ("JSON lines of no known format", without_columns("log.jsonl")),
        ("Parquet without columns", without_columns("log.parquet")),
        ("names that say nothing", without_columns("other.csv")),
        ("Unix seconds in a known format", without_columns("numbers.csv")),
        ("a column that is not there", own("prompt_tokens", "promt_tokens")),
        ("a key that is not there", scenario("log.jsonl", &JSON.replace("usage.p", "p"))),
        ("a column of Parquet that is not there", scenario("log.parquet", &PARQUET.replace("\"at\"", "\"time\""))),
        ("a session that is not there", own("columns: (", "columns: (session: \"chat\", ")),
        ("no role", own("time: ", "at: ")),
        ("another form of times", own("path:", "time: Iso, path:")),
        ("no such form of times", own("path:", "time: Unix, path:")),
        ("a later row of another form", own("log.csv", "late.csv")),
        ("a typed column", scenario("log.parquet", PARQUET).replace("path:", "time: UnixMillis, path:")),
        ("a part of a token", own("log.csv", "bad.csv")),
        ("a quote without an end", own("log.csv", "open.csv")),
        ("where of no row", own("path:", "where: {\"model\": \"80b\"}, path:")),
        ("where of no column", own("path:", "where: {\"modle\": \"8b\"}, path:")),
        ("where without columns", without_columns("azure.csv").replace("path:", "where: {\"model\": \"8b\"}, path:")),
        ("format and columns", own("path:", "format: AzureLlm, path:")),
        ("no column of outputs", own(", output: \"completion_tokens\"", "")),
        ("a JSON array", scenario("array.json", "(time: \"timestamp\", prompt: \"p\", output: \"o\")")),
        ("a Parquet file that is cut off", scenario("cut.parquet", PARQUET)),
    ];
    let mut text = String::new();
    for (case, scenario) in cases {
        let (code, said) = checked(folder.path(), &scenario, &[]);
        assert_eq!(code, 2, "{case}: {said}");
        let _ = writeln!(text, "# {case}\n{said}");
    }
    insta::assert_snapshot!("refused", text);
}
