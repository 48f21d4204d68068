//! What an assertion is about: its name, its unit, and its value in a run.

use crate::export::summary::{Counts, Quantiles, SloResult};
use crate::report::percent;
use crate::run::Run;
use crate::scenario::language::units::Duration;
use crate::scenario::resolve::Resolved;
use flashcrowd_core::SimDuration;
use flashcrowd_core::ledger::ClientRecord;
use flashcrowd_core::ports::LatencyPart;

/// A figure of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Measure {
    Latency(LatencyPart, Statistic),
    CostUsd,
    UsdPer1kRequests,
    Requests,
    Completed,
    Rejected,
    Expired,
    Failed,
    Attainment,
    ReplicasMean,
    ReplicasMax,
    Ups,
    Downs,
    Reversals,
    Refused,
    Availability,
    Preempted,
    Requeued,
}

/// Which figure of a distribution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Statistic {
    Mean,
    P50,
    P90,
    P95,
    P99,
    P999,
    Max,
}

/// Distributions by name; each needs a statistic.
pub(super) const LATENCIES: [(&str, LatencyPart); 6] = [
    ("e2e", LatencyPart::EndToEnd),
    ("ttft", LatencyPart::TimeToFirstToken),
    ("itl", LatencyPart::InterToken),
    ("tpot", LatencyPart::TimePerOutputToken),
    ("queue", LatencyPart::Queue),
    ("cold_start", LatencyPart::ColdStart),
];

/// Statistics by name.
pub(super) const STATISTICS: [(&str, Statistic); 7] = [
    ("p50", Statistic::P50),
    ("p90", Statistic::P90),
    ("p95", Statistic::P95),
    ("p99", Statistic::P99),
    ("p999", Statistic::P999),
    ("mean", Statistic::Mean),
    ("max", Statistic::Max),
];

/// All other figures by name.
pub(super) const PLAIN: [(&str, Measure); 17] = [
    ("cost_usd", Measure::CostUsd),
    ("usd_per_1k_requests", Measure::UsdPer1kRequests),
    ("requests", Measure::Requests),
    ("completed", Measure::Completed),
    ("rejected", Measure::Rejected),
    ("expired", Measure::Expired),
    ("failed", Measure::Failed),
    ("attainment", Measure::Attainment),
    ("replicas_mean", Measure::ReplicasMean),
    ("replicas_max", Measure::ReplicasMax),
    ("ups", Measure::Ups),
    ("downs", Measure::Downs),
    ("reversals", Measure::Reversals),
    ("refused", Measure::Refused),
    ("availability", Measure::Availability),
    ("preempted", Measure::Preempted),
    ("requeued", Measure::Requeued),
];

/// How a value is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    Time,
    Share,
    Number,
    Count,
}

impl Measure {
    pub(super) fn unit(self) -> Unit {
        match self {
            Measure::Latency(..) => Unit::Time,
            Measure::Attainment | Measure::Availability => Unit::Share,
            Measure::CostUsd | Measure::UsdPer1kRequests | Measure::ReplicasMean => Unit::Number,
            _ => Unit::Count,
        }
    }

    /// Whether it is one of a service; the others are also sums over all of them.
    pub(super) fn is_of_a_service(self) -> bool {
        matches!(
            self,
            Measure::Latency(..)
                | Measure::Attainment
                | Measure::ReplicasMean
                | Measure::ReplicasMax
                | Measure::Ups
                | Measure::Downs
                | Measure::Reversals
                | Measure::Availability
                | Measure::Preempted
                | Measure::Requeued
        )
    }

    /// Its value in a run, of a service or of the whole; or why it has none. A run that served
    /// nothing has no latency: an assertion about it must not hold by chance.
    pub(super) fn value(self, resolved: &Resolved, run: &Run, service: Option<usize>) -> Result<f64, &'static str> {
        const NONE_DONE: &str = "no request was completed";
        let record = &run.record;
        let index = service.unwrap_or(0);
        let within = |of: u32| service.is_none_or(|wanted| wanted == of as usize);
        // Requests of a route are of none of its cells alone.
        let of_client = |client: &&ClientRecord| service.is_none() || client.route.is_none() && within(client.service);
        let counts = || Counts::of(record.clients.iter().filter(of_client));
        let usd = || record.bill.usd(|line| service.is_none() || line.service == service.map(|service| service as u32));
        let of = &record.services[index];
        Ok(match self {
            Measure::Latency(part, statistic) => {
                let quantiles = Quantiles::of(&of.latency, part).filter(|quantiles| quantiles.count > 0);
                statistic.of(&quantiles.ok_or(NONE_DONE)?)
            }
            Measure::CostUsd => usd(),
            Measure::UsdPer1kRequests => match counts().completed {
                0 => return Err(NONE_DONE),
                completed => usd() / completed as f64 * 1e3,
            },
            Measure::Requests => counts().arrived as f64,
            Measure::Completed => counts().completed as f64,
            Measure::Rejected => counts().rejected as f64,
            Measure::Expired => counts().expired as f64,
            Measure::Failed => counts().failed as f64,
            Measure::Attainment => {
                let count = of.latency.slos[0];
                if count.good + count.bad == 0 {
                    return Err("no request ended");
                }
                SloResult::of(of, 0, &resolved.services[index].slos[0]).attainment
            }
            Measure::ReplicasMean => of.ready_replica_s / record.ended.as_s_f64(),
            Measure::ReplicasMax => f64::from(of.ready_max),
            Measure::Ups => of.ups as f64,
            Measure::Downs => of.downs as f64,
            Measure::Reversals => of.reversals as f64,
            Measure::Availability => 1.0 - of.short.as_s_f64() / record.ended.as_s_f64(),
            Measure::Preempted => of.market.preempted as f64,
            Measure::Requeued => of.market.requeued as f64,
            Measure::Refused => {
                let decisions = record.decisions.iter().filter(|decision| within(decision.target.0));
                decisions.map(|decision| decision.refused.len()).sum::<usize>() as f64
            }
        })
    }
}

impl Statistic {
    fn of(self, quantiles: &Quantiles) -> f64 {
        match self {
            Statistic::Mean => quantiles.mean,
            Statistic::P50 => quantiles.p50,
            Statistic::P90 => quantiles.p90,
            Statistic::P95 => quantiles.p95,
            Statistic::P99 => quantiles.p99,
            Statistic::P999 => quantiles.p999,
            Statistic::Max => quantiles.max,
        }
    }
}

impl Unit {
    /// A value with digits enough to see on which side of a limit it is.
    pub(super) fn show(self, value: f64) -> String {
        let trimmed = |text: String| text.trim_end_matches('0').trim_end_matches('.').to_owned();
        match self {
            Unit::Time => Duration(SimDuration::from_us((value * 1e6).round().max(0.0) as u64)).to_string(),
            Unit::Share if value >= 0.99 => trimmed(format!("{:.6}", value * 100.0)) + "%",
            Unit::Share => percent(value).replace(' ', ""),
            Unit::Number => trimmed(format!("{value:.6}")),
            Unit::Count => format!("{value:.0}"),
        }
    }
}
