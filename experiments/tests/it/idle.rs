//! What a scenario says and nothing comes of: `check` speaks of it, and so does the report of `run`.

use std::fs;
use std::process::Command;
use tempfile::TempDir;

const SCENARIO: &str = r#"(
    horizon: "10m", //TOP
    pools: {"p": (gpu: "L4", gpus_per_node: 1, max_nodes: 4, /*POOL*/)},
    services: {"s": (serving: Slots(concurrency: 1), service_time: "1s", /*MORE*/)},
    traffic: {"t": Poisson(rate: "0.5/s", /*CLIENT*/)},
)
"#;

const REGIONS: &str = r#"(
    horizon: "10m",
    regions: {"A": (zones: ["a"]), "B": (zones: ["b"])},
    geography: (round_trips: [(from: "A", to: "B", takes: "100ms"), /*TRIP*/]),
    pools: {
        "pa": (gpu: "L4", gpus_per_node: 1, max_nodes: 2, region: "A"),
        "pb": (gpu: "L4", gpus_per_node: 1, max_nodes: 2, region: "B"),
    },
    services: {"s": (serving: Slots(concurrency: 1), service_time: "1s", regions: {"A": [], "B": []}, /*MORE*/)},
    traffic: {"t": Poisson(rate: "0.5/s", client: (origin: "A"))},
)
"#;

const MANIFEST: &str = r"apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: h}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: s}
  maxReplicas: 4
  metrics:
    - METRIC
";
const CPU: &str = "{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 50}}}";
const PODS: &str = "{type: Pods, pods: {metric: {name: own}, target: {type: AverageValue, averageValue: \"5\"}}}";

struct Said {
    code: Option<i32>,
    text: String,
}

fn played(command: &str, scenario: &str, metric: &str) -> Said {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("s.ron"), scenario).unwrap();
    fs::write(folder.path().join("h.yaml"), MANIFEST.replace("METRIC", metric)).unwrap();
    fs::write(folder.path().join("prices.csv"), "time_s,price\n3600,1.0\n").unwrap();
    fs::write(folder.path().join("t.csv"), "TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:15:46,3,4\n")
        .unwrap();
    let mut flashcrowd = Command::new(env!("CARGO_BIN_EXE_flashcrowd"));
    let output = flashcrowd.current_dir(folder.path()).args([command, "s.ron"]).output().unwrap();
    let text = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).join("\n");
    Said { code: output.status.code(), text }
}

/// What `check` says of a scenario with one change.
fn check(scenario: &str, from: &str, to: &str) -> Said {
    assert!(scenario.contains(from), "{from}");
    played("check", &scenario.replacen(from, to, 1), CPU)
}

#[test]
fn the_scenarios_themselves_are_clean() {
    for scenario in [SCENARIO, REGIONS] {
        let said = check(scenario, "/*MORE*/", "slo: [(quantile: 0.9, limit: \"9s\")],");
        assert_eq!((said.code, said.text.contains("warning")), (Some(0), false), "{}", said.text);
    }
}

#[test]
fn check_speaks_of_settings_that_others_overrule() {
    let cases: &[(&str, &str, &str)] = &[
        (
            "/*POOL*/",
            "supply: \"m\"), \"q\": (gpu: \"L4\", gpus_per_node: 1, max_nodes: 1, market: Spot, supply: \"m\")}, \
             markets: {\"m\": Lifetimes(nodes: 4, lifetime: Exponential(\"9m\"), away: \"1m\")}, links: {\"l\": (rate: \"1GB/s\"",
            "`pools.p.supply` (line 3) has no effect: only what is bought as Spot has a market",
        ),
        (
            "/*CLIENT*/",
            "client: (timeout: \"2s\", retries: (max: 2, backoff: \"3s\"))",
            "`traffic.t.client.retries` (line 5) has no effect: the request is given up",
        ),
        (
            "/*MORE*/",
            "replicas: 4, autoscaler: ConcurrencyTarget(in_flight_per_replica: 1, max: 2)",
            "service `s` begins with 4 replicas, its autoscaler asks for at most 2",
        ),
    ];
    for (from, to, words) in cases {
        let said = check(SCENARIO, from, to);
        assert_eq!(said.code, Some(0), "{to}: {}", said.text);
        assert!(said.text.contains(words), "{to}: expected `{words}` in\n{}", said.text);
    }
}

#[test]
fn check_speaks_of_what_has_no_effect() {
    let cases: &[(&str, &str, &str)] = &[
        (
            "//TOP",
            "faults: {\"o\": Outage(at: \"20m\", lasts: \"1m\")},",
            "`faults.o` (line 2) has no effect: it begins at 20m, and the run ends at 10m",
        ),
        (
            "//TOP",
            "faults: {\"o\": Prices(pool: \"p\", path: \"prices.csv\")},",
            "`faults.o` (line 2) has no effect: it begins at 1h",
        ),
        (
            "//TOP",
            "links: {\"l\": (rate: \"1GB/s\")},",
            "`links.l` (line 2) has no effect: no start-up stage crosses it",
        ),
        ("//TOP", "geography: (egress_per_gb: 0.1),", "`geography` (line 2) has no effect"),
        ("//TOP", "drains_on_notice: true,", "`drains_on_notice` (line 2) has no effect: no pool is bought as Spot"),
        (
            "//TOP",
            "node_autoscaler: Karpenter(), node_scan_period: \"5s\",",
            "`node_scan_period` (line 2) has no effect",
        ),
        (
            "/*POOL*/",
            "notice: \"5s\"",
            "`pools.p.notice` (line 3) has no effect: only what is bought as Spot is reclaimed",
        ),
        ("/*POOL*/", "missed_notices: 0.5", "`pools.p.missed_notices` (line 3) has no effect"),
        ("/*POOL*/", "market: Spot", "has no `supply`: nothing of it is ever reclaimed"),
        (
            "/*POOL*/",
            "min_nodes: 4, idle_timeout: \"5s\"",
            "`pools.p.idle_timeout` (line 3) has no effect: `min_nodes` keeps all",
        ),
        (
            "/*MORE*/",
            "replicas: 0",
            "service `s` has no replicas and no autoscaler that makes any: nothing is ever served",
        ),
        ("/*MORE*/", "autoscaler: Fixed(replicas: 0)", "nothing is ever served"),
        ("/*MORE*/", "routing: Nearest", "`services.s.routing` (line 4) has no effect: the service has no `regions`"),
        ("/*MORE*/", "queue: Shared(), router: Random", "`services.s.router` (line 4) has no effect"),
        (
            "/*MORE*/",
            "queue: PerReplica(gateway: 5), at_zero: Refused",
            "`services.s.queue.gateway` (line 4) has no effect",
        ),
        (
            "/*MORE*/",
            "autoscaler: Timetable(steps: [(at: \"0s\", replicas: 1), (at: \"8h\", replicas: 2)])",
            "`services.s.autoscaler.steps`: 1 of 2 steps lie after the end of the run at 10m",
        ),
        (
            "/*MORE*/",
            "autoscaler: Manifest(\"h.yaml\")",
            "reads the CPU of the server process, which is 0 for ever here",
        ),
        (
            "/*MORE*/",
            "autoscaler: Manifest(\"h.yaml\"), cpu: (cores_per_request: 1)",
            "`cpu` of the service has no `request_cores`: the metric is an error at every sync",
        ),
        (
            "/*MORE*/",
            "autoscaler: Manifest(\"h.yaml\"), bind: {\"q\": InFlightRequests}",
            "`bind` of `q` has no effect: its autoscaler reads `cpu`",
        ),
        ("/*MORE*/", "bind: {\"q\": InFlightRequests}", "`bind` has no effect without a manifest"),
        (
            "/*CLIENT*/",
            "client: (cancel_on_timeout: false)",
            "`traffic.t.client.cancel_on_timeout` (line 5) has no effect: the client has no `timeout`",
        ),
        (
            "/*CLIENT*/",
            "client: (propagates_deadline: true)",
            "`traffic.t.client.propagates_deadline` (line 5) has no effect",
        ),
        (
            "/*CLIENT*/",
            "client: (timeout: \"5s\", attempt_timeout: \"9s\")",
            "`traffic.t.client.attempt_timeout` (line 5) has no effect",
        ),
        (
            "/*CLIENT*/",
            "client: (response_size: \"1MB\")",
            "`traffic.t.client.response_size` (line 5) has no effect: the client has no `origin`",
        ),
        (
            "Poisson(rate: \"0.5/s\", /*CLIENT*/)",
            "Schedule(steps: [(at: \"0s\", rate: \"1/s\"), (at: \"1h\", rate: \"2/s\")])",
            "`traffic.t.steps`: 1 of 2 steps lie after the end",
        ),
    ];
    for (from, to, words) in cases {
        let said = check(SCENARIO, from, to);
        assert_eq!(said.code, Some(0), "{to}: {}", said.text);
        assert!(said.text.contains(words), "{to}: expected `{words}` in\n{}", said.text);
    }
}

#[test]
fn what_nothing_uses_is_named() {
    let pool =
        check(SCENARIO, "\"p\": (gpu: \"L4\"", "\"o\": (gpu: \"L4\", max_nodes: 1, min_nodes: 1), \"p\": (gpu: \"L4\"");
    assert!(!pool.text.contains("no service may use"), "all pools that fit are used: {}", pool.text);
    let own = SCENARIO
        .replace("\"p\": (gpu: \"L4\"", "\"o\": (gpu: \"L4\", max_nodes: 1, min_nodes: 1), \"p\": (gpu: \"L4\"");
    let pool = check(&own, "/*MORE*/", "pools: [\"p\"]");
    assert!(
        pool.text.contains("no service may use the pool `o`: its nodes are paid for and stay empty"),
        "{}",
        pool.text
    );
    let second = "\"u\": (serving: Slots(concurrency: 1), service_time: \"1s\"), \"s\": (";
    let service = check(&SCENARIO.replace("/*CLIENT*/", "service: \"s\""), "\"s\": (", second);
    assert!(service.text.contains("nothing calls the service `u`"), "{}", service.text);
}

#[test]
fn a_bind_that_is_read_is_not_spoken_of() {
    for bind in ["InFlightRequests", "Signal(source: \"InFlightRequests\", scale: 2.0)"] {
        let scaled = format!("autoscaler: Manifest(\"h.yaml\"), bind: {{\"own\": {bind}}}");
        let said = played("check", &SCENARIO.replace("/*MORE*/", &scaled), PODS);
        assert_eq!(said.code, Some(0), "{}", said.text);
        assert!(!said.text.contains("`bind`"), "{}", said.text);
    }
}

#[test]
fn run_says_it_too() {
    let said = played("run", &SCENARIO.replace("/*POOL*/", "notice: \"5s\""), CPU);
    assert_eq!(said.code, Some(0), "{}", said.text);
    assert!(said.text.contains("`pools.p.notice` (line 3) has no effect"), "{}", said.text);
}

#[test]
fn what_contradicts_itself_is_refused() {
    let twice = check(REGIONS, "/*TRIP*/", "(from: \"B\", to: \"A\", takes: \"2s\")");
    assert_eq!(twice.code, Some(2));
    assert!(twice.text.contains("between `B` and `A` is given twice, as 100ms and as 2s"), "{}", twice.text);
    let same = check(REGIONS, "/*TRIP*/", "(from: \"B\", to: \"A\", takes: \"100ms\")");
    assert_eq!(same.code, Some(0), "{}", same.text);
    let weights = check(REGIONS, "/*MORE*/", "routing: Weighted(weights: {})");
    assert_eq!(weights.code, Some(2));
    assert!(weights.text.contains("s.ron:9:") && weights.text.contains("no region has a weight"), "{}", weights.text);
    let traffic = "Poisson(rate: \"0.5/s\", /*CLIENT*/)";
    let format = check(SCENARIO, traffic, "Trace(path: \"t.csv\", format: Mooncake)");
    assert_eq!(format.code, Some(2));
    assert!(format.text.contains("is one of `AzureLlm`, not of `Mooncake`"), "{}", format.text);
    let format = check(SCENARIO, traffic, "Trace(path: \"t.csv\", format: AzureLlm)");
    assert_eq!(format.code, Some(0), "{}", format.text);
    let clock = check(SCENARIO, "/*MORE*/", "autoscaler: Manifest(path: \"h.yaml\", delay_clock: \"ticks\")");
    assert!(clock.code == Some(2) && clock.text.contains("has no meaning for an HPA"), "{}", clock.text);
}
