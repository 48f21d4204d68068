//! Small worlds: a load, one service, a start-up. Each is a scenario file, and is played as one.

use crate::Subject;
use flashcrowd::scenario::language::Diagnostic;
use flashcrowd::scenario::load::Text;
use flashcrowd_core::Simulation;
use flashcrowd_core::World;
use flashcrowd_core::ledger::RunRecord;
use flashcrowd_core::ports::SourceError;
use flashcrowd_core::simulation::RunError;
use std::fmt::Write;

/// GPUs of the fleet, all of them always there: what starts slowly is the replica.
pub const GPUS: u32 = 64;

/// A load on one service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SmallWorld {
    /// Seed of all randomness.
    pub seed: u64,
    /// End of the run, in seconds.
    pub horizon_s: u32,
    /// From when on, in seconds, which rate, in requests a minute; the first at zero, ascending.
    pub steps: Vec<(u32, u32)>,
    /// Whether the rate changes linearly between steps.
    pub ramp: bool,
    /// How long each request takes, in milliseconds.
    pub service_ms: u32,
    /// Requests that a replica serves at once.
    pub concurrency: u32,
    /// From a replica's creation to its being ready, in seconds.
    pub start_s: u32,
    /// Replicas at the start.
    pub replicas: u32,
    /// Of 100 scrapes, how many fail.
    pub scrape_failure_percent: u32,
}

/// Why a world cannot be played.
#[derive(Debug, thiserror::Error)]
pub enum WorldError {
    /// What the policy, or the scenario language, refuses.
    #[error("it cannot be made:\n{0}")]
    Refused(Diagnostic),
    /// Arrivals that cannot be read.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// A run that does not come to its end.
    #[error(transparent)]
    Run(#[from] RunError),
}

impl SmallWorld {
    /// Requests a second that one replica serves at most.
    pub fn capacity_per_s(&self) -> f64 {
        f64::from(self.concurrency) * 1e3 / f64::from(self.service_ms)
    }

    /// The SLO in it, in milliseconds: five service times, and at least two seconds.
    pub fn limit_ms(&self) -> u32 {
        (self.service_ms * 5).max(2_000)
    }

    /// The scenario file of this world under a policy; `others` are further variants, by name, which
    /// override the load.
    pub fn scenario(&self, autoscaler: &str, others: &[(&str, &SmallWorld)]) -> String {
        let SmallWorld { seed, horizon_s, service_ms, concurrency, start_s, replicas, .. } = self;
        let mut text = format!(
            r#"(
    name: "counterexample",
    seed: {seed},
    horizon: "{horizon_s}s",
    series_period: "15s",
    pools: {{"gpus": (gpu: "H100", gpus_per_node: 8, gpu_price: "2/h", min_nodes: {nodes}, max_nodes: {nodes})}},
    services: {{
        "s": (
            serving: Slots(concurrency: {concurrency}),
            service_time: "{service_ms}ms",
            replicas: {replicas},
            startup: (image: (cold: "0s"), weights: (cold: "{start_s}s"), engine: (cold: "0s")),
            slo: [(quantile: 0.95, limit: "{limit}ms")],
            autoscaler: {autoscaler},
        ),
    }},
    traffic: {{"t": Schedule(steps: {steps}, ramp: {ramp})}},
"#,
            nodes = GPUS / 8,
            limit = self.limit_ms(),
            steps = self.steps(),
            ramp = self.ramp,
        );
        if !others.is_empty() {
            text.push_str("    variants: {\n        \"as above\": [],\n");
            for (name, world) in others {
                let _ = writeln!(text, "        {name:?}: [r#\"traffic.t.steps={}\"#],", world.steps());
            }
            text.push_str("    },\n    baseline: \"as above\",\n");
        }
        text + ")\n"
    }

    fn steps(&self) -> String {
        let step = |&(at_s, rate): &(u32, u32)| format!("(at: \"{at_s}s\", rate: \"{rate}/min\")");
        format!("[{}]", self.steps.iter().map(step).collect::<Vec<_>>().join(", "))
    }

    /// The world itself.
    ///
    /// # Errors
    /// What the policy, or the scenario language, refuses.
    pub fn build(&self, subject: &Subject) -> Result<World, WorldError> {
        self.build_with(subject, &subject.autoscaler(self.scrape_failure_percent))
    }

    pub(crate) fn build_with(&self, subject: &Subject, autoscaler: &str) -> Result<World, WorldError> {
        let text = Text::parse("counterexample", &self.scenario(autoscaler, &[]), subject.registry());
        let loaded = text.and_then(|text| text.resolve()).map_err(WorldError::Refused)?;
        Ok(loaded.variants[0].world(0)?)
    }

    /// Plays it under a policy.
    ///
    /// # Errors
    /// What the policy, or the scenario language, refuses; and what stops the run.
    pub fn play(&self, subject: &Subject) -> Result<RunRecord, WorldError> {
        run(self.build(subject)?)
    }

    pub(crate) fn play_with(&self, subject: &Subject, autoscaler: &str) -> Result<RunRecord, WorldError> {
        run(self.build_with(subject, autoscaler)?)
    }
}

fn run(world: World) -> Result<RunRecord, WorldError> {
    Ok(Simulation::new(world).run()?)
}
