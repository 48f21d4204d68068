//! Servers without limit: the stationary number present, and how it grows from nothing.

use super::super::distributions;
use super::super::document::Params;
use super::super::error::CaseError;
use super::super::plant::Plant;
use super::super::statistic::Statistic;
use super::case::{Case, Findings, count_in_key};
use crate::closed_forms::infinite::{mean_after, poisson, poisson_at_least};
use flashcrowd_core::clock::Distribution;

pub(super) fn formula(params: Params<'_>, key: &str) -> Result<Option<f64>, CaseError> {
    let (rate, service) = (params.positive("lam")?, params.mean_service()?);
    if params.has("t") {
        let mean = mean_after(rate, 1.0 / service, params.positive("t")?);
        return Ok((key == "EN").then_some(mean));
    }
    let mean = rate * service;
    let at_least = || count_in_key(key, "P_ge").map(|n| poisson_at_least(mean, n));
    Ok(match key {
        "L" | "EN" | "var" => Some(mean),
        _ => count_in_key(key, "P_N").map(|n| poisson(mean, n)).or_else(at_least),
    })
}

pub(super) fn simulate(case: &Case<'_>) -> Result<Findings, CaseError> {
    let (rate, unit) = (case.params.positive("lam")?, case.params.mean_service()?);
    if case.params.has("t") { transient(case, rate * unit, unit) } else { stationary(case, rate * unit, unit) }
}

/// The number present is Poisson for every service-time distribution, so it is checked with one of each kind.
fn stationary(case: &Case<'_>, load: f64, unit: f64) -> Result<Findings, CaseError> {
    const RELAXATION: f64 = 3.0;
    let mut findings = Findings::default();
    for (name, law) in distributions::of_each_kind() {
        let mut plant = Plant::open(case.label(name), load, law, u32::MAX, unit).relaxing(RELAXATION);
        // Thirty standard deviations: no Poisson number ever is beyond.
        plant.levels = (load + 30.0 * load.sqrt() + 50.0).min(1e7) as u32;
        case.play(&mut findings, name, &plant, |key| {
            let at_least = || count_in_key(key, "P_ge").map(Statistic::PresentAtLeast);
            match key {
                "L" | "EN" => Some(Statistic::Present),
                "var" => Some(Statistic::PresentVariance),
                _ => count_in_key(key, "P_N").map(Statistic::PresentIs).or_else(at_least),
            }
        })?;
    }
    Ok(findings)
}

/// From an empty start with exponential service; a replicate ends at the instant asked for.
fn transient(case: &Case<'_>, load: f64, unit: f64) -> Result<Findings, CaseError> {
    let law = Distribution::Exponential { mean: 1.0 };
    let mut plant = Plant::open(case.label("empty start"), load, law, u32::MAX, unit);
    plant.span = case.params.positive("t")? / unit;
    let mut findings = Findings::default();
    case.play(&mut findings, "", &plant, |key| (key == "EN").then_some(Statistic::PresentAtEnd))?;
    Ok(findings)
}
