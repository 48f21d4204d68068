//! Variants with different SLOs, add services or take them away: all of them are judged, and
//! what is not the same is said.

use serde_json::Value;
use std::fmt::Write as _;
use std::fs;
use std::process::{Command, Output};
use tempfile::TempDir;

const WORLD: &str = r#"(
    horizon: "10m", seed: 3, replicates: 3,
    pools: {"p": (gpu: "L4", gpus_per_node: 1, gpu_price: "1/h", min_nodes: 5, max_nodes: 8)},
    services: {
        "chat": (serving: Slots(concurrency: 1), service_time: Exponential(mean: "500ms"), replicas: 2,
            slo: [(quantile: 0.9, limit: "2s")]),
        "code": (serving: Slots(concurrency: 1), service_time: Exponential(mean: "500ms"), replicas: 2,
            slo: [(quantile: 0.9, limit: "3s"), (metric: Queue, quantile: 0.5, limit: "100ms")]),
    },
    traffic: {"a": Poisson(service: "chat", rate: 2), "b": Poisson(service: "code", rate: 1)},
    variants: {
        "base": [],
        "fewer SLOs": ["services.code.slo=[]", "pools.p.gpu_price=0.1/h"],
        "other limit": ["services.chat.slo=[(quantile: 0.9, limit: '9s')]"],
        "one more": [
            "services.extra=(serving: Slots(concurrency: 1), service_time: '500ms', slo: [(quantile: 0.9, limit: '1ms')])",
            "traffic.c=Poisson(service: 'extra', rate: 1)",
        ],
        "one less": [
            "services={'chat': (serving: Slots(concurrency: 1), service_time: Exponential(mean: '500ms'), replicas: 2, slo: [(quantile: 0.9, limit: '2s')])}",
            "traffic={'a': Poisson(service: 'chat', rate: 2)}",
        ],
    },
    baseline: "base",
)"#;

struct Desk(TempDir);

impl Desk {
    fn new(text: &str) -> Self {
        let desk = Desk(TempDir::new().unwrap());
        // In a string of a scenario, quotes of another kind are easier to read.
        fs::write(desk.0.path().join("w.ron"), text.replace('\'', "\\\"")).unwrap();
        desk
    }

    fn output(&self, args: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_flashcrowd"));
        command.current_dir(self.0.path()).args(args).arg("-q").output().unwrap()
    }

    fn text(&self, args: &[&str]) -> String {
        let output = self.output(args);
        let error = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{args:?}: {error}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    fn json(&self, args: &[&str]) -> Value {
        serde_json::from_str(&self.text(&[args, &["--format", "json"]].concat())).unwrap()
    }
}

fn holds(text: &str, words: &[&str]) {
    for word in words {
        assert!(text.contains(word), "expected `{word}` in\n{text}");
    }
}

#[test]
fn services_and_slos_of_every_variant_are_told() {
    let desk = Desk::new(WORLD);
    let text = desk.text(&["compare", "w.ron"]);
    holds(
        &text,
        &[
            "not the same SLOs: `fewer SLOs` lacks code: e2e p90 < 3s, code: queue p50 < 100ms\n",
            "not the same SLOs: `other limit` has chat: e2e p90 < 9s; lacks chat: e2e p90 < 2s\n",
            "not the same SLOs: `one more` has extra: e2e p90 < 1ms\n",
            "\nextra  ",
            "not in `base`, `fewer SLOs`, `one less`, `other limit`",
            "`one more` is worse than `base`: it misses extra e2e p90 < 1ms (0/3, a new SLO)",
            "`other limit` against `base`: it has chat: e2e p90 < 9s",
        ],
    );
    // Who keeps fewer SLOs keeps them cheaply.
    assert!(!text.contains("fewer SLOs  -     <-"), "{text}");
    let crowned: Vec<&str> = text.lines().filter(|line| line.ends_with("<- cheapest that holds")).collect();
    assert!(!crowned.is_empty() && crowned.iter().all(|line| line.starts_with("base ")), "{text}");
    let run = desk.text(&["run", "w.ron", "--no-out"]);
    holds(
        &run,
        &[
            "4 of 5 variants hold every SLO of theirs; the cheapest is `base`",
            "`one more` misses extra e2e p90 < 1ms",
            "SLOs        `fewer SLOs` lacks code: e2e p90 < 3s",
        ],
    );
    assert_eq!(desk.output(&["run", "w.ron", "--no-out", "--strict"]).status.code(), Some(3));
    // What only one of two has is compared with nothing, and listed.
    let rows = desk.json(&["compare", "w.ron"]);
    let of = |variant: &str, name: &str| {
        let rows = rows["differences"].as_array().unwrap().iter();
        rows.filter(|row| row["variant"] == variant && row["of"] == name).count()
    };
    assert!(of("one more", "extra") > 0 && of("one less", "code") > 0);
}

/// Each figure is the same in the summary, over all replicates and in a comparison.
#[test]
fn one_figure_is_the_same_everywhere() {
    let desk = Desk::new(WORLD);
    let compared = desk.json(&["compare", "w.ron"]);
    let run = desk.json(&["run", "w.ron", "--no-out"]);
    for (own, other) in compared["variants"].as_array().unwrap().iter().zip(run["variants"].as_array().unwrap()) {
        assert_eq!(own["variant"], other["variant"]);
        assert_eq!(own["promises"], other["promises"]);
    }
}

/// A quantile lies on the side of its limit on which its requests are counted, whatever its bucket.
#[test]
fn what_was_got_and_whether_it_held_agree() {
    for limit_ms in [500, 700, 1_001, 1_499, 1_999, 2_001, 2_222] {
        let desk = Desk::new(&WORLD.replace("limit: \"2s\"", &format!("limit: \"{limit_ms}ms\"")));
        let run = desk.json(&["run", "w.ron", "--no-out", "--set", "variants={}", "--set", "baseline=None"]);
        for run in run["runs"].as_array().unwrap() {
            for slo in run["services"]["chat"]["slo"].as_array().unwrap() {
                let met = slo["met"].as_bool().unwrap();
                assert_eq!(met, slo["observed_s"].as_f64().unwrap() <= slo["limit_s"].as_f64().unwrap(), "{slo}");
            }
        }
    }
}

/// What missed its limit by little is not shown as the limit, in one report or the other.
#[test]
fn a_near_miss_has_digits_enough() {
    let exact = WORLD.replace("Exponential(mean: \"500ms\")", "\"2.0004s\"").replace("rate: 2", "rate: 0.02");
    let desk = Desk::new(&exact);
    let variants = r#"variants={"base": [], "dear": ["pools.p.gpu_price=2/h"]}"#;
    for command in [&["compare", "w.ron"][..], &["run", "w.ron", "--no-out"]] {
        let text = desk.text(&[command, &["--set", variants]].concat());
        holds(&text, &["2.0004s", "MISS"]);
    }
}

/// A service that has no SLO speaks for itself, whatever others have.
#[test]
fn a_service_without_an_slo_is_told_of() {
    let desk = Desk::new(&WORLD.replace("\"code\", rate: 1", "\"code\", rate: 3"));
    let variants =
        r#"variants={"base": ["services.code.slo=[]"], "less": ["services.code.slo=[]", "services.code.replicas=1"]}"#;
    let text = desk.text(&["compare", "w.ron", "--set", variants]);
    holds(&text, &["`less` is worse than `base`: worse code: end-to-end latency p99 +"]);
}

/// Bills are sums of rounded lines: what that leaves is no difference, and no interval.
#[test]
fn rounding_is_no_difference() {
    let desk = Desk::new(WORLD);
    let variants = r#"variants={"base": [], "dear": ["pools.p.gpu_price=2/h"]}"#;
    let text = desk.text(&["compare", "w.ron", "--set", variants]);
    holds(&text, &["$840.00  -  ", "$1,680   +$840.00 +-$0\n"]);
    let small = desk.text(&[
        "run",
        "w.ron",
        "--no-out",
        "--set",
        "pools.p.gpu_price=0.00001/h",
        "--set",
        "variants={}",
        "--set",
        "baseline=None",
    ]);
    holds(&small, &["$0.00000833 in 10m"]);
}

/// A world of so many services is told on a page.
fn many(services: usize) -> String {
    let mut text = String::from(
        "(horizon: \"2m\", pools: {\"p\": (gpu: \"L4\", gpus_per_node: 8, gpu_price: \"1/h\", min_nodes: 40, max_nodes: 800)}, services: {",
    );
    for i in 0..services {
        let _ = writeln!(
            text,
            "\"s{i:04}\": (serving: Slots(concurrency: 1), service_time: Exponential(mean: \"500ms\"), \
             slo: [(quantile: 0.9, limit: \"2s\"), (quantile: 0.99, limit: \"4s\")]),"
        );
    }
    text.push_str("}, traffic: {");
    for i in 0..services {
        let _ = writeln!(text, "\"t{i}\": Poisson(service: \"s{i:04}\", rate: 0.5),");
    }
    text + "}, variants: {\"x\": [], \"y\": [\"seed=4\"]})"
}

#[test]
fn hundreds_of_services_fit_on_a_page() {
    let desk = Desk::new(&many(300));
    let single = desk.text(&["run", "w.ron", "--no-out", "--set", "variants={}"]);
    assert!(single.lines().count() <= 30, "{single}");
    holds(&single, &["and 298 more services", "more services, ", " of which miss an SLO; all in summary.json"]);
    let variants = desk.text(&["run", "w.ron", "--no-out"]);
    assert!(variants.lines().count() <= 30, "{variants}");
    let compared = desk.text(&["compare", "w.ron"]);
    holds(&compared, &["more services: --service NAME"]);
    for text in [single, variants, compared] {
        assert!(text.lines().all(|line| line.chars().count() < 1_200), "{text}");
    }
}
