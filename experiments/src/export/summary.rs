//! The summary of a run: one JSON object whose form is the same for every scenario.

use crate::report::groups::Group;
use crate::run::{Played, Run};
use crate::scenario::load::Loaded;
use crate::scenario::resolve::{InputHash, Resolved, ResolvedService, SettingOrigin};
use flashcrowd_core::ledger::{ClientRecord, GpuState, Latency, ServiceRecord, SloCount};
use flashcrowd_core::ports::LatencyPart;
use flashcrowd_core::serving::{Discipline, Slo};
use hdrhistogram::Histogram;
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Version of the form.
pub const SCHEMA: &str = "flashcrowd/summary/1";

/// Latency parts by their names in summaries.
pub const PARTS: [(&str, LatencyPart); 7] = [
    ("e2e", LatencyPart::EndToEnd),
    ("ttft", LatencyPart::TimeToFirstToken),
    ("itl", LatencyPart::InterToken),
    ("tpot", LatencyPart::TimePerOutputToken),
    ("queue", LatencyPart::Queue),
    ("cold_start", LatencyPart::ColdStart),
    ("service", LatencyPart::Service),
];

/// Counts of requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Requests made: the sum of the next five.
    pub arrived: u64,
    /// Answered in time.
    pub completed: u64,
    /// Refused by full queues.
    pub rejected: u64,
    /// Given up by clients.
    pub expired: u64,
    /// Lost with their workers.
    pub failed: u64,
    /// Not ended when the run did.
    pub live_at_end: u64,
    /// Attempts made.
    pub attempts: u64,
    /// Rows that recorded sources left out.
    pub dropped_rows: u64,
}

impl Counts {
    /// The sum over clients.
    pub fn of<'a>(clients: impl IntoIterator<Item = &'a ClientRecord>) -> Self {
        clients.into_iter().fold(Counts::default(), |sum, client| Counts {
            arrived: sum.arrived + client.arrived,
            completed: sum.completed + client.completed,
            rejected: sum.rejected + client.rejected,
            expired: sum.expired + client.expired,
            failed: sum.failed + client.failed,
            live_at_end: sum.live_at_end + client.live_at_end,
            attempts: sum.attempts + client.attempts,
            dropped_rows: sum.dropped_rows + client.dropped_rows,
        })
    }
}

/// A latency distribution in seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Quantiles {
    /// Completed requests.
    pub count: u64,
    /// Exact mean.
    pub mean: f64,
    /// Median.
    pub p50: f64,
    /// 90th percentile.
    pub p90: f64,
    /// 95th percentile.
    pub p95: f64,
    /// 99th percentile.
    pub p99: f64,
    /// 99.9th percentile.
    pub p999: f64,
    /// Largest.
    pub max: f64,
}

impl Quantiles {
    /// Of one part of a service's latency; `None` for tokens where there are none.
    pub fn of(latency: &Latency, part: LatencyPart) -> Option<Self> {
        if part.is_of_tokens() && latency.count(part) == 0 {
            return None;
        }
        let at = |quantile| quantile_of(latency, part, quantile);
        Some(Quantiles {
            count: latency.count(part),
            mean: latency.mean_s(part),
            p50: at(0.5),
            p90: at(0.9),
            p95: at(0.95),
            p99: at(0.99),
            p999: at(0.999),
            max: latency.max_us(part).unwrap_or(0) as f64 / 1e6,
        })
    }
}

/// A quantile of a part in seconds, never above its largest value; 0 where nothing was recorded.
pub fn quantile_of(latency: &Latency, part: LatencyPart, quantile: f64) -> f64 {
    latency.quantile_us(part, quantile).unwrap_or(0) as f64 / 1e6
}

/// A quantile in seconds; 0 of an empty histogram.
pub fn quantile_s(histogram: &Histogram<u64>, quantile: f64) -> f64 {
    if histogram.is_empty() { 0.0 } else { histogram.value_at_quantile(quantile) as f64 / 1e6 }
}

/// How one promise was kept.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SloResult {
    /// The quantile of all requests, unanswered ones counting as infinite; `None` if it is one of those.
    pub observed_s: Option<f64>,
    /// Share of requests within the limit.
    pub attainment: f64,
    /// Whether that is at least the quantile.
    pub met: bool,
}

impl SloResult {
    /// Of the promise at `position`.
    pub fn of(service: &ServiceRecord, position: usize, slo: &Slo) -> Self {
        Self::of_counts(service.latency.slos[position], &service.latency, slo)
    }

    /// Of a promise, by the requests that kept and broke it and the latency of those that were answered.
    pub fn of_counts(count: SloCount, latency: &Latency, slo: &Slo) -> Self {
        let part = if latency.count(slo.part) > 0 { slo.part } else { LatencyPart::EndToEnd };
        let total = count.good + count.bad;
        let rank = slo.quantile * total as f64;
        let answered = latency.count(part) as f64;
        let observed_s = (rank <= answered && answered > 0.0).then(|| quantile_of(latency, part, rank / answered));
        let attainment = count.attainment();
        SloResult {
            observed_s: if total == 0 { Some(0.0) } else { observed_s },
            attainment,
            met: attainment >= slo.quantile,
        }
    }
}

/// What results lean on without the scenario saying so.
pub fn assumed(resolved: &Resolved) -> Vec<String> {
    let defaults = resolved.settings.iter().filter_map(|setting| match &setting.origin {
        SettingOrigin::Default { source, assumed: true } => {
            Some(format!("{} = {} ({source})", setting.path, setting.value))
        }
        _ => None,
    });
    defaults.collect()
}

/// The summary of one run.
pub fn summary(loaded: &Loaded, run: &Run) -> Value {
    let resolved = &loaded.variants[run.variant];
    let record = &run.record;
    let counts = Counts::of(&record.clients);
    let events_per_request = |per_s: f64| if run.cpu_s > 0.0 { per_s / run.cpu_s } else { 0.0 };
    json!({
        "schema": SCHEMA,
        "scenario": loaded.name,
        "variant": resolved.variant,
        "seed": resolved.seed,
        "replicate": run.replicate,
        "horizon_s": resolved.horizon.as_s_f64(),
        "digest": record.digest,
        "engine": {
            "events": record.work.events,
            "requests_per_cpu_s": events_per_request(counts.arrived as f64).round(),
            "cpu_s": run.cpu_s,
            "peak_live_requests": record.work.peak_live_requests,
        },
        "requests": counts,
        "services": services(resolved, run),
        "routes": routes(resolved, run),
        "cost": cost(resolved, run),
        "training": { "jobs_done": 0, "mean_completion_s": 0.0, "gpu_hours": 0.0, "preemptions": 0, "lost_gpu_hours": 0.0 },
        "trust": {
            "late_requests_outside_validated_band": beyond_band(resolved, run),
            "assumed": assumed(resolved),
            "warnings": crate::report::warnings(resolved, record),
        },
        "version": env!("CARGO_PKG_VERSION"),
        "commit": env!("FLASHCROWD_COMMIT"),
        "inputs": inputs(loaded, &resolved.inputs),
    })
}

/// Late requests beyond the bands in which engines were measured; null where none was.
fn beyond_band(resolved: &Resolved, run: &Run) -> Value {
    let measured = resolved.services.iter().zip(&run.record.services).filter(
        |(service, _)| matches!(&service.discipline, Discipline::ContinuousBatch(engine) if engine.validated.is_some()),
    );
    let counts: Vec<u64> = measured.map(|(_, record)| record.late_beyond_band).collect();
    if counts.is_empty() { Value::Null } else { json!(counts.iter().sum::<u64>()) }
}

/// What a token-level engine did; null without one.
fn engine(config: &ResolvedService, record: &ServiceRecord) -> Value {
    let Discipline::ContinuousBatch(engine) = &config.discipline else { return Value::Null };
    let work = &record.engine;
    json!({
        "iterations": work.iterations,
        "computed_tokens": work.tokens,
        "cached_tokens": work.cached_tokens,
        "preemptions": work.preemptions,
        "kv_cache_tokens": engine.cache_tokens(),
        "kv_cache_peak_use": work.peak_blocks as f64 / engine.blocks as f64,
    })
}

fn inputs(loaded: &Loaded, files: &[InputHash]) -> Value {
    let mut inputs = vec![json!({ "path": loaded.given, "hash": loaded.hash })];
    inputs.extend(files.iter().map(|file| json!({ "path": file.path, "hash": file.hash })));
    Value::Array(inputs)
}

fn services(resolved: &Resolved, run: &Run) -> Value {
    let horizon_s = run.record.ended.as_s_f64();
    let mut services = serde_json::Map::new();
    for (service, index) in run.record.services.iter().zip(0_u32..) {
        let clients = run.record.clients.iter().filter(|client| client.service == index && client.route.is_none());
        let latency: BTreeMap<&str, Quantiles> =
            PARTS.iter().filter_map(|&(name, part)| Some((name, Quantiles::of(&service.latency, part)?))).collect();
        let slos = &resolved.services[index as usize].slos;
        let slo: Vec<Value> =
            slos.iter().enumerate().map(|(i, slo)| promise(slo, SloResult::of(service, i, slo))).collect();
        services.insert(
            service.name.to_string(),
            json!({
                "requests": Counts::of(clients),
                "latency_s": latency,
                "slo": slo,
                "replicas": {
                    "mean": service.ready_replica_s / horizon_s,
                    "max": service.ready_max,
                    "ups": service.ups,
                    "downs": service.downs,
                    "reversals": service.reversals,
                    "at_max_s": service.at_max.as_s_f64(),
                    "availability": 1.0 - service.short.as_s_f64() / horizon_s,
                    "missing_mean": service.short_replica_s / horizon_s,
                },
                "tokens": { "prompt": service.tokens[0], "output": service.tokens[1] },
                "market": {
                    "preempted": service.market.preempted,
                    "spot_orders": service.market.attempts,
                    "spot_orders_refused": service.market.refused,
                    "on_demand_refused": service.market.on_demand_refused,
                    "requeued": service.market.requeued,
                    "break_even_spot_usd_per_replica_h": super::break_even::spot_usd_per_h(resolved, run, index as usize),
                },
                "engine": engine(&resolved.services[index as usize], service),
            }),
        );
    }
    Value::Object(services)
}

/// A promise and how it was kept.
fn promise(slo: &Slo, result: SloResult) -> Value {
    json!({
        "metric": part_name(slo.part),
        "quantile": slo.quantile,
        "limit_s": slo.limit.as_s_f64(),
        "observed_s": result.observed_s,
        "attainment": result.attainment,
        "met": result.met,
    })
}

/// What each route did: its requests, and by client where it is and who served it.
fn routes(resolved: &Resolved, run: &Run) -> Value {
    let mut routes = serde_json::Map::new();
    for (route, at) in resolved.routes.iter().zip(0_u32..) {
        let own = || run.record.clients.iter().filter(|client| client.route == Some(at));
        let clients: serde_json::Map<String, Value> =
            own().map(|client| (client.name.to_string(), client_of_route(resolved, client))).collect();
        let cells = Group { name: String::new(), services: route.cells.iter().map(|&cell| cell as usize).collect() };
        let merged = cells.latency(run);
        let latency: BTreeMap<&str, Quantiles> =
            PARTS.iter().filter_map(|&(name, part)| Some((name, Quantiles::of(&merged, part)?))).collect();
        // Cells are copies of one service, or promise what the first does.
        let slos = &resolved.services[cells.services[0]].slos;
        let same = cells.services.iter().all(|&cell| resolved.services[cell].slos == *slos);
        let slo = slos.iter().enumerate().filter(|_| same).map(|(i, slo)| promise(slo, cells.slo(run, i, slo)));
        let slo: Vec<Value> = slo.collect();
        let changes = run.record.health.iter().filter(|change| change.route == at).count();
        routes.insert(
            route.name.to_string(),
            json!({
                "requests": Counts::of(own()),
                "latency_s": latency,
                "slo": slo,
                "clients": clients,
                "health_changes": changes,
            }),
        );
    }
    Value::Object(routes)
}

fn client_of_route(resolved: &Resolved, client: &ClientRecord) -> Value {
    let cells: serde_json::Map<String, Value> = client
        .served
        .iter()
        .map(|served| {
            let mean = served.e2e_sum_us as f64 / served.e2e.len().max(1) as f64 / 1e6;
            let cell = json!({
                "attempts": served.attempts,
                "completed": served.completed,
                "e2e_s": { "mean": mean, "p50": quantile_s(&served.e2e, 0.5), "p99": quantile_s(&served.e2e, 0.99) },
                "ttft_s": { "p50": quantile_s(&served.ttft, 0.5), "p99": quantile_s(&served.ttft, 0.99) },
            });
            (resolved.services[served.service as usize].name.to_string(), cell)
        })
        .collect();
    let origin = client.origin.map(|origin| &*resolved.regions[origin as usize].name);
    json!({ "origin": origin, "requests": Counts::of([client]), "cells": cells })
}

/// The name of a latency part in summaries.
pub fn part_name(part: LatencyPart) -> &'static str {
    PARTS.iter().find(|known| known.1 == part).map_or("e2e", |known| known.0)
}

fn cost(resolved: &Resolved, run: &Run) -> Value {
    let bill = &run.record.bill;
    let by = |names: Vec<(String, f64)>| {
        let mut map = serde_json::Map::new();
        for (name, usd) in names {
            let sum = map.get(&name).and_then(Value::as_f64).unwrap_or(0.0) + usd;
            map.insert(name, json!(sum));
        }
        Value::Object(map)
    };
    let pools: Vec<(String, f64)> =
        (0..).zip(&resolved.pools).map(|(i, pool)| (pool.name.to_string(), bill.usd(|line| line.pool == i))).collect();
    let regions = (0..)
        .zip(&resolved.pools)
        .map(|(i, pool)| (resolved.regions[pool.region as usize].name.to_string(), bill.usd(|line| line.pool == i)));
    let markets =
        (0..).zip(&resolved.pools).map(|(i, pool)| (pool.market.name().to_owned(), bill.usd(|line| line.pool == i)));
    let states = GpuState::ALL.iter().map(|&state| (state.name().to_owned(), bill.usd(|line| line.state == state)));
    let mut services: Vec<(String, f64)> = (0..)
        .zip(&resolved.services)
        .map(|(i, service)| (service.name.to_string(), bill.usd(|line| line.service == Some(i))))
        .collect();
    services.push(("unallocated".to_owned(), bill.usd(|line| line.service.is_none())));
    let total = bill.usd(|_| true);
    let counts = Counts::of(&run.record.clients);
    let tokens: u64 = run.record.services.iter().map(|service| service.tokens.iter().sum::<u64>()).sum();
    let per = |count: u64, unit: f64| if count == 0 { Value::Null } else { json!(total / count as f64 * unit) };
    json!({
        "total_usd": total,
        "by_pool": by(pools),
        "by_region": by(regions.collect()),
        "by_market": by(markets.collect()),
        "by_state": by(states.collect()),
        "by_service": by(services),
        "egress_usd": crate::report::egress_usd(&run.record),
        "usd_per_1k_requests": per(counts.completed, 1e3),
        "usd_per_1m_tokens": per(tokens, 1e6),
    })
}

/// The JSON of a played scenario: the summary itself for one run, else all of them.
pub fn json(played: &Played) -> Value {
    let mut runs: Vec<Value> = played.runs.iter().map(|run| summary(&played.loaded, run)).collect();
    if runs.len() == 1 {
        return runs.remove(0);
    }
    let mut whole =
        json!({ "schema": SCHEMA, "scenario": played.loaded.name, "digest": played.digest(), "runs": runs });
    if crate::bound::bound_of(played).is_some() {
        whole["bound"] = crate::bound::json(played);
    }
    whole
}
