//! `--until` and what else whole commands say of chance: calls, Holm's adjustment, what to type next.

use serde_json::Value;
use std::fs;
use std::process::{Command, Output, Stdio};
use tempfile::TempDir;

const SCENARIO: &str = r#"(
    horizon: "1h",
    warmup: "5m",
    replicates: 3,
    pools: {"p": (gpu: "L40S", gpus_per_node: 1, max_nodes: 4, min_nodes: 4, gpu_price: "2/h")},
    services: {
        "chat": (
            serving: Slots(4),
            service_time: Exponential(mean: "400ms"),
            replicas: 2,
            slo: [(quantile: 0.95, limit: "3s")],
        ),
    },
    traffic: {"t": Poisson(rate: 14)},
    variants: {},
)
"#;

fn folder(scenario: &str) -> TempDir {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("s.ron"), scenario).unwrap();
    folder
}

fn flashcrowd(folder: &TempDir, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_flashcrowd"));
    command.current_dir(folder.path()).args(args).stdin(Stdio::null()).output().unwrap()
}

fn text(folder: &TempDir, args: &[&str]) -> String {
    let output = flashcrowd(folder, args);
    assert_eq!(output.status.code(), Some(0), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn error(folder: &TempDir, args: &[&str]) -> String {
    let output = flashcrowd(folder, args);
    assert_eq!(output.status.code(), Some(2), "{args:?}");
    String::from_utf8(output.stderr).unwrap()
}

/// Replicates of `summary.json`, and its digest.
fn played(text: &str) -> (usize, String) {
    let summary: Value = serde_json::from_str(text).unwrap();
    (summary["runs"].as_array().unwrap().len(), summary["digest"].as_str().unwrap().to_owned())
}

#[test]
fn replicates_are_added_until_the_interval_is_narrow_and_are_those_of_any_other_run() {
    let folder = folder(SCENARIO);
    let wide = text(&folder, &["run", "s.ron", "--no-out", "--until", "chat.e2e.mean: 50%"]);
    assert!(wide.contains("after 5 replicates, 50 % asked\n"), "{wide}");
    let narrow = ["run", "s.ron", "--no-out", "--until", "chat.e2e.mean: 0.5%", "--format", "json"];
    let (count, digest) = played(&text(&folder, &narrow));
    assert!((6..100).contains(&count), "{count}");
    let count = count.to_string();
    let fixed = ["run", "s.ron", "--no-out", "--replicates", &count, "--format", "json"];
    assert_eq!(played(&text(&folder, &fixed)).1, digest);
    // What it says is what the table of its runs says.
    let out = text(&folder, &["run", "s.ron", "--until", "chat.e2e.mean: 0.5%"]);
    assert!(out.contains(&format!("after {count} replicates, 0.5 % asked\n")), "{out}");
    let table = fs::read_to_string(folder.path().join("out/s/runs.csv")).unwrap();
    let mut rows = csv::Reader::from_reader(table.as_bytes());
    let at = rows.headers().unwrap().iter().position(|name| name == "chat.e2e.mean").unwrap();
    let values: Vec<f64> = rows.records().map(|row| row.unwrap()[at].parse().unwrap()).collect();
    let interval = flashcrowd_results::statistics::Interval::of(&values);
    let share = interval.half_width.unwrap() / interval.mean;
    assert!(share <= 0.005, "{share}");
    assert!(out.contains(&format!("until       chat.e2e.mean: +-{:.1} % after", share * 100.0)), "{out}");
    // One replicate less was not enough, or was not asked.
    let fewer = flashcrowd_results::statistics::Interval::of(&values[..5]);
    assert!(fewer.half_width.unwrap() / fewer.mean > 0.005);
}

#[test]
fn the_budget_ends_it() {
    let folder = folder(SCENARIO);
    let ended = text(
        &folder,
        &["run", "s.ron", "--no-out", "--until", "cost_usd: 1", "--until", "chat.e2e.p99: 1ms", "--budget", "7"],
    );
    assert!(ended.contains("cost_usd: +-$0 after 7 replicates, $1.00 asked\n"), "{ended}");
    assert!(ended.contains("after 7 replicates, 1ms asked: "), "{ended}");
    let over = error(&folder, &["run", "s.ron", "--no-out", "--until", "cost_usd: 1", "--replicates", "200"]);
    assert!(over.contains("200 replicates are played first: more than the `--budget` of 100"), "{over}");
    // As many as the command line says are played first.
    let first = text(&folder, &["run", "s.ron", "--no-out", "--until", "cost_usd: 1", "--replicates", "2"]);
    assert!(first.contains("after 2 replicates"), "{first}");
}

#[test]
fn variants_get_as_many_replicates_each() {
    let scenario = SCENARIO.replace("variants: {}", r#"variants: {"a": [], "b": ["traffic.t=Poisson(rate: 15)"]}"#);
    let folder = folder(&scenario);
    let refused = error(&folder, &["run", "s.ron", "--until", "chat.e2e.mean: 5%"]);
    assert!(refused.contains("`flashcrowd compare s.ron --until ..`"), "{refused}");
    let compared = text(&folder, &["compare", "s.ron", "--until", "chat.e2e.mean: 0.6%", "--format", "json"]);
    let compared: Value = serde_json::from_str(&compared).unwrap();
    let count = compared["replicates"].as_u64().unwrap().to_string();
    let fixed = text(&folder, &["compare", "s.ron", "--replicates", &count, "--format", "json"]);
    assert_eq!(serde_json::from_str::<Value>(&fixed).unwrap(), compared);
}

/// A variant that asks for more replicates of its own: all have as many, and none is played twice.
#[test]
fn variants_with_numbers_of_their_own_get_the_largest() {
    let scenario = SCENARIO.replace("variants: {}", r#"variants: {"a": [], "b": ["replicates=7"]}"#);
    let folder = folder(&scenario);
    let args = ["compare", "s.ron", "--until", "chat.e2e.mean: 50%", "--runs", "runs.csv"];
    let compared = text(&folder, &args);
    assert!(compared.contains("of `a`: +-") && compared.contains("after 7 replicates"), "{compared}");
    let table = fs::read_to_string(folder.path().join("runs.csv")).unwrap();
    let rows: Vec<String> =
        table.lines().skip(1).map(|row| row.split(',').take(2).collect::<Vec<_>>().join(" ")).collect();
    let wanted: Vec<String> = ["a", "b"].iter().flat_map(|name| (0..7).map(move |at| format!("{name} {at}"))).collect();
    assert_eq!(rows, wanted);
}

#[test]
fn what_cannot_be_asked_is_said() {
    let folder = folder(SCENARIO);
    let wrong = [
        ("chat.e2e.p99", "no `:`"),
        ("chat.e2e.p98: 5%", "did you mean `chat.e2e.p9"),
        ("cht.ttft: 5%", "there is no figure `cht.ttft`"),
        ("other.e2e.p99: 5%", "did you mean `chat.e2e.p99`?"),
        ("chat.e2e.p99: x%", "the share is no number"),
        ("chat.e2e.p99: 5", "expected a share or a duration"),
        ("cost_usd: 5s", "expected a share or a number"),
        ("cost_usd: 0", "expected a width above 0"),
        ("cost_usd: -1", "expected a width above 0"),
        ("cost_usd: nan", "expected a width above 0"),
    ];
    for (asked, message) in wrong {
        let said = error(&folder, &["run", "s.ron", "--no-out", "--until", asked]);
        assert!(said.contains(message), "{asked}: {said}");
    }
    let none =
        text(&folder, &["run", "s.ron", "--no-out", "--until", "chat.cold_start.p99: 5%", "--set", "horizon=10m"]);
    assert!(none.contains("until       chat.cold_start.p99: "), "{none}");
}

#[test]
fn any_variant_may_be_the_baseline() {
    let scenario = SCENARIO.replace("variants: {}", r#"variants: {"a": [], "b": ["traffic.t=Poisson(rate: 15)"]}"#);
    let folder = folder(&scenario);
    let sign = |args: &[&str]| -> f64 {
        let compared: Value = serde_json::from_str(&text(&folder, args)).unwrap();
        let rows = compared["differences"].as_array().unwrap();
        rows.iter().find(|row| row["figure"] == "e2e.mean").unwrap()["difference"].as_f64().unwrap()
    };
    let from_a = sign(&["compare", "s.ron", "--format", "json"]);
    let from_b = sign(&["compare", "s.ron", "--format", "json", "--baseline", "b"]);
    assert!(from_a > 0.0 && (from_a + from_b).abs() < 1e-9, "{from_a} {from_b}");
    let said = error(&folder, &["compare", "s.ron", "--baseline", "aa"]);
    assert!(said.contains("there is no variant `aa`") && said.contains("expected one of `a`, `b`"), "{said}");
}

#[test]
fn the_end_of_a_report_names_the_verb_that_fits() {
    let folder = folder(SCENARIO);
    let next = |args: &[&str]| -> String {
        let out = text(&folder, args);
        out.lines().find(|line| line.starts_with("next")).unwrap().to_owned()
    };
    let single = next(&["run", "s.ron", "--no-out", "--replicates", "1"]);
    assert!(single.contains("run s.ron --replicates 10"), "{single}");
    let missed = next(&["run", "s.ron", "--no-out", "--load", "2"]);
    assert!(missed.contains("sweep s.ron --over load=0.25,0.5,0.75,1 --replicates 5"), "{missed}");
    // What it says can be typed.
    let command: Vec<&str> = missed.split_whitespace().skip(2).take_while(|word| *word != "missed:").collect();
    let swept = text(&folder, &[&command[..], &["--set", "horizon=20m"]].concat());
    assert!(swept.contains("cheapest that holds: load="), "{swept}");
}
