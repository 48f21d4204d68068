//! How a replica starts: image, weights, engine, probe, with defaults from measurements.

use super::settings::Notes;
use crate::profiles::Profile;
use crate::scenario::language::Diagnostic;
use crate::scenario::language::units::NonNegative;
use crate::scenario::schema::{self, StageWork};
use flashcrowd_core::SimDuration;
use flashcrowd_core::clock::Distribution;
use flashcrowd_core::fleet::{self, Probe, StageKind, Startup, StartupStage, Transfer};

/// Rate limits of a tier in bytes per second, and of one of its streams.
/// Sources: Run:ai model streamer `docs/src/benchmarks.md` (S3, gp3, io2), `ServerlessLLM`
/// `benchmarks/results/h100_2025` (NVMe 29.4 GB/s, host memory).
fn tier_rates(tier: &schema::Tier) -> (f64, f64) {
    match tier {
        schema::Tier::S3 => (3.1e9, 0.111e9),
        schema::Tier::Gp3 => (1.05e9, f64::INFINITY),
        schema::Tier::Io2 => (2.0e9, f64::INFINITY),
        schema::Tier::Nvme => (29.4e9, f64::INFINITY),
        schema::Tier::Dram => (55e9, f64::INFINITY),
        schema::Tier::Rate(rate) => (rate.0 as f64, f64::INFINITY),
    }
}

/// Rate limit of a loader on local storage in bytes per second (`ServerlessLLM`, H100); from host
/// memory the same loaders reach more.
fn loader_rate(loader: Option<&schema::Loader>, tier: &schema::Tier) -> f64 {
    let cached = matches!(tier, schema::Tier::Dram);
    match loader {
        Some(schema::Loader::Safetensors) => {
            if cached {
                5.85e9
            } else {
                3.4e9
            }
        }
        None | Some(schema::Loader::Streamer) => f64::INFINITY,
        Some(schema::Loader::ServerlessLlm) => {
            if cached {
                53.5e9
            } else {
                22.0e9
            }
        }
        Some(schema::Loader::Rate(rate)) => rate.0 as f64,
    }
}

pub(super) fn resolve(
    notes: &mut Notes<'_>,
    service: &str,
    given: Option<&schema::Startup>,
    profile: Option<&Profile>,
) -> Result<Startup, Diagnostic> {
    let path = format!("services.{service}.startup");
    let default = schema::Startup::default();
    let given = given.unwrap_or(&default);
    let stages = [
        (StageKind::ImagePull, "image", &given.image),
        (StageKind::WeightsLoad, "weights", &given.weights),
        (StageKind::EngineStart, "engine", &given.engine),
    ];
    let mut resolved = Vec::new();
    for (kind, name, stage) in stages {
        let path = format!("{path}.{name}");
        resolved.push(match stage {
            Some(stage) => {
                notes.given(&path, "");
                let key = stage.key.clone().unwrap_or_else(|| format!("{service}/{name}"));
                let cold = work(notes, &format!("{path}.cold"), &stage.cold)?;
                let cached = match &stage.cached {
                    Some(cached) => work(notes, &format!("{path}.cached"), cached)?,
                    None => cold.clone(),
                };
                StartupStage { kind, cold, cached: Some((key.as_str().into(), cached)) }
            }
            None => default_stage(notes, kind, service, &path, profile),
        });
    }
    Ok(Startup { stages: resolved, probe: probe(notes, &path, given.probe.as_ref())? })
}

/// Weights of a model that is not known: 8 billion parameters in 16 bits.
const UNKNOWN_WEIGHTS_BYTES: u64 = 16_060_000_000;

fn default_stage(
    notes: &mut Notes<'_>,
    kind: StageKind,
    service: &str,
    path: &str,
    profile: Option<&Profile>,
) -> StartupStage {
    let constant = |s| fleet::StageWork::Drawn(Distribution::Constant(s));
    let (cold, cached, text, source) = match kind {
        StageKind::ImagePull => (
            constant(30.0),
            constant(0.0),
            "15 GB at 0.5 GB/s, nothing on a node that has it".to_owned(),
            "vLLM images are 10 to 20 GB; the registry's rate is a guess",
        ),
        StageKind::WeightsLoad => {
            let (bytes, source) = match profile.and_then(weights_bytes) {
                Some(bytes) => (bytes, "the weights of its profile; Run:ai and ServerlessLLM benchmarks"),
                None => (UNKNOWN_WEIGHTS_BYTES, "an 8B model in 16 bits; Run:ai and ServerlessLLM benchmarks"),
            };
            let cold = transfer(bytes, &schema::Tier::Gp3);
            let cached = transfer(bytes, &schema::Tier::Dram);
            let text = format!(
                "{:.2} GB from gp3 ({:.0} s), {:.1} s from the page cache",
                bytes as f64 / 1e9,
                cold.duration().as_s_f64(),
                cached.duration().as_s_f64()
            );
            (constant_factor(cold), constant_factor(cached), text, source)
        }
        StageKind::EngineStart => {
            let law = fleet::StageWork::Drawn(Distribution::lognormal_mean_cv2(20.3, 0.04));
            let text = "LogNormal(mean: \"20.3s\", cv: 0.2)".to_owned();
            (law.clone(), law, text, "Run:ai: vLLM ready minus load, 15.7 to 27.8 s")
        }
    };
    notes.default(path, &text, source, true);
    StartupStage { kind, cold, cached: Some((format!("{service}/{}", kind.name()).into(), cached)) }
}

/// Weights of the whole group: each GPU's share is read once.
fn weights_bytes(profile: &Profile) -> Option<u64> {
    let bytes = profile.memory?.weights_bytes * f64::from(profile.tensor_parallel.max(1));
    (bytes > 0.0).then_some(bytes as u64)
}

/// As vLLM loads without further settings: safetensors, which in host memory sets the pace.
fn transfer(bytes: u64, tier: &schema::Tier) -> Transfer {
    let (tier_bytes_per_s, per_stream_bytes_per_s) = tier_rates(tier);
    let loader = matches!(tier, schema::Tier::Dram).then_some(&schema::Loader::Safetensors);
    let loader_bytes_per_s = loader_rate(loader, tier);
    Transfer { bytes, tier_bytes_per_s, loader_bytes_per_s, streams: 16, per_stream_bytes_per_s }
}

fn constant_factor(transfer: Transfer) -> fleet::StageWork {
    fleet::StageWork::Transfer(transfer, Distribution::Constant(1.0))
}

fn work(notes: &Notes<'_>, path: &str, given: &StageWork) -> Result<fleet::StageWork, Diagnostic> {
    match given {
        StageWork::Takes(law) => Ok(fleet::StageWork::Drawn(law.distribution().clone())),
        StageWork::Transfer(given) => {
            let (tier_bytes_per_s, per_stream_bytes_per_s) = tier_rates(&given.from);
            let streams = given.streams.unwrap_or(16);
            notes.within(&format!("{path}.streams"), u64::from(streams), 1, 100_000)?;
            let transfer = Transfer {
                bytes: given.size.0,
                tier_bytes_per_s,
                loader_bytes_per_s: loader_rate(given.loader.as_ref(), &given.from),
                streams,
                per_stream_bytes_per_s,
            };
            if transfer.rate_bytes_per_s() < 1.0 {
                return Err(notes.error(path, "this transfer's rate is below one byte a second"));
            }
            let cv = given.cv.map_or(0.0, NonNegative::get);
            let factor =
                if cv > 0.0 { Distribution::lognormal_mean_cv2(1.0, cv * cv) } else { Distribution::Constant(1.0) };
            factor.check().map_err(|error| notes.error(&format!("{path}.cv"), error.to_string()))?;
            Ok(fleet::StageWork::Transfer(transfer, factor))
        }
    }
}

fn probe(notes: &mut Notes<'_>, path: &str, given: Option<&schema::Probe>) -> Result<Probe, Diagnostic> {
    use crate::scenario::language::units::Duration;
    let path = |field: &str| format!("{path}.probe.{field}");
    let kubelet = "default of a Kubernetes readinessProbe";
    let initial_delay = given.and_then(|probe| probe.initial_delay);
    let period = given.and_then(|probe| probe.period);
    let threshold = given.and_then(|probe| probe.success_threshold);
    let threshold = notes.or(&path("success_threshold"), threshold, 1, kubelet);
    notes.within(&path("success_threshold"), u64::from(threshold), 1, 1_000_000)?;
    Ok(Probe {
        initial_delay: notes.or(&path("initial_delay"), initial_delay, Duration(SimDuration::ZERO), kubelet).get(),
        period: notes.or(&path("period"), period, Duration(SimDuration::from_s(10)), kubelet).get(),
        threshold,
    })
}
