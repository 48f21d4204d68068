//! A policy's process behind the autoscaler port.

use super::error::PolicyProcessError;
use super::process::Process;
use super::wire;
use flashcrowd_core::SimDuration;
use flashcrowd_core::ports::{Autoscaler, Controller, Decision, Observation, Schedule, SignalRequest, TargetId};
use std::path::PathBuf;
use std::time::Duration;

/// What an external policy is made of.
#[derive(Clone, Debug)]
pub struct ExternalConfig {
    /// Program and arguments.
    pub program: Vec<String>,
    /// Folder in which it runs.
    pub folder: PathBuf,
    /// Name of the service that it scales.
    pub service: String,
    /// Names of all services, by position.
    pub services: Vec<String>,
    /// Time between observations.
    pub period: SimDuration,
    /// Whether a request that finds no replica wakes it.
    pub poked: bool,
    /// What it is shown: the metric's value is the signal's times the number.
    pub signals: Vec<(SignalRequest, f64)>,
    /// How long it may take for a decision.
    pub time_limit: Duration,
}

/// A policy in another language.
#[derive(Debug)]
pub struct External {
    config: ExternalConfig,
    names: Vec<(TargetId, String)>,
    process: Option<Process>,
    failure: Option<String>,
}

impl External {
    /// A policy whose process is started when it is first asked.
    pub fn new(target: TargetId, config: ExternalConfig) -> Controller<Self> {
        let last = config.program.last().cloned().unwrap_or_default();
        let schedule =
            Schedule { period: config.period, phase: Some(SimDuration::ZERO), poked_by_requests: config.poked };
        let requests: Vec<SignalRequest> = config.signals.iter().map(|(request, _)| request.clone()).collect();
        let names = vec![(target, config.service.clone())];
        let policy = External { config, names, process: None, failure: None };
        Controller::of(format!("command/{last}"), schedule, target, policy).reading(requests)
    }

    fn ask(&mut self, seen: &Observation) -> Result<Decision, PolicyProcessError> {
        let process = match &mut self.process {
            Some(process) => process,
            None => self.process.insert(Process::start(&self.config.program, &self.config.folder)?),
        };
        let line = process.ask(&wire::observation(seen, &self.names, &self.config.signals), self.config.time_limit)?;
        wire::decision(&line, &self.names, &self.config.services, seen.now)
            .map_err(|error| PolicyProcessError::NoDecision { error, line })
    }
}

impl Autoscaler for External {
    fn decide(&mut self, seen: &Observation) -> Decision {
        match self.ask(seen) {
            Ok(decision) => decision,
            Err(error) => {
                self.failure = Some(error.to_string());
                Decision::hold()
            }
        }
    }

    fn close(&mut self) {
        // A run that failed has its reason already; later output of the process does not replace
        // it.
        if let (None, Some(mut process)) = (&self.failure, self.process.take()) {
            self.failure = process.farewell().err().map(|error| error.to_string());
        }
    }

    fn failure(&self) -> Option<&str> {
        self.failure.as_deref()
    }
}
