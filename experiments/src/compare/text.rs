//! The comparison in words and tables: one line a variant and service, those that hold first, the
//! cheapest of them before others.

use super::difference::{Difference, differences};
use super::options::Options;
use super::seen::{Seen, Shown, others};
use super::value::{shown_value, signed};
use super::words::{close, verdicts};
use crate::report::{beside_limit, columns, late_because, money, not_served, percent_beside};
use flashcrowd_language::words::{count, percent};
use flashcrowd_results::same_arrivals;
use flashcrowd_results::{Group, Results, Scope, ScopeKind, Verdict, bound, find, keeps, slo_difference};
use std::fmt::Write;

/// SLOs of a service that have columns of their own; more stand behind `--long`.
const SLOS: usize = 2;

/// Tables of routes and services; what all of them hold and none changes stands behind them in a line.
const TABLES: usize = 12;

/// Most SLOs that are named as too close to call.
const CLOSE: usize = 8;

/// The comparison.
pub fn text(results: &Results<'_>, options: &Options) -> String {
    let loaded = results.loaded;
    let baseline = &loaded.variants[loaded.baseline];
    let seen = Seen::new(results, options);
    let mut text = String::new();
    let pairing = pairing(results);
    let _ = writeln!(text, "{}: {}; difference from `{}`, 95 % intervals", loaded.name, pairing[0], baseline.variant);
    for line in pairing[1..].iter().chain(&other_slos(results)) {
        let _ = writeln!(text, "{line}");
    }
    tables(&mut text, &seen);
    whole(&mut text, results);
    let usual = differences(results, &Options { figures: Vec::new(), ..options.clone() });
    if !options.figures.is_empty() {
        let chosen = differences(results, options);
        long(&mut text, &chosen);
        for name in options.absent(loaded, &chosen) {
            let _ = writeln!(text, "no variant has `{name}`");
        }
    } else if options.long {
        long(&mut text, &usual);
    }
    let _ = writeln!(text);
    for verdict in verdicts(&seen, &usual) {
        let _ = writeln!(text, "{verdict}");
    }
    let close = close(&seen);
    for words in close.iter().take(CLOSE) {
        let _ = writeln!(text, "close       {words}");
    }
    if close.len() > CLOSE {
        let _ = writeln!(text, "            and {} more", close.len() - CLOSE);
    }
    if let Some(warning) = same_arrivals(baseline) {
        let _ = writeln!(text, "warning     {warning}");
    }
    match results.variants[loaded.baseline].figures.trials() {
        1 => drop(writeln!(text, "One replicate shows what chance may have made: --replicates 20 for intervals")),
        n if n < 5 => drop(writeln!(text, "Few replicates make wide intervals: --replicates 20")),
        _ => {}
    }
    if !options.long && options.figures.is_empty() {
        let given = &loaded.given;
        let _ = writeln!(text, "next        flashcrowd compare {given} ... --long   for every figure that is compared");
    }
    text
}

/// A table for each route and service; with very many, for the first that any variant changes or misses.
fn tables(text: &mut String, seen: &Seen<'_, '_>) {
    let shown = seen.groups();
    let all = shown.len() <= TABLES;
    let (mut tables, mut lines, mut more) = (0, 0, 0);
    for one in &shown {
        let unchanged = unchanged(seen, one);
        let room = if unchanged { &mut lines } else { &mut tables };
        if !all && *room >= TABLES {
            more += 1;
            continue;
        }
        *room += 1;
        if unchanged {
            let _ = writeln!(text, "\n{}: {}", one.group.name, as_it_was(seen, one));
        } else {
            let _ = writeln!(text);
            table(text, seen, one);
        }
    }
    if more > 0 {
        let _ = writeln!(text, "\nand {} more services: --service NAME", count(more));
    }
}

/// Variants with other SLOs than the baseline: what they hold is not what it holds.
fn other_slos(results: &Results<'_>) -> Vec<String> {
    let loaded = results.loaded;
    let baseline = &loaded.variants[loaded.baseline];
    let of = |at: usize| {
        let own = &loaded.variants[at];
        Some(format!("not the same SLOs: `{}` {}", own.variant, slo_difference(baseline, own)?))
    };
    others(results).filter_map(of).collect()
}

/// How many replicates are paired, and which variants are not and why.
fn pairing(results: &Results<'_>) -> Vec<String> {
    let loaded = results.loaded;
    let trials = |variant: usize| results.variants[variant].figures.trials();
    let mut lines = Vec::new();
    let mut paired = 0;
    for (resolved, at) in loaded.variants.iter().zip(0..) {
        let differs = &results.unlike[at];
        let counts = trials(at) != trials(loaded.baseline);
        if at == loaded.baseline {
            continue;
        }
        if differs.is_empty() && !counts {
            paired += 1;
            continue;
        }
        let mut why: Vec<String> = differs.iter().map(|&words| words.to_owned()).collect();
        if counts {
            why.push(format!("{} replicates", trials(at)));
        }
        lines.push(format!(
            "not paired: `{}` has {}; its differences are of independent runs",
            resolved.variant,
            why.join(", ")
        ));
    }
    let replicates = match trials(loaded.baseline) {
        1 => "1 replicate".to_owned(),
        n => format!("{n} replicates"),
    };
    let first = match (paired, lines.is_empty()) {
        (_, true) => format!("{replicates} of the same world, paired"),
        (0, false) => format!("{replicates}, not paired"),
        (n, false) => format!("{replicates}; {n} of {} others play the same world and are paired", n + lines.len()),
    };
    lines.insert(0, first);
    lines
}

/// Whether every variant gave a group the SLOs of the baseline and served it alike, in every figure and replicate.
fn unchanged(seen: &Seen<'_, '_>, shown: &Shown) -> bool {
    let words = |variant: usize| -> Vec<&str> {
        seen.of(variant, &shown.group.name).into_iter().map(|verdict| &*verdict.words).collect()
    };
    let base = words(seen.results.loaded.baseline);
    let same = |variant: usize| {
        words(variant) == base
            && ["e2e.mean", "e2e.max", "completed", "not_served", "replicas_mean", "cost_usd"].iter().all(|id| {
                let row = find(id).map(|figure| Difference::new(seen.results, variant, &shown.group.scope(), figure));
                row.is_none_or(|row| row.is_none())
            })
    };
    shown.within.len() == seen.results.variants.len() && others(seen.results).all(same)
}

/// `unchanged by these variants, holds 5/5`.
fn as_it_was(seen: &Seen<'_, '_>, shown: &Shown) -> String {
    let held: Vec<String> = seen
        .of(seen.results.loaded.baseline, &shown.group.name)
        .into_iter()
        .map(|verdict| {
            let (held, of) = verdict.held();
            let word = if verdict.holds() { "holds" } else { "MISSES" };
            format!("{word} {} {held}/{of}", verdict.words)
        })
        .collect();
    let held = if held.is_empty() { "it has no SLO".to_owned() } else { held.join(", ") };
    format!("unchanged by these variants; {held}")
}

/// One line for each variant.
struct Line {
    variant: usize,
    held: (u32, u32),
    cost: f64,
    cells: Vec<String>,
}

fn table(text: &mut String, seen: &Seen<'_, '_>, shown: &Shown) {
    let mut header = vec![shown.group.name.clone(), "held".to_owned()];
    for words in shown.slos.iter().take(SLOS) {
        header.extend([words.clone(), "difference".to_owned()]);
    }
    if shown.slos.is_empty() {
        header.extend(["e2e p99", "difference"].map(str::to_owned));
    }
    // With several SLOs, a request has to keep all of them.
    let kept = if shown.slos.len() > 1 { "kept all" } else { "attained" };
    header.extend([kept, "not served", "$/week", "difference", ""].map(str::to_owned));
    let mut lines: Vec<Line> = shown.within.iter().map(|variant| line(seen, *variant, shown)).collect();
    lines.sort_by(|a, b| {
        let missed = |line: &Line| line.held.1 - line.held.0;
        missed(a).cmp(&missed(b)).then(a.cost.total_cmp(&b.cost)).then(a.variant.cmp(&b.variant))
    });
    let mut rows = vec![header];
    for line in lines {
        let mut cells = line.cells;
        let mark = match (line.held.0 < line.held.1, Some(line.variant) == seen.cheapest) {
            (true, _) => format!("MISS{}", because(seen.results, line.variant, &shown.group)),
            (_, true) => "<- cheapest that holds".to_owned(),
            _ => String::new(),
        };
        cells.push(mark);
        rows.push(cells);
    }
    let _ = write!(text, "{}", columns(&rows, &[]));
    let absent: Vec<String> = (0..seen.results.variants.len())
        .filter(|variant| !shown.within.contains(variant))
        .map(|variant| format!("`{}`", seen.results.loaded.variants[variant].variant))
        .collect();
    if !absent.is_empty() {
        let _ = writeln!(text, "{:<11} not in {}", "", absent.join(", "));
    }
    if shown.slos.len() > SLOS {
        let _ = writeln!(text, "{:<11} more SLOs: {}; see --long", "", shown.slos[SLOS..].join(", "));
    }
}

fn because(results: &Results<'_>, variant: usize, group: &Group) -> String {
    late_because(results, variant, group).map_or_else(String::new, |why| format!(": {why}"))
}

fn line(seen: &Seen<'_, '_>, variant: usize, shown: &Shown) -> Line {
    let (results, loaded) = (seen.results, seen.results.loaded);
    let own = seen.of(variant, &shown.group.name);
    let held = held_together(&own);
    let is_base = variant == loaded.baseline;
    let mut cells = vec![loaded.variants[variant].variant.clone()];
    cells.push(if own.is_empty() { "-".to_owned() } else { format!("{}/{}", held.0, held.1) });
    for words in shown.slos.iter().take(SLOS) {
        match own.iter().find(|verdict| verdict.words == *words) {
            None => cells.extend(["-", "-"].map(str::to_owned)),
            Some(verdict) => {
                let scope = shown.group.slo_scope(&verdict.slo);
                let [value, difference] = value_and_difference(results, variant, &scope, "observed_s", is_base);
                // What missed its limit is never shown as the limit.
                let value = match verdict.observed.got {
                    _ if !verdict.was_asked() => "no request".to_owned(),
                    Some(got) => beside_limit(verdict, got),
                    None => value,
                };
                cells.extend([value, difference]);
            }
        }
    }
    let scope = shown.group.scope();
    if shown.slos.is_empty() {
        cells.extend(value_and_difference(results, variant, &scope, "e2e.p99", is_base));
    }
    let attained = results.got(variant, &scope, "attainment");
    cells.push(attained.map_or_else(
        || "-".to_owned(),
        |share| match own[..] {
            [only] => percent_beside(share, only.slo.quantile),
            _ => percent(share),
        },
    ));
    cells.push(not_served(results, variant, &scope));
    cells.extend(value_and_difference(results, variant, &Scope::all(), "usd_per_week", is_base));
    let cost = results.got(variant, &Scope::all(), "usd_per_week").unwrap_or(0.0);
    Line { variant, held, cost, cells }
}

/// Replicates in which all of these SLOs held, of how many.
fn held_together(own: &[&Verdict]) -> (u32, u32) {
    let trials = own.first().map_or(0, |verdict| verdict.attainment.each.len());
    let holds = |trial: &usize| own.iter().all(|verdict| keeps(&verdict.slo, verdict.attainment.each[*trial]));
    ((0..trials).filter(holds).count() as u32, trials as u32)
}

fn value_and_difference(results: &Results<'_>, variant: usize, scope: &Scope, id: &str, is_base: bool) -> [String; 2] {
    let Some(figure) = find(id) else { return Default::default() };
    let row = Difference::new(results, variant, scope, figure);
    let value = match (row.value.got, id) {
        (Some(got), _) => shown_value(figure, got),
        (None, "observed_s") => "never".to_owned(),
        (None, _) => "-".to_owned(),
    };
    [value, if is_base { "-".to_owned() } else { in_words(&row) }]
}

/// `+1.5s +-1.6s`, `none`, or what can be said without an interval.
fn in_words(row: &Difference) -> String {
    if row.is_none() {
        return "none".to_owned();
    }
    match (row.difference, row.half_width) {
        (None, _) => "-".to_owned(),
        (Some(by), None) => signed(row.figure, by),
        (Some(by), Some(half)) if row.differs() => {
            format!("{} +-{}", signed(row.figure, by), shown_value(row.figure, half))
        }
        (Some(_), Some(half)) => format!("none seen (+-{})", shown_value(row.figure, half)),
    }
}

/// How far variants are from the bound, where there is one.
fn whole(text: &mut String, results: &Results<'_>) {
    let Some(best) = results.bound() else { return };
    let header = ["", "cost", "over bound", "GPU-hours", "ready, too many", "ready, missing", "not ready, more"];
    let mut rows = vec![header.map(str::to_owned).to_vec()];
    for (resolved, variant) in results.loaded.variants.iter().zip(0..) {
        let Some(far) = bound::distance(results, variant) else { continue };
        let over = far.cost_over_bound.got.map_or_else(|| "-".to_owned(), |over| format!("{:+.1} %", over * 100.0));
        // In tenths, and the last column by the others, so that what is shown adds up.
        let tenths = |value: Option<f64>| (value.unwrap_or(0.0) * 10.0).round() as i64;
        let hours = |variant| tenths(results.got(variant, &Scope::all(), "gpu_hours"));
        let (many, few) = (tenths(far.over_gpu_h.got), tenths(far.under_gpu_h.got));
        let rest = hours(variant) - hours(best) - (many - few);
        let shown = |tenths: i64| format!("{:.1}", tenths as f64 / 10.0);
        rows.push(vec![
            resolved.variant.clone(),
            far.cost_usd.got.map_or_else(|| "-".to_owned(), money),
            over,
            shown(hours(variant)),
            shown(many),
            shown(few),
            format!("{:+.1}", rest as f64 / 10.0),
        ]);
    }
    let name = &results.loaded.variants[best].variant;
    let _ = writeln!(text, "\n`{name}` knows the arrivals. GPU-hours beyond its own = too many - missing + not ready:");
    let _ = write!(text, "{}", columns(&rows, &[1, 2, 3, 4, 5, 6]));
}

/// Every figure that is compared, with its interval, paired and not.
fn long(text: &mut String, differences: &[Difference]) {
    let header = ["variant", "of", "figure", "baseline", "value", "difference", "+-", "(unpaired +-)"];
    let mut rows = vec![header.map(str::to_owned).to_vec()];
    for row in differences {
        let show = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |value| shown_value(row.figure, value));
        let by = match (row.is_none(), row.difference) {
            (true, _) => "none".to_owned(),
            (_, Some(by)) => signed(row.figure, by),
            (_, None) => "-".to_owned(),
        };
        let of = if row.scope.kind == ScopeKind::All { "all".to_owned() } else { row.scope.name.clone() };
        rows.push(vec![
            row.variant.clone(),
            of,
            row.figure.id.to_owned(),
            show(row.baseline.got),
            show(row.value.got),
            by,
            show(row.half_width),
            show(row.unpaired_half_width),
        ]);
    }
    let _ = write!(text, "\n{}", columns(&rows, &[3, 4, 5, 6, 7]));
}
