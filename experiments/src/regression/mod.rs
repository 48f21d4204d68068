//! Policy regression tests: scenarios with assertions and golden decisions, for anyone's CI.
//!
//! | file | holds |
//! | --- | --- |
//! | `find` | which files are tests |
//! | `file` | a test as written, read and checked before anything runs |
//! | `assertion` | `chat.ttft.p99 <= 1.5s`, with places for what is wrong |
//! | `measure` | what an assertion is about, and its value in a run |
//! | `golden` | the decisions that changed something, as CSV |
//! | `difference` | the first decision that is another one, and what the policy saw there |
//! | `outcome` | what became of each test, and the exit code |
//! | `junit` | the same as `JUnit` XML |

mod assertion;
mod difference;
mod file;
mod find;
mod golden;
mod junit;
mod measure;
mod outcome;

pub use file::TestFile;
pub use find::find;
pub use junit::junit;
pub use outcome::{Failure, Outcome, Report, Status};

use file::Test;
use flashcrowd_results::Figures;
use flashcrowd_results::run::{Progress, play_whole};
use flashcrowd_scenario::Registry;
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// How tests are played.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options<'a> {
    /// Whether golden files are written instead of compared.
    pub bless: bool,
    /// What all traffic is multiplied by, in place of the scenarios' `load`. Golden files are not compared then.
    pub load: Option<&'a str>,
}

/// Reads and plays tests, all of them whatever becomes of one; results are in the order given.
pub fn run(files: &[PathBuf], registry: &Registry, options: &Options<'_>) -> Report {
    let read = |file: &PathBuf| file::read(file, registry, options.load);
    let mut tests: Vec<Result<Test, Outcome>> =
        files.par_iter().map(|file| read(file).map_err(|error| Outcome::broken(file, error))).collect();
    refuse_shared_goldens(&mut tests);
    let played: Vec<(Outcome, Option<golden::Blessing>)> = tests
        .into_par_iter()
        .map(|test| test.map_or_else(|outcome| (outcome, None), |test| one(test, options.bless)))
        .collect();
    // Files are written one after the other, and only by tests that could be played.
    let outcomes = played.into_iter().map(|(outcome, blessing)| match blessing {
        Some(blessing) => outcome.blessed(blessing.write()),
        None => outcome,
    });
    Report { outcomes: outcomes.collect() }
}

/// Two tests with one golden file would bless it in turn.
fn refuse_shared_goldens(tests: &mut [Result<Test, Outcome>]) {
    let mut owners: BTreeMap<PathBuf, String> = BTreeMap::new();
    for slot in tests {
        let Ok(test) = slot else { continue };
        let Some(path) = test.golden.clone() else { continue };
        if let Some(owner) = owners.get(&path) {
            let error = test.document.error_at("golden", format!("this is the golden file of `{owner}` already"));
            *slot = Err(Outcome::broken(&test.path, error));
        } else {
            owners.insert(path, test.path.display().to_string());
        }
    }
}

fn one(test: Test, bless: bool) -> (Outcome, Option<golden::Blessing>) {
    let Test { path, document, loaded, assertions, golden } = test;
    let played = match play_whole(loaded, &Progress::new(false)) {
        Ok(played) => played,
        Err(error) => return (Outcome::broken(&path, error), None),
    };
    let mut outcome = Outcome::of(&path, &played, assertions.len());
    let resolved = &played.loaded.variants[0];
    let trials: Vec<Figures> = played.runs.iter().map(|run| Figures::of(resolved, run)).collect();
    for assertion in &assertions {
        outcome.fail(assertion.judge(&trials));
    }
    let Some(golden) = golden else { return (outcome, None) };
    let now = golden::rows(&played);
    outcome.decisions = Some(now.len());
    if bless {
        return (outcome, Some(golden::Blessing { path: golden, rows: now }));
    }
    match compare(&played, &golden, &now) {
        Ok(failure) => outcome.fail(failure),
        Err(error) if error.line == 0 => {
            // A file that is not there is named where the test names it.
            let place = document.error_at("golden", error.message);
            outcome = Outcome::broken(&path, place);
        }
        Err(error) => outcome = Outcome::broken(&path, error),
    }
    (outcome, None)
}

fn compare(
    played: &flashcrowd_results::run::Played,
    path: &Path,
    now: &[golden::Row],
) -> Result<Option<Failure>, flashcrowd_language::Diagnostic> {
    let name = path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    let Some(before) = golden::read(path)? else {
        let summary = format!("golden `{name}` is missing: `--bless` writes it");
        return Ok(Some(Failure { summary, details: Vec::new() }));
    };
    Ok(difference::first(&name, played, &before, now))
}
