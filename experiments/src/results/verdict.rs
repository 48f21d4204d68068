//! Which promises held: of every service and route, in how many trials, and why not.

use super::Results;
use super::part::Distribution;
use super::pooled::Estimate;
use super::scope::{Group, Scope, ScopeKind, groups, promise_name, promise_words};
use flashcrowd_core::serving::Slo;

/// One promise over the trials of a variant.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// The route or service that made it.
    pub group: Group,
    /// The promise.
    pub slo: Slo,
    /// `ttft p99 < 2s`.
    pub words: String,
    /// Which distribution it is about.
    pub of: Distribution,
    /// The promised quantile, those never answered beyond all; with the trials that held it.
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

    /// Whether it was about any request at all.
    pub fn was_asked(&self) -> bool {
        self.attainment.got.is_some()
    }
}

/// The promises of a variant, by route or service.
pub fn verdicts(results: &Results<'_>, variant: usize) -> Vec<Verdict> {
    let resolved = &results.loaded.variants[variant];
    let mut verdicts = Vec::new();
    for group in groups(resolved) {
        for slo in group.slos(resolved) {
            let scope = Scope::new(ScopeKind::Promise, promise_name(&group.name, slo));
            let attainment = results.estimate(variant, &scope, "attainment");
            let mut observed = results.estimate(variant, &scope, "observed_s");
            // Where nothing was asked, nothing was missed.
            let kept = attainment.each.iter().filter(|share| share.is_none_or(|share| share >= slo.quantile));
            observed.held = Some((kept.count() as u32, attainment.each.len() as u32));
            let (words, of) = (promise_words(slo), Distribution::of(slo.part));
            verdicts.push(Verdict { group: group.clone(), slo: slo.clone(), words, of, observed, attainment });
        }
    }
    verdicts
}

/// Whether any trial of any variant missed any promise.
pub fn missed(results: &Results<'_>) -> bool {
    (0..results.variants.len()).any(|variant| verdicts(results, variant).iter().any(|verdict| !verdict.holds()))
}
