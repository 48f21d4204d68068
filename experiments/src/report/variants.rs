//! The report of a scenario with several variants: one line each, on the same world.

use super::format::{count, duration, money, percent, quantile_name};
use super::groups::{Group, spoken_for};
use super::latencies::part_words;
use super::{line, trouble};
use crate::export::summary::{Counts, Quantiles};
use crate::run::{Played, Run};
use crate::scenario::resolve::Resolved;
use crate::statistics::Estimate;
use flashcrowd_core::ports::LatencyPart;
use std::fmt::Write;

pub(super) fn write(text: &mut String, played: &Played) {
    let loaded = &played.loaded;
    let first = &loaded.variants[0];
    let replicates = first.replicates;
    let _ = writeln!(
        text,
        "{}: {} variants on the same world, {}, {replicates} replicate{}, seed {}",
        loaded.name,
        loaded.variants.len(),
        duration(first.horizon.as_s_f64()),
        if replicates == 1 { "" } else { "s" },
        first.seed
    );
    if !first.about.is_empty() {
        let _ = writeln!(text, "{}", first.about);
    }
    let width = loaded.variants.iter().map(|variant| variant.variant.chars().count()).max().unwrap_or(0).max(8);
    // Latencies are those of the first promise.
    let part = part_of(&loaded.variants[0]);
    if part != LatencyPart::EndToEnd {
        let _ = writeln!(text, "latency: {}", part_words(part));
    }
    let bound = crate::bound::bound_of(played);
    let _ = writeln!(
        text,
        "\n{:<width$} {:>8} {:>8} {:>8} {:>8} {:>8} {:>9} {:>6} {:>5}{} {:>9} {:>9}{}",
        "variant",
        "mean",
        "p50",
        "p99",
        "max",
        "met",
        "not served",
        "repl.",
        "most",
        if has_losses(played) { format!(" {:>9} {:>8}", "available", "at end") } else { String::new() },
        "cost",
        "$/1k good",
        if bound.is_some() { " over bound" } else { "" }
    );
    let distances = crate::bound::distances(played);
    for (variant, distance) in distances.iter().enumerate() {
        let runs: Vec<&Run> = played.of_variant(variant).collect();
        let over = distance.cost_over_bound.map(|over| format!(" {:>10}", format!("{:+.1} %", over * 100.0)));
        let _ = writeln!(text, "{}{}", row(played, variant, &runs, width), over.unwrap_or_default());
    }
    verdicts(text, played);
    let shown = notes(played);
    for warning in shown.iter().take(4) {
        line(text, "warning", warning);
    }
    if shown.len() > 4 {
        line(text, "", &format!("and {} more in summary.json", shown.len() - 4));
    }
    line(text, "next", &format!("flashcrowd compare {} --replicates 20   for paired differences", loaded.given));
}

/// The part of the latency that a variant is shown by: the first that is promised.
fn part_of(resolved: &Resolved) -> LatencyPart {
    let group = spoken_for(resolved);
    resolved.services[group.services[0]].slos.first().map_or(LatencyPart::EndToEnd, |slo| slo.part)
}

/// Share of the requests of the last tenth of a run that kept their promises: whether it came back.
fn at_end(resolved: &Resolved, group: &Group, runs: &[&Run]) -> Option<f64> {
    let from = flashcrowd_core::SimTime::from_ps(resolved.horizon.as_ps() / 10 * 9);
    let rows = runs.iter().flat_map(|run| &run.record.series);
    let rows = rows.filter(|row| row.at > from && group.services.contains(&(row.service as usize)));
    let (arrived, late) = rows.fold((0, 0), |sum, row| (sum.0 + row.arrived, sum.1 + row.late));
    (arrived > 0).then(|| 1.0 - (late as f64 / arrived as f64).min(1.0))
}

/// Whether any run lost replicas, or a policy bought its capacity: then it matters how much was there.
fn has_losses(played: &Played) -> bool {
    let markets = || played.runs.iter().flat_map(|run| &run.record.services).map(|service| service.market);
    markets().any(|market| market.preempted + market.attempts > 0)
}

fn row(played: &Played, variant: usize, runs: &[&Run], width: usize) -> String {
    let resolved = &played.loaded.variants[variant];
    let group = spoken_for(resolved);
    let latency = group.latency_of(runs);
    let q = Quantiles::of(&latency, part_of(&played.loaded.variants[0])).unwrap_or_default();
    let met = resolved.services[group.services[0]].slos.first().map(|slo| {
        let values: Vec<f64> = runs.iter().map(|run| group.slo(run, 0, slo).attainment).collect();
        Estimate::of(&values).mean
    });
    let counts = Counts::of(runs.iter().flat_map(|run| &run.record.clients));
    let not_served = counts.rejected + counts.expired + counts.failed;
    let cost = runs.iter().map(|run| run.record.bill.usd(|_| true)).sum::<f64>() / runs.len() as f64;
    let good: u64 = if met.is_some() { runs.iter().map(|run| group.slo_count(run, 0).good).sum() } else { q.count };
    let per_good = if good == 0 { "-".to_owned() } else { money(cost * runs.len() as f64 / good as f64 * 1e3) };
    let records = |run: &'_ &Run| group.services.iter().map(|&at| run.record.services[at].clone()).collect::<Vec<_>>();
    let all: Vec<_> = runs.iter().map(records).collect();
    let span_s = resolved.horizon.as_s_f64() * runs.len() as f64;
    let replicas = all.iter().flatten().map(|service| service.ready_replica_s).sum::<f64>() / span_s;
    let most = all.iter().map(|run| run.iter().map(|service| service.ready_max).sum::<u32>()).max().unwrap_or(0);
    let short_s = all.iter().flatten().map(|service| service.short.as_s_f64()).sum::<f64>();
    let available = 1.0 - short_s / span_s / group.services.len() as f64;
    let end = at_end(resolved, &group, runs).map_or_else(|| "-".to_owned(), percent);
    let available = if has_losses(played) { format!(" {:>9} {end:>8}", percent(available)) } else { String::new() };
    format!(
        "{:<width$} {:>8} {:>8} {:>8} {:>8} {:>8} {:>10} {:>6.1} {:>5}{available} {:>9} {:>9}",
        resolved.variant,
        duration(q.mean),
        duration(q.p50),
        duration(q.p99),
        duration(q.max),
        met.map_or_else(|| "-".to_owned(), percent),
        count(not_served),
        replicas,
        most,
        money(cost),
        per_good
    )
}

/// Which variants held the first promise, and the cheapest of them.
fn verdicts(text: &mut String, played: &Played) {
    let first = &played.loaded.variants[0];
    let Some(slo) = first.services[spoken_for(first).services[0]].slos.first() else {
        let _ = writeln!(text);
        return;
    };
    let mut held: Vec<(f64, &str)> = Vec::new();
    for (variant, resolved) in played.loaded.variants.iter().enumerate() {
        let runs: Vec<&Run> = played.of_variant(variant).collect();
        let group = spoken_for(resolved);
        let slos = &resolved.services[group.services[0]].slos;
        let all = runs.iter().all(|run| slos.iter().enumerate().all(|(i, slo)| group.slo(run, i, slo).met));
        if all {
            let cost = runs.iter().map(|run| run.record.bill.usd(|_| true)).sum::<f64>() / runs.len() as f64;
            held.push((cost, &resolved.variant));
        }
    }
    held.sort_by(|a, b| a.0.total_cmp(&b.0));
    let limit = duration(slo.limit.as_s_f64());
    let promise = format!("{} {} {limit}", part_words(slo.part), quantile_name(slo.quantile));
    let _ = match held.first() {
        None => writeln!(text, "\nNo variant held its SLO (first: {promise})."),
        Some((cost, name)) => writeln!(
            text,
            "\n{} of {} variants held their SLO (first: {promise}); the cheapest is `{name}` at {}.",
            held.len(),
            played.loaded.variants.len(),
            money(*cost)
        ),
    };
}

/// Warnings of all variants, each with its variant's name, without repetitions.
fn notes(played: &Played) -> Vec<String> {
    let mut shown: Vec<String> = Vec::new();
    for run in played.runs.iter().filter(|run| run.replicate == 0) {
        let resolved = &played.loaded.variants[run.variant];
        for warning in trouble::warnings(resolved, &run.record) {
            let text = format!("{}: {warning}", resolved.variant);
            if !shown.contains(&text) {
                shown.push(text);
            }
        }
    }
    shown
}
