//! A user's own planner configuration, YAML or JSON, as `--config` takes it.
//!
//! Follows `dynamo/planner/config/planner_config.py` and `defaults.py` of `ai-dynamo` 1.6.1.

pub use crate::manifest::{ManifestError, ManifestWarning};

use super::budget::Budget;
use super::easy::{LoadThresholds, Target};
use crate::manifest::fields::Fields;
use crate::manifest::tree::documents;

type Result<T> = std::result::Result<T, ManifestError>;

/// `mode`: which engines the planner has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Prefill and decode engines.
    Disaggregated,
    /// Prefill engines only.
    Prefill,
    /// Decode engines only.
    Decode,
    /// Engines that do both.
    Aggregated,
}

impl Mode {
    /// Whether it has engines that only compute prompts.
    pub fn has_prefill(self) -> bool {
        matches!(self, Mode::Disaggregated | Mode::Prefill)
    }

    /// Whether it has engines that compute answers.
    pub fn has_decode(self) -> bool {
        !matches!(self, Mode::Prefill)
    }
}

/// What was read.
#[derive(Clone, Debug, PartialEq)]
pub struct PlannerConfig {
    /// `mode`.
    pub mode: Mode,
    /// `optimization_target`.
    pub target: Target,
    /// The thresholds of `optimization_target: load`.
    pub thresholds: LoadThresholds,
    /// `load_adjustment_interval_seconds`.
    pub interval_s: f64,
    /// GPU budget and `min_endpoint`.
    pub budget: Budget,
    /// `prefill_engine_num_gpu`, if given.
    pub prefill_gpus: Option<u32>,
    /// `decode_engine_num_gpu`, if given.
    pub decode_gpus: Option<u32>,
    /// `advisory`: decisions are reported and not carried out.
    pub advisory: bool,
    /// Fields that have no effect.
    pub warnings: Vec<ManifestWarning>,
}

/// Fields of the planner that no load decision reads.
const OTHERS: [&str; 34] = [
    "aic_interpolation",
    "backend",
    "environment",
    "fpm_sample_bucket_size",
    "global_planner_namespace",
    "kalman_min_points",
    "kalman_q_level",
    "kalman_q_trend",
    "kalman_r",
    "live_dashboard_port",
    "load_metric_samples",
    "load_min_observations",
    "load_predictor",
    "load_predictor_log1p",
    "load_predictor_warmup_trace",
    "load_scaling_down_sensitivity",
    "log_dir",
    "max_num_fpm_samples",
    "metric_pulling_prometheus_endpoint",
    "metric_reporting_prometheus_port",
    "model_name",
    "namespace",
    "pre_deployment_sweeping_mode",
    "profile_results_dir",
    "prophet_window_size",
    "report_filename",
    "report_interval_hours",
    "report_output_dir",
    "report_write_gzip_log",
    "served_model_name",
    "speculative_nextn",
    "throughput_adjustment_interval",
    "throughput_adjustment_interval_seconds",
    "throughput_metrics_source",
];

/// Reads a configuration.
///
/// ```
/// use flashcrowd_policies::autoscalers::dynamo::{Mode, config::read};
/// let config = read(b"{mode: agg, optimization_target: latency, max_gpu_budgt: 16}")?;
/// assert_eq!((config.mode, config.interval_s), (Mode::Aggregated, 5.0));
/// assert!(config.warnings[0].message.contains("`max_gpu_budget`"));
/// # Ok::<(), flashcrowd_policies::autoscalers::dynamo::config::ManifestError>(())
/// ```
///
/// # Errors
/// What the planner refuses, and the optimization target `sla`, which needs its performance models.
pub fn read(bytes: &[u8]) -> Result<PlannerConfig> {
    let documents = documents(bytes)?;
    let [node] = documents.as_slice() else {
        let message = format!("expected one planner configuration, found {} documents", documents.len());
        return Err(ManifestError::general(message));
    };
    let mut fields = Fields::of(node, "")?;
    let mut warnings = Vec::new();
    let mode = read_mode(&mut fields)?;
    let target = read_target(&mut fields)?;
    let thresholds = read_thresholds(&mut fields, target, mode)?;
    let min_endpoint = whole(&mut fields, "min_endpoint", 0)?.unwrap_or(1);
    let budget = Budget {
        min_gpus: budget(&mut fields, "min_gpu_budget", None)?,
        max_gpus: budget(&mut fields, "max_gpu_budget", Some(8))?,
        min_endpoint,
    };
    if budget.min_gpus.zip(budget.max_gpus).is_some_and(|(min, max)| min > max) {
        return Err(fields.refused("min_gpu_budget", "must be at most max_gpu_budget"));
    }
    let prefill_gpus = whole(&mut fields, "prefill_engine_num_gpu", 1)?;
    let decode_gpus = whole(&mut fields, "decode_engine_num_gpu", 1)?;
    let interval_s = read_interval(&mut fields)?;
    let advisory = fields.optional_bool("advisory")?.unwrap_or(false);
    read_flags(&mut fields, &mut warnings)?;
    for name in OTHERS {
        fields.without_effect(name, "has no effect on load scaling by thresholds, ignored", &mut warnings);
    }
    fields.finish(&mut warnings);
    Ok(PlannerConfig { mode, target, thresholds, interval_s, budget, prefill_gpus, decode_gpus, advisory, warnings })
}

fn read_mode(fields: &mut Fields) -> Result<Mode> {
    let words = [
        ("disagg", Mode::Disaggregated),
        ("prefill", Mode::Prefill),
        ("decode", Mode::Decode),
        ("agg", Mode::Aggregated),
    ];
    match fields.optional("mode") {
        Some(node) => fields.word("mode", node, &words),
        None => Ok(Mode::Disaggregated),
    }
}

fn read_target(fields: &mut Fields) -> Result<Target> {
    let words = [
        ("throughput", Some(Target::Throughput)),
        ("latency", Some(Target::Latency)),
        ("load", Some(Target::Load)),
        ("sla", None),
    ];
    let Some(node) = fields.optional("optimization_target") else { return Ok(Target::Throughput) };
    fields.word("optimization_target", node, &words)?.ok_or_else(|| {
        let message = "optimization_target: sla needs the planner's performance models, which are not here";
        ManifestError::at(node.place, message).hint("use throughput, latency or load")
    })
}

/// Easy targets turn load scaling on and throughput scaling off, whatever is written.
fn read_flags(fields: &mut Fields, warnings: &mut Vec<ManifestWarning>) -> Result<()> {
    for (name, forced) in [("enable_load_scaling", true), ("enable_throughput_scaling", false)] {
        if fields.optional_bool(name)?.is_some_and(|written| written != forced) {
            let why = format!("is {forced} for every optimization target but sla, ignored");
            fields.without_effect(name, &why, warnings);
        }
    }
    for name in ["ttft", "ttft_ms", "itl", "itl_ms"] {
        fields.without_effect(name, "has an effect for optimization_target sla only, ignored", warnings);
    }
    Ok(())
}

fn read_thresholds(fields: &mut Fields, target: Target, mode: Mode) -> Result<LoadThresholds> {
    let tokens = |value: f64| value >= 0.0 && value.fract() == 0.0;
    let percent = |value: f64| (0.0..=100.0).contains(&value);
    let mut own = |name, fits: fn(f64) -> bool, expected: &str| fields.number_that(name, fits, expected);
    let mut thresholds = LoadThresholds {
        prefill_up_tokens: own("prefill_scale_up_queue_tokens", tokens, "a whole number, 0 or more")?,
        prefill_down_tokens: own("prefill_scale_down_queue_tokens", tokens, "a whole number, 0 or more")?,
        decode_up_percent: own("decode_scale_up_kv_rate", percent, "from 0 to 100")?,
        decode_down_percent: own("decode_scale_down_kv_rate", percent, "from 0 to 100")?,
    };
    // The planner still accepts a misspelling of its earlier versions.
    let misspelt = own("decode_sacle_up_kv_rate", percent, "from 0 to 100")?;
    thresholds.decode_up_percent = thresholds.decode_up_percent.or(misspelt);
    if target == Target::Load {
        let prefill = (thresholds.prefill_up_tokens, thresholds.prefill_down_tokens);
        let names = ["prefill_scale_up_queue_tokens", "prefill_scale_down_queue_tokens"];
        check_pair(fields, mode.has_prefill(), prefill, names)?;
        let decode = (thresholds.decode_up_percent, thresholds.decode_down_percent);
        check_pair(fields, mode.has_decode(), decode, ["decode_scale_up_kv_rate", "decode_scale_down_kv_rate"])?;
    }
    Ok(thresholds)
}

fn check_pair(
    fields: &mut Fields,
    is_needed: bool,
    (up, down): (Option<f64>, Option<f64>),
    [up_name, down_name]: [&'static str; 2],
) -> Result<()> {
    if !is_needed {
        return Ok(());
    }
    match (up, down) {
        (None, _) => Err(fields.refused(up_name, "required for optimization_target load, but missing")),
        (_, None) => Err(fields.refused(down_name, "required for optimization_target load, but missing")),
        (Some(up), Some(down)) if up <= down => {
            Err(fields.refused(up_name, format!("{up} must be greater than {down_name}, {down}")))
        }
        _ => Ok(()),
    }
}

fn read_interval(fields: &mut Fields) -> Result<f64> {
    let positive = |value: f64| value > 0.0 && value <= 86_400.0;
    let mut own = |name| fields.number_that(name, positive, "a positive number of seconds, at most a day");
    let newer = own("load_adjustment_interval_seconds")?;
    let older = own("load_adjustment_interval")?;
    Ok(newer.or(older).unwrap_or(5.0))
}

fn whole(fields: &mut Fields, name: &'static str, least: u32) -> Result<Option<u32>> {
    let Some(value) = fields.optional_int(name)? else { return Ok(None) };
    match u32::try_from(value) {
        Ok(count) if count >= least => Ok(Some(count)),
        _ => Err(fields.refused(name, format!("{value} must be {least} or more"))),
    }
}

/// A negative budget means that there is no budget.
fn budget(fields: &mut Fields, name: &'static str, default: Option<u32>) -> Result<Option<u32>> {
    Ok(fields.optional_int(name)?.map_or(default, |value| u32::try_from(value).ok()))
}
