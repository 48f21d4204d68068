//! What became of each test: in words, as JSON, and as an exit code.

use flashcrowd_language::Diagnostic;
use flashcrowd_language::words::duration;
use flashcrowd_results::run::Played;
use serde_json::{Value, json};
use std::fmt;
use std::path::{Path, PathBuf};

/// Version of the JSON form.
const SCHEMA: &str = "flashcrowd/test/1";

/// One thing that a test found wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// In one line.
    pub summary: String,
    /// More lines, each with its label.
    pub details: Vec<String>,
}

/// What became of a test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Status {
    /// Everything held.
    Passed,
    /// These did not.
    Failed(Vec<Failure>),
    /// It is malformed, or its run stopped.
    Broken(Box<Diagnostic>),
}

/// One test.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// Its file.
    pub file: PathBuf,
    /// What became of it.
    pub status: Status,
    /// Assertions.
    pub assertions: usize,
    /// Decisions that changed something, if it has a golden file.
    pub decisions: Option<usize>,
    /// Whether its golden file was written, if that was asked for.
    pub blessed: Option<bool>,
    /// Simulated time, in seconds, over all replicates.
    pub simulated_s: f64,
    /// CPU time, in seconds.
    pub cpu_s: f64,
}

impl Outcome {
    pub(super) fn of(file: &Path, played: &Played, assertions: usize) -> Self {
        Outcome {
            file: file.to_owned(),
            status: Status::Passed,
            assertions,
            decisions: None,
            blessed: None,
            simulated_s: played.runs.iter().map(|run| run.record.ended.as_s_f64()).sum(),
            cpu_s: played.runs.iter().map(|run| run.cpu_s).sum(),
        }
    }

    pub(super) fn broken(file: &Path, error: Diagnostic) -> Self {
        Outcome {
            file: file.to_owned(),
            status: Status::Broken(Box::new(error)),
            assertions: 0,
            decisions: None,
            blessed: None,
            simulated_s: 0.0,
            cpu_s: 0.0,
        }
    }

    pub(super) fn fail(&mut self, failure: Option<Failure>) {
        let Some(failure) = failure else { return };
        match &mut self.status {
            Status::Failed(failures) => failures.push(failure),
            Status::Passed => self.status = Status::Failed(vec![failure]),
            Status::Broken(_) => {}
        }
    }

    pub(super) fn blessed(self, written: Result<bool, Diagnostic>) -> Self {
        match written {
            Ok(written) => Outcome { blessed: Some(written), ..self },
            Err(error) => Outcome { status: Status::Broken(Box::new(error)), ..self },
        }
    }

    /// What it held, in words.
    fn extent(&self) -> String {
        let plural = |n: usize| if n == 1 { "" } else { "s" };
        let mut parts = vec![format!("{} assertion{}", self.assertions, plural(self.assertions))];
        if let Some(decisions) = self.decisions {
            parts.push(format!("{decisions} decision{}", plural(decisions)));
        }
        match self.blessed {
            Some(true) => parts.push("golden file written".to_owned()),
            Some(false) => parts.push("golden file as it was".to_owned()),
            None => {}
        }
        parts.push(format!("{} simulated", duration(self.simulated_s)));
        parts.join(", ")
    }

    fn json(&self) -> Value {
        let (status, failures): (&str, Vec<Value>) = match &self.status {
            Status::Passed => ("ok", Vec::new()),
            Status::Failed(failures) => (
                "failed",
                failures.iter().map(|one| json!({ "summary": one.summary, "details": one.details })).collect(),
            ),
            Status::Broken(error) => ("broken", vec![json!({ "summary": first_line(error), "details": [] })]),
        };
        json!({
            "test": self.file.display().to_string(),
            "status": status,
            "assertions": self.assertions,
            "decisions": self.decisions,
            "golden_written": self.blessed,
            "simulated_s": self.simulated_s,
            "cpu_s": self.cpu_s,
            "failures": failures,
        })
    }
}

/// Place and message; the caret and the advice are said apart.
pub(super) fn first_line(error: &Diagnostic) -> String {
    format!("{}: {}", error.location(), error.message)
}

/// All tests, in the order in which they were given. `Display` is the text form.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Report {
    /// The tests.
    pub outcomes: Vec<Outcome>,
}

impl Report {
    /// Passed, failed, broken.
    pub fn counts(&self) -> [usize; 3] {
        self.outcomes.iter().fold([0; 3], |mut counts, outcome| {
            counts[match outcome.status {
                Status::Passed => 0,
                Status::Failed(_) => 1,
                Status::Broken(_) => 2,
            }] += 1;
            counts
        })
    }

    /// What is wrong with the tests that are malformed or whose run stopped.
    pub fn errors(&self) -> impl Iterator<Item = &Diagnostic> {
        self.outcomes.iter().filter_map(|outcome| match &outcome.status {
            Status::Broken(error) => Some(&**error),
            _ => None,
        })
    }

    /// 0 if all passed, 2 if one is broken, else 3.
    pub fn exit_code(&self) -> u8 {
        match self.counts() {
            [_, 0, 0] => 0,
            [_, _, 0] => 3,
            _ => 2,
        }
    }

    /// The JSON form.
    pub fn json(&self) -> Value {
        let [passed, failed, broken] = self.counts();
        let tests: Vec<Value> = self.outcomes.iter().map(Outcome::json).collect();
        json!({ "schema": SCHEMA, "passed": passed, "failed": failed, "broken": broken, "tests": tests })
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for outcome in &self.outcomes {
            let file = outcome.file.display();
            match &outcome.status {
                Status::Passed => writeln!(f, "ok      {file}: {}", outcome.extent())?,
                Status::Failed(failures) => {
                    writeln!(f, "FAILED  {file}: {}", outcome.extent())?;
                    for failure in failures {
                        writeln!(f, "        {}", failure.summary)?;
                        for line in &failure.details {
                            writeln!(f, "          {line}")?;
                        }
                    }
                }
                Status::Broken(error) => writeln!(f, "BROKEN  {file}\n        {}", first_line(error))?,
            }
        }
        let [passed, failed, broken] = self.counts();
        let all = self.outcomes.len();
        write!(f, "{all} test{}: {passed} ok", if all == 1 { "" } else { "s" })?;
        for (count, word) in [(failed, "failed"), (broken, "broken")] {
            if count > 0 {
                write!(f, ", {count} {word}")?;
            }
        }
        writeln!(f)
    }
}
