//! `compare`: chosen figures, and the table of trials.

use std::fs;
use std::process::Command;
use tempfile::TempDir;

const SCENARIO: &str = r#"(
    horizon: "30m",
    replicates: 4,
    pools: {"p": (gpu: "L40S", gpus_per_node: 1, min_nodes: 4, max_nodes: 4, gpu_price: "2/h")},
    services: {
        "chat": (
            serving: Slots(2), service_time: Exponential(mean: "500ms"), replicas: 4,
            slo: [(quantile: 0.95, limit: "2s")],
        ),
    },
    traffic: {"t": Poisson(rate: 9)},
    variants: {"four": [], "three": ["services.chat.replicas=3"]},
)
"#;

fn compare(folder: &TempDir, args: &[&str]) -> (i32, String) {
    fs::write(folder.path().join("s.ron"), SCENARIO).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_flashcrowd"));
    let output = command.current_dir(folder.path()).args(["compare", "s.ron"]).args(args).output().unwrap();
    let text = if output.status.success() { output.stdout } else { output.stderr };
    (output.status.code().unwrap(), String::from_utf8_lossy(&text).into_owned())
}

#[test]
fn figures_are_chosen_by_their_names() {
    let folder = TempDir::new().unwrap();
    let chosen = "chat.e2e.p99,cost_usd,pool.p.cost_usd,chat: e2e p95 < 2s.attainment";
    let (code, text) = compare(&folder, &["--figures", chosen]);
    assert_eq!(code, 0, "{text}");
    let rows: Vec<&str> =
        text.lines().skip_while(|line| !line.starts_with("variant") || !line.contains("figure")).collect();
    assert!(rows[1].contains("e2e.p99") && rows[2].contains("cost_usd") && rows[4].contains("attainment"), "{text}");
    assert!(rows[5].is_empty(), "{text}");
    // Sentences speak of what they always do.
    assert!(text.contains("`three` is worse than `four`"), "{text}");
    let (code, text) = compare(&folder, &["--figures", "cost_over_bound"]);
    assert!(code == 0 && text.contains("no variant has `cost_over_bound`"), "{text}");
    let (code, text) = compare(&folder, &["--figures", "chat.e2e.p98"]);
    assert!(
        code == 2 && text.contains("no figure `chat.e2e.p98`") && text.contains("did you mean `chat.e2e.p9"),
        "{text}"
    );
}

#[test]
fn a_table_has_a_row_for_each_trial() {
    let folder = TempDir::new().unwrap();
    let (code, text) = compare(&folder, &["--runs", "runs.csv"]);
    assert_eq!(code, 0, "{text}");
    let mut table = csv::Reader::from_path(folder.path().join("runs.csv")).unwrap();
    let header = table.headers().unwrap().clone();
    let at = |name: &str| header.iter().position(|own| own == name).unwrap_or_else(|| panic!("{name}"));
    let rows: Vec<csv::StringRecord> = table.records().map(Result::unwrap).collect();
    let trials: Vec<(&str, &str)> = rows.iter().map(|row| (&row[at("variant")], &row[at("replicate")])).collect();
    let of = |variant| ["0", "1", "2", "3"].map(|replicate| (variant, replicate));
    assert_eq!(trials, [of("four"), of("three")].concat());
    assert!(rows.iter().all(|row| row[at("chat.e2e.p99")].parse::<f64>().unwrap() > 0.5));
    let (code, text) = compare(&folder, &["--runs", "no/such/folder/runs.csv"]);
    assert!(code == 2 && text.contains("cannot write the outputs"), "{text}");
}
