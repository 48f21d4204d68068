//! The planner behind the simulator's port: engines' tokens become decisions, and these, within
//! bounds and budget, counts of engines.

use super::config::{Mode, PlannerConfig};
use super::easy::{Component, EngineLoad, Role};
use flashcrowd_core::SimDuration;
use flashcrowd_core::ports::{
    Action, Adapter, Attribution, Autoscaler, Batch, Class, Controller, Decision, Explanation, Limit,
    MetricExplanation, MissingAs, Observation, Pipeline, ReplicaId, Sampler, Schedule, Scope, SignalRequest,
    SignalSource, Stamp, TargetId, TargetView, Transform, Want, Watched,
};
use std::collections::BTreeMap;

/// How often an engine's forward passes are reported.
const REPORT: SimDuration = SimDuration::from_s(1);

/// The engines of one role.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Engines {
    /// Their deployment.
    pub target: TargetId,
    /// Longest context of the model in tokens, if known.
    pub context_length: Option<f64>,
    /// Size of an engine's KV cache in tokens, if known.
    pub max_kv_tokens: Option<f64>,
    /// GPUs of an engine; the configuration's number wins.
    pub gpus: u32,
}

/// What a [`DynamoPlanner`] is made of.
#[derive(Clone, Debug, PartialEq)]
pub struct DynamoOptions {
    /// Its name; `dynamo/` is put before it.
    pub name: String,
    /// The user's configuration.
    pub config: PlannerConfig,
    /// Engines that compute prompts, where the mode has them.
    pub prefill: Option<Engines>,
    /// Engines that compute answers (or both), where the mode has them.
    pub decode: Option<Engines>,
    /// Time of the first tick; `None` draws it.
    pub phase: Option<SimDuration>,
}

/// Why a planner cannot be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlannerError {
    /// Engines that the mode needs, or has not.
    #[error("mode {mode:?} {verb} {role} engines")]
    Engines {
        /// The mode.
        mode: Mode,
        /// `needs` or `has no`.
        verb: &'static str,
        /// `prefill` or `decode`.
        role: &'static str,
    },
    /// Both roles are one target.
    #[error("prefill and decode engines share a target: expected one for each")]
    SharedTarget,
    /// The fewest engines do not fit.
    #[error("max_gpu_budget is less than min_endpoint engines of each role need: no count is possible")]
    Budget,
}

/// The engines of one role and what is remembered of them.
#[derive(Clone, Debug)]
struct Member {
    engines: Engines,
    role: Role,
    gpus: u32,
    /// What each of them reports, in the order of its signals.
    sources: &'static [SignalSource],
    newest: Vec<Option<Batch>>,
}

/// A Dynamo planner of one deployment.
#[derive(Clone, Debug)]
pub struct DynamoPlanner {
    config: PlannerConfig,
    /// Prefill first.
    members: Vec<Member>,
}

/// What one role comes to: its count before the budget, and why.
struct Recommendation {
    target: TargetId,
    current: u32,
    spec: u32,
    count: u32,
    why: Explanation,
}

impl DynamoPlanner {
    /// A planner of the engines that its mode has.
    ///
    /// # Errors
    /// If engines are missing or too many, or the budget cannot hold the fewest.
    pub fn new(options: DynamoOptions) -> Result<Controller<Self>, PlannerError> {
        let DynamoOptions { name, config, prefill, decode, phase } = options;
        let mode = config.mode;
        check(mode, mode.has_prefill(), prefill.is_some(), "prefill")?;
        check(mode, mode.has_decode(), decode.is_some(), "decode")?;
        let decode_role = if mode == Mode::Aggregated { Role::Aggregated } else { Role::Decode };
        let mut members = Vec::new();
        members.extend(prefill.map(|engines| Member::new(engines, Role::Prefill, config.prefill_gpus)));
        members.extend(decode.map(|engines| Member::new(engines, decode_role, config.decode_gpus)));
        let mut targets: Vec<Watched> = members.iter().map(Member::watched).collect();
        targets.sort_by_key(|watched| watched.target);
        if targets.windows(2).any(|pair| pair[0].target == pair[1].target) {
            return Err(PlannerError::SharedTarget);
        }
        let gpus: Vec<u32> = members.iter().map(|member| member.gpus).collect();
        if !config.budget.is_feasible(&gpus) {
            return Err(PlannerError::Budget);
        }
        let period = SimDuration::from_s_f64(config.interval_s);
        let schedule = Schedule { phase, ..Schedule::every(period) };
        let policy = DynamoPlanner { config, members };
        Ok(Controller { name: format!("dynamo/{name}").into(), schedule, targets, policy })
    }

    /// Its configuration.
    pub fn config(&self) -> &PlannerConfig {
        &self.config
    }

    /// What the engines of one role ask for. Without a decision the register stays as it is.
    fn recommend(&mut self, index: usize, view: &TargetView) -> Recommendation {
        let member = &mut self.members[index];
        let (loads, role) = (member.loads(view), member.role);
        let current = view.ready_replicas;
        let pending = view.status_replicas.max(view.spec_replicas).saturating_sub(current);
        let component = Component {
            role,
            target: self.config.target,
            workers: current,
            pending,
            min_endpoint: self.config.budget.min_endpoint,
            context_length: member.engines.context_length,
            max_kv_tokens: member.engines.max_kv_tokens,
            thresholds: self.config.thresholds,
        };
        let (asked, mut note) = if loads.len() == current as usize {
            match component.decide(&loads) {
                Ok(count) => (Some(count), String::new()),
                Err(reason) => (None, reason.name().to_owned()),
            }
        } else {
            (None, "worker_count_mismatch".to_owned())
        };
        // While engines start, no more are ordered; fewer may be wanted, and then starting engines
        // are removed first.
        let growing = pending > 0 && asked.is_some_and(|count| count > current);
        if growing {
            "dropped: engines are starting".clone_into(&mut note);
        }
        let count = asked.filter(|_| !growing).unwrap_or(view.spec_replicas);
        let metrics = vec![explain(&component, &loads, asked, note)];
        let mut why = Explanation { metrics, ..Explanation::default() };
        let bounded = count.max(self.config.budget.min_endpoint);
        limit(&mut why, "MinEndpoint", count, bounded);
        Recommendation { target: view.target, current, spec: view.spec_replicas, count: bounded, why }
    }

    fn within_budget(&self, recommendations: &[Recommendation]) -> Vec<u32> {
        let budget = &self.config.budget;
        match (recommendations, self.members.as_slice()) {
            ([one], [member]) => vec![budget.fit_one(one.count, member.gpus)],
            ([prefill, decode], [first, second]) => {
                let (p, d) = budget.fit_two((prefill.count, decode.count), (first.gpus, second.gpus));
                vec![p, d]
            }
            _ => recommendations.iter().map(|recommendation| recommendation.count).collect(),
        }
    }
}

fn check(mode: Mode, wanted: bool, given: bool, role: &'static str) -> Result<(), PlannerError> {
    match (wanted, given) {
        (true, false) => Err(PlannerError::Engines { mode, verb: "needs", role }),
        (false, true) => Err(PlannerError::Engines { mode, verb: "has no", role }),
        _ => Ok(()),
    }
}

fn limit(explanation: &mut Explanation, name: &'static str, before: u32, after: u32) {
    if before != after {
        explanation.limits.push(Limit { name, before, after });
    }
}

fn explain(component: &Component, loads: &[EngineLoad], asked: Option<u32>, note: String) -> MetricExplanation {
    let name = match component.role {
        Role::Prefill => "prefill engines: queued prompts",
        Role::Decode => "decode engines: KV cache",
        Role::Aggregated => "engines: KV cache and queued prompts",
    };
    let values = component.values(loads).unwrap_or_default();
    MetricExplanation {
        name: name.into(),
        current: values.into_iter().reduce(f64::max),
        target: component.edges().map_or(f64::NAN, |edges| edges.up),
        proposal: asked,
        note,
    }
}

impl Member {
    fn new(engines: Engines, role: Role, configured: Option<u32>) -> Self {
        let sources: &'static [SignalSource] = match role {
            Role::Prefill => &[SignalSource::QueuedPromptTokens],
            Role::Decode => &[SignalSource::RunningContextTokens, SignalSource::QueuedContextTokens],
            Role::Aggregated => &[
                SignalSource::RunningContextTokens,
                SignalSource::QueuedContextTokens,
                SignalSource::QueuedPromptTokens,
            ],
        };
        let gpus = configured.unwrap_or(engines.gpus).max(1);
        Member { engines, role, gpus, newest: vec![None; sources.len()], sources }
    }

    fn watched(&self) -> Watched {
        let wants = self.sources.iter().map(|source| Want::Signal(request(*source))).collect();
        Watched { target: self.engines.target, wants }
    }

    /// The load of every ready engine that has reported all that is asked of it.
    fn loads(&mut self, view: &TargetView) -> Vec<EngineLoad> {
        for (index, newest) in self.newest.iter_mut().enumerate() {
            let signal = view.signals.iter().find(|signal| signal.signal.0 as usize == index);
            match signal.and_then(|signal| signal.batches.as_ref()) {
                Some(batches) => *newest = batches.last().cloned().or_else(|| newest.take()),
                None => *newest = None,
            }
        }
        let tables: Vec<BTreeMap<ReplicaId, f64>> = self.newest.iter().map(|batch| values(batch.as_ref())).collect();
        let ready = view.replicas.iter().filter(|replica| replica.ready == Some(true) && replica.deleted.is_none());
        let loads = ready.filter_map(|replica| {
            let mut load = EngineLoad::default();
            for (source, table) in self.sources.iter().zip(&tables) {
                let value = *table.get(&replica.id)?;
                match source {
                    SignalSource::QueuedPromptTokens => load.queued_prefill = value,
                    SignalSource::RunningContextTokens => load.scheduled_kv = value,
                    _ => load.queued_kv = value,
                }
            }
            Some(load)
        });
        loads.collect()
    }
}

fn values(batch: Option<&Batch>) -> BTreeMap<ReplicaId, f64> {
    let samples = batch.into_iter().flat_map(|batch| &batch.samples);
    let known = samples.filter(|sample| sample.value.is_finite());
    known.filter_map(|sample| Some((sample.replica?, sample.value.max(0.0)))).collect()
}

/// Engines report their forward passes themselves, without an exporter between.
fn request(source: SignalSource) -> SignalRequest {
    let name = match source {
        SignalSource::QueuedPromptTokens => "queued_prefill_tokens",
        SignalSource::RunningContextTokens => "scheduled_decode_kv_tokens",
        _ => "queued_decode_kv_tokens",
    };
    let pipeline = Pipeline {
        sampler: Sampler::Instant,
        collect_period: None,
        scrape_period: REPORT,
        scrape_failure: 0.0,
        transform: Transform::None,
        rule_period: None,
        adapter: Adapter::Live,
        relist_period: None,
        missing: MissingAs::Drop,
        stamp: Stamp::Sample,
        attribution: Attribution::Pod,
    };
    SignalRequest { name: name.to_owned(), source, scope: Scope::Replica, pipeline }
}

impl Autoscaler for DynamoPlanner {
    fn decide(&mut self, seen: &Observation) -> Decision {
        let mut recommendations = Vec::new();
        for index in 0..self.members.len() {
            let target = self.members[index].engines.target;
            let Some(view) = seen.view(target) else { return Decision::hold() };
            recommendations.push(self.recommend(index, view));
        }
        let counts = self.within_budget(&recommendations);
        let mut decision = Decision::hold();
        for (recommendation, replicas) in recommendations.into_iter().zip(counts) {
            let Recommendation { target, current, spec, count, mut why } = recommendation;
            limit(&mut why, "GpuBudget", count, replicas);
            let reason = match replicas.cmp(&current) {
                _ if replicas == spec => "no_change",
                std::cmp::Ordering::Less => "scale_down",
                std::cmp::Ordering::Equal => "startups_cancelled",
                std::cmp::Ordering::Greater => "scale_up",
            };
            reason.clone_into(&mut why.reason);
            if self.config.advisory {
                why.reason.push_str(" (advisory: not carried out)");
            } else if replicas != spec {
                decision.actions.push(Action::SetReplicas { target, replicas, class: Class::default() });
            }
            decision.explanations.insert(target, Box::new(why));
        }
        decision
    }
}
