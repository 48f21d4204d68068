//! The same load on split queues, on one queue, and with the shorter of two queues at random.

use super::super::document::Params;
use super::super::error::CaseError;
use super::super::plant::{Plant, Routing};
use super::super::statistic::Statistic;
use super::case::{Case, Findings, relaxation};
use crate::closed_forms::approximations::choices_sojourn;
use crate::closed_forms::erlang::MultiServer;
use flashcrowd_core::clock::Distribution;
use flashcrowd_core::serving::{Discipline, QueueMode};

/// Most servers of one set-up: each is a replica of the engine.
const MOST_SERVERS: u32 = 10_000;

struct Setup {
    servers: u32,
    rho: f64,
    unit: f64,
}

fn setup(params: Params<'_>, servers: &str) -> Result<Setup, CaseError> {
    let rho = Params::stable(params.positive("rho")?)?;
    let servers = params.count(servers)?;
    if servers > MOST_SERVERS {
        return Err(CaseError::TooManyServers { servers, most: MOST_SERVERS });
    }
    Ok(Setup { servers, rho, unit: params.mean_service()? })
}

pub(super) fn formula(params: Params<'_>, key: &str) -> Result<Option<f64>, CaseError> {
    let Setup { servers, rho, unit } = setup(params, "c")?;
    let split = rho / (1.0 - rho) * unit;
    let queue = MultiServer {
        arrival_rate: rho * f64::from(servers) / unit,
        service_rate: 1.0 / unit,
        servers: u64::from(servers),
    };
    Ok(match key {
        "split_Wq" => Some(split),
        "pooled_Wq" => Some(queue.mean_wait()),
        "gain" => Some(split / queue.mean_wait()),
        "random_T" => Some(choices_sojourn(rho, 1) * unit),
        "jsq2_meanfield_T" => Some(choices_sojourn(rho, 2) * unit),
        _ => None,
    })
}

/// Single servers, each a replica with its own queue.
fn servers(case: &Case<'_>, name: &str, setup: &Setup, routing: Routing, relaxation: f64) -> Plant {
    let rate = setup.rho * f64::from(setup.servers);
    let law = Distribution::Exponential { mean: 1.0 };
    let mut plant = Plant::open(case.label(name), rate, law, setup.servers, setup.unit).relaxing(relaxation);
    plant.discipline = Discipline::Slots { concurrency: 1 };
    plant.replicas = setup.servers;
    plant.routing = routing;
    plant
}

pub(super) fn simulate(case: &Case<'_>) -> Result<Findings, CaseError> {
    let mut findings = Findings::default();
    let wanted = |keys: &[&str]| case.goals.iter().any(|goal| keys.contains(&goal.key.as_str()));
    let few = setup(case.params, "c")?;
    if wanted(&["split_Wq", "random_T"]) {
        let plant = servers(case, "random", &few, Routing::Random, relaxation(few.rho, 1.0, 1.0));
        case.play(&mut findings, "", &plant, |key| match key {
            "split_Wq" => Some(Statistic::Wait),
            "random_T" => Some(Statistic::Sojourn),
            _ => None,
        })?;
    }
    if wanted(&["pooled_Wq"]) {
        let relaxation = relaxation(few.rho, f64::from(few.servers), 1.0);
        let mut plant = servers(case, "pooled", &few, Routing::Any, relaxation);
        plant.queue = QueueMode::Shared { capacity: u32::MAX };
        case.play(&mut findings, "", &plant, |key| (key == "pooled_Wq").then_some(Statistic::Wait))?;
    }
    if wanted(&["jsq2_meanfield_T"]) {
        let many = setup(case.params, "jsq2_c")?;
        // Short queues: the state is forgotten within the time that a server is busy at a stretch.
        let plant = servers(case, "two choices", &many, Routing::TwoChoices, 2.0 / (1.0 - many.rho));
        case.play(&mut findings, "", &plant, |key| (key == "jsq2_meanfield_T").then_some(Statistic::Sojourn))?;
    }
    Ok(findings)
}
