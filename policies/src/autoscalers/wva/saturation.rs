//! Saturation analysis, version 1: spare room of the replicas that are not saturated, and one step of
//! one variant.
//!
//! Follows `internal/saturation/analyzer.go` of `llm-d/llm-d-workload-variant-autoscaler` @ b08b1c77.

use std::collections::{BTreeMap, BTreeSet};

/// Thresholds of the `ConfigMap`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Thresholds {
    /// `kvCacheThreshold`: use of the KV cache, 0 to 1, from which a replica is saturated.
    pub kv_cache: f64,
    /// `queueLengthThreshold`: waiting requests from which a replica is saturated.
    pub queue_length: f64,
    /// `kvSpareTrigger`: least mean room in the KV cache, 0 to 1.
    pub kv_spare: f64,
    /// `queueSpareTrigger`: least mean room in the queue, in requests.
    pub queue_spare: f64,
}

impl Default for Thresholds {
    /// The values of the shipped `ConfigMap`.
    fn default() -> Self {
        Thresholds { kv_cache: 0.8, queue_length: 5.0, kv_spare: 0.1, queue_spare: 3.0 }
    }
}

/// One replica's metrics.
#[derive(Clone, Debug, PartialEq)]
pub struct ReplicaMetrics {
    /// Its variant.
    pub variant: String,
    /// Use of its KV cache, 0 to 1.
    pub kv: f64,
    /// Requests that wait there.
    pub queue: f64,
    /// Cost of a replica of its variant.
    pub cost: f64,
}

/// What is known of a variant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VariantState {
    /// Its name.
    pub variant: String,
    /// Replicas that exist.
    pub current: u32,
    /// What was decided last; `None` if nothing was.
    pub desired: Option<u32>,
    /// Replicas that are not ready yet.
    pub pending: u32,
}

/// What the analysis of a model's replicas found.
#[derive(Clone, Debug, PartialEq)]
pub struct Analysis {
    /// Mean room in the KV cache of the replicas that are not saturated; 0 if none.
    pub spare_kv: f64,
    /// Mean room in their queues, in requests; 0 if none.
    pub spare_queue: f64,
    /// How many are not saturated.
    pub non_saturated: u32,
    /// How many there are.
    pub total: u32,
    /// Whether a replica is wanted.
    pub should_scale_up: bool,
    /// Whether the others could bear the load of one.
    pub scale_down_safe: bool,
}

/// The comparisons that implementations get wrong most often, as data: tests break one at a time
/// and show that the reference vectors notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// A replica at the threshold is saturated.
    pub threshold_saturates: bool,
    /// Nothing moves while a variant is on its way.
    pub transition_freezes: bool,
    /// A variant that has pending replicas is not grown.
    pub pending_blocks_growth: bool,
}

impl Rules {
    /// The real ones.
    pub const REAL: Rules = Rules { threshold_saturates: true, transition_freezes: true, pending_blocks_growth: true };
}

/// Analyses all replicas of a model, of whatever variant.
///
/// ```
/// use flashcrowd_policies::autoscalers::wva::{ReplicaMetrics, Thresholds, analyze};
/// let replica = |kv| ReplicaMetrics { variant: "a100".into(), kv, queue: 1.0, cost: 10.0 };
/// let found = analyze(&Thresholds::default(), &[replica(0.75), replica(0.78)]);
/// assert!(found.should_scale_up && !found.scale_down_safe);
/// ```
pub fn analyze(thresholds: &Thresholds, replicas: &[ReplicaMetrics]) -> Analysis {
    analyze_with(thresholds, replicas, Rules::REAL)
}

/// [`analyze`] under rules that need not be the real ones.
pub fn analyze_with(thresholds: &Thresholds, replicas: &[ReplicaMetrics], rules: Rules) -> Analysis {
    let total = replicas.len() as u32;
    let saturated = |replica: &ReplicaMetrics| {
        let (kv, queue) = (replica.kv, replica.queue);
        if rules.threshold_saturates {
            kv >= thresholds.kv_cache || queue >= thresholds.queue_length
        } else {
            kv > thresholds.kv_cache || queue > thresholds.queue_length
        }
    };
    let free: Vec<&ReplicaMetrics> = replicas.iter().filter(|replica| !saturated(replica)).collect();
    let mean = |value: fn(&ReplicaMetrics) -> f64, threshold: f64| {
        let sum: f64 = free.iter().map(|replica| threshold - value(replica)).sum();
        if free.is_empty() { 0.0 } else { sum / free.len() as f64 }
    };
    let spare_kv = mean(|replica| replica.kv, thresholds.kv_cache);
    let spare_queue = mean(|replica| replica.queue, thresholds.queue_length);
    let short = spare_kv < thresholds.kv_spare || spare_queue < thresholds.queue_spare;
    Analysis {
        spare_kv,
        spare_queue,
        non_saturated: free.len() as u32,
        total,
        should_scale_up: total > 0 && short,
        scale_down_safe: is_safe(thresholds, &free),
    }
}

/// Whether all but one of `free` could bear their load together and keep the room that is asked for.
fn is_safe(thresholds: &Thresholds, free: &[&ReplicaMetrics]) -> bool {
    if free.len() < 2 {
        return false;
    }
    let count = free.len() as f64;
    let after = |value: fn(&ReplicaMetrics) -> f64| {
        let load: f64 = free.iter().map(|replica| value(replica)).sum();
        load / count * count / (count - 1.0)
    };
    thresholds.kv_cache - after(|replica| replica.kv) >= thresholds.kv_spare
        && thresholds.queue_length - after(|replica| replica.queue) >= thresholds.queue_spare
}

/// Why the targets are what they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// A variant is on its way, or metrics and replicas do not agree: nothing moves.
    Frozen(String),
    /// One replica more.
    Up(String),
    /// One replica less.
    Down(String),
    /// Nothing to do, or no variant that could do it.
    Hold,
}

/// The target of each variant, by name, and the step that made them.
pub fn targets(
    analysis: &Analysis,
    replicas: &[ReplicaMetrics],
    variants: &[VariantState],
) -> (BTreeMap<String, u32>, Step) {
    targets_with(analysis, replicas, variants, Rules::REAL)
}

/// [`targets`] under rules that need not be the real ones.
pub fn targets_with(
    analysis: &Analysis,
    replicas: &[ReplicaMetrics],
    variants: &[VariantState],
    rules: Rules,
) -> (BTreeMap<String, u32>, Step) {
    let mut reported: BTreeMap<&str, u32> = BTreeMap::new();
    let mut costs: BTreeMap<&str, f64> = BTreeMap::new();
    for replica in replicas {
        *reported.entry(&replica.variant).or_default() += 1;
        costs.entry(&replica.variant).or_insert(replica.cost);
    }
    if replicas.is_empty() {
        return (variants.iter().map(|variant| (variant.variant.clone(), variant.current)).collect(), Step::Hold);
    }
    let shown: Vec<&VariantState> =
        variants.iter().filter(|variant| reported.contains_key(variant.variant.as_str())).collect();
    let moving = |variant: &&&VariantState| {
        let decided = variant.desired.is_some_and(|desired| desired != variant.current);
        decided || reported.get(variant.variant.as_str()) != Some(&variant.current)
    };
    if let Some(variant) = shown.iter().find(moving).filter(|_| rules.transition_freezes) {
        // Variants of which no replica reports are not mentioned, and so stay as they are.
        let kept = |variant: &&VariantState| (variant.variant.clone(), variant.desired.unwrap_or(variant.current));
        return (shown.iter().map(kept).collect(), Step::Frozen(variant.variant.clone()));
    }
    let mut targets: BTreeMap<String, u32> =
        reported.iter().map(|(variant, count)| ((*variant).to_owned(), *count)).collect();
    let step = one_step(analysis, &targets, &costs, variants, rules);
    match &step {
        Step::Up(variant) => targets.entry(variant.clone()).and_modify(|count| *count += 1),
        Step::Down(variant) => targets.entry(variant.clone()).and_modify(|count| *count -= 1),
        Step::Frozen(_) | Step::Hold => return (targets, step),
    };
    (targets, step)
}

/// The cheapest variant grows, the dearest shrinks; of equals the first, or the last, by name.
fn one_step(
    analysis: &Analysis,
    targets: &BTreeMap<String, u32>,
    costs: &BTreeMap<&str, f64>,
    variants: &[VariantState],
    rules: Rules,
) -> Step {
    let pending: BTreeSet<&str> = variants
        .iter()
        .filter(|variant| variant.pending > 0 && rules.pending_blocks_growth)
        .map(|variant| variant.variant.as_str())
        .collect();
    let cost = |variant: &String| costs.get(variant.as_str()).copied().unwrap_or(0.0);
    if analysis.should_scale_up {
        let free = targets.keys().filter(|variant| !pending.contains(variant.as_str()));
        let cheapest = free.min_by(|a, b| cost(a).total_cmp(&cost(b)));
        return cheapest.map_or(Step::Hold, |variant| Step::Up(variant.clone()));
    }
    if analysis.scale_down_safe {
        let several = targets.iter().filter(|(_, count)| **count > 1).map(|(variant, _)| variant);
        let dearest = several.max_by(|a, b| cost(a).total_cmp(&cost(b)));
        return dearest.map_or(Step::Hold, |variant| Step::Down(variant.clone()));
    }
    Step::Hold
}
