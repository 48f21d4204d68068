//! Policies in other languages: they decide as their twin here, and what goes wrong is said.

use flashcrowd::external::{External, ExternalConfig};
use flashcrowd_core::ports::{
    Autoscaler, Batch, JobCounts, Mode, Observation, Sample, SignalId, SignalView, TargetId, TargetView, Wake,
};
use flashcrowd_core::{SimDuration, SimTime};
use flashcrowd_policies::autoscalers::baselines::{Bounds, ConcurrencyConfig, ConcurrencyTarget};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;
use tempfile::TempDir;

fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/policies")
}

fn seen(now_s: u64, spec: u32, in_flight: Option<f64>) -> Observation {
    let now = SimTime::from_s(now_s);
    let batch =
        |value| Batch { at: now, window: SimDuration::ZERO, samples: vec![Sample { replica: None, at: now, value }] };
    let signals = vec![SignalView { signal: SignalId(0), batches: in_flight.map(|value| vec![batch(value)]) }];
    let view = TargetView {
        target: TargetId(0),
        spec_replicas: spec,
        status_replicas: spec,
        ready_replicas: spec,
        mode: Mode::Serve,
        probe: None,
        jobs: JobCounts::default(),
        replicas: Vec::new(),
        signals,
    };
    Observation { now, wake: Wake::Tick, targets: vec![view] }
}

/// Half an hour of a load that rises, falls, jumps and is not seen now and then.
fn decides_as_its_twin(program: &[&str]) {
    let config = ConcurrencyConfig {
        in_flight_per_replica: 8.0,
        bounds: Bounds { min: 1, max: 16 },
        period: SimDuration::from_s(15),
        down_window: SimDuration::from_s(300),
    };
    let mut twin = ConcurrencyTarget::new(TargetId(0), config).unwrap();
    let signals = twin.signals(TargetId(0)).map(|request| (request.clone(), 1.0)).collect();
    let mut external = External::new(
        TargetId(0),
        ExternalConfig {
            program: program.iter().map(|word| (*word).to_owned()).collect(),
            folder: examples(),
            service: "chat".to_owned(),
            services: vec!["chat".to_owned()],
            period: SimDuration::from_s(15),
            poked: false,
            signals,
            time_limit: Duration::from_secs(120),
        },
    );
    let (mut spec, mut changes) = (2, 0);
    for step in 0..120_u64 {
        let load = 60.0 + 55.0 * (step as f64 / 17.0).sin() + if step % 40 == 7 { 90.0 } else { 0.0 };
        let seen = seen(step * 15, spec, (step % 11 != 3).then_some(load.round()));
        let (ours, theirs) = (twin.policy.decide(&seen), external.policy.decide(&seen));
        assert_eq!(external.policy.failure(), None);
        assert_eq!(ours.actions, theirs.actions, "at step {step}");
        if let Some(flashcrowd_core::ports::Action::SetReplicas { replicas, .. }) = ours.actions.first() {
            (spec, changes) = (*replicas, changes + 1);
        }
    }
    assert!(changes > 10, "{changes}");
}

fn installed(program: &str, arg: &str) -> bool {
    Command::new(program).arg(arg).output().is_ok_and(|output| output.status.success())
}

#[test]
fn python_decides_as_its_twin() {
    if installed("python3", "--version") {
        decides_as_its_twin(&["python3", "concurrency.py"]);
    } else {
        println!("skipped: python3 is not installed");
    }
}

#[test]
fn go_decides_as_its_twin() {
    if installed("go", "version") {
        decides_as_its_twin(&["go", "run", "concurrency.go"]);
    } else {
        println!("skipped: go is not installed");
    }
}

#[test]
fn the_examples_are_short() {
    for name in ["concurrency.py", "concurrency.go"] {
        let lines = fs::read_to_string(examples().join(name)).unwrap().lines().count();
        assert!(lines <= 40, "{name}: {lines}");
    }
}

/// Other languages build on the schemas: a change of the form must be seen in a change.
#[test]
fn the_schemas_in_the_repository_are_those_that_the_command_prints() {
    for kind in ["observation", "decision"] {
        let output = Command::new(env!("CARGO_BIN_EXE_flashcrowd")).args(["schema", kind]).output().unwrap();
        let printed = String::from_utf8(output.stdout).unwrap();
        let path = examples().join(format!("{kind}.schema.json"));
        assert_eq!(fs::read_to_string(&path).unwrap(), printed, "flashcrowd schema {kind} > {}", path.display());
    }
}

const SCENARIO: &str = r#"(
    horizon: "5m",
    pools: {"p": (gpu: "H100", max_nodes: 2)},
    services: {"s": (serving: Slots(concurrency: 1), service_time: "100ms", autoscaler: Command(PROGRAM))},
    traffic: {"t": Poisson(rate: 1.0)},
)
"#;

fn run(program: &str, script: &str) -> Output {
    run_in(SCENARIO, program, script)
}

fn run_in(scenario: &str, program: &str, script: &str) -> Output {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("policy.py"), script).unwrap();
    fs::write(folder.path().join("s.ron"), scenario.replace("PROGRAM", program)).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_flashcrowd"));
    command.current_dir(folder.path()).args(["run", "s.ron", "--no-out"]).output().unwrap()
}

const ANSWERS: &str =
    "import sys, json, random\nn = 0\nfor line in sys.stdin:\n    n += 1\n    print(ANSWER, flush=True)\n";

#[test]
fn what_a_process_does_wrong_ends_the_run_with_its_reason() {
    if !installed("python3", "--version") {
        return println!("skipped: python3 is not installed");
    }
    let python = r#"["python3", "policy.py"]"#;
    let cases = [
        (
            python,
            "'{}' if n < 3 else exit(7)",
            "at t=30s the policy `command/policy.py` failed: the process ended (exit status: 7)",
        ),
        (python, "'loaded model'", "print logs to stderr: stdout is for answers\n  it answered: loaded model"),
        (python, "'{}\\n{}'", "it wrote a line that nobody asked for"),
        (python, "'{}', flush=True); print('{}'", "expected one answer to each observation"),
        // Nothing is asked after the last: what is said then was an answer too many before.
        (python, "'{}', flush=True); print('late' if n == 20 else '', end='\\n' if n == 20 else ''", "it wrote: late"),
        (python, r#"'{"level": "info"}'"#, "unknown field `level`"),
        (python, r#"'{"actions": [{"set_replica": {"replicas": 1}}]}'"#, "unknown variant `set_replica`"),
        (
            python,
            r#"'{"actions": [{"set_replicas": {"target": "S", "replicas": 1}}]}'"#,
            "there is no target `S`: expected s",
        ),
        (
            python,
            r#"'{"actions": [{"set_replicas": {"replicas": %d}}]}' % random.randint(1, 9)"#,
            "decided otherwise when the same run was played again",
        ),
        (
            r#"program: ["python3", "-c", "import time; time.sleep(60)"], time_limit: "300ms""#,
            "0",
            "no answer within 0.3 s",
        ),
        (r#"["no-such-program"]"#, "0", "`no-such-program` could not be started"),
        ("[]", "0", "a command needs a program"),
        (
            r#"program: ["cat"], signals: ["vllm:kv_cache_usage_perc"]"#,
            "0",
            "exists only with `serving: ContinuousBatch`, and `s` has `serving: Slots`",
        ),
        (r#"program: ["cat"], signals: ["waiting_request"]"#, "0", "did you mean `waiting_requests`?"),
    ];
    for (program, answer, words) in cases {
        let output = run(program, &ANSWERS.replace("ANSWER", answer));
        let message = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{program} {answer}: {message}");
        assert!(message.contains(words), "expected `{words}` in\n{message}");
    }
}

/// Output that is still held by a grandchild would be waited for here.
#[test]
fn the_time_limit_covers_what_a_policy_starts() {
    let hangs = r#"program: ["sh", "-c", "sleep 60; true"], time_limit: "300ms""#;
    let (ended, waits) = std::sync::mpsc::channel();
    #[expect(clippy::disallowed_methods, reason = "a test that hangs would not fail")]
    std::thread::spawn(move || ended.send(run(hangs, "")));
    let output = waits.recv_timeout(Duration::from_secs(30)).expect("the grandchild outlived the run");
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{message}");
    assert!(message.contains("no answer within 0.3 s (`time_limit`)"), "{message}");
}

/// A process that does not read either is as late as one that does not answer.
#[test]
fn the_time_limit_covers_a_policy_that_does_not_read() {
    let many = SCENARIO.replace("autoscaler: Command(PROGRAM)", "replicas: 600, autoscaler: Command(PROGRAM)");
    let many = many.replace("max_nodes: 2", "max_nodes: 200");
    let hangs = r#"program: ["sleep", "60"], time_limit: "300ms""#;
    let output = run_in(&many, hangs, "");
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(message.contains("no answer within 0.3 s"), "{message}");
}

/// Whatever ends us ends the policy with all that it started, though it waits for nothing.
#[cfg(unix)]
#[test]
fn policies_die_with_us() {
    use std::io::Read;
    let folder = TempDir::new().unwrap();
    let hangs =
        r#"program: ["sh", "-c", "trap '' TERM INT HUP; sleep 60 & echo up > up; sleep 60"], time_limit: "50s""#;
    fs::write(folder.path().join("s.ron"), SCENARIO.replace("PROGRAM", hangs)).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_flashcrowd"));
    command.current_dir(folder.path()).args(["run", "s.ron", "--no-out"]).stderr(std::process::Stdio::piped());
    let mut child = command.spawn().unwrap();
    for _ in 0..1_000 {
        if folder.path().join("up").exists() {
            break;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    assert!(folder.path().join("up").exists());
    // The harshest: no code of ours runs any more.
    child.kill().unwrap();
    let _ = child.wait();
    let mut stderr = child.stderr.take().unwrap();
    let (ended, waits) = std::sync::mpsc::channel();
    #[expect(clippy::disallowed_methods, reason = "a test that hangs would not fail")]
    std::thread::spawn(move || ended.send(stderr.read_to_end(&mut Vec::new()).is_ok()));
    waits.recv_timeout(Duration::from_secs(30)).expect("a process of the policy holds our stderr still");
}

/// Another service that exists is the engine's to refuse: the run goes on, and says so.
#[test]
fn a_wish_for_another_service_is_refused_and_counted() {
    if !installed("python3", "--version") {
        return println!("skipped: python3 is not installed");
    }
    let two =
        SCENARIO.replace("services: {", "services: {\"r\": (serving: Slots(concurrency: 1), service_time: \"1s\"),");
    let two = two.replace("rate: 1.0", "rate: 1.0, service: \"r\"");
    let answer = r#"'{"actions": [{"set_replicas": {"target": "r", "replicas": 1}}]}'"#;
    let output = run_in(&two, r#"["python3", "policy.py"]"#, &ANSWERS.replace("ANSWER", answer));
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let report = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(report.contains("20 actions of controllers were refused; see decisions.csv"), "{report}");
}

#[test]
fn a_refusal_of_the_engine_does_not_end_the_run() {
    if !installed("python3", "--version") {
        return println!("skipped: python3 is not installed");
    }
    let answer = r#"'{"actions": [{"set_replicas": {"replicas": 1, "market": "reserved"}}]}'"#;
    let output = run(r#"["python3", "policy.py"]"#, &ANSWERS.replace("ANSWER", answer));
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
}
