//! The program's own autoscalers: settings with their defaults, and how they are made.

use crate::autoscaler::resolved::{Make, MakeError, ResolvedAutoscaler};
use crate::promises::resolve::latency_part;
use crate::service::resolved::ResolvedService;
use crate::settings::Notes;
use crate::spec;
use flashcrowd_core::SimDuration;
use flashcrowd_core::fleet::PoolConfig;
use flashcrowd_core::ports::{Autoscaler, Controller, TargetId};
use flashcrowd_core::serving::Discipline;
use flashcrowd_language::Diagnostic;
use flashcrowd_language::units::{Duration, Fraction, NonNegative};
use flashcrowd_policies::autoscalers::baselines::{
    Bounds, Clairvoyant, ClairvoyantConfig, ConcurrencyConfig, ConcurrencyTarget, ConfigError, LatencyConfig,
    LatencyTarget, Predictive, PredictiveConfig, QueueDepth, QueueDepthConfig, Timetable, TimetableConfig,
};
use std::sync::Arc;

/// Where an autoscaler stands in the scenario, and what its settings lean on.
pub(crate) struct Place<'n, 'd> {
    pub(crate) notes: &'n mut Notes<'d>,
    pub(crate) path: String,
    pub(crate) service: &'n ResolvedService,
    pub(crate) pools: &'n [PoolConfig],
    pub(crate) target: TargetId,
}

type Resolved = Result<ResolvedAutoscaler, Diagnostic>;

const HPA_SYNC: &str = "as often as an HPA";
const HPA_WINDOW: &str = "the HPA's default stabilization";
const NONE_AT_LEAST: &str = "at least one replica";
const COLD_START: &str = "a mean cold start of the service, its node included where nodes come and go";

impl Place<'_, '_> {
    pub(crate) fn at(&self, field: &str) -> String {
        format!("{}.{field}", self.path)
    }

    pub(crate) fn span(
        &mut self,
        field: &str,
        given: Option<Duration>,
        default_s: u64,
        source: &'static str,
    ) -> SimDuration {
        let path = self.at(field);
        self.notes.or(&path, given, Duration(SimDuration::from_s(default_s)), source).get()
    }

    fn number(&mut self, field: &str, given: Option<f64>, default: f64, source: &'static str) -> f64 {
        let path = self.at(field);
        self.notes.or(&path, given, default, source)
    }

    fn bounds(&mut self, min: Option<u32>, max: u32) -> Bounds {
        let path = self.at("min");
        Bounds { min: self.notes.or(&path, min, 1, NONE_AT_LEAST), max }
    }

    fn lead(&mut self, given: Option<Duration>) -> SimDuration {
        let path = self.at("lead");
        let own = self.service.config.pools.iter().map(|&pool| &self.pools[pool as usize]);
        let node_s =
            own.filter(|pool| pool.min_nodes < pool.max_nodes).map(|pool| pool.provisioning.mean()).fold(0.0, f64::max);
        let cold = SimDuration::from_ms(((self.service.mean_cold_start_s() + node_s) * 1e3).round() as u64);
        self.notes.or(&path, given, Duration(cold), COLD_START).get()
    }

    /// Makes it once; what it refuses is shown at the setting.
    pub(crate) fn finish(&self, name: &str, bounds: Option<Bounds>, make: Make) -> Resolved {
        let bounds = bounds.map(|bounds| (bounds.min, bounds.max));
        ResolvedAutoscaler::new(name, bounds, self.target, make).map_err(|error| {
            let message = error.to_string();
            let field = message.split('`').nth(1).map(|field| self.at(field));
            let known = field.filter(|field| self.notes.document.get(field).is_some());
            self.notes.error(&known.unwrap_or_else(|| self.path.clone()), message)
        })
    }
}

/// A policy of one controller.
fn one<P: Autoscaler + 'static>(made: Result<Controller<P>, ConfigError>) -> Result<Vec<Controller>, MakeError> {
    match made {
        Ok(controller) => Ok(vec![controller.boxed()]),
        Err(error) => Err(MakeError::Refused(error.to_string())),
    }
}

pub(crate) fn queue_depth(place: &mut Place<'_, '_>, given: &spec::QueueDepth) -> Resolved {
    let config = QueueDepthConfig {
        waiting_per_replica: given.waiting_per_replica.get(),
        bounds: place.bounds(given.min, given.max),
        period: place.span("period", given.period, 15, HPA_SYNC),
        idle: place.span("idle", given.idle, 300, HPA_WINDOW),
    };
    let make: Make = Arc::new(move |making| one(QueueDepth::new(making.target, config)));
    place.finish("queue-depth", Some(config.bounds), make)
}

pub(crate) fn concurrency_target(place: &mut Place<'_, '_>, given: &spec::ConcurrencyTarget) -> Resolved {
    let config = ConcurrencyConfig {
        in_flight_per_replica: given.in_flight_per_replica.get(),
        bounds: place.bounds(given.min, given.max),
        period: place.span("period", given.period, 15, HPA_SYNC),
        down_window: place.span("down_window", given.down_window, 300, HPA_WINDOW),
    };
    let make: Make = Arc::new(move |making| one(ConcurrencyTarget::new(making.target, config)));
    place.finish("concurrency-target", Some(config.bounds), make)
}

pub(crate) fn latency_target(place: &mut Place<'_, '_>, given: &spec::LatencyTarget) -> Resolved {
    const GAIN: &str = "a gain that is stable with cold starts of minutes in the shipped scenarios";
    let part = latency_part(given.metric);
    if part.is_of_tokens() && !matches!(place.service.config.discipline, Discipline::ContinuousBatch(_)) {
        let error = place.notes.error(&place.at("metric"), "only a token-level engine has that latency");
        return Err(error.with_help("serve with `serving: ContinuousBatch()`, or leave `metric` out"));
    }
    let config = LatencyConfig {
        part,
        quantile: place.number("quantile", given.quantile.map(Fraction::get), 0.95, "as most SLOs"),
        target: given.target.get(),
        proportional: place.number("proportional", given.proportional.map(NonNegative::get), 0.3, GAIN),
        integral_per_min: place.number("integral_per_min", given.integral_per_min.map(NonNegative::get), 0.2, GAIN),
        bounds: place.bounds(given.min, given.max),
        period: place.span("period", given.period, 15, HPA_SYNC),
        down_window: place.span("down_window", given.down_window, 300, HPA_WINDOW),
    };
    let make: Make = Arc::new(move |making| one(LatencyTarget::new(making.target, config)));
    place.finish("latency-target", Some(config.bounds), make)
}

pub(crate) fn timetable(place: &mut Place<'_, '_>, given: &spec::Timetable) -> Resolved {
    let config = TimetableConfig {
        steps: given.steps.iter().map(|step| (step.at.get(), step.replicas)).collect(),
        repeat_every: place.span("repeat_every", given.repeat_every, 86_400, "a day"),
        lead: place.lead(given.lead),
        period: place.span("period", given.period, 15, HPA_SYNC),
    };
    let counts = config.steps.iter().map(|step| step.1);
    let bounds = counts.clone().min().zip(counts.max()).map(|(min, max)| Bounds { min, max });
    let make: Make = Arc::new(move |making| one(Timetable::new(making.target, config.clone())));
    place.finish("timetable", bounds, make)
}

pub(crate) fn predictive(place: &mut Place<'_, '_>, given: &spec::Predictive) -> Resolved {
    let config = PredictiveConfig {
        rate_per_replica: given.rate_per_replica.get(),
        headroom: place.number(
            "headroom",
            given.headroom.map(NonNegative::get),
            0.2,
            "a fifth for what no forecast knows",
        ),
        lead: place.lead(given.lead),
        season: place.span("season", given.season, 86_400, "a day"),
        step: place.span("step", given.step, 60, "four scrapes of 15s"),
        bounds: place.bounds(given.min, given.max),
        down_window: place.span("down_window", given.down_window, 300, HPA_WINDOW),
    };
    let make: Make = Arc::new(move |making| one(Predictive::new(making.target, config)));
    place.finish("predictive", Some(config.bounds), make)
}

pub(crate) fn clairvoyant(place: &mut Place<'_, '_>, given: &spec::Clairvoyant) -> Resolved {
    let config = ClairvoyantConfig {
        rate_per_replica: given.rate_per_replica.get(),
        lead: place.lead(given.lead),
        window: place.span("window", given.window, 15, "as long as a scrape"),
        bounds: place.bounds(given.min, given.max),
        period: place.span("period", given.period, 15, HPA_SYNC),
    };
    let make: Make = Arc::new(move |making| one(Clairvoyant::new(making.target, config, (making.oracle)()?)));
    Ok(place.finish("clairvoyant", Some(config.bounds), make)?.knowing())
}
