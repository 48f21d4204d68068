//! One server that all requests share equally: M/G/1 with processor sharing.

use super::super::distributions;
use super::super::document::Params;
use super::super::error::CaseError;
use super::super::plant::Plant;
use super::super::statistic::Statistic;
use super::case::{Case, Finding, Findings, count_in_key, relaxation};
use crate::closed_forms::single_server::SingleServer;
use flashcrowd_core::serving::Discipline;
use serde_json::Value;

fn server(params: Params<'_>) -> Result<SingleServer, CaseError> {
    let server =
        SingleServer { arrival_rate: params.positive("lam")?, mean_service: params.mean_service()?, service_cv2: 1.0 };
    Params::stable(server.utilisation()).map(|_| server)
}

pub(super) fn formula(params: Params<'_>, key: &str) -> Result<Option<f64>, CaseError> {
    let server = server(params)?;
    let exactly = |n| server.sharing_at_least(n) * (1.0 - server.utilisation());
    Ok(match key {
        "ET" => Some(server.sharing_sojourn()),
        "EN" => Some(server.arrival_rate * server.sharing_sojourn()),
        "slowdown" => Some(server.sharing_slowdown()),
        _ => match count_in_key(key, "P_N_ge") {
            Some(n) => Some(server.sharing_at_least(n)),
            None => count_in_key(key, "P_N").map(exactly),
        },
    })
}

fn statistic(key: &str) -> Option<Statistic> {
    match key {
        "ET" => Some(Statistic::Sojourn),
        "EN" => Some(Statistic::Present),
        "slowdown" => Some(Statistic::Slowdown),
        _ => match count_in_key(key, "P_N_ge") {
            Some(n) => Some(Statistic::PresentAtLeast(n)),
            None => count_in_key(key, "P_N").map(Statistic::PresentIs),
        },
    }
}

/// Every law that the test names must give the same values.
pub(super) fn simulate(case: &Case<'_>) -> Result<Findings, CaseError> {
    let server = server(case.params)?;
    let rho = server.utilisation();
    let named = laws_of(case.params)?;
    let mut findings = Findings::default();
    for name in named {
        let Some((law, cv2)) = distributions::named(&name) else {
            // A law that the engine does not have: its checks are left out, by name.
            findings.values.extend(case.goals.iter().map(|goal| Finding {
                key: goal.key.clone(),
                variant: name.clone(),
                found: None,
                half_width: 0.0,
            }));
            continue;
        };
        let mut plant = Plant::open(case.label(&name), rho, law, 1, server.mean_service);
        plant.discipline = Discipline::Sharing { processors: 1, limit: u32::MAX };
        // Geometric: beyond this many there is a share of e^-60 of the time.
        plant.levels = (60.0 / -rho.ln() + 50.0).min(1e6) as u32;
        let plant = plant.relaxing(relaxation(rho, 1.0, cv2));
        case.play(&mut findings, &name, &plant, statistic)?;
    }
    Ok(findings)
}

/// The names in `laws`; exponential if there is no such list.
fn laws_of(params: Params<'_>) -> Result<Vec<String>, CaseError> {
    let wrong = || CaseError::UnnamedLaws;
    let Some(given) = params.0.get("laws") else { return Ok(vec!["exp".to_owned()]) };
    let list = given.as_array().filter(|list| !list.is_empty()).ok_or_else(wrong)?;
    list.iter().map(|name| Value::as_str(name).map(str::to_owned).ok_or_else(wrong)).collect()
}
