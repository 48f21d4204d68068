//! What was paid, for what, and what a request and a token cost.

use super::format::{money, shares};
use super::line::line;
use flashcrowd_language::words::duration;
use flashcrowd_results::{Results, Scope, ScopeKind, Use};
use std::fmt::Write;

/// From this share on, GPUs that nobody holds are written large.
const MUCH: f64 = 0.25;

pub(super) fn write(text: &mut String, results: &Results<'_>, variant: usize) {
    let resolved = &results.loaded.variants[variant];
    let got = |id: &str| results.got(variant, &Scope::all(), id);
    let of_use = |one: Use| results.got(variant, &Scope::new(ScopeKind::Use, one.words()), "cost_share");
    let values: Vec<f64> = Use::ALL.iter().map(|one| of_use(*one).unwrap_or(0.0)).collect();
    let uses: Vec<String> = shares(&values)
        .into_iter()
        .zip(Use::ALL)
        .zip(&values)
        .filter_map(|((share, one), value)| {
            let words = if one == Use::Empty && *value >= MUCH { "EMPTY GPUs" } else { one.words() };
            share.map(|share| format!("{words} {share}"))
        })
        .collect();
    let dollars = |id: &str| got(id).map_or_else(|| "-".to_owned(), money);
    let (cost, month) = (dollars("cost_usd"), dollars("usd_per_month"));
    let span = duration(resolved.horizon.as_s_f64());
    line(text, "money", &format!("{cost} in {span} ({month}/month)   {}", uses.join("  ")));
    let mut each = format!("{} per 1k requests completed", dollars("usd_per_1k_requests"));
    if let Some(good) =
        got("usd_per_1k_good").filter(|_| resolved.services.iter().any(|own| !own.config.slos.is_empty()))
    {
        let _ = write!(each, "   {} per 1k that kept their SLOs", money(good));
    }
    let serves_tokens = resolved.services.iter().any(|service| service.profile.is_some());
    if let Some(tokens) = got("usd_per_1m_tokens").filter(|_| serves_tokens) {
        let _ = write!(each, "   {} per 1M tokens (in and out)", money(tokens));
    }
    line(text, "", &each);
}
