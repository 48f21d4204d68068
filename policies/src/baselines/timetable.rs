//! Scales by the clock: so many replicas from each of some times of day on.

use super::parts::{ConfigError, period};
use flashcrowd_core::ports::{Autoscaler, Decision, Explanation, Observation, Schedule, SignalRequest, TargetId};
use flashcrowd_core::{SimDuration, SimTime};

/// Settings of [`Timetable`].
#[derive(Clone, Debug, PartialEq)]
pub struct TimetableConfig {
    /// From when in the round on, how many; ascending, the first at zero.
    pub steps: Vec<(SimDuration, u32)>,
    /// After how long it begins anew, such as a day.
    pub repeat_every: SimDuration,
    /// How long before its time a step is taken, so that replicas are ready by then.
    pub lead: SimDuration,
    /// Time between decisions.
    pub period: SimDuration,
}

/// A scheduled autoscaler.
#[derive(Clone, Debug)]
pub struct Timetable {
    config: TimetableConfig,
    targets: [TargetId; 1],
}

impl Timetable {
    /// Checks the settings.
    ///
    /// # Errors
    /// The first setting that makes no sense.
    pub fn new(target: TargetId, config: TimetableConfig) -> Result<Self, ConfigError> {
        period("period", config.period)?;
        let wrong = |found: String, expected| Err(ConfigError { field: "steps", found, expected });
        if config.steps.first().is_none_or(|step| !step.0.is_zero()) {
            return wrong("without a step at 0s".into(), "a first step at 0s");
        }
        if config.steps.windows(2).any(|pair| pair[0].0 >= pair[1].0) {
            return wrong("not in order".into(), "steps in the order of their times, no time twice");
        }
        if config.steps.last().is_some_and(|step| step.0 >= config.repeat_every) {
            let found = config.repeat_every.to_string();
            return Err(ConfigError { field: "repeat_every", found, expected: "more than the time of the last step" });
        }
        Ok(Timetable { config, targets: [target] })
    }

    /// How many replicas there should be at an instant.
    fn planned(&self, now: SimTime) -> u32 {
        let at = (now + self.config.lead).as_ps() % self.config.repeat_every.as_ps();
        let passed = self.config.steps.partition_point(|step| step.0.as_ps() <= at);
        self.config.steps[passed.max(1) - 1].1
    }
}

impl Autoscaler for Timetable {
    fn name(&self) -> &'static str {
        "timetable"
    }

    fn schedule(&self) -> Schedule {
        Schedule { period: self.config.period, phase: Some(SimDuration::ZERO), poked_by_requests: false }
    }

    fn targets(&self) -> &[TargetId] {
        &self.targets
    }

    fn signals(&self, _target: TargetId) -> &[SignalRequest] {
        &[]
    }

    fn decide(&mut self, seen: &Observation) -> Decision {
        let Some(view) = seen.targets.first() else { return Decision::hold() };
        let replicas = self.planned(seen.now);
        if replicas == view.spec_replicas {
            return Decision::hold();
        }
        let mut decision = Decision::set_replicas(self.targets[0], replicas);
        let reason = "the timetable says so".to_owned();
        decision.explanation = Some(Box::new(Explanation { reason, ..Explanation::default() }));
        decision
    }
}
