//! `flashcrowd validate controllers`, the whole command: what it prints and how it ends on the
//! shipped recordings, on a corrupted one, and on files that are none.

use serde_json::Value;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tempfile::TempDir;

/// The shipped part of the recordings, in order of their names.
fn recordings() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../policies/conformance/tests/fixtures/controllers");
    let mut files: Vec<PathBuf> = folder.read_dir().unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

fn validate(files: &[PathBuf], more: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_flashcrowd"));
    command.args(["validate", "controllers"]).args(files).args(more).output().unwrap()
}

/// The smallest recording of a controller, its first line only.
fn first_line(name: &str) -> String {
    let path = recordings().into_iter().find(|path| path.to_string_lossy().contains(name)).unwrap();
    let mut text = String::new();
    flate2::read::MultiGzDecoder::new(File::open(path).unwrap()).read_to_string(&mut text).unwrap();
    text.lines().next().unwrap().to_owned()
}

fn validate_text(name: &str, text: &str) -> Output {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join(name);
    std::fs::write(&path, text).unwrap();
    validate(&[path], &[])
}

#[test]
fn every_controller_passes_in_all_files() {
    let files = recordings();
    assert_eq!(files.len(), 15);
    let output = validate(&files, &["--format", "json"]);
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{report:#}");
    assert_eq!((&report["failed"], &report["skipped"]), (&Value::from(0), &Value::from(0)));
    let parts = report["parts"].as_object().unwrap();
    assert_eq!(parts.len(), files.len());
    for (name, part) in parts {
        assert!(part["passed"].as_u64().unwrap() > 0, "{name}: {part}");
    }
}

#[test]
fn a_corrupted_decision_ends_with_3_and_its_case() {
    let line = first_line("keda_scaledjob");
    let sound = validate_text("keda_scaledjob.jsonl", &line);
    assert_eq!(sound.status.code(), Some(0));
    let bad = line.replacen("\"running_jobs\":8", "\"running_jobs\":0", 1);
    assert_ne!(bad, line);
    let output = validate_text("held_out_keda_scaledjob_part.jsonl", &bad);
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(3), "{text}");
    assert!(text.contains("keda-sj-dev-0000"), "{text}");
}

#[test]
fn files_that_are_no_recordings_end_with_2_and_a_message() {
    let line = first_line("keda_scaledjob");
    let cut = &line[..line.len() / 2];
    let cases: &[(&str, &str, &str)] = &[
        ("keda_scaledjbo.jsonl", &line, "did you mean `keda_scaledjob`?"),
        ("something.jsonl", &line, "the name does not say whose decisions these are"),
        ("keda_scaledjob.jsonl", cut, "keda_scaledjob.jsonl:1"),
        ("wva_saturation_v1.jsonl", &line, "wva_saturation_v1.jsonl:1"),
        ("ray_serve_policy.jsonl", "[]", "ray_serve_policy.jsonl:1"),
        ("knative_manifest.jsonl", "", "knative_manifest.jsonl"),
    ];
    for (name, text, words) in cases {
        let output = validate_text(name, text);
        let told = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{name}: {told}");
        assert!(told.contains(words) && output.stdout.is_empty(), "{name}: {told}");
    }
}
