//! Node autoscalers by the command: what plays, what is noted, what is refused.

use std::fs;
use std::process::{Command, Output};
use tempfile::TempDir;

const SCENARIO: &str = r#"(
    horizon: "1h",
    pools: {
        "cheap": (gpu: "H100", gpu_price: "1/h", max_nodes: 4, provisioning: "100s"),
        "dear": (gpu: "H100", gpu_price: "2/h", max_nodes: 4, provisioning: "100s"),
    },
    services: {
        "s": (
            serving: Slots(concurrency: 1),
            service_time: "100ms",
            gpus: 8,
            replicas: 0,
            autoscaler: Timetable(steps: [(at: "0s", replicas: 0), (at: "10m", replicas: 2), (at: "30m", replicas: 0)]),
        ),
    },
    traffic: {"t": Poisson(rate: 1.0)},
    node_autoscaler: NODES,
)
"#;

fn play(nodes: &str, command: &[&str]) -> (Output, TempDir) {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("s.ron"), SCENARIO.replace("NODES", nodes)).unwrap();
    let flashcrowd = env!("CARGO_BIN_EXE_flashcrowd");
    let output = Command::new(flashcrowd).current_dir(folder.path()).args(command).output().unwrap();
    (output, folder)
}

/// The nodes of a run as `(pool, ordered, gone)`, as printed.
fn nodes(config: &str) -> Vec<(String, String, String)> {
    let (output, folder) = play(config, &["run", "s.ron"]);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let mut rows = csv::Reader::from_path(folder.path().join("out/s/nodes.csv")).unwrap();
    let headers = rows.headers().unwrap().clone();
    let column = |name: &str| headers.iter().position(|header| header == name).expect("a column");
    let (pool, ordered, gone) = (column("pool"), column("ordered_s"), column("gone_s"));
    let row = |row: csv::StringRecord| (row[pool].to_owned(), row[ordered].to_owned(), row[gone].to_owned());
    rows.records().map(|record| row(record.unwrap())).collect()
}

fn lived(config: &str) -> Vec<(String, f64, f64)> {
    let number = |text: String| text.parse().expect("a number");
    nodes(config).into_iter().map(|(pool, ordered, gone)| (pool, number(ordered), number(gone))).collect()
}

#[test]
fn each_orders_and_gives_back_in_its_own_time() {
    let cheap = |ordered: f64, gone: f64| vec![("cheap".to_owned(), ordered, gone); 2];
    // From when the timetable has asked for them, and from when they are empty.
    let plain = lived("Plain");
    let base = (plain[0].1, plain[0].2 - 600.0);
    assert!(base.0 < 600.0 && (1_200.0..1_900.0).contains(&base.1), "{plain:?}");
    let karpenter = lived("Karpenter(batch_idle: \"2s\", budget: Percent(100))");
    assert_eq!(karpenter.len(), 2);
    assert!(karpenter.iter().all(|node| node.0 == "cheap" && node.1 <= base.0 + 2.0));
    // A poll of ten seconds and fifteen more.
    assert!(karpenter.iter().all(|node| (15.0..=25.0).contains(&(node.2 - base.1))), "{karpenter:?}");
    let cluster = lived("ClusterAutoscaler(expanders: [Price], scale_down_unneeded_time: \"2m\")");
    assert_eq!(
        cluster.iter().map(|node| (node.0.clone(), node.1)).collect::<Vec<_>>(),
        [("cheap".to_owned(), base.0), ("cheap".to_owned(), base.0)]
    );
    assert!(cluster.iter().all(|node| (125.0..=135.0).contains(&(node.2 - base.1))), "{cluster:?}");
    assert_eq!(plain, cheap(base.0, base.1 + 600.0));
}

#[test]
fn defaults_are_noted_with_their_source() {
    let shown = |nodes| {
        let (output, _folder) = play(nodes, &["check", "s.ron", "--print-resolved"]);
        String::from_utf8(output.stdout).unwrap()
    };
    let karpenter = shown("Karpenter(batch_max: \"5s\")");
    for words in ["node_autoscaler.batch_max", "Karpenter's own default (22664681)", "karpenter-provider-aws"] {
        assert!(karpenter.contains(words), "expected `{words}` in\n{karpenter}");
    }
    let cluster = shown("ClusterAutoscaler()");
    for words in ["max_node_provision_time", "15m", "the cluster autoscaler's own default", "drains_on_notice"] {
        assert!(cluster.contains(words), "expected `{words}` in\n{cluster}");
    }
}

#[test]
fn malformed_ones_are_refused_with_their_place() {
    let cases: &[(&str, &[&str])] = &[
        ("Karpentr()", &["s.ron:17:22", "did you mean `Karpenter`?"]),
        ("Karpenter(batch_idel: \"1s\")", &["s.ron:17:32", "did you mean `batch_idle`?"]),
        ("Karpenter(budget: Percent(101))", &["s.ron:17:40", "expected 0 to 100"]),
        ("Karpenter(disruption_poll: \"0s\")", &["s.ron:17:49", "at least 100ms"]),
        ("ClusterAutoscaler(scan_interval: \"1ms\")", &["at least 100ms"]),
        ("ClusterAutoscaler(expanders: [Prise])", &["s.ron:17:52", "did you mean `Price`?"]),
        ("ClusterAutoscaler(max_drain_parallelism: 0)", &["expected 1 to"]),
        ("ClusterAutoscaler(scale_down_gpu_utilization_threshold: 2.0)", &["s.ron:17"]),
        (
            "ClusterAutoscaler(expanders: [Priority], priorities: {\"chap\": 1})",
            &["there is no pool `chap`", "did you mean `cheap`?"],
        ),
        ("ClusterAutoscaler(priorities: {\"cheap\": 1})", &["not among `expanders`"]),
    ];
    for (nodes, words) in cases {
        let (output, _folder) = play(nodes, &["run", "s.ron"]);
        let message = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{nodes}: {message}");
        for word in *words {
            assert!(message.contains(word), "{nodes}: expected `{word}` in\n{message}");
        }
    }
}
