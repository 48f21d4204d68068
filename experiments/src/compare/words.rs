//! The comparison in sentences: what a variant holds that the baseline does not, and what it costs.

use super::difference::Difference;
use super::seen::{Seen, others};
use super::value::signed;
use crate::report::listed;
use flashcrowd_language::words::duration;
use flashcrowd_results::statistics::{Call, holm};
use flashcrowd_results::{Better, ScopeKind, Verdict, slo_difference};
use std::collections::{BTreeMap, BTreeSet};

/// Facts of one kind in a sentence, and how many are told where there are more: there may be thousands
/// of services.
const FACTS: usize = 6;
const TOLD: usize = 3;

fn join(facts: &[String]) -> String {
    listed(facts, if facts.len() > FACTS { TOLD } else { FACTS })
}

/// One sentence for each variant: what it holds that the baseline does not or the other way round, for
/// which services, and what changes.
pub(super) fn verdicts(seen: &Seen<'_, '_>, all: &[Difference]) -> Vec<String> {
    let loaded = seen.results.loaded;
    let baseline = &loaded.variants[loaded.baseline].variant;
    let mut sentences = Vec::new();
    let sure = sure(seen, all);
    for variant in others(seen.results) {
        let name = &loaded.variants[variant].variant;
        let rows: Vec<&Difference> = all.iter().filter(|row| row.variant == *name).collect();
        let otherwise = slo_difference(&loaded.variants[loaded.baseline], &loaded.variants[variant]);
        if otherwise.is_none() && rows.iter().all(|row| row.is_none()) {
            sentences.push(format!("`{name}` does the same as `{baseline}`."));
            continue;
        }
        let (gained, lost) = held_changes(seen, variant);
        let single = seen.results.variants[variant].figures.trials() == 1;
        let told_of: Vec<&Difference> = all
            .iter()
            .zip(&sure)
            .filter(|(row, sure)| row.variant == *name && (**sure || single))
            .map(|(row, _)| row)
            .collect();
        let (better, worse) = told(&told_of, &with_slos(seen, variant));
        // Who holds its SLOs comes first, then what changes in figures.
        let mut facts = Vec::new();
        for (word, told) in [("it holds", &gained), ("it misses", &lost), ("better", &better), ("worse", &worse)] {
            if !told.is_empty() {
                facts.push(format!("{word} {}", join(told)));
            }
        }
        facts.extend(otherwise.map(|other| format!("it {other}")));
        let goods = (!gained.is_empty(), !lost.is_empty(), !better.is_empty(), !worse.is_empty());
        let verdict = match goods {
            (false, false, false, false) if facts.is_empty() => {
                format!("`{name}` against `{baseline}`: these replicates show no difference")
            }
            (false, false, false, false) => format!("`{name}` against `{baseline}`: "),
            (true, false, ..) | (false, false, true, false) => format!("`{name}` is better than `{baseline}`: "),
            (false, true, ..) | (false, false, false, true) => format!("`{name}` is worse than `{baseline}`: "),
            _ => format!("`{name}` trades against `{baseline}`: "),
        };
        sentences.push(format!("{verdict}{}.", facts.join("; ")));
    }
    sentences
}

/// SLOs that a variant holds in more replicates than the baseline, and in fewer. One that the baseline
/// does not make can be missed, too.
fn held_changes(seen: &Seen<'_, '_>, variant: usize) -> (Vec<String>, Vec<String>) {
    let base = &seen.judged[seen.results.loaded.baseline];
    let (mut gained, mut lost) = (Vec::new(), Vec::new());
    let key = |verdict: &Verdict| (verdict.group.name.clone(), verdict.words.clone());
    let known: BTreeMap<_, &Verdict> = base.iter().map(|verdict| (key(verdict), verdict)).collect();
    let share = |verdict: &Verdict| f64::from(verdict.held().0) / f64::from(verdict.held().1.max(1));
    for own in &seen.judged[variant] {
        if seen.options.service.as_ref().is_some_and(|wanted| *wanted != own.group.name) {
            continue;
        }
        let (held, of) = own.held();
        let words = format!("{} {} ({held}/{of}", own.group.name, own.words);
        match known.get(&key(own)) {
            None if own.holds() => {}
            None => lost.push(format!("{words}, a new SLO)")),
            Some(other) => {
                let words = format!("{words}, was {}/{})", other.held().0, other.held().1);
                if share(own) > share(other) {
                    gained.push(words);
                } else if share(own) < share(other) {
                    lost.push(words);
                }
            }
        }
    }
    (gained, lost)
}

/// Routes and services that have an SLO in the baseline or the variant.
fn with_slos<'s>(seen: &'s Seen<'_, '_>, variant: usize) -> BTreeSet<&'s str> {
    let both = [seen.results.loaded.baseline, variant].into_iter().flat_map(|at| &seen.judged[at]);
    both.map(|verdict| &*verdict.group.name).collect()
}

/// Whether a sentence tells of a figure: of each service its SLOs, or its tail where it has none; of the whole what it
/// costs.
fn is_told(row: &Difference, with_slos: &BTreeSet<&str>) -> bool {
    match (row.scope.kind, row.figure.id) {
        (ScopeKind::All, "cost_usd") | (ScopeKind::Slo, "observed_s") => true,
        (ScopeKind::Service | ScopeKind::Route, "e2e.p99" | "not_served") => !with_slos.contains(&*row.scope.name),
        _ => false,
    }
}

/// Which differences are told: with Holm's adjustment for all that sentences may tell of, so that in 95 % of
/// comparisons none of them is chance.
fn sure(seen: &Seen<'_, '_>, all: &[Difference]) -> Vec<bool> {
    let results = seen.results;
    let by_variant: BTreeMap<&str, BTreeSet<&str>> =
        others(results).map(|variant| (&*results.loaded.variants[variant].variant, with_slos(seen, variant))).collect();
    let none = BTreeSet::new();
    let asked = |row: &Difference| is_told(row, by_variant.get(&*row.variant).unwrap_or(&none)) && !row.is_none();
    let chances: Vec<(usize, f64)> =
        all.iter().enumerate().filter(|(_, row)| asked(row)).filter_map(|(at, row)| Some((at, row.chance?))).collect();
    let adjusted = holm(&chances.iter().map(|(_, chance)| *chance).collect::<Vec<f64>>()).unwrap_or_default();
    let mut sure = vec![false; all.len()];
    for ((at, _), chance) in chances.iter().zip(adjusted) {
        sure[*at] = chance < 0.05;
    }
    sure
}

/// SLOs of which the replicates do not tell whether another one would keep them, in words.
pub(super) fn close(seen: &Seen<'_, '_>) -> Vec<String> {
    let of = |(variant, judged): (usize, &Vec<Verdict>)| -> Vec<String> {
        let name = &seen.results.loaded.variants[variant].variant;
        let close = judged.iter().filter(|own| own.held().1 > 1).filter_map(|own| match own.call() {
            call @ Call::TooClose { more: Some(_) } => {
                let got = own.observed.got.map_or_else(|| "never".to_owned(), duration);
                let half = own.observed.half_width.map_or_else(String::new, |half| format!(" +-{}", duration(half)));
                Some(format!("`{name}` {} {}: {got}{half}, {call}", own.group.name, own.words))
            }
            _ => None,
        });
        close.collect()
    };
    seen.judged.iter().enumerate().flat_map(of).collect()
}

/// Figures that differ, better ones and worse ones, each fact once: of a service what requests saw, of
/// the whole what it cost.
fn told(rows: &[&Difference], with_slos: &BTreeSet<&str>) -> (Vec<String>, Vec<String>) {
    let (mut better, mut worse) = (Vec::new(), Vec::new());
    for row in rows.iter().filter(|row| is_told(row, with_slos)) {
        let Some(by) = row.difference.filter(|by| *by != 0.0 && !row.is_none()) else { continue };
        let words = match row.scope.kind {
            ScopeKind::All => format!("{} {}", row.figure.words, signed(row.figure, by)),
            ScopeKind::Slo => {
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
