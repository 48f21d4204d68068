//! Pipes, devices and folders where a file is expected: read, or refused with words; never waited
//! for in silence.
#![cfg(unix)]

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::mpsc::channel;
use std::time::Duration;
use tempfile::TempDir;

const SCENARIO: &str = r#"(
    horizon: "10s",
    pools: {"p": (gpu: "H100", max_nodes: 4)},
    services: {"s": (serving: Slots(concurrency: 1), service_time: "100ms")},
    traffic: {"t": Poisson(rate: 1.0)},
)
"#;

const MANIFEST: &str = r#"apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: hpa}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: s}
  minReplicas: 1
  maxReplicas: 4
  metrics:
    - {type: Pods, pods: {metric: {name: pending_requests}, target: {type: AverageValue, averageValue: "5"}}}
"#;

/// Runs a shell line in a folder; it must not take half a minute.
fn shell(folder: &Path, line: &str) -> Output {
    let line = line.replace("flashcrowd", env!("CARGO_BIN_EXE_flashcrowd"));
    let mut command = Command::new("sh");
    command.current_dir(folder).args(["-c", &line]).stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = command.spawn().unwrap();
    let (ended, waits) = channel();
    #[expect(clippy::disallowed_methods, reason = "a test that hangs would not fail")]
    std::thread::spawn(move || ended.send(child.wait_with_output().unwrap()));
    waits.recv_timeout(Duration::from_secs(30)).unwrap_or_else(|_| panic!("`{line}` waits"))
}

fn folder() -> TempDir {
    let folder = TempDir::new().unwrap();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    write("s.ron", SCENARIO);
    write("hpa.yaml", MANIFEST);
    write("trace.ron", &SCENARIO.replace("Poisson(rate: 1.0)", "Trace(path: \"pipe\")"));
    let scaled = "service_time: \"100ms\", autoscaler: Manifest(\"pipe\")";
    write(
        "variants.ron",
        &SCENARIO
            .replace("service_time: \"100ms\"", scaled)
            .replace("horizon:", "variants: {\"a\": [\"seed=1\"], \"b\": [\"seed=2\"]}, horizon:"),
    );
    assert!(Command::new("mkfifo").arg(folder.path().join("pipe")).status().unwrap().success());
    folder
}

#[test]
fn what_is_read_once_may_be_a_pipe() {
    let folder = folder();
    for line in [
        "cat s.ron | flashcrowd check /dev/stdin",
        "cat s.ron > pipe & flashcrowd check pipe",
        // Both variants name the manifest; it can be read once.
        "cat hpa.yaml > pipe & flashcrowd check variants.ron",
        "flashcrowd check /dev/stdin < s.ron",
    ] {
        let output = shell(folder.path(), line);
        assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

#[test]
fn what_would_never_end_is_refused_with_words() {
    let folder = folder();
    let zero = SCENARIO.replace("Poisson(rate: 1.0)", "Trace(path: \"/dev/zero\")");
    fs::write(folder.path().join("zero.ron"), zero).unwrap();
    for (line, words) in [
        (
            "flashcrowd run trace.ron",
            "error: `pipe`: it is a pipe, and it is read more than once: save its content as a file",
        ),
        ("flashcrowd run pipe", "it is a pipe, and nobody has written to it"),
        ("flashcrowd run variants.ron", "it is a pipe, and nobody has written to it"),
        ("flashcrowd run zero.ron", "`/dev/zero`: it is a device"),
        ("flashcrowd run /dev/zero", "it is a device"),
        ("flashcrowd run .", "it is a directory"),
        ("flashcrowd compare s.ron hpa.yaml pipe", "it is a pipe, and nobody has written to it"),
        ("flashcrowd validate queueing pipe", "it is a pipe, and nobody has written to it"),
        ("flashcrowd validate serving /dev/zero", "it is a device"),
        ("flashcrowd fit serving pipe --gpu H100", "it is a pipe, and nobody has written to it"),
        ("flashcrowd replay pipe hpa.yaml", "it is a pipe, and nobody has written to it"),
        ("flashcrowd replay hpa.yaml pipe", "it is a pipe, and nobody has written to it"),
        ("flashcrowd test pipe", "pipe"),
    ] {
        let output = shell(folder.path(), line);
        let message = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{line}: {message}");
        assert!(message.contains(words), "{line}: expected `{words}` in\n{message}");
    }
    assert!(!folder.path().join("out").exists());
}
