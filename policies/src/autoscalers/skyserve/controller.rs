//! One decision of `SkyServe`'s autoscalers: the target, its hysteresis, and which replicas are
//! added and removed.

use super::policy::{Algorithm, Quirks, ReplicaPolicy, TargetQps, Thresholds};
use super::replica::{Replica, live, victims};
use super::window::WINDOW_S;
use super::{fallback, instance_aware, pool};

/// What the load is at a decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Demand {
    /// Requests that arrived in the last 60 s.
    Requests(u64),
    /// Jobs that wait in a pool's queue.
    PendingJobs(u64),
}

impl Demand {
    pub(super) fn qps(self) -> f64 {
        match self {
            Demand::Requests(count) => count as f64 / WINDOW_S as f64,
            Demand::PendingJobs(_) => 0.0,
        }
    }
}

/// Replicas to launch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Launch {
    /// How many.
    pub count: u32,
    /// Spot or on-demand; `None` leaves it to the task.
    pub use_spot: Option<bool>,
}

/// What one decision came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// How many replicas the load asks for, within the bounds.
    pub proposal: i64,
    /// Replicas to launch, in order.
    pub scale_up: Vec<Launch>,
    /// Replicas to give up, in order.
    pub scale_down: Vec<u32>,
    /// Why the real code would have failed and done nothing; the counters have moved all the same.
    pub error: Option<String>,
}

impl Plan {
    pub(super) fn launch(&mut self, count: i64, use_spot: Option<bool>) {
        self.scale_up.push(Launch { count: u32::try_from(count).unwrap_or(u32::MAX), use_spot });
    }
}

/// A `SkyServe` autoscaler and its memory.
///
/// ```
/// use flashcrowd_policies::autoscalers::skyserve::{Controller, Demand, Quirks, ReplicaPolicy, TargetQps};
/// let policy = ReplicaPolicy {
///     min_replicas: 1,
///     max_replicas: Some(10),
///     target_qps_per_replica: TargetQps::Replica(2.0),
///     upscale_delay_s: Some(0.0),
///     ..ReplicaPolicy::default()
/// };
/// let mut controller = Controller::new(policy, Quirks::default())?;
/// // 600 requests a minute are 10 per second.
/// let plan = controller.decide(&[], Demand::Requests(600));
/// assert_eq!((controller.final_target(), plan.scale_up[0].count), (5, 5));
/// # Ok::<(), flashcrowd_policies::autoscalers::skyserve::PolicyError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Controller {
    policy: ReplicaPolicy,
    quirks: Quirks,
    algorithm: Algorithm,
    thresholds: Thresholds,
    target: i64,
    up_counter: u32,
    down_counter: u32,
    /// Those of the real controller, unless a test breaks one.
    pub rules: Rules,
}

/// The comparisons that implementations get wrong most often, as data: tests break one at a time
/// and show that the reference vectors notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// At a target of 0 a proposal holds at once, and the counters stay.
    pub zero_target_moves_at_once: bool,
    /// On-demand replicas are capped at the target, not at the final target.
    pub fallback_caps_at_target: bool,
    /// Terminal records count as replicas when the instance-aware autoscaler grows.
    pub all_records_count: bool,
}

impl Rules {
    const SKYSERVE: Rules =
        Rules { zero_target_moves_at_once: true, fallback_caps_at_target: true, all_records_count: true };
}

impl Controller {
    /// A controller whose target is the lower bound.
    ///
    /// # Errors
    /// If the policy is one that `SkyServe` refuses.
    pub fn new(policy: ReplicaPolicy, quirks: Quirks) -> Result<Self, super::PolicyError> {
        policy.validate()?;
        Ok(Controller::unchecked(policy, quirks))
    }

    /// As [`Controller::new`], for policies that the classes themselves take though the reader of
    /// YAML would not, as the reference vectors do.
    pub fn unchecked(policy: ReplicaPolicy, quirks: Quirks) -> Self {
        Controller {
            algorithm: policy.algorithm(),
            thresholds: policy.thresholds(),
            target: i64::from(policy.min_replicas),
            up_counter: 0,
            down_counter: 0,
            rules: Rules::SKYSERVE,
            quirks,
            policy,
        }
    }

    /// The same under another algorithm than the one that its policy selects.
    #[must_use]
    pub fn with_algorithm(mut self, algorithm: Algorithm) -> Self {
        self.algorithm = algorithm;
        self
    }

    /// Its policy.
    pub fn policy(&self) -> &ReplicaPolicy {
        &self.policy
    }

    /// Which autoscaler it is.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The delays in decisions.
    pub fn thresholds(&self) -> Thresholds {
        self.thresholds
    }

    /// The target, without what is kept above it.
    pub fn target(&self) -> i64 {
        self.target
    }

    /// The target with what is kept above it.
    pub fn final_target(&self) -> i64 {
        self.target + i64::from(self.policy.num_overprovision.unwrap_or(0))
    }

    /// Decisions in a row that wanted more, and that wanted less.
    pub fn counters(&self) -> (u32, u32) {
        (self.up_counter, self.down_counter)
    }

    /// Decides once. `replicas` are all records, terminal ones included, of the latest version.
    pub fn decide(&mut self, replicas: &[Replica], demand: Demand) -> Plan {
        let proposal = self.propose(replicas, demand);
        self.move_target(proposal);
        let mut plan = match self.algorithm {
            Algorithm::RequestRate => self.balance(replicas, victims),
            Algorithm::InstanceAware => {
                let order = instance_aware::victims(&self.policy, self.quirks.instance_aware_ignores_status);
                self.balance(replicas, order)
            }
            Algorithm::Pool => self.balance(replicas, pool::idle_victims),
            Algorithm::Fallback => fallback::plan(self, replicas),
        };
        plan.proposal = proposal;
        plan
    }

    fn propose(&self, replicas: &[Replica], demand: Demand) -> i64 {
        let raw = match (self.algorithm, demand) {
            (Algorithm::Pool, Demand::PendingJobs(pending)) => pool::propose(&self.policy, self.target, pending),
            (Algorithm::Pool, Demand::Requests(_)) => self.target,
            (Algorithm::InstanceAware, _) => {
                let rules = instance_aware::Rules {
                    all_records_count: self.rules.all_records_count,
                    stays_at_zero: self.quirks.instance_aware_stays_at_zero,
                };
                instance_aware::propose(&self.policy, replicas, demand.qps(), rules)
            }
            (Algorithm::RequestRate | Algorithm::Fallback, _) => match self.policy.target_qps_per_replica {
                TargetQps::Replica(target_qps) => (demand.qps() / target_qps).ceil() as i64,
                TargetQps::Unset | TargetQps::Gpu(_) => return i64::from(self.policy.min_replicas),
            },
        };
        self.policy.clip(raw)
    }

    /// The target follows a proposal that stands for as many decisions as the threshold says.
    fn move_target(&mut self, proposal: i64) {
        if self.target == 0 && self.rules.zero_target_moves_at_once {
            self.target = proposal;
        } else if proposal > self.target {
            self.up_counter += 1;
            self.down_counter = 0;
            if self.up_counter >= self.thresholds.up {
                self.up_counter = 0;
                self.target = proposal;
            }
        } else if proposal < self.target {
            self.down_counter += 1;
            self.up_counter = 0;
            if self.down_counter >= self.thresholds.down {
                self.down_counter = 0;
                self.target = proposal;
            }
        } else {
            (self.up_counter, self.down_counter) = (0, 0);
        }
    }

    /// Launches what is missing or gives up what is too many, all of one kind.
    fn balance(&self, replicas: &[Replica], order: impl Fn(Vec<&Replica>, usize) -> Vec<u32>) -> Plan {
        let live = live(replicas);
        let missing = self.final_target() - live.len() as i64;
        let mut plan = Plan::default();
        if missing > 0 {
            plan.launch(missing, None);
        } else {
            plan.scale_down = order(live, missing.unsigned_abs() as usize);
        }
        plan
    }

    /// The repairs in force.
    pub(super) fn quirks(&self) -> Quirks {
        self.quirks
    }
}
