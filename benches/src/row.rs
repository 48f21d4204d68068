//! One row of the throughput table: a world beside its twin, in one process. The twin of slots and of
//! token-level engines is a bare loop; the latter have a second one, the same world with each iteration
//! an event, which is the only one of engines that share GPUs; that of regions is the row `cluster_1024`.

use crate::bare::Outcome;
use crate::llm::Llm;
use crate::meter::{cpu_seconds, median, peak_own_mib, peak_rss_mib};
use crate::regions::Regions;
use crate::two_engines::TwoEngines;
use crate::worlds::Model;
use crate::{bare, bare_llm};
use flashcrowd_core::Simulation;
use flashcrowd_core::ledger::RunRecord;
use flashcrowd_core::ports::LatencyPart;
use flashcrowd_core::simulation::World;
use serde_json::{Value, json};

/// The rows, in the order of the table.
pub const ROWS: [&str; 21] = [
    "mmc_16",
    "mmc_1024",
    "cluster_64",
    "cluster_1024",
    "cluster_10k",
    "cluster_50k",
    "regions_6",
    "llm_1_b1",
    "llm_1_b12",
    "llm_1_b30",
    "llm_16_b1",
    "llm_16_b12",
    "llm_16_b30",
    "llm_256_b1",
    "llm_256_b12",
    "llm_256_b30",
    "llm_1024_b1",
    "llm_1024_b12",
    "llm_1024_b30",
    "moe_64",
    "two_engines",
];

/// From this many replicas on, memory for each replica is reported.
const MANY_REPLICAS: u32 = 1_000;

/// Sequences in decode in each engine of a model with experts, on average.
const MOE_BATCH: u32 = 12;

/// The per-iteration twin plays one request in this many, since it is that much slower.
const TWIN_SHARE: u64 = 20;

/// What a row plays.
#[derive(Clone, Debug)]
pub enum Played {
    /// Slots; and whether controllers and scrapes run too.
    Slots(Model, bool),
    /// Regions around the world, beside one cluster.
    Regions(Regions),
    /// Token-level engines.
    Llm(Llm),
    /// Token-level engines that share GPUs.
    TwoEngines(TwoEngines),
}

/// What the row of that name plays with `requests` requests; `None` if there is no such row.
pub fn played(row: &str, requests: u64) -> Option<Played> {
    let (kind, size) = row.split_once('_')?;
    let number = |text: &str| text.parse().ok().filter(|size| (1..=1 << 20).contains(size));
    Some(match kind {
        "mmc" => Played::Slots(Model::mmc(number(size)?, requests), false),
        "cluster" => {
            let model = match size.strip_suffix('k') {
                Some(thousands) => Model::thousands(number(thousands).filter(|n| *n <= 1_000)?, requests),
                None => Model::cluster(number(size)?, requests),
            };
            Played::Slots(model, true)
        }
        "regions" => {
            let regions = number(size).filter(|regions| (2..=9).contains(regions))?;
            Played::Regions(Regions { regions, requests })
        }
        "llm" => {
            let (replicas, batch) = size.split_once("_b")?;
            let (replicas, batch) = (number(replicas)?, number(batch)?);
            Played::Llm(Llm { replicas, batch, requests, experts: false, leaps: true })
        }
        "moe" => Played::Llm(Llm { replicas: number(size)?, batch: MOE_BATCH, requests, experts: true, leaps: true }),
        "two" if size == "engines" => Played::TwoEngines(TwoEngines { requests, leaps: true }),
        _ => return None,
    })
}

/// Runs a row and describes it: medians over `runs`. `None` if there is no such row.
///
/// # Panics
/// If a world and its twin disagree about the requests that they played, since then their times
/// could not be compared.
pub fn measure(row: &str, requests: u64, runs: usize) -> Option<Value> {
    let mut described = match played(row, requests)? {
        Played::Slots(model, controlled) => slots(row, &model, controlled, runs.max(1)),
        Played::Regions(regions) => around_the_world(regions, runs.max(1)),
        Played::Llm(llm) => tokens(row, llm, runs.max(1)),
        Played::TwoEngines(two) => shared(row, two, runs.max(1)),
    };
    described["peak_rss_mib"] = json!(peak_rss_mib().map(|mib| rounded(mib, 10.0)));
    described["peak_own_mib"] = json!(peak_own_mib().map(|mib| rounded(mib, 100.0)));
    Some(described)
}

fn slots(row: &str, model: &Model, controlled: bool, runs: usize) -> Value {
    let (mut simulated_s, mut bare_s, mut peak_mib) = (Vec::new(), Vec::new(), None);
    for _ in 0..runs {
        let (record, seconds) = cpu_seconds(|| play(model.world(controlled)));
        simulated_s.push(seconds);
        // Read before the bare loop adds its own memory.
        peak_mib = peak_mib.or_else(peak_rss_mib);
        let (outcome, seconds) = cpu_seconds(|| bare::run(model));
        bare_s.push(seconds);
        assert_same(row, &record, &outcome);
    }
    let per_s = |seconds| model.requests as f64 / median(seconds);
    let (simulated, bare) = (per_s(simulated_s), per_s(bare_s));
    let mut described = json!({
        "requests_per_cpu_s": simulated.round(),
        "bare_requests_per_cpu_s": bare.round(),
        "ratio": rounded(simulated / bare, 1e3),
    });
    if model.replicas >= MANY_REPLICAS {
        let bytes = peak_mib.map(|mib| (mib * f64::from(1 << 20) / f64::from(model.replicas)).round());
        described["rss_bytes_per_replica"] = json!(bytes);
    }
    described
}

/// A run and a bare loop have played the same requests, to the last count.
fn assert_same(row: &str, record: &RunRecord, outcome: &Outcome) {
    let latency = record.services[0].latency.part(LatencyPart::EndToEnd).expect("requests are served");
    assert_eq!(latency.len(), outcome.completed, "{row}: the models differ");
    assert_eq!(latency, outcome.latency_us, "{row}: the models differ");
}

/// Beside the row `cluster_1024`, in one process.
fn around_the_world(regions: Regions, runs: usize) -> Value {
    let cluster = Model::cluster(1_024, regions.requests);
    let (mut simulated_s, mut cluster_s, mut lost) = (Vec::new(), Vec::new(), 0);
    for _ in 0..runs {
        let (record, seconds) = cpu_seconds(|| play(regions.world()));
        simulated_s.push(seconds);
        lost = record.services.iter().map(|service| service.capacity.preempted).sum::<u64>();
        cluster_s.push(cpu_seconds(|| play(cluster.world(true))).1);
    }
    let per_s = |seconds| regions.requests as f64 / median(seconds);
    let (simulated, cluster) = (per_s(simulated_s), per_s(cluster_s));
    json!({
        "requests_per_cpu_s": simulated.round(),
        "cluster_1024_requests_per_cpu_s": cluster.round(),
        "ratio": rounded(simulated / cluster, 1e3),
        "replicas_lost": lost,
    })
}

fn tokens(row: &str, llm: Llm, runs: usize) -> Value {
    let twin = Llm { requests: llm.requests.div_ceil(TWIN_SHARE), leaps: false, ..llm };
    assert_leaps_change_nothing(row, Llm { leaps: true, ..twin }.world(), twin.world());
    let (mut leaping_s, mut bare_s, mut plain_s) = (Vec::new(), Vec::new(), Vec::new());
    let mut batch = 0.0;
    for _ in 0..runs {
        let (record, seconds) = cpu_seconds(|| play(llm.world()));
        leaping_s.push(seconds);
        batch = mean_batch(&record);
        let (outcome, seconds) = cpu_seconds(|| bare_llm::run(&llm));
        bare_s.push(seconds);
        assert_same(row, &record, &outcome);
        plain_s.push(cpu_seconds(|| play(twin.world())).1);
    }
    let per_s = |seconds| llm.requests as f64 / median(seconds);
    let (leaping, bare) = (per_s(leaping_s), per_s(bare_s));
    let plain = twin.requests as f64 / median(plain_s);
    json!({
        "requests_per_cpu_s": leaping.round(),
        "bare_requests_per_cpu_s": bare.round(),
        "ratio": rounded(leaping / bare, 1e3),
        "per_iteration_requests_per_cpu_s": plain.round(),
        "ratio_to_per_iteration": rounded(leaping / plain, 10.0),
        "mean_batch": rounded(batch, 10.0),
    })
}

fn shared(row: &str, two: TwoEngines, runs: usize) -> Value {
    let twin = TwoEngines { requests: two.requests.div_ceil(TWIN_SHARE), leaps: false };
    assert_leaps_change_nothing(row, TwoEngines { leaps: true, ..twin }.world(), twin.world());
    let (mut leaping_s, mut plain_s) = (Vec::new(), Vec::new());
    let mut batch = 0.0;
    for _ in 0..runs {
        let (record, seconds) = cpu_seconds(|| play(two.world()));
        leaping_s.push(seconds);
        batch = mean_batch(&record);
        plain_s.push(cpu_seconds(|| play(twin.world())).1);
    }
    let leaping = two.requests as f64 / median(leaping_s);
    let plain = twin.requests as f64 / median(plain_s);
    json!({
        "requests_per_cpu_s": leaping.round(),
        "per_iteration_requests_per_cpu_s": plain.round(),
        "ratio_to_per_iteration": rounded(leaping / plain, 10.0),
        "mean_batch": rounded(batch, 10.0),
    })
}

fn play(world: World) -> RunRecord {
    Simulation::new(world).run().expect("no limits")
}

/// Both must play the same history, to the last bit.
fn assert_leaps_change_nothing(row: &str, leaping: World, plain: World) {
    assert_eq!(play(leaping).digest, play(plain).digest, "{row}: leaps change what happens");
}

/// Sequences in decode in the iterations that there were, as tokens but prefills over iterations.
fn mean_batch(record: &RunRecord) -> f64 {
    let service = &record.services[0];
    let gaps = service.latency.count(LatencyPart::InterToken);
    gaps as f64 / service.engine.iterations.max(1) as f64
}

fn rounded(value: f64, parts: f64) -> f64 {
    (value * parts).round() / parts
}
