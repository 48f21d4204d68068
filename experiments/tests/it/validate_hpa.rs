//! The HPA suite on parts of the reference files, on corrupted lines and on files of another form.

use flashcrowd::validate::{Report, Suite, ValidateError, run};
use flate2::Compression;
use flate2::write::GzEncoder;
use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../policies/conformance/tests/fixtures/hpa").join(name)
}

const FILES: [&str; 7] = [
    "k128_functions.jsonl.gz",
    "k128_long.jsonl.gz",
    "k128_main.jsonl.gz",
    "k128_trace.jsonl.gz",
    "k2026_functions.jsonl.gz",
    "k2026_long.jsonl.gz",
    "k2026_main.jsonl.gz",
];

fn text(name: &str) -> String {
    let mut text = String::new();
    flate2::read::MultiGzDecoder::new(File::open(fixture(name)).unwrap()).read_to_string(&mut text).unwrap();
    text
}

fn run_bytes(name: &str, bytes: &[u8]) -> Result<Report, ValidateError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    run(Suite::Hpa, &[path], &mut |_| {})
}

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn every_reference_file_passes() {
    let folder = std::env::var_os("FLASHCROWD_REFERENCE").map(|folder| Path::new(&folder).join("hpa"));
    let files: Vec<PathBuf> =
        FILES.iter().map(|name| folder.as_ref().map_or_else(|| fixture(name), |folder| folder.join(name))).collect();
    let mut told = 0;
    let report = run(Suite::Hpa, &files, &mut |_| told += 1).unwrap();
    assert_eq!((report.total.failed, report.exit_code(), report.worst.is_none()), (0, 0, true), "{report}");
    assert_eq!(report.parts.keys().collect::<Vec<_>>(), FILES);
    assert!(report.total.checks > report.total.cases && told >= FILES.len(), "{report}");
    assert_eq!(report.total.passed, report.total.checks);
}

#[test]
fn a_corrupted_expectation_fails_with_its_scenario_and_tick() {
    let text = text("k128_trace.jsonl.gz");
    let line = text.lines().next().unwrap();
    let (before, after) = line.rsplit_once("\"desired\":").unwrap();
    let bad = format!("{before}\"desired\":9{after}\n");
    let report = run_bytes("scenarios.jsonl", bad.as_bytes()).unwrap();
    assert_eq!((report.total.cases, report.total.failed, report.exit_code()), (1, 1, 3), "{report}");
    let worst = report.worst.clone().unwrap();
    assert_eq!(worst.key, "desired");
    assert!(worst.error > 0.0 && worst.id.contains("t="), "{worst:?}");
    assert!(report.to_string().contains("desired: expected"), "{report}");
}

#[test]
fn rows_tell_their_variant_by_name_or_by_content() {
    let rows = text("k2026_functions.jsonl.gz");
    let failed = |name: &str, text: &str| run_bytes(name, &gzip(text)).unwrap().total.failed;
    assert_eq!(failed("anything.gz", &rows), 0);
    assert_eq!(failed("k2026_other.gz", &rows), 0);
    assert!(failed("k128_wrong.gz", &rows) > 0);
    let bad = rows.replacen("\"out\":0", "\"out\":5", 1);
    assert_eq!(failed("anything.gz", &bad), 1);
    let named: String = rows.replace("{\"fn\"", "{\"variant\":\"k8s-2026-backport\",\"fn\"");
    assert_eq!(failed("k128_wrong.gz", &named), 0);
}

#[test]
fn several_gzip_members_and_blank_lines_are_read() {
    let row = "{\"fn\":\"scaleDownPercentLimit\",\"args\":[10,80],\"out\":1,\"exact\":2}\n";
    let mut bytes = gzip(row);
    bytes.extend(gzip(&format!("\n{row}\r\n")));
    assert_eq!(run_bytes("rows.gz", &bytes).unwrap().total.passed, 2);
    let files = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let paths: Vec<PathBuf> = files.iter().map(|folder| folder.path().join("k128_rows.jsonl")).collect();
    for path in &paths {
        std::fs::write(path, row).unwrap();
    }
    let report = run(Suite::Hpa, &paths, &mut |_| {}).unwrap();
    assert_eq!((report.parts.len(), report.total.cases), (2, 2), "files of one name stay apart");
}

#[test]
fn other_files_are_errors_with_a_place() {
    let whole = gzip(&text("k128_functions.jsonl.gz"));
    let bad: [(&str, &[u8], Option<u64>); 7] = [
        ("empty", b"", None),
        ("blank", b"\n \n", None),
        ("json", b"{\n  \"tests\": []\n}", Some(1)),
        ("words", b"{\"fn\":\"scaleDownPercentLimit\",\"args\":[10,80],\"out\":1}\nhello\n", Some(2)),
        ("bytes", &[0xff, 0xfe, 0x00], Some(1)),
        ("header only", &[0x1f, 0x8b], Some(1)),
        ("cut", &whole[..whole.len() / 2], None),
    ];
    for (name, bytes, line) in bad {
        let error = run_bytes(name, bytes).unwrap_err();
        assert!(error.file.ends_with(name) && !error.message.is_empty(), "{error}");
        assert!(line.is_none() || error.line == line, "{error}");
    }
    let missing = run(Suite::Hpa, &[PathBuf::from("/nowhere/x.jsonl")], &mut |_| {}).unwrap_err();
    assert_eq!((missing.file.as_str(), missing.line), ("/nowhere/x.jsonl", None));
    let folder = tempfile::tempdir().unwrap();
    assert!(run(Suite::Hpa, &[folder.path().to_owned()], &mut |_| {}).is_err());
    assert!(run(Suite::Queueing, &[fixture("k128_functions.jsonl.gz")], &mut |_| {}).is_err());
}
