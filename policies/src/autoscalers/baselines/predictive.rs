//! Scales by a forecast of the arrivals one cold start ahead, so that replicas are ready when the
//! load comes.
//!
//! The rate is counted in equal steps. Once a whole season has been seen, a step's forecast is the
//! mean of that step in earlier seasons and an autoregressive rest: `mean(t + k) + phi^k * (x(t) -
//! mean(t))`, with `phi` estimated from the rests so far. Before that, a damped trend (E. S. Gardner,
//! Management Science 31, 1985) goes on where the last steps point.

use super::parts::{Bounds, ConfigError, Window, explain, limit, newest, period, positive, service_signal};
use crate::info::{PolicyInfo, Port};
use flashcrowd_core::SimDuration;
use flashcrowd_core::ports::{
    Autoscaler, Controller, Decision, Observation, Schedule, SignalSource, TargetId, Transform,
};

/// Settings of [`Predictive`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PredictiveConfig {
    /// Requests per second that one replica carries.
    pub rate_per_replica: f64,
    /// Share that is added to the forecast.
    pub headroom: f64,
    /// How far ahead: the time from an order to a ready replica.
    pub lead: SimDuration,
    /// Length of a season, such as a day.
    pub season: SimDuration,
    /// One step: time between decisions, and range of the rate.
    pub step: SimDuration,
    /// Fewest and most replicas.
    pub bounds: Bounds,
    /// Window whose highest recommendation holds back scale-down.
    pub down_window: SimDuration,
}

/// Most steps of a season: a week of minutes.
const MAX_STEPS: u64 = 10_080;
/// Weight of the newest season in the mean of a step.
const SEASON_WEIGHT: f64 = 0.5;
/// Weights of the newest step in level and slope, and what is left of a slope after a step.
const LEVEL_WEIGHT: f64 = 0.6;
const SLOPE_WEIGHT: f64 = 0.3;
const DAMPING: f64 = 0.9;
/// What an older rest weighs less in the estimate of `phi`, by step.
const FORGETTING: f64 = 0.995;

/// A forecast of a series of equal steps.
#[derive(Clone, Debug)]
pub struct Forecast {
    /// Mean of each step of the season, once it was seen.
    seasons: Vec<Option<f64>>,
    seen: u64,
    level: f64,
    slope: f64,
    rest: f64,
    products: f64,
    squares: f64,
}

impl Forecast {
    /// Nothing seen, seasons of so many steps.
    pub fn new(steps: usize) -> Self {
        Forecast {
            seasons: vec![None; steps.max(1)],
            seen: 0,
            level: 0.0,
            slope: 0.0,
            rest: 0.0,
            products: 0.0,
            squares: 0.0,
        }
    }

    /// The next step's value.
    pub fn push(&mut self, value: f64) {
        let length = self.seasons.len();
        let step = (self.seen % length as u64) as usize;
        let level = if self.seen == 0 {
            value
        } else {
            LEVEL_WEIGHT * value + (1.0 - LEVEL_WEIGHT) * (self.level + DAMPING * self.slope)
        };
        if self.seen > 0 {
            self.slope = SLOPE_WEIGHT * (level - self.level) + (1.0 - SLOPE_WEIGHT) * DAMPING * self.slope;
        }
        self.level = level;
        if let Some(mean) = self.seasons[step] {
            let rest = value - mean;
            self.products = FORGETTING * self.products + rest * self.rest;
            self.squares = FORGETTING * self.squares + self.rest * self.rest;
            self.rest = rest;
            self.seasons[step] = Some(SEASON_WEIGHT * value + (1.0 - SEASON_WEIGHT) * mean);
        } else {
            self.seasons[step] = Some(value);
        }
        self.seen += 1;
    }

    /// The forecast of the value `ahead` steps after the last one; at least 0.
    pub fn ahead(&self, ahead: u64) -> f64 {
        let length = self.seasons.len() as u64;
        // A mean that includes the last step is no evidence about that step.
        let known = if self.seen > length { self.seasons[((self.seen - 1 + ahead) % length) as usize] } else { None };
        let steps = ahead.min(1 << 20) as i32;
        let value = if let Some(mean) = known {
            let phi = if self.squares > 0.0 { (self.products / self.squares).clamp(0.0, 1.0) } else { 0.0 };
            mean + phi.powi(steps) * self.rest
        } else {
            self.level + DAMPING * (1.0 - DAMPING.powi(steps)) / (1.0 - DAMPING) * self.slope
        };
        value.max(0.0)
    }
}

/// The predictive autoscaler.
#[derive(Clone, Debug)]
pub struct Predictive {
    config: PredictiveConfig,
    forecast: Forecast,
    window: Window,
    /// Steps of the lead.
    ahead: u64,
}

impl Predictive {
    /// What the list of policies says of it.
    pub const INFO: PolicyInfo =
        PolicyInfo::own(Port::Autoscaler, "predictive", "a seasonal and autoregressive forecast, one cold start ahead");

    /// Checks the settings.
    ///
    /// # Errors
    /// The first setting that makes no sense.
    pub fn new(target: TargetId, config: PredictiveConfig) -> Result<Controller<Self>, ConfigError> {
        positive("rate_per_replica", config.rate_per_replica)?;
        if !(0.0..=100.0).contains(&config.headroom) {
            return Err(ConfigError { field: "headroom", found: config.headroom.to_string(), expected: "0 to 100" });
        }
        config.bounds.check()?;
        // Two scrapes must fall into a step.
        if config.step < SimDuration::from_s(30) {
            return Err(ConfigError { field: "step", found: config.step.to_string(), expected: "at least 30s" });
        }
        let step = period("step", config.step)?;
        let steps = config.season.as_ps() / step.as_ps();
        if !(2..=MAX_STEPS).contains(&steps) {
            return Err(ConfigError {
                field: "season",
                found: config.season.to_string(),
                expected: "2 to 10080 steps",
            });
        }
        let mut signal = service_signal("arrival_rate", SignalSource::RequestsArrived);
        signal.pipeline.transform = Transform::Rate(step);
        let policy = Predictive {
            forecast: Forecast::new(steps as usize),
            window: Window::new(config.down_window),
            ahead: config.lead.as_ps().div_ceil(step.as_ps()),
            config,
        };
        Ok(Controller::of("predictive", Schedule::every(step), target, policy).reading([signal]))
    }
}

impl Autoscaler for Predictive {
    fn decide(&mut self, seen: &Observation) -> Decision {
        let view = seen.target();
        let target = self.config.rate_per_replica;
        let Some(rate) = newest(view) else {
            return Decision::hold().explained(view.target, explain("forecast", None, target, None, Vec::new()));
        };
        self.forecast.push(rate);
        // Replicas ordered now must suffice until the order after the next is ready.
        let highest = (0..=self.ahead + 1).map(|ahead| self.forecast.ahead(ahead)).fold(0.0, f64::max);
        let proposal = self.config.bounds.clamp((highest * (1.0 + self.config.headroom) / target).ceil());
        let replicas = self.window.highest(seen.now, proposal);
        let limits = limit("down_window", proposal, replicas).into_iter().collect();
        let why = explain("forecast", Some(highest), target, Some(proposal), limits);
        Decision::scale_to(view, replicas).explained(view.target, why)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A day of 144 steps, peaking at noon.
    fn day(step: u64) -> f64 {
        60.0 + 40.0 * (std::f64::consts::TAU * (step % 144) as f64 / 144.0).sin()
    }

    #[test]
    fn a_season_that_repeats_is_known_from_its_second_round() {
        let mut forecast = Forecast::new(144);
        for step in 0..400 {
            forecast.push(day(step));
            if step >= 144 {
                for ahead in [0, 3, 12] {
                    assert!((forecast.ahead(ahead) - day(step + ahead)).abs() < 1e-9, "step {step}, {ahead} ahead");
                }
            }
        }
    }

    #[test]
    fn before_that_it_follows_the_trend_and_damps_it() {
        let mut forecast = Forecast::new(144);
        for step in 0..30 {
            forecast.push(10.0 + 2.0 * f64::from(step));
        }
        let (near, far) = (forecast.ahead(1) - 68.0, forecast.ahead(1_000) - 68.0);
        assert!(near > 0.5 && near < 2.5, "{near}");
        assert!(far > near && far < 25.0, "{far}");
    }

    #[test]
    fn a_load_that_stays_high_is_forecast_high_and_a_spike_is_forgotten() {
        let mut forecast = Forecast::new(10);
        (0..20).for_each(|_| forecast.push(10.0));
        (0..5).for_each(|_| forecast.push(30.0));
        assert!(forecast.ahead(1) > 25.0, "{}", forecast.ahead(1));
        let mut noise = Forecast::new(10);
        for step in 0..200 {
            noise.push(if step % 7 == 3 { 30.0 } else { 10.0 });
        }
        // The last step was a plain one after many lone spikes: nothing of them is carried far.
        assert!(noise.ahead(8) < 25.0, "{}", noise.ahead(8));
    }
}
