//! The leaping token-level engine equals one that plays each iteration, to the last bit.

use flashcrowd_core::ledger::RunRecord;
use flashcrowd_core::ports::{Arrival, LatencyPart};
use flashcrowd_core::serving::{Coefficients, Discipline, EngineConfig, Knee, Outcome, TimeLaw, Traffic};
use flashcrowd_core::simulation::World;
use flashcrowd_core::{SimDuration, SimTime};
use flashcrowd_tests::kit::{Listed, client, run, service, world};
use flashcrowd_tests::plain_engine::{Asked, Played, Served, Units, play};
use proptest::prelude::*;
use std::collections::BTreeMap;

const HORIZON_S: u64 = 40;

/// A random engine and what is asked of it.
#[derive(Clone, Debug)]
struct Case {
    coefficients: Coefficients,
    config: EngineConfig,
    asked: Vec<Asked>,
}

fn coefficients() -> impl Strategy<Value = Coefficients> {
    (0.0..3.0, 0.1..9.0, 0.0..0.2, 0.0..0.2, 0.0..2e-2, 0.0..1e-3).prop_map(
        |(overhead_ms, weights_ms, token_ms, sequence_ms, context_ms, attention_ms)| Coefficients {
            overhead_ms,
            weights_ms,
            token_ms,
            sequence_ms,
            context_ms,
            attention_ms,
        },
    )
}

prop_compose! {
    fn case()(
        coefficients in coefficients(),
        (block_tokens, sequences, budget) in (0_u32..5, 1_u32..12, 1_u32..64),
        spare_blocks in prop_oneof![0_u64..8, 8_u64..200],
        front_end_us in prop_oneof![Just(0), 1_u64..9_000],
        flags in any::<[bool; 4]>(),
        asked in prop::collection::vec((0_u64..3_000_000, 1_u32..120, 1_u32..60), 1..60),
    ) -> Case {
        let mut asked: Vec<Asked> =
            asked.into_iter().map(|(us, prompt, output)| (us * 1_000_000, prompt, output)).collect();
        asked.sort_unstable_by_key(|request| request.0);
        let [chunked, lookahead, prefix_caching, burst] = flags;
        if burst {
            // Bunches that come at one instant.
            for request in &mut asked {
                request.0 -= request.0 % 250_000_000_000;
            }
        }
        let longest = asked.iter().map(|request| u64::from(request.1 + request.2)).max().unwrap_or(1);
        let block = 1 << block_tokens;
        let law = TimeLaw::new(&coefficients, Knee::Soft).expect("a valid law");
        let blocks = longest.div_ceil(block) + spare_blocks;
        let budget = if chunked { sequences + budget } else { (longest as u32).max(sequences) + budget };
        let config = EngineConfig {
            front_end: SimDuration::from_us(front_end_us),
            token_budget: budget,
            max_sequences: sequences,
            chunked_prefill: chunked,
            block_tokens: block as u32,
            prefix_caching,
            lookahead,
            ..EngineConfig::new(law, blocks)
        };
        Case { coefficients, config, asked }
    }
}

fn units(coefficients: &Coefficients) -> Units {
    let law = coefficients;
    let half = law.attention_ms / 2.0;
    [law.overhead_ms, law.weights_ms, law.token_ms, law.sequence_ms, law.context_ms, half]
        .map(|ms| (ms * 1e9 * 65_536.0).round() as u64)
}

fn build(config: &EngineConfig, asked: &[Asked]) -> World {
    let arrival = |&(at, prompt_tokens, output_tokens): &Asked| Arrival {
        at: SimTime::from_ps(at),
        prompt_tokens,
        output_tokens,
        ..Arrival::default()
    };
    let traffic = Traffic::Open(Box::new(Listed(asked.iter().map(arrival).collect())));
    World {
        services: vec![service("llm", Discipline::ContinuousBatch(config.clone()))],
        clients: vec![client("client", traffic)],
        request_sample: 1,
        ..world(HORIZON_S)
    }
}

/// Where the world's run and the plain engine differ.
fn compare(record: &RunRecord, plain: &Played) -> Result<(), TestCaseError> {
    let mut served = vec![None; plain.served.len()];
    for request in &record.requests {
        let started = request.ended.as_ps() - request.parts.expect("completed")[2].as_ps();
        served[request.number as usize] = Some(Served {
            started,
            first_token: (request.arrived + request.ttft.expect("tokens")).as_ps(),
            ended: request.ended.as_ps(),
        });
        prop_assert_eq!(request.outcome, Outcome::Completed);
    }
    prop_assert_eq!(&served, &plain.served);
    let order: Vec<usize> = record.requests.iter().map(|request| request.number as usize).collect();
    prop_assert_eq!(&order, &plain.order);
    let engine = record.services[0].engine;
    prop_assert_eq!(
        (engine.iterations, engine.peak_blocks, engine.preemptions, engine.cached_tokens),
        (plain.iterations, plain.peak_blocks, plain.preemptions, plain.cached_tokens)
    );
    compare_gaps(record, plain)
}

fn compare_gaps(record: &RunRecord, plain: &Played) -> Result<(), TestCaseError> {
    let latency = &record.services[0].latency;
    let histogram = latency.part(LatencyPart::InterToken).expect("tokens");
    let mut counts = BTreeMap::<u64, u64>::new();
    for &gap in &plain.gaps_us {
        *counts.entry(histogram.lowest_equivalent(gap)).or_default() += 1;
    }
    prop_assert_eq!(histogram.len(), plain.gaps_us.len() as u64);
    for (gap, count) in counts {
        prop_assert_eq!(histogram.count_at(gap), count, "gaps of {} us", gap);
    }
    let mean_s = plain.gap_units as f64 / 65_536e12 / plain.gaps_us.len().max(1) as f64;
    prop_assert!((latency.mean_s(LatencyPart::InterToken) - mean_s).abs() <= 1e-12 * mean_s);
    Ok(())
}

const CASES: u32 = if cfg!(debug_assertions) { 256 } else { 4_000 };

proptest! {
    #![proptest_config(ProptestConfig { cases: CASES, ..ProptestConfig::default() })]

    #[test]
    fn leaps_equal_iterations_to_the_last_bit(case in case()) {
        prop_assume!(case.config.check().is_ok());
        let plain = play(&case.config, units(&case.coefficients), &case.asked, SimTime::from_s(HORIZON_S).as_ps());
        let record = run(build(&case.config, &case.asked));
        compare(&record, &plain)?;
        // And without leaps, on the same code.
        let stepping = run(build(&EngineConfig { leaps: false, ..case.config }, &case.asked));
        compare(&stepping, &plain)?;
        prop_assert_eq!(&record.digest, &stepping.digest);
    }
}
