//! How a replica starts: image, weights, engine, probe, with defaults from measurements.

use crate::settings::Notes;
use crate::spec::{self, StageWork};
use crate::startup::links::{self, Links};
use crate::startup::tiers;
use flashcrowd_core::SimDuration;
use flashcrowd_core::clock::Distribution;
use flashcrowd_core::fleet::{
    self, CacheKey, CachedStage, PeerFetch, Probe, StageKind, Startup, StartupStage, Transfer,
};
use flashcrowd_language::Diagnostic;
use flashcrowd_language::units::NonNegative;
use flashcrowd_profiles::{Profile, StartPhases};

pub(crate) fn resolve(
    notes: &mut Notes<'_>,
    service: &str,
    given: Option<&spec::Startup>,
    profile: Option<&Profile>,
    links: &Links,
) -> Result<Startup, Diagnostic> {
    let path = format!("services.{service}.startup");
    let default = spec::Startup::default();
    let given = given.unwrap_or(&default);
    let stages = [
        (StageKind::ImagePull, "image", &given.image),
        (StageKind::WeightsLoad, "weights", &given.weights),
        (StageKind::EngineStart, "engine", &given.engine),
        (StageKind::Compile, "compile", &given.compile),
        (StageKind::GraphCapture, "graphs", &given.graphs),
    ];
    let phases = profile.and_then(Profile::start_phases).filter(|_| given.engine.is_none());
    let mut resolved = Vec::new();
    for (kind, name, stage) in stages {
        let path = format!("{path}.{name}");
        match (stage, kind) {
            (Some(given), _) => {
                notes.given(&path, "");
                resolved.push(stage_of(notes, kind, &path, &format!("{service}/{name}"), given, links)?);
            }
            // These are parts of the engine's start unless they are given, or known by themselves.
            (None, StageKind::Compile | StageKind::GraphCapture) if phases.is_none() => {}
            (None, _) => resolved.push(default_stage(notes, kind, service, &path, profile, phases)),
        }
    }
    Ok(Startup { stages: resolved, probe: probe(notes, &path, given.probe.as_ref())? })
}

/// A stage as it is given.
fn stage_of(
    notes: &Notes<'_>,
    kind: StageKind,
    path: &str,
    key: &str,
    given: &spec::StartupStage,
    links: &Links,
) -> Result<StartupStage, Diagnostic> {
    let work = |field: &str, given: &StageWork| work(notes, &format!("{path}.{field}"), given, links);
    let cold = work("cold", &given.cold)?;
    let size = given.size.map(|size| size.0);
    let bytes = match (&cold, size) {
        (_, Some(bytes)) => bytes,
        (fleet::StageWork::Transfer(transfer, _), None) => transfer.bytes,
        (fleet::StageWork::Drawn(_), None) => 0,
    };
    let peers = given.peers.as_ref().map(|peers| peer_fetch(notes, path, peers, bytes, links)).transpose()?;
    let memory = given.cached.as_ref().map(|given| work("cached", given)).transpose()?;
    let disk = given.disk.as_ref().map(|given| work("disk", given)).transpose()?;
    // A node whose cache is worth nothing asks its peers again.
    let keeps = peers.is_none() || given.key.is_some() || memory.is_some() || disk.is_some();
    let memory = memory.unwrap_or_else(|| cold.clone());
    let cached = keeps.then(|| CachedStage {
        key: given.key.as_deref().unwrap_or(key).into(),
        bytes,
        pinned: given.pinned.unwrap_or(false),
        disk: disk.unwrap_or_else(|| memory.clone()),
        memory,
    });
    Ok(StartupStage { kind, cold, cached, peers })
}

fn peer_fetch(
    notes: &Notes<'_>,
    path: &str,
    given: &spec::Peers,
    bytes: u64,
    links: &Links,
) -> Result<PeerFetch, Diagnostic> {
    if bytes == 0 {
        let error = notes.error(&format!("{path}.peers"), "how much peers send is not known");
        return Err(error.with_help("give `size` in the stage, or make `cold` a `Transfer`"));
    }
    let path = format!("{path}.peers");
    if given.rate.0 == 0 {
        return Err(notes.error(&format!("{path}.rate"), "this transfer's rate is below one byte a second"));
    }
    let uploads = given.uploads.unwrap_or(1);
    notes.within(&format!("{path}.uploads"), u64::from(uploads), 1, 100_000)?;
    let via = links::find(notes, &format!("{path}.via"), links, &given.via)?;
    let transfer = tiers::transfer(bytes, &spec::Tier::Rate(given.rate), None, None, via);
    Ok(PeerFetch { work: constant_factor(transfer), uploads })
}

/// A vLLM image of the usual size.
const IMAGE_BYTES: u64 = 15_000_000_000;

/// Weights of a model that is not known: 8 billion parameters in 16 bits.
const UNKNOWN_WEIGHTS_BYTES: u64 = 16_060_000_000;

fn default_stage(
    notes: &mut Notes<'_>,
    kind: StageKind,
    service: &str,
    path: &str,
    profile: Option<&Profile>,
    phases: Option<StartPhases>,
) -> StartupStage {
    let constant = |s| fleet::StageWork::Drawn(Distribution::Constant(s));
    let (cold, memory, disk, bytes, text, source, written) = match kind {
        StageKind::ImagePull => (
            constant(30.0),
            constant(0.0),
            constant(0.0),
            IMAGE_BYTES,
            "15 GB at 0.5 GB/s, nothing on a node that has it".to_owned(),
            "vLLM images are 10 to 20 GB; the registry's rate is a guess",
            format!("cold: \"30s\", cached: \"0s\", size: \"{IMAGE_BYTES}B\""),
        ),
        StageKind::WeightsLoad => {
            let (bytes, source) = match profile.and_then(Profile::weights_bytes) {
                Some(bytes) => (bytes, "the weights of its profile; Run:ai and ServerlessLLM benchmarks"),
                None => (UNKNOWN_WEIGHTS_BYTES, "an 8B model in 16 bits; Run:ai and ServerlessLLM benchmarks"),
            };
            let safetensors = Some(&spec::Loader::Safetensors);
            let cold = tiers::transfer(bytes, &spec::Tier::Gp3, None, None, Vec::new());
            let cached = tiers::transfer(bytes, &spec::Tier::Dram, safetensors, None, Vec::new());
            let disk = tiers::transfer(bytes, &spec::Tier::Nvme, safetensors, None, Vec::new());
            let text = format!(
                "{:.2} GB from gp3 ({:.0} s), {:.1} s from the page cache",
                bytes as f64 / 1e9,
                cold.duration().as_s_f64(),
                cached.duration().as_s_f64()
            );
            let from = |tier: &str, loader: &str| format!("Transfer(size: \"{bytes}B\", from: {tier}{loader})");
            let loader = ", loader: Safetensors";
            let written =
                format!("cold: {}, cached: {}, disk: {}", from("Gp3", ""), from("Dram", loader), from("Nvme", loader));
            (constant_factor(cold), constant_factor(cached), constant_factor(disk), bytes, text, source, written)
        }
        StageKind::EngineStart | StageKind::Compile | StageKind::GraphCapture => {
            let (mean_s, source) = engine_start(kind, phases);
            // As a scenario that says so would have it, to the last bit.
            let law = fleet::StageWork::Drawn(Distribution::lognormal_mean_cv2(mean_s, 0.2 * 0.2));
            let text = format!("LogNormal(mean: \"{mean_s}s\", cv: 0.2)");
            let written = format!("cold: {text}");
            (law.clone(), law.clone(), law, 0, text, source, written)
        }
    };
    let key: CacheKey = format!("{service}/{}", kind.name()).into();
    notes.assume(path, &text, format!("({written}, key: {key:?})"), source);
    StartupStage { kind, cold, cached: Some(CachedStage { key, bytes, pinned: false, memory, disk }), peers: None }
}

/// Mean seconds of a phase of an engine's start, to a tenth, and where that is from. Without a volume that keeps compiled
/// kernels, each new pod compiles anew.
fn engine_start(kind: StageKind, phases: Option<StartPhases>) -> (f64, &'static str) {
    let tenths = |s: f64| (s * 10.0).round() / 10.0;
    let of_logs = "logs of vLLM 0.19 on H100, by model and ranks";
    match (kind, phases) {
        (_, None) => (20.3, "Run:ai: vLLM ready minus load, 15.7 to 27.8 s"),
        (StageKind::Compile, Some(phases)) => {
            (tenths(phases.compile_s), "the same logs; `cached` is for kernels that a volume keeps")
        }
        (StageKind::GraphCapture, Some(phases)) => (tenths(phases.graphs_s), of_logs),
        (_, Some(phases)) => (tenths(phases.imports_s + phases.profile_s), of_logs),
    }
}

fn constant_factor(transfer: Transfer) -> fleet::StageWork {
    fleet::StageWork::Transfer(transfer, Distribution::Constant(1.0))
}

fn work(notes: &Notes<'_>, path: &str, given: &StageWork, links: &Links) -> Result<fleet::StageWork, Diagnostic> {
    match given {
        StageWork::Takes(law) => Ok(fleet::StageWork::Drawn(law.distribution().clone())),
        StageWork::Transfer(given) => {
            if let Some(streams) = given.streams {
                notes.within(&format!("{path}.streams"), u64::from(streams), 1, 100_000)?;
            }
            let via = links::find(notes, &format!("{path}.via"), links, &given.via)?;
            let transfer = tiers::transfer(given.size.0, &given.from, given.loader.as_ref(), given.streams, via);
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

fn probe(notes: &mut Notes<'_>, path: &str, given: Option<&spec::Probe>) -> Result<Probe, Diagnostic> {
    use flashcrowd_language::units::Duration;
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
