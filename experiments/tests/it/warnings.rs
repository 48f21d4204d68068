//! What a report warns of, with the right cause, and what it is silent about.

use std::fmt::Write as _;
use std::fs;
use std::process::Command;
use tempfile::TempDir;

const SCENARIO: &str = r#"(
    horizon: "2h",
    pools: {"p": (gpu: "H100", max_nodes: 4, min_nodes: 4)},
    services: {"s": (SERVICE)},
    traffic: {"t": TRAFFIC},
)
"#;

const HPA: &str = r#"apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: h}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: s}
  minReplicas: 2
  maxReplicas: MAX
  metrics:
    - {type: Pods, pods: {metric: {name: own}, target: {type: AverageValue, averageValue: "TARGET"}}}
"#;

/// Requests every 400 ms on average, in waves, for two minutes.
fn trace() -> String {
    let mut text = "TIMESTAMP,ContextTokens,GeneratedTokens\n".to_owned();
    for i in 0..300_u64 {
        let ms = i * 400 + i * i % 397;
        let _ = writeln!(text, "2023-11-16 18:{:02}:{:02}.{:03},100,20", 15 + ms / 60_000, ms / 1_000 % 60, ms % 1_000);
    }
    text
}

fn report(service: &str, traffic: &str, hpa: (u32, &str), args: &[&str]) -> String {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("s.ron"), SCENARIO.replace("SERVICE", service).replace("TRAFFIC", traffic)).unwrap();
    let manifest = HPA.replace("MAX", &hpa.0.to_string()).replace("TARGET", hpa.1);
    fs::write(folder.path().join("h.yaml"), manifest).unwrap();
    fs::write(folder.path().join("t.csv"), trace()).unwrap();
    let mut flashcrowd = Command::new(env!("CARGO_BIN_EXE_flashcrowd"));
    let output = flashcrowd.current_dir(folder.path()).args(["run", "s.ron", "--no-out"]).args(args).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

const SLOTS: &str = "serving: Slots(concurrency: 1), service_time: \"1s\"";

fn scaled(signal: &str) -> String {
    format!("{SLOTS}, autoscaler: Manifest(\"h.yaml\"), bind: {{\"own\": {signal}}}")
}

const NO_LOAD: &str = "carries no load signal";

#[test]
fn a_metric_that_does_not_move_with_the_load_is_named() {
    // What two replicas cannot serve waits for an hour; their GPUs are busy all the time.
    let rises = "Schedule(steps: [(at: \"0s\", rate: \"2.0/s\"), (at: \"40m\", rate: \"3.0/s\"), (at: \"80m\", rate: \"1.2/s\")])";
    let busy = report(&scaled("GpuUtilization"), rises, (2, "50"), &[]);
    assert!(busy.contains(&format!("metric `own` {NO_LOAD}: it stood at its highest value")), "{busy}");
    let waiting = report(&scaled("InFlightRequests"), rises, (2, "5"), &[]);
    assert!(!waiting.contains(NO_LOAD), "{waiting}");
}

#[test]
fn constant_load_and_a_controlled_metric_are_no_broken_metric() {
    for signal in ["RequestsPerSecond", "GpuUtilization", "LatencyP95", "WaitingRequests"] {
        let constant = report(&scaled(signal), "Poisson(rate: \"1/s\")", (2, "50"), &[]);
        assert!(!constant.contains(NO_LOAD), "{signal}: {constant}");
    }
    let waves = "Schedule(ramp: true, repeat_every: \"40m\", steps: [(at: \"0s\", rate: \"1/s\"), \
                 (at: \"20m\", rate: \"12/s\"), (at: \"39m\", rate: \"1/s\")])";
    let held = report(&scaled("RequestsPerSecond"), waves, (32, "0.4"), &[]);
    assert!(!held.contains(NO_LOAD), "{held}");
}

#[test]
fn refusals_have_their_cause() {
    let tokens = "prompt_tokens: LogNormal(p50: 100, p99: 200), output_tokens: LogNormal(p50: 20, p99: 60)";
    let traffic = format!("Poisson(rate: \"1/s\", {tokens})");
    let engine = "model: \"Llama-3.1-8B\", serving: ContinuousBatch(), replicas: 0, at_zero: Refused";
    let refused = report(engine, &traffic, (2, "1"), &["--set", "horizon=5m"]);
    let words = "every request was refused; no replica was ever ready, and nobody holds requests meanwhile (`at_zero: Refused`)";
    assert!(refused.contains(words), "{refused}");
    assert!(!refused.contains("prompts may be longer"), "{refused}");
    let slots = report(
        &format!("{SLOTS}, replicas: 0, at_zero: Refused"),
        "Poisson(rate: \"1/s\")",
        (2, "1"),
        &["--set", "horizon=5m"],
    );
    assert!(slots.contains(words), "{slots}");
    let long = "model: \"Llama-3.1-8B\", serving: ContinuousBatch(max_model_len: 20)";
    let long = report(long, &traffic, (2, "1"), &["--set", "horizon=5m"]);
    assert!(long.contains("every request was refused; prompts may be longer than the 20 tokens"), "{long}");
}

/// The trace is the same in each replicate, and the service takes no chance: so are the replicates.
#[test]
fn replicates_of_a_recorded_trace_differ_only_if_they_are_resampled() {
    let said =
        "replicates of a recorded trace have the same arrivals: intervals speak of start-up times and routing alone";
    let play = |traffic: &str, replicates: &str| {
        report(SLOTS, traffic, (2, "1"), &["--replicates", replicates, "--set", "horizon=3m"])
    };
    let same = play("Trace(path: \"t.csv\")", "3");
    assert!(same.contains(said) && same.contains("`resample: Blocks(\"1h\")` makes them differ"), "{same}");
    assert!(!play("Trace(path: \"t.csv\")", "1").contains(said));
    assert!(!play("Poisson(rate: \"1/s\")", "3").contains(said));
    assert!(!play("Trace(path: \"t.csv\", rate_scale: 0.5)", "3").contains(said), "each draws what it leaves out");
    let differ = play("Trace(path: \"t.csv\", resample: Blocks(\"10s\"))", "3");
    assert!(!differ.contains(said), "{differ}");
    let digests = |traffic: &str| {
        let of = |seed: &str| {
            report(
                SLOTS,
                traffic,
                (2, "1"),
                &["--set", &format!("seed={seed}"), "--set", "horizon=3m", "--format", "json"],
            )
        };
        let digest = |text: String| text.lines().find(|line| line.contains("\"digest\"")).map(str::to_owned).unwrap();
        [of("1"), of("1"), of("2")].map(digest)
    };
    let [one, again, other] = digests("Trace(path: \"t.csv\", resample: Blocks(\"10s\"))");
    assert!(one == again && one != other);
    let [one, _, other] = digests("Trace(path: \"t.csv\")");
    assert_eq!(one, other);
}

#[test]
fn a_trace_of_fewer_than_two_blocks_is_refused() {
    let folder = TempDir::new().unwrap();
    let traffic = "Trace(path: \"t.csv\", resample: Blocks(\"1h\"))";
    fs::write(folder.path().join("s.ron"), SCENARIO.replace("SERVICE", SLOTS).replace("TRAFFIC", traffic)).unwrap();
    fs::write(folder.path().join("t.csv"), trace()).unwrap();
    let mut flashcrowd = Command::new(env!("CARGO_BIN_EXE_flashcrowd"));
    let output = flashcrowd.current_dir(folder.path()).args(["check", "s.ron"]).output().unwrap();
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{message}");
    for words in ["s.ron:5:", "the trace cannot be resampled", "less than two blocks", "resample shorter blocks"] {
        assert!(message.contains(words), "expected `{words}` in\n{message}");
    }
}

/// Linux has a disk that is always full.
#[cfg(target_os = "linux")]
#[test]
fn a_full_stdout_is_an_error_and_a_closed_one_is_not() {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("s.ron"), SCENARIO.replace("SERVICE", SLOTS).replace("TRAFFIC", "Poisson(rate: 1.0)"))
        .unwrap();
    fs::write(folder.path().join("h.yaml"), HPA.replace("MAX", "4").replace("TARGET", "5")).unwrap();
    let shell = |line: &str| {
        let line = line.replace("flashcrowd", env!("CARGO_BIN_EXE_flashcrowd"));
        Command::new("bash").current_dir(folder.path()).args(["-c", &line]).output().unwrap()
    };
    for command in [
        "run s.ron --no-out",
        "run s.ron --no-out --format json",
        "check s.ron",
        "policies",
        "schema scenario",
        "completions bash",
        "--help",
        "run --help",
        "--version",
    ] {
        let full = shell(&format!("flashcrowd {command} > /dev/full"));
        let message = String::from_utf8_lossy(&full.stderr).into_owned();
        assert_eq!(full.status.code(), Some(1), "{command}: {message}");
        assert!(message.contains("error: the results could not be printed: No space left on device"), "{message}");
        let closed = shell(&format!("set -o pipefail; flashcrowd {command} | true"));
        assert_eq!(closed.status.code(), Some(0), "{command}: {}", String::from_utf8_lossy(&closed.stderr));
    }
}
