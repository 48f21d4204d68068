//! Which promises held, in how many replicates, and why others did not.

use super::format::{columns, duration, interval, percent};
use crate::results::{Group, Results, Scope, ScopeKind, Verdict, groups, verdicts};
use std::fmt::Write;

/// One row for each promise of each route and service.
pub(super) fn write(text: &mut String, results: &Results<'_>, variant: usize) {
    let resolved = &results.loaded.variants[variant];
    let promised = verdicts(results, variant);
    let mut rows = vec![["", "promise", "got (95 %)", "held", "attained", "late because"].map(str::to_owned).to_vec()];
    // They come by group, in the order of the groups.
    let mut rest = promised.iter().peekable();
    for group in groups(resolved) {
        let own: Vec<&Verdict> = std::iter::from_fn(|| rest.next_if(|verdict| verdict.group == group)).collect();
        if own.is_empty() {
            let none = "none: slo: [(quantile: 0.99, limit: \"2s\")]";
            rows.push(vec![group.name.clone(), none.to_owned()]);
        }
        let because = late_because(results, variant, &group);
        rows.extend(promise_rows(&group.name, &own, because.as_deref()));
    }
    let _ = write!(text, "{}", columns(&rows, &[]));
}

/// The rows of one route or service: what was promised, what was got, in how many replicates it held.
pub(crate) fn promise_rows(name: &str, own: &[&Verdict], because: Option<&str>) -> Vec<Vec<String>> {
    let mut why = because;
    let row = |(verdict, at): (&&Verdict, usize)| {
        let (held, of) = verdict.held();
        let miss = if verdict.holds() { "" } else { " MISS" };
        let attained = verdict.attainment.got.map_or_else(|| "-".to_owned(), percent);
        let shown = if verdict.holds() { "" } else { why.take().unwrap_or("") };
        vec![
            if at == 0 { name.to_owned() } else { String::new() },
            verdict.words.clone(),
            got(verdict),
            format!("{held}/{of}{miss}"),
            attained,
            shown.to_owned(),
        ]
    };
    own.iter().zip(0..).map(row).collect()
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
        Some(got) if never > 0 => format!("{}, never in {never}", duration(got)),
        Some(got) => interval(got, verdict.observed.half_width, duration),
    }
}

/// Causes by their figures, in words.
const CAUSES: [(&str, &str); 8] = [
    ("late_cold_start", "cold start"),
    ("late_queue", "queue"),
    ("late_service", "service"),
    ("late_not_served", "not served"),
    ("late_retries", "earlier attempts"),
    ("late_prefill", "prompts"),
    ("late_network", "network"),
    ("late_no_capacity", "full pool"),
];

/// The causes of lateness with their shares; none if no request as a whole was late (gaps between
/// tokens may be).
pub(crate) fn late_because(results: &Results<'_>, variant: usize, group: &Group) -> Option<String> {
    let kind = if group.route.is_some() { ScopeKind::Route } else { ScopeKind::Service };
    let scope = Scope::new(kind, &*group.name);
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
