//! What the time model says in closed form about a token-level engine: latency of one request alone,
//! bounds, conservation of time, the stability limit, and which way things move.

use flashcrowd_core::clock::{Distribution, Seed};
use flashcrowd_core::ledger::RunRecord;
use flashcrowd_core::ports::LatencyPart;
use flashcrowd_core::serving::{Coefficients, Discipline, EngineConfig, Knee, TimeModel};
use flashcrowd_core::simulation::World;
use flashcrowd_core::traffic::Traffic;
use flashcrowd_core::{SimDuration, SimTime};
use flashcrowd_tests::kit::{client, run, service, world};
use flashcrowd_workloads::traffic::poisson::Poisson;
use flashcrowd_workloads::traffic::requests::{RequestDistributions, Until};
use proptest::prelude::*;
use proptest::test_runner::TestCaseResult;

/// A linear law, and what is asked of it.
#[derive(Clone, Copy, Debug)]
struct Case {
    law: Coefficients,
    front_end_us: u64,
    prompt: u32,
    output: u32,
}

prop_compose! {
    fn case()(
        (overhead_ms, weights_ms) in (0.5..3.0, 2.0..12.0),
        (token_ms, sequence_ms, context_ms) in (0.005..0.04, 0.005..0.04, 1e-5..1e-4),
        front_end_us in 0_u64..10_000,
        (prompt, output) in (1_u32..1_500, 2_u32..300),
    ) -> Case {
        let law = Coefficients { overhead_ms, weights_ms, token_ms, sequence_ms, context_ms, attention_ms: 0.0 };
        Case { law, front_end_us, prompt, output }
    }
}

impl Case {
    /// Milliseconds of an iteration that holds nothing.
    fn idle_ms(&self) -> f64 {
        self.law.overhead_ms + self.law.weights_ms
    }

    /// Milliseconds of work that a request brings, whoever it shares iterations with.
    fn work_ms(&self) -> f64 {
        let (prompt, output) = (f64::from(self.prompt), f64::from(self.output));
        // The first token comes with the prefill; each later one reads what was there.
        let context: f64 = (1..self.output).map(|token| prompt + f64::from(token)).sum();
        self.law.token_ms * prompt + self.law.sequence_ms * output + self.law.context_ms * context
    }

    /// The highest rate that does not overwhelm the engine, requests per second.
    fn limit_per_s(&self) -> f64 {
        1e3 / self.work_ms()
    }

    /// So many that filling and emptying the batch, which takes a few latencies of a request alone, hardly counts.
    fn requests_to_settle(&self) -> u64 {
        let alone_s = (self.idle_ms() * f64::from(self.output) + self.work_ms()) / 1e3;
        (100.0 * alone_s * self.limit_per_s()) as u64
    }

    fn play(&self, rate: f64, requests: u64) -> RunRecord {
        let fixed = |tokens: u32| Some(Distribution::Constant(f64::from(tokens)));
        let laws = RequestDistributions { prompt: fixed(self.prompt), output: fixed(self.output), service: None };
        let until = Until { count: requests, ..Until::default() };
        let source = Poisson::new(rate, &laws, until, Seed::new(7), "client").expect("a valid rate");
        let law = TimeModel::new(&self.law, Knee::Linear).expect("a valid law");
        let engine = EngineConfig {
            front_end: SimDuration::from_us(self.front_end_us),
            // No limit but time.
            max_sequences: 1 << 20,
            token_budget: 1 << 22,
            ..EngineConfig::new(law, 1 << 24)
        };
        let horizon_s = (requests as f64 / rate * 4.0 + 600.0) as u64;
        run(World {
            services: vec![service("llm", Discipline::ContinuousBatch(engine))],
            clients: vec![client("client", Traffic::Open(Box::new(source)))],
            request_sample: 1,
            series_period: SimDuration::from_s(3_600),
            ..world(horizon_s)
        })
    }
}

fn mean_s(record: &RunRecord, part: LatencyPart) -> f64 {
    record.services[0].latency.mean_s(part)
}

/// Time from the first arrival to the last end.
fn span_s(record: &RunRecord) -> f64 {
    let ends = record.requests.iter().map(|request| request.ended).max().unwrap_or(SimTime::ZERO);
    let start = record.requests.iter().map(|request| request.arrived).min().unwrap_or(SimTime::ZERO);
    ends.since(start).as_s_f64()
}

/// Mean latency of the second and of the last quarter of the requests, in the order of arrival.
fn quarters_s(record: &RunRecord) -> [f64; 2] {
    let mut requests = record.requests.clone();
    requests.sort_by_key(|request| request.number);
    let n = requests.len();
    [n / 4..n / 2, 3 * n / 4..n].map(|range| {
        let part = &requests[range];
        part.iter().map(|request| request.ended.since(request.arrived).as_s_f64()).sum::<f64>() / part.len() as f64
    })
}

/// What a limit of stability is: below it requests leave as fast as they come, above it the excess waits.
fn is_limit(case: &Case, limit_per_s: f64, requests: u64) -> TestCaseResult {
    // Chance fades slowly below the limit; above it the excess shows soon.
    let below = case.play(0.8 * limit_per_s, requests.max(20_000));
    let above = case.play(1.5 * limit_per_s, requests);
    let share = |record: &RunRecord| record.requests.len() as f64 / span_s(record) / limit_per_s;
    // Idle iterations become few as the batch grows, but never none.
    prop_assert!(share(&above) < 1.0 && share(&above) > 0.85, "above {}", share(&above));
    prop_assert!(share(&below) > 0.65, "below {}", share(&below));
    let [before, after] = quarters_s(&below);
    prop_assert!(after < 1.35 * before, "settled: {before} {after}");
    let [below, above] = [below, above].map(|record| mean_s(&record, LatencyPart::EndToEnd));
    prop_assert!(above > 2.0 * below, "grows: {below} {above}");
    Ok(())
}

const CASES: u32 = if cfg!(debug_assertions) { 8 } else { 64 };

proptest! {
    #![proptest_config(ProptestConfig { cases: CASES, ..ProptestConfig::default() })]

    /// Alone, a request takes exactly what the law says.
    #[test]
    fn one_request_takes_what_the_law_says(case in case()) {
        let record = case.play(1.0, 1);
        let request = &record.requests[0];
        let front_end_s = case.front_end_us as f64 / 1e6;
        let prefill_ms = case.idle_ms() + case.law.token_ms * f64::from(case.prompt) + case.law.sequence_ms;
        let ttft_s = request.ttft.expect("tokens").as_s_f64();
        prop_assert!((ttft_s - front_end_s - prefill_ms / 1e3).abs() < 1e-9);
        let e2e_s = request.ended.since(request.arrived).as_s_f64();
        let whole_ms = case.idle_ms() * f64::from(case.output) + case.work_ms();
        prop_assert!((e2e_s - front_end_s - whole_ms / 1e3).abs() < 1e-9, "{e2e_s} {whole_ms}");
    }

    /// Nothing is faster than an idle iteration.
    #[test]
    fn latencies_keep_their_bounds(case in case(), load in 0.1..0.9) {
        let record = case.play(load * case.limit_per_s(), 200);
        let idle_s = case.idle_ms() / 1e3;
        let front_end_s = case.front_end_us as f64 / 1e6;
        for request in &record.requests {
            let ttft = request.ttft.expect("tokens").as_s_f64();
            prop_assert!(ttft >= front_end_s + idle_s - 1e-9);
        }
        let itl = record.services[0].latency.part(LatencyPart::InterToken).expect("tokens");
        prop_assert!(itl.min() as f64 / 1e6 >= idle_s * 0.999 - 1e-6);
    }

    /// Time is conserved: each busy instant belongs to an idle iteration's share or to somebody's
    /// work. So the mean iteration is `a / (1 - rho)` of the busy time.
    #[test]
    fn busy_time_is_iterations_and_work(case in case(), load in 0.1..0.95) {
        let requests = 300;
        let record = case.play(load * case.limit_per_s(), requests);
        let busy_ms = record.replicas[0].busy.as_s_f64() * 1e3;
        let iterations = record.services[0].engine.iterations as f64;
        let explained = iterations * case.idle_ms() + requests as f64 * case.work_ms();
        prop_assert!((busy_ms - explained).abs() < 1e-6 * busy_ms, "{busy_ms} {explained}");
        let rho = requests as f64 * case.work_ms() / busy_ms;
        let mean_ms = busy_ms / iterations;
        prop_assert!((mean_ms - case.idle_ms() / (1.0 - rho)).abs() < 1e-6 * mean_ms);
    }

    /// The stability limit is where the law puts it, and not a fifth below or two fifths above.
    #[test]
    fn the_stability_limit_is_where_the_law_puts_it(case in case()) {
        let requests = case.requests_to_settle();
        prop_assume!((500..40_000).contains(&requests));
        is_limit(&case, case.limit_per_s(), requests)?;
        for factor in [0.8, 1.4] {
            prop_assert!(is_limit(&case, factor * case.limit_per_s(), requests).is_err(), "{factor} of the limit");
        }
    }

    /// More load, longer prompts, longer outputs: nobody is faster for it on average.
    #[test]
    fn latency_does_not_fall_when_demand_rises(case in case(), load in 0.1..0.7, more in 1.05..1.3) {
        let rate = load * case.limit_per_s();
        let e2e = |case: &Case, rate: f64| mean_s(&case.play(rate, 400), LatencyPart::EndToEnd);
        let more: f64 = more;
        let grown = |tokens: u32| (f64::from(tokens) * more).ceil() as u32;
        let base = e2e(&case, rate);
        let longer_prompt = Case { prompt: grown(case.prompt), ..case };
        let longer_output = Case { output: grown(case.output), ..case };
        // Draws are common; what is left of chance is where arrivals meet boundaries.
        let slack = case.idle_ms() / 1e3;
        for (what, more) in [
            ("rate", e2e(&case, rate * more)),
            ("prompt", e2e(&longer_prompt, rate)),
            ("output", e2e(&longer_output, rate)),
        ] {
            prop_assert!(more >= base - slack, "{what}: {more} after {base}");
        }
    }
}

/// The laws can fail: one idle iteration too few, or work forgotten, is seen.
#[test]
fn a_false_count_of_iterations_is_seen() {
    let law = Coefficients { overhead_ms: 1.0, weights_ms: 5.0, token_ms: 0.02, ..Coefficients::default() };
    let case = Case { law, front_end_us: 0, prompt: 100, output: 20 };
    let record = case.play(5.0, 50);
    let busy_ms = record.replicas[0].busy.as_s_f64() * 1e3;
    let explained = |iterations: u64| iterations as f64 * case.idle_ms() + 50.0 * case.work_ms();
    let iterations = record.services[0].engine.iterations;
    assert!((busy_ms - explained(iterations)).abs() < 1e-6 * busy_ms);
    assert!((busy_ms - explained(iterations - 1)).abs() > 1e-4 * busy_ms);
}
