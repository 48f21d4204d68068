//! `flashcrowd replay`: every kind of manifest, and policies as scenarios write them, on one recording.

use serde_json::Value;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use tempfile::TempDir;

/// An hour: a load that swings, and ten minutes without any.
fn recording(folder: &TempDir) -> String {
    let mut text =
        "time,in_flight_requests,waiting_requests,vllm:num_requests_running,requests_per_second,kv_cache_usage,\
                    scheduled_decode_kv_tokens,queued_decode_kv_tokens,queued_prefill_tokens\n"
            .to_owned();
    for t in (0..=3_600).step_by(15) {
        let load =
            if (2_400..3_000).contains(&t) { 0.0 } else { (100.0 + 90.0 * (f64::from(t) / 600.0).sin()).round() };
        let (waiting, running, rate) = ((load - 120.0).max(0.0), load.min(120.0), load / 7.0);
        let _ = writeln!(text, "{t},{load},{waiting},{running},{rate},{},{},0,0", load / 400.0, load * 2_000.0);
    }
    let path = folder.path().join("signals.csv");
    fs::write(&path, text).unwrap();
    path.display().to_string()
}

fn flashcrowd(args: &[&str]) -> Output {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    Command::new(env!("CARGO_BIN_EXE_flashcrowd")).current_dir(root).args(args).output().unwrap()
}

fn replayed(policy: &str, signals: &str) -> Value {
    let output = flashcrowd(&["replay", policy, signals, "--format", "json"]);
    assert_eq!(output.status.code(), Some(0), "{policy}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn every_kind_of_manifest_decides_on_a_recording() {
    let folder = TempDir::new().unwrap();
    let signals = recording(&folder);
    let kinds = [
        "aibrix.yaml",
        "aws.json",
        "dynamo.yaml",
        "keda.yaml",
        "knative.yaml",
        "ray.yaml",
        "skyserve.yaml",
        "wva.yaml",
    ];
    for kind in kinds {
        let manifest = format!("scenarios/manifests/controllers-{kind}");
        let found = replayed(&manifest, &signals);
        assert_eq!(found["open_loop"], true, "{kind}");
        let ticks = found["ticks"].as_array().unwrap();
        let changes = ticks.iter().filter(|tick| tick["before"] != tick["desired"]).count();
        assert!(changes >= 2, "{kind}: {changes}");
        // Bounds hold where the manifest has them; WVA's variant has none.
        let within = |tick: &Value| (1..=16).contains(&tick["desired"].as_u64().unwrap());
        assert!(kind == "wva.yaml" || ticks.iter().all(within), "{kind}");
        assert!(ticks.iter().any(|tick| !tick["metrics"].as_array().unwrap().is_empty()), "{kind}: says nothing");
        assert_eq!(found, replayed(&manifest, &signals), "{kind}: decides the same again");
    }
}

#[test]
fn keda_and_its_hpa_both_act_and_one_goes_to_zero() {
    let folder = TempDir::new().unwrap();
    let found = replayed("scenarios/manifests/to-zero-keda.yaml", &recording(&folder));
    let ticks = found["ticks"].as_array().unwrap();
    let by = |name: &str| ticks.iter().filter(|tick| tick["controller"] == name).count();
    assert!(by("keda/chat") >= 2 && by("hpa/keda-hpa-chat") >= 2, "{ticks:?}");
    assert!(ticks.iter().any(|tick| tick["controller"] == "keda/chat" && tick["desired"] == 0));
}

/// An hour and more of a calm load, from this instant on in seconds since 1970.
fn calm_from(folder: &TempDir, start: i64) -> String {
    let mut text = "time,in_flight_requests\n".to_owned();
    for t in (0..=4_500).step_by(15) {
        let _ = writeln!(text, "{},3", start + t);
    }
    let path = folder.path().join(format!("{start}.csv"));
    fs::write(&path, text).unwrap();
    path.display().to_string()
}

/// Eight in Berlin is seven in UTC on Friday, 27 March 2026, and six on Monday, in summer time.
#[test]
fn what_goes_by_the_clock_follows_the_dates_of_the_recording() {
    let folder = TempDir::new().unwrap();
    let manifest = folder.path().join("day.yaml");
    let text = "apiVersion: keda.sh/v1alpha1\nkind: ScaledObject\nmetadata: {name: day}\nspec:\n  \
                scaleTargetRef: {name: day}\n  minReplicaCount: 1\n  maxReplicaCount: 9\n  triggers:\n  \
                - {type: cron, metadata: {timezone: Europe/Berlin, start: 0 8 * * *, end: 0 20 * * *, \
                desiredReplicas: '5'}}\n";
    fs::write(&manifest, text).unwrap();
    let manifest = manifest.to_str().unwrap();
    // From 05:30 UTC to 06:45, and from 06:30 to 07:45.
    for (start, raised_after_s) in [(1_774_848_600, Some(1_800)), (1_774_589_400, None), (1_774_593_000, Some(1_800))] {
        let found = replayed(manifest, &calm_from(&folder, start));
        let ticks = found["ticks"].as_array().unwrap();
        let first = ticks.iter().find(|tick| tick["desired"] == 5).map(|tick| tick["at_s"].as_f64().unwrap());
        match raised_after_s {
            None => assert_eq!(first, None, "{start}"),
            Some(wanted) => {
                let late = first.unwrap() - f64::from(wanted);
                assert!((0.0..=60.0).contains(&late), "{start}: raised after {first:?} s");
            }
        }
    }
    let output = flashcrowd(&["replay", manifest, &calm_from(&folder, 0)]);
    let message = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{message}");
    assert!(message.contains("reads the clock") && message.contains("seconds since 1970"), "{message}");
}

#[test]
fn a_policy_may_stand_on_the_command_line() {
    let folder = TempDir::new().unwrap();
    let signals = recording(&folder);
    let found = replayed("ConcurrencyTarget(in_flight_per_replica: 20.0, max: 9)", &signals);
    let most = found["ticks"].as_array().unwrap().iter().map(|tick| tick["desired"].as_u64().unwrap()).max();
    assert_eq!((found["policy"].as_str(), most), (Some("concurrency-target (1-9)"), Some(9)));
    let output = flashcrowd(&["replay", "ConcurrencyTarget(in_flight_per_replica: 20.0, max: 9)", &signals]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("Open loop") && text.contains("in_flight_requests = "), "{text}");
}

#[test]
fn what_cannot_be_replayed_is_said() {
    let folder = TempDir::new().unwrap();
    let signals = folder.path().join("s.csv");
    fs::write(&signals, "time,other\n0,1\n15,2\n").unwrap();
    let signals = signals.to_str().unwrap();
    for (policy, words) in [
        ("scenarios/manifests/controllers-ray.yaml", "was not recorded"),
        ("QueueDepht(waiting_per_replica: 5.0, max: 9)", "did you mean `QueueDepth`?"),
        ("QueueDepth(waiting_per_replica: -5.0, max: 9)", "waiting_per_replica"),
        ("scenarios/manifests/no-such.yaml", "cannot read the file"),
        ("CHANGELOG.md", "CHANGELOG.md"),
        (".ci/run", ".ci/run"),
    ] {
        let output = flashcrowd(&["replay", policy, signals]);
        let message = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{policy}: {message}");
        assert!(message.contains(words), "{policy}: expected `{words}` in\n{message}");
        assert!(output.stdout.is_empty());
    }
}
