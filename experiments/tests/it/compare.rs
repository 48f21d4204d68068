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

/// Two targets of an HPA on the same traffic: by replicate their cost and replicas differ far less than each varies.
#[test]
fn common_random_numbers_shrink_the_variance_of_two_targets_at_least_five_fold() {
    let folder = TempDir::new().unwrap();
    fs::copy(
        concat!(env!("CARGO_MANIFEST_DIR"), "/../scenarios/manifests/controllers-hpa.yaml"),
        folder.path().join("hpa.yaml"),
    )
    .unwrap();
    let scenario = r#"(
        horizon: "3h", warmup: "15m", replicates: 16,
        pools: {"p": (gpu: "L40S", gpus_per_node: 1, max_nodes: 16, gpu_price: "2/h", provisioning: "2m")},
        services: {"chat": (
            serving: Slots(64), service_time: LogNormal(mean: "8s", cv: 0.8),
            slo: [(quantile: 0.95, limit: "30s")], autoscaler: Manifest("hpa.yaml"),
        )},
        traffic: {"t": Mmpp(states: [(rate: "4/s", mean: "40m"), (rate: "16/s", mean: "30m"), (rate: "30/s", mean: "10m")])},
        variants: {
            "at 48": [],
            "at 45": ["services.chat.autoscaler.spec.metrics.0.pods.target.averageValue=45"],
        },
    )"#;
    fs::write(folder.path().join("s.ron"), scenario).unwrap();
    let figures = ["cost_usd", "chat.replicas_mean"];
    let output = Command::new(env!("CARGO_BIN_EXE_flashcrowd"))
        .current_dir(folder.path())
        .args(["compare", "s.ron", "--format", "json", "--figures", &figures.join(",")])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let compared: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let rows = compared["differences"].as_array().unwrap();
    assert_eq!(rows.len(), figures.len());
    for row in rows {
        let [paired, apart] = ["half_width", "unpaired_half_width"].map(|name| row[name].as_f64().unwrap());
        let fold = (apart / paired).powi(2);
        assert!(fold >= 5.0 && row["difference"].as_f64().unwrap() < 0.0, "{row} {fold}");
        println!("{}: {fold:.1}-fold", row["figure"]);
    }
}
