//! `validate spot` as a whole command, on a market of two zones and four samples that was worked by hand.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use tempfile::TempDir;

/// Zone `a` is there for two samples, zone `b` from the second on.
const TRACES: [(&str, &str); 2] = [("a", "[1, 1, 0, 0]"), ("b", "[0, 1, 1, 1]")];

/// One replica, spot at half the price, ready one sample after its order:
///
/// | sample | spot | on-demand | ready | cost |
/// | --- | --- | --- | --- | --- |
/// | 0 | granted in a | bought | 0 | 1 + 2 |
/// | 1 | ready | given up | 1 | 1 |
/// | 2 | lost; all are active again; refused in a | bought | 0 | 2 |
/// | 3 | refused in a | ready | 1 | 2 |
const HEDGE: &str = r#""avail": 0.5, "unserved_frac": 0.5, "mean_ready": 0.5, "cost_vs_od": 1.0, "od_share_of_cost": 0.75,
    "preemptions": 1, "attempts": 3, "failed_attempts": 2, "ticks": 4"#;
const ON_DEMAND: &str = r#""avail": 0.75, "unserved_frac": 0.25, "mean_ready": 0.75, "cost_vs_od": 1.0, "od_share_of_cost": 1.0,
    "preemptions": 0, "attempts": 0, "failed_attempts": 0, "ticks": 4"#;

fn document(hedge: &str) -> String {
    format!(
        r#"{{"tiny": {{"zones": ["a", "b"], "gap_seconds": 10, "target": 1, "k_od": 2.0,
        "results": {{"ondemand": {{{ON_DEMAND}}}, "spothedge_E0": {{{hedge}}}}}}},
        "elsewhere": {{"zones": ["z"], "gap_seconds": 10, "target": 1, "k_od": 2.0, "results": {{"ondemand": {{"avail": 1.0}}}}}}}}"#
    )
}

fn validate(folder: &Path, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_flashcrowd"));
    command.current_dir(folder).args(["validate", "spot", "golden.json"]).args(args).output().unwrap()
}

fn folder(hedge: &str) -> TempDir {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("golden.json"), document(hedge)).unwrap();
    fs::create_dir(folder.path().join("tiny")).unwrap();
    for (zone, counts) in TRACES {
        let text = format!("{{\"metadata\": {{\"gap_seconds\": 10}}, \"data\": {counts}}}");
        fs::write(folder.path().join(format!("tiny/{zone}.json")), text).unwrap();
    }
    folder
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

#[test]
fn a_market_worked_by_hand_comes_out_exactly() {
    let folder = folder(HEDGE);
    let output = validate(folder.path(), &["--traces", ".", "--format", "json"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let counts = |key: &str| report[key].as_u64();
    assert_eq!([counts("checks"), counts("passed"), counts("failed")], [Some(19), Some(18), Some(0)]);
    assert_eq!(counts("skipped"), Some(1), "the set without traces");
}

#[test]
fn a_value_that_differs_fails_and_is_named() {
    let folder = folder(&HEDGE.replace("\"attempts\": 3", "\"attempts\": 4"));
    let output = validate(folder.path(), &["--traces", "."]);
    assert_eq!(output.status.code(), Some(3));
    let text = text(&output);
    assert!(text.contains("FAILED tiny/spothedge_E0 attempts: expected 4, found 3"), "{text}");
    assert!(text.contains("skipped elsewhere: there is no ./elsewhere/z.json"), "{text}");
}

#[test]
fn what_is_malformed_is_refused() {
    let cases: [(&str, &str, &[&str]); 6] = [
        ("golden.json", "{}", &["the document holds no set"]),
        ("golden.json", "[1]", &["golden.json:1", "not a document of spot replays"]),
        ("golden.json", &document(HEDGE).replace("spothedge_E0", "spothedge_F0"), &["no policy `spothedge_F0`"]),
        ("golden.json", &document(HEDGE).replace("\"k_od\": 2.0", "\"k_od\": -1"), &["`k_od` is -1"]),
        ("tiny/a.json", "{\"metadata\": {\"gap_seconds\": 20}, \"data\": [1]}", &["its gap is 20s"]),
        ("tiny/a.json", "{\"metadata\": {\"gap_seconds\": 10}, \"data\": [-1]}", &["data[0]", "-1"]),
    ];
    for (file, content, words) in cases {
        let folder = folder(HEDGE);
        fs::write(folder.path().join(file), content).unwrap();
        let output = validate(folder.path(), &["--traces", "."]);
        let text = text(&output);
        assert_eq!(output.status.code(), Some(2), "{file}: {text}");
        for word in words {
            assert!(text.contains(word), "{file}: expected `{word}` in\n{text}");
        }
    }
    let folder = folder(HEDGE);
    let output = validate(folder.path(), &[]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output).contains("--traces DIR"), "{}", text(&output));
}
