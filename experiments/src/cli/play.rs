//! `run` and `compare`: scenarios are played, and what comes of them goes to its places.

use super::args::{CompareArgs, Format, Play, RunArgs};
use super::commands::in_pool;
use super::outcome::{Outcome, print, say};
use super::until::{Until, play_until};
use crate::replay::policy;
use crate::{compare as comparison, report};
use flashcrowd_language::{Diagnostic, list, nearest};
use flashcrowd_results::run::{Progress, Run, Sink};
use flashcrowd_results::{
    ExportError, Figures, OutputFolder, Results, Summaries, can_be_written, missed, write_runs, write_whole,
};
use flashcrowd_scenario::Registry;
use flashcrowd_scenario::{Loaded, Text};
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// Where the runs of `run` go.
struct Outputs<'l> {
    results: Results<'l>,
    summaries: Option<Summaries>,
    folder: Option<OutputFolder>,
}

impl Sink for Outputs<'_> {
    fn take(&mut self, run: Run) {
        let loaded = self.results.loaded;
        let figures = Figures::of(&loaded.variants[run.variant], &run);
        if let Some(summaries) = &mut self.summaries {
            summaries.add(loaded, &run, &figures);
        }
        if let Some(folder) = &mut self.folder {
            folder.add(loaded, &run);
        }
        self.results.take_with(run, figures);
    }
}

pub(super) fn run(args: &RunArgs, registry: &Registry) -> Outcome {
    let mut loaded = text(&args.scenario, &args.play, registry)?.resolve()?;
    let until = Until::of(&args.until, &mut loaded, args.play.replicates)?;
    if until.is_some() && loaded.variants.len() > 1 {
        let error = Diagnostic::about("--until", "the scenario has variants, whose replicates are played together");
        return Err(error
            .with_help(format!("`flashcrowd compare {} --until ..` adds replicates to all of them", args.scenario))
            .into());
    }
    let loaded = loaded;
    let path = args.out.clone().unwrap_or_else(|| Path::new("out").join(plain(&loaded.name)));
    // What cannot be written is said before anything runs.
    let folder = if args.no_out { None } else { Some(OutputFolder::prepare(&path, &loaded)?) };
    let wants_summaries = !args.no_out || args.play.format == Format::Json;
    let mut outputs =
        Outputs { results: Results::new(&loaded), summaries: wants_summaries.then(Summaries::new), folder };
    let progress = Progress::new(!args.play.quiet);
    let played = in_pool(args.play.threads, || {
        play_until(&loaded, until.as_ref(), &progress, &mut outputs, |outputs| &outputs.results)
    });
    let Outputs { results, mut summaries, folder } = outputs;
    if let Err(error) = played {
        if let Some(folder) = folder {
            folder.give_up();
        }
        return Err(error.into());
    }
    let written = match (folder, &mut summaries) {
        (Some(folder), Some(summaries)) => folder.finish(&results, summaries).map(|()| true),
        _ => Ok(false),
    };
    // Whatever became of the folder, what was found is printed.
    match (args.play.format, &mut summaries) {
        (Format::Json, Some(summaries)) => {
            let mut out = std::io::BufWriter::new(std::io::stdout().lock());
            summaries.write(&results, &mut out)?;
            out.flush()?;
        }
        _ => print(&report::text(&results))?,
    }
    tell(until.as_ref(), &results, args.play.format)?;
    if written? && args.play.format == Format::Text {
        say(&format!("outputs: {}", path.display()));
    }
    Ok(if args.strict && missed(&results) { 3 } else { 0 })
}

/// The scenario with what the command line says: `--set` before variants, `--seed`, `--replicates`
/// and `--load` after them.
pub(super) fn text(scenario: &str, play: &Play, registry: &Registry) -> Result<Text, Diagnostic> {
    let mut text = Text::read_with(scenario, registry)?.with(&play.set)?;
    if let Some(seed) = play.seed {
        text = text.finally("--seed", format!("seed={seed}"));
    }
    if let Some(replicates) = play.replicates {
        text = text.finally("--replicates", format!("replicates={replicates}"));
    }
    Ok(at_load(text, play.load.as_deref()))
}

/// The scenario with all traffic times a factor.
pub(super) fn at_load(text: Text, load: Option<&str>) -> Text {
    match load {
        Some(load) => text.finally("--load", format!("load={load}")),
        None => text,
    }
}

/// A name that is one path component.
pub(super) fn plain(name: &str) -> String {
    let kept = |c: char| if c.is_alphanumeric() || "-_ ".contains(c) { c } else { '_' };
    let name: String = name.chars().map(kept).collect();
    if name.trim().is_empty() { "run".to_owned() } else { name }
}

pub(super) fn compare(args: &CompareArgs, registry: &Registry) -> Outcome {
    let text = text(&args.scenario, &args.play, registry)?;
    let figures = args.figures.clone();
    let mut options = comparison::Options { long: args.long, figures, ..comparison::Options::default() };
    let mut loaded = if args.manifests.is_empty() {
        options.service.clone_from(&args.service);
        text.resolve()?
    } else {
        let (loaded, service) = with_manifests(&text, args)?;
        options.scaled = Some(service);
        loaded
    };
    if loaded.variants.len() < 2 {
        let error = Diagnostic::about(&args.scenario, "there is only one thing to compare");
        let help = "give two or more manifests, or `variants` in the scenario";
        return Err(error.with_help(help).into());
    }
    if let Some(wanted) = &args.baseline {
        loaded.baseline = baseline(&loaded, wanted)?;
    }
    options.check(&loaded)?;
    let until = Until::of(&args.until, &mut loaded, args.play.replicates)?;
    let loaded = loaded;
    // What cannot be written is said before anything runs.
    if let Some(path) = &args.runs {
        can_be_written(path).map_err(|error| ExportError::refused(path, &error))?;
    }
    let mut results = Results::new(&loaded);
    let progress = Progress::new(!args.play.quiet);
    in_pool(args.play.threads, || play_until(&loaded, until.as_ref(), &progress, &mut results, |results| results))?;
    if let Some(path) = &args.runs {
        let mut table = Vec::new();
        let written = write_runs(&results, &mut table).and_then(|()| write_whole(path, &table));
        written.map_err(|error| ExportError::refused(path, &error))?;
    }
    match args.play.format {
        Format::Json => {
            print(&serde_json::to_string_pretty(&comparison::json(&results, &options)).unwrap_or_default())?;
        }
        Format::Text => print(&comparison::text(&results, &options))?,
    }
    tell(until.as_ref(), &results, args.play.format)?;
    Ok(0)
}

/// Says how narrow the intervals have become that were asked for: beside JSON it is talk.
fn tell(until: Option<&Until>, results: &Results<'_>, format: Format) -> std::io::Result<()> {
    for words in until.iter().flat_map(|until| until.words(results)) {
        match format {
            Format::Text => print(&format!("until       {words}"))?,
            Format::Json => say(&words),
        }
    }
    Ok(())
}

/// The position of a variant by its name.
fn baseline(loaded: &Loaded, wanted: &str) -> Result<usize, Diagnostic> {
    let names: Vec<&str> = loaded.variants.iter().map(|variant| &*variant.variant).collect();
    names.iter().position(|name| *name == wanted).ok_or_else(|| {
        let error = Diagnostic::about("--baseline", format!("there is no variant `{wanted}`"));
        let error = error.with_label(format!("expected {}", list(names.iter().copied())));
        match nearest(wanted, names) {
            Some(near) => error.with_help(format!("did you mean `{near}`?")),
            None => error,
        }
    })
}

/// One variant for each manifest, on the scenario itself. A single manifest is compared with what
/// the scenario has.
fn with_manifests(text: &Text, args: &CompareArgs) -> Result<(Loaded, String), Diagnostic> {
    let base = text.resolve()?;
    let service = scaled_service(&base, args.service.as_deref())?;
    let mut variants = Vec::new();
    if args.manifests.len() == 1 {
        variants.push(text.resolve_with("scenario", &[])?);
    }
    for (name, path) in labels(&args.manifests).into_iter().zip(&args.manifests) {
        let (label, autoscaler) = autoscaler(path);
        let assignment = format!("services.\"{service}\".autoscaler={autoscaler}");
        variants.push(text.resolve_with(&name, &[(label.to_owned(), assignment)])?);
    }
    Ok((Loaded { variants, baseline: 0, ..base }, service))
}

/// The service that policies are for: the one that is named, or the only one.
pub(super) fn scaled_service(base: &Loaded, wanted: Option<&str>) -> Result<String, Diagnostic> {
    let names: Vec<&str> = base.variants[0].services.iter().map(|service| &*service.config.name).collect();
    match wanted {
        Some(wanted) if names.contains(&wanted) => Ok(wanted.to_owned()),
        Some(wanted) => {
            let error = Diagnostic::about("--service", format!("there is no service `{wanted}`"));
            let error = error.with_label(format!("expected {}", list(names.iter().copied())));
            Err(match nearest(wanted, names) {
                Some(near) => error.with_help(format!("did you mean `{near}`?")),
                None => error,
            })
        }
        None if names.len() == 1 => Ok(names[0].to_owned()),
        None => {
            let error = Diagnostic::about(&base.given, "the scenario has several services");
            Err(error.with_help(format!("say which one the manifests scale: --service, {}", list(names))))
        }
    }
}

/// A policy as scenarios write it, and what it is called: a manifest, or an autoscaler.
pub(super) fn autoscaler(path: &Path) -> (&'static str, String) {
    match policy::inline(path) {
        Some(policy) => ("policy", policy),
        None => {
            ("manifest", format!("Manifest({})", serde_json::to_string(&path.to_string_lossy()).unwrap_or_default()))
        }
    }
}

/// File names, with their folders or a number where they are equal; of policies their own names.
fn labels(paths: &[PathBuf]) -> Vec<String> {
    let file = |path: &PathBuf| path.file_stem().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    let policy = |path: &PathBuf| policy::inline(path).and_then(|text| text.split('(').next().map(str::to_owned));
    let short = |path: &PathBuf| policy(path).unwrap_or_else(|| file(path));
    let mut labels: Vec<String> = Vec::new();
    for path in paths {
        let mut label = short(path);
        if policy(path).is_none() && paths.iter().filter(|other| short(other) == label).count() > 1 {
            label = path.with_extension("").display().to_string();
        }
        let before = labels.iter().filter(|other| **other == label || other.starts_with(&format!("{label} #"))).count();
        labels.push(if before > 0 { format!("{label} #{}", before + 1) } else { label });
    }
    labels
}
