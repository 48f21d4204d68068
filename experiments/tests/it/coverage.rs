//! A policy against itself: intervals of what is no difference contain zero as often as they claim.

use flashcrowd::results::{Results, Scope, ScopeKind, of_one_run, trials};
use flashcrowd::run::{Progress, play};
use flashcrowd::scenario::Registry;
use flashcrowd::scenario::load::Text;
use flashcrowd::statistics::{Interval, welch};
use statrs::distribution::{Binomial, DiscreteCDF};

const REPETITIONS: usize = 400;
/// Replicates of each side.
const REPLICATES: usize = 8;

const SCENARIO: &str = r#"(
    horizon: "20m",
    warmup: "2m",
    replicates: COUNT,
    pools: {"p": (gpu: "L40S", gpus_per_node: 1, min_nodes: 1, max_nodes: 4, gpu_price: "2/h", provisioning: "1m")},
    services: {
        "chat": (
            serving: Slots(2), service_time: Exponential(mean: "500ms"),
            startup: (engine: (cold: Exponential(mean: "20s"))),
            autoscaler: QueueDepth(waiting_per_replica: 4, min: 1, max: 4),
        ),
    },
    traffic: {"t": Poisson(rate: 5)},
)
"#;

/// What each replicate got of some figures.
fn replicates<const N: usize>(figures: [(&str, Scope); N]) -> [Vec<f64>; N] {
    let count = (2 * REPETITIONS * REPLICATES).to_string();
    let text = Text::parse("s.ron", &SCENARIO.replace("COUNT", &count), &Registry::default()).unwrap();
    let loaded = text.resolve().unwrap();
    let mut results = Results::new(&loaded);
    play(&loaded, &trials(&loaded), &Progress::new(false), &mut results).unwrap();
    figures.map(|(id, scope)| {
        let each = results.estimate(0, &scope, id).each;
        each.into_iter().map(|value| value.expect("every replicate has it")).collect()
    })
}

/// How many of all repetitions have an interval of that level that contains zero.
fn covered(values: &[f64], level: f64) -> u64 {
    let sides = values.chunks(REPLICATES).collect::<Vec<_>>();
    let contains = |pair: &&[&[f64]]| {
        let difference: Interval = welch(pair[0], pair[1], level).expect("values that vary");
        !difference.differs_from_zero()
    };
    sides.chunks(2).filter(contains).count() as u64
}

#[test]
#[cfg_attr(debug_assertions, ignore = "thousands of runs")]
fn a_policy_is_no_different_from_itself_as_often_as_intervals_claim() {
    let [latency, cost] =
        replicates([("e2e.mean", Scope::new(ScopeKind::Service, "chat")), ("cost_usd", Scope::all())]);
    for (id, values) in [("e2e.mean", latency), ("cost_usd", cost)] {
        for level in [0.90, 0.95, 0.99] {
            let covered = covered(&values, level);
            let law = Binomial::new(level, REPETITIONS as u64).unwrap();
            // Two sides of a thousandth together.
            let (low, high) = (law.inverse_cdf(0.0005), law.inverse_cdf(0.9995));
            eprintln!("{id}: {level} claimed, {covered} of {REPETITIONS} covered, {low} to {high} expected");
            assert!((low..=high).contains(&covered), "{id}: {covered} at {level}, expected {low} to {high}");
        }
        // An interval that is too narrow is found out.
        let narrow = covered(&values, 0.8);
        assert!(narrow < Binomial::new(0.95, REPETITIONS as u64).unwrap().inverse_cdf(0.0005), "{id}: {narrow}");
    }
}

/// Of 40 runs of an M/M/8 each one's own interval by batch means holds the mean of all as often as it claims, and is no
/// wider than twice what their spread gives: requests are counted at the ends of periods only, which makes it wider.
#[test]
#[cfg_attr(debug_assertions, ignore = "ten million requests")]
fn one_long_run_knows_its_mean_as_well_as_it_says() {
    const RUNS: u64 = 40;
    let scenario = r#"(
        horizon: "4h", warmup: "30m",
        pools: {"p": (gpu: "L40S", gpus_per_node: 1, max_nodes: 2, min_nodes: 2, gpu_price: "2/h")},
        services: {"chat": (serving: Slots(4), service_time: Exponential(mean: "400ms"), replicas: 2)},
        traffic: {"t": Poisson(rate: 17)},
    )"#;
    let run = |seed: u64| {
        let text = Text::parse("s.ron", scenario, &Registry::default()).unwrap();
        let loaded = text.finally("--seed", format!("seed={seed}")).resolve().unwrap();
        let mut results = Results::new(&loaded);
        play(&loaded, &trials(&loaded), &Progress::new(false), &mut results).unwrap();
        let mean = results.got(0, &Scope::new(ScopeKind::Service, "chat"), "e2e.mean").unwrap();
        (mean, of_one_run(&results, 0)[0].1.share * mean)
    };
    let runs: Vec<(f64, f64)> = (1..=RUNS).map(run).collect();
    let means: Vec<f64> = runs.iter().map(|(mean, _)| *mean).collect();
    let all = Interval::of(&means);
    let covered = runs.iter().filter(|(mean, half)| (mean - all.mean).abs() <= *half).count();
    assert!(covered >= 36, "{covered} of {RUNS}");
    let half = runs.iter().map(|(_, half)| half).sum::<f64>() / RUNS as f64;
    let spread = all.standard_error().unwrap() * (RUNS as f64).sqrt() * 1.96;
    assert!((0.8..2.0).contains(&(half / spread)), "{half} {spread}");
}
