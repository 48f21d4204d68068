//! Every report as it is printed, every header of a table, and messages that a reader meets: snapshots.

use insta::assert_snapshot;
use std::fmt::Write as _;
use std::fs;
use std::process::{Command, Output};
use tempfile::TempDir;

const TWO: &str = r#"(
    name: "two", horizon: "20m", warmup: "1m", replicates: 3,
    pools: {"p": (gpu: "L4", gpus_per_node: 1, gpu_price: "0.8/h", min_nodes: 2, max_nodes: 8, provisioning: "40s", idle_timeout: "2m")},
    services: {
        "chat": (serving: Slots(concurrency: 4), service_time: LogNormal(p50: "1s", p99: "4s"), replicas: 1,
            router: LeastOutstanding, autoscaler: ConcurrencyTarget(in_flight_per_replica: 2, max: 6, period: "10s"),
            startup: (image: (cold: "5s"), weights: (cold: "20s"), engine: (cold: "10s")),
            slo: [(quantile: 0.95, limit: "4s"), (metric: Queue, quantile: 0.9, limit: "500ms")]),
        "tags": (serving: Slots(concurrency: 2), service_time: "300ms", replicas: 1, slo: [(quantile: 0.99, limit: "2s")]),
    },
    traffic: {
        "people": Schedule(service: "chat", steps: [(at: "0s", rate: "2/s"), (at: "8m", rate: "7/s"), (at: "14m", rate: "2/s")], client: (timeout: "20s")),
        "photos": Poisson(service: "tags", rate: "2/s"),
    },
)"#;

const VARIANTS: &str = r#"
    baseline: "six",
    variants: {
        "six": [],
        "three": ["services.chat.autoscaler.max=3"],
        "three and a half": ["services.chat.autoscaler.max=3", "traffic.photos.rate=4/s"],
        "cheap": ["pools.p.max_nodes=2"],
    },
)"#;

const REGIONS: &str = r#"(
    name: "places", horizon: "20m", replicates: 2,
    regions: {"us-east-1": (zones: ["a"]), "eu-west-1": (zones: ["a", "b"])},
    markets: {"m": Lifetimes(nodes: 3, lifetime: Exponential("6m"), away: "1m")},
    pools: {
        "us": (gpu: "L4", gpu_price: "1/h", region: "us-east-1", gpus_per_node: 1, min_nodes: 2, max_nodes: 4),
        "eu": (gpu: "L4", gpu_price: "1/h", region: "eu-west-1", gpus_per_node: 1, market: Spot, supply: "m", min_nodes: 2, max_nodes: 3, provisioning: "30s"),
    },
    services: {"api": (serving: Slots(concurrency: 4), service_time: "200ms", replicas: 2, requeue_lost: 1,
        regions: {"us-east-1": [], "eu-west-1": []}, health: (interval: "10s"), slo: [(quantile: 0.99, limit: "2s")])},
    traffic: {"eu": Poisson(rate: "4/s", client: (origin: "eu-west-1", timeout: "10s")), "us": Poisson(rate: "4/s", client: (origin: "us-east-1", timeout: "10s"))},
    faults: {"lost": Outage(region: "us-east-1", at: "6m", lasts: "4m")},
)"#;

/// A folder with the scenarios in it.
fn desk() -> TempDir {
    let folder = TempDir::new().unwrap();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    write("two.ron", TWO);
    write("variants.ron", &(TWO.trim_end().trim_end_matches(')').to_owned() + VARIANTS));
    let bound = r#"variants: {"bound": ["services.chat.autoscaler=Clairvoyant(rate_per_replica: 3.0, max: 6)"], "six": []}, baseline: "six")"#;
    write("bound.ron", &(TWO.trim_end().trim_end_matches(')').to_owned() + bound));
    write("places.ron", REGIONS);
    folder
}

fn flashcrowd(folder: &TempDir, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_flashcrowd")).current_dir(folder.path()).args(args).output().unwrap()
}

fn printed(folder: &TempDir, args: &[&str]) -> String {
    let output = flashcrowd(folder, args);
    let (out, error) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(0), "{args:?}: {error}");
    out.into_owned()
}

#[test]
fn reports_of_runs() {
    let desk = desk();
    let run = |args: &[&str]| printed(&desk, &[&["run"], args, &["--no-out", "-q"]].concat());
    assert_snapshot!("run_two_services", run(&["two.ron"]));
    assert_snapshot!("run_variants", run(&["variants.ron"]));
    assert_snapshot!("run_with_a_bound", run(&["bound.ron"]));
    assert_snapshot!("run_places", run(&["places.ron"]));
    let alone = "services.chat.slo=[]";
    assert_snapshot!(
        "run_without_an_slo",
        run(&["two.ron", "--set", alone, "--set", "services.tags.slo=[]", "--replicates", "1"])
    );
}

#[test]
fn comparisons() {
    let desk = desk();
    let compare = |args: &[&str]| printed(&desk, &[&["compare"], args, &["-q"]].concat());
    assert_snapshot!("compare_variants", compare(&["variants.ron"]));
    assert_snapshot!("compare_one_service", compare(&["variants.ron", "--service", "tags"]));
    assert_snapshot!("compare_long", compare(&["variants.ron", "--long", "--service", "chat"]));
    assert_snapshot!("compare_with_a_bound", compare(&["bound.ron"]));
    let unknown = flashcrowd(&desk, &["compare", "variants.ron", "--service", "chta", "-q"]);
    assert_eq!(unknown.status.code(), Some(2));
    assert_snapshot!("compare_unknown_service", String::from_utf8_lossy(&unknown.stderr));
}

#[test]
fn checks() {
    let desk = desk();
    assert_snapshot!("check_variants", printed(&desk, &["check", "variants.ron"]));
    assert_snapshot!("check_places", printed(&desk, &["check", "places.ron"]));
    assert_snapshot!("figures", printed(&desk, &["figures"]));
}

#[test]
fn headers_and_the_list_of_files() {
    let desk = desk();
    printed(&desk, &["run", "places.ron", "-q", "--out", "o"]);
    let mut names: Vec<String> = fs::read_dir(desk.path().join("o"))
        .unwrap()
        .flatten()
        .map(|one| one.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    let first = |name: &String| {
        let text = fs::read_to_string(desk.path().join("o").join(name)).unwrap();
        let header = if name.strip_suffix(".csv").is_some() {
            text.lines().next().unwrap_or("").to_owned()
        } else {
            String::new()
        };
        format!("{name}: {header}")
    };
    assert_snapshot!("folder", names.iter().map(first).collect::<Vec<_>>().join("\n"));
}

/// What stops a run is said the same way for all: the message, the file, what to do.
#[test]
fn messages() {
    let desk = desk();
    let mut said = String::new();
    for args in [
        ["--replicates", "0"],
        ["--replicates", "5000000"],
        ["--set", "limits=(live_requests: 5)"],
        ["--set", "limits=(requests: 100)"],
        ["--set", "limits=(memory: \"100kB\")"],
        ["--set", "warmup=30m"],
        ["--out", "two.ron"],
    ] {
        let output = flashcrowd(&desk, &[&["run", "two.ron", "-q"], &args[..]].concat());
        assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0), "{args:?}");
        let _ = writeln!(said, "{}\n{}", args.join(" "), String::from_utf8_lossy(&output.stderr));
    }
    assert_snapshot!("messages", said);
}

/// Replicates of a recorded trace come with the same requests: a comparison says so, unless they are drawn anew.
#[test]
fn a_comparison_says_that_recorded_arrivals_are_alike() {
    let desk = desk();
    let mut rows = String::from("TIMESTAMP,ContextTokens,GeneratedTokens\n");
    for i in 0..400 {
        let _ = writeln!(rows, "2024-01-01 00:{:02}:{:02},100,10", i / 60, i % 60);
    }
    fs::write(desk.path().join("t.csv"), rows).unwrap();
    let scenario = TWO.replace("traffic: {", "traffic: {\"recorded\": Trace(service: \"tags\", path: \"t.csv\"),");
    let (head, rest) = scenario.split_once("\"people\"").unwrap();
    let closing = rest.rsplit_once("},").unwrap().1;
    let variants = "variants: {\"a\": [], \"b\": [\"services.tags.replicas=2\"]},";
    fs::write(desk.path().join("trace.ron"), format!("{head}}}, {variants} {closing}")).unwrap();
    let compare = |more: &[&str]| printed(&desk, &[&["compare", "trace.ron", "-q"], more].concat());
    assert!(compare(&[]).contains("warning     replicates of a recorded trace have the same arrivals"));
    assert!(!compare(&["--set", "traffic.recorded.resample=Blocks(\"1m\")"]).contains("same arrivals"));
}
