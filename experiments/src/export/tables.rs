//! Tables in CSV: one row a line, units last in column names, variant and replicate first.

use super::places;
use crate::run::{Played, Run};
use crate::scenario::resolve::Resolved;
use csv::Writer;
use flashcrowd_core::SimTime;
use flashcrowd_core::serving::Outcome;
use std::io;

/// The tables of an output folder.
pub const TABLES: [&str; 9] =
    ["series", "fleet", "decisions", "replicas", "nodes", "requests", "faults", "health", "served"];

/// One table of a played scenario.
///
/// # Errors
/// Never in practice: writing goes to memory.
pub fn table(played: &Played, name: &str) -> io::Result<Vec<u8>> {
    let mut writer = Writer::from_writer(Vec::new());
    let (header, rows): (&[&str], Rows) = match name {
        "fleet" => (&FLEET, fleet),
        "decisions" => (&DECISIONS, decisions),
        "replicas" => (&REPLICAS, replicas),
        "nodes" => (&NODES, nodes),
        "requests" => (&REQUESTS, requests),
        "faults" => (&places::FAULTS, places::faults),
        "health" => (&places::HEALTH, places::health),
        "served" => (&places::SERVED, places::served),
        _ => (&SERIES, series),
    };
    writer.write_record(["variant", "replicate"].iter().chain(header))?;
    for run in &played.runs {
        let resolved = &played.loaded.variants[run.variant];
        for row in rows(resolved, run) {
            writer.write_field(&resolved.variant)?;
            writer.write_field(run.replicate.to_string())?;
            writer.write_record(row)?;
        }
    }
    writer.into_inner().map_err(|error| io::Error::other(error.to_string()))
}

type Rows = fn(&Resolved, &Run) -> Vec<Vec<String>>;

const SERIES: [&str; 17] = [
    "at_s",
    "service",
    "spec_replicas",
    "ready",
    "pending",
    "starting",
    "draining",
    "waiting",
    "running",
    "arrived",
    "completed",
    "late",
    "p50_s",
    "p99_s",
    "utilization",
    "arrival_rate_per_s",
    "ready_gpus",
];
const FLEET: [&str; 5] = ["at_s", "pool", "nodes_ready", "nodes_booting", "gpus_held"];
const DECISIONS: [&str; 16] = [
    "at_s",
    "controller",
    "service",
    "before",
    "after",
    "ready",
    "starting",
    "in_flight",
    "reason",
    "metric",
    "current",
    "target",
    "proposal",
    "note",
    "limits",
    "refused",
];
const REPLICAS: [&str; 13] = [
    "replica",
    "service",
    "node",
    "created_s",
    "placed_s",
    "image_pulled_s",
    "weights_loaded_s",
    "engine_started_s",
    "ready_s",
    "deleted_s",
    "gone_s",
    "completed",
    "busy_s",
];
const NODES: [&str; 7] = ["node", "pool", "zone", "ordered_s", "ready_s", "gone_s", "reclaimed_s"];
const REQUESTS: [&str; 13] = [
    "traffic",
    "number",
    "arrived_s",
    "ended_s",
    "outcome",
    "tries",
    "prompt_tokens",
    "output_tokens",
    "e2e_s",
    "queue_s",
    "cold_start_s",
    "service_s",
    "replica",
];

/// Seconds to the microsecond.
pub(super) fn s(at: SimTime) -> String {
    format!("{:.6}", at.as_s_f64())
}

fn maybe(at: Option<SimTime>) -> String {
    at.map_or_else(String::new, s)
}

fn service_name(resolved: &Resolved, service: u32) -> String {
    resolved.services[service as usize].name.to_string()
}

fn series(resolved: &Resolved, run: &Run) -> Vec<Vec<String>> {
    let period_s = resolved.series_period.as_s_f64();
    let row = |row: &flashcrowd_core::ledger::SeriesRow| {
        let service = &resolved.services[row.service as usize];
        vec![
            s(row.at),
            service.name.to_string(),
            row.spec.to_string(),
            row.ready.to_string(),
            row.pending.to_string(),
            row.starting.to_string(),
            row.draining.to_string(),
            row.waiting.to_string(),
            row.running.to_string(),
            row.arrived.to_string(),
            row.completed.to_string(),
            row.late.to_string(),
            format!("{:.6}", row.p50.as_s_f64()),
            format!("{:.6}", row.p99.as_s_f64()),
            format!("{:.6}", row.utilization),
            format!("{:.6}", row.arrived as f64 / period_s),
            (row.ready * service.gpus_per_group * service.groups).to_string(),
        ]
    };
    run.record.series.iter().map(row).collect()
}

fn fleet(resolved: &Resolved, run: &Run) -> Vec<Vec<String>> {
    let row = |row: &flashcrowd_core::ledger::FleetRow| {
        let pool = resolved.pools[row.pool as usize].name.to_string();
        vec![s(row.at), pool, row.ready.to_string(), row.booting.to_string(), row.gpus_held.to_string()]
    };
    run.record.fleet.iter().map(row).collect()
}

/// One row for each metric of each decision; a decision without metrics has one row.
fn decisions(resolved: &Resolved, run: &Run) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    for decision in &run.record.decisions {
        let why = decision.explanation.as_deref();
        let limits: Vec<String> = why.map_or_else(Vec::new, |why| {
            why.limits.iter().map(|limit| format!("{} {}->{}", limit.name, limit.before, limit.after)).collect()
        });
        let refused: Vec<&str> = decision.refused.iter().map(|(_, reason)| *reason).collect();
        let error = why.and_then(|why| why.error.clone()).unwrap_or_default();
        let head = vec![
            s(decision.at),
            run.record.controllers[decision.controller as usize].name.to_string(),
            service_name(resolved, decision.target.0),
            decision.before.to_string(),
            decision.after.to_string(),
            decision.ready.to_string(),
            decision.starting.to_string(),
            decision.in_flight.to_string(),
            why.map_or_else(String::new, |why| why.reason.clone()),
        ];
        let metrics = why.map_or(&[][..], |why| why.metrics.as_slice());
        let mut metric_rows: Vec<[String; 5]> = Vec::new();
        for metric in metrics {
            metric_rows.push([
                metric.name.to_string(),
                metric.current.map_or_else(String::new, |value| value.to_string()),
                metric.target.to_string(),
                metric.proposal.map_or_else(String::new, |proposal| proposal.to_string()),
                // What the controller reported of itself stands beside each of its metrics.
                if error.is_empty() || metric.note.contains(&error) {
                    metric.note.clone()
                } else if metric.note.is_empty() {
                    error.clone()
                } else {
                    format!("{}; {error}", metric.note)
                },
            ]);
        }
        if metric_rows.is_empty() {
            metric_rows.push([String::new(), String::new(), String::new(), String::new(), error]);
        }
        for metric in metric_rows {
            let mut row = head.clone();
            row.extend(metric);
            row.extend([limits.join("; "), refused.join("; ")]);
            rows.push(row);
        }
    }
    rows
}

fn replicas(resolved: &Resolved, run: &Run) -> Vec<Vec<String>> {
    let row = |(replica, id): (&flashcrowd_core::ledger::ReplicaRecord, usize)| {
        let stage = |i: usize| maybe(replica.stage_ends.get(i).copied());
        // Compilation and graph capture are parts of the engine's start.
        let stages = resolved.services[replica.service as usize].startup.stages.len();
        let started = replica.stage_ends.last().copied().filter(|_| replica.stage_ends.len() == stages);
        vec![
            id.to_string(),
            service_name(resolved, replica.service),
            replica.node.map_or_else(String::new, |node| node.to_string()),
            s(replica.created),
            maybe(replica.placed),
            stage(0),
            stage(1),
            maybe(started),
            maybe(replica.ready),
            maybe(replica.deleted),
            maybe(replica.gone),
            replica.completed.to_string(),
            format!("{:.6}", replica.busy.as_s_f64()),
        ]
    };
    run.record.replicas.iter().zip(0..).map(row).collect()
}

fn nodes(resolved: &Resolved, run: &Run) -> Vec<Vec<String>> {
    let row = |(node, id): (&flashcrowd_core::ledger::NodeRecord, usize)| {
        let pool = &resolved.pools[node.pool as usize];
        let zone = resolved.regions[pool.region as usize].zones[node.zone as usize].to_string();
        let times = [Some(node.ordered), node.ready, node.gone, node.reclaimed].map(maybe);
        [vec![id.to_string(), pool.name.to_string(), zone], times.to_vec()].concat()
    };
    run.record.nodes.iter().zip(0..).map(row).collect()
}

fn requests(_: &Resolved, run: &Run) -> Vec<Vec<String>> {
    let row = |request: &flashcrowd_core::ledger::RequestRecord| {
        let part = |i: usize| request.parts.map_or_else(String::new, |parts| format!("{:.6}", parts[i].as_s_f64()));
        let outcome = match request.outcome {
            Outcome::Completed => "completed",
            Outcome::Rejected => "rejected",
            Outcome::Expired => "expired",
            Outcome::Failed => "failed",
        };
        vec![
            run.record.clients[request.client as usize].name.to_string(),
            request.number.to_string(),
            s(request.arrived),
            s(request.ended),
            outcome.to_owned(),
            request.tries.to_string(),
            request.tokens[0].to_string(),
            request.tokens[1].to_string(),
            format!("{:.6}", request.ended.since(request.arrived).as_s_f64()),
            part(0),
            part(1),
            part(2),
            request.replica.map_or_else(String::new, |replica| replica.to_string()),
        ]
    };
    run.record.requests.iter().map(row).collect()
}
