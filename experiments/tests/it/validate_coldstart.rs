//! The cold-start suite: measured loads, engines' starts, phases, corrupted and malformed tables.

use flashcrowd::validate::{Report, Suite, ValidateError, run};
use std::path::Path;

/// A part of the reference table: one row of each kind.
const TABLE: &str = r#"{
 "loads": [
  {"setup": "ServerlessLLM H100 NVMe 29.4GB/s random", "loader": "sllm", "model": "Qwen3-32B", "size_gb": 65.5, "seconds": 3.2159},
  {"setup": "same cached", "loader": "safetensors", "model": "Qwen3-32B", "size_gb": 65.5, "seconds": 12.4661},
  {"setup": "same", "loader": "safetensors", "model": "Qwen3-32B", "size_gb": 65.5, "seconds": 20.5918},
  {"setup": "IO2", "loader": "safetensors", "model": "Meta-Llama-3-8B", "size_gb": 15.0, "seconds": 47.0},
  {"setup": "S3", "loader": "runai c=4", "model": "Meta-Llama-3-8B", "size_gb": 15.0, "seconds": 28.24}
 ],
 "vllm_ready": [{"store": "S3", "loader": "runai", "total_ready_s": 23.18}],
 "phases": {"cached": {"download": 0, "weights": 18, "compile": 13.5, "total": 31.5}}
}"#;

const CSV: &str = "file,n,mean_s\n\
    h100_2025/random/meta-llama_Llama-3.1-8B-Instruct_sllm_30_random.json,30,0.6784\n\
    a5000_2024/facebook_opt-6.7b_safetensors_30_random.json,30,5.0947\n";

fn play(name: &str, text: &str) -> Result<Report, ValidateError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    std::fs::write(&path, text).unwrap();
    run(Suite::Coldstart, &[path], &mut |_| {})
}

#[test]
fn measured_loads_are_predicted_by_the_rule() {
    let report = play("table.json", TABLE).unwrap();
    assert_eq!((report.total.checks, report.total.passed, report.exit_code()), (7, 7, 0), "{report}");
    let worst = report.worst.unwrap();
    assert!(worst.id.contains("runai c=4") && worst.tolerance == 0.20, "{worst:?}");
    assert_eq!(play("loads.csv", CSV).unwrap().total.passed, 2);
}

#[test]
fn what_is_measured_otherwise_fails() {
    for (right, wrong) in [
        ("\"seconds\": 3.2159", "\"seconds\": 2.5"),
        ("\"seconds\": 28.24", "\"seconds\": 28.1"),
        ("\"total_ready_s\": 23.18", "\"total_ready_s\": 20"),
        ("\"total\": 31.5", "\"total\": 31.500001"),
    ] {
        assert!(TABLE.contains(right));
        let report = play("table.json", &TABLE.replace(right, wrong)).unwrap();
        assert_eq!((report.total.failed, report.exit_code()), (1, 3), "{wrong}: {report}");
    }
    assert_eq!(play("loads.csv", &CSV.replace("0.6784", "0.9")).unwrap().exit_code(), 3);
}

#[test]
fn what_is_not_known_is_skipped_with_its_reason() {
    let report = play("table.json", &TABLE.replace("\"sllm\"", "\"mmap\"").replace("\"IO2\"", "\"tape\"")).unwrap();
    assert_eq!((report.total.skipped, report.total.passed), (2, 5), "{report}");
    let text = report.to_string();
    assert!(text.contains("no loader `mmap`") && text.contains("no storage tier"), "{text}");
    let report = play("loads.csv", &CSV.replace("opt-6.7b", "opt-13b")).unwrap();
    assert_eq!((report.total.skipped, report.total.passed), (1, 1), "{report}");
}

#[test]
fn malformed_tables_are_errors_with_a_place() {
    for text in
        ["", "{}", "[]", "{\"loads\": 3}", "{\"loads\": [{}]}", "{\"phases\": {\"x\": {\"a\": 1}}}", "file,n\nx,1\n"]
    {
        assert!(!play("table.json", text).unwrap_err().message.is_empty(), "{text}");
    }
    let error = play("table.json", &TABLE.replace("47.0", "\"long\"")).unwrap_err();
    assert_eq!(error.line, Some(6), "{error}");
    assert!(play("table.json", &TABLE.replace("47.0", "-1")).unwrap_err().message.contains("above 0"));
    let error = play("loads.csv", &CSV.replace("mean_s", "means")).unwrap_err();
    assert!(error.message.contains("`mean_s`") && error.message.contains("is it `means`?"), "{error}");
    let error = play("loads.csv", &CSV.replace("5.0947", "soon")).unwrap_err();
    assert_eq!(error.line, Some(3), "{error}");
}

#[test]
fn the_reference_tables_pass() {
    let Some(folder) = std::env::var_os("FLASHCROWD_REFERENCE") else {
        eprintln!("FLASHCROWD_REFERENCE is not set: skipped");
        return;
    };
    let folder = Path::new(&folder).join("mechanisms");
    let files = ["coldstart_table.json", "serverlessllm_loading.csv"].map(|name| folder.join(name));
    let report = run(Suite::Coldstart, &files, &mut |_| {}).unwrap();
    assert!(report.is_ok() && report.total.skipped == 0 && report.total.passed >= 43, "{report}");
}
