//! Figures of replicas: how many there were, how they changed, what was missing, what was lost.

use super::requests::cache_peak;
use crate::figure::{Better, FigureDef, Unit};
use crate::part::{Part, Pool};
use crate::scope::ScopeKind;
use crate::view::View;
use flashcrowd_core::SimTime;
use flashcrowd_core::ledger::ServiceRecord;

const SERVED: &[ScopeKind] = &[ScopeKind::Service, ScopeKind::Route];
const ASKED: &[ScopeKind] = &[ScopeKind::All, ScopeKind::Service, ScopeKind::Route];

const FEWER: (Unit, Better, Pool) = (Unit::Count, Better::Lower, Pool::Mean);
const COUNT: (Unit, Better, Pool) = (Unit::Count, Better::Neither, Pool::Mean);

pub(super) const FIGURES: &[FigureDef] = &[
    FigureDef::plain(
        "replicas_mean",
        "ready replicas, mean",
        (Unit::Number, Better::Lower, Pool::SumOverSum),
        SERVED,
        |view| Part::ratio(ps(view, |record| record.ready_replica_s), view.span_ps()),
    ),
    FigureDef::plain("replicas_max", "ready replicas, most", (Unit::Count, Better::Lower, Pool::Max), SERVED, |view| {
        Some(Part::max(most_ready(view)?))
    }),
    FigureDef::plain(
        "replicas_wanted_max",
        "replicas wanted, most",
        (Unit::Count, Better::Neither, Pool::Max),
        SERVED,
        |view| Some(Part::max(view.group()?.sum(view.run, |record| u64::from(record.spec_max)))),
    ),
    FigureDef::plain("ups", "changes upwards", COUNT, SERVED, |view| sum(view, |record| record.ups)),
    FigureDef::plain("downs", "changes downwards", COUNT, SERVED, |view| sum(view, |record| record.downs)),
    FigureDef::plain("reversals", "reversals", FEWER, SERVED, |view| sum(view, |record| record.reversals)),
    FigureDef::plain(
        "at_max_s",
        "time at the highest count wanted",
        (Unit::Seconds, Better::Neither, Pool::Mean),
        SERVED,
        |view| sum(view, |record| record.at_max.as_us()),
    )
    .scaled(1e-6),
    FigureDef::plain(
        "availability",
        "share of the time with all wanted replicas ready",
        (Unit::Share, Better::Higher, Pool::SumOverSum),
        SERVED,
        |view| {
            let group = view.group()?;
            let span = view.span_ps() * group.services.len() as i128;
            let short: i128 = group.records(view.run).map(|record| i128::from(record.short.as_ps())).sum();
            Part::ratio(span - short, span)
        },
    ),
    FigureDef::plain(
        "missing_mean",
        "replicas missing, mean",
        (Unit::Number, Better::Lower, Pool::SumOverSum),
        SERVED,
        |view| Part::ratio(ps(view, |record| record.short_replica_s), view.span_ps()),
    ),
    FigureDef::plain("preempted", "replicas reclaimed or lost", FEWER, SERVED, |view| {
        sum(view, |record| record.capacity.preempted)
    }),
    FigureDef::plain("requeued", "attempts sent again after a loss", FEWER, SERVED, |view| {
        sum(view, |record| record.capacity.requeued)
    }),
    FigureDef::plain("spot_orders", "orders of spot replicas", COUNT, SERVED, |view| {
        sum(view, |record| record.capacity.attempts)
    }),
    FigureDef::plain("spot_orders_refused", "orders of spot replicas refused", FEWER, SERVED, |view| {
        sum(view, |record| record.capacity.refused)
    }),
    FigureDef::plain("refused", "actions of controllers refused", FEWER, ASKED, refused),
    FigureDef::plain(
        "kv_cache_peak",
        "KV cache in use, most",
        (Unit::Share, Better::Neither, Pool::Max),
        SERVED,
        cache_peak,
    )
    .scaled(1e-6),
];

/// Most replicas that were ready at once: cells of a route need not have their most at one time.
fn most_ready(view: &View<'_>) -> Option<u64> {
    let group = view.group()?;
    if let [only] = group.services[..] {
        return Some(view.run.record.services[only].ready_max.into());
    }
    let mut changes: Vec<(SimTime, i64)> = Vec::new();
    for replica in view.run.record.replicas.iter().filter(|own| group.services.contains(&(own.service as usize))) {
        let until = [replica.deleted, replica.gone].into_iter().flatten().min();
        if let Some(ready) = replica.ready.filter(|ready| until.is_none_or(|until| until > *ready)) {
            changes.push((ready, 1));
            changes.extend(until.map(|until| (until, -1)));
        }
    }
    // Whoever leaves at an instant has left when another becomes ready.
    changes.sort_unstable();
    let (_, most) =
        changes.into_iter().fold((0, 0), |(count, most), (_, change)| (count + change, most.max(count + change)));
    Some(most as u64)
}

fn sum(view: &View<'_>, of: impl Fn(&ServiceRecord) -> u64) -> Option<Part> {
    Some(Part::sum(view.group()?.sum(view.run, of)))
}

/// An integral in seconds, as picoseconds.
fn ps(view: &View<'_>, of: fn(&ServiceRecord) -> f64) -> i128 {
    view.group().map_or(0, |group| group.records(view.run).map(|record| (of(record) * 1e12) as i128).sum())
}

#[expect(clippy::unnecessary_wraps, reason = "the form of a figure, which may have no part")]
fn refused(view: &View<'_>) -> Option<Part> {
    let of = |at: usize| view.by.services[at].refused;
    let refused: i128 = match view.group() {
        Some(group) => group.services.iter().map(|&at| of(at)).sum(),
        None => (0..view.by.services.len()).map(of).sum(),
    };
    Some(Part::sum(refused))
}
