//! A cold start of named phases, one after the other: from placement to ready.

use super::super::document::Params;
use super::super::error::CaseError;
use super::super::plant::{Plant, pool};
use super::case::{Case, Finding, Findings};
use flashcrowd_core::clock::Distribution;
use flashcrowd_core::fleet::{StageKind, StageWork, StartupStage};
use flashcrowd_core::ports::TargetId;
use flashcrowd_core::simulation::Simulation;
use flashcrowd_core::{SimDuration, clock::SimTime};
use flashcrowd_policies::autoscalers::FixedReplicas;

/// Longest cold start that is played, in seconds.
const LONGEST: f64 = 1e6;

fn phases(params: Params<'_>) -> Result<Vec<(String, f64)>, CaseError> {
    params.0.keys().map(|name| params.not_negative(name).map(|seconds| (name.clone(), seconds))).collect()
}

pub(super) fn formula(params: Params<'_>, key: &str) -> Result<Option<f64>, CaseError> {
    let total = phases(params)?.iter().map(|phase| phase.1).sum();
    Ok((key == "total").then_some(total))
}

/// What a phase is, by its name; of no consequence for how long it takes.
fn kind(name: &str) -> StageKind {
    let has = |words: &[&str]| words.iter().any(|word| name.contains(word));
    if has(&["image", "pull"]) {
        StageKind::ImagePull
    } else if has(&["weight", "download", "load"]) {
        StageKind::WeightsLoad
    } else {
        StageKind::EngineStart
    }
}

/// A controller asks for one replica of a service that has none; there is a free node. Seconds from
/// its placement to its being ready.
pub(crate) fn play(phases: &[(String, f64)], label: String) -> Result<f64, CaseError> {
    let total: f64 = phases.iter().map(|phase| phase.1).sum();
    if total > LONGEST {
        return Err(CaseError::TooLong { what: "a cold start of", seconds: total, longest_s: LONGEST });
    }
    let stage = |(name, seconds): &(String, f64)| {
        StartupStage::plain(kind(&name.to_lowercase()), StageWork::Drawn(Distribution::Constant(*seconds)))
    };
    let mut plant = Plant::open(label, 0.0, Distribution::Constant(1.0), 1, 1.0);
    plant.replicas = 0;
    plant.span = 1.0;
    let (mut world, _) = plant.world(0, false)?;
    world.horizon = SimTime::ZERO + SimDuration::from_s_f64(total + 60.0);
    world.pools = vec![pool(1)];
    world.pools[0].min_nodes = 1;
    world.services[0].startup.stages = phases.iter().map(stage).collect();
    world.controllers = vec![FixedReplicas::new(TargetId(0), 1).boxed()];
    let record = Simulation::new(world).run()?;
    let life = record.replicas.first().ok_or(CaseError::NoReplica)?;
    let (placed, ready) = life.placed.zip(life.ready).ok_or(CaseError::NotReady)?;
    Ok(ready.since(placed).as_s_f64())
}

pub(super) fn simulate(case: &Case<'_>) -> Result<Findings, CaseError> {
    let found = Some(play(&phases(case.params)?, case.label("start"))?);
    let goals = case.goals.iter().filter(|goal| goal.key == "total");
    let finding = |key: &str| Finding { key: key.to_owned(), variant: String::new(), found, half_width: 0.0 };
    Ok(Findings { values: goals.map(|goal| finding(&goal.key)).collect(), replicates: 1, requests: 0 })
}
