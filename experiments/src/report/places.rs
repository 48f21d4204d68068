//! Where requests came from and who served them, what each market and region cost, and which regions
//! were lost.

use super::format::{amount, listed, money, money_parts, shares};
use super::line::{line, moment};
use flashcrowd_language::words::duration;
use flashcrowd_results::{Results, Scope, ScopeKind, way_name};
use unicode_width::UnicodeWidthStr;

/// Origins that have a line, and regions that are named in it: there may be dozens.
const ORIGINS: usize = 6;
const SERVED_BY: usize = 4;

/// Latency by origin and who was served where.
pub(super) fn origins(text: &mut String, results: &Results<'_>, variant: usize) {
    let resolved = &results.loaded.variants[variant];
    let mean = |scope: &Scope| results.got(variant, scope, "completed").unwrap_or(0.0);
    let asked = |origin: &&flashcrowd_core::fleet::Region| mean(&Scope::new(ScopeKind::Origin, &*origin.name)) > 0.0;
    let origins: Vec<_> = resolved.regions.iter().filter(asked).collect();
    let width = origins.iter().take(ORIGINS).map(|origin| origin.name.width()).max().unwrap_or(0).max(14);
    let mut first = true;
    for origin in origins.iter().take(ORIGINS) {
        let scope = Scope::new(ScopeKind::Origin, &*origin.name);
        let completed = mean(&scope);
        let what = if results.got(variant, &scope, "ttft.p99").is_some() { "ttft" } else { "e2e" };
        let at = |name: &str| {
            results.got(variant, &scope, &format!("{what}.{name}")).map_or_else(|| "-".to_owned(), duration)
        };
        let way = |region: &flashcrowd_core::fleet::Region| {
            mean(&Scope::new(ScopeKind::Way, way_name(&origin.name, &region.name)))
        };
        let ways: Vec<f64> = resolved.regions.iter().map(way).collect();
        let whole: f64 = ways.iter().sum();
        let parts: Vec<f64> = ways.iter().map(|way| way / whole.max(1.0)).collect();
        let mut served: Vec<(f64, String)> = shares(&parts)
            .into_iter()
            .zip(&resolved.regions)
            .zip(&parts)
            .filter_map(|((share, region), part)| share.map(|share| (*part, format!("{} {share}", region.name))))
            .collect();
        served.sort_by(|a, b| b.0.total_cmp(&a.0));
        let by: Vec<String> = served.into_iter().map(|one| one.1).collect();
        let content = format!(
            "{}{} {} completed, {what} p50 {} p99 {}; by {}",
            origin.name,
            " ".repeat(width - origin.name.width()),
            amount(completed),
            at("p50"),
            at("p99"),
            listed(&by, SERVED_BY)
        );
        line(text, if first { "origin" } else { "" }, &content);
        first = false;
    }
    if origins.len() > ORIGINS {
        line(text, "", &format!("and {} more origins; all in summary.json", origins.len() - ORIGINS));
    }
}

/// What each market and region cost, where there are several, and what left the regions.
pub(super) fn costs(text: &mut String, results: &Results<'_>, variant: usize) {
    let resolved = &results.loaded.variants[variant];
    let cost = |scope: &Scope| results.got(variant, scope, "cost_usd").unwrap_or(0.0);
    let of_kind = |kind: ScopeKind| {
        let scopes = results.variants[variant].figures.scopes().filter(move |scope| scope.kind == kind);
        // Markets have names of our own, regions those of the scenario.
        let words = |name: &str| if kind == ScopeKind::Market { name.replace('_', "-") } else { name.to_owned() };
        let costs: Vec<(String, f64)> = scopes.map(|scope| (words(&scope.name), cost(scope))).collect();
        costs
    };
    let mut parts: Vec<String> = Vec::new();
    let mut add = |label: &str, costs: Vec<(String, f64)>| {
        if costs.len() > 1 {
            let usd: Vec<f64> = costs.iter().map(|one| one.1).collect();
            let shown = costs.iter().zip(money_parts(&usd)).filter(|(one, _)| one.1 > 0.0);
            let shown: Vec<String> = shown.map(|((name, _), usd)| format!("{name} {usd}")).collect();
            parts.push(format!("{label}: {}", shown.join(" + ")));
        }
    };
    add("markets", of_kind(ScopeKind::Market));
    if resolved.regions.len() > 1 {
        add("regions", of_kind(ScopeKind::Region));
    }
    let egress = results.got(variant, &Scope::all(), "egress_usd").unwrap_or(0.0);
    if egress > 0.0 {
        parts.push(format!("egress on top: {}", money(egress)));
    }
    if !parts.is_empty() {
        line(text, "", &parts.join("   "));
    }
}

/// Outages of the first run, and when probes noticed.
pub(super) fn outages(text: &mut String, results: &Results<'_>, variant: usize) {
    const SHOWN: usize = 2;
    let clock = results.loaded.variants[variant].starts_at;
    for outage in results.variants[variant].outages.iter().take(SHOWN) {
        let until = outage.to_s.map_or_else(|| "the end".to_owned(), |s| moment(clock, s));
        let noticed = outage.noticed_after_s.map_or_else(String::new, |s| format!(", noticed after {}", duration(s)));
        let content = format!("{} from {} to {until}{noticed}", outage.region, moment(clock, outage.from_s));
        line(text, "outage", &content);
    }
}
