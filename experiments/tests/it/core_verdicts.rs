//! Where the time and the money of requests go, through scenario files: each case stands for a kind
//! that once was told wrongly.

use flashcrowd::registry::Registry;
use flashcrowd::run::{Played, Progress, play_whole};
use flashcrowd::scenario::load::{Loaded, Text};
use flashcrowd_core::ledger::{GpuState, LateBecause, RunRecord};
use flashcrowd_core::ports::LatencyPart;
use std::fs;
use tempfile::TempDir;

fn loaded(text: &str, overrides: &[&str]) -> Result<Loaded, String> {
    let overrides: Vec<String> = overrides.iter().map(|text| (*text).to_owned()).collect();
    let text = Text::parse("case", text, &Registry::new()).and_then(|text| text.with(&overrides));
    text.and_then(|text| text.resolve()).map_err(|error| error.to_string())
}

fn played(text: &str, overrides: &[&str]) -> Played {
    play_whole(loaded(text, overrides).unwrap(), &Progress::new(false)).unwrap()
}

fn record(text: &str, overrides: &[&str]) -> RunRecord {
    played(text, overrides).runs.remove(0).record
}

/// A service's part in milliseconds, over all its requests.
fn mean_ms(record: &RunRecord, part: LatencyPart) -> f64 {
    record.services[0].latency.mean_s(part) * 1e3
}

#[test]
fn a_wait_for_a_full_pool_is_no_cold_start() {
    let full = r#"(
        horizon: "30m", warmup: "5m",
        pools: {"l4": (gpu: "L4", gpus_per_node: 1, min_nodes: 2, max_nodes: 2, gpu_price: "0.8/h")},
        services: {"a": (
            serving: Slots(concurrency: 1), service_time: Exponential(mean: "1s"), queue: Shared(), replicas: 2,
            slo: [(quantile: 0.95, limit: "5s")], autoscaler: Fixed(replicas: 3),
        )},
        traffic: {"a": Poisson(rate: "1.9/s", client: (timeout: "60s"))},
    )"#;
    let record = record(full, &[]);
    let late = |record: &RunRecord, cause: LateBecause| record.services[0].latency.late[cause as usize];
    assert_eq!(late(&record, LateBecause::ColdStart), 0);
    assert!(late(&record, LateBecause::NoCapacity) > 100);
    assert!(mean_ms(&record, LatencyPart::NoCapacity) > 1_000.0);
    assert_eq!((mean_ms(&record, LatencyPart::ColdStart), mean_ms(&record, LatencyPart::Queue)), (0.0, 0.0));
    // With a third node the wait is for that node, and then for nobody but the queue.
    let room = self::record(full, &["pools.l4.max_nodes=3", "warmup=\"0s\"", "pools.l4.provisioning=\"10m\""]);
    assert_eq!(late(&room, LateBecause::NoCapacity), 0);
    assert!(late(&room, LateBecause::ColdStart) > 100 && mean_ms(&room, LatencyPart::Queue) > 0.0);
}

#[test]
fn the_work_of_a_host_is_service_and_the_way_is_neither_queue_nor_retry() {
    let folder = TempDir::new().unwrap();
    let trace = folder.path().join("two.csv");
    let rows =
        "TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 00:00:00.0000000,1,1\n2023-11-16 00:00:10.0000000,1,1\n";
    fs::write(&trace, rows).unwrap();
    let trace = trace.display();
    let host = format!(
        r#"(horizon: "30s", request_samples: 100,
        pools: {{"p": (gpu: "L4", gpus_per_node: 1, gpu_price: "3.7/h", min_nodes: 1, max_nodes: 1, provisioning: "0s")}},
        services: {{"s": (serving: DynamicBatch(
            max_batch: 8, fixed: "5ms", per_item: "1ms", host_per_item: "1500us", overhead: "4ms"), replicas: 1)}},
        traffic: {{"c": Trace(path: "{trace}")}})"#
    );
    let batch = record(&host, &[]);
    assert_eq!(mean_ms(&batch, LatencyPart::Queue), 0.0);
    assert!((mean_ms(&batch, LatencyPart::Service) - 11.5).abs() < 1e-9);
    // A round trip is on the way: nothing was retried.
    let far = format!(
        r#"(horizon: "30s", request_samples: 100,
        regions: {{"A": (zones: ["a"]), "B": (zones: ["b"])}},
        geography: (round_trips: [(from: "A", to: "B", takes: "100ms")], egress_per_gb: 0.02),
        pools: {{"p": (gpu: "L4", region: "B", gpus_per_node: 1, gpu_price: "1/h", min_nodes: 1, max_nodes: 1)}},
        services: {{"s": (serving: Slots(concurrency: 1), service_time: "20ms", replicas: 1, region: "B",
            slo: [(quantile: 0.5, limit: "50ms")])}},
        traffic: {{"c": Trace(path: "{trace}", client: (origin: "A"))}})"#
    );
    let far = record(&far, &[]);
    assert_eq!((mean_ms(&far, LatencyPart::Network), mean_ms(&far, LatencyPart::Service)), (100.0, 20.0));
    assert_eq!(far.services[0].latency.late[LateBecause::Network as usize], 2);
    assert!(far.services[0].latency.part(LatencyPart::Retries).is_none());
}

const CUT: &str = r#"(
    horizon: "5m", request_samples: 100,
    pools: {"p": (gpu: "H100", gpus_per_node: 1, gpu_price: "1/h", min_nodes: 1, max_nodes: 4)},
    services: {"s": (model: "Llama-3.1-8B", serving: ContinuousBatch(KNOBS), replicas: 1)},
    traffic: {"t": Poisson(rate: "0.5/s", prompt_tokens: 50, output_tokens: 1000)},
)"#;

#[test]
fn outputs_that_are_cut_count_as_generated() {
    let played = played(&CUT.replace("KNOBS", "kv_cache_tokens: 160, max_model_len: 100000"), &[]);
    let record = &played.runs[0].record;
    let service = &record.services[0];
    let completed: u64 = record.clients.iter().map(|client| client.requests.completed).sum();
    // What the cache holds beside the prompt, of the 1000 that were asked for.
    assert_eq!((service.cut, service.tokens), (completed, [50 * completed, 110 * completed]));
    assert!(record.requests.iter().all(|request| request.parts.is_none() || request.tokens == [50, 110]));
    let usd_per_million = record.bill.usd(|_| true) / (160 * completed) as f64 * 1e6;
    assert!((usd_per_million - 3.67).abs() < 0.01, "{usd_per_million}");
    let report = flashcrowd::report::text(&played.results());
    assert!(report.contains("outputs were cut at the 160 tokens"), "{report}");
    assert!(report.contains("its KV cache holds 160 tokens"), "{report}");
}

/// Where the size of the cache follows from the memory, vLLM does not start with a longer context.
#[test]
fn a_context_longer_than_the_memory_holds_is_refused() {
    let message = loaded(&CUT.replace("KNOBS", "max_model_len: 100000000"), &[]).unwrap_err();
    for words in ["max_model_len` is 100000000, larger than the", "tokens that the KV cache holds", "case.ron:4:"] {
        assert!(message.contains(words), "{words}: {message}");
    }
    assert!(loaded(&CUT.replace("KNOBS", "max_model_len: 4096"), &[]).is_ok());
}

#[test]
fn a_discount_comes_off_whatever_the_market_asks() {
    let folder = TempDir::new().unwrap();
    let prices = folder.path().join("prices.csv");
    fs::write(&prices, "time_s,price\n0,4\n300,8\n").unwrap();
    let scenario = format!(
        r#"(horizon: "10m",
        markets: {{"m": Steps(zones: {{"a": [(at: "0s", nodes: 2)]}})}},
        pools: {{"sp": (gpu: "L4", gpus_per_node: 2, gpu_price: "3.6/h", market: Spot, supply: "m", min_nodes: 1,
            max_nodes: 2, discount: 0.5)}},
        services: {{"s": (serving: Slots(concurrency: 4), service_time: "1s", replicas: 1)}},
        faults: {{"p": Prices(pool: "sp", path: "{}")}},
        traffic: {{"c": Poisson(rate: "1/s")}})"#,
        prices.display()
    );
    let usd = |discount: &str| record(&scenario, &[discount]).bill.usd(|_| true);
    assert!((usd("pools.sp.discount=0.0") - 1.0).abs() < 1e-9);
    assert!((usd("pools.sp.discount=0.5") - 0.5).abs() < 1e-9);
}

/// Another service's count decides nothing here, nor does the order in which a file names regions.
#[test]
fn others_and_orders_change_nothing() {
    let two = r#"(
        horizon: "10m", request_samples: 100000,
        pools: {
            "p1": (gpu: "L4", gpus_per_node: 1, gpu_price: "1/h", min_nodes: 4, max_nodes: 4),
            "p2": (gpu: "T4", gpus_per_node: 1, gpu_price: "1/h", min_nodes: 4, max_nodes: 4),
        },
        services: {
            "x": (serving: Slots(concurrency: 1), service_time: Exponential(mean: "1s"), pools: ["p1"],
                router: LeastOutstanding, replicas: 4,
                autoscaler: Timetable(steps: [(at: "0s", replicas: 4), (at: "5m", replicas: 2)], lead: "0s")),
            "b": (serving: Slots(concurrency: 1), service_time: "1s", pools: ["p2"], replicas: 1),
        },
        traffic: {"tx": Poisson(service: "x", rate: "2/s"), "tb": Poisson(service: "b", rate: "0.1/s")},
    )"#;
    let of_x = |replicas: &str| {
        let record = record(two, &[replicas]);
        let tx = record.clients.iter().position(|client| &*client.name == "tx").unwrap() as u32;
        let own = record.requests.iter().filter(|request| request.client == tx);
        own.map(|request| (request.number, request.ended, request.parts)).collect::<Vec<_>>()
    };
    assert_eq!(of_x("services.b.replicas=1"), of_x("services.b.replicas=2"));
    for (routing, health, fault) in [
        (
            "Nearest",
            "health: (interval: \"10s\"),",
            "faults: {\"x\": Outage(region: \"A\", at: \"1m\", lasts: \"1m\")},",
        ),
        ("PrefixAffinity(at: 2.0)", "", ""),
        ("Weighted(weights: {\"A\": 1.0, \"B\": 2.0})", "", ""),
    ] {
        let scenario = |order: &str| {
            let text = format!(
                r#"(horizon: "5m", request_samples: 100000,
                regions: {{"A": (zones: ["a"]), "B": (zones: ["b"])}},
                geography: (round_trips: [(from: "A", to: "B", takes: "100ms")], egress_per_gb: 0.02),
                pools: {{
                    "pa": (gpu: "L4", gpu_price: "1/h", region: "A", gpus_per_node: 1, min_nodes: 2, max_nodes: 2),
                    "pb": (gpu: "L4", gpu_price: "2/h", region: "B", gpus_per_node: 1, min_nodes: 2, max_nodes: 2),
                }},
                services: {{"s": (serving: Slots(concurrency: 1), service_time: "1s", replicas: 2,
                    regions: {{{order}}}, routing: {routing}, {health})}},
                {fault}
                traffic: {{"t": Poisson(rate: "2/s", client: (origin: "A"))}})"#
            );
            let record = record(&text.replace(", )}", ")}"), &[]);
            (record.digest, record.requests, record.clients, record.health)
        };
        assert_eq!(scenario("\"A\": [], \"B\": []"), scenario("\"B\": [], \"A\": []"), "{routing}");
    }
}

#[test]
fn a_lead_is_for_steps_up() {
    let scenario = r#"(
        horizon: "1h",
        pools: {"l4": (gpu: "L4", gpus_per_node: 1, min_nodes: 5, max_nodes: 5, gpu_price: "0.8/h")},
        services: {"a": (
            serving: Slots(concurrency: 8), service_time: "2s", replicas: 5,
            startup: (weights: (cold: "8m")),
            autoscaler: Timetable(steps: [(at: "0h", replicas: 5), (at: "30m", replicas: 2), (at: "45m", replicas: 4)]),
        )},
        traffic: {"a": Poisson(rate: "1/s")},
    )"#;
    let record = record(scenario, &[]);
    let changes = record.decisions.iter().filter(|decision| decision.before != decision.after);
    let changes: Vec<_> = changes.map(|decision| (decision.at.as_s_f64() / 60.0, decision.after)).collect();
    assert_eq!(changes[0], (30.0, 2));
    assert!(changes[1].0 < 37.5 && changes[1].0 > 30.0 && changes[1].1 == 4, "{changes:?}");
}

#[test]
fn the_bill_and_the_counts_of_the_measured_part_stand_apart() {
    let scenario = r#"(
        horizon: "10m", warmup: "4m",
        pools: {"p": (gpu: "L4", gpus_per_node: 1, gpu_price: "6/h", min_nodes: 1, max_nodes: 1)},
        services: {"s": (serving: Slots(concurrency: 9), service_time: "1s", replicas: 1)},
        traffic: {"c": Poisson(rate: "2/s")},
    )"#;
    let record = record(scenario, &[]);
    assert!((record.warmup_bill.usd(|_| true) - 0.4).abs() < 1e-9);
    assert!((record.bill.since(&record.warmup_bill).usd(|_| true) - 0.6).abs() < 1e-9);
    let rest = record.bill.since(&record.warmup_bill);
    assert!(rest.gpu_hours(|line| line.state == GpuState::Serving) > 0.0);
    let (client, service) = (&record.clients[0], &record.services[0]);
    let of = client.measured;
    assert_eq!(of.arrived, of.completed + of.rejected + of.expired + of.failed + of.live_at_end);
    assert_eq!((of.completed, service.good), (service.latency.count(LatencyPart::EndToEnd), of.completed));
    assert!(of.arrived < client.requests.arrived && of.arrived > 500);
}

/// The bound knows which cell of a route its arrivals will come to.
#[test]
fn the_bound_speaks_for_cells() {
    let scenario = r#"(
        horizon: "20m",
        regions: {"A": (zones: ["a"]), "B": (zones: ["b"])},
        geography: (round_trips: [(from: "A", to: "B", takes: "100ms")], egress_per_gb: 0.02),
        pools: {
            "pa": (gpu: "L4", gpu_price: "1/h", region: "A", gpus_per_node: 1, min_nodes: 20, max_nodes: 20),
            "pb": (gpu: "L4", gpu_price: "1/h", region: "B", gpus_per_node: 1, min_nodes: 20, max_nodes: 20),
        },
        services: {"s": (
            serving: Slots(concurrency: 1), service_time: "500ms", replicas: 1, startup: (engine: (cold: "1s")),
            autoscaler: Clairvoyant(rate_per_replica: 1.0, max: 20, window: "60s", lead: "0s"),
            regions: {"A": [], "B": []}, routing: ROUTING,
        )},
        traffic: {
            "near A": Poisson(rate: "6/s", client: (origin: "A")),
            "near B": Poisson(rate: "2/s", client: (origin: "B")),
            "only B": Poisson(rate: "1/s", client: (origin: "B")),
        },
        FAULTS
    )"#;
    let mean = |routing: &str, faults: &str| {
        let record = record(&scenario.replace("ROUTING", routing).replace("FAULTS", faults), &[]);
        [0, 1].map(|service: usize| {
            let rows = record.series.iter().filter(|row| row.service as usize == service);
            let counts: Vec<f64> = rows.map(|row| f64::from(row.spec)).collect();
            counts.iter().sum::<f64>() / counts.len() as f64
        })
    };
    let near = |found: [f64; 2], low: [f64; 2], high: [f64; 2]| {
        assert!((0..2).all(|at| low[at] <= found[at] && found[at] <= high[at]), "{found:?}");
    };
    near(mean("Nearest", ""), [6.0, 3.0], [9.0, 5.5]);
    near(mean("Weighted(weights: {\"A\": 1.0, \"B\": 2.0})", ""), [3.0, 6.0], [5.5, 9.0]);
    // While one region is dark for half of the time, the other takes all.
    near(
        mean("Nearest", "faults: {\"x\": Outage(region: \"A\", at: \"5m\", lasts: \"10m\")},"),
        [3.0, 6.0],
        [6.5, 9.5],
    );
}
