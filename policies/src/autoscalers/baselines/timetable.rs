//! Scales by the clock: from each listed time of day on, a given number of replicas.

use super::parts::{ConfigError, period};
use crate::info::{PolicyInfo, Port};
use flashcrowd_core::ports::{Autoscaler, Controller, Decision, Explanation, Observation, Schedule, TargetId};
use flashcrowd_core::{SimDuration, SimTime};

/// Settings of [`Timetable`].
#[derive(Clone, Debug, PartialEq)]
pub struct TimetableConfig {
    /// From when in the round on, how many; ascending, the first at zero.
    pub steps: Vec<(SimDuration, u32)>,
    /// After how long it begins anew, such as a day.
    pub repeat_every: SimDuration,
    /// How long before its time a step up is taken, so that replicas are ready by then. A step down is
    /// taken at its time: until then there is the load of before.
    pub lead: SimDuration,
    /// Time between decisions.
    pub period: SimDuration,
}

/// A scheduled autoscaler.
#[derive(Clone, Debug)]
pub struct Timetable {
    config: TimetableConfig,
}

impl Timetable {
    /// What the list of policies says of it.
    pub const INFO: PolicyInfo = PolicyInfo::own(Port::Autoscaler, "timetable", "so many replicas by the time of day");

    /// Checks the settings.
    ///
    /// # Errors
    /// The first setting that makes no sense.
    pub fn new(target: TargetId, config: TimetableConfig) -> Result<Controller<Self>, ConfigError> {
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
        let schedule = Schedule::every(config.period).first_at(SimDuration::ZERO);
        Ok(Controller::of("timetable", schedule, target, Timetable { config }))
    }

    /// How many replicas there should be at an instant: as many as now or at any time within the lead.
    fn planned(&self, now: SimTime) -> u32 {
        let (round, lead) = (self.config.repeat_every.as_ps(), self.config.lead.as_ps());
        let at = now.as_ps() % round;
        let passed = self.config.steps.partition_point(|step| step.0.as_ps() <= at);
        let present = self.config.steps[passed.max(1) - 1].1;
        // A step is soon if the timetable reaches it again within the lead.
        let soon = |step: &&(SimDuration, u32)| (step.0.as_ps() + round - at) % round <= lead;
        self.config.steps.iter().filter(soon).map(|step| step.1).fold(present, u32::max)
    }
}

impl Autoscaler for Timetable {
    fn decide(&mut self, seen: &Observation) -> Decision {
        let view = seen.target();
        let replicas = self.planned(seen.now);
        if replicas == view.spec_replicas {
            return Decision::hold();
        }
        let reason = "the timetable says so".to_owned();
        let why = Explanation { reason, ..Explanation::default() };
        Decision::set_replicas(view.target, replicas).explained(view.target, why)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIN: u64 = 60;

    fn planned(steps: &[(u64, u32)], lead_min: u64) -> impl Fn(u64) -> u32 {
        let s = SimDuration::from_s;
        let steps = steps.iter().map(|&(min, replicas)| (s(min * MIN), replicas)).collect();
        let (repeat_every, lead, period) = (s(60 * MIN), s(lead_min * MIN), s(15));
        let config = TimetableConfig { steps, repeat_every, lead, period };
        let timetable = Timetable::new(TargetId(0), config).unwrap().policy;
        move |min| timetable.planned(SimTime::from_s(min * MIN))
    }

    #[test]
    fn a_lead_is_for_steps_up() {
        let at = planned(&[(0, 2), (20, 5), (40, 3)], 8);
        assert_eq!([0, 11, 12, 20, 39, 40, 59].map(&at), [2, 2, 5, 5, 5, 3, 3]);
        // Looks past the end of a round, too; a lower count for less than the lead is ignored.
        let at = planned(&[(0, 4), (30, 1), (35, 6)], 8);
        assert_eq!([26, 27, 30, 35, 51, 52, 60].map(&at), [4, 6, 6, 6, 6, 6, 4]);
        let at = planned(&[(0, 4), (30, 1)], 8);
        assert_eq!([29, 30, 51, 52, 59].map(&at), [4, 1, 1, 4, 4]);
        assert_eq!(planned(&[(0, 4), (30, 1)], 90)(40), 4);
    }
}
