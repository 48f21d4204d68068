//! First come first served without a bound: M/M/c, M/G/1 and the waiting-time model of M/D/1.

use super::super::distributions;
use super::super::document::Params;
use super::super::error::CaseError;
use super::super::plant::Plant;
use super::super::statistic::Statistic;
use super::case::{Case, Findings, number_in_key, quantile_in_key, relaxation};
use crate::closed_forms::erlang::MultiServer;
use crate::closed_forms::md1::ConstantServer;
use crate::closed_forms::single_server::SingleServer;
use flashcrowd_core::clock::Distribution;

/// Times after the last arrival, in relaxation times, by which all have left.
const DRAIN: f64 = 100.0;

fn multi_server(params: Params<'_>) -> Result<MultiServer, CaseError> {
    let servers = u64::from(params.count("c")?);
    let queue =
        MultiServer { arrival_rate: params.positive("lam")?, service_rate: 1.0 / params.mean_service()?, servers };
    Params::stable(queue.utilisation()).map(|_| queue)
}

pub(super) fn erlang_c(params: Params<'_>, key: &str) -> Result<Option<f64>, CaseError> {
    let queue = multi_server(params)?;
    let (rate, wait, sojourn) = (queue.arrival_rate, queue.mean_wait(), queue.mean_sojourn());
    let tail = || number_in_key(key, "P_wait_gt_").map(|t| queue.wait_exceeds(t));
    Ok(match key {
        "rho" => Some(queue.utilisation()),
        "p_wait" => Some(queue.waiting_probability()),
        _ => mean(key, rate, wait, sojourn)
            .or_else(|| quantile_in_key(key, "Wq").map(|q| queue.wait_quantile(q)))
            .or_else(tail),
    })
}

/// Mean times, and mean numbers by Little's law.
fn mean(key: &str, rate: f64, wait: f64, sojourn: f64) -> Option<f64> {
    match key {
        "Wq" => Some(wait),
        "W" => Some(sojourn),
        "Lq" => Some(rate * wait),
        "L" => Some(rate * sojourn),
        _ => None,
    }
}

/// A plant with an endless queue, and enough levels for the number present.
fn endless(case: &Case<'_>, queue: &MultiServer, law: Distribution, service_cv2: f64) -> Plant {
    const LEVELS_FOR_EACH_PRESENT: f64 = 40.0;
    let (rho, unit) = (queue.utilisation(), 1.0 / queue.service_rate);
    let relaxation = relaxation(rho, queue.servers as f64, service_cv2);
    let mut plant =
        Plant::open(case.label("queue"), queue.load(), law, queue.servers as u32, unit).relaxing(relaxation);
    plant.drain = DRAIN * relaxation;
    let waiting = (1.0 + service_cv2) / (1.0 - rho);
    plant.levels = (queue.load() * 3.0 + 50.0 + LEVELS_FOR_EACH_PRESENT * waiting).min(1e6) as u32;
    plant
}

fn statistic(key: &str) -> Option<Statistic> {
    Some(match key {
        "rho" => Statistic::Utilisation,
        "p_wait" => Statistic::Waited,
        "Wq" => Statistic::Wait,
        "W" => Statistic::Sojourn,
        "L" => Statistic::Present,
        "Lq" => Statistic::Waiting,
        _ => {
            let quantile = quantile_in_key(key, "Wq").map(Statistic::WaitQuantile);
            return quantile.or_else(|| number_in_key(key, "P_wait_gt_").map(Statistic::WaitBeyond));
        }
    })
}

pub(super) fn simulate_erlang_c(case: &Case<'_>) -> Result<Findings, CaseError> {
    let queue = multi_server(case.params)?;
    let plant = endless(case, &queue, Distribution::Exponential { mean: 1.0 }, 1.0);
    let mut findings = Findings::default();
    case.play(&mut findings, "", &plant, statistic)?;
    Ok(findings)
}

fn single_server(params: Params<'_>) -> Result<SingleServer, CaseError> {
    let service_cv2 = params.not_negative("cs2")?;
    let queue =
        SingleServer { arrival_rate: params.positive("lam")?, mean_service: params.mean_service()?, service_cv2 };
    Params::stable(queue.utilisation()).map(|_| queue)
}

pub(super) fn mg1_pk(params: Params<'_>, key: &str) -> Result<Option<f64>, CaseError> {
    let queue = single_server(params)?;
    if key == "rho" {
        return Ok(Some(queue.utilisation()));
    }
    Ok(mean(key, queue.arrival_rate, queue.mean_wait(), queue.mean_sojourn()))
}

pub(super) fn simulate_mg1_pk(case: &Case<'_>) -> Result<Findings, CaseError> {
    let queue = single_server(case.params)?;
    let single = MultiServer { arrival_rate: queue.arrival_rate, service_rate: 1.0 / queue.mean_service, servers: 1 };
    let plant = endless(case, &single, distributions::of_cv2(queue.service_cv2), queue.service_cv2);
    let mut findings = Findings::default();
    // Quantiles and shares of waiting depend on more than two moments: no closed form gives them.
    let of_two_moments = |key: &str| matches!(key, "rho" | "Wq" | "W" | "L" | "Lq");
    case.play(&mut findings, "", &plant, |key| statistic(key).filter(|_| of_two_moments(key)))?;
    Ok(findings)
}

pub(super) fn md1_tail(params: Params<'_>, key: &str) -> Result<Option<f64>, CaseError> {
    let (rate, service) = (params.positive("lam")?, params.mean_service()?);
    Params::stable(rate * service)?;
    let mut queue = ConstantServer::new(rate, service);
    if key == "P_W0" {
        return Ok(Some(queue.wait_at_most(0.0)));
    }
    let within = number_in_key(key, "P_W_le_").map(|t| queue.wait_at_most(t));
    Ok(within.or_else(|| quantile_in_key(key, "W").map(|q| queue.wait_quantile(q))))
}

pub(super) fn simulate_md1_tail(case: &Case<'_>) -> Result<Findings, CaseError> {
    let (rate, service) = (case.params.positive("lam")?, case.params.mean_service()?);
    Params::stable(rate * service)?;
    let single = MultiServer { arrival_rate: rate, service_rate: 1.0 / service, servers: 1 };
    let plant = endless(case, &single, Distribution::Constant(1.0), 0.0);
    let mut findings = Findings::default();
    case.play(&mut findings, "", &plant, |key| {
        if key == "P_W0" {
            return Some(Statistic::WaitAtMost(0.0));
        }
        let within = number_in_key(key, "P_W_le_").map(Statistic::WaitAtMost);
        within.or_else(|| quantile_in_key(key, "W").map(Statistic::WaitQuantile))
    })?;
    Ok(findings)
}
