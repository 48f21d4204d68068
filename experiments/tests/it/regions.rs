//! Regions, spot capacity and outages through scenario files: what is refused before it runs, and the
//! stories of the shipped scenarios.

use flashcrowd::registry::Registry;
use flashcrowd::report;
use flashcrowd::results::summary::summary;
use flashcrowd::run::{Played, Progress, Run, play_whole};
use flashcrowd::scenario::load::Text;
use flashcrowd_core::ledger::{ClientRecord, RunRecord};
use std::path::PathBuf;

const SCENARIO: &str = r#"(
    horizon: "30m",
    regions: {
        "us-east-1": (zones: ["a"]),
        "eu-west-1": (zones: ["a", "b"]),
        "ap-northeast-1": (zones: ["a"]),
    },
    pools: {
        "us": (gpu: "L4", gpu_price: "1/h", region: "us-east-1", gpus_per_node: 1, min_nodes: 2, max_nodes: 4),
        "eu": (gpu: "L4", gpu_price: "1/h", region: "eu-west-1", gpus_per_node: 1, min_nodes: 2, max_nodes: 4),
        "jp": (gpu: "L4", gpu_price: "1/h", region: "ap-northeast-1", gpus_per_node: 1, min_nodes: 2, max_nodes: 4),
    },
    services: {
        "api": (
            serving: Slots(concurrency: 4),
            service_time: "200ms",
            queue: Shared(),
            replicas: 2,
            regions: {"us-east-1": [], "eu-west-1": [], "ap-northeast-1": ["replicas=1"]},
            health: (interval: "10s", timeout: "2s", failures: 3, time_to_live: "30s"),
            slo: [(quantile: 0.99, limit: "2s")],
        ),
    },
    traffic: {
        "eu": Poisson(rate: "4/s", client: (origin: "eu-west-1", timeout: "10s")),
        "patients": Poisson(rate: "2/s", client: (origin: "eu-west-1", residency: ["eu"], timeout: "10s", retries: (max: 2))),
        "us": Poisson(rate: "4/s", client: (origin: "us-east-1", timeout: "10s")),
    },
    faults: {
        "eu is lost": Outage(region: "eu-west-1", at: "10m", lasts: "10m"),
    },
)"#;

fn loaded(text: &str, overrides: &[&str]) -> Result<flashcrowd::scenario::load::Loaded, String> {
    let overrides: Vec<String> = overrides.iter().map(|text| (*text).to_owned()).collect();
    let text = Text::parse("regions", text, &Registry::new()).and_then(|text| text.with(&overrides));
    text.and_then(|text| text.resolve()).map_err(|error| error.to_string())
}

fn played(text: &str, overrides: &[&str]) -> Played {
    play_whole(loaded(text, overrides).unwrap(), &Progress::new(false)).unwrap()
}

fn shipped(name: &str, overrides: &[String]) -> Played {
    let loaded = Text::read(name).and_then(|text| text.with(overrides)).and_then(|text| text.resolve());
    play_whole(loaded.unwrap(), &Progress::new(false)).unwrap()
}

fn of<'a>(played: &'a Played, variant: &str) -> Vec<&'a Run> {
    let index = played.loaded.variants.iter().position(|resolved| resolved.variant == variant).expect(variant);
    played.of_variant(index).collect()
}

fn client<'a>(record: &'a RunRecord, name: &str) -> &'a ClientRecord {
    record.clients.iter().find(|client| &*client.name == name).unwrap()
}

fn usd(run: &Run) -> f64 {
    run.record.bill.usd(|_| true)
}

/// Share of the time in which all wanted replicas were ready, over replicates.
fn available(runs: &[&Run]) -> f64 {
    let share = |run: &&Run| 1.0 - run.record.services[0].short.as_s_f64() / run.record.ended.as_s_f64();
    runs.iter().map(share).sum::<f64>() / runs.len() as f64
}

/// A lost region is served by the nearest other, once probes and name service say so; what the law keeps
/// there fails rather than leave.
#[test]
fn a_file_that_an_override_of_a_region_names_lies_beside_the_scenario() {
    let folder = tempfile::tempdir().unwrap();
    let manifest = include_str!("../../../scenarios/manifests/model-inference-hpa.yaml");
    std::fs::write(folder.path().join("h.yaml"), manifest).unwrap();
    let path = folder.path().join("s.ron");
    std::fs::write(&path, SCENARIO.replace("replicas=1", r#"autoscaler=Manifest(\"h.yaml\")"#)).unwrap();
    let text = Text::read(&path.to_string_lossy()).unwrap();
    let services = text.resolve().unwrap().variants.remove(0).services;
    assert_eq!(services.iter().filter(|service| service.autoscaler.is_some()).count(), 1);
    assert!(text.written(None).unwrap().contains("kind: HorizontalPodAutoscaler"));
}

#[test]
fn who_may_leave_a_lost_region_leaves_it() {
    let played = played(SCENARIO, &[]);
    let record = &played.runs[0].record;
    // Services are sorted by name: 0 is in Japan, 1 in Europe, 2 in the United States.
    let attempts = |name: &str| -> Vec<(u32, u64)> {
        client(record, name).served.iter().map(|served| (served.service, served.completed)).collect()
    };
    let eu = attempts("eu");
    assert_eq!(eu.iter().map(|served| served.0).collect::<Vec<_>>(), [1, 2, 0], "nearest first");
    let whole = client(record, "eu").requests.arrived as f64;
    assert!(
        (0.33..0.5).contains(&(eu[1].1 as f64 / whole)),
        "a third of the time, and until it has started again: {eu:?}"
    );
    assert_eq!(eu[2].1, 0, "{eu:?}");
    assert_eq!(attempts("patients").len(), 1, "there is one cell where they may go");
    let patients = client(record, "patients");
    assert!(patients.requests.failed > 0 && patients.requests.completed > patients.requests.arrived / 2);
    // Probes of 10 s, three of them, and a time-out of 2 s: out 22 to 32 s after the loss.
    let out = record.health.iter().find(|change| !change.healthy).expect("a change");
    assert!((622.0..=632.0).contains(&out.at.as_s_f64()), "{out:?}");
    let lost = client(record, "eu").requests.failed as f64 / 4.0;
    assert!((25.0..60.0).contains(&lost), "{lost} s of requests failed until answers were old: 27 s and half of 30 s");
}

/// The summary adds the cells of a route up, and says who served whom.
#[test]
fn the_summary_of_a_route_is_that_of_its_cells() {
    let played = played(SCENARIO, &[]);
    let summary = serde_json::to_value(summary(&played.loaded, &played.runs[0])).unwrap();
    let route = &summary["routes"]["api"];
    let cells = ["api@us-east-1", "api@eu-west-1", "api@ap-northeast-1"].map(|cell| &summary["services"][cell]);
    let count = |of: &serde_json::Value| of["latency_s"]["e2e"]["count"].as_u64().unwrap();
    assert_eq!(count(route), cells.iter().map(|cell| count(cell)).sum::<u64>());
    let completed = |of: &serde_json::Value| of["requests"]["completed"].as_u64().unwrap();
    assert_eq!(completed(route), completed(&summary));
    let by_client: u64 = ["eu", "us", "patients"]
        .iter()
        .flat_map(|client| route["clients"][client]["cells"].as_object().unwrap().values())
        .map(|cell| cell["completed"].as_u64().unwrap())
        .sum();
    assert_eq!(by_client, completed(route));
    assert!(report::text(&played.results()).lines().count() <= 30);
    let slo = &route["slo"][0];
    assert!(slo["met"] == serde_json::json!(false) && slo["attainment"].as_f64().unwrap() > 0.8, "{slo}");
}

#[test]
fn residency_that_cannot_be_kept_is_refused_before_it_runs() {
    let nowhere = loaded(SCENARIO, &["services.api.regions={\"us-east-1\": [], \"ap-northeast-1\": []}"]).unwrap_err();
    assert!(nowhere.contains("no cell of `api` lies where these requests may be served"), "{nowhere}");
    let unknown = loaded(SCENARIO, &["traffic.patients.client.residency=[\"ue\"]"]).unwrap_err();
    assert!(unknown.contains("did you mean `eu`?"), "{unknown}");
    let direct = loaded(SCENARIO, &["services.api.regions={}", "services.api.pools=[\"us\", \"eu\"]"]).unwrap_err();
    assert!(direct.contains("`api` may have replicas in pool `us`"), "{direct}");
}

/// What is wrong in a service with regions is shown where it stands, not in a copy.
#[test]
fn mistakes_are_shown_where_they_are_written() {
    for (overrides, words) in [
        (vec!["services.api.routing=Nearst"], vec!["Nearest", "services.api.routing"]),
        (vec!["services.api.regions={\"us-east-2\": []}"], vec!["us-east-2", "us-east-1"]),
        (vec!["services.api.regions={\"us-east-1\": [\"replicsa=1\"]}"], vec!["replicsa", "replicas"]),
        (vec!["services.api.regions={\"us-east-1\": [3]}"], vec!["regions"]),
        (
            vec!["faults.\"eu is lost\".region=eu-west-2"],
            vec!["there is no region `eu-west-2`", "did you mean `eu-west-1`?"],
        ),
        (vec!["traffic.us.client.origin=us-est-1"], vec!["did you mean `us-east-1`?"]),
        (vec!["pools.us.supply=aws"], vec!["there is no market `aws`"]),
        (vec!["services.api.capacity=SpotHedge()"], vec!["no pool that may host this service is bought as Spot"]),
        (vec!["pools.us.market=Spot", "pools.us.committed_nodes=1"], vec!["spot capacity cannot be committed to"]),
        (vec!["regions.us-east-1.cloud=asw"], vec!["did you mean `aws`?"]),
        (vec!["services.api.health.interval=0s"], vec!["at least 1ms"]),
    ] {
        let message = loaded(SCENARIO, &overrides).unwrap_err();
        for word in words {
            assert!(message.contains(word), "{overrides:?}: expected `{word}` in\n{message}");
        }
    }
    let many: Vec<String> = (0..1_001).map(|i| format!("\"r{i}\": (zones: [\"a\"])")).collect();
    let many = many.join(", ") + ",";
    let crowded = SCENARIO.replace("regions: {\n", &format!("regions: {{ {many}\n"));
    let message = loaded(&crowded, &[]).unwrap_err();
    assert!(message.contains("1004 regions; expected at most 1000"), "{message}");
    let far = SCENARIO.replace("ap-northeast-1", "moon-1");
    let message = loaded(&far, &[]).unwrap_err();
    assert!(message.contains("no round trip is known between"), "{message}");
}

/// Half of the servers are away for a minute: without a budget for retries the service never comes back.
#[test]
#[cfg_attr(debug_assertions, ignore = "long")]
fn a_retry_storm_outlives_its_trigger_and_a_budget_cures_it() {
    let played = shipped("@retry-storm", &[]);
    let last = |variant: &str| -> Vec<f64> {
        let good = |run: &&Run| {
            let rows = run.record.series.iter().rev().take(10);
            let (arrived, late) = rows.fold((0, 0), |sum, row| (sum.0 + row.arrived, sum.1 + row.late));
            1.0 - (late as f64 / arrived as f64).min(1.0)
        };
        of(&played, variant).iter().map(good).collect()
    };
    assert!(last("no budget").iter().all(|good| *good < 0.01), "{:?}", last("no budget"));
    assert!(last("20 % budget").iter().all(|good| *good > 0.95), "{:?}", last("20 % budget"));
    assert!(last("no retries").iter().all(|good| *good > 0.95), "{:?}", last("no retries"));
    let amplification = |variant: &str| {
        let clients = of(&played, variant).into_iter().map(|run| &run.record.clients[0]);
        let (attempts, arrived) =
            clients.fold((0, 0), |sum, client| (sum.0 + client.attempts, sum.1 + client.requests.arrived));
        attempts as f64 / arrived as f64
    };
    assert!(amplification("no budget") > 3.0 && amplification("20 % budget") < 1.25);
}

/// The peak of the sum is 220 of 300, whatever the unit: pooled regions need 26.7 % less, exactly.
#[test]
#[cfg_attr(debug_assertions, ignore = "long")]
fn pooled_regions_save_what_the_formula_says() {
    let played = shipped("@pooled-regions", &[]);
    let [each, pooled, few] = ["each for itself", "pooled", "too few"].map(|variant| of(&played, variant)[0]);
    assert!((usd(pooled) / usd(each) - 220.0 / 300.0).abs() < 1e-12);
    let kept = |run: &Run| {
        let slos = run.record.services.iter().map(|service| service.latency.slos[0]);
        slos.map(|slo| slo.attainment()).fold(1.0, f64::min)
    };
    assert!(kept(each) > 0.99 && kept(pooled) > 0.99 && kept(few) < 0.9);
}

/// Zones fail together: spot alone is not there when it is needed, fallback is, and costs less than on-demand.
#[test]
#[cfg_attr(debug_assertions, ignore = "long")]
fn all_on_spot_is_cheap_until_the_zones_fail_together() {
    let played = shipped("@all-spot", &[]);
    let [spot, fallback, demand, one, bound] =
        ["all-spot", "fallback", "on-demand", "one-zone", "foresight"].map(|variant| of(&played, variant));
    assert!(available(&spot) < 0.97 && available(&one) < 0.2, "{} {}", available(&spot), available(&one));
    assert!(available(&fallback) > 0.99 && available(&demand) > 0.999 && available(&bound) > 0.99);
    let cost = |runs: &[&Run]| runs.iter().map(|run| usd(run)).sum::<f64>();
    assert!(cost(&spot) < cost(&bound) && cost(&bound) < cost(&fallback) && cost(&fallback) < 0.8 * cost(&demand));
}

/// The day of the shipped scenario: whoever lives in the lost region is served elsewhere, and the hour shows.
#[test]
#[cfg_attr(debug_assertions, ignore = "long")]
fn the_day_on_which_a_region_is_lost() {
    let played = shipped("@multi-region", &[]);
    let record = &played.runs[0].record;
    let us = client(record, "us");
    let at_home = us.served[0].completed as f64 / us.requests.completed as f64;
    assert!((0.8..0.97).contains(&at_home), "{at_home}");
    assert_eq!(client(record, "eu-health").served.len(), 1);
    // The series of the lost region: nothing completes there while it is gone.
    let lost = record.services.iter().position(|service| service.name.ends_with("us-east-1")).unwrap() as u32;
    let during = record.series.iter().filter(|row| row.service == lost);
    let during: Vec<u64> = during
        .filter(|row| (13.05 * 3_600.0..13.4 * 3_600.0).contains(&row.at.as_s_f64()))
        .map(|row| row.completed)
        .collect();
    assert!(during.len() > 15 && during.iter().all(|completed| *completed == 0), "{during:?}");
    let spot: f64 = record.bill.usd(|line| played.loaded.variants[0].pools[line.pool as usize].name.ends_with("spot"));
    assert!(spot > 0.0 && spot < record.bill.usd(|_| true));
}

/// The recorded market through a scenario file gives the reference's costs and availabilities.
#[test]
#[cfg_attr(debug_assertions, ignore = "long")]
fn a_recorded_market_is_replayed() {
    let Some(reference) = std::env::var_os("FLASHCROWD_REFERENCE").map(PathBuf::from) else {
        println!("skipped: FLASHCROWD_REFERENCE is not set");
        return;
    };
    let folder = reference.join("traces/spot/availability/1-node/aws-02-15-2023");
    let played = shipped("@spot-replay", &[format!("markets.recorded.path={}", folder.display())]);
    let demand = usd(of(&played, "on-demand")[0]);
    // Of `spot_replay_golden.json`; what is in work when a replica goes is finished, and paid.
    for (variant, availability, cost) in [
        ("round robin", 0.8896, 0.3185),
        ("hedge E=0", 0.9833, 0.3688),
        ("hedge E=1", 0.9974, 0.5214),
        ("hedge E=2", 0.9996, 0.6963),
        ("hedge E=3", 0.9999, 0.8872),
        ("no fallback", 0.9170, 0.4097),
    ] {
        let runs = of(&played, variant);
        let found = (available(&runs), usd(runs[0]) / demand);
        assert!((found.0 - availability).abs() < 6e-5 && (found.1 - cost).abs() < 3e-4, "{variant}: {found:?}");
    }
}
