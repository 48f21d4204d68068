//! Systems that turn requests away: Erlang's loss system, and a bounded queue.

use super::super::distributions;
use super::super::document::Params;
use super::super::error::CaseError;
use super::super::plant::Plant;
use super::super::statistic::Statistic;
use super::case::{Case, Findings};
use crate::closed_forms::erlang;
use crate::closed_forms::finite::BoundedQueue;
use flashcrowd_core::clock::Distribution;
use flashcrowd_core::serving::QueueMode;

pub(super) fn erlang_b(params: Params<'_>, key: &str) -> Result<Option<f64>, CaseError> {
    let (load, servers) = (params.positive("offered_load")?, params.count("servers")?);
    let blocking = erlang::erlang_b(u64::from(servers), load);
    let carried = load * (1.0 - blocking);
    Ok(match key {
        "blocking" => Some(blocking),
        "carried" | "mean_busy" => Some(carried),
        "utilisation" => Some(carried / f64::from(servers)),
        _ => None,
    })
}

/// Blocking does not depend on the service-time distribution, so it is checked with one of each kind.
pub(super) fn simulate_erlang_b(case: &Case<'_>) -> Result<Findings, CaseError> {
    let (load, servers) = (case.params.positive("offered_load")?, case.params.count("servers")?);
    let mut findings = Findings::default();
    for (name, law) in distributions::of_each_kind() {
        // Nobody waits, so the state is forgotten within a few (residual) service times.
        const RELAXATION: f64 = 3.0;
        let mut plant = Plant::open(case.label(name), load, law, servers, 1.0).relaxing(RELAXATION);
        plant.queue = QueueMode::PerReplica { capacity: 0, gateway: 0 };
        case.play(&mut findings, name, &plant, |key| {
            Some(match key {
                "blocking" => Statistic::Rejected,
                "carried" | "mean_busy" => Statistic::InService,
                "utilisation" => Statistic::Utilisation,
                _ => return None,
            })
        })?;
    }
    Ok(findings)
}

fn bounded(params: Params<'_>) -> Result<BoundedQueue, CaseError> {
    let (servers, capacity) = (params.count("c")?, params.count("K")?);
    if capacity < servers {
        return Err(CaseError::RoomBelowServers { capacity, servers });
    }
    Ok(BoundedQueue {
        arrival_rate: params.positive("lam")?,
        service_rate: 1.0 / params.mean_service()?,
        servers: u64::from(servers),
        capacity: u64::from(capacity),
    })
}

pub(super) fn mmck(params: Params<'_>, key: &str) -> Result<Option<f64>, CaseError> {
    let state = bounded(params)?.solve();
    Ok(match key {
        "p_reject" => Some(state.rejected),
        "L" => Some(state.present),
        "Lq" => Some(state.waiting),
        "goodput" => Some(state.goodput),
        "Wq" => Some(state.mean_wait),
        "W" => Some(state.mean_sojourn),
        _ => None,
    })
}

pub(super) fn simulate_mmck(case: &Case<'_>) -> Result<Findings, CaseError> {
    let queue = bounded(case.params)?;
    let (servers, capacity) = (queue.servers as u32, queue.capacity as u32);
    let unit = 1.0 / queue.service_rate;
    let load = queue.arrival_rate * unit;
    let exponential = Distribution::Exponential { mean: 1.0 };
    // Close to saturation the bound ends what an endless queue would remember.
    let utilisation = load / f64::from(servers);
    let bound = f64::from(capacity).powi(2) / f64::from(servers);
    let relaxation = 2.0 + (2.0 * utilisation / (f64::from(servers) * (1.0 - utilisation).powi(2))).min(bound);
    let mut plant = Plant::open(case.label("exp"), load, exponential, servers, unit).relaxing(relaxation);
    plant.queue = QueueMode::PerReplica { capacity: capacity - servers, gateway: 0 };
    plant.levels = capacity + 1;
    let mut findings = Findings::default();
    case.play(&mut findings, "", &plant, |key| {
        Some(match key {
            "p_reject" => Statistic::Rejected,
            "L" => Statistic::Present,
            "Lq" => Statistic::Waiting,
            "goodput" => Statistic::Goodput,
            "Wq" => Statistic::Wait,
            "W" => Statistic::Sojourn,
            _ => return None,
        })
    })?;
    Ok(findings)
}
