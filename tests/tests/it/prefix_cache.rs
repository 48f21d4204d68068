//! The prefix cache on a public trace whose hit rate with an unbounded cache is known.
//!
//! The data is not part of this repository: `FLASHCROWD_REFERENCE` names the folder of `traces/`.

#![expect(clippy::print_stdout, reason = "says when it skips, and what it measured")]

use flashcrowd_core::SimDuration;
use flashcrowd_core::clock::Seed;
use flashcrowd_core::ports::ArrivalSource;
use flashcrowd_core::serving::{Coefficients, Discipline, EngineConfig, Knee, TimeModel};
use flashcrowd_core::simulation::World;
use flashcrowd_core::traffic::Traffic;
use flashcrowd_tests::kit::{client, run, service, world};
use flashcrowd_workloads::traffic::trace::{TraceOptions, TraceSource};
use std::collections::BTreeSet;
use std::path::PathBuf;

fn open() -> Option<TraceSource> {
    let Some(folder) = std::env::var_os("FLASHCROWD_REFERENCE") else {
        println!("skipped: FLASHCROWD_REFERENCE is not set");
        return None;
    };
    let path = PathBuf::from(folder).join("traces/mooncake/conversation_trace.jsonl.gz");
    Some(TraceSource::open(&path, &TraceOptions::default(), Seed::new(1), "mooncake").expect("the trace"))
}

/// Blocks of the trace's 512 tokens: 105,710 of 288,500 were there before, 182,790 are distinct.
#[test]
fn an_unbounded_cache_finds_what_is_published() {
    let Some(mut source) = open() else { return };
    let (mut seen, mut blocks, mut hits) = (BTreeSet::new(), 0_u64, 0_u64);
    while source.next_arrival().expect("a row").is_some() {
        let hashes = source.prefix().hashes;
        blocks += hashes.len() as u64;
        hits += hashes.iter().take_while(|hash| seen.contains(*hash)).count() as u64;
        seen.extend(hashes.iter().copied());
    }
    println!("{hits} of {blocks} blocks, {} distinct", seen.len());
    assert_eq!((seen.len(), (hits as f64 / blocks as f64 * 1e3).round()), (182_790, 366.0));
}

/// An engine of that trace with a cache for everything finds the same share of the tokens, but for
/// the last token's block of each prompt, which is computed again.
#[test]
fn an_engine_with_a_cache_for_everything_finds_the_same() {
    let Some(source) = open() else { return };
    let prompts = source.summary().prompt_tokens as f64;
    let law = Coefficients { weights_ms: 0.01, ..Coefficients::default() };
    let engine = EngineConfig {
        max_sequences: 4_096,
        token_budget: 1 << 20,
        ..EngineConfig::new(TimeModel::new(&law, Knee::Soft).expect("a valid law"), 1 << 24)
    };
    let shares = [16, 64].map(|block_tokens| {
        let engine = EngineConfig { block_tokens, ..engine.clone() };
        let record = run(World {
            services: vec![service("llm", Discipline::ContinuousBatch(engine))],
            clients: vec![client("client", Traffic::Open(Box::new(open().expect("opened before"))))],
            series_period: SimDuration::from_s(3_600),
            ..world(4_000)
        });
        record.services[0].engine.cached_tokens as f64 / prompts
    });
    println!("share of prompt tokens found: {:.4} with blocks of 16, {:.4} of 64", shares[0], shares[1]);
    for share in shares {
        assert!((share - 0.366).abs() < 0.015, "{share}");
    }
}
