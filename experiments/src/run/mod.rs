//! Runs: every variant and replicate of a scenario, in parallel, with their CPU time.

mod progress;

pub use progress::Progress;

use crate::scenario::language::Diagnostic;
use crate::scenario::load::Loaded;
use crate::scenario::resolve::{Resolved, ResolvedAutoscaler, source_error};
use cpu_time::ThreadTime;
use flashcrowd_core::Simulation;
use flashcrowd_core::ledger::RunRecord;
use flashcrowd_core::simulation::RunError;
use rayon::prelude::*;

/// One finished run.
#[derive(Clone, Debug)]
pub struct Run {
    /// Position of its variant.
    pub variant: usize,
    /// Number of its replicate.
    pub replicate: u32,
    /// CPU time that it took, in seconds.
    pub cpu_s: f64,
    /// What it left behind.
    pub record: RunRecord,
}

/// A scenario that was played: its runs by variant, then replicate.
#[derive(Clone, Debug)]
pub struct Played {
    /// The scenario.
    pub loaded: Loaded,
    /// Its runs.
    pub runs: Vec<Run>,
}

impl Played {
    /// The runs of one variant, by replicate.
    pub fn of_variant(&self, variant: usize) -> impl Iterator<Item = &Run> {
        self.runs.iter().filter(move |run| run.variant == variant)
    }

    /// One digest of all runs, in order.
    pub fn digest(&self) -> String {
        if let [only] = self.runs.as_slice() {
            return only.record.digest.clone();
        }
        let all: Vec<&str> = self.runs.iter().map(|run| run.record.digest.as_str()).collect();
        crate::scenario::resolve::files::hash(all.join("\n").as_bytes())
    }
}

/// Plays all variants and replicates on the threads of the current pool.
///
/// # Errors
/// What stopped the first run that stopped, by variant and replicate.
pub fn play(loaded: Loaded, progress: &Progress) -> Result<Played, Diagnostic> {
    let mut cells: Vec<(usize, u32)> = Vec::new();
    for (variant, resolved) in loaded.variants.iter().enumerate() {
        cells.extend((0..resolved.replicates).map(|replicate| (variant, replicate)));
    }
    progress.start(cells.len(), loaded.variants.iter().map(|variant| variant.horizon).max());
    let runs: Vec<Result<Run, Diagnostic>> =
        cells.into_par_iter().map(|(variant, replicate)| one(&loaded, variant, replicate, progress)).collect();
    progress.finish();
    let runs = runs.into_iter().collect::<Result<Vec<Run>, Diagnostic>>()?;
    for run in runs.iter().filter(|run| run.replicate == 0 && is_external(&loaded.variants[run.variant])) {
        check_external(&loaded, run)?;
    }
    Ok(Played { loaded, runs })
}

fn is_external(resolved: &Resolved) -> bool {
    resolved.services.iter().any(|service| service.autoscaler.as_ref().is_some_and(ResolvedAutoscaler::is_external))
}

/// Plays a run with policies outside the program once more: they must decide the same.
fn check_external(loaded: &Loaded, run: &Run) -> Result<(), Diagnostic> {
    let again = one(loaded, run.variant, run.replicate, &Progress::new(false))?;
    if again.record.digest == run.record.digest {
        return Ok(());
    }
    let differs =
        run.record.decisions.iter().zip(&again.record.decisions).find(|(a, b)| a.after != b.after || a.at != b.at);
    let place = differs.map_or_else(String::new, |(first, second)| {
        format!(": at {} it wrote {} first and {} then", first.at, first.after, second.after)
    });
    let message = format!("a policy decided otherwise when the same run was played again{place}");
    Err(Diagnostic::about(&loaded.given, message).with_help(
        "a policy must depend on nothing but what it is shown: no clock, no randomness without a fixed seed",
    ))
}

fn one(loaded: &Loaded, variant: usize, replicate: u32, progress: &Progress) -> Result<Run, Diagnostic> {
    let resolved = &loaded.variants[variant];
    let started = ThreadTime::now();
    let world = resolved.world(replicate).map_err(|error| source_error(&error))?;
    let mut cell = progress.cell();
    let record = Simulation::new(world).run_with(|now| cell.advance(now));
    cell.done(resolved.horizon);
    let record = record.map_err(|error| stopped(loaded, resolved, &error))?;
    Ok(Run { variant, replicate, cpu_s: started.elapsed().as_secs_f64(), record })
}

fn stopped(loaded: &Loaded, resolved: &Resolved, error: &RunError) -> Diagnostic {
    let about = |message: String| {
        let variant =
            if resolved.variant.is_empty() { String::new() } else { format!(" (variant `{}`)", resolved.variant) };
        Diagnostic::about(&loaded.given, format!("{message}{variant}"))
    };
    match error {
        RunError::Source(error) => source_error(error),
        // Events are counted by the thousand a request.
        RunError::Limit { name, .. } => {
            let name = if *name == "events" { "requests" } else { name };
            about(error.to_string()).with_help(format!("if that is meant, raise it: `limits: ({name}: ...)`"))
        }
        RunError::Crawl { .. } => about(error.to_string()).with_help(
            "look for what takes next to no time: a service or think time, a period, a lifetime, a back-off",
        ),
        RunError::Policy { .. } => about(error.to_string()),
        RunError::Livelock { .. } => about(error.to_string())
            .with_help("users who neither think nor are served in any time never let the clock move on"),
    }
}
