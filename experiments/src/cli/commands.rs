//! What each subcommand does, except `run`, `compare`, `fit`, `replay` and `test`.

use super::args::{Args, CheckArgs, CompletionsArgs, Format, ManArgs, SchemaArgs, SchemaKind, Suite, ValidateArgs};
use super::outcome::{Outcome, print, say};
use super::play::at_load;
use crate::{lint, report, results, validate as validation};
use clap::CommandFactory;
use flashcrowd_language::words::{duration, plain as plain_words};
use flashcrowd_language::{Diagnostic, list, nearest};
use flashcrowd_profiles::Library;
use flashcrowd_results::ExportError;
use flashcrowd_scenario::Registry;
use flashcrowd_scenario::ResolvedAutoscaler;
use flashcrowd_scenario::Text;
use flashcrowd_scenario::files::read_small;
use flashcrowd_scenario::form;
use rayon::ThreadPoolBuilder;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// Runs on so many threads; results are the same on any number.
pub(super) fn in_pool<T: Send>(threads: Option<u16>, work: impl FnOnce() -> T + Send) -> T {
    let Some(threads) = threads else { return work() };
    match ThreadPoolBuilder::new().num_threads(usize::from(threads)).build() {
        Ok(pool) => pool.install(work),
        Err(_) => work(),
    }
}

pub(super) fn check(args: &CheckArgs, registry: &Registry) -> Outcome {
    let text = Text::read_with(&args.scenario, registry)?.with(&args.set)?;
    let text = at_load(text, args.load.as_deref());
    if args.print_resolved {
        print(&text.written(args.variant.as_deref())?)?;
        return Ok(0);
    }
    let loaded = text.resolve()?;
    let mut text = String::new();
    for variant in &loaded.variants {
        let title = if variant.variant.is_empty() { &variant.name } else { &variant.variant };
        let _ = writeln!(text, "{title}: fine, {} of simulated time", duration(variant.horizon.as_s_f64()));
        for service in &variant.services {
            let scaler = service.autoscaler.as_ref().map_or_else(|| "nobody".to_owned(), ResolvedAutoscaler::describe);
            let capacity = lint::capacity_words(service);
            let _ = writeln!(text, "  service {}: {capacity}, scaled by {scaler}", service.config.name);
        }
        for client in &variant.traffic {
            if let Some(trace) = client.source.trace() {
                let _ = writeln!(text, "  traffic {}: {}", client.name, trace.words());
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
        library = library.preferring(flashcrowd_profiles::read(&name, &bytes)?);
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
    for policy in flashcrowd_scenario::policies() {
        let (name, port) = (policy.name, policy.port.name());
        let _ = writeln!(text, "{name:<24} {port:<11} {}\n{:<36} {}", policy.about, "", policy.reproduces);
    }
    for name in registry.names() {
        let _ = writeln!(text, "{name:<24} {:<11} registered by this program", "autoscaler");
    }
    print(&text)?;
    Ok(0)
}

/// The catalogue of figures as a table.
pub(super) fn figures() -> Outcome {
    let mut rows = vec![["figure", "unit", "better", "pooled", "of", "what it is"].map(str::to_owned).to_vec()];
    for figure in results::catalogue() {
        let scopes: Vec<String> = figure.scopes.iter().map(|scope| format!("{scope:?}").to_lowercase()).collect();
        rows.push(vec![
            figure.id.to_owned(),
            figure.unit.name().to_owned(),
            figure.better.name().to_owned(),
            figure.pool.name().to_owned(),
            scopes.join(" "),
            figure.words.to_owned(),
        ]);
    }
    print(&report::columns(&rows, &[]))?;
    Ok(0)
}

pub(super) fn schema(args: &SchemaArgs) -> Outcome {
    if args.example.is_some() || args.reference {
        return about_scenarios(args);
    }
    let schema = match args.kind {
        SchemaKind::Scenario => form::schema().clone(),
        SchemaKind::Summary => crate::schemas::summary(),
        SchemaKind::Test => crate::schemas::test(),
        SchemaKind::Observation => crate::schemas::observation(),
        SchemaKind::Decision => crate::schemas::decision(),
    };
    print(&serde_json::to_string_pretty(&schema).unwrap_or_default())?;
    Ok(0)
}

/// A skeleton of a scenario, or the page with every field.
fn about_scenarios(args: &SchemaArgs) -> Outcome {
    if !matches!(args.kind, SchemaKind::Scenario) {
        return Err(Diagnostic::about("schema", "`--example` and `--reference` are of scenarios alone").into());
    }
    match args.example.as_deref() {
        None => print(&form::reference())?,
        Some(part) => match form::skeleton(Some(part).filter(|part| !part.is_empty())) {
            Some(text) => print(&text)?,
            None => return Err(no_such_part(part).into()),
        },
    }
    Ok(0)
}

fn no_such_part(part: &str) -> Diagnostic {
    let error = Diagnostic::about("--example", format!("a scenario has no part `{part}`"));
    let error = error.with_label(format!("expected {}", list(form::parts())));
    match nearest(part, form::parts()) {
        Some(near) => error.with_help(format!("did you mean `{near}`?")),
        None => error,
    }
}

pub(super) fn completions(args: &CompletionsArgs) -> Outcome {
    let mut text = Vec::new();
    clap_complete::generate(args.shell, &mut Args::command(), "flashcrowd", &mut text);
    print(&String::from_utf8_lossy(&text))?;
    Ok(0)
}

/// The manual page of the program on stdout, or a page for each verb in a folder.
pub(super) fn man(args: &ManArgs) -> Outcome {
    let Some(folder) = &args.out else {
        let mut page = Vec::new();
        clap_mangen::Man::new(Args::command()).render(&mut page)?;
        print(&String::from_utf8_lossy(&page))?;
        return Ok(0);
    };
    let refused = |error: std::io::Error| ExportError::refused(folder, &error);
    std::fs::create_dir_all(folder).map_err(refused)?;
    clap_mangen::generate_to(Args::command(), folder).map_err(refused)?;
    say(&format!("outputs: {}", folder.display()));
    Ok(0)
}
