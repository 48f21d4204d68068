//! Which SLOs held: of every service and route, in how many trials, and why not.

use super::part::Distribution;
use super::pooled::Estimate;
use super::results::Results;
use super::scope::{Group, Scope, groups, slo_words};
use crate::statistics::{Call, Interval, call};
use flashcrowd_core::serving::Slo;
use flashcrowd_scenario::Resolved;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// One SLO over the trials of a variant.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// The route or service that made it.
    pub group: Group,
    /// The SLO.
    pub slo: Slo,
    /// `ttft p99 < 2s`.
    pub words: String,
    /// Which distribution it is about.
    pub of: Distribution,
    /// The quantile of the SLO, those never answered beyond all; with the trials that held it.
    pub observed: Estimate,
    /// Share that kept it.
    pub attainment: Estimate,
}

impl Verdict {
    /// Trials that held it, of how many.
    pub fn held(&self) -> (u32, u32) {
        self.observed.held.unwrap_or((0, 0))
    }

    /// Whether all trials held it.
    pub fn holds(&self) -> bool {
        let (held, of) = self.held();
        held == of
    }

    /// What another replicate would probably do: whether the interval of the replicates' own quantiles is on one side
    /// of the limit. Nothing can be said with one replicate, or where one was never answered.
    pub fn call(&self) -> Call {
        let each: Option<Vec<f64>> = self.observed.each.iter().copied().collect();
        call(&Interval::of(&each.unwrap_or_default()), self.slo.limit.as_s_f64(), true)
    }

    /// As JSON, for what is of all trials of a variant. Its names are those of `flashcrowd/summary/2` and
    /// `flashcrowd/compare/2`, which an SLO had when these were given out.
    pub fn json(&self) -> Value {
        let (held, of) = self.held();
        json!({
            "of": self.group.name,
            "promise": self.words,
            "got_s": self.observed.got,
            "half_width_s": self.observed.half_width,
            "call": self.call().to_string(),
            "attainment": self.attainment.got,
            "held": held,
            "replicates": of,
        })
    }

    /// Whether it was about any request at all.
    pub fn was_asked(&self) -> bool {
        self.attainment.got.is_some()
    }
}

/// Whether a trial in which that share kept it held an SLO. Where nothing was asked, nothing was missed.
pub fn keeps(slo: &Slo, share: Option<f64>) -> bool {
    share.is_none_or(|share| share >= slo.quantile)
}

/// The SLOs of a variant, by route or service.
pub fn verdicts(results: &Results<'_>, variant: usize) -> Vec<Verdict> {
    let resolved = &results.loaded.variants[variant];
    let mut verdicts = Vec::new();
    for group in groups(resolved) {
        for slo in group.slos(resolved) {
            let scope = group.slo_scope(slo);
            let attainment = results.estimate(variant, &scope, "attainment");
            let mut observed = results.estimate(variant, &scope, "observed_s");
            let kept = attainment.each.iter().filter(|share| keeps(slo, **share));
            observed.held = Some((kept.count() as u32, attainment.each.len() as u32));
            let (words, of) = (slo_words(slo), Distribution::of(slo.part));
            verdicts.push(Verdict { group: group.clone(), slo: slo.clone(), words, of, observed, attainment });
        }
    }
    verdicts
}

/// Whether any trial of any variant missed any SLO.
pub fn missed(results: &Results<'_>) -> bool {
    (0..results.variants.len()).any(|variant| verdicts(results, variant).iter().any(|verdict| !verdict.holds()))
}

/// The variant that holds every SLO, and all those of the baseline, at the lowest cost of a week: one
/// that has fewer is no cheaper way of keeping them.
pub fn cheapest_that_holds(results: &Results<'_>, judged: &[Vec<Verdict>]) -> Option<usize> {
    let loaded = results.loaded;
    let holds = |variant: &usize| {
        let all = &judged[*variant];
        let beyond = slos_beyond(&loaded.variants[loaded.baseline], &loaded.variants[*variant]);
        !all.is_empty() && all.iter().all(Verdict::holds) && beyond.is_empty()
    };
    let cost = |variant: usize| results.got(variant, &Scope::all(), "usd_per_week").unwrap_or(f64::INFINITY);
    let held: Vec<usize> = (0..results.variants.len()).filter(holds).collect();
    let least = held.iter().map(|variant| cost(*variant)).min_by(f64::total_cmp)?;
    // Of equals the first: what is less than rounding makes none cheaper.
    held.into_iter().find(|variant| cost(*variant) <= least * (1.0 + 1e-9))
}

/// The SLOs of one variant that another does not have, as `chat: e2e p90 < 2s`.
fn slos_beyond(one: &Resolved, other: &Resolved) -> Vec<String> {
    let theirs: BTreeSet<String> = names_of_slos(other).into_iter().collect();
    names_of_slos(one).into_iter().filter(|name| !theirs.contains(name)).collect()
}

fn names_of_slos(resolved: &Resolved) -> Vec<String> {
    let groups = groups(resolved);
    let of_group =
        |group: &Group| -> Vec<String> { group.slos(resolved).iter().map(|slo| group.slo_scope(slo).name).collect() };
    groups.iter().flat_map(of_group).collect()
}

/// How the SLOs of a variant differ from the baseline's, in words; `None` if they do not.
pub fn slo_difference(baseline: &Resolved, own: &Resolved) -> Option<String> {
    const SHOWN: usize = 4;
    let told = |words: &str, names: &[String]| {
        let more = if names.len() > SHOWN { format!(" and {} more", names.len() - SHOWN) } else { String::new() };
        let names: Vec<&str> = names.iter().take(SHOWN).map(String::as_str).collect();
        (!names.is_empty()).then(|| format!("{words} {}{more}", names.join(", ")))
    };
    let more = told("has", &slos_beyond(own, baseline));
    let less = told("lacks", &slos_beyond(baseline, own));
    let facts: Vec<String> = [more, less].into_iter().flatten().collect();
    (!facts.is_empty()).then(|| facts.join("; "))
}
