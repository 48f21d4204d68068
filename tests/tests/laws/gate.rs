//! The gate of the core: random worlds play the histories, and end with the numbers, that are pinned.
//!
//! A change of shape leaves all of it equal. Where a change of behaviour moves a line, CHANGELOG says why.

use super::{PARTS, play, some_worlds};
use flashcrowd_core::ledger::{RunRecord, ServiceRecord};
use flashcrowd_core::serving::EngineWork;
use std::fmt::{Debug, Write as _};

const WORLDS: usize = 200;

#[test]
fn random_worlds_play_as_pinned() {
    let mut text = String::new();
    for (at, spec) in some_worlds(WORLDS).iter().enumerate() {
        let record = play(spec);
        let line = format!("{at:3} {} {:032x}", record.digest, fnv(&numbers(&record)));
        writeln!(text, "{line}").expect("a string takes all");
    }
    insta::assert_snapshot!("pinned worlds", text);
}

/// All numbers of a record, in order; names of types and fields may change.
fn numbers(record: &RunRecord) -> String {
    let mut text = String::new();
    for service in &record.services {
        of_service(&mut text, service);
    }
    add(&mut text, &(record.ended, record.warmup, &record.clients, &record.decisions, &record.series, &record.fleet));
    add(&mut text, &(&record.replicas, &record.nodes, &record.egress, &record.health, &record.faults));
    add(&mut text, &(&record.requests, &record.node_autoscaler));
    for bill in [&record.bill, &record.warmup_bill] {
        for (line, gpu_ps) in bill.lines() {
            let price = bill.price_of(line.rate);
            add(&mut text, &(line.pool, price, line.state as u32, line.service, gpu_ps));
        }
    }
    text
}

fn of_service(text: &mut String, service: &ServiceRecord) {
    for part in PARTS {
        let latency = &service.latency;
        let quantiles = [0.1, 0.5, 0.9, 0.99].map(|quantile| latency.quantile_us(part, quantile));
        add(text, &(latency.count(part), latency.sum_ps(part), latency.max_us(part), quantiles));
    }
    add(text, &(service.latency.late, service.good, service.tokens, service.measured_tokens, service.cut));
    add(text, &(service.ready_replica_s, service.short_replica_s, service.short, service.ready_max, service.spec_max));
    add(text, &(service.ups, service.downs, service.reversals, service.at_max, service.running_s));
    add(text, &(&service.occupancy_s, service.rejected_attempts, service.failed_because, service.late_beyond_band));
    // What is read beside contexts came later: these worlds have none of it.
    let EngineWork { iterations, tokens, context_read, parts_read, preemptions, cached_tokens, peak_blocks } =
        service.engine;
    assert_eq!(parts_read, 0);
    add(text, &(service.capacity, iterations, tokens, context_read, preemptions, cached_tokens, peak_blocks));
}

fn add(text: &mut String, values: &impl Debug) {
    let shown = format!("{values:?}");
    text.extend(shown.chars().filter(|c| matches!(c, '0'..='9' | '-' | '.' | ',')));
}

/// FNV-1a of 128 bits.
fn fnv(text: &str) -> u128 {
    let step = |hash: u128, byte: u8| (hash ^ u128::from(byte)).wrapping_mul(0x0100_0000_0000_0000_0000_013b);
    text.bytes().fold(0x6c62_272e_07bb_0142_62b8_2175_6295_c58d, step)
}
