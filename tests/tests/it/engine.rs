//! The leaping token-level engine equals one that plays each iteration, to the last bit.

use flashcrowd_core::fleet::PoolConfig;
use flashcrowd_core::ledger::RunRecord;
use flashcrowd_core::ports::{Arrival, ArrivalSource, LatencyPart, Prefix, SourceError};
use flashcrowd_core::serving::{Coefficients, Discipline, EngineConfig, Knee, LawParts, ServiceConfig, TimeModel};
use flashcrowd_core::simulation::World;
use flashcrowd_core::traffic::{ClientConfig, Outcome, Traffic};
use flashcrowd_core::{SimDuration, SimTime};
use flashcrowd_tests::kit::{client, pool, run, service, world};
use flashcrowd_tests::plain_engine::{Asked, Played, Served, play, play_group};
use flashcrowd_tests::plain_law::PlainLaw;
use proptest::prelude::*;
use std::collections::BTreeMap;

const HORIZON_S: u64 = 40;

/// A random engine and what is asked of it.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    coefficients: Coefficients,
    parts: LawParts,
    pub(crate) config: EngineConfig,
    pub(crate) asked: Vec<Asked>,
}

impl Case {
    /// Its law, for the plain engine.
    pub(crate) fn plain_law(&self) -> PlainLaw {
        PlainLaw::new(&self.coefficients, &self.parts)
    }
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
    /// An engine whose law has such parts.
    pub(crate) fn case(parts: BoxedStrategy<LawParts>)(
        parts in parts,
        coefficients in coefficients(),
        (block_tokens, sequences, budget) in (0_u32..5, 1_u32..12, 1_u32..64),
        spare_blocks in prop_oneof![0_u64..8, 8_u64..200],
        front_end_us in prop_oneof![Just(0), 1_u64..9_000],
        flags in any::<[bool; 4]>(),
        asked in prop::collection::vec((0_u64..3_000_000, 1_u32..120, 1_u32..60, 0_u64..5), 1..60),
        hash_tokens in prop_oneof![Just(0_u32), 1_u32..40],
    ) -> Case {
        let mut asked: Vec<Asked> = asked
            .into_iter()
            .map(|(us, prompt, output, talk)| Asked {
                at: us * 1_000_000,
                prompt,
                output,
                hashes: hashes(prompt, hash_tokens, talk),
                hash_tokens,
            })
            .collect();
        asked.sort_by_key(|request| request.at);
        let [chunked, lookahead, prefix_caching, burst] = flags;
        if burst {
            // Bunches that come at one instant.
            for request in &mut asked {
                request.at -= request.at % 250_000_000_000;
            }
        }
        let longest = asked.iter().map(|request| u64::from(request.prompt + request.output)).max().unwrap_or(1);
        let block = 1 << block_tokens;
        let law = TimeModel::with_parts(&coefficients, Knee::Soft, &parts).expect("a valid law");
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
        Case { coefficients, parts, config, asked }
    }
}

/// Names of the blocks of a prompt. Talks share their first 30 tokens, some a little more; a last
/// block that is not whole is like no other but those of equal prompts of the talk.
fn hashes(prompt: u32, hash_tokens: u32, talk: u64) -> Vec<u64> {
    if hash_tokens == 0 || talk == 0 {
        return Vec::new();
    }
    let name = |block: u32| {
        let end = (block + 1) * hash_tokens;
        if end > prompt {
            return 1_000_000 + u64::from(prompt) * 10 + talk;
        }
        let branch = if end <= 30 {
            0
        } else if end <= 50 {
            talk / 2
        } else {
            talk
        };
        branch * 1_000 + u64::from(block)
    };
    (0..prompt.div_ceil(hash_tokens)).map(name).collect()
}

/// A source of what is asked, with the names of the blocks.
struct Asking {
    asked: Vec<Asked>,
    next: usize,
}

impl ArrivalSource for Asking {
    fn next_arrival(&mut self) -> Result<Option<Arrival>, SourceError> {
        self.next += 1;
        Ok(self.asked.get(self.next - 1).map(|asked| Arrival {
            at: SimTime::from_ps(asked.at),
            prompt_tokens: asked.prompt,
            output_tokens: asked.output,
            service_time: None,
        }))
    }

    fn prefix(&self) -> Prefix<'_> {
        let asked = &self.asked[self.next - 1];
        Prefix { block_tokens: asked.hash_tokens, hashes: &asked.hashes }
    }
}

fn build(config: &EngineConfig, asked: &[Asked]) -> World {
    let traffic = Traffic::Open(Box::new(Asking { asked: asked.to_vec(), next: 0 }));
    // Only an engine that starts in the run has stalls before it.
    let starts_cold = !config.warm_up.is_empty();
    World {
        services: vec![ServiceConfig { starts_cold, ..service("llm", Discipline::ContinuousBatch(config.clone())) }],
        clients: vec![client("client", traffic)],
        request_sample: 1,
        pools: vec![PoolConfig { min_nodes: 1, ..pool() }],
        ..world(HORIZON_S)
    }
}

/// Where the world's run and the plain engine differ.
fn compare(record: &RunRecord, plain: &Played) -> Result<(), TestCaseError> {
    let mut served = vec![None; plain.served.len()];
    for request in &record.requests {
        let started = request.ended.as_ps() - request.parts.expect("completed").service.as_ps();
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
    let Some(histogram) = latency.part(LatencyPart::InterToken) else {
        prop_assert!(plain.gaps_us.is_empty(), "no gap was recorded");
        return Ok(());
    };
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

/// A long answer's prompt is found by who asks the same meanwhile, and by a longer prompt later;
/// the block of the last token is computed again, and nothing is found without caching.
#[test]
fn equal_prompts_share_blocks() {
    let ask = |ms: u64, prompt, hashes: &[u64]| Asked {
        at: ms * 1_000_000_000,
        prompt,
        output: 100,
        hashes: hashes.to_vec(),
        hash_tokens: 32,
    };
    let asked = [ask(0, 64, &[1, 2]), ask(300, 64, &[1, 2]), ask(9_000, 80, &[1, 2, 3]), ask(9_000, 80, &[4, 5, 6])];
    let coefficients = Coefficients { weights_ms: 10.0, ..Coefficients::default() };
    let config = EngineConfig::new(TimeModel::new(&coefficients, Knee::Soft).expect("a valid law"), 100);
    // Blocks of 16 tokens: 3 of the 63 tokens before the last, twice.
    assert_eq!(run(build(&config, &asked)).services[0].engine.cached_tokens, 48 + 48);
    let plain = EngineConfig { prefix_caching: false, ..config };
    assert_eq!(run(build(&plain, &asked)).services[0].engine.cached_tokens, 0);
}

/// As many random cases as the environment asks for, in `FLASHCROWD_CASES`.
pub(crate) fn cases() -> u32 {
    let asked = std::env::var("FLASHCROWD_CASES").ok().and_then(|cases| cases.parse().ok());
    asked.unwrap_or(if cfg!(debug_assertions) { 256 } else { 4_000 })
}

/// Whether the engine agrees with one that plays each iteration under that law; and without leaps, on
/// the same code.
pub(crate) fn equals_plain(case: &Case, law: &PlainLaw) -> Result<(), TestCaseError> {
    prop_assume!(case.config.check().is_ok());
    let plain = play(&case.config, law, &case.asked, SimTime::from_s(HORIZON_S).as_ps());
    let record = run(build(&case.config, &case.asked));
    compare(&record, &plain)?;
    let stepping = run(build(&EngineConfig { leaps: false, ..case.config.clone() }, &case.asked));
    compare(&stepping, &plain)?;
    prop_assert_eq!(&record.digest, &stepping.digest);
    prop_assert_eq!(record.services[0].engine, stepping.services[0].engine);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), ..ProptestConfig::default() })]

    #[test]
    fn leaps_equal_iterations_to_the_last_bit(case in case(no_parts())) {
        equals_plain(&case, &case.plain_law())?;
    }
}

fn no_parts() -> BoxedStrategy<LawParts> {
    Just(LawParts::default()).boxed()
}

/// Several random engines, each with what is asked of it.
pub(crate) fn group(parts: BoxedStrategy<LawParts>) -> impl Strategy<Value = Vec<Case>> {
    prop::collection::vec(case(parts), 2..4)
}

fn build_group(cases: &[Case], leaps: bool) -> World {
    let names = ["a", "b", "c"];
    let services = cases.iter().enumerate().map(|(at, case)| {
        let config = EngineConfig { leaps, ..case.config.clone() };
        let resident_on = (at > 0).then_some(0);
        ServiceConfig { resident_on, ..service(names[at], Discipline::ContinuousBatch(config)) }
    });
    let clients = cases.iter().enumerate().map(|(at, case)| {
        let traffic = Traffic::Open(Box::new(Asking { asked: case.asked.clone(), next: 0 }));
        ClientConfig { service: at as u32, ..client(names[at], traffic) }
    });
    World { services: services.collect(), clients: clients.collect(), request_sample: 1, ..world(HORIZON_S) }
}

/// The part of a record that is about one of its services.
fn compare_member(record: &RunRecord, member: usize, plain: &Played) -> Result<(), TestCaseError> {
    let requests = record.requests.iter().filter(|request| request.client as usize == member);
    let part = RunRecord {
        requests: requests.copied().collect(),
        services: vec![record.services[member].clone()],
        ..record.clone()
    };
    compare(&part, plain)
}

/// The same of several engines on one group.
pub(crate) fn group_equals_plain(cases: &[Case]) -> Result<(), TestCaseError> {
    prop_assume!(cases.iter().all(|case| case.config.check().is_ok()));
    let members: Vec<_> =
        cases.iter().map(|case| (case.config.clone(), case.plain_law(), case.asked.clone())).collect();
    let plain = play_group(&members, SimTime::from_s(HORIZON_S).as_ps());
    let leaping = run(build_group(cases, true));
    let stepping = run(build_group(cases, false));
    prop_assert_eq!(&leaping.digest, &stepping.digest);
    for (member, plain) in plain.iter().enumerate() {
        compare_member(&leaping, member, plain)?;
        compare_member(&stepping, member, plain)?;
        prop_assert_eq!(leaping.services[member].engine, stepping.services[member].engine);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases() / 2, ..ProptestConfig::default() })]

    #[test]
    fn engines_on_one_group_take_turns_by_whole_iterations(cases in group(no_parts())) {
        group_equals_plain(&cases)?;
    }
}
