//! Which SLOs held, in how many replicates, and why others did not.

use super::format::{columns, duration_beside, percent_beside};
use super::line::{GROUPS, line};
use flashcrowd_language::units::Duration;
use flashcrowd_language::words::{count, duration};
use flashcrowd_results::{Group, Results, Verdict};
use std::collections::BTreeSet;
use std::fmt::Write;

/// The routes and services that have rows: all where there are few, else those that miss an SLO first.
pub(super) fn shown(all: &[Group], verdicts: &[Verdict]) -> Vec<Group> {
    if all.len() <= GROUPS {
        return all.to_vec();
    }
    let missed: BTreeSet<&str> = missing(verdicts);
    let (misses, others): (Vec<&Group>, Vec<&Group>) = all.iter().partition(|group| missed.contains(&*group.name));
    misses.into_iter().chain(others).take(ROWS).cloned().collect()
}

/// Of so many that not all have rows, these have.
const ROWS: usize = 3;

fn missing(verdicts: &[Verdict]) -> BTreeSet<&str> {
    verdicts.iter().filter(|verdict| !verdict.holds()).map(|verdict| &*verdict.group.name).collect()
}

/// How many routes and services have no rows, and how many of those miss an SLO.
pub(super) fn rest(text: &mut String, all: &[Group], shown: &[Group], verdicts: &[Verdict]) {
    if all.len() == shown.len() {
        return;
    }
    let told: BTreeSet<&str> = shown.iter().map(|group| &*group.name).collect();
    let missed = missing(verdicts).difference(&told).count();
    let rest = all.len() - shown.len();
    let content = format!(
        "and {} more services, {} of which miss an SLO; all in summary.json",
        count(rest as u64),
        count(missed as u64)
    );
    line(text, "", &content);
}

/// One row for each SLO of some routes and services.
pub(super) fn write(text: &mut String, results: &Results<'_>, shown: &[Group], judged: &[Verdict]) {
    let mut rows = vec![["", "SLO", "got (95 %)", "held", "attained", "late because"].map(str::to_owned).to_vec()];
    for group in shown {
        let own: Vec<&Verdict> = judged.iter().filter(|verdict| verdict.group == *group).collect();
        if own.is_empty() {
            let none = "none: slo: [(quantile: 0.99, limit: \"2s\")]";
            rows.push(vec![group.name.clone(), none.to_owned()]);
        }
        let because = late_because(results, 0, group);
        rows.extend(slo_rows(&group.name, &own, because.as_deref()));
    }
    let _ = write!(text, "{}", columns(&rows, &[]));
}

/// The rows of one route or service: the SLO, what was got, in how many replicates it held.
fn slo_rows(name: &str, own: &[&Verdict], because: Option<&str>) -> Vec<Vec<String>> {
    let mut why = because;
    let row = |(verdict, at): (&&Verdict, usize)| {
        let mut cells = slo_row(verdict).to_vec();
        if at == 0 {
            name.clone_into(&mut cells[0]);
        }
        cells.push(if verdict.holds() { String::new() } else { why.take().unwrap_or("").to_owned() });
        cells
    };
    own.iter().zip(0..).map(row).collect()
}

/// The cells of an SLO, after an empty one for whose it is: its words, got, held, attained.
pub(super) fn slo_row(verdict: &Verdict) -> [String; 5] {
    let (held, of) = verdict.held();
    let miss = if verdict.holds() { "" } else { " MISS" };
    let attained = verdict.attainment.got;
    let attained = attained.map_or_else(|| "-".to_owned(), |share| percent_beside(share, verdict.slo.quantile));
    [String::new(), verdict.words.clone(), got(verdict), format!("{held}/{of}{miss}"), attained]
}

/// The observed quantile with its interval, or why there is none.
fn got(verdict: &Verdict) -> String {
    if !verdict.was_asked() {
        return "no request".to_owned();
    }
    let never = verdict.observed.each.iter().filter(|value| value.is_none()).count();
    match verdict.observed.got {
        // Pooled over all replicates, so many requests had no answer that the quantile is one of them.
        None => "never".to_owned(),
        Some(got) if never > 0 => format!("{}, never in {never}", beside_limit(verdict, got)),
        Some(got) => match verdict.observed.half_width {
            Some(half) => format!("{} +-{}", beside_limit(verdict, got), duration(half)),
            None => beside_limit(verdict, got),
        },
    }
}

/// A value of what an SLO is about, beside its limit.
pub(crate) fn beside_limit(verdict: &Verdict, got: f64) -> String {
    duration_beside(got, Duration(verdict.slo.limit), verdict.holds())
}

/// Causes by their figures, in words.
const CAUSES: [(&str, &str); 8] = [
    ("late_cold_start", "cold start"),
    ("late_queue", "queue"),
    ("late_service", "service"),
    ("late_not_served", "no answer"),
    ("late_retries", "earlier attempts"),
    ("late_prefill", "prompts"),
    ("late_network", "network"),
    ("late_no_capacity", "full pool"),
];

/// The causes of lateness with their shares; none if no request as a whole was late (gaps between
/// tokens may be).
pub(crate) fn late_because(results: &Results<'_>, variant: usize, group: &Group) -> Option<String> {
    let scope = group.scope();
    let shares: Vec<f64> = CAUSES.iter().map(|(id, _)| results.got(variant, &scope, id).unwrap_or(0.0)).collect();
    if shares.iter().sum::<f64>() <= 0.0 {
        return None;
    }
    let mut causes: Vec<(f64, String)> = super::format::shares(&shares)
        .into_iter()
        .zip(CAUSES)
        .zip(&shares)
        .filter_map(|((share, (_, words)), value)| share.map(|share| (*value, format!("{share} {words}"))))
        .collect();
    causes.sort_by(|a, b| b.0.total_cmp(&a.0));
    Some(causes.into_iter().map(|cause| cause.1).collect::<Vec<_>>().join(", "))
}
