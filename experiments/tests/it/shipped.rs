//! The shipped scenarios: each still tells the story that it is there for.

use flashcrowd::report;
use flashcrowd::results::bound::distance;
use flashcrowd::results::summary::summary;
use flashcrowd::results::{Verdict, verdicts};
use flashcrowd::run::{Played, Progress, play_whole};
use flashcrowd::scenario::load::Text;
use flashcrowd::statistics::correlation;
use flashcrowd_core::ledger::RunRecord;
use flashcrowd_core::ports::LatencyPart;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;
use tempfile::TempDir;

fn played(given: &str, overrides: &[String]) -> Played {
    let loaded = Text::read(given).and_then(|text| text.with(overrides)).and_then(|text| text.resolve());
    let played = loaded.and_then(|loaded| play_whole(loaded, &Progress::new(false)));
    played.unwrap_or_else(|error| panic!("{given}: {error}"))
}

fn of<'a>(played: &'a Played, variant: &str) -> &'a RunRecord {
    let index = played.loaded.variants.iter().position(|resolved| resolved.variant == variant).expect(variant);
    &played.of_variant(index).next().expect("one replicate").record
}

/// Requests in flight per ready replica, and what the only signal showed, at each decision.
fn seen(record: &RunRecord) -> Vec<(f64, f64)> {
    let decisions =
        record.decisions.iter().filter(|decision| decision.ready > 0 && decision.signals[0].samples.is_some());
    decisions.map(|d| (f64::from(d.in_flight) / f64::from(d.ready), d.signals[0].mean)).collect()
}

fn replicas(record: &RunRecord) -> f64 {
    record.services[0].ready_replica_s / record.ended.as_s_f64()
}

/// Mean of what was shown at decisions with so many requests in flight per ready replica.
fn shown_at(pairs: &[(f64, f64)], load: std::ops::Range<f64>) -> f64 {
    let shown: Vec<f64> = pairs.iter().filter(|pair| load.contains(&pair.0)).map(|pair| pair.1).collect();
    assert!(shown.len() >= 20, "{} decisions at {load:?}", shown.len());
    shown.iter().sum::<f64>() / shown.len() as f64
}

fn cost(record: &RunRecord) -> f64 {
    record.bill.usd(|_| true)
}

/// GPU utilisation carries no load signal for a language model: with two requests in flight the GPU
/// is as busy as with eight, and a hundred would fit. Use of the KV cache and waiting requests do.
#[test]
fn gpu_utilisation_does_not_know_the_load_and_the_cache_does() {
    let played = played("@gpu-utilisation", &[]);
    let [gpu, kv, waiting] = ["GPU utilisation", "KV cache", "waiting"].map(|variant| of(&played, variant));
    let shown = seen(gpu);
    let (light, heavy) = (shown_at(&shown, 2.0..4.0), shown_at(&shown, 4.0..128.0));
    println!("GPU utilisation: {light:.1} % at 2 to 4 requests in flight, {heavy:.1} % beyond");
    assert!(light > 97.0 && heavy - light < 3.0, "from {light} % to {heavy} %");
    // Percent of the cache, as the controller's signal has it: it grows with the load from end to end.
    let shown = seen(kv);
    assert!(correlation(&shown) > Some(0.85), "{:?}", correlation(&shown));
    let (light, heavy) = (shown_at(&shown, 4.0..8.0), shown_at(&shown, 64.0..1e9));
    println!("KV cache: {light:.1} % at 4 to 8 requests in flight, {heavy:.1} % from 64 on");
    assert!(heavy > 5.0 * light, "from {light} % to {heavy} %");
    // What waits is nothing until the engine is full, and then much.
    let shown = seen(waiting);
    assert!(shown_at(&shown, 0.0..16.0) < 0.1 && shown_at(&shown, 64.0..1e9) > 10.0);
    for (name, other) in [("KV cache", kv), ("waiting", waiting)] {
        assert!(replicas(gpu) > 3.0 * replicas(other), "{name}: {} against {}", replicas(gpu), replicas(other));
        assert!(cost(gpu) > 2.0 * cost(other), "{name}: {} against {}", cost(gpu), cost(other));
        let slo = other.services[0].latency.slos[0].attainment();
        assert!(slo >= 0.95, "{name}: {slo}");
    }
    // Most of it was bought in the calm hours.
    let calm = |record: &RunRecord| {
        let rows: Vec<f64> = record.series.iter().take(110).map(|row| f64::from(row.ready)).collect();
        rows[60..].iter().sum::<f64>() / 50.0
    };
    assert!(calm(gpu) > 5.0 * calm(kv), "{} against {}", calm(gpu), calm(kv));
}

/// Rows as in the public files, so many a second, with lengths like theirs.
fn trace(rate: u64, prompt: u64, output: u64) -> String {
    let mut text = "TIMESTAMP,ContextTokens,GeneratedTokens\n".to_owned();
    for i in 0..rate * 240 {
        let (ms, spread) = (i * 1_000 / rate, |step: u64| 50 + i * step % 101);
        let (prompt, output) = (prompt * spread(37) / 100, (output * spread(61) / 100).max(1));
        let clock = format!("18:{:02}:{:02}.{:03}0000", 15 + ms / 60_000, ms / 1_000 % 60, ms % 1_000);
        let _ = writeln!(text, "2023-11-16 {clock},{prompt},{output}");
    }
    text
}

#[test]
fn two_models_on_two_traces_report_token_latencies_and_cost() {
    let folder = TempDir::new().unwrap();
    let file = |name: &str, text: String| {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let (code, conversation) = (file("code.csv", trace(5, 2_000, 28)), file("conv.csv", trace(6, 1_200, 200)));
    let overrides = [format!("traffic.code.path={code}"), format!("traffic.conversation.path={conversation}")];
    let played = played("@llm-azure", &overrides);
    let summary = serde_json::to_value(summary(&played.loaded, &played.runs[0])).unwrap();
    for service in ["code", "conversation"] {
        for part in ["ttft", "itl"] {
            let latency = &summary["services"][service]["latency_s"][part];
            assert!(latency["p50"].as_f64() > Some(0.0) && latency["p99"].as_f64() > Some(0.0), "{service} {part}");
        }
        assert!(summary["cost"]["by_service"][service].as_f64() > Some(0.0), "{service}");
    }
    let itl = |service: &str| summary["services"][service]["latency_s"]["itl"]["p50"].as_f64().unwrap();
    assert!(itl("conversation") > 2.0 * itl("code"), "70B on four GPUs is slower than 8B on one");
    let text = report::text(&played.results());
    assert!(text.lines().count() <= 30, "{text}");
    for start in ["code ", "conversation ", "money "] {
        assert!(text.lines().any(|line| line.starts_with(start)), "{start} in\n{text}");
    }
    let rows = |name: &str| text.lines().filter(|line| line.contains(name)).count();
    assert!(rows(" ttft ") >= 2 && rows(" itl ") >= 2, "{text}");
}

/// Bursts of one model lengthen the gaps of the other, and half the GPUs cost half.
#[test]
fn models_that_share_a_gpu_feel_each_other() {
    let played = played("@two-models", &["horizon=20m".to_owned()]);
    let [apart, shared, one] = ["a GPU for each", "both on each of two", "both on one"].map(|name| of(&played, name));
    let gap_ms = |record: &RunRecord| 1e3 * record.services[0].latency.mean_s(LatencyPart::InterToken);
    assert!(gap_ms(apart) < gap_ms(shared) && gap_ms(shared) < gap_ms(one));
    assert!((cost(apart) - cost(shared)).abs() < 1e-9 && (cost(apart) - 2.0 * cost(one)).abs() < 1e-9);
    // Both hold 36 GiB of each GPU, and pay alike.
    let of_service = |service| shared.bill.usd(|line| line.service == Some(service));
    assert!((of_service(0) - of_service(1)).abs() < 1e-9);
}

/// Counts that a variant's controllers wrote, in order.
fn written(record: &RunRecord) -> Vec<u32> {
    record
        .decisions
        .iter()
        .filter(|decision| decision.before != decision.after)
        .map(|decision| decision.after)
        .collect()
}

fn attainment(record: &RunRecord) -> f64 {
    record.services[0].latency.slos[0].attainment()
}

/// knative/serving#3153: panic orders thirty, and its end deletes those that are starting.
#[test]
fn knative_takes_back_what_is_still_starting() {
    let played = played("@knative-slow-start", &[]);
    let [faithful, delayed, repaired] = ["as it is", "scale-down-delay", "repaired"].map(|name| of(&played, name));
    let undone = |record: &RunRecord| written(record).windows(2).filter(|pair| pair[0] == 30 && pair[1] <= 2).count();
    assert!(undone(faithful) >= 4, "{:?}", written(faithful));
    assert_eq!((undone(delayed), undone(repaired)), (0, 0));
    assert!(attainment(faithful) < 0.7 && attainment(repaired) > 0.8 && attainment(delayed) > 0.9);
}

/// kedacore/keda#7770: the HPA's policy allows one pod a minute, and KEDA's cooldown takes four at once.
#[test]
fn keda_goes_to_zero_past_the_policy_of_its_hpa() {
    let played = played("@keda-to-zero", &[]);
    let [faithful, floor, repaired] = ["as it is", "minReplicaCount 4", "repaired"].map(|name| of(&played, name));
    let steps = |record: &RunRecord| -> Vec<u32> {
        let down = record.decisions.iter().filter(|decision| decision.after == 0);
        down.map(|decision| decision.before).collect()
    };
    assert!(steps(faithful).iter().any(|&before| before >= 3), "{:?}", steps(faithful));
    assert_eq!((steps(floor), steps(repaired)), (vec![], vec![]));
    let mean_s = |record: &RunRecord| record.services[0].latency.mean_s(LatencyPart::EndToEnd);
    assert!(mean_s(faithful) > 1.5 * mean_s(repaired) && mean_s(repaired) > mean_s(floor));
}

/// vllm-project/aibrix#2670: all that the bounds allow is ordered for a load that three replicas carry.
#[test]
fn aibrix_orders_again_what_it_has_ordered() {
    let played = played("@aibrix-cascade", &[]);
    let [faithful, kpa, repaired] = ["as it is", "strategy KPA", "repaired"].map(|name| of(&played, name));
    let most = |record: &RunRecord| written(record).into_iter().max();
    assert_eq!(most(faithful), Some(32));
    for cured in [kpa, repaired] {
        assert!(most(cured) <= Some(5), "{:?}", written(cured));
        assert!(cost(faithful) > 3.0 * cost(cured) && attainment(cured) > 0.95);
    }
}

/// Every autoscaler plays the same day; whoever keeps the SLO pays more than who knows the arrivals.
#[test]
#[cfg_attr(debug_assertions, ignore = "long")]
fn no_policy_that_keeps_the_slo_is_below_the_bound() {
    let played = played("@controllers", &["horizon=12h".to_owned()]);
    let results = played.results();
    assert_eq!(results.variants.len(), 16);
    let best = results.bound().unwrap();
    assert_eq!(played.loaded.variants[best].variant, "clairvoyant");
    let bound = distance(&results, best).unwrap();
    assert_eq!((bound.cost_over_bound.got, bound.over_gpu_h.got), (Some(0.0), Some(0.0)));
    assert!(verdicts(&results, best).iter().all(Verdict::holds));
    for variant in 0..16 {
        let far = distance(&results, variant).unwrap();
        let misses = verdicts(&results, variant).iter().any(|verdict| !verdict.holds());
        assert!(misses || far.cost_usd.got >= bound.cost_usd.got, "{far:?}");
    }
}

#[test]
fn past_saturation_shedding_serves_and_replicas_do_not_shorten_the_tail() {
    let played = played("@saturation", &[]);
    let kept = |variant: &str| of(&played, variant).services[0].latency.slos[0].attainment();
    let longest =
        |variant: &str| of(&played, variant).services[0].latency.max_us(LatencyPart::EndToEnd).unwrap_or(0) as f64;
    let mean = |variant: &str| of(&played, variant).services[0].latency.mean_s(LatencyPart::EndToEnd);
    assert!(kept("1 cascade") < 0.5 && kept("2 shedding") > 0.9 && kept("3 retry budget") > kept("1 cascade"));
    assert!(mean("4 floor, 13") > 1.5 * mean("6 floor, 48"));
    assert!(longest("6 floor, 48") > 0.9 * longest("4 floor, 13"));
}

/// Three metrics for three kinds of endpoint: the language model is the one that GPU utilisation
/// misleads, and of which no queue speaks in time.
#[test]
#[cfg_attr(debug_assertions, ignore = "long")]
fn the_metric_of_each_endpoint() {
    let played = played("@horizontal-metrics", &[]);
    let kept = |variant: &str| of(&played, variant).services[0].latency.slos[0].attainment();
    let mean = |variant: &str| replicas(of(&played, variant));
    assert!(kept("compute/gpu") > 0.99 && kept("io/gpu") < 0.5 && kept("io/queue") > 0.95);
    assert!(mean("llm/gpu") > 1.5 * mean("llm/latency") && kept("llm/latency") > 0.95 && kept("llm/queue") < 0.95);
}

#[test]
#[cfg_attr(debug_assertions, ignore = "long")]
fn the_readme_shows_what_the_command_prints() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let readme = fs::read_to_string(root.join("README.md")).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_flashcrowd"))
        .current_dir(&root)
        .args(["run", "scenarios/horizontal.ron", "--no-out"])
        .output();
    let printed = String::from_utf8(output.unwrap().stdout).unwrap();
    assert!(readme.contains(&printed), "README.md should show:\n{printed}");
}
