//! The planner's load decision by fixed thresholds (`optimization_target` throughput, latency or load).
//!
//! Follows `dynamo/planner/core/load_scaling.py` of `ai-dynamo` 1.6.1.

/// What the engines of a component do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Compute prompts.
    Prefill,
    /// Compute answers.
    Decode,
    /// Both.
    Aggregated,
}

/// What the planner optimizes for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// Full engines.
    Throughput,
    /// Short queues.
    Latency,
    /// The user's own thresholds.
    Load,
}

/// The user's thresholds for [`Target::Load`].
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct LoadThresholds {
    /// Queued prompt tokens of an engine that call for one more.
    pub prefill_up_tokens: Option<f64>,
    /// Queued prompt tokens of an engine that allow for one less.
    pub prefill_down_tokens: Option<f64>,
    /// Use of the KV cache in percent that calls for one more.
    pub decode_up_percent: Option<f64>,
    /// Use of the KV cache in percent that allows for one less.
    pub decode_down_percent: Option<f64>,
}

/// One engine's load, in tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct EngineLoad {
    /// Context of the sequences that it runs.
    pub scheduled_kv: f64,
    /// Context of the sequences that wait for room.
    pub queued_kv: f64,
    /// Prompts that wait.
    pub queued_prefill: f64,
}

/// Everything that one decision depends on.
#[derive(Clone, Debug, PartialEq)]
pub struct Component {
    /// What its engines do.
    pub role: Role,
    /// What for.
    pub target: Target,
    /// Engines that are ready.
    pub workers: u32,
    /// Engines that are starting.
    pub pending: u32,
    /// Fewest engines.
    pub min_endpoint: u32,
    /// Longest context of the model in tokens, if known.
    pub context_length: Option<f64>,
    /// Size of an engine's KV cache in tokens, if known.
    pub max_kv_tokens: Option<f64>,
    /// The user's thresholds.
    pub thresholds: LoadThresholds,
}

/// Why there is no decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// Neither condition holds.
    NoChange,
    /// No engines, or a threshold or capability is not known.
    InsufficientData,
}

impl Reason {
    /// The planner's word.
    pub const fn name(self) -> &'static str {
        match self {
            Reason::NoChange => "no_change",
            Reason::InsufficientData => "insufficient_data",
        }
    }
}

/// Values above (or at) one edge call for growth, below (or at) the other allow for less.
#[derive(Clone, Copy, Debug)]
pub(super) struct Edges {
    pub(super) up: f64,
    pub(super) up_at_edge: bool,
    pub(super) down: f64,
    pub(super) down_at_edge: bool,
}

impl Edges {
    fn calls(&self, value: f64) -> bool {
        value > self.up || (self.up_at_edge && value == self.up)
    }

    fn allows(&self, value: f64) -> bool {
        value < self.down || (self.down_at_edge && value == self.down)
    }
}

/// The comparisons that implementations get wrong most often, as data: tests break one at a time
/// and show that the reference vectors notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// One engine less must not call for one more at once.
    pub checks_consolidation: bool,
    /// With startups under way even the last engine may be confirmed.
    pub pending_may_be_cancelled: bool,
    /// All engines must be idle, not one.
    pub all_must_be_idle: bool,
}

impl Rules {
    /// The real ones.
    pub const REAL: Rules =
        Rules { checks_consolidation: true, pending_may_be_cancelled: true, all_must_be_idle: true };
}

impl Component {
    /// The count of engines that their loads ask for, before bounds; it may be the present one, which
    /// is not the same as no decision: it cancels startups.
    ///
    /// # Errors
    /// The reason why there is no decision.
    ///
    /// ```
    /// use flashcrowd_policies::autoscalers::dynamo::{Component, EngineLoad, Role, Target};
    /// let decode = Component {
    ///     role: Role::Decode, target: Target::Latency, workers: 2, pending: 0, min_endpoint: 1,
    ///     context_length: None, max_kv_tokens: Some(100_000.0), thresholds: Default::default(),
    /// };
    /// let load = |kv| EngineLoad { scheduled_kv: kv, ..EngineLoad::default() };
    /// assert_eq!(decode.decide(&[load(50_000.0), load(1_000.0)]), Ok(3)); // one is above 40 %
    /// ```
    pub fn decide(&self, engines: &[EngineLoad]) -> Result<u32, Reason> {
        self.decide_with(engines, Rules::REAL)
    }

    /// [`Component::decide`] under rules that need not be the real ones.
    ///
    /// # Errors
    /// The reason why there is no decision.
    pub fn decide_with(&self, engines: &[EngineLoad], rules: Rules) -> Result<u32, Reason> {
        if self.workers == 0 || engines.is_empty() {
            return Err(Reason::InsufficientData);
        }
        let edges = self.edges().ok_or(Reason::InsufficientData)?;
        let values: Vec<f64> = self.values(engines).ok_or(Reason::InsufficientData)?;
        if values.iter().any(|value| edges.calls(*value)) {
            return Ok(self.workers.saturating_add(1));
        }
        let mut idle = values.iter().map(|value| edges.allows(*value));
        let idle = if rules.all_must_be_idle { idle.all(|idle| idle) } else { idle.any(|idle| idle) };
        let may = self.workers > 1 || (self.pending > 0 && rules.pending_may_be_cancelled);
        if !idle || !may {
            return Err(Reason::NoChange);
        }
        let fewer = (self.workers - 1).max(self.min_endpoint);
        let most = values.iter().copied().fold(0.0, f64::max);
        if rules.checks_consolidation && fewer > 0 && fewer < self.workers {
            let after = most * f64::from(self.workers) / f64::from(fewer);
            if after >= edges.up {
                return Ok(self.workers);
            }
        }
        Ok(fewer)
    }

    pub(super) fn edges(&self) -> Option<Edges> {
        let own = &self.thresholds;
        Some(match (self.role, self.target) {
            (Role::Prefill, Target::Throughput) => Edges { up: 1.0, up_at_edge: true, down: 0.1, down_at_edge: false },
            (Role::Prefill, Target::Latency) => Edges { up: 0.1, up_at_edge: true, down: 0.0, down_at_edge: true },
            (Role::Prefill, Target::Load) => Edges {
                up: own.prefill_up_tokens?,
                up_at_edge: true,
                down: own.prefill_down_tokens?,
                down_at_edge: true,
            },
            (_, Target::Throughput) => Edges { up: 1.0, up_at_edge: false, down: 0.6, down_at_edge: false },
            (_, Target::Latency) => Edges { up: 0.4, up_at_edge: false, down: 0.1, down_at_edge: false },
            (_, Target::Load) => Edges {
                up: own.decode_up_percent? / 100.0,
                up_at_edge: true,
                down: own.decode_down_percent? / 100.0,
                down_at_edge: true,
            },
        })
    }

    /// What is compared, for each engine: tokens or shares.
    pub(super) fn values(&self, engines: &[EngineLoad]) -> Option<Vec<f64>> {
        let known = |size: Option<f64>| size.filter(|size| *size > 0.0);
        let value: Box<dyn Fn(&EngineLoad) -> f64> = match (self.role, self.target) {
            (Role::Prefill, Target::Load) => Box::new(|engine| engine.queued_prefill),
            (Role::Prefill, _) => {
                let length = known(self.context_length)?;
                Box::new(move |engine| engine.queued_prefill / length)
            }
            (Role::Decode, _) => {
                let size = known(self.max_kv_tokens)?;
                Box::new(move |engine| (engine.scheduled_kv + engine.queued_kv) / size)
            }
            (Role::Aggregated, _) => {
                let size = known(self.max_kv_tokens)?;
                Box::new(move |engine| (engine.scheduled_kv + engine.queued_kv + engine.queued_prefill) / size)
            }
        };
        Some(engines.iter().map(value).collect())
    }
}
