//! Inputs that showed faults, with what is right for each: `found/` of the reference data.

use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tempfile::TempDir;

/// A copy of one of the folders, or nothing where there is no reference data.
#[expect(clippy::print_stdout, reason = "a skipped test says so")]
pub(crate) fn copy(name: &str) -> Option<TempDir> {
    let Some(reference) = std::env::var_os("FLASHCROWD_REFERENCE").map(PathBuf::from) else {
        println!("skipped: FLASHCROWD_REFERENCE is not set");
        return None;
    };
    let folder = TempDir::new().unwrap();
    for entry in fs::read_dir(reference.join("found").join(name)).unwrap().flatten() {
        if entry.path().is_file() {
            let place = folder.path().join(entry.file_name());
            fs::copy(entry.path(), &place).unwrap();
        }
    }
    Some(folder)
}

pub(crate) fn flashcrowd(folder: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_flashcrowd")).current_dir(folder).args(args).output().unwrap()
}

pub(crate) fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

pub(crate) fn json(folder: &Path, args: &[&str]) -> Value {
    let output = flashcrowd(folder, &[args, &["--no-out", "-q", "--format", "json"]].concat());
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{args:?}: {}", text(&output)))
}

/// The command ends with a code and its words hold some others.
pub(crate) fn says(folder: &Path, args: &[&str], code: i32, expected: &[&str]) {
    let output = flashcrowd(folder, args);
    let text = text(&output);
    assert_eq!(output.status.code(), Some(code), "{args:?}: {text}");
    for word in expected {
        assert!(text.contains(word), "{args:?}: expected `{word}` in\n{text}");
    }
}

#[test]
fn every_service_is_judged() {
    let Some(folder) = copy("verdicts") else { return };
    let folder = folder.path();
    let run = |file: &str| flashcrowd(folder, &["run", file, "--no-out", "-q", "--strict"]);
    let blind = run("compare_blind.ron");
    assert_eq!(blind.status.code(), Some(3), "a service misses its SLO");
    assert!(text(&blind).contains("1 of 2 variants hold every SLO; the cheapest is `four`"), "{}", text(&blind));
    says(
        folder,
        &["compare", "compare_blind.ron", "-q"],
        0,
        &["`one` is worse than `four`: it misses b e2e p90 < 10s"],
    );
    let two = json(folder, &["run", "compare_two_services.ron"]);
    let held =
        |variant: &Value| variant["promises"].as_array().unwrap().iter().all(|one| one["held"] == one["replicates"]);
    for variant in two["variants"].as_array().unwrap() {
        assert!(!held(variant), "{variant}");
    }
    says(folder, &["compare", "compare_two_services.ron", "-q", "--service", "b"], 0, &["\nb  "]);
    let seeds = flashcrowd(folder, &["compare", "vseed.ron", "-q"]);
    for words in [
        "not paired: `b` has another horizon",
        "`c` has another seed",
        "`d` has 9 replicates",
        "`e` has other traffic",
        "`f` has another warm-up",
    ] {
        assert!(text(&seeds).contains(words), "{words} in\n{}", text(&seeds));
    }
}

#[test]
fn figures_are_what_they_say() {
    let Some(folder) = copy("verdicts") else { return };
    let folder = folder.path();
    let cost = |file: &str, figure: &str| json(folder, &["run", file])["cost"][figure].as_f64();
    assert!((cost("tokens_cut.ron", "usd_per_1m_tokens").unwrap() - 6_167.0).abs() < 1.0);
    assert!((cost("tokens_cut_kv.ron", "usd_per_1m_tokens").unwrap() - 3.67).abs() < 0.01);
    for file in ["tokens_cut.ron", "tokens_cut_kv.ron"] {
        says(folder, &["run", file, "--no-out", "-q"], 0, &["outputs were cut at the"]);
    }
    let whole =
        json(folder, &["run", "discount_with_prices.ron", "--set", "pools.sp.discount=0.0"])["cost"]["total_usd"]
            .as_f64();
    let half = cost("discount_with_prices.ron", "total_usd");
    assert!((half.unwrap() * 2.0 - whole.unwrap()).abs() < 1e-9);
    let zero = json(folder, &["run", "zero_completed_per_1k.ron"]);
    assert!(
        zero["cost"]["usd_per_1k_requests"].is_null() && zero["services"]["s"]["latency_s"]["e2e"]["p50"].is_null()
    );
    says(folder, &["run", "zero_completed_per_1k.ron", "--no-out", "-q"], 0, &["- per 1k requests completed"]);
    let host = json(folder, &["run", "host_stage_queue.ron"]);
    let mean = |part: &str| host["services"]["s"]["latency_s"][part]["mean"].as_f64().unwrap();
    assert!((mean("service") - mean("e2e")).abs() < 1e-12 && mean("queue") == 0.0, "{host}");
}

#[test]
fn nobody_depends_on_the_number_or_order_of_others() {
    let Some(folder) = copy("verdicts") else { return };
    let folder = folder.path();
    let latency = |file: &str, service: &str| json(folder, &["run", file])["services"][service]["latency_s"].clone();
    assert_eq!(latency("victims_1.ron", "x"), latency("victims_2.ron", "x"));
    for kind in ["health", "prefix_affinity"] {
        let routes =
            ["1", "2"].map(|n| json(folder, &["run", &format!("region_order_{kind}_{n}.ron")])["routes"].clone());
        assert_eq!(routes[0], routes[1], "{kind}");
    }
}

#[test]
fn files_of_others_stay_and_names_that_clash_have_two_files() {
    let Some(folder) = copy("verdicts/out_loss") else { return };
    let folder = folder.path();
    let run = |args: &[&str]| flashcrowd(folder, &[&["run", "-q"], args].concat()).status.code();
    assert_eq!(run(&["ok.ron", "--out", "o"]), Some(0));
    fs::write(folder.join("o/notes.txt"), "precious").unwrap();
    fs::copy(folder.join("ok.ron"), folder.join("o/ok.ron")).unwrap();
    assert_eq!(run(&["o/ok.ron", "--out", "o"]), Some(0));
    assert_eq!(fs::read_to_string(folder.join("o/notes.txt")).unwrap(), "precious");
    assert!(folder.join("o/ok.ron").exists() && folder.join("o/summary.json").exists());
    let Some(verdicts) = copy("verdicts") else { return };
    says(verdicts.path(), &["run", "hgrm_name_collision.ron", "-q", "--out", "o"], 0, &[]);
    let files = fs::read_dir(verdicts.path().join("o")).unwrap().flatten();
    assert_eq!(files.filter(|file| file.file_name().to_string_lossy().ends_with(".hgrm")).count(), 2);
}

#[test]
fn limits_hold_and_nothing_runs_for_ever() {
    let Some(folder) = copy("verdicts") else { return };
    let folder = folder.path();
    says(
        folder,
        &["run", "memory_limit_replicates.ron", "--replicates", "1000", "--no-out", "-q"],
        0,
        &["each of 1000 replicates"],
    );
    says(
        folder,
        &["run", "memory_limit_replicates.ron", "--replicates", "0", "--no-out", "-q"],
        2,
        &["`replicates` is 0"],
    );
    says(
        folder,
        &["run", "memory_limit_replicates.ron", "--replicates", "1000000", "--no-out", "-q"],
        2,
        &["replicates"],
    );
    says(folder, &["run", "limit_live_requests.ron", "--no-out", "-q"], 2, &["limit of 3 live_requests"]);
    says(folder, &["run", "limit_requests_users.ron", "--no-out", "-q"], 2, &["limit of 1000000 requests"]);
    says(folder, &["run", "life_1ps.ron", "--no-out", "-q"], 2, &["would be lost"]);
    says(folder, &["run", "users_1ps.ron", "--no-out", "-q"], 2, &["simulated time"]);
    says(folder, &["run", "wake_tiny.ron", "--no-out", "-q"], 2, &["a millisecond later"]);
    says(folder, &["run", "lag.ron", "--no-out", "-q"], 2, &["nobody asked for"]);
    says(folder, &["run", "wrap_hang.ron", "--no-out", "-q"], 2, &["no answer within 2 s"]);
    let made = Command::new("mkfifo").arg(folder.join("fifo")).status();
    if made.is_ok_and(|status| status.success()) {
        says(folder, &["run", "tr_fifo.ron", "--no-out", "-q"], 2, &["pipe"]);
    }
}

#[test]
fn what_has_no_effect_is_said_and_contradictions_are_refused() {
    let Some(folder) = copy("verdicts") else { return };
    let folder = folder.path();
    says(folder, &["check", "rt_dup.ron"], 2, &["is given twice"]);
    says(folder, &["check", "weights0.ron"], 2, &["no region has a weight"]);
    says(folder, &["check", "outage_after.ron"], 0, &["`faults.o`", "has no effect"]);
    says(folder, &["check", "notice.ron"], 0, &["`pools.p.notice`", "has no effect"]);
    says(folder, &["check", "hpa_cpu_without_cpu.ron"], 0, &["`bind` of `q` has no effect", "0 for ever"]);
}

#[test]
fn the_days_of_operations() {
    let Some(folder) = copy("operations/5-variants-judge-first-service") else { return };
    let strict = flashcrowd(folder.path(), &["run", "two-variants.ron", "--no-out", "-q", "--strict"]);
    assert_eq!(strict.status.code(), Some(3));
    assert!(text(&strict).contains("None of 2 variants holds every SLO"), "{}", text(&strict));
    let Some(folder) = copy("operations/6-timetable-steps-down-early") else { return };
    let both = json(folder.path(), &["run", "timetable.ron"]);
    let kept = |n: usize| both["runs"][n]["services"]["a"]["attainment"].as_f64().unwrap();
    assert!((kept(0) - kept(1)).abs() < 0.01, "{} {}", kept(0), kept(1));
    let Some(folder) = copy("operations/7-cold-start-blamed-for-full-pool") else { return };
    let full = json(folder.path(), &["run", "full.ron"]);
    let mean = |part: &str| full["services"]["a"]["latency_s"][part]["mean"].as_f64().unwrap_or(0.0);
    assert!(mean("cold_start") == 0.0 && mean("no_capacity") > 0.5 * (mean("e2e") - mean("service")), "{full}");
    let report = flashcrowd(folder.path(), &["run", "full.ron", "--no-out", "-q"]);
    let report = text(&report);
    assert!(!report.contains("% cold start") && report.contains("full pool"), "{report}");
}

/// A service scaled by one of the found manifests.
fn scaled_by(folder: &Path, manifest: &str) {
    let text = format!(
        r#"(horizon: "10m", pools: {{"p": (gpu: "H100", gpu_price: "6.88/h", max_nodes: 20)}},
        services: {{"llm": (model: "Llama-3.1-8B", serving: ContinuousBatch(), slo: [(quantile: 0.95, limit: "300s")],
            autoscaler: Manifest({manifest}))}},
        traffic: {{"t": Poisson(rate: 1.0, prompt_tokens: LogNormal(p50: 100, p99: 300), output_tokens: LogNormal(p50: 10, p99: 30))}})"#
    );
    fs::write(folder.join("scaled.ron"), text).unwrap();
}

#[test]
fn manifests_of_these_formats_are_read() {
    let Some(folder) = copy("manifests") else { return };
    let folder = folder.path();
    let table = [
        ("\"r01-ray-llm-configs.yaml\"", "ray-serve/llms/m (1-4)"),
        ("\"ray-llm-configs.yaml\", name: \"llms/m\"", "ray-serve/llms/m (1-8)"),
        ("\"ray-fixed.yaml\"", "ray-serve/m/M"),
        ("\"sky-pool.yaml\"", "skyserve/llm"),
        ("\"sky-pool-auto.yaml\"", "skyserve/llm (1-8)"),
        ("\"hpa-v1.yaml\"", "hpa/llm (1-5)"),
        ("\"hpa-gmp-names.yaml\"", "hpa/llm (1-5)"),
        ("\"h03-cache-share-target-in-percent.yaml\"", "target unreachable"),
        ("\"h05-gpu-fraction.yaml\"", "the target 0.6 of `gpu_utilization` is held against a percentage"),
        ("\"hpa-min0.yaml\"", "feature gate HPAScaleToZero is off"),
        ("\"hpa-tolerance-128.yaml\"", "`k8s-1.28` drops it"),
        ("\"knative-operator-config.yaml\"", "knative/llm (1-8)"),
    ];
    for (manifest, words) in table {
        scaled_by(folder, &format!("path: {manifest}"));
        says(folder, &["check", "scaled.ron"], 0, &[words]);
    }
    scaled_by(folder, "path: \"hpa-min0.yaml\", scale_to_zero: true");
    assert!(!text(&flashcrowd(folder, &["check", "scaled.ron"])).contains("HPAScaleToZero"));
    scaled_by(folder, "path: \"hpa-tolerance-128.yaml\", variant: \"k8s-2026-backport\"");
    assert!(!text(&flashcrowd(folder, &["check", "scaled.ron"])).contains("tolerance"));
    scaled_by(folder, "path: \"hpa-hint-latency.yaml\"");
    says(folder, &["check", "scaled.ron"], 2, &["bind: {\"app_ttft_p95_seconds\": TimeToFirstTokenP95}"]);
    fs::write(folder.join("helm.yaml"), "kind: HorizontalPodAutoscaler\nspec:\n  maxReplicas: {{ .Values.most }}\n")
        .unwrap();
    scaled_by(folder, "path: \"helm.yaml\"");
    says(folder, &["check", "scaled.ron"], 2, &["helm.yaml:3:16", "render it first with `helm template`"]);
}

#[test]
fn replays_follow_the_settings_of_the_file() {
    let Some(folder) = copy("manifests") else { return };
    let folder = folder.path();
    let knative = ["replay", "knative-operator-config.yaml", "knative-operator-config.csv"];
    says(folder, &knative, 0, &["1 -> 4 "]);
    let hpa = |variant: &str| {
        let args =
            ["replay", "hpa-tolerance-128.yaml", "hpa-tolerance-128.csv", "--replicas", "2", "--variant", variant];
        text(&flashcrowd(folder, &args))
    };
    let (old, new) = (hpa("k8s-1.28"), hpa("k8s-2026-backport"));
    assert!(old.contains("6 reconciles, 0 changes") && old.contains("Kubernetes knows it since 1.33"), "{old}");
    assert!(new.contains("6 reconciles, 1 changes") && !new.contains("warning"), "{new}");
}
