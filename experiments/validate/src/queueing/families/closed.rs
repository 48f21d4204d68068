//! A closed loop: users who think, then ask one exponential server (MVA).

use super::super::document::Params;
use super::super::error::CaseError;
use super::super::plant::{Plant, Source};
use super::super::statistic::Statistic;
use super::case::{Case, Findings};
use crate::closed_forms::finite::closed_loop;
use flashcrowd_core::clock::Distribution;

/// Think time and service time.
fn times(params: Params<'_>) -> Result<(f64, f64), CaseError> {
    Ok((params.not_negative("Z")?, params.mean_service()?))
}

pub(super) fn formula(params: Params<'_>, key: &str) -> Result<Option<f64>, CaseError> {
    let (think, service) = times(params)?;
    let state = closed_loop(u64::from(params.count("N")?), think, service);
    Ok(match key {
        "X" => Some(state.throughput),
        "R" => Some(state.response),
        "Q" => Some(state.present),
        "util" => Some(state.utilisation),
        _ => None,
    })
}

pub(super) fn simulate(case: &Case<'_>) -> Result<Findings, CaseError> {
    let (think, unit) = times(case.params)?;
    let users = case.params.count("N")?;
    let think = think / unit;
    let mut plant = Plant::open(case.label("users"), 0.0, Distribution::Exponential { mean: 1.0 }, 1, unit);
    plant.source = Source::Users(users, Distribution::Exponential { mean: think });
    plant.levels = users + 1;
    // The state is forgotten once the server has served all users once and they have thought once.
    let plant = plant.relaxing(2.0 + think + f64::from(users));
    let mut findings = Findings::default();
    case.play(&mut findings, "", &plant, |key| {
        Some(match key {
            "X" => Statistic::Goodput,
            "R" => Statistic::Sojourn,
            "Q" => Statistic::Present,
            "util" => Statistic::Utilisation,
            _ => return None,
        })
    })?;
    Ok(findings)
}
