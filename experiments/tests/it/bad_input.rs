//! The command on malformed input of every kind: a message with its place and a hint, exit code 2,
//! nothing written.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output};
use tempfile::TempDir;

const SCENARIO: &str = r#"(
    horizon: "10s",
    pools: {"p": (gpu: "H100", max_nodes: 1)},
    services: {
        "s": (
            serving: Slots(concurrency: 1),
            service_time: "100ms",
            //MORE
        ),
    },
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

const TRACE: &str = "TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:15:46.6805900,374,44\n";

fn flashcrowd(folder: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_flashcrowd")).current_dir(folder).args(args).output().unwrap()
}

/// Plays `s.ron` and expects each of `words` in the message.
fn refused(folder: &TempDir, case: &str, words: &[&str]) {
    let before = entries(folder);
    let output = flashcrowd(folder.path(), &["run", "s.ron"]);
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{case}: {message}");
    for word in words {
        assert!(message.contains(word), "{case}: expected `{word}` in\n{message}");
    }
    assert!(output.stdout.is_empty(), "{case}: results were printed");
    assert_eq!(entries(folder), before, "{case}: something was written");
}

fn entries(folder: &TempDir) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

fn folder_with(scenario: &str) -> TempDir {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("s.ron"), scenario).unwrap();
    folder
}

#[test]
fn the_scenario_itself_is_fine() {
    let folder = folder_with(SCENARIO);
    let output = flashcrowd(folder.path(), &["run", "s.ron"]);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(folder.path().join("out/s/summary.json").exists());
}

#[test]
fn malformed_batching() {
    const SERVING: &str = "DynamicBatch(profile: \"bert-large-a100-80gb-tensorrt-fp16\", queue_delay: \"100us\", \
                           preferred: [4, 8], instances: 2)";
    let scenario = SCENARIO.replace("Slots(concurrency: 1)", SERVING).replace("service_time: \"100ms\",", "");
    let folder = folder_with(&scenario);
    let output = flashcrowd(folder.path(), &["run", "s.ron"]);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let cases: &[(&str, &str, &[&str])] = &[
        ("tensorrt-fp16", "tensorrt-fp61", &["s.ron:6:44", "did you mean `bert-large-a100-80gb-tensorrt-fp16`?"]),
        ("bert-large-a100-80gb-tensorrt-fp16", "x", &["s.ron:6:44", "docs/batching.md"]),
        ("[4, 8]", "[4, 17]", &["expected 1 to 16"]),
        ("instances: 2", "instances: 0", &["expected 1 to 1000"]),
        ("instances: 2", "sharing: 1e9", &["expected from 0.001 to 1000"]),
        ("instances: 2", "items_per_request: 32", &["expected 1 to 16"]),
        ("instances: 2", "fixed: \"1ms\"", &["`fixed` and `profile` both say"]),
        ("profile: \"bert-large-a100-80gb-tensorrt-fp16\", ", "", &["give a `profile`, or all of"]),
    ];
    for (from, to, words) in cases {
        assert!(scenario.contains(from), "{from}");
        refused(&folder_with(&scenario.replacen(from, to, 1)), to, words);
    }
}

/// The end of one window mends the link, whatever the other says.
#[test]
fn windows_of_one_link_may_not_overlap() {
    let faults = |second: &str| {
        let link = |at: &str| format!("BadLink(from: \"local\", to: \"local\", at: \"{at}\", lasts: \"2s\")");
        let both = format!("faults: {{\"one\": {}, \"two\": {}}},\n    traffic:", link("1s"), link(second));
        folder_with(&SCENARIO.replace("traffic:", &both))
    };
    refused(&faults("2s"), "overlap", &["begins before the last has ended"]);
    let apart = flashcrowd(faults("3s").path(), &["check", "s.ron"]);
    assert_eq!(apart.status.code(), Some(0), "{}", String::from_utf8_lossy(&apart.stderr));
}

#[test]
fn malformed_scenarios() {
    let cases: &[(&str, &str, &[&str])] = &[
        ("gpu:", "gpuu:", &["s.ron:3:19", "unknown field `gpuu`", "did you mean `gpu`?"]),
        ("100ms", "100parsecs", &["s.ron:7:27", "unknown unit `parsecs`"]),
        ("rate: 1.0", "rate: -1", &["s.ron:11:34", "`-1` is no rate"]),
        ("rate: 1.0", "rate: NaN", &["s.ron:11:34", "finite"]),
        ("rate: 1.0", "rate: 1e400", &["s.ron:11:34"]),
        ("rate: 1.0", "rate: 1e19", &["s.ron:11:34", "0 to 1e12"]),
        ("rate: 1.0", "rate: 1e11", &["requests are to be expected", "limits: (requests: ...)"]),
        ("max_nodes: 1", "max_nodes: 10000000000000000000", &["s.ron:3:43", "out of range"]),
        ("max_nodes: 1", "max_nodes: 4000000", &["s.ron:3:43", "expected 1 to 100000"]),
        ("max_nodes: 1", "max_nodes: 1.5", &["s.ron:3:43"]),
        ("max_nodes: 1", "max_nodes: \"one\"", &["s.ron:3:43"]),
        (", max_nodes: 1", "", &["s.ron:3", "max_nodes"]),
        ("horizon: \"10s\"", "horizon: \"10s\", horizon: \"5s\"", &["given twice", "s.ron:2:21"]),
        ("horizon: \"10s\",", "horizon: \"10s\"", &["s.ron:2", "expected `,`"]),
        ("horizon: \"10s\"", "horizon: 10", &["s.ron:2:14", "has no unit", "write \""]),
        ("\"10s\"", "\"400d\"", &["s.ron:2:14", "213 days"]),
        ("\"10s\"", "\"150d\"", &["s.ron:2:14", "limits: (horizon: ...)"]),
        ("\"10s\"", "\"0s\"", &["s.ron:2:14"]),
        ("horizon: \"10s\",", "", &["no `horizon`", "add one"]),
        ("Poisson", "Poison", &["s.ron:11:20", "did you mean `Poisson`?"]),
        ("H100", "H101", &["s.ron:3:24", "did you mean `H100`?"]),
        ("Slots(concurrency: 1)", "Slots(concurrency: 0)", &["s.ron:6:41", "expected 1 to"]),
        ("service_time: \"100ms\",", "", &["no `service_time`", "`service_time: \"120ms\"`"]),
        ("\"100ms\"", "\"0s\"", &["s.ron:7:27"]),
        ("//MORE", "slo: [(quantile: 1.5, limit: \"1s\")]", &["s.ron:8:30"]),
        ("//MORE", "slo: [(quantile: 1.0, limit: \"1s\")]", &["below 1"]),
        ("//MORE", "pools: [\"q\"]", &["there is no pool `q`", "`p`"]),
        ("//MORE", "gpus: 9", &["no pool can host", "8 GPUs a node"]),
        ("//MORE", "gpu_memory: \"200GiB\"", &["no pool can host", "200.0GiB"]),
        ("//MORE", "autoscaler: Manifest(\"missing.yaml\")", &["s.ron:8:34", "No such file"]),
        ("//MORE", "autoscaler: Manifest(\".\")", &["directory"]),
        ("rate: 1.0)", "rate: 1.0, service: \"r\")", &["there is no service `r`"]),
        (
            "Poisson(rate: 1.0)",
            "Users(users: 4000000000, think: \"1s\")",
            &["users, the limit is", "limits: (entities: ...)"],
        ),
        ("Poisson(rate: 1.0)", "Mmpp(states: [(rate: 1, mean: \"1ns\")])", &["s.ron:11"]),
    ];
    for (from, to, words) in cases {
        assert!(SCENARIO.contains(from), "{from}");
        let folder = folder_with(&SCENARIO.replacen(from, to, 1));
        refused(&folder, &format!("{from} -> {to}"), words);
    }
}

#[test]
fn malformed_cold_starts() {
    const MORE: &str = "startup: (weights: (cold: Transfer(size: \"16GB\", from: S3, loader: Streamer, via: [\"bucket\"]), \
                        disk: \"3s\", size: \"16GB\", pinned: true, peers: (rate: \"10GB/s\", uploads: 2, via: [\"card\"])), \
                        compile: (cold: \"42s\", cached: \"13s\", key: \"compile\")),";
    const LINKS: &str = "links: {\"bucket\": (rate: \"25GB/s\"), \"card\": (rate: \"12GB/s\", per: Node)}, services: {";
    let pool = "max_nodes: 1, node_cache: (memory: \"100GB\", disk: \"1TB\")";
    let scenario = SCENARIO.replace("//MORE", MORE).replace("services: {", LINKS).replace("max_nodes: 1", pool);
    let folder = folder_with(&scenario);
    let output = flashcrowd(folder.path(), &["run", "s.ron"]);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let cases: &[(&str, &str, &[&str])] = &[
        ("via: [\"bucket\"]", "via: [\"buckets\"]", &["s.ron:8:", "no link `buckets`", "did you mean `bucket`?"]),
        ("via: [\"card\"]", "via: [\"cart\"]", &["s.ron:8:", "no link `cart`", "did you mean `card`?"]),
        ("per: Node", "per: Nodes", &["s.ron:4:", "did you mean `Node`?"]),
        ("\"25GB/s\"", "\"0GB/s\"", &["s.ron:4:", "0 B/s"]),
        ("\"25GB/s\"", "\"25GB\"", &["s.ron:4:", "0.5GB/s"]),
        ("uploads: 2", "uploads: 0", &["s.ron:8:", "`uploads` is 0; expected 1"]),
        ("rate: \"10GB/s\"", "rate: \"0B/s\"", &["s.ron:8:", "below one byte"]),
        ("memory: \"100GB\"", "ram: \"100GB\"", &["s.ron:3:", "unknown field `ram`", "memory"]),
        ("Streamer", "Steamer", &["s.ron:8:", "did you mean `Streamer`?"]),
        ("from: S3", "from: S4", &["s.ron:8:", "did you mean `S3`?"]),
        ("Transfer(size: \"16GB\", from: S3, loader: Streamer, via: [\"bucket\"])", "\"9s\"", &[]),
    ];
    for (right, wrong, words) in cases {
        assert!(scenario.contains(right), "{right}");
        if words.is_empty() {
            // A stage of given size may have peers; without a size it is not known what they send.
            let unsized_stage = scenario.replace(right, wrong).replace(" size: \"16GB\",", "");
            refused(&folder_with(&unsized_stage), wrong, &["s.ron:8:", "not known", "give `size`"]);
        } else {
            refused(&folder_with(&scenario.replace(right, wrong)), wrong, words);
        }
    }
    let without = scenario.replace(LINKS, "services: {");
    refused(&folder_with(&without), "no links", &["no link `bucket`: the scenario has none", "add `links:"]);
}

#[test]
fn files_that_are_no_scenario() {
    let deep = "(".repeat(100_000);
    for (bytes, word) in [
        (&b""[..], "end of the text"),
        (&b"\x00\x01\x02"[..], "zero bytes"),
        (&b"\xff\xfe(:)"[..], "UTF-8"),
        (&b"\x1f\x8b\x08"[..], "gzip"),
        (deep.as_bytes(), "nested"),
        (&b"(services: {}, traffic: {})"[..], "at least one service"),
    ] {
        let folder = TempDir::new().unwrap();
        fs::write(folder.path().join("s.ron"), bytes).unwrap();
        refused(&folder, word, &["s.ron", word]);
    }
    let folder = TempDir::new().unwrap();
    refused(&folder, "missing", &["No such file"]);
    fs::create_dir(folder.path().join("s.ron")).unwrap();
    refused(&folder, "directory", &["directory"]);
}

#[test]
fn malformed_manifests() {
    let cases: &[(&str, &str, &[&str])] = &[
        ("autoscaling/v2", "autoscaling/v2beta2", &["h.yaml:1:13", "expected autoscaling/v2", "1.26 removed"]),
        ("kind: Horiz", "kind: Vert", &["h.yaml:2:7", "HorizontalPodAutoscaler"]),
        ("pending_requests", "pending_request", &["h.yaml:9:", "did you mean `pending_requests`?", "bind"]),
        ("minReplicas: 1", "minReplicas: 30", &["h.yaml:7:16", "less than minReplicas"]),
        ("minReplicas: 1", "minReplicas: 1\n  minReplicas: 2", &["h.yaml:7:3", "duplicate"]),
        ("maxReplicas: 4", "maxReplicas: 99999999999", &["h.yaml:7"]),
        ("maxReplicas: 4", "maxReplicas: 2000000", &["limits: (entities: ...)"]),
        ("averageValue: \"5\"", "averageValue: \"-5\"", &["h.yaml:9"]),
        ("averageValue: \"5\"", "averageValue: \"five\"", &["h.yaml:9"]),
        ("averageValue: \"5\"", "averageValue: \"0\"", &["h.yaml:9"]),
        (MANIFEST, "", &["h.yaml", "HorizontalPodAutoscaler"]),
        (MANIFEST, "a: [1, 2", &["h.yaml:1"]),
        (MANIFEST, "\u{0}\u{1}", &["h.yaml"]),
    ];
    let scenario = SCENARIO.replace("//MORE", "autoscaler: Manifest(\"h.yaml\")");
    for (from, to, words) in cases {
        assert!(MANIFEST.contains(from), "{from}");
        let folder = folder_with(&scenario);
        fs::write(folder.path().join("h.yaml"), MANIFEST.replacen(from, to, 1)).unwrap();
        refused(&folder, &format!("{from} -> {to}"), words);
    }
    let folder = folder_with(&scenario);
    fs::write(folder.path().join("h.yaml"), MANIFEST).unwrap();
    assert_eq!(flashcrowd(folder.path(), &["run", "s.ron"]).status.code(), Some(0));
}

#[test]
fn malformed_traces() {
    let more = |row: &str| format!("{TRACE}{row}\n");
    let long = more(&"x".repeat(2_000_000));
    let cases: &[(String, &[&str])] = &[
        (more("2023-11-16 18:15:47,abc,44"), &["t.csv:3", "`abc`", "on_bad_row"]),
        (more("2023-11-16 18:15:45,1,44"), &["t.csv:3", "earlier"]),
        (more("2023-11-16 18:15:48,0,0"), &["t.csv:3", "no tokens"]),
        (more("2023-11-16 18:15:48,-5,1"), &["t.csv:3", "`-5`"]),
        (more("2023-11-16 18:15:48,NaN,1"), &["t.csv:3", "`NaN`"]),
        (more("2023-11-16 18:15:48,10000000000000000000,1"), &["t.csv:3"]),
        (more("2023-13-45 99:99:99,1,1"), &["t.csv:3"]),
        (more("2023-11-16 18:15:48,1"), &["t.csv:3"]),
        (long, &["t.csv:3", "1048576"]),
        (TRACE.replace("ContextTokens", "ContextToken"), &["t.csv:1", "prompt: \"ContextToken\""]),
        (String::new(), &["t.csv:1", "empty"]),
        ("TIMESTAMP,ContextTokens,GeneratedTokens\n".to_owned(), &["t.csv"]),
    ];
    let scenario = SCENARIO.replace("Poisson(rate: 1.0)", "Trace(path: \"t.csv\")");
    for (text, words) in cases {
        let folder = folder_with(&scenario);
        fs::write(folder.path().join("t.csv"), text).unwrap();
        refused(&folder, &text.chars().take(80).collect::<String>(), words);
    }
    let folder = folder_with(&scenario);
    refused(&folder, "no trace", &["there is no trace at", "AzurePublicDataset", "--set traffic.t.path=FILE"]);
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(TRACE.as_bytes()).unwrap();
    let gzip = gzip.finish().unwrap();
    fs::write(folder.path().join("t.csv"), &gzip[..gzip.len() - 12]).unwrap();
    refused(&folder, "cut gzip", &["t.csv:", "ends too early"]);
}

#[test]
fn wrong_usage() {
    let folder = folder_with(SCENARIO);
    let message = |args: &[&str]| {
        let output = flashcrowd(folder.path(), args);
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    assert!(message(&["run"]).contains("<SCENARIO>"));
    assert!(message(&["rum", "s.ron"]).contains("run"));
    assert!(message(&["run", "@horizonal"]).contains("did you mean `@horizontal`?"));
    assert!(message(&["run", "s.ron", "--set", "trafic.t.rate=2"]).contains("did you mean `traffic`?"));
    assert!(message(&["run", "s.ron", "--set", "traffic.t.rate"]).contains("--set"));
    assert!(message(&["run", "s.ron", "--set", "traffic.t.rate=fast"]).contains("traffic.t.rate=fast"));
    assert!(message(&["run", "s.ron", "--threads", "0"]).contains("--threads"));
    assert!(message(&["compare", "s.ron"]).contains("only one thing"));
    assert!(message(&["validate", "hpa"]).contains("<FILES>"));
    fs::create_dir(folder.path().join("mine")).unwrap();
    fs::write(folder.path().join("mine/precious.txt"), "mine").unwrap();
    assert!(message(&["run", "s.ron", "--out", "mine"]).contains("was not written by flashcrowd"));
    assert_eq!(entries(&folder), ["mine", "s.ron"]);
}

#[test]
fn a_bad_row_that_may_be_dropped_is_counted() {
    let scenario = SCENARIO.replace("Poisson(rate: 1.0)", "Trace(path: \"t.csv\", on_bad_row: Drop)");
    let folder = folder_with(&scenario);
    let rows = format!("{TRACE}2023-11-16 18:15:47,abc,44\n2023-11-16 18:15:48,5,5\n");
    fs::write(folder.path().join("t.csv"), rows).unwrap();
    let output = flashcrowd(folder.path(), &["run", "s.ron", "--format", "json", "--no-out"]);
    let summary: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let counts = &summary["requests"];
    assert_eq!((counts["arrived"].as_u64(), counts["dropped_rows"].as_u64()), (Some(2), Some(1)));
}

#[test]
fn services_that_cannot_share_a_gpu_are_named_with_the_reason() {
    let folder = TempDir::new().unwrap();
    let both = |a: &str, b: &str| {
        let serving = r#"model: "Llama-3.1-8B", serving: ContinuousBatch("#;
        format!(
            r#"(horizon: "10s", pools: {{"p": (gpu: "H100", max_nodes: 2)}}, services: {{
                "a": ({serving}), {a}), "b": ({serving}), {b}), "s": (serving: Slots(concurrency: 1), service_time: "1s"),
            }}, traffic: {{"t": Poisson(rate: 1.0, service: "a")}})"#
        )
    };
    for (a, b, words) in [
        ("", r#"resident_on: "A""#, ["there is no other service `A`", "did you mean `a`?"]),
        ("", r#"resident_on: "b""#, ["there is no other service `b`", "expected `a`"]),
        (r#"resident_on: "b""#, r#"resident_on: "a""#, ["`b` has no replicas of its own", "resident on `a`"]),
        ("", r#"resident_on: "s""#, ["expected ContinuousBatch", "Slots"]),
        ("", r#"resident_on: "a", replicas: 2"#, ["`b` is resident on `a`", "has its `replicas`"]),
        ("", r#"resident_on: "a", autoscaler: Fixed(replicas: 2)"#, ["`b` is resident on `a`", "has its `autoscaler`"]),
        ("", r#"resident_on: "a", gpu_memory: "60GiB""#, ["96GiB of each GPU", "gpu_memory_utilization"]),
    ] {
        fs::write(folder.path().join("s.ron"), both(a, b)).unwrap();
        refused(&folder, b, &words);
    }
}
