//! Autoscalers other than the HPA against recorded decisions of their real code: a file's name says
//! whose they are, each line is one case, each output that it gives is one check.

use crate::error::ValidateError;
use crate::input::Lines;
use crate::report::Report;
use crate::vectors::{LINES_AT_ONCE, add, part_name};
use flashcrowd_conformance::{Outcome, RUNNERS, Runner};
use flashcrowd_language::nearest;
use rayon::prelude::*;
use std::path::{Path, PathBuf};

pub(crate) fn run(files: &[PathBuf], progress: &mut dyn FnMut(&str)) -> Result<Report, ValidateError> {
    // All names are looked up before the first file is played.
    let runners = files.iter().map(|path| runner_of(path)).collect::<Result<Vec<_>, _>>()?;
    let mut report = Report::new("controllers");
    for (path, runner) in files.iter().zip(runners) {
        let (cases, total) = play_file(path, runner, progress)?;
        add(&mut report, &part_name(path, files), cases, total);
    }
    Ok(report)
}

/// The runner that a file's name says.
fn runner_of(path: &Path) -> Result<Runner, ValidateError> {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let stem = name.split('.').next().unwrap_or_default();
    // `ours_keda_scaledjob_part2` is one of `keda_scaledjob`; no name is part of another.
    if let Some((_, runner)) = RUNNERS.iter().find(|(known, _)| name.contains(known)) {
        return Ok(*runner);
    }
    let names = RUNNERS.iter().map(|(known, _)| *known);
    let near = nearest(stem, names.clone()).map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
    let known: Vec<&str> = names.collect();
    let message = format!("the name does not say whose decisions these are: expected {}{near}", known.join(", "));
    Err(ValidateError::new(&path.display().to_string(), None, message))
}

fn play_file(path: &Path, runner: Runner, progress: &mut dyn FnMut(&str)) -> Result<(u64, Outcome), ValidateError> {
    let mut lines = Lines::open(path)?;
    let (mut cases, mut total) = (0, Outcome::default());
    loop {
        let mut batch = Vec::with_capacity(LINES_AT_ONCE);
        while batch.len() < LINES_AT_ONCE
            && let Some(line) = lines.next()?
        {
            batch.push(line);
        }
        if batch.is_empty() {
            break;
        }
        let outcomes: Vec<_> = batch.par_iter().map(|(_, line)| runner(line)).collect();
        for ((number, _), outcome) in batch.iter().zip(outcomes) {
            let outcome =
                outcome.map_err(|error| ValidateError::new(lines.file(), Some(*number), error.to_string()))?;
            cases += 1;
            total.absorb(outcome);
        }
        progress(&format!("{}: {cases} cases", lines.file()));
    }
    if cases == 0 {
        return Err(ValidateError::new(lines.file(), None, "the file is empty"));
    }
    Ok((cases, total))
}
