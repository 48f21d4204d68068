//! The algorithms APA and KPA: from a metric to a count, without memory.
//!
//! Follows `pkg/controller/podautoscaler/algorithm/apa.go` and `kpa.go` of `vllm-project/aibrix` @ e3e10f9e.

/// Parameters that both algorithms share.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings {
    /// Fewest replicas.
    pub min_replicas: i32,
    /// Most replicas.
    pub max_replicas: i32,
    /// Wanted metric value a pod.
    pub target: f64,
    /// The metric may exceed the target by this share.
    pub up_tolerance: f64,
    /// The metric may fall below the target by this share.
    pub down_tolerance: f64,
    /// At most this multiple of the current replicas in one decision.
    pub max_scale_up_rate: f64,
    /// At least the current replicas divided by this in one decision.
    pub max_scale_down_rate: f64,
    /// KPA panics where the short average is above this multiple of the long one.
    pub panic_threshold: f64,
}

/// The algorithms under rules that need not be the real ones.
#[derive(Clone, Copy, Debug)]
pub struct Algorithms<'a> {
    /// The parameters.
    pub settings: &'a Settings,
    /// The rules.
    pub rules: Rules,
}

/// The comparisons that implementations get wrong most often, as data: tests break one at a time
/// and show that the reference vectors notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// What is within the tolerance does not move.
    pub tolerates: bool,
    /// KPA looks at the short average.
    pub panics: bool,
    /// Growth is held to a rate.
    pub growth_is_limited: bool,
}

impl Rules {
    /// The real ones.
    pub const REAL: Rules = Rules { tolerates: true, panics: true, growth_is_limited: true };
}

impl Default for Settings {
    /// The defaults of `pkg/controller/podautoscaler/context/context.go`, with bounds of 1 and 1.
    fn default() -> Self {
        Settings {
            min_replicas: 1,
            max_replicas: 1,
            target: 1.0,
            up_tolerance: 0.1,
            down_tolerance: 0.1,
            max_scale_up_rate: 2.0,
            max_scale_down_rate: 2.0,
            panic_threshold: 2.0,
        }
    }
}

/// What an algorithm found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recommendation {
    /// Replicas that the metric alone asks for.
    pub proposal: i32,
    /// After the rates, and after panic.
    pub after_rates: i32,
    /// Within the bounds.
    pub desired: i32,
    /// Whether KPA panics; never for APA.
    pub in_panic: bool,
}

impl Settings {
    /// `count` within the bounds; the upper bound is applied last.
    pub fn clamp(&self, count: i32) -> i32 {
        count.max(self.min_replicas).min(self.max_replicas)
    }

    /// The application-specific algorithm: the ratio of `per_pod`, the mean over the pods, to the target.
    ///
    /// ```
    /// use flashcrowd_policies::autoscalers::aibrix::Settings;
    /// let settings = Settings { target: 10.0, max_replicas: 10, ..Settings::default() };
    /// assert_eq!(settings.apa(3, 15.0).desired, 5); // ceil(3 * 1.5)
    /// assert_eq!(settings.apa(3, 10.5).desired, 3); // within the tolerance
    /// ```
    pub fn apa(&self, current: i32, per_pod: f64) -> Recommendation {
        Algorithms { settings: self, rules: Rules::REAL }.apa(current, per_pod)
    }

    /// Knative's shape over the long and the short average of the metric.
    ///
    /// `max_panic` is the most that the present panic has asked for; the real controller forgets it
    /// between two reconciles, which is 0. The metric is compared with the target of one pod.
    pub fn kpa(&self, current: i32, stable: f64, panic: f64, max_panic: i32) -> Recommendation {
        Algorithms { settings: self, rules: Rules::REAL }.kpa(current, stable, panic, max_panic)
    }
}

impl Algorithms<'_> {
    /// [`Settings::apa`] under these rules.
    pub fn apa(&self, current: i32, per_pod: f64) -> Recommendation {
        let pods = f64::from(current);
        let ratio = per_pod / self.settings.target;
        let asked = whole((pods * ratio).ceil());
        let (proposal, after_rates) = if self.is_above(ratio, 1.0) {
            (asked, whole(f64::from(asked).min(self.most(pods))))
        } else if self.is_below(ratio, 1.0) {
            (asked, whole(f64::from(asked).max(self.least(pods))))
        } else {
            (current, current)
        };
        Recommendation { proposal, after_rates, desired: self.settings.clamp(after_rates), in_panic: false }
    }

    /// [`Settings::kpa`] under these rules.
    pub fn kpa(&self, current: i32, stable: f64, panic: f64, max_panic: i32) -> Recommendation {
        let pods = f64::from(current.max(0));
        let in_panic = self.panics(stable, panic);
        let most = self.most(pods).max(1.0);
        let least = self.least(pods);
        let recommended = |value: f64| {
            let moved = self.is_above(value, self.settings.target) || self.is_below(value, self.settings.target);
            if moved { (value / self.settings.target).ceil() } else { pods }
        };
        let within = |value: f64| whole(recommended(value).max(least).min(most));
        let after_rates = if in_panic { within(stable).max(within(panic)).max(max_panic) } else { within(stable) };
        Recommendation {
            proposal: whole(recommended(stable)),
            after_rates,
            desired: self.settings.clamp(after_rates),
            in_panic,
        }
    }

    /// Strictly: the edge of a tolerance is within it.
    fn is_above(&self, value: f64, reference: f64) -> bool {
        let tolerance = if self.rules.tolerates { self.settings.up_tolerance } else { 0.0 };
        value > reference * (1.0 + tolerance)
    }

    fn is_below(&self, value: f64, reference: f64) -> bool {
        let tolerance = if self.rules.tolerates { self.settings.down_tolerance } else { 0.0 };
        value < reference * (1.0 - tolerance)
    }

    fn most(&self, current: f64) -> f64 {
        if self.rules.growth_is_limited { (self.settings.max_scale_up_rate * current).ceil() } else { f64::MAX }
    }

    fn least(&self, current: f64) -> f64 {
        (current / self.settings.max_scale_down_rate).floor()
    }

    fn panics(&self, stable: f64, panic: f64) -> bool {
        self.rules.panics && (stable <= 0.0 || panic / stable > self.settings.panic_threshold)
    }
}

/// A float as a 32-bit count; what does not fit is cut, NaN is 0.
fn whole(count: f64) -> i32 {
    count as i32
}
