//! Trials played in parallel, handed on one after the other.

use super::finished::{Run, Sink};
use super::progress::Progress;
use crate::results::Results;
use crate::trial::{Trial, trials};
use cpu_time::ThreadTime;
use flashcrowd_core::Simulation;
use flashcrowd_core::simulation::RunError;
use flashcrowd_language::Diagnostic;
use flashcrowd_scenario::Loaded;
use flashcrowd_scenario::{Resolved, ResolvedAutoscaler, source_error};
use rayon::prelude::*;

/// A scenario that was played and kept whole: its runs by variant, then replicate.
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

    /// Its figures.
    pub fn results(&self) -> Results<'_> {
        let mut results = Results::new(&self.loaded);
        self.runs.iter().for_each(|run| results.add(run));
        results
    }
}

/// Plays trials on the threads of the current pool and hands each run to `sink`, in their order.
///
/// Only some runs for each thread are there at once, so that memory does not grow with replicates.
///
/// # Errors
/// What stopped the first run that stopped, in the order of the trials.
pub fn play(
    loaded: &Loaded,
    trials: &[(usize, Trial)],
    progress: &Progress,
    sink: &mut dyn Sink,
) -> Result<(), Diagnostic> {
    progress.start(trials.len(), loaded.variants.iter().map(|variant| variant.horizon).max());
    let at_once = rayon::current_num_threads() * RUNS_A_THREAD;
    for some in trials.chunks(at_once) {
        let runs: Vec<Result<Run, Diagnostic>> =
            some.par_iter().map(|(variant, trial)| play_trial(loaded, *variant, trial, progress)).collect();
        for run in runs {
            sink.take(run.inspect_err(|_| progress.finish())?);
        }
    }
    progress.finish();
    Ok(())
}

/// Runs for each thread that are there at once: enough that few wait for the longest of them.
const RUNS_A_THREAD: usize = 8;

/// Plays all trials of a scenario and keeps every run whole, for those who look into records.
///
/// # Errors
/// As [`play`].
pub fn play_whole(loaded: Loaded, progress: &Progress) -> Result<Played, Diagnostic> {
    let mut runs = Vec::new();
    play(&loaded, &trials(&loaded), progress, &mut runs)?;
    Ok(Played { loaded, runs })
}

/// Plays one trial, and once more where a policy outside the program decided.
///
/// # Errors
/// What stopped it.
pub fn play_trial(loaded: &Loaded, variant: usize, trial: &Trial, progress: &Progress) -> Result<Run, Diagnostic> {
    let run = one(loaded, variant, trial, progress)?;
    if trial.replicate == 0 && is_external(&loaded.variants[variant]) {
        check_external(loaded, &run)?;
    }
    Ok(run)
}

fn is_external(resolved: &Resolved) -> bool {
    resolved.services.iter().any(|service| service.autoscaler.as_ref().is_some_and(ResolvedAutoscaler::is_external))
}

/// Plays a run with policies outside the program once more: they must decide the same.
fn check_external(loaded: &Loaded, run: &Run) -> Result<(), Diagnostic> {
    let again = one(loaded, run.variant, &run.trial, &Progress::new(false))?;
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

fn one(loaded: &Loaded, variant: usize, trial: &Trial, progress: &Progress) -> Result<Run, Diagnostic> {
    let resolved = &loaded.variants[variant];
    let started = ThreadTime::now();
    let world = resolved.world(trial.replicate).map_err(|error| source_error(&error))?;
    let mut cell = progress.cell();
    let record = Simulation::new(world).run_with(|now| cell.advance(now));
    cell.done(resolved.horizon);
    let record = record.map_err(|error| stopped(loaded, resolved, &error))?;
    Ok(Run { variant, trial: trial.clone(), cpu_s: started.elapsed().as_secs_f64(), record })
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
