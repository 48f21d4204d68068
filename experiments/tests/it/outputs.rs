//! Whole commands on good input: what they print and write, and that it does not depend on chance
//! or on the number of threads.

use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tempfile::TempDir;

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn flashcrowd(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_flashcrowd")).current_dir(repository()).args(args).output().unwrap()
}

fn json(args: &[&str]) -> Value {
    let output = flashcrowd(args);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// A part of the shipped scenario, so that debug builds stay quick.
const QUICK: [&str; 6] = ["run", "scenarios/horizontal.ron", "--set", "horizon=15m", "--set", "replicates=1"];

fn quick<'a>(more: &[&'a str]) -> Vec<&'a str> {
    QUICK.iter().copied().chain(more.iter().copied()).collect()
}

#[test]
fn equal_digests_on_any_number_of_threads() {
    let digest = |threads| {
        json(&quick(&["--replicates", "4", "--threads", threads, "--no-out", "--format", "json"]))["digest"].clone()
    };
    let one = digest("1");
    assert_eq!(one.as_str().map(str::len), Some(32));
    assert_eq!(one, digest("2"));
    assert_eq!(one, digest("3"));
    let other = json(&quick(&["--replicates", "4", "--seed", "2", "--no-out", "--format", "json"]))["digest"].clone();
    assert_ne!(one, other);
}

#[test]
fn the_summary_has_its_form_and_adds_up() {
    let summary = json(&quick(&["--no-out", "--format", "json"]));
    let schema = json(&["schema", "summary"]);
    for field in schema["required"].as_array().unwrap() {
        assert!(summary.get(field.as_str().unwrap()).is_some(), "{field} is missing");
    }
    let count = |name: &str| summary["requests"][name].as_u64().unwrap();
    let ended = ["completed", "rejected", "expired", "failed", "live_at_end"].map(count).iter().sum::<u64>();
    assert_eq!(count("arrived"), ended);
    let cost = &summary["cost"];
    for table in ["by_pool", "by_region", "by_market", "by_state", "by_service"] {
        let sum: f64 = cost[table].as_object().unwrap().values().map(|usd| usd.as_f64().unwrap()).sum();
        assert!((sum - cost["total_usd"].as_f64().unwrap()).abs() < 1e-9, "{table}");
    }
    let e2e = &summary["services"]["model-inference"]["latency_s"]["e2e"];
    assert!(e2e["p50"].as_f64() < e2e["p99"].as_f64());
}

#[test]
fn the_folder_is_whole_and_replaced_only_if_it_is_ours() {
    let folder = TempDir::new().unwrap();
    let out = folder.path().join("results");
    let out = out.to_str().unwrap();
    for _ in 0..2 {
        assert_eq!(flashcrowd(&quick(&["--out", out])).status.code(), Some(0));
    }
    let mut names: Vec<String> =
        fs::read_dir(out).unwrap().map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    let expected = [
        "decisions.csv",
        "faults.csv",
        "files.json",
        "fleet.csv",
        "health.csv",
        "latency.hgrm",
        "nodes.csv",
        "replicas.csv",
        "requests.csv",
        "runs.csv",
        "series.csv",
        "served.csv",
        "summary.json",
    ];
    assert_eq!(names, expected);
    let series = fs::read_to_string(Path::new(out).join("series.csv")).unwrap();
    assert_eq!(series.lines().count(), 1 + 60, "one row each 15 s of 15 min");
    let left: Vec<_> = fs::read_dir(folder.path()).unwrap().collect();
    assert_eq!(left.len(), 1, "temporary folders were left");
}

#[test]
fn the_report_fits_on_a_screen_and_says_the_verdict_first() {
    let output = flashcrowd(&quick(&["--no-out"]));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(text.lines().count() <= 30, "{text}");
    let verdict = text.lines().position(|line| line.contains("ttft p99 < 1s")).unwrap();
    let cost = text.lines().position(|line| line.starts_with("money")).unwrap();
    let trust = text.lines().position(|line| line.starts_with("trust")).unwrap();
    let next = text.lines().position(|line| line.starts_with("next")).unwrap();
    assert!(verdict < cost && cost < trust && trust < next, "{text}");
}

#[test]
fn a_strict_slo_that_is_missed_has_its_exit_code() {
    let strict = ["--no-out", "--strict", "--set", "services.model-inference.slo=[(quantile: 0.99, limit: \"1ms\")]"];
    assert_eq!(flashcrowd(&quick(&strict)).status.code(), Some(3));
    assert_eq!(flashcrowd(&quick(&strict[..1])).status.code(), Some(0));
}

#[test]
fn a_policy_against_itself_differs_by_zero_and_pairs_are_narrower() {
    let folder = TempDir::new().unwrap();
    let manifest = repository().join("scenarios/manifests/model-inference-hpa.yaml");
    let text = fs::read_to_string(&manifest).unwrap();
    let other = folder.path().join("other.yaml");
    fs::write(&other, text.replace("averageValue: \"70\"", "averageValue: \"90\"")).unwrap();
    let (manifest, other) = (manifest.to_str().unwrap(), other.to_str().unwrap());
    let compare = |second: &str| {
        json(&[
            "compare",
            "scenarios/horizontal.ron",
            manifest,
            second,
            "--replicates",
            "8",
            "--format",
            "json",
            "--set",
            "horizon=15m",
        ])
    };
    for row in compare(manifest)["differences"].as_array().unwrap() {
        assert_eq!((row["difference"].as_f64(), row["half_width"].as_f64()), (Some(0.0), Some(0.0)), "{row}");
    }
    let differing = compare(other);
    let rows = differing["differences"].as_array().unwrap();
    let width = |figure: &str, name: &str| {
        rows.iter().find(|row| row["figure"] == figure).and_then(|row| row[name].as_f64()).unwrap()
    };
    assert!(differing["variants"].as_array().unwrap().iter().all(|variant| variant["paired"] == true));
    assert!(width("cost_usd", "difference") != 0.0, "{differing}");
    let (paired, unpaired) = (width("e2e.mean", "half_width"), width("e2e.mean", "unpaired_half_width"));
    assert!(3.0 * paired < unpaired, "paired {paired}, unpaired {unpaired}");
}

#[test]
fn shipped_scenarios_are_the_files_and_resolve() {
    for name in ["horizontal", "horizontal-metrics", "saturation", "gpu-utilisation"] {
        let output = flashcrowd(&["check", &format!("@{name}")]);
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    }
    for name in ["horizontal-azure", "llm-azure", "prefix-cache"] {
        let output = flashcrowd(&["check", &format!("@{name}")]);
        let message = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{name}");
        assert!(message.contains("there is no trace at") && message.contains("AzurePublicDataset"), "{message}");
    }
    let resolved = flashcrowd(&["check", "@horizontal", "--print-resolved"]);
    let text = String::from_utf8_lossy(&resolved.stdout).into_owned();
    let origins =
        ["gpu: \"H100\",\n", "(manifest, manifests/model-inference-hpa.yaml)", "groups: 1, // a replica on one node"];
    for origin in origins {
        assert!(text.contains(origin), "{text}");
    }
}

#[test]
fn a_dry_run_says_that_it_is_open_loop() {
    let folder = TempDir::new().unwrap();
    let signals = folder.path().join("signals.csv");
    fs::write(&signals, "time,gpu_utilization,pending_requests\n0,50,0\n60,90,3\n120,100,12\n600,10,0\n").unwrap();
    let manifest = "scenarios/manifests/model-inference-hpa.yaml";
    let output = flashcrowd(&["replay", manifest, signals.to_str().unwrap(), "--replicas", "4"]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(text.contains("Open loop") && text.contains("pods metric gpu_utilization above target"), "{text}");
    let replayed = json(&["replay", manifest, signals.to_str().unwrap(), "--replicas", "4", "--format", "json"]);
    let ticks = replayed["ticks"].as_array().unwrap();
    assert_eq!((replayed["open_loop"].as_bool(), ticks.len()), (Some(true), 41));
    // 90 % of 70 % on four replicas asks for six.
    assert_eq!(ticks[4]["metrics"][0]["proposal"].as_i64(), Some(6));
}

#[test]
fn lists_and_completions_print() {
    let text = |args: &[&str]| String::from_utf8_lossy(&flashcrowd(args).stdout).into_owned();
    assert!(text(&["policies"]).contains("hpa/k8s-1.28"));
    assert!(text(&["completions", "bash"]).contains("flashcrowd"));
    assert_eq!(json(&["schema"])["title"], "flashcrowd scenario");
}

/// A scenario whose variants include the clairvoyant one says how far the others are from it.
#[test]
fn a_run_tells_the_distance_to_the_bound() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bound.ron");
    let scenario = include_str!("fuzz/llm.ron").trim_end().strip_suffix(')').unwrap();
    let variants = r#"variants: {
        "bound": ["services.chat.autoscaler=Clairvoyant(rate_per_replica: 8.0, max: 8)"],
        "four": ["services.chat.autoscaler=Fixed(replicas: 4)", "pools.p.max_nodes=8"],
    })"#;
    let scenario = scenario.replace("Manifest(\"h.yaml\")", "Fixed(replicas: 2)").replace("per_node: 8", "per_node: 1");
    std::fs::write(&path, format!("{scenario}{variants}")).unwrap();
    let path = path.to_string_lossy();
    let text = String::from_utf8(flashcrowd(&["run", &path, "--no-out", "--quiet"]).stdout).unwrap();
    let row = |name: &str| {
        text.lines().find(|line| line.starts_with(&format!("{name} "))).unwrap_or_else(|| panic!("{text}"))
    };
    assert!(row("variant").ends_with(" over bound") && row("bound").ends_with("+0.0 %"), "{text}");
    let summary = json(&["run", &path, "--no-out", "--format", "json"]);
    let four = &summary["bound"]["distances"][1];
    let over = four["cost_over_bound"].as_f64().unwrap();
    assert!(over > 0.1 && row("four").ends_with(&format!("{:+.1} %", over * 100.0)), "{four}");
    assert_eq!(summary["bound"]["variant"], "bound");
}
