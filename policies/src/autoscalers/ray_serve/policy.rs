//! One round of the control loop (`serve/autoscaling_policy.py`,
//! `serve/_private/autoscaling_state.py`).

use super::config::{AutoscalingConfig, Bounds, ConfigError, DelayClock, Settings};
use std::cmp::Ordering;

/// Time between two rounds in seconds, by which delays in rounds are counted.
const CONTROL_LOOP_INTERVAL_S: f64 = 0.1;
/// A delay may end this much early, in seconds.
const SLACK_S: f64 = 1e-6;

/// A deployment's autoscaling and its memory.
///
/// ```
/// use flashcrowd_policies::autoscalers::ray_serve::{AutoscalingConfig, Policy, Settings};
/// let config = AutoscalingConfig { max_replicas: 10, upscale_delay_s: 1.0, ..AutoscalingConfig::default() };
/// let mut policy = Policy::new(config, Settings::default())?;
/// assert_eq!(policy.decide(0.0, 2, 2, 12.0).decision, 2); // 6 wanted, for how long?
/// assert_eq!(policy.decide(1.0, 2, 2, 12.0).decision, 6);
/// # Ok::<(), flashcrowd_policies::autoscalers::ray_serve::ConfigError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Policy {
    config: AutoscalingConfig,
    settings: Settings,
    bounds: Bounds,
    counter: i64,
    since_s: Option<f64>,
    /// Those of the real policy, unless a test breaks one.
    pub rules: Rules,
}

/// The comparisons that implementations get wrong most often, as data: tests break one at a time
/// and show that the reference vectors notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// A delay ends when it is exactly over.
    pub delay_edge_fires: bool,
    /// The gain acts on running replicas, not on the target.
    pub gain_on_running: bool,
    /// Where rounding up holds a downscale up, one replica goes.
    pub forces_last_step: bool,
}

impl Rules {
    const RAY: Rules = Rules { delay_edge_fires: true, gain_on_running: true, forces_last_step: true };
}

/// What one round came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// How many replicas the load asks for, after gain and rounding.
    pub proposal: u32,
    /// What the delays let through, before the bounds.
    pub raw: u32,
    /// The new target.
    pub decision: u32,
}

impl Policy {
    /// A policy without memory.
    ///
    /// # Errors
    /// If the config is one that Ray refuses.
    pub fn new(config: AutoscalingConfig, settings: Settings) -> Result<Self, ConfigError> {
        config.validate()?;
        if let Some(percent) = settings.target_capacity_percent.filter(|p| !(0.0..=100.0).contains(p)) {
            let message = format!("expected 0 to 100, found {percent}");
            return Err(ConfigError { field: "target_capacity", message });
        }
        let bounds = config.bounds(settings.target_capacity_percent);
        Ok(Policy { config, settings, bounds, counter: 0, since_s: None, rules: Rules::RAY })
    }

    /// Its config.
    pub fn config(&self) -> &AutoscalingConfig {
        &self.config
    }

    /// Its bounds.
    pub fn bounds(&self) -> Bounds {
        self.bounds
    }

    /// Rounds in a row that wanted more, or less if negative.
    pub fn counter(&self) -> i64 {
        self.counter
    }

    /// When the first of them was, in seconds.
    pub fn counter_since_s(&self) -> Option<f64> {
        self.since_s
    }

    /// One round: `running` replicas run, `current` are wanted, `total` requests are ongoing.
    /// `now_s` is in seconds since any fixed instant and must not decrease.
    pub fn decide(&mut self, now_s: f64, running: u32, current: u32, total: f64) -> Outcome {
        let skips_delay = running == 0 && self.settings.quirks.growth_from_zero_skips_delay;
        if running == 0 && total > 0.0 {
            let wanted = whole(self.config.up_factor().ceil()).max(current);
            if skips_delay {
                return self.bounded(wanted, wanted);
            }
            let raw = self.delayed(now_s, current, wanted);
            return self.bounded(wanted, raw);
        }
        let proposal = self.propose(running, current, total);
        if skips_delay && proposal > 0 {
            return self.bounded(proposal, proposal);
        }
        let raw = self.delayed(now_s, current, proposal);
        self.bounded(proposal, raw)
    }

    fn bounded(&self, proposal: u32, raw: u32) -> Outcome {
        let decision = raw.min(self.bounds.upper).max(self.bounds.lower);
        Outcome { proposal, raw, decision }
    }

    fn propose(&self, running: u32, current: u32, total: f64) -> u32 {
        if running == 0 {
            return current;
        }
        let run = f64::from(running);
        // The order of operations matters: another order rounds differently.
        let ratio = total / (self.config.target_ongoing_requests * run);
        let desired = run * ratio;
        let factor = if desired > run { self.config.up_factor() } else { self.config.down_factor() };
        let base = if self.rules.gain_on_running { run } else { f64::from(current) };
        let smoothed = base + factor * (desired - base);
        if !self.settings.quirks.rounds_up_downwards && desired < run {
            return whole((smoothed + 0.5).floor());
        }
        let rounded = whole(smoothed.ceil());
        let is_stuck = desired.ceil() < run && rounded == running;
        if is_stuck && self.rules.forces_last_step { rounded - 1 } else { rounded }
    }

    /// What `wanted` comes to once the delay is over; until then the present target.
    fn delayed(&mut self, now_s: f64, current: u32, wanted: u32) -> u32 {
        let direction = match wanted.cmp(&current) {
            Ordering::Equal => {
                self.clear();
                return current;
            }
            Ordering::Greater => 1,
            Ordering::Less => -1,
        };
        let (wanted, delay_s) =
            if direction > 0 { (wanted, self.config.upscale_delay_s) } else { self.down(current, wanted) };
        if self.counter.signum() == -direction {
            self.clear();
        }
        self.counter += direction;
        let since_s = *self.since_s.get_or_insert(now_s);
        let is_over = match self.settings.delay_clock {
            DelayClock::Wall if self.rules.delay_edge_fires => now_s - since_s + SLACK_S >= delay_s,
            DelayClock::Wall => now_s - since_s - SLACK_S > delay_s,
            DelayClock::Ticks => self.counter.unsigned_abs() > (delay_s / CONTROL_LOOP_INTERVAL_S) as u64,
        };
        if !is_over {
            return current;
        }
        self.clear();
        wanted
    }

    /// How far down, and after which delay in seconds.
    fn down(&self, current: u32, wanted: u32) -> (u32, f64) {
        let config = &self.config;
        let to_zero_s = config.downscale_to_zero_delay_s.unwrap_or(config.downscale_delay_s);
        match (current, self.settings.quirks.never_to_zero_in_one_step) {
            (1, true) => (wanted, to_zero_s),
            (_, true) => (wanted.max(1), config.downscale_delay_s),
            (_, false) if wanted == 0 => (0, to_zero_s),
            (_, false) => (wanted, config.downscale_delay_s),
        }
    }

    fn clear(&mut self) {
        self.counter = 0;
        self.since_s = None;
    }
}

/// A count; what is below zero is zero.
fn whole(value: f64) -> u32 {
    value as u32
}
