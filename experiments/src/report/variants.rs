//! The report of a scenario with several variants: a line for each variant and service, and which of
//! them hold every SLO.

use super::ending::ending;
use super::format::{amount, columns, listed, money};
use super::line::{line, stretch};
use super::services::not_served;
use flashcrowd_language::words::{count, duration, percent};
use flashcrowd_results::{
    Group, Results, Scope, Verdict, bound, cheapest_that_holds, groups, slo_difference, unlike, verdicts, warnings_of,
};
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
    let all: Vec<Vec<Row>> = (0..results.variants.len()).map(|at| rows_of(results, at)).collect();
    let lines: usize = all.iter().map(Vec::len).sum();
    let rows: Vec<Row> = if lines <= ROWS.max(results.variants.len()) {
        all.into_iter().flatten().collect()
    } else {
        all.iter().map(|rows| first_that_misses(rows)).collect()
    };
    let _ = write!(text, "{}", table(&rows));
    verdict(text, results);
    let mut warnings: Vec<String> = Vec::new();
    for (resolved, variant) in loaded.variants.iter().zip(0..) {
        for warning in warnings_of(results, variant) {
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
    let trials = results.variants[0].figures.trials();
    let replicates = if trials == 1 { "1 replicate".to_owned() } else { format!("{trials} replicates") };
    let world = if unlike.is_empty() {
        "on the same world".to_owned()
    } else {
        format!("NOT on the same world: {}", unlike.join("; "))
    };
    format!("{world}; {}, {replicates}, seed {}", stretch(first), first.seed)
}

/// Where there is no room for every service, the first that misses speaks for its variant.
fn first_that_misses(rows: &[Row]) -> Row {
    let missed = rows.iter().position(|row| row.misses).unwrap_or(0);
    let Row { variant, cost, per_good, over, .. } = rows[0].clone();
    Row { variant, cost, per_good, over, ..rows[missed].clone() }
}

/// Variants of which it is told what they miss.
const SHOWN: usize = 3;

/// One route or service of a variant; what is of the whole variant stands in its first row.
#[derive(Clone, Default)]
struct Row {
    variant: String,
    service: String,
    slo: String,
    got: String,
    held: String,
    attained: String,
    p50: String,
    p99: String,
    replicas: String,
    not_served: String,
    available: String,
    lost: String,
    at_end: String,
    preemptions: String,
    cost: String,
    per_good: String,
    over: String,
    /// Whether a replicate missed an SLO.
    misses: bool,
}

/// When a column is shown.
#[derive(Clone, Copy, PartialEq)]
enum Shown {
    Always,
    /// If rows differ in it.
    IfSeveral,
    /// If any row has something in it.
    IfAny,
}

/// A column: its header, its cell in a row, and when it is shown.
type Column = (&'static str, fn(&Row) -> &String, Shown);

const COLUMNS: [Column; 17] = [
    ("variant", |row| &row.variant, Shown::Always),
    ("service", |row| &row.service, Shown::IfSeveral),
    ("SLO", |row| &row.slo, Shown::Always),
    ("got (95 %)", |row| &row.got, Shown::Always),
    ("held", |row| &row.held, Shown::Always),
    ("attained", |row| &row.attained, Shown::Always),
    ("p50", |row| &row.p50, Shown::Always),
    ("p99", |row| &row.p99, Shown::Always),
    ("replicas", |row| &row.replicas, Shown::Always),
    ("not served", |row| &row.not_served, Shown::Always),
    ("available", |row| &row.available, Shown::IfAny),
    ("lost", |row| &row.lost, Shown::IfAny),
    ("in time at end", |row| &row.at_end, Shown::IfAny),
    ("preemptions", |row| &row.preemptions, Shown::IfAny),
    ("cost", |row| &row.cost, Shown::Always),
    ("$/1k good", |row| &row.per_good, Shown::Always),
    ("over bound", |row| &row.over, Shown::IfAny),
];

/// The rows as a table, without the columns that say nothing here.
fn table(rows: &[Row]) -> String {
    let is_shown = |(_, of, shown): &&Column| match shown {
        Shown::Always => true,
        Shown::IfSeveral => rows.windows(2).any(|pair| of(&pair[0]) != of(&pair[1])),
        Shown::IfAny => rows.iter().any(|row| !of(row).is_empty()),
    };
    let shown: Vec<_> = COLUMNS.iter().filter(is_shown).collect();
    let mut cells = vec![shown.iter().map(|column| column.0.to_owned()).collect::<Vec<_>>()];
    cells.extend(rows.iter().map(|row| shown.iter().map(|column| column.1(row).clone()).collect()));
    columns(&cells, &[])
}

/// A row for each route and service of a variant.
fn rows_of(results: &Results<'_>, variant: usize) -> Vec<Row> {
    let resolved = &results.loaded.variants[variant];
    let judged = verdicts(results, variant);
    // Verdicts come by group, in the order of the groups.
    let mut rest = judged.iter().peekable();
    let mut row_of = |group: &Group| {
        let own: Vec<&Verdict> = std::iter::from_fn(|| rest.next_if(|verdict| verdict.group == *group)).collect();
        row(results, variant, group, &own)
    };
    let mut rows: Vec<Row> = groups(resolved).iter().map(&mut row_of).collect();
    let dollars = |id: &str| results.got(variant, &Scope::all(), id).map_or_else(|| "-".to_owned(), money);
    let over = bound::distance(results, variant).and_then(|far| far.cost_over_bound.got);
    rows[0].variant.clone_from(&resolved.variant);
    rows[0].cost = dollars("cost_usd");
    rows[0].per_good = dollars("usd_per_1k_good");
    rows[0].over = over.map_or_else(String::new, |over| format!("{:+.1} %", over * 100.0));
    rows
}

/// The SLO that speaks for a group: the one that fewest replicates held, the first of equals.
fn row(results: &Results<'_>, variant: usize, group: &Group, own: &[&Verdict]) -> Row {
    let worst = own.iter().copied().min_by_key(|verdict| verdict.held().0);
    let scope = group.scope();
    let got = |id: &str| results.got(variant, &scope, id);
    let part = worst.map_or("e2e", |verdict| verdict.of.name());
    let at = |name: &str| got(&format!("{part}.{name}")).map_or_else(|| "-".to_owned(), duration);
    let mut row = Row {
        service: group.name.clone(),
        slo: "none".to_owned(),
        got: "-".to_owned(),
        held: "-".to_owned(),
        attained: "-".to_owned(),
        p50: at("p50"),
        p99: at("p99"),
        replicas: format!("{:.1} / {:.0}", got("replicas_mean").unwrap_or(0.0), got("replicas_max").unwrap_or(0.0)),
        not_served: not_served(results, variant, &scope),
        ..Row::default()
    };
    if let Some(verdict) = worst {
        let [_, slo, got, held, attained] = super::slos::slo_row(verdict);
        (row.slo, row.got, row.held, row.attained) = (slo, got, held, attained);
        row.misses = !verdict.holds();
    }
    // Where replicas were lost or bought on a market, it matters how much was there, and how it ended.
    let mean = |id: &str| got(id).unwrap_or(0.0);
    if mean("preempted") + mean("spot_orders") > 0.0 {
        row.available = got("availability").map_or_else(|| "-".to_owned(), percent);
        row.lost = amount(mean("preempted"));
        row.at_end = got("late_at_end").map_or_else(|| "-".to_owned(), |late| percent(1.0 - late));
    }
    if mean("preemptions") > 0.0 {
        row.preemptions = amount(mean("preemptions"));
    }
    row
}

/// Which variants hold every SLO of every service, the cheapest of them, and what the others miss.
fn verdict(text: &mut String, results: &Results<'_>) {
    let loaded = results.loaded;
    let judged: Vec<Vec<Verdict>> = (0..results.variants.len()).map(|at| verdicts(results, at)).collect();
    if judged.iter().all(Vec::is_empty) {
        let _ = writeln!(text, "\nThere is no SLO; add one: slo: [(quantile: 0.99, limit: \"2s\")]");
        return;
    }
    let baseline = &loaded.variants[loaded.baseline];
    let (mut held, mut missed, mut others) = (0, Vec::new(), Vec::new());
    for (resolved, own) in loaded.variants.iter().zip(&judged) {
        let broken = own.iter().filter(|verdict| !verdict.holds());
        let broken: Vec<String> = broken.map(|verdict| format!("{} {}", verdict.group.name, verdict.words)).collect();
        held += usize::from(broken.is_empty() && !own.is_empty());
        if !broken.is_empty() {
            missed.push(format!("`{}` misses {}", resolved.variant, listed(&broken, SHOWN)));
        }
        let otherwise = slo_difference(baseline, resolved);
        others.extend(otherwise.map(|other| format!("`{}` {other}", resolved.variant)));
    }
    let of = count(loaded.variants.len() as u64);
    let whose = if others.is_empty() { "every SLO" } else { "every SLO of theirs" };
    let _ = match cheapest_that_holds(results, &judged) {
        _ if held == 0 => writeln!(text, "\nNone of {of} variants holds {}.", whose.replace("they make", "it makes")),
        None => writeln!(text, "\n{held} of {of} variants hold {whose}."),
        Some(at) => {
            let cost = results.got(at, &Scope::all(), "cost_usd").unwrap_or(0.0);
            let name = &loaded.variants[at].variant;
            writeln!(text, "\n{held} of {of} variants hold {whose}; the cheapest is `{name}` at {}.", money(cost))
        }
    };
    for (label, facts) in [("miss", &missed), ("SLOs", &others)] {
        for (fact, at) in facts.iter().take(SHOWN).zip(0..) {
            line(text, if at == 0 { label } else { "" }, fact);
        }
        if facts.len() > SHOWN {
            line(text, "", &format!("and {} more", facts.len() - SHOWN));
        }
    }
}
