//! Figures of money: the bill by every division, and what a request, a good one, a token cost.

use super::requests::good;
use crate::figure::{Better, FigureDef, Unit};
use crate::part::{Part, Pool};
use crate::scope::{At, ScopeKind};
use crate::view::View;

const BILLED: &[ScopeKind] = &[
    ScopeKind::All,
    ScopeKind::Service,
    ScopeKind::Route,
    ScopeKind::Pool,
    ScopeKind::Region,
    ScopeKind::Market,
    ScopeKind::State,
    ScopeKind::Use,
];
const ASKED: &[ScopeKind] = &[ScopeKind::All, ScopeKind::Service, ScopeKind::Route];
const SHARED: &[ScopeKind] = &[ScopeKind::State, ScopeKind::Use];
const ALL: &[ScopeKind] = &[ScopeKind::All];

const LESS: (Unit, Better, Pool) = (Unit::Usd, Better::Lower, Pool::Mean);
const PER: (Unit, Better, Pool) = (Unit::Usd, Better::Lower, Pool::SumOverSum);

/// Nanoseconds of a week, and of a month of 365.25 / 12 days.
const WEEK_NS: i128 = 604_800_000_000_000;
const MONTH_NS: i128 = 2_629_800_000_000_000;

pub(super) const FIGURES: &[FigureDef] = &[
    FigureDef::plain("cost_usd", "cost", LESS, BILLED, |view| Some(Part::sum(pico_usd(view)))).scaled(1e-12),
    FigureDef::plain("usd_per_week", "cost of a week", PER, BILLED, |view| over(view, WEEK_NS)).scaled(1e-12),
    FigureDef::plain("usd_per_month", "cost of a month", PER, BILLED, |view| over(view, MONTH_NS)).scaled(1e-12),
    FigureDef::plain("measured_cost_usd", "cost after the warm-up", LESS, BILLED, |view| {
        Some(Part::sum(measured_pico_usd(view)))
    })
    .scaled(1e-12),
    FigureDef::plain(
        "cost_share",
        "share of the cost",
        (Unit::Share, Better::Neither, Pool::SumOverSum),
        SHARED,
        |view| Part::ratio(pico_usd(view), view.run.record.bill.pico_usd(|_| true) as i128),
    ),
    FigureDef::plain("usd_per_1k_requests", "cost of 1,000 completed requests", PER, ASKED, |view| {
        Part::ratio(pico_usd(view), view.clients().iter().map(|client| i128::from(client.requests.completed)).sum())
    })
    .scaled(1e-9),
    FigureDef::plain("usd_per_1k_good", "cost of 1,000 requests that broke no SLO", PER, ASKED, |view| {
        Part::ratio(measured_pico_usd(view), good(view)?)
    })
    .scaled(1e-9),
    FigureDef::plain(
        "usd_per_1m_tokens",
        "cost of a million tokens of completed requests, in and out",
        PER,
        ASKED,
        |view| Part::ratio(pico_usd(view), tokens(view)),
    )
    .scaled(1e-6),
    FigureDef::plain("egress_usd", "cost of what was sent between regions", LESS, ALL, |view| {
        let sent = view.run.record.egress.iter().map(|egress| egress.pico_usd as i128);
        Some(Part::sum(sent.sum::<i128>()))
    })
    .scaled(1e-12),
    FigureDef::plain("gpu_hours", "GPU-hours paid for", (Unit::Number, Better::Lower, Pool::Mean), BILLED, |view| {
        Some(Part::sum(view.lines().map(|line| line.gpu_ps).sum::<i128>()))
    })
    .scaled(1.0 / 3.6e15),
];

/// Pico-dollars of its lines of the bill.
fn pico_usd(view: &View<'_>) -> i128 {
    view.lines().map(|line| line.pico_usd).sum()
}

fn measured_pico_usd(view: &View<'_>) -> i128 {
    view.lines().map(|line| line.pico_usd - line.early_pico_usd).sum()
}

/// The cost at this pace over a time.
fn over(view: &View<'_>, ns: i128) -> Option<Part> {
    Part::ratio(pico_usd(view) * ns, view.span_ps() / 1_000)
}

fn tokens(view: &View<'_>) -> i128 {
    let services = &view.run.record.services;
    let sum = |at: usize| services[at].tokens.iter().map(|&tokens| i128::from(tokens)).sum::<i128>();
    match view.at {
        At::Group(group) => group.services.iter().map(|&at| sum(at)).sum(),
        _ => (0..services.len()).map(sum).sum(),
    }
}
