//! Names and words: the list of signals and its page, messages that say what to write, and reports that say
//! which, when and why.

use insta::assert_snapshot;
use serde_json::Value;
use std::fmt::Write as _;
use std::fs;
use std::process::{Command, Output};
use tempfile::TempDir;

const PAGE: &str = include_str!("../../../docs/signals.md");

fn flashcrowd(folder: &TempDir, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_flashcrowd")).current_dir(folder.path()).args(args).output().unwrap()
}

fn printed(folder: &TempDir, args: &[&str]) -> String {
    let output = flashcrowd(folder, args);
    assert_eq!(output.status.code(), Some(0), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn the_page_of_signals_has_what_the_command_prints() {
    let shown = PAGE.split("```text\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    let printed = printed(&TempDir::new().unwrap(), &["signals"]);
    let first = shown.lines().zip(printed.lines()).find(|(shown, printed)| shown != printed);
    assert!(shown == printed, "docs/signals.md differs at {first:?}: put there what `flashcrowd signals` prints");
}

#[test]
fn signals_as_json_are_those_of_the_text() {
    let folder = TempDir::new().unwrap();
    let text = printed(&folder, &["signals"]);
    let all: Value = serde_json::from_str(&printed(&folder, &["signals", "--format", "json"])).unwrap();
    let of = |list: &str, key: &str| -> Vec<String> {
        let rows = all[list].as_array().unwrap().iter();
        rows.map(|row| row[key].as_str().unwrap().to_owned()).collect()
    };
    let names = [of("signals", "signal"), of("metrics", "metric"), of("not_offered", "metric")].concat();
    assert!(names.len() > 80, "{}", names.len());
    for name in names {
        assert!(text.lines().any(|line| line.split([' ', '*']).next() == Some(&name)), "{name}");
    }
    let mut first = String::new();
    for (list, at) in [("signals", 0), ("signals", 12), ("metrics", 4), ("not_offered", 0)] {
        let _ = writeln!(first, "{}", all[list][at]);
    }
    assert_snapshot!("signals_json", first);
}

/// A pool, a service and traffic, with something else in place of a part.
fn scenario(old: &str, new: &str) -> String {
    let text = r#"(
    horizon: "30s",
    pools: {"l40s": (gpu: "H100", max_nodes: 1)},
    services: {"s": (serving: Slots(1), service_time: "1s", autoscaler: Manifest("h.yaml"))},
    traffic: {"t": Poisson("1/s")},
)
"#;
    assert!(text.contains(old), "{old}");
    text.replace(old, new)
}

fn hpa(metric: &str) -> String {
    format!(
        "apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: {{name: h}}\nspec:\n  strategy: fast\n  \
         scaleTargetRef: {{apiVersion: apps/v1, kind: Deployment, name: s}}\n  minReplicas: 1\n  maxReplicas: 4\n  \
         metrics:\n    - {{type: Pods, pods: {{metric: {{name: \"{metric}\"}}, target: {{type: AverageValue, averageValue: \
         \"1\"}}}}}}\n"
    )
}

#[test]
fn the_bindings_of_the_page_are_read() {
    let code = PAGE.split("```ron\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    let inner = code.split_once("(\n").unwrap().1.rsplit_once(")}").unwrap().0;
    let text = scenario("autoscaler: Manifest(\"h.yaml\")", &inner.replace("hpa.yaml", "h.yaml"));
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("s.ron"), text).unwrap();
    fs::write(folder.path().join("h.yaml"), hpa("chat_queue")).unwrap();
    printed(&folder, &["check", "s.ron"]);
}

#[test]
fn messages_say_what_to_write() {
    let manifest = "autoscaler: Manifest(\"h.yaml\")";
    let signal = |source: &str| format!("{manifest}, bind: {{\"m\": Signal(source: \"{source}\")}}");
    let command = "autoscaler: Command(program: [\"cat\"], signals: [\"ttft_p95\"])";
    let engine = "\"c\": (gpu: \"L4\", max_nodes: 1), \"l40s\": (gpu";
    let cases = [
        (scenario("gpu: \"H100\"", "gpu: \"N7\", gpu_memory: \"24GB\""), "m"),
        (scenario("gpu: \"H100\"", "gpu: \"N7\", gpu_price: \"1/h\""), "m"),
        (scenario("serving:", "strategy: \"fast\", serving:"), "m"),
        (scenario("serving:", "servng:"), "m"),
        (scenario(manifest, &signal("WaitingRequest")), "m"),
        (scenario("Slots", "Slots"), "my_metric"),
        (scenario("Slots", "Slots"), "vllm:num_request_waiting"),
        (scenario("Slots", "Slots"), "vllm:kv_cache_usage_perc"),
        (scenario("Slots(1)", "Sharing(processors: 1)"), "ttft_p95"),
        (scenario(manifest, command), "m"),
        (
            scenario("\"l40s\": (gpu", engine)
                .replace("Slots(1), service_time: \"1s\"", "ContinuousBatch(), model: \"Llama-3.1-8B\""),
            "m",
        ),
    ];
    let mut said = String::new();
    for (text, metric) in cases {
        let folder = TempDir::new().unwrap();
        fs::write(folder.path().join("s.ron"), &text).unwrap();
        fs::write(folder.path().join("h.yaml"), hpa(metric)).unwrap();
        let output = flashcrowd(&folder, &["check", "s.ron"]);
        assert_eq!(output.status.code(), Some(2), "{text}");
        let _ = writeln!(said, "{}", String::from_utf8_lossy(&output.stderr));
    }
    assert_snapshot!("messages", said);
}

#[test]
fn a_field_without_effect_says_where_it_stands_what_is_played() {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("s.ron"), scenario("Slots", "Slots")).unwrap();
    fs::write(folder.path().join("h.yaml"), hpa("waiting_requests")).unwrap();
    assert_snapshot!("without_effect", printed(&folder, &["check", "s.ron"]));
}

/// By the clock on the wall: a week that begins on a Monday, with requests that are cut and a limit that is
/// missed by a hair.
const CLOCK: &str = r#"(
    name: "clock", horizon: "3h", warmup: "10m", replicates: 2, starts_at: "2025-11-03T00:00:00Z",
    pools: {"p": (gpu: "L4", gpus_per_node: 1, gpu_price: "0.8/h", min_nodes: 1, max_nodes: 4)},
    services: {"chat": (serving: Slots(concurrency: 2), service_time: "60.02ms", replicas: 1, drain_timeout: "10ms",
        autoscaler: Timetable(steps: [(at: "0s", replicas: 1), (at: "20m", replicas: 3), (at: "1h", replicas: 1)]),
        slo: [(quantile: 0.5, limit: "60ms")])},
    traffic: {"t": Poisson(rate: "20/s")},
)"#;

#[test]
fn reports_say_when_why_and_which() {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("clock.ron"), CLOCK).unwrap();
    let run = |args: &[&str]| printed(&folder, &[&["run", "clock.ron", "--no-out", "-q"], args].concat());
    assert_snapshot!("run_by_the_clock", run(&[]));
    // Nobody answers in time: the worst stretch has no request that was completed.
    let none = ["--set", "services.chat.service_time=2h", "--set", "traffic.t.rate=0.01/s"];
    let text = run(&none);
    assert_snapshot!("worst_without_an_answer", text.lines().find(|line| line.starts_with("worst")).unwrap_or(&text));
    let plain = CLOCK.replace(", starts_at: \"2025-11-03T00:00:00Z\"", "");
    fs::write(folder.path().join("clock.ron"), plain).unwrap();
    assert!(!run(&[]).contains("Mon"));
}

/// Failures are told by their reasons where several variants stand side by side, too.
#[test]
fn a_comparison_says_why_requests_were_not_served() {
    let folder = TempDir::new().unwrap();
    let variants = "variants: {\"a\": [], \"b\": [\"services.chat.drain_timeout=1s\"]},\n)";
    fs::write(folder.path().join("clock.ron"), CLOCK.trim_end_matches(')').to_owned() + variants).unwrap();
    assert_snapshot!("compare_by_reason", printed(&folder, &["compare", "clock.ron", "-q"]));
}

/// Each verb tells how it is used, and has a page; the examples are lines that the program itself can read.
#[test]
fn every_verb_has_examples_and_a_page() {
    let folder = tempfile::TempDir::new().unwrap();
    let program = |args: &[&str]| {
        let output =
            std::process::Command::new(env!("CARGO_BIN_EXE_flashcrowd")).current_dir(folder.path()).args(args).output();
        let output = output.unwrap();
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let page = program(&["man"]);
    assert!(page.contains(".TH flashcrowd 1") && page.contains("flashcrowd\\-sweep(1)"), "{page}");
    program(&["man", "--out", "pages"]);
    let help = program(&["--help"]);
    let verbs = help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    let verbs: Vec<&str> = verbs.filter_map(|line| line.split_whitespace().next()).collect();
    assert!(verbs.len() > 12, "{help}");
    for verb in verbs {
        if verb != "help" {
            let page = std::fs::read_to_string(folder.path().join(format!("pages/flashcrowd-{verb}.1"))).unwrap();
            assert!(page.contains(&format!("flashcrowd\\-{verb}")), "{page}");
        }
        // These two have nothing to say but their lists.
        if ["help", "policies", "figures", "fit"].contains(&verb) {
            continue;
        }
        let help = program(&[verb, "--help"]);
        let examples: Vec<&str> =
            help.lines().skip_while(|line| *line != "Examples:").skip(1).take_while(|line| !line.is_empty()).collect();
        assert!(!examples.is_empty(), "{verb}: {help}");
        assert!(examples.iter().all(|line| line.starts_with(&format!("  flashcrowd {verb}"))), "{examples:?}");
    }
}
