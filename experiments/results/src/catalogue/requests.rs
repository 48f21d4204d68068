//! Figures of requests: how many, how they ended, why they were late, what engines did for them.

use super::slos::judged;
use crate::figure::{Better, FigureDef, Unit};
use crate::part::{Part, Pool};
use crate::scope::{At, ScopeKind, groups};
use crate::view::View;
use flashcrowd_core::ledger::{ClientRecord, FailBecause, LateBecause};
use flashcrowd_core::serving::Discipline;

const ASKED: &[ScopeKind] = &[ScopeKind::All, ScopeKind::Service, ScopeKind::Route];
const SERVED: &[ScopeKind] = &[ScopeKind::Service, ScopeKind::Route];
const WAYS: &[ScopeKind] = &[ScopeKind::All, ScopeKind::Service, ScopeKind::Route, ScopeKind::Origin, ScopeKind::Way];

const COUNT: (Unit, Better, Pool) = (Unit::Count, Better::Neither, Pool::Mean);
const FEWER: (Unit, Better, Pool) = (Unit::Count, Better::Lower, Pool::Mean);
const MORE: (Unit, Better, Pool) = (Unit::Count, Better::Higher, Pool::Mean);
const SHARE: (Unit, Better, Pool) = (Unit::Share, Better::Neither, Pool::SumOverSum);

pub(super) const FIGURES: &[FigureDef] = &[
    FigureDef::plain("requests", "requests made", COUNT, ASKED, |view| whole(view, |client| client.requests.arrived)),
    FigureDef::plain("completed", "requests completed", MORE, WAYS, completed),
    FigureDef::plain("rejected", "requests rejected", FEWER, ASKED, |view| {
        whole(view, |client| client.requests.rejected)
    }),
    FigureDef::plain("expired", "requests given up", FEWER, ASKED, |view| {
        whole(view, |client| client.requests.expired)
    }),
    FigureDef::plain("failed", "requests failed", FEWER, ASKED, |view| whole(view, |client| client.requests.failed)),
    FigureDef::plain("live_at_end", "requests live at the end", FEWER, ASKED, |view| {
        whole(view, |client| client.requests.live_at_end)
    }),
    FigureDef::plain("attempts", "attempts made", FEWER, WAYS, attempts),
    FigureDef::plain("dropped_rows", "rows dropped", FEWER, ASKED, |view| whole(view, |client| client.dropped_rows)),
    FigureDef::plain(
        "attempts_per_request",
        "attempts a request",
        (Unit::Number, Better::Lower, Pool::SumOverSum),
        ASKED,
        |view| Part::ratio(total(view, |client| client.attempts), total(view, |client| client.requests.arrived)),
    ),
    FigureDef::plain("measured", "requests made after the warm-up", COUNT, ASKED, |view| {
        whole(view, |client| client.measured.arrived)
    }),
    FigureDef::plain("measured_completed", "requests completed of those", MORE, ASKED, |view| {
        whole(view, |client| client.measured.completed)
    }),
    FigureDef::plain("not_served", "requests not served", FEWER, ASKED, |view| {
        whole(view, |client| client.measured.rejected + client.measured.expired + client.measured.failed)
    }),
    FigureDef::plain("not_served_rejected", "not served: rejected", FEWER, ASKED, |view| {
        whole(view, |client| client.measured.rejected)
    }),
    FigureDef::plain("not_served_expired", "not served: given up by clients", FEWER, ASKED, |view| {
        whole(view, |client| client.measured.expired)
    }),
    FigureDef::plain("failed_drain", "failed: cut at scale-down, after the drain time-out", FEWER, SERVED, |view| {
        failed(view, FailBecause::DrainTimeout)
    }),
    FigureDef::plain("failed_lost", "failed: lost with their replica", FEWER, SERVED, |view| {
        failed(view, FailBecause::ReplicaLost)
    }),
    FigureDef::plain("failed_unreachable", "failed: reached no replica", FEWER, SERVED, |view| {
        failed(view, FailBecause::Unreachable)
    }),
    FigureDef::plain("good", "requests that broke no SLO", MORE, ASKED, |view| Some(Part::sum(good(view)?))),
    FigureDef::plain("late", "requests that broke an SLO", FEWER, SERVED, |view| {
        Some(Part::sum(judged(view, view.group()?).1))
    }),
    FigureDef::plain(
        "requests_per_s",
        "requests a second",
        (Unit::Number, Better::Neither, Pool::SumOverSum),
        ASKED,
        |view| Part::ratio(total(view, |client| client.requests.arrived), view.span_ps()),
    )
    .scaled(1e12),
    FigureDef::plain(
        "peak_requests_per_s",
        "most requests a second, over one period of the series",
        (Unit::Number, Better::Neither, Pool::Max),
        ASKED,
        peak,
    )
    .scaled(1e-6),
    FigureDef::plain("late_cold_start", "late: waited for a cold start", SHARE, SERVED, |view| {
        late(view, LateBecause::ColdStart)
    }),
    FigureDef::plain("late_queue", "late: waited in a queue", SHARE, SERVED, |view| late(view, LateBecause::Queue)),
    FigureDef::plain("late_service", "late: long in service", SHARE, SERVED, |view| late(view, LateBecause::Service)),
    FigureDef::plain("late_not_served", "late: not served", SHARE, SERVED, |view| late(view, LateBecause::NotServed)),
    FigureDef::plain("late_retries", "late: lost time to earlier attempts", SHARE, SERVED, |view| {
        late(view, LateBecause::Retries)
    }),
    FigureDef::plain("late_prefill", "late: prompts took long to compute", SHARE, SERVED, |view| {
        late(view, LateBecause::Prefill)
    }),
    FigureDef::plain("late_network", "late: long on the way", SHARE, SERVED, |view| late(view, LateBecause::Network)),
    FigureDef::plain("late_no_capacity", "late: waited for a full pool", SHARE, SERVED, |view| {
        late(view, LateBecause::NoCapacity)
    }),
    FigureDef::plain(
        "late_at_end",
        "late in the last tenth of the run",
        (Unit::Share, Better::Lower, Pool::SumOverSum),
        SERVED,
        at_end,
    ),
    FigureDef::plain("late_beyond_band", "late: beyond the measured band of the engine", SHARE, SERVED, |view| {
        let group = view.group()?;
        let measured = |at: &usize| matches!(&view.resolved.services[*at].config.discipline, Discipline::ContinuousBatch(engine) if engine.validated.is_some());
        let beyond = group.sum(view.run, |record| record.late_beyond_band);
        let part = Part::ratio(beyond, judged(view, group).1);
        part.filter(|_| group.services.iter().any(measured))
    }),
    FigureDef::plain("prompt_tokens", "prompt tokens of completed requests", COUNT, ASKED, |view| tokens(view, 0)),
    FigureDef::plain("output_tokens", "output tokens of completed requests", COUNT, ASKED, |view| tokens(view, 1)),
    FigureDef::plain("cut_outputs", "outputs cut at the longest context", FEWER, SERVED, |view| {
        engine(view)?;
        Some(Part::sum(view.group()?.sum(view.run, |record| record.cut)))
    }),
    FigureDef::plain(
        "recomputed",
        "tokens computed for each that was asked for",
        (Unit::Number, Better::Lower, Pool::SumOverSum),
        SERVED,
        |view| {
            engine(view)?;
            let group = view.group()?;
            let asked = group.sum(view.run, |record| record.tokens.iter().sum());
            // What was found in a prefix cache need not be computed.
            let own = group.sum(view.run, |record| record.engine.tokens + record.engine.cached_tokens);
            Part::ratio(own, asked)
        },
    ),
    FigureDef::plain("preemptions", "sequences preempted by engines", FEWER, SERVED, |view| {
        engine(view)?;
        Some(Part::sum(view.group()?.sum(view.run, |record| record.engine.preemptions)))
    }),
    FigureDef::plain("cached_prompt_tokens", "prompt tokens found in the prefix cache", SHARE, SERVED, |view| {
        engine(view)?;
        let group = view.group()?;
        let cached = group.sum(view.run, |record| record.engine.cached_tokens);
        Part::ratio(cached, group.sum(view.run, |record| record.tokens[0]))
    }),
    FigureDef::plain(
        "tokens_per_iteration",
        "tokens an iteration",
        (Unit::Number, Better::Neither, Pool::SumOverSum),
        SERVED,
        |view| {
            engine(view)?;
            let group = view.group()?;
            let tokens = group.sum(view.run, |record| record.engine.tokens);
            Part::ratio(tokens, group.sum(view.run, |record| record.engine.iterations))
        },
    ),
];

/// The share of the KV cache that was in use at most, in millionths.
pub(super) fn cache_peak(view: &View<'_>) -> Option<Part> {
    engine(view)?;
    let group = view.group()?;
    let peak = |&at: &usize| match &view.resolved.services[at].config.discipline {
        Discipline::ContinuousBatch(engine) => {
            let used = i128::from(view.run.record.services[at].engine.peak_blocks);
            Some(used * 1_000_000 / i128::from(engine.blocks.max(1)))
        }
        _ => None,
    };
    group.services.iter().filter_map(peak).max().map(Part::max)
}

/// Whether it is served by token-level engines.
fn engine(view: &View<'_>) -> Option<()> {
    let is_engine =
        |at: &usize| matches!(view.resolved.services[*at].config.discipline, Discipline::ContinuousBatch(_));
    view.group()?.services.iter().all(is_engine).then_some(())
}

fn total(view: &View<'_>, of: fn(&ClientRecord) -> u64) -> i128 {
    view.clients().iter().map(|client| i128::from(of(client))).sum()
}

#[expect(clippy::unnecessary_wraps, reason = "the form of a figure, which may have no part")]
fn whole(view: &View<'_>, of: fn(&ClientRecord) -> u64) -> Option<Part> {
    Some(Part::sum(total(view, of)))
}

/// Completed requests; of a way, by the region that served them.
fn completed(view: &View<'_>) -> Option<Part> {
    match view.at {
        At::Origin(_) | At::Way(..) => {
            Some(Part::sum(view.served().iter().map(|one| i128::from(one.completed)).sum::<i128>()))
        }
        _ => whole(view, |client| client.requests.completed),
    }
}

fn attempts(view: &View<'_>) -> Option<Part> {
    match view.at {
        At::Origin(_) | At::Way(..) => {
            Some(Part::sum(view.served().iter().map(|one| i128::from(one.attempts)).sum::<i128>()))
        }
        _ => whole(view, |client| client.attempts),
    }
}

/// Measured requests that were answered and broke no SLO; of the whole run, those of all that is
/// judged.
pub(super) fn good(view: &View<'_>) -> Option<i128> {
    match view.at {
        At::All => Some(groups(view.resolved).iter().map(|group| judged(view, group).0).sum()),
        _ => Some(judged(view, view.group()?).0),
    }
}

fn failed(view: &View<'_>, because: FailBecause) -> Option<Part> {
    Some(Part::sum(view.group()?.sum(view.run, |record| record.failed_because[because as usize])))
}

fn late(view: &View<'_>, because: LateBecause) -> Option<Part> {
    let group = view.group()?;
    Part::ratio(group.sum(view.run, |record| record.latency.late[because as usize]), judged(view, group).1)
}

/// Prompt (0) or output (1) tokens.
pub(super) fn tokens(view: &View<'_>, which: usize) -> Option<Part> {
    let services = &view.run.record.services;
    match view.at {
        At::All => Some(Part::sum(services.iter().map(|record| i128::from(record.tokens[which])).sum::<i128>())),
        _ => Some(Part::sum(view.group()?.sum(view.run, |record| record.tokens[which]))),
    }
}

/// The highest rate of arrivals over one whole period, in millionths of requests a second.
fn peak(view: &View<'_>) -> Option<Part> {
    let period_ps = i128::from(view.resolved.series_period.as_ps());
    let whole_periods = view.run.record.ended.as_ps() / view.resolved.series_period.as_ps().max(1);
    let mut most: i128 = 0;
    let (mut at, mut arrived) = (None, 0);
    for row in view.rows() {
        // The last period may be cut short: its rate would be chance.
        let is_whole = row.at.as_ps() % view.resolved.series_period.as_ps().max(1) == 0 || whole_periods == 0;
        if at != Some(row.at) {
            (at, arrived) = (Some(row.at), 0);
        }
        arrived += i128::from(row.arrived);
        if is_whole {
            most = most.max(arrived);
        }
    }
    at.map(|_| Part::max(most * 1_000_000_000_000_000_000 / period_ps.max(1)))
}

/// Of what arrived in the last tenth of the run, the share that broke an SLO then.
fn at_end(view: &View<'_>) -> Option<Part> {
    let from = flashcrowd_core::SimTime::from_ps(view.resolved.horizon.as_ps() / 10 * 9);
    view.group()?;
    let last = view.rows().into_iter().filter(|row| row.at > from);
    let (arrived, late) = last.fold((0, 0), |sum, row| (sum.0 + i128::from(row.arrived), sum.1 + i128::from(row.late)));
    Part::ratio(late.min(arrived), arrived)
}
