//! One sentence for each variant against the baseline.

use super::Options;
use super::difference::{Difference, differences};
use super::text::{others, signed};
use crate::results::{Better, Results, ScopeKind, Verdict, verdicts as promises};

/// One sentence for each variant: what it holds that the baseline does not or the other way round, for
/// which services, and what changes.
pub(super) fn sentences(results: &Results<'_>, options: &Options) -> Vec<String> {
    let loaded = results.loaded;
    let baseline = &loaded.variants[loaded.baseline].variant;
    let all = differences(results, options);
    let mut sentences = Vec::new();
    for variant in others(results) {
        let name = &loaded.variants[variant].variant;
        let rows: Vec<&Difference> = all.iter().filter(|row| row.variant == *name).collect();
        if rows.iter().all(|row| row.is_none()) {
            sentences.push(format!("`{name}` does the same as `{baseline}`."));
            continue;
        }
        let (gained, lost) = held_changes(results, variant, options);
        let single = loaded.variants[variant].replicates == 1;
        let (better, worse) = told(&rows, single);
        let join = |words: &[String]| words.join(", ");
        // Who holds what was promised comes first, then what changes in figures.
        let mut facts = Vec::new();
        for (word, told) in [("it holds", &gained), ("it misses", &lost), ("better", &better), ("worse", &worse)] {
            if !told.is_empty() {
                facts.push(format!("{word} {}", join(told)));
            }
        }
        let goods = (!gained.is_empty(), !lost.is_empty(), !better.is_empty(), !worse.is_empty());
        let verdict = match goods {
            (false, false, false, false) => {
                format!("`{name}` against `{baseline}`: these replicates show no difference")
            }
            (true, false, ..) | (false, false, true, false) => format!("`{name}` is better than `{baseline}`: "),
            (false, true, ..) | (false, false, false, true) => format!("`{name}` is worse than `{baseline}`: "),
            _ => format!("`{name}` trades against `{baseline}`: "),
        };
        sentences.push(format!("{verdict}{}.", facts.join("; ")));
    }
    sentences
}

/// Promises that a variant holds in more replicates than the baseline, and in fewer.
fn held_changes(results: &Results<'_>, variant: usize, options: &Options) -> (Vec<String>, Vec<String>) {
    let base = promises(results, results.loaded.baseline);
    let (mut gained, mut lost) = (Vec::new(), Vec::new());
    for own in promises(results, variant) {
        if options.service.as_ref().is_some_and(|wanted| *wanted != own.group.name) {
            continue;
        }
        let same = |other: &&Verdict| other.group.name == own.group.name && other.words == own.words;
        let Some(other) = base.iter().find(same) else { continue };
        let share = |verdict: &Verdict| f64::from(verdict.held().0) / f64::from(verdict.held().1.max(1));
        let words = format!(
            "{} {} ({}/{}, was {}/{})",
            own.group.name,
            own.words,
            own.held().0,
            own.held().1,
            other.held().0,
            other.held().1
        );
        if share(&own) > share(other) {
            gained.push(words);
        } else if share(&own) < share(other) {
            lost.push(words);
        }
    }
    (gained, lost)
}

/// Figures that differ, better ones and worse ones, each fact once: of a service what requests saw, of
/// the whole what it cost.
fn told(rows: &[&Difference], single: bool) -> (Vec<String>, Vec<String>) {
    let (mut better, mut worse) = (Vec::new(), Vec::new());
    let promises = rows.iter().any(|row| row.scope.kind == ScopeKind::Promise);
    // Of each service what was promised, or its tail; of the whole what it costs.
    let is_told = |row: &&&Difference| match (row.scope.kind, row.figure.id) {
        (ScopeKind::All, "cost_usd") | (ScopeKind::Promise, "observed_s") => true,
        (ScopeKind::Service | ScopeKind::Route, "e2e.p99" | "not_served") => !promises,
        _ => false,
    };
    for row in rows.iter().filter(is_told) {
        let Some(by) = row.difference.filter(|by| *by != 0.0) else { continue };
        if !(row.differs() || single) {
            continue;
        }
        let words = match row.scope.kind {
            ScopeKind::All => format!("{} {}", row.figure.words, signed(row.figure, by)),
            ScopeKind::Promise => {
                // `chat: ttft p99 < 2s`, without its limit.
                let what = row.scope.name.rsplit_once(" < ").map_or(&*row.scope.name, |(what, _)| what);
                format!("{what} {}", signed(row.figure, by))
            }
            _ => format!("{}: {} {}", row.scope.name, row.figure.words, signed(row.figure, by)),
        };
        match (row.figure.better, by < 0.0) {
            (Better::Lower, true) | (Better::Higher, false) => better.push(words),
            (Better::Neither, _) => {}
            _ => worse.push(words),
        }
    }
    (better, worse)
}
