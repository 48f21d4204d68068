//! One minute of scaling: what each policy proposes, cooldowns, and which proposal holds.

use super::alarm::Points;
use super::config::{AdjustmentType, Approximation, Policy, PolicyKind, ScalableTarget, Step, StepScaling};
use flashcrowd_core::{SimDuration, SimTime};

/// What one policy wants at one minute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proposal {
    /// More capacity.
    Out(u32),
    /// Less.
    In(u32),
    /// Nothing.
    Hold,
}

/// A scalable target with its policies, and their memory.
///
/// ```
/// use flashcrowd_core::SimTime;
/// use flashcrowd_policies::autoscalers::aws::*;
/// let target = ScalableTarget { min_capacity: 1, max_capacity: 20, ..ScalableTarget::default() };
/// let tracking = TargetTracking { target_value: 50.0, metric: "queue".into(), ..TargetTracking::default() };
/// let policy = Policy { name: "track".into(), kind: PolicyKind::TargetTracking(tracking) };
/// let mut engine = Engine::new(target, vec![policy], Approximation::default());
/// let counts: Vec<u32> = (0..3).map(|minute| engine.minute(SimTime::from_s(60 * minute), 4, &[Some(75.0)])).collect();
/// assert_eq!(counts, [4, 4, 6]); // after three points above the target: 4 x 75 / 50
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Engine {
    target: ScalableTarget,
    policies: Vec<Policy>,
    approximation: Approximation,
    memories: Vec<Memory>,
    proposals: Vec<Proposal>,
}

#[derive(Clone, Debug, Default, PartialEq)]
struct Memory {
    points: Points,
    /// When capacity was last added, and how much there was when the cooldown began.
    out: Option<(SimTime, u32)>,
    /// When capacity was last removed.
    removed: Option<SimTime>,
}

impl Engine {
    /// Policies without memory.
    pub fn new(target: ScalableTarget, policies: Vec<Policy>, approximation: Approximation) -> Self {
        let memories = vec![Memory::default(); policies.len()];
        let proposals = vec![Proposal::Hold; policies.len()];
        Engine { target, policies, approximation, memories, proposals }
    }

    /// The target.
    pub fn target(&self) -> &ScalableTarget {
        &self.target
    }

    /// The policies.
    pub fn policies(&self) -> &[Policy] {
        &self.policies
    }

    /// A scheduled action sets the bounds that it names, and what the capacity is to be within them.
    pub fn rebound(&mut self, current: u32, min: Option<u32>, max: Option<u32>) -> u32 {
        let ScalableTarget { min_capacity, max_capacity, .. } = &mut self.target;
        *min_capacity = min.unwrap_or(*min_capacity);
        *max_capacity = max.unwrap_or(*max_capacity);
        current.min(*max_capacity).max((*min_capacity).min(*max_capacity))
    }

    /// What each policy wanted at the last minute.
    pub fn proposals(&self) -> &[Proposal] {
        &self.proposals
    }

    /// Takes in one value for each policy and says what the capacity is to be.
    pub fn minute(&mut self, now: SimTime, current: u32, values: &[Option<f64>]) -> u32 {
        let ScalableTarget { min_capacity, max_capacity, .. } = self.target;
        for (index, memory) in self.memories.iter_mut().enumerate() {
            memory.points.push(values.get(index).copied().flatten());
        }
        self.proposals = (0..self.policies.len()).map(|index| self.propose(index, now, current)).collect();
        let within = |count: u32| count.min(max_capacity).max(min_capacity.min(max_capacity));
        let out = self.proposals.iter().filter_map(|p| if let Proposal::Out(n) = p { Some(within(*n)) } else { None });
        if let Some(most) = out.max().filter(|most| *most > current) {
            self.note_out(now, current);
            return most;
        }
        match self.scale_in(current).map(within) {
            Some(count) if count < current => {
                let wanting = self.memories.iter_mut().zip(&self.proposals);
                wanting
                    .filter(|(_, p)| matches!(p, Proposal::In(_)))
                    .for_each(|(memory, _)| memory.removed = Some(now));
                count
            }
            // The capacity is kept within the bounds, whoever wrote it.
            _ => within(current),
        }
    }

    /// Target tracking removes only what all of its policies would; of several, the most stays.
    fn scale_in(&self, current: u32) -> Option<u32> {
        let mut most = None;
        for (policy, proposal) in self.policies.iter().zip(&self.proposals) {
            match (proposal, &policy.kind) {
                (Proposal::In(count), _) => most = most.max(Some(*count)),
                (Proposal::Out(_), _) => return None,
                (Proposal::Hold, PolicyKind::TargetTracking(tracking)) if !tracking.disable_scale_in => return None,
                (Proposal::Hold, _) => {}
            }
        }
        most.filter(|count| *count < current)
    }

    fn note_out(&mut self, now: SimTime, current: u32) {
        for index in 0..self.policies.len() {
            if matches!(self.proposals[index], Proposal::Out(_)) {
                let base = self.base(index, now, current);
                self.memories[index].out = Some((now, base));
            }
            // Adding ends the wait that removing began.
            self.memories[index].removed = None;
        }
    }

    /// The capacity from which an addition counts: within a cooldown, that at its beginning.
    fn base(&self, index: usize, now: SimTime, current: u32) -> u32 {
        let (out_s, _) = self.cooldowns_s(index);
        match self.memories[index].out {
            Some((at, base)) if now.since(at) < SimDuration::from_s(u64::from(out_s)) => base.min(current),
            _ => current,
        }
    }

    fn cooldowns_s(&self, index: usize) -> (u32, u32) {
        let default = self.target.default_cooldown_s();
        match &self.policies[index].kind {
            PolicyKind::TargetTracking(tracking) => {
                (tracking.scale_out_cooldown_s.unwrap_or(default), tracking.scale_in_cooldown_s.unwrap_or(default))
            }
            PolicyKind::StepScaling(step, _) => {
                let cooldown_s = step.cooldown_s.unwrap_or(default);
                (cooldown_s, cooldown_s)
            }
        }
    }

    fn propose(&self, index: usize, now: SimTime, current: u32) -> Proposal {
        let base = self.base(index, now, current);
        let wanted = match &self.policies[index].kind {
            PolicyKind::TargetTracking(tracking) => {
                let points = &self.memories[index].points;
                let target = tracking.target_value;
                let low = target * self.approximation.scale_in_threshold_share;
                match points.newest() {
                    Some(value) if points.all_last(self.approximation.scale_out_points, |v| v > target) => {
                        Some(proportional(base, value, target).max(current))
                    }
                    Some(value) if points.all_last(self.approximation.scale_in_points, |v| v < low) => (!tracking
                        .disable_scale_in)
                        .then(|| self.gradual(current, proportional(current, value, target))),
                    _ => None,
                }
            }
            PolicyKind::StepScaling(step, rule) => {
                let alarm = self.memories[index].points.alarm(rule);
                let found = alarm.and_then(|value| step_at(step, value - rule.threshold));
                found.map(|found| {
                    let from = if found.adjustment > 0 { base } else { current };
                    adjusted(step, found, from)
                })
            }
        };
        match wanted {
            Some(count) if count > current && !self.target.scale_out_suspended => Proposal::Out(count),
            Some(count) if count < current && self.may_remove(index, now) => Proposal::In(count),
            _ => Proposal::Hold,
        }
    }

    fn may_remove(&self, index: usize, now: SimTime) -> bool {
        let (_, in_s) = self.cooldowns_s(index);
        let cooldown = SimDuration::from_s(u64::from(in_s));
        !self.target.scale_in_suspended && self.memories[index].removed.is_none_or(|at| now.since(at) >= cooldown)
    }

    /// No more at once than the share that the approximation allows, and at least one.
    fn gradual(&self, current: u32, wanted: u32) -> u32 {
        let share = (f64::from(current) * self.approximation.scale_in_step_share) as u32;
        wanted.max(current.saturating_sub(share.max(1)))
    }
}

/// Rounded up, so as not to provide too little.
fn proportional(current: u32, value: f64, target: f64) -> u32 {
    (f64::from(current) * (value / target)).ceil() as u32
}

/// The step that a breach of `distance` falls into. Above the threshold a lower bound belongs to its
/// step, below it an upper one.
fn step_at(policy: &StepScaling, distance: f64) -> Option<&Step> {
    policy.steps.iter().find(|step| {
        let (lower, upper) = (step.lower.unwrap_or(f64::NEG_INFINITY), step.upper.unwrap_or(f64::INFINITY));
        if distance >= 0.0 { lower <= distance && distance < upper } else { lower < distance && distance <= upper }
    })
}

fn adjusted(policy: &StepScaling, step: &Step, current: u32) -> u32 {
    let (base, adjustment) = (i64::from(current), i64::from(step.adjustment));
    let count = match policy.adjustment_type {
        AdjustmentType::ExactCapacity => adjustment,
        AdjustmentType::ChangeInCapacity => base + adjustment,
        AdjustmentType::PercentChangeInCapacity => {
            let exact = f64::from(current) * f64::from(step.adjustment) / 100.0;
            // Toward zero, but not to it.
            let change = if exact != 0.0 && exact.abs() < 1.0 { exact.signum() as i64 } else { exact as i64 };
            let least = i64::from(policy.min_adjustment_magnitude.unwrap_or(0));
            base + if change < 0 { change.min(-least) } else { change.max(if exact > 0.0 { least } else { 0 }) }
        }
    };
    u32::try_from(count.max(0)).unwrap_or(u32::MAX)
}
