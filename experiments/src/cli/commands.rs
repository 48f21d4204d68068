//! What each subcommand does, except `fit` and `replay`.

use super::args::{
    Args, CheckArgs, CompareArgs, CompletionsArgs, Format, Play, RunArgs, SchemaArgs, SchemaKind, Suite, ValidateArgs,
};
use super::{Outcome, print, say};
use crate::export::summary;
use crate::export::write_folder;
use crate::profiles::{self, Library};
use crate::registry::Registry;
use crate::run::{Played, Progress, play};
use crate::scenario::language::{Diagnostic, list, nearest};
use crate::scenario::load::{Loaded, Text};
use crate::scenario::resolve::ResolvedAutoscaler;
use crate::scenario::resolve::files::{plain as plain_words, read_small};
use crate::{compare as comparison, lint, report, validate as validation};
use clap::CommandFactory;
use rayon::ThreadPoolBuilder;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

pub(super) fn run(args: &RunArgs, registry: &Registry) -> Outcome {
    let loaded = adjust(Text::read_with(&args.scenario, registry)?.with(&args.play.set)?.resolve()?, &args.play);
    let folder = args.out.clone().unwrap_or_else(|| Path::new("out").join(plain(&loaded.name)));
    let played = in_pool(args.play.threads, || play(loaded, &Progress::new(!args.play.quiet)))?;
    if !args.no_out {
        write_folder(&played, &folder)?;
    }
    let missed = slo_missed(&played);
    match args.play.format {
        Format::Json => print(&serde_json::to_string_pretty(&summary::json(&played)).unwrap_or_default())?,
        Format::Text => {
            print(&report::text(&played))?;
            if !args.no_out {
                say(&format!("outputs: {}", folder.display()));
            }
        }
    }
    Ok(if args.strict && missed { 3 } else { 0 })
}

/// A name that is one path component.
fn plain(name: &str) -> String {
    let kept = |c: char| if c.is_alphanumeric() || "-_ ".contains(c) { c } else { '_' };
    let name: String = name.chars().map(kept).collect();
    if name.trim().is_empty() { "run".to_owned() } else { name }
}

fn adjust(mut loaded: Loaded, play: &Play) -> Loaded {
    for variant in &mut loaded.variants {
        variant.seed = play.seed.unwrap_or(variant.seed);
        variant.replicates = play.replicates.unwrap_or(variant.replicates).clamp(1, 100_000);
    }
    loaded
}

/// Runs on so many threads; results are the same on any number.
pub(super) fn in_pool<T: Send>(threads: Option<u16>, work: impl FnOnce() -> T + Send) -> T {
    let Some(threads) = threads else { return work() };
    match ThreadPoolBuilder::new().num_threads(usize::from(threads)).build() {
        Ok(pool) => pool.install(work),
        Err(_) => work(),
    }
}

/// Whether a service missed a promise in any run; the cells of a route keep theirs together.
fn slo_missed(played: &Played) -> bool {
    played.runs.iter().any(|run| {
        let resolved = &played.loaded.variants[run.variant];
        report::groups::groups(resolved).iter().any(|group| {
            let slos = resolved.services[group.services[0]].slos.iter().enumerate();
            slos.into_iter().any(|(i, slo)| !group.slo(run, i, slo).met)
        })
    })
}

pub(super) fn compare(args: &CompareArgs, registry: &Registry) -> Outcome {
    let text = Text::read_with(&args.scenario, registry)?.with(&args.play.set)?;
    let loaded = if args.manifests.is_empty() { text.resolve()? } else { with_manifests(&text, args)? };
    if loaded.variants.len() < 2 {
        let error = Diagnostic::about(&args.scenario, "there is only one thing to compare");
        let help = "give two or more manifests, or `variants` in the scenario";
        return Err(error.with_help(help).into());
    }
    let loaded = adjust(loaded, &args.play);
    let played = in_pool(args.play.threads, || play(loaded, &Progress::new(!args.play.quiet)))?;
    match args.play.format {
        Format::Json => print(&serde_json::to_string_pretty(&comparison::json(&played)).unwrap_or_default())?,
        Format::Text => print(&comparison::text(&played))?,
    }
    Ok(0)
}

/// One variant for each manifest, on the scenario itself. A single manifest is compared with what
/// the scenario has.
fn with_manifests(text: &Text, args: &CompareArgs) -> Result<Loaded, Diagnostic> {
    let base = text.resolve()?;
    let names: Vec<&str> = base.variants[0].services.iter().map(|service| &*service.name).collect();
    let service = match &args.service {
        Some(wanted) if names.contains(&wanted.as_str()) => wanted.as_str(),
        Some(wanted) => {
            let error = Diagnostic::about("--service", format!("there is no service `{wanted}`"));
            let error = error.with_label(format!("expected {}", list(names.iter().copied())));
            return Err(match nearest(wanted, names) {
                Some(near) => error.with_help(format!("did you mean `{near}`?")),
                None => error,
            });
        }
        None if names.len() == 1 => names[0],
        None => {
            let error = Diagnostic::about(&args.scenario, "the scenario has several services");
            return Err(error.with_help(format!("say which one the manifests scale: --service, {}", list(names))));
        }
    };
    let mut variants = Vec::new();
    if args.manifests.len() == 1 {
        variants.push(text.resolve_with("scenario", &[])?);
    }
    for (name, path) in labels(&args.manifests).into_iter().zip(&args.manifests) {
        let quoted = serde_json::to_string(&path.to_string_lossy()).unwrap_or_default();
        let assignment = format!("services.\"{service}\".autoscaler=Manifest({quoted})");
        variants.push(text.resolve_with(&name, &[("manifest".to_owned(), assignment)])?);
    }
    Ok(Loaded { variants, baseline: 0, ..base })
}

/// File names, with their folders or a number where they are equal.
fn labels(paths: &[PathBuf]) -> Vec<String> {
    let short = |path: &PathBuf| path.file_stem().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    let mut labels: Vec<String> = Vec::new();
    for path in paths {
        let mut label = short(path);
        if paths.iter().filter(|other| short(other) == label).count() > 1 {
            label = path.with_extension("").display().to_string();
        }
        let before = labels.iter().filter(|other| **other == label || other.starts_with(&format!("{label} #"))).count();
        labels.push(if before > 0 { format!("{label} #{}", before + 1) } else { label });
    }
    labels
}

pub(super) fn check(args: &CheckArgs, registry: &Registry) -> Outcome {
    let loaded = Text::read_with(&args.scenario, registry)?.with(&args.set)?.resolve()?;
    let mut text = String::new();
    for variant in &loaded.variants {
        let title = if variant.variant.is_empty() { &variant.name } else { &variant.variant };
        let _ = writeln!(text, "{title}: fine, {} of simulated time", report::duration(variant.horizon.as_s_f64()));
        for service in &variant.services {
            let scaler = service.autoscaler.as_ref().map_or_else(|| "nobody".to_owned(), ResolvedAutoscaler::describe);
            let capacity = lint::capacity_words(service);
            let _ = writeln!(text, "  service {}: {capacity}, scaled by {scaler}", service.name);
        }
        if args.print_resolved {
            for setting in &variant.settings {
                let _ = writeln!(text, "  {} = {}   # {}", setting.path, setting.value, setting.origin);
            }
        }
        for warning in variant.warnings.iter().cloned().chain(lint::lint(variant)) {
            let _ = writeln!(text, "  warning: {warning}");
        }
    }
    print(&text)?;
    Ok(0)
}

pub(super) fn validate(args: &ValidateArgs) -> Outcome {
    let suite = match args.suite {
        Suite::Hpa => validation::Suite::Hpa,
        Suite::Controllers => validation::Suite::Controllers,
        Suite::Queueing => validation::Suite::Queueing,
        Suite::Serving => validation::Suite::Serving,
        Suite::Spot => validation::Suite::Spot,
        Suite::Coldstart => validation::Suite::Coldstart,
    };
    if suite != validation::Suite::Spot && args.traces.is_some() {
        return Err(Diagnostic::about("--traces", format!("the suite `{}` has no use for it", suite.name())).into());
    }
    if suite != validation::Suite::Serving && (args.plots.is_some() || !args.profiles.is_empty()) {
        let option = if args.plots.is_some() { "--plots" } else { "--profile" };
        return Err(Diagnostic::about(option, format!("the suite `{}` has no use for it", suite.name())).into());
    }
    let library = library(&args.profiles)?;
    let report = in_pool(args.threads, || match suite {
        validation::Suite::Serving => validation::serving_with(&args.files, &library, &mut |_| {}),
        validation::Suite::Spot => validation::spot_with(&args.files, args.traces.as_deref(), &mut |_| {}),
        other => validation::run(other, &args.files, &mut |_| {}),
    })?;
    if let Some(folder) = &args.plots {
        write_plots(folder, &report)?;
    }
    match args.format {
        Format::Json => print(&serde_json::to_string_pretty(&report).unwrap_or_default())?,
        Format::Text => print(&report.to_string())?,
    }
    Ok(report.exit_code())
}

/// These profiles before the shipped ones.
fn library(files: &[PathBuf]) -> Result<Library, Diagnostic> {
    let mut library = Library::shipped().clone();
    for file in files.iter().rev() {
        let name = file.display().to_string();
        let bytes = read_small(file).map_err(|error| Diagnostic::about(&name, plain_words(&error)))?;
        library = library.preferring(profiles::read(&name, &bytes)?);
    }
    Ok(library)
}

fn write_plots(folder: &Path, report: &validation::Report) -> Result<(), Diagnostic> {
    let failed = |error: std::io::Error| {
        Diagnostic::about(&folder.display().to_string(), format!("plots cannot be written there: {error}"))
    };
    std::fs::create_dir_all(folder).map_err(failed)?;
    for (name, text) in validation::plots(report) {
        std::fs::write(folder.join(name), text).map_err(failed)?;
    }
    Ok(())
}

pub(super) fn policies(registry: &Registry) -> Outcome {
    let mut text = format!("{:<24} {:<11} {}\n", "policy", "port", "what it does; what it reproduces");
    for policy in flashcrowd_policies::catalog() {
        let (name, port) = (policy.name, policy.port.name());
        let _ = writeln!(text, "{name:<24} {port:<11} {}\n{:<36} {}", policy.about, "", policy.reproduces);
    }
    for name in registry.names() {
        let _ = writeln!(text, "{name:<24} {:<11} registered by this program", "autoscaler");
    }
    print(&text)?;
    Ok(0)
}

pub(super) fn schema(args: &SchemaArgs) -> Outcome {
    let schema = match args.kind {
        SchemaKind::Scenario => crate::schemas::scenario(),
        SchemaKind::Summary => crate::schemas::summary(),
        SchemaKind::Test => crate::schemas::test(),
        SchemaKind::Observation => crate::schemas::observation(),
        SchemaKind::Decision => crate::schemas::decision(),
    };
    print(&serde_json::to_string_pretty(&schema).unwrap_or_default())?;
    Ok(0)
}

pub(super) fn completions(args: &CompletionsArgs) -> Outcome {
    let mut text = Vec::new();
    clap_complete::generate(args.shell, &mut Args::command(), "flashcrowd", &mut text);
    print(&String::from_utf8_lossy(&text))?;
    Ok(0)
}
