//! A `ScaledJob` behind the simulator's port: it creates jobs and never takes one away.

use super::autoscaler::KedaOptions;
use super::fallback::Outcome;
use super::job::{Combined, Creation, JobRules, Queue};
use super::readings::{Reading, Readings};
use super::spec::{POLLING_INTERVAL_S, Quirks, ScaledJob};
use crate::autoscalers::hpa::SpecError;
use flashcrowd_core::SimDuration;
use flashcrowd_core::ports::{Action, Autoscaler, Controller, Decision, Explanation, Limit, Observation, Schedule};

/// KEDA's loop of one `ScaledJob`: it polls all triggers at once when it begins, and then each
/// polling interval.
#[derive(Clone, Debug)]
pub struct KedaJobs {
    paused: bool,
    rules: JobRules,
    quirks: Quirks,
    readings: Readings,
}

impl ScaledJob {
    /// The controller that KEDA runs for this object; of the options it takes target, bindings and
    /// quirks.
    ///
    /// # Errors
    /// A trigger that no signal is known for.
    pub fn controller(&self, options: &KedaOptions) -> Result<Controller<KedaJobs>, Vec<SpecError>> {
        let readings = Readings::new(&self.triggers, (&options.bindings, options.clock), false, None)
            .map_err(|error| vec![SpecError { path: "spec.triggers".to_owned(), message: error.to_string() }])?;
        let interval_s = self.polling_interval_s.unwrap_or(POLLING_INTERVAL_S).max(1);
        let schedule = Schedule::every(SimDuration::from_s(u64::from(interval_s))).first_at(SimDuration::ZERO);
        let requests = readings.requests().to_vec();
        let jobs = KedaJobs { paused: self.paused, rules: self.rules.clone(), quirks: options.quirks, readings };
        Ok(Controller::of(format!("keda-job/{}", self.name), schedule, options.target, jobs).reading(requests))
    }
}

impl KedaJobs {
    fn queues(&self, readings: &[Reading]) -> Vec<Queue> {
        let sources = self.readings.sources.iter().zip(readings);
        let queues = sources.map(|(source, reading)| {
            let length = reading.as_ref().ok().copied().unwrap_or(0.0);
            self.rules.queue(length, source.trigger.threshold.as_f64(), source.is_active(reading), self.quirks)
        });
        queues.collect()
    }

    fn explain(&self, readings: &[Reading], combined: Combined, creation: Creation) -> Explanation {
        let sources = self.readings.sources.iter().zip(readings);
        let count = |value: i64| u32::try_from(value.max(0)).unwrap_or(u32::MAX);
        let mut limits = Vec::new();
        if creation.effective_max_scale < creation.scale_to {
            limits.push(Limit {
                name: "ScalingStrategy",
                before: count(creation.scale_to),
                after: count(creation.effective_max_scale),
            });
        }
        let reason = match (combined.is_active, creation.jobs) {
            (false, _) => "no trigger is active",
            (true, 0) => "active, the jobs that exist suffice",
            (true, _) => "active: jobs are created",
        };
        Explanation {
            metrics: sources.map(|(source, reading)| source.explain(reading, outcome(reading))).collect(),
            limits,
            reason: reason.to_owned(),
            error: readings.iter().find_map(|reading| reading.as_ref().err().map(ToString::to_string)),
        }
    }
}

/// A `ScaledJob` has no fallback.
fn outcome(reading: &Reading) -> Outcome {
    reading.as_ref().map_or(Outcome::Failure, |value| Outcome::Answer(*value))
}

impl Autoscaler for KedaJobs {
    fn decide(&mut self, seen: &Observation) -> Decision {
        let view = seen.target();
        let readings = self.readings.read(view, seen.now);
        if self.paused {
            let reason = "paused by annotation".to_owned();
            let explanation = Explanation { reason, ..Explanation::default() };
            return Decision::hold().explained(view.target, explanation);
        }
        let combined = self.rules.combine(&self.queues(&readings), self.quirks);
        let (running, pending) = (i64::from(view.jobs.running), i64::from(view.jobs.pending));
        // KEDA counts every unfinished job as running, and those without a running pod as pending too.
        let creation = self.rules.create(combined, running + pending, pending, self.quirks);
        let actions = if creation.jobs > 0 {
            vec![Action::CreateJobs { target: view.target, jobs: creation.jobs }]
        } else {
            vec![]
        };
        let decision = Decision { actions, ..Decision::default() };
        decision.explained(view.target, self.explain(&readings, combined, creation))
    }
}
