//! Scales by the clock: from each listed time of day on, a given number of replicas.

use super::parts::{ConfigError, period};
use crate::clock::WallClock;
use crate::info::{PolicyInfo, Port};
use flashcrowd_core::ports::{Autoscaler, Controller, Decision, Explanation, Observation, Schedule, TargetId};
use flashcrowd_core::{SimDuration, SimTime};
use jiff::tz::TimeZone;

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
    /// The clock that the steps follow: they count from its midnight (where a round is whole weeks,
    /// from Monday's). From the start of the run without one.
    pub clock: Option<(WallClock, TimeZone)>,
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
        let (day, week) = (SimDuration::from_s(86_400), SimDuration::from_s(7 * 86_400));
        if config.clock.is_some() && config.repeat_every != day && config.repeat_every != week {
            let found = config.repeat_every.to_string();
            let expected = "a day or a week, where the steps follow a clock";
            return Err(ConfigError { field: "repeat_every", found, expected });
        }
        let schedule = Schedule::every(config.period).first_at(SimDuration::ZERO);
        Ok(Controller::of("timetable", schedule, target, Timetable { config }))
    }

    /// Where in its rounds the timetable is, in picoseconds.
    fn position(&self, now: SimTime) -> u64 {
        let Some((clock, zone)) = &self.config.clock else { return now.as_ps() };
        let local = clock.local(now, zone);
        let weeks = self.config.repeat_every.as_ps() % SimDuration::from_s(7 * 86_400).as_ps() == 0;
        let days = if weeks { local.weekday().to_monday_zero_offset() } else { 0 };
        let seconds = i64::from(days) * 86_400
            + i64::from(local.hour()) * 3_600
            + i64::from(local.minute()) * 60
            + i64::from(local.second());
        SimDuration::from_s(seconds.unsigned_abs()).as_ps()
            + u64::from(local.subsec_nanosecond().unsigned_abs()) * 1_000
    }

    /// How many replicas there should be at an instant: as many as now or at any time within the lead.
    fn planned(&self, now: SimTime) -> u32 {
        let (round, lead) = (self.config.repeat_every.as_ps(), self.config.lead.as_ps());
        let at = self.position(now) % round;
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
        let config = TimetableConfig { steps, repeat_every, lead, period, clock: None };
        let timetable = Timetable::new(TargetId(0), config).unwrap().policy;
        move |min| timetable.planned(SimTime::from_s(min * MIN))
    }

    #[test]
    fn steps_follow_the_clock_of_a_zone() {
        let s = SimDuration::from_s;
        // 07:00 to 19:00 in Berlin, where summer time begins on Sunday, the 29th.
        let clock = WallClock::new("2026-03-28T00:00:00Z".parse().unwrap());
        let at = |instant: &str, weekly: bool| {
            let day = 86_400;
            let steps = if weekly {
                vec![(s(0), 6), (s(5 * day), 1)]
            } else {
                vec![(s(0), 1), (s(7 * 3_600), 6), (s(19 * 3_600), 1)]
            };
            let repeat_every = if weekly { s(7 * day) } else { s(day) };
            let zone = crate::clock::zone("Europe/Berlin").unwrap();
            let config = TimetableConfig { steps, repeat_every, lead: s(0), period: s(15), clock: Some((clock, zone)) };
            let timetable = Timetable::new(TargetId(0), config).unwrap().policy;
            timetable.planned(clock.since_start(instant.parse().unwrap()).unwrap())
        };
        for (instant, wanted) in [
            ("2026-03-28T05:59:59Z", 1),
            ("2026-03-28T06:00:00Z", 6),
            ("2026-03-28T18:00:00Z", 1),
            ("2026-03-29T04:59:59Z", 1),
            ("2026-03-29T05:00:00Z", 6),
            ("2026-03-29T17:00:00Z", 1),
        ] {
            assert_eq!(at(instant, false), wanted, "{instant}");
        }
        assert_eq!(at("2026-03-28T12:00:00Z", true), 1, "a Saturday");
        assert_eq!(at("2026-03-29T21:59:59Z", true), 1, "still Sunday in Berlin");
        assert_eq!(at("2026-03-29T22:00:00Z", true), 6, "Monday in Berlin");
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
