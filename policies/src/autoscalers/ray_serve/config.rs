//! The words of `autoscaling_config`, their defaults and what is refused (`serve/config.py`).

/// Replicas that `num_replicas: auto` allows at most.
pub(super) const AUTO_MAX_REPLICAS: u32 = 100;

/// What a deployment asks of its autoscaling.
#[derive(Clone, Debug, PartialEq)]
pub struct AutoscalingConfig {
    /// Lower bound.
    pub min_replicas: u32,
    /// Replicas at the start; the lower bound if unset.
    pub initial_replicas: Option<u32>,
    /// Upper bound.
    pub max_replicas: u32,
    /// Requests that a replica has at a time: waiting at handles, or in service.
    pub target_ongoing_requests: f64,
    /// Time between two pushes of metrics, in seconds; five samples are taken in it.
    pub metrics_interval_s: f64,
    /// How far back samples count, in seconds.
    pub look_back_period_s: f64,
    /// Gain in both directions, where the names below are unset.
    pub smoothing_factor: f64,
    /// Old name of `upscaling_factor`.
    pub upscale_smoothing_factor: Option<f64>,
    /// Old name of `downscaling_factor`.
    pub downscale_smoothing_factor: Option<f64>,
    /// Gain upwards.
    pub upscaling_factor: Option<f64>,
    /// Gain downwards.
    pub downscaling_factor: Option<f64>,
    /// How long more must be wanted, in seconds.
    pub upscale_delay_s: f64,
    /// How long less must be wanted, in seconds.
    pub downscale_delay_s: f64,
    /// The same from one replica to none; `downscale_delay_s` if unset.
    pub downscale_to_zero_delay_s: Option<f64>,
    /// How samples over time become one number.
    pub aggregation_function: Aggregation,
}

/// How a series becomes one number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Aggregation {
    /// Mean, weighted by time.
    #[default]
    Mean,
    /// Largest value.
    Max,
    /// Smallest value.
    Min,
}

impl Aggregation {
    /// The words of a config.
    pub const WORDS: [(&'static str, Aggregation); 3] =
        [("mean", Aggregation::Mean), ("max", Aggregation::Max), ("min", Aggregation::Min)];
}

impl Default for AutoscalingConfig {
    fn default() -> Self {
        AutoscalingConfig {
            min_replicas: 1,
            initial_replicas: None,
            max_replicas: 1,
            target_ongoing_requests: 2.0,
            metrics_interval_s: 10.0,
            look_back_period_s: 30.0,
            smoothing_factor: 1.0,
            upscale_smoothing_factor: None,
            downscale_smoothing_factor: None,
            upscaling_factor: None,
            downscaling_factor: None,
            upscale_delay_s: 30.0,
            downscale_delay_s: 600.0,
            downscale_to_zero_delay_s: None,
            aggregation_function: Aggregation::Mean,
        }
    }
}

/// What a delay counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DelayClock {
    /// Seconds.
    #[default]
    Wall,
    /// Rounds of the control loop, taken to last 0.1 s each, as before ray#62331.
    Ticks,
}

impl DelayClock {
    /// Its name in scenario files.
    pub const fn name(self) -> &'static str {
        match self {
            DelayClock::Wall => "wall",
            DelayClock::Ticks => "ticks",
        }
    }

    /// The clock of that name.
    ///
    /// ```
    /// use flashcrowd_policies::autoscalers::ray_serve::DelayClock;
    /// assert_eq!(DelayClock::from_name("ticks"), Some(DelayClock::Ticks));
    /// ```
    pub fn from_name(name: &str) -> Option<Self> {
        [DelayClock::Wall, DelayClock::Ticks].into_iter().find(|clock| clock.name() == name)
    }
}

/// Behaviour that users report as faults; each may be switched off to see what a fix would change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quirks {
    /// Several replicas become one before they become none. Repaired: none at once, after the
    /// delay to zero.
    pub never_to_zero_in_one_step: bool,
    /// Growth from zero skips the upscale delay. Repaired: it waits as other growth does.
    pub growth_from_zero_skips_delay: bool,
    /// Counts are always rounded up, and one replica is taken away where that holds a downscale up.
    /// Repaired: downwards they are rounded to the nearest.
    pub rounds_up_downwards: bool,
}

impl Quirks {
    /// None of them.
    pub const FIXED: Quirks =
        Quirks { never_to_zero_in_one_step: false, growth_from_zero_skips_delay: false, rounds_up_downwards: false };
}

impl Default for Quirks {
    /// All of them: faithful to the real code.
    fn default() -> Self {
        Quirks { never_to_zero_in_one_step: true, growth_from_zero_skips_delay: true, rounds_up_downwards: true }
    }
}

/// What stands beside a deployment's own config.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Settings {
    /// `target_capacity` of the serve config, in percent; `None` is all.
    pub target_capacity_percent: Option<f64>,
    /// What a delay counts.
    pub delay_clock: DelayClock,
    /// Which habits of the real code are kept.
    pub quirks: Quirks,
}

/// The bounds after `target_capacity`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Lower bound.
    pub lower: u32,
    /// Upper bound.
    pub upper: u32,
}

/// Why a config is refused, and at which of its fields.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {message}")]
pub struct ConfigError {
    /// The field's name in the file.
    pub field: &'static str,
    /// What was found and what was expected.
    pub message: String,
}

impl AutoscalingConfig {
    /// What `num_replicas: auto` starts from.
    pub fn auto() -> Self {
        AutoscalingConfig { max_replicas: AUTO_MAX_REPLICAS, ..AutoscalingConfig::default() }
    }

    /// The gain upwards.
    pub fn up_factor(&self) -> f64 {
        self.upscaling_factor.or(self.upscale_smoothing_factor).unwrap_or(self.smoothing_factor)
    }

    /// The gain downwards.
    pub fn down_factor(&self) -> f64 {
        self.downscaling_factor.or(self.downscale_smoothing_factor).unwrap_or(self.smoothing_factor)
    }

    /// The bounds at a share of the capacity, in percent.
    pub fn bounds(&self, target_capacity_percent: Option<f64>) -> Bounds {
        let scaled = |replicas| at_capacity(replicas, target_capacity_percent);
        Bounds { lower: scaled(self.min_replicas), upper: scaled(self.max_replicas) }
    }

    /// Checks it as Ray's model does.
    ///
    /// # Errors
    /// The first field that is refused.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let refuse = |field, message: String| Err(ConfigError { field, message });
        if self.max_replicas == 0 {
            return refuse("max_replicas", "expected 1 or more, found 0".to_owned());
        }
        if self.max_replicas < self.min_replicas {
            return refuse(
                "max_replicas",
                format!("{} is below min_replicas, {}", self.max_replicas, self.min_replicas),
            );
        }
        if let Some(initial) = self.initial_replicas
            && !(self.min_replicas..=self.max_replicas).contains(&initial)
        {
            let message = format!("{initial} is not within {} to {}", self.min_replicas, self.max_replicas);
            return refuse("initial_replicas", message);
        }
        let positive = [
            ("target_ongoing_requests", Some(self.target_ongoing_requests)),
            ("metrics_interval_s", Some(self.metrics_interval_s)),
            ("look_back_period_s", Some(self.look_back_period_s)),
            ("smoothing_factor", Some(self.smoothing_factor)),
            ("upscale_smoothing_factor", self.upscale_smoothing_factor),
            ("downscale_smoothing_factor", self.downscale_smoothing_factor),
            ("upscaling_factor", self.upscaling_factor),
            ("downscaling_factor", self.downscaling_factor),
        ];
        for (field, value) in positive {
            if let Some(value) = value.filter(|value| !(value.is_finite() && *value > 0.0)) {
                return refuse(field, format!("expected a positive number, found {value}"));
            }
        }
        let delays = [
            ("upscale_delay_s", Some(self.upscale_delay_s)),
            ("downscale_delay_s", Some(self.downscale_delay_s)),
            ("downscale_to_zero_delay_s", self.downscale_to_zero_delay_s),
        ];
        for (field, value) in delays {
            if let Some(value) = value.filter(|value| !(value.is_finite() && *value >= 0.0)) {
                return refuse(field, format!("expected a number of seconds that is not negative, found {value}"));
            }
        }
        Ok(())
    }
}

/// A share of `replicas`, halves rounded up; at least 1 unless there are none.
fn at_capacity(replicas: u32, percent: Option<f64>) -> u32 {
    let Some(percent) = percent.filter(|_| replicas > 0) else { return replicas };
    let scaled = (f64::from(replicas) * (percent / 100.0) + 0.5).floor() as u32;
    scaled.max(u32::from(percent > 0.0))
}
