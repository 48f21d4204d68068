//! Figures of SLOs: how many kept them, and what was observed.

use crate::figure::{Better, FigureDef, Unit};
use crate::part::{Distribution, Part, Pool, Quantile, Within};
use crate::scope::{At, Group, ScopeKind};
use crate::spread::Spread;
use crate::view::View;
use flashcrowd_core::ledger::SloCount;
use flashcrowd_core::ports::LatencyPart;

const JUDGED: &[ScopeKind] = &[ScopeKind::Service, ScopeKind::Route, ScopeKind::Slo];
const SLO: &[ScopeKind] = &[ScopeKind::Slo];

pub(super) const FIGURES: &[FigureDef] = &[
    FigureDef::plain(
        "attainment",
        "share that kept the SLO",
        (Unit::Share, Better::Higher, Pool::SumOverSum),
        JUDGED,
        attainment,
    ),
    FigureDef::plain("observed_s", "observed", (Unit::Seconds, Better::Lower, Pool::Merge), SLO, observed).scaled(1e-6),
    FigureDef::plain("kept", "that kept the SLO", (Unit::Count, Better::Higher, Pool::Mean), SLO, |view| {
        Some(Part::sum(count(view)?.good))
    }),
    FigureDef::plain("broken", "that broke the SLO", (Unit::Count, Better::Lower, Pool::Mean), SLO, |view| {
        Some(Part::sum(count(view)?.bad))
    }),
];

fn count(view: &View<'_>) -> Option<SloCount> {
    match view.at {
        At::Slo(group, position) => Some(group.slo_count(view.run, *position)),
        _ => None,
    }
}

/// Of one SLO: what kept it, of all that it was about. Of a service: requests that broke none of
/// its SLOs; gaps between tokens are counted by gap, and speak only where there is no other SLO.
fn attainment(view: &View<'_>) -> Option<Part> {
    if let Some(count) = count(view) {
        return Part::ratio(count.good.into(), (count.good + count.bad).into());
    }
    let group = view.group()?;
    let slos = group.slos(view.resolved);
    slos.first()?;
    if slos.iter().all(|slo| slo.part == LatencyPart::InterToken) {
        let count = group.slo_count(view.run, 0);
        return Part::ratio(count.good.into(), (count.good + count.bad).into());
    }
    let (good, late) = judged(view, group);
    Part::ratio(good, good + late)
}

/// Measured requests that were answered and broke no SLO, and those that broke one.
pub(super) fn judged(view: &View<'_>, group: &Group) -> (i128, i128) {
    (group.sum(view.run, |record| record.good), group.sum(view.run, |record| record.latency.late.iter().sum()))
}

/// The quantile of all that it is about; those never answered count as longer than any.
fn observed(view: &View<'_>) -> Option<Part> {
    let At::Slo(group, position) = view.at else { return None };
    let slo = group.slos(view.resolved).get(*position)?;
    let count = group.slo_count(view.run, *position);
    let of = Distribution::of(slo.part);
    let answered = view.measured.spreads.get(&of).map_or(0, Spread::total);
    let beyond = (count.good + count.bad).saturating_sub(answered);
    let all = count.good + count.bad;
    let within = Some(Within { limit_us: slo.limit.as_us(), kept: count.good, of: all });
    (all > 0).then_some(Part::Hist(of, Quantile { q: slo.quantile, beyond, within }))
}
