//! The report of a scenario with several variants: a line for each variant and service, and which of
//! them hold every promise.

use super::format::{columns, count, duration, money, percent};
use super::services::{not_served, scope};
use super::{ending, line, trouble};
use crate::compare::worlds::unlike;
use crate::results::{Group, Results, Scope, Verdict, bound, groups, verdicts};
use std::fmt::Write;

/// Most lines of the table: the rest of the report must have room.
const ROWS: usize = 18;

pub(super) fn write(text: &mut String, results: &Results<'_>) {
    let loaded = results.loaded;
    let first = &loaded.variants[0];
    let _ = writeln!(text, "{}: {} variants, {}", loaded.name, loaded.variants.len(), worlds(results));
    if !first.about.is_empty() {
        let _ = writeln!(text, "{}", first.about);
    }
    let _ = writeln!(text);
    let all: Vec<Vec<Vec<String>>> = (0..results.variants.len()).map(|at| rows_of(results, at)).collect();
    let mut rows = vec![COLUMNS.map(str::to_owned).to_vec()];
    let lines: usize = all.iter().map(Vec::len).sum();
    if lines <= ROWS.max(results.variants.len()) {
        rows.extend(all.into_iter().flatten());
    } else {
        // Where there is no room for every service, the first that misses speaks for its variant.
        rows.extend(all.into_iter().map(|own| {
            let missed = own.iter().position(|row| row[4].contains("MISS")).unwrap_or(0);
            let mut row = own[missed].clone();
            row[0].clone_from(&own[0][0]);
            (row[10], row[11]) = (own[0][10].clone(), own[0][11].clone());
            row
        }));
    }
    let _ = write!(text, "{}", columns(&tidy(rows), &[]));
    verdict(text, results);
    let mut warnings: Vec<String> = Vec::new();
    for (resolved, variant) in loaded.variants.iter().zip(0..) {
        for warning in trouble::of_variant(results, variant) {
            let text = format!("{}: {warning}", resolved.variant);
            if !warnings.contains(&text) {
                warnings.push(text);
            }
        }
    }
    ending(text, results, &warnings);
}

/// How long, how often, and whether all played the same world.
fn worlds(results: &Results<'_>) -> String {
    let loaded = results.loaded;
    let first = &loaded.variants[0];
    let unlike: Vec<String> = (1..loaded.variants.len())
        .filter_map(|at| {
            let differs = unlike(first, &loaded.variants[at]);
            (!differs.is_empty()).then(|| format!("`{}` has {}", loaded.variants[at].variant, differs.join(", ")))
        })
        .collect();
    let trials = first.replicates;
    let replicates = if trials == 1 { "1 replicate".to_owned() } else { format!("{trials} replicates") };
    let world = if unlike.is_empty() {
        "on the same world".to_owned()
    } else {
        format!("NOT on the same world: {}", unlike.join("; "))
    };
    format!("{world}; {}, {replicates}, seed {}", duration(first.horizon.as_s_f64()), first.seed)
}

/// Variants of which it is told what they miss.
const SHOWN: usize = 3;

const COLUMNS: [&str; 13] = [
    "variant",
    "service",
    "promise",
    "got (95 %)",
    "held",
    "attained",
    "p50",
    "p99",
    "replicas",
    "not served",
    "cost",
    "$/1k good",
    "over bound",
];

/// A row for each route and service of a variant; what is of the whole variant stands in its first.
fn rows_of(results: &Results<'_>, variant: usize) -> Vec<Vec<String>> {
    let resolved = &results.loaded.variants[variant];
    let promised = verdicts(results, variant);
    let dollars = |id: &str| results.got(variant, &Scope::all(), id).map_or_else(|| "-".to_owned(), money);
    let over = bound::distance(results, variant).and_then(|far| far.cost_over_bound.got);
    let over = over.map_or_else(String::new, |over| format!("{:+.1} %", over * 100.0));
    // Verdicts come by group, in the order of the groups.
    let mut rest = promised.iter().peekable();
    let mut row_of = |group: &Group| {
        let own: Vec<&Verdict> = std::iter::from_fn(|| rest.next_if(|verdict| verdict.group == *group)).collect();
        row(results, variant, group, &own)
    };
    let mut rows: Vec<Vec<String>> = groups(resolved).iter().map(&mut row_of).collect();
    for (row, at) in rows.iter_mut().zip(0..) {
        let whole = [resolved.variant.clone(), dollars("cost_usd"), dollars("usd_per_1k_good"), over.clone()];
        let [name, cost, good, over] = if at == 0 { whole } else { Default::default() };
        row[0] = name;
        row.extend([cost, good, over]);
    }
    rows
}

/// The promise that speaks for a group: the one that fewest replicates held, the first of equals.
fn row(results: &Results<'_>, variant: usize, group: &Group, own: &[&Verdict]) -> Vec<String> {
    let worst = own.iter().copied().min_by_key(|verdict| verdict.held().0);
    let scope = scope(group);
    let got = |id: &str| results.got(variant, &scope, id);
    let at = |id: String| got(&id).map_or_else(|| "-".to_owned(), duration);
    let part = worst.map_or("e2e", |verdict| verdict.of.name());
    let mut row = match worst {
        Some(verdict) => super::promise_rows(&group.name, &[verdict], None).swap_remove(0),
        None => vec![group.name.clone(), "none".to_owned(), "-".to_owned(), "-".to_owned(), "-".to_owned()],
    };
    row.truncate(5);
    row.insert(0, String::new());
    let attained = got("attainment").map_or_else(|| "-".to_owned(), percent);
    row[5] = attained;
    row.push(at(format!("{part}.p50")));
    row.push(at(format!("{part}.p99")));
    let replicas = [got("replicas_mean"), got("replicas_max")].map(Option::unwrap_or_default);
    row.push(format!("{:.1} / {:.0}", replicas[0], replicas[1]));
    row.push(not_served(results, variant, &scope));
    row
}

/// Without the columns in which nothing stands, or the same everywhere.
fn tidy(mut rows: Vec<Vec<String>>) -> Vec<Vec<String>> {
    let is_idle = |column: usize, rows: &[Vec<String>]| {
        let mut cells = rows[1..].iter().map(|row| row.get(column).map_or("", String::as_str));
        let first = cells.next().unwrap_or("");
        let alike = cells.all(|cell| cell == first);
        match COLUMNS[column] {
            "service" => alike,
            "over bound" => alike && first.is_empty(),
            _ => false,
        }
    };
    for column in (0..COLUMNS.len()).rev() {
        if is_idle(column, &rows) {
            rows.iter_mut().filter(|row| row.len() > column).for_each(|row| drop(row.remove(column)));
        }
    }
    rows
}

/// Which variants hold every promise of every service, the cheapest of them, and what the others miss.
fn verdict(text: &mut String, results: &Results<'_>) {
    let loaded = results.loaded;
    let mut held: Vec<(f64, &str)> = Vec::new();
    let mut missed: Vec<String> = Vec::new();
    let mut promised = false;
    for (resolved, variant) in loaded.variants.iter().zip(0..) {
        let all = verdicts(results, variant);
        promised |= !all.is_empty();
        let broken: Vec<String> = all
            .iter()
            .filter(|verdict| !verdict.holds())
            .map(|verdict| format!("{} {}", verdict.group.name, verdict.words))
            .collect();
        if broken.is_empty() {
            let cost = results.got(variant, &Scope::all(), "cost_usd").unwrap_or(0.0);
            held.push((cost, &resolved.variant));
        } else {
            missed.push(format!("`{}` misses {}", resolved.variant, broken.join(", ")));
        }
    }
    if !promised {
        let _ = writeln!(text, "\nNo promise was given; add one: slo: [(quantile: 0.99, limit: \"2s\")]");
        return;
    }
    held.sort_by(|a, b| a.0.total_cmp(&b.0));
    let of = count(loaded.variants.len() as u64);
    let _ = match held.first() {
        None => writeln!(text, "\nNone of {of} variants holds every promise."),
        Some((cost, name)) => writeln!(
            text,
            "\n{} of {of} variants hold every promise; the cheapest is `{name}` at {}.",
            held.len(),
            money(*cost)
        ),
    };
    for words in missed.iter().take(SHOWN) {
        line(text, "miss", words);
    }
    if missed.len() > SHOWN {
        line(text, "", &format!("and {} more variants", missed.len() - SHOWN));
    }
}
