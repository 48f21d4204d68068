//! `flashcrowd test`: shipped tests pass, a decision that changes is shown with what the policy saw,
//! `--bless` repairs, and every malformed test is told by its place.

use serde_json::Value;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tempfile::TempDir;

/// A crowd of two minutes on a queue-depth policy; a second service that has no SLO.
const SCENARIO: &str = r#"(
    horizon: "6m",
    pools: {"p": (gpu: "H100", min_nodes: 2, max_nodes: 2)},
    services: {
        "ml.chat": (
            serving: Slots(concurrency: 4),
            service_time: Exponential(mean: "500ms"),
            slo: [(quantile: 0.9, limit: "2s")],
            startup: (image: (cold: "5s"), weights: (cold: "10s"), engine: (cold: "5s")),
            autoscaler: QueueDepth(waiting_per_replica: 2, max: 6, idle: "1m"),
        ),
        "idle": (serving: Slots(concurrency: 1), service_time: "1s"),
    },
    traffic: {
        "t": Schedule(service: "ml.chat", steps: [(at: "0s", rate: "3/s"), (at: "1m", rate: "14/s"), (at: "3m", rate: "2/s")]),
        "u": Poisson(service: "idle", rate: "0.0001/h"),
    },
)
"#;

fn flashcrowd(folder: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_flashcrowd")).current_dir(folder).args(args).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A folder with the scenario and tests by name.
fn folder(tests: &[(&str, &str)]) -> TempDir {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("s.ron"), SCENARIO).unwrap();
    for (name, test) in tests {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, test).unwrap();
    }
    folder
}

/// Exit code, stdout and stderr of `flashcrowd test ARGS`.
fn tested(folder: &TempDir, args: &[&str]) -> (i32, String, String) {
    let output = flashcrowd(folder.path(), &[&["test"], args].concat());
    (output.status.code().unwrap(), text(&output.stdout), text(&output.stderr))
}

const GOLDEN: &str = r#"(scenario: "s.ron", golden: "a.golden.csv")"#;

fn golden(folder: &TempDir) -> PathBuf {
    folder.path().join("a.golden.csv")
}

#[test]
fn the_shipped_tests_pass() {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let output = flashcrowd(&repository, &["test", "scenarios/tests"]);
    assert_eq!(output.status.code(), Some(0), "{}{}", text(&output.stdout), text(&output.stderr));
    insta::assert_snapshot!("shipped", text(&output.stdout));
}

#[test]
fn a_missing_golden_is_blessed_and_then_holds() {
    let folder = folder(&[("a.test.ron", GOLDEN)]);
    let (code, printed, _) = tested(&folder, &["."]);
    assert!(code == 3 && printed.contains("golden `a.golden.csv` is missing: `--bless` writes it"), "{printed}");
    assert!(!golden(&folder).exists());
    let (code, printed, _) = tested(&folder, &[".", "--bless"]);
    assert!(code == 0 && printed.contains("golden file written"), "{printed}");
    insta::assert_snapshot!("golden", fs::read_to_string(golden(&folder)).unwrap());
    assert_eq!(tested(&folder, &["."]).0, 0);
    let (code, printed, _) = tested(&folder, &[".", "--bless", "--threads", "1"]);
    assert!(code == 0 && printed.contains("golden file as it was"), "{printed}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 3, "something was left behind");
}

/// Each way in which decisions can differ from the golden ones, and that blessing repairs it.
#[test]
fn a_golden_that_differs_shows_the_first_tick_and_bless_repairs_it() {
    let folder = folder(&[("a.test.ron", GOLDEN)]);
    assert_eq!(tested(&folder, &[".", "--bless"]).0, 0);
    let whole = fs::read_to_string(golden(&folder)).unwrap();
    let lines: Vec<&str> = whole.lines().collect();
    let fields: Vec<&str> = lines[2].split(',').collect();
    let (without, doubled) = ([&lines[..2], &lines[3..]].concat(), [&lines[..3], &lines[2..]].concat());
    let moved = lines[2].replace(fields[1], &format!("{}", fields[1].parse::<f64>().unwrap() - 1.0));
    let changes = [
        ("another count", lines.join("\n").replacen(lines[2], &lines[2].replace(",2,4,", ",2,3,"), 1)),
        ("another reason", whole.replacen("waiting_requests -> 4", "because", 1)),
        ("a decision that is new", without.join("\n")),
        ("a decision that is gone", doubled.join("\n")),
        ("a decision at another time", whole.replacen(lines[2], &moved, 1)),
        ("fewer at the end", lines[..lines.len() - 1].join("\n")),
        ("more at the end", format!("{whole}0,359,queue-depth,ml.chat,1,2,late\n")),
        ("another controller", whole.replacen("queue-depth", "hpa/x", 1)),
        ("another replicate", format!("{whole}1,15,queue-depth,ml.chat,1,2,\n")),
    ];
    let mut messages = String::new();
    for (name, changed) in changes {
        assert_ne!(changed.trim_end(), whole.trim_end(), "{name}");
        fs::write(golden(&folder), &changed).unwrap();
        let (code, printed, _) = tested(&folder, &["."]);
        assert_eq!(code, 3, "{name}: {printed}");
        let _ = writeln!(messages, "# {name}\n{printed}");
        assert_eq!(fs::read_to_string(golden(&folder)).unwrap(), changed, "it was written unasked");
        assert_eq!(tested(&folder, &[".", "--bless"]).0, 0);
        assert_eq!(fs::read_to_string(golden(&folder)).unwrap(), whole);
    }
    insta::assert_snapshot!("differences", messages);
}

#[test]
fn a_golden_that_is_no_golden_is_an_input_error() {
    let folder = folder(&[("a.test.ron", GOLDEN)]);
    assert_eq!(tested(&folder, &[".", "--bless"]).0, 0);
    let whole = fs::read_to_string(golden(&folder)).unwrap();
    let mut messages = String::new();
    for malformed in [
        String::new(),
        "at_s,replicas\n".to_owned(),
        whole.replacen(",1,2,", ",1,two,", 1),
        whole.replacen("0,", "0;", 1),
        format!("<<<<<<< HEAD\n{whole}"),
        "\u{fffd}\u{0}".to_owned(),
    ] {
        fs::write(golden(&folder), &malformed).unwrap();
        let (code, _, message) = tested(&folder, &["."]);
        assert_eq!(code, 2, "{malformed}: {message}");
        messages += &message;
        let (code, ..) = tested(&folder, &[".", "--bless"]);
        assert_eq!((code, fs::read_to_string(golden(&folder)).unwrap()), (0, whole.clone()));
    }
    fs::write(golden(&folder), b"\xff\xfe").unwrap();
    assert_eq!(tested(&folder, &["."]).0, 2);
    fs::remove_file(golden(&folder)).unwrap();
    fs::create_dir(golden(&folder)).unwrap();
    let (code, _, message) = tested(&folder, &["."]);
    assert!(code == 2 && message.contains("it is a directory"), "{message}");
    assert_eq!(tested(&folder, &[".", "--bless"]).0, 2);
    insta::assert_snapshot!("malformed_goldens", messages);
}

#[test]
fn every_malformed_assertion_is_told_by_its_place() {
    let mut messages = String::new();
    for assertion in [
        "ml.chat.e2e.p99",
        "ml.chat.e2e.p99 = 1s",
        "ml.chat.e2e.p99 =< 1s",
        "ml.chat.e2e.p99 != 1s",
        "ml.chat.e2e.p99 == 1s",
        "ml.chat.e2e <= 1s",
        "ml.chat.e2e.p98 <= 1s",
        "ml.chat.e2e.p99.9 <= 1s",
        "ml.chat.e3e.p99 <= 1s",
        "ml.chta.e2e.p99 <= 1s",
        "ml.chat.ttft.p99 <= 1s",
        "e2e.p99 <= 1s",
        "e2f.p99 <= 1s",
        "ml.chat.e2e.p99 <= 1.5",
        "ml.chat.e2e.p99 <= 1.5parsecs",
        "ml.chat.e2e.p99 <= -1s",
        "ml.chat.e2e.p99 <=",
        "<= 1s",
        "cost_usd.p99 <= 1",
        "cost_usd <= $900",
        "cost_usd <= NaN",
        "cots_usd <= 900",
        "requests == 1.5",
        "idle.attainment >= 90%",
        "ml.chat.attainment >= 900%",
        "ml.chat.attainment >= 0.9x",
        "reversals <= 4",
    ] {
        let folder = folder(&[(
            "t/a.test.ron",
            &format!("(\n    scenario: \"../s.ron\",\n    assert: [\"{assertion}\"],\n)\n"),
        )]);
        let (code, printed, message) = tested(&folder, &["t"]);
        assert_eq!(code, 2, "{assertion}: {message}");
        assert!(message.contains("--> t/a.test.ron:3:") && printed.contains("BROKEN"), "{message}");
        messages += &message;
    }
    // Quotes, raw strings and a place that escapes hide.
    for (assertion, place) in [
        ("r#\"\"ml.chta\".e2e.p99 <= 1s\"#", ":1:37"),
        ("r#\"\"ml.chat\" e2e.p99 <= 1s\"#", ":1:46"),
        ("r#\"\"ml.chat.e2e.p99 <= 1s\"#", ":1:37"),
        ("\"\\\"ml.chta\\\".e2e.p99 <= 1s\"", ":1:34"),
    ] {
        let folder = folder(&[("a.test.ron", &format!("(scenario: \"s.ron\", assert: [    {assertion}])"))]);
        let (code, _, message) = tested(&folder, &["."]);
        assert!(code == 2 && message.contains(place), "{assertion}: {message}");
    }
    insta::assert_snapshot!("assertions", messages);
}

#[test]
fn every_malformed_test_is_told_by_its_place() {
    let mut messages = String::new();
    for test in [
        "(scenario: \"s.ron\")",
        "(scenari: \"s.ron\")",
        "(scenario: \"r.ron\", assert: [\"requests > 0\"])",
        "(scenario: \"@horizonal\", assert: [\"requests > 0\"])",
        "(scenario: \"@two-models\", assert: [\"requests > 0\"])",
        "(scenario: \"@two-models\", variant: \"both on on\", assert: [\"requests > 0\"])",
        "(scenario: \"s.ron\", variant: \"x\", assert: [\"requests > 0\"])",
        "(scenario: \"s.ron\", set: [\"horizon\"], assert: [\"requests > 0\"])",
        "(scenario: \"s.ron\", set: [\"seed=1\", \"trafic.t.rate=1\"], assert: [\"requests > 0\"])",
        "(scenario: \"s.ron\", set: [\"horizon=20x\"], assert: [\"requests > 0\"])",
        "(scenario: \"s.ron\", set: [r#\"services.idle.autoscaler=Manifest(\"h.yaml\")\"#], assert: [\"requests > 0\"])",
        "(scenario: \"s.ron\", golden: \" \")",
        "(scenario: \"s.ron\", assert: [1])",
        "(scenario: \"s.ron\"",
    ] {
        let folder = folder(&[("t.test.ron", test)]);
        let (code, _, message) = tested(&folder, &["."]);
        assert_eq!(code, 2, "{test}: {message}");
        assert!(message.contains("--> ./t.test.ron:1:"), "{test}: {message}");
        messages += &message;
    }
    let twice = folder(&[("a.test.ron", GOLDEN), ("b.test.ron", GOLDEN)]);
    let (code, printed, message) = tested(&twice, &[".", "--bless"]);
    assert!(
        code == 2 && printed.contains("ok      ./a.test.ron") && message.contains("of `./a.test.ron` already"),
        "{message}"
    );
    let (code, _, message) = tested(&folder(&[]), &["."]);
    assert_eq!(code, 2);
    messages += &message;
    let (code, _, message) = tested(&folder(&[]), &["nowhere"]);
    assert_eq!(code, 2);
    messages += &message;
    insta::assert_snapshot!("malformed_tests", messages);
}

/// One of each kind, found below folders in the order of their names, hidden ones passed over.
fn all_kinds() -> TempDir {
    folder(&[
        (
            "t/b/fails.test.ron",
            r#"(scenario: "../../s.ron", set: ["replicates=6"], assert: ["completed < 1500", "ml.chat.cost_usd <= 1", "idle.e2e.p99 <= 1s"])"#,
        ),
        (
            "t/a&<b>/holds.test.ron",
            r#"(about: "x", scenario: "../../s.ron", assert: [
            "ml.chat.e2e.p50 > 100ms", "\"ml.chat\".queue.mean < 1m", "ml.chat.cold_start.max < 2m", "cost_usd>1",
            "usd_per_1k_requests > 0", "requests > 1000", "requests == 2198", "rejected == 0", "expired == 0", "failed==0",
            "ml.chat.attainment > 10 %", "ml.chat.attainment <= 0.9999", "ml.chat.replicas_mean > 1", "ml.chat.replicas_max <= 6",
            "ml.chat.ups > 1", "ml.chat.downs >= 1", "ml.chat.reversals <= 2", "refused == 0", "completed <= 2198"])"#,
        ),
        ("t/broken.test.ron", r#"(scenario: "../s.ron", assert: ["a < 1 & \"b\""])"#),
        (
            "t/stops.test.ron",
            r##"(scenario: "../s.ron", set: [r#"services.idle.autoscaler=Command(["false"])"#], assert: ["requests > 0"])"##,
        ),
        ("t/.hidden/x.test.ron", "("),
        ("t/other.ron", "("),
    ])
}

#[test]
fn a_report_has_every_test_in_order_and_junit_the_same() {
    let folder = all_kinds();
    let (code, printed, message) = tested(&folder, &["t", "t/broken.test.ron", "--junit", "j.xml"]);
    assert_eq!(code, 2);
    let xml = fs::read_to_string(folder.path().join("j.xml")).unwrap();
    insta::assert_snapshot!("report", format!("{printed}\n{message}\n{}", without_times(&xml)));
    assert_eq!(tested(&folder, &["t", "--threads", "1"]).1, printed);
    let (code, json, _) = tested(&folder, &["t/b", "t/a&<b>", "--format", "json"]);
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!((code, json["passed"].as_u64(), json["failed"].as_u64()), (3, Some(1), Some(1)));
    assert_eq!(json["tests"][0]["failures"].as_array().unwrap().len(), 3, "{json}");
    // Markup comes from us alone: nothing that a test says opens or closes an element.
    assert_eq!((xml.matches("<testcase").count(), xml.matches("</testcase>").count()), (4, 3));
    assert_eq!(xml.matches('<').count(), xml.matches('>').count());
}

fn without_times(xml: &str) -> String {
    let parts: Vec<&str> = xml.split("time=\"").collect();
    let rest = |part: &&str| part[part.find('"').unwrap()..].to_owned();
    let tail: Vec<String> = parts[1..].iter().map(rest).collect();
    [vec![parts[0].to_owned()], tail].concat().join("time=\"")
}

#[test]
fn junit_is_written_whole_or_not_at_all() {
    let folder = folder(&[("a.test.ron", r#"(scenario: "s.ron", assert: ["requests > 0"])"#)]);
    fs::create_dir(folder.path().join("j.xml")).unwrap();
    let (code, printed, message) = tested(&folder, &[".", "--junit", "j.xml"]);
    assert!(code == 2 && printed.is_empty() && message.contains("cannot write the results"), "{message}");
    assert_eq!(tested(&folder, &[".", "--junit", "no/j.xml"]).0, 2);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 3, "something was left behind");
    assert_eq!(tested(&folder, &[".", "--junit", "k.xml"]).0, 0);
}

#[test]
fn the_form_of_a_test_has_a_schema() {
    let output = flashcrowd(Path::new("."), &["schema", "test"]);
    let schema: Value = serde_json::from_slice(&output.stdout).unwrap();
    let fields: Vec<&String> = schema["properties"].as_object().unwrap().keys().collect();
    assert_eq!(fields, ["about", "scenario", "set", "variant", "assert", "golden"]);
}

#[test]
fn files_that_a_test_names_are_beside_it() {
    let manifest = include_str!("../../../scenarios/manifests/queue-depth-hpa.yaml");
    let test = r##"(scenario: "../c.ron", set: [r#"services.chat.autoscaler=Manifest("h.yaml")"#], assert: ["chat.ups > 0"])"##;
    let folder =
        folder(&[("t/a.test.ron", test), ("t/h.yaml", manifest), ("c.ron", &SCENARIO.replace("ml.chat", "chat"))]);
    let (code, printed, message) = tested(&folder, &["t"]);
    assert_eq!(code, 0, "{printed}{message}");
}
