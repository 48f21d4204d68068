//! What a user should know before trusting a result.

use crate::loadless;
use crate::results::Results;
use crate::scope::{Scope, ScopeKind};
use crate::settled::{OneRun, one_run, start_shows_until};
use flashcrowd_core::ledger::{RequestRecord, RunRecord, SeriesRow};
use flashcrowd_core::serving::{Discipline, QueueMode};
use flashcrowd_language::words::{count, duration, percent};
use flashcrowd_scenario::{Resolved, ResolvedService, ResolvedTraffic};

/// Warnings about one run, most important first; `value` finds the figures of its services.
pub(crate) fn warnings(
    resolved: &Resolved,
    record: &RunRecord,
    value: impl Fn(&Scope, &str) -> Option<f64>,
) -> Vec<String> {
    let mut warnings = counted(resolved, value);
    warnings.extend(of_record(resolved, record));
    warnings
}

/// Warnings about all trials of a variant: what is counted is counted in all, the rest seen in the
/// first.
pub fn of_variant(results: &Results<'_>, variant: usize) -> Vec<String> {
    let resolved = &results.loaded.variants[variant];
    let mut warnings = counted(resolved, |scope, id| match id {
        "cut_outputs" => Some(results.estimate(variant, scope, id).total()),
        _ => results.got(variant, scope, id),
    });
    if let Some(record) = &results.variants[variant].first {
        warnings.extend(of_record(resolved, record));
    }
    warnings
}

/// How much the one run of a variant says of the mean end-to-end time of each service, by batch means; of several
/// replicates their spread says it.
pub fn of_one_run(results: &Results<'_>, variant: usize) -> Vec<(String, OneRun)> {
    let own = &results.variants[variant];
    let Some(record) = own.first.as_ref().filter(|_| own.figures.trials() == 1) else { return Vec::new() };
    let resolved = &results.loaded.variants[variant];
    let series = by_service(resolved, record);
    let of = |(service, rows): (&ResolvedService, &Vec<&SeriesRow>)| {
        Some((service.config.name.to_string(), one_run(rows, resolved.warmup)?))
    };
    resolved.services.iter().zip(&series).filter_map(of).collect()
}

/// Warnings that figures show.
fn counted(resolved: &Resolved, value: impl Fn(&Scope, &str) -> Option<f64>) -> Vec<String> {
    let of_service = |service: &ResolvedService| {
        let scope = Scope::new(ScopeKind::Service, &*service.config.name);
        [
            cut_outputs(service, value(&scope, "cut_outputs").unwrap_or(0.0) as u64),
            beyond_band(service, value(&scope, "late_beyond_band").unwrap_or(0.0)),
            thrashing(service, value(&scope, "recomputed")),
        ]
    };
    resolved.services.iter().flat_map(of_service).flatten().collect()
}

/// Late requests of which the engine's times are extrapolated.
fn beyond_band(service: &ResolvedService, share: f64) -> Option<String> {
    let Discipline::ContinuousBatch(engine) = &service.config.discipline else { return None };
    let band = engine.validated.filter(|_| share > 0.0)?;
    Some(format!(
        "`{}`: {} of late requests beyond the band in which its engine was measured ({} sequences, {} tokens)",
        service.config.name,
        percent(share),
        count(u64::from(band.sequences)),
        count(band.context_tokens)
    ))
}

/// An engine that computes much again because sequences were preempted holds its SLOs, if at all, at
/// a price that nobody would pay.
fn thrashing(service: &ResolvedService, recomputed: Option<f64>) -> Option<String> {
    const MUCH: f64 = 1.5;
    recomputed.filter(|times| *times >= MUCH).map(|times| {
        format!("`{}`: its engines computed {times:.1} times the tokens that were asked for: preempted sequences begin again", service.config.name)
    })
}

/// The rows of each service, in one pass: there may be thousands.
fn by_service<'r>(resolved: &Resolved, record: &'r RunRecord) -> Vec<Vec<&'r SeriesRow>> {
    let mut series = vec![Vec::new(); resolved.services.len()];
    record.series.iter().for_each(|row| series[row.service as usize].push(row));
    series
}

/// Warnings that one record shows.
fn of_record(resolved: &Resolved, record: &RunRecord) -> Vec<String> {
    let mut warnings = Vec::new();
    let series = by_service(resolved, record);
    for (service, all) in resolved.services.iter().zip(&series) {
        let rows = &all[all.partition_point(|row| row.at <= resolved.warmup)..];
        let name = &service.config.name;
        if queue_still_grows(rows) {
            let last = rows.last().map_or(0, |row| row.waiting);
            warnings.push(format!(
                "`{name}`: queue still growing at the end ({} waiting): latencies are too good by what waits",
                count(u64::from(last))
            ));
        }
        // Where something happened to the fleet, that is why the load changed.
        if record.faults.is_empty() && start_still_shows(rows) {
            warnings.push(format!("`{name}`: warm-up not reached: the start of the run still shows; raise `warmup`"));
        } else if record.faults.is_empty()
            && let Some(until) = start_shows_until(all, resolved.warmup)
        {
            warnings.push(format!(
                "`{name}`: by MSER-5 the start of the run shows until {}, and `warmup` is {}: raise it",
                duration(until.as_s_f64()),
                duration(resolved.warmup.as_s_f64())
            ));
        }
        if let Some(row) = rows.last().filter(|row| row.pending > 0) {
            warnings.push(format!("`{name}`: {} replicas have no GPU at the end: its pools are full", row.pending));
        }
    }
    warnings.extend(all_refused(resolved, record));
    warnings.extend(loadless::warnings(resolved, record, &series));
    let refused: usize = record.decisions.iter().map(|decision| decision.refused.len()).sum();
    if refused > 0 {
        warnings.push(format!("{} actions of controllers were refused; see decisions.csv", count(refused as u64)));
    }
    warnings.extend(same_arrivals(resolved));
    warnings.extend(resolved.warnings.iter().cloned());
    warnings
}

/// Replicates of recorded traffic alone differ in nothing that comes in.
pub fn same_arrivals(resolved: &Resolved) -> Option<String> {
    // Thinned and multiplied rows are drawn anew.
    let recorded = |traffic: &ResolvedTraffic| {
        traffic.source.trace().is_some_and(|file| file.blocks.is_none() && file.options.rate_scale == 1.0)
    };
    (resolved.replicates > 1 && resolved.traffic.iter().all(recorded)).then(|| {
        "replicates of a recorded trace have the same arrivals: intervals speak of start-up times and routing alone; \
         `resample: Blocks(\"1h\")` makes them differ"
            .to_owned()
    })
}

/// Services that refused all that came, and why as far as it is known.
fn all_refused(resolved: &Resolved, record: &RunRecord) -> Vec<String> {
    let mut warnings = Vec::new();
    let mut ends = vec![(0, 0); resolved.services.len()];
    for client in &record.clients {
        let own = &mut ends[client.service as usize];
        *own = (own.0 + client.requests.rejected, own.1 + client.requests.completed);
    }
    for ((service, (rejected, completed)), index) in resolved.services.iter().zip(ends).zip(0_u32..) {
        if rejected == 0 || completed > 0 {
            continue;
        }
        let why = if record.services[index as usize].ready_max == 0 {
            let held = match service.config.queue {
                QueueMode::PerReplica { gateway: 0, .. } => "nobody holds requests meanwhile (`at_zero: Refused`)",
                QueueMode::PerReplica { .. } | QueueMode::Shared { .. } => "what holds requests meanwhile was full",
            };
            format!("no replica was ever ready, and {held}")
        } else if let Some(longest) = too_long(service, index, record) {
            format!("prompts may be longer than the {} tokens of its longest context", count(longest))
        } else {
            "its queues were full, or no replica was ready when they came".to_owned()
        };
        warnings.push(format!("`{}`: every request was refused; {why}", service.config.name));
    }
    warnings
}

/// The longest context of an engine, if the requests that are listed do not fit into it.
fn too_long(service: &ResolvedService, index: u32, record: &RunRecord) -> Option<u64> {
    let Discipline::ContinuousBatch(engine) = &service.config.discipline else { return None };
    let longest = engine.longest_context();
    let own = |request: &&RequestRecord| record.clients[request.client as usize].service == index;
    let fits = |request: &RequestRecord| request.tokens.map(u64::from).iter().sum::<u64>() <= longest;
    // Without a list the context is the likeliest reason.
    record.requests.iter().filter(own).all(|request| !fits(request)).then_some(longest)
}

/// Outputs that an engine cut: what is counted and paid for is what it generated, not what was asked.
fn cut_outputs(service: &ResolvedService, cut: u64) -> Option<String> {
    let Discipline::ContinuousBatch(engine) = &service.config.discipline else { return None };
    (cut > 0).then(|| {
        format!(
            "`{}`: {} outputs were cut at the {} tokens of its longest context; tokens are those generated",
            service.config.name,
            count(cut),
            count(engine.longest_context())
        )
    })
}

/// Mean queue of the last three tenths rises from each to the next, by a half in all.
fn queue_still_grows(rows: &[&SeriesRow]) -> bool {
    let tenth = rows.len() / 10;
    if tenth < 2 {
        return false;
    }
    let mean = |from: usize, to: usize| {
        rows[from..to].iter().map(|row| f64::from(row.waiting)).sum::<f64>() / (to - from) as f64
    };
    let n = rows.len();
    let (a, b, c) = (mean(n - 3 * tenth, n - 2 * tenth), mean(n - 2 * tenth, n - tenth), mean(n - tenth, n));
    c >= 10.0 && a < b && b < c && c > 1.5 * a
}

/// The first tenth has about the traffic of each of the next two and far fewer, or more, requests in
/// flight than either: a change later on, such as an overload, is not the start's.
fn start_still_shows(rows: &[&SeriesRow]) -> bool {
    let tenth = rows.len() / 10;
    if tenth < 4 {
        return false;
    }
    let mean = |rows: &[&SeriesRow], pick: fn(&SeriesRow) -> f64| {
        rows.iter().map(|row| pick(row)).sum::<f64>() / rows.len() as f64
    };
    let first = &rows[..tenth];
    let arrived = |row: &SeriesRow| row.arrived as f64;
    let in_flight = |row: &SeriesRow| f64::from(row.waiting + row.running);
    [&rows[tenth..2 * tenth], &rows[2 * tenth..3 * tenth]].into_iter().all(|later| {
        let traffic = mean(first, arrived) / mean(later, arrived).max(f64::MIN_POSITIVE);
        let load = mean(first, in_flight) / mean(later, in_flight).max(f64::MIN_POSITIVE);
        (0.8..=1.25).contains(&traffic) && mean(later, in_flight) >= 1.0 && !(0.33..=3.0).contains(&load)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(in_flight: impl Fn(u32) -> u32) -> Vec<SeriesRow> {
        let row = |i: u32| SeriesRow {
            at: flashcrowd_core::SimTime::from_s(u64::from(i) * 15),
            service: 0,
            spec: 1,
            ready: 1,
            pending: 0,
            starting: 0,
            draining: 0,
            waiting: 0,
            running: in_flight(i),
            arrived: 100,
            completed: 100,
            late: 0,
            p50: flashcrowd_core::SimDuration::ZERO,
            p99: flashcrowd_core::SimDuration::ZERO,
            utilization: 0.5,
        };
        (0..100).map(row).collect()
    }

    #[test]
    fn an_empty_start_shows_and_a_later_overload_is_none() {
        let shows = |rows: Vec<SeriesRow>| start_still_shows(&rows.iter().collect::<Vec<_>>());
        assert!(shows(rows(|i| if i < 10 { 2 } else { 40 })));
        assert!(!shows(rows(|i| if i < 22 { 40 } else { 4_000 })));
        assert!(!shows(rows(|_| 40)));
    }
}
