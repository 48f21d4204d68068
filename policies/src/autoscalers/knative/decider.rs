//! One decision of the Knative Pod Autoscaler: how many pods it recommends, stable or in panic.
//!
//! Follows `pkg/autoscaler/scaling/autoscaler.go` of `knative/serving` @ 98e5ef90.

use super::buckets::{Aggregation, Buckets};
use super::delay::DelayWindow;

const NS_PER_S: i64 = 1_000_000_000;

/// What a decider knows about its revision.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DeciderSpec {
    /// How seconds count in the averages.
    pub aggregation: Aggregation,
    /// Wanted metric value a pod (requests in flight, or requests a second).
    pub target_value: f64,
    /// What a pod can bear, in the same unit.
    pub total_value: f64,
    /// Burst that the pods should take without the activator, in requests; -1: without limit.
    pub target_burst_capacity: f64,
    /// Panic begins at this multiple of the ready pods.
    pub panic_threshold: f64,
    /// At most this multiple of the ready pods in one decision.
    pub max_scale_up_rate: f64,
    /// At least the ready pods divided by this in one decision.
    pub max_scale_down_rate: f64,
    /// Length of the stable window in seconds.
    pub stable_window_s: u32,
    /// Length of the panic window in seconds.
    pub panic_window_s: u32,
    /// A lower recommendation counts only after this, in nanoseconds.
    pub scale_down_delay_ns: i64,
    /// Fewest pods where there is any demand; 0 or 1 for none.
    pub activation_scale: i32,
    /// Whether a route leads to the revision.
    pub reachable: bool,
    /// `max-scale`; 0 for none. The decision itself ignores it; see [`Rules::panic_ends_while_starting`].
    pub max_scale: i32,
    /// Which of the real rules hold.
    pub rules: Rules,
}

/// Rules of the real controller that a variant may replace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a rule of its own")]
pub struct Rules {
    /// Panic ends a stable window after its last cause, whether or not the pods that it asked for
    /// have come up (knative/serving#3153). If false, it goes on while fewer are ready than wanted
    /// and there is demand.
    pub panic_ends_while_starting: bool,
    /// Panic ends strictly after the stable window, not at its edge.
    pub panic_end_is_strict: bool,
    /// In panic the desired count never falls.
    pub panic_never_falls: bool,
    /// The excess burst capacity counts what a pod can bear, not what it should.
    pub burst_counts_total: bool,
}

impl Rules {
    /// The real controller.
    pub const FAITHFUL: Rules = Rules {
        panic_ends_while_starting: true,
        panic_end_is_strict: true,
        panic_never_falls: true,
        burst_counts_total: true,
    };
    /// Without the quirk.
    pub const FIXED: Rules = Rules { panic_ends_while_starting: false, ..Rules::FAITHFUL };
}

/// What a decider found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Verdict {
    /// Average over the stable window, in the metric's unit.
    pub stable: f64,
    /// Average over the panic window, in the metric's unit.
    pub panic: f64,
    /// Pods that the stable average alone asks for.
    pub stable_pods: i32,
    /// Pods that the panic average alone asks for.
    pub panic_pods: i32,
    /// The desired count of the stable window, after the rates.
    pub after_rates: i32,
    /// After the activation scale.
    pub after_activation: i32,
    /// After panic.
    pub after_panic: i32,
    /// Recommended pods, before `min-scale` and `max-scale`.
    pub desired: i32,
    /// Burst that the ready pods can take beyond the target burst capacity, in requests; negative
    /// puts the activator into the path.
    pub excess_burst_capacity: i32,
}

/// The memory of one revision's autoscaler.
#[derive(Clone, Debug, PartialEq)]
pub struct Decider {
    spec: DeciderSpec,
    stable: Buckets,
    panic: Buckets,
    delay: Option<DelayWindow>,
    /// When panic last had a cause, in nanoseconds.
    panic_since_ns: Option<i64>,
    max_panic_pods: i32,
}

impl Decider {
    /// A decider created at `now_ns` while `ready` pods are ready: it starts in panic if there is more than one.
    pub fn new(spec: DeciderSpec, now_ns: i64, ready: u32) -> Self {
        Decider {
            stable: Buckets::new(spec.stable_window_s, spec.aggregation),
            panic: Buckets::new(spec.panic_window_s, spec.aggregation),
            delay: DelayWindow::new(spec.scale_down_delay_ns),
            panic_since_ns: (ready > 1).then_some(now_ns),
            max_panic_pods: pods(f64::from(ready)),
            spec,
        }
    }

    /// Its parameters.
    pub fn spec(&self) -> &DeciderSpec {
        &self.spec
    }

    /// Whether it panics.
    pub fn in_panic(&self) -> bool {
        self.panic_since_ns.is_some()
    }

    /// The most pods desired in this panic.
    pub fn max_panic_pods(&self) -> i32 {
        self.max_panic_pods
    }

    /// Adds a report of the revision's metric.
    pub fn record(&mut self, now_ns: i64, value: f64) {
        let second = now_ns.div_euclid(NS_PER_S);
        self.stable.record(second, value);
        self.panic.record(second, value);
    }

    /// Decides while `ready_pods` are ready; `None` if there is no data, and then nothing changes.
    pub fn decide(&mut self, now_ns: i64, ready_pods: u32) -> Option<Verdict> {
        let second = now_ns.div_euclid(NS_PER_S);
        if self.stable.is_empty(second) {
            return None;
        }
        let spec = self.spec;
        let (stable, panic) = (self.stable.average(second), self.panic.average(second));
        let ready = f64::from(ready_pods.max(1));
        let most = (spec.max_scale_up_rate * ready).ceil();
        let least = if spec.reachable { (ready / spec.max_scale_down_rate).floor() } else { 0.0 };
        let stable_wish = (stable / spec.target_value).ceil();
        let panic_wish = (panic / spec.target_value).ceil();
        let within = |desired: f64| pods(desired.max(least).min(most));
        let activated = |desired: i32, demand: f64| {
            if spec.activation_scale > 1 && demand > 0.0 { desired.max(spec.activation_scale) } else { desired }
        };
        let calm = activated(within(stable_wish), stable_wish);
        let alarmed = activated(within(panic_wish), panic_wish);
        let over = panic_wish / ready >= spec.panic_threshold;
        self.update_panic(now_ns, over, ready_pods, stable_wish);
        let after_panic = if self.in_panic() { self.panicked(calm.max(alarmed)) } else { calm };
        let mut desired = after_panic;
        if let Some(delay) = self.delay.as_mut().filter(|_| spec.reachable) {
            desired = delay.largest_with(second, after_panic);
        }
        Some(Verdict {
            stable,
            panic,
            stable_pods: pods(stable_wish),
            panic_pods: pods(panic_wish),
            after_rates: within(stable_wish),
            after_activation: calm,
            after_panic,
            desired,
            excess_burst_capacity: self.excess_burst_capacity(ready_pods, panic),
        })
    }

    fn update_panic(&mut self, now_ns: i64, over: bool, ready_pods: u32, stable_wish: f64) {
        if over {
            self.panic_since_ns = Some(now_ns);
            return;
        }
        let Some(since) = self.panic_since_ns else { return };
        let end = since.saturating_add(i64::from(self.spec.stable_window_s) * NS_PER_S);
        let elapsed = if self.spec.rules.panic_end_is_strict { end < now_ns } else { end <= now_ns };
        if elapsed && (self.spec.rules.panic_ends_while_starting || !self.is_starting(ready_pods, stable_wish)) {
            (self.panic_since_ns, self.max_panic_pods) = (None, 0);
        }
    }

    /// Whether pods that this panic asked for, and may have, are not ready yet though there is demand.
    fn is_starting(&self, ready_pods: u32, stable_wish: f64) -> bool {
        let cap = if self.spec.max_scale > 0 { self.spec.max_scale } else { i32::MAX };
        stable_wish > 0.0 && f64::from(ready_pods) < f64::from(self.max_panic_pods.min(cap))
    }

    fn panicked(&mut self, desired: i32) -> i32 {
        self.max_panic_pods = self.max_panic_pods.max(desired);
        if self.spec.rules.panic_never_falls { self.max_panic_pods } else { desired }
    }

    fn excess_burst_capacity(&self, ready_pods: u32, panic: f64) -> i32 {
        let spec = &self.spec;
        if spec.target_burst_capacity == 0.0 {
            0
        } else if spec.target_burst_capacity < 0.0 {
            -1
        } else {
            let bearable = if spec.rules.burst_counts_total { spec.total_value } else { spec.target_value };
            pods((f64::from(ready_pods) * bearable - spec.target_burst_capacity - panic).floor())
        }
    }
}

/// A float as a 32-bit count; what does not fit is cut, NaN is 0.
fn pods(count: f64) -> i32 {
    count as i32
}
