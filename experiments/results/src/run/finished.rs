//! A run that came to its end, and who takes it.

use crate::trial::Trial;
use flashcrowd_core::ledger::RunRecord;

/// One finished run.
#[derive(Clone, Debug)]
pub struct Run {
    /// Position of its variant.
    pub variant: usize,
    /// What it is, so that it can be repeated.
    pub trial: Trial,
    /// CPU time that it took, in seconds: no figure, since it is another each time.
    pub cpu_s: f64,
    /// What it left behind.
    pub record: RunRecord,
}

impl Run {
    /// Number of its replicate.
    pub fn replicate(&self) -> u32 {
        self.trial.replicate
    }
}

/// Takes finished runs, one after the other, in the order of the trials.
pub trait Sink {
    /// The next run.
    fn take(&mut self, run: Run);
}

/// Keeps every run whole.
impl Sink for Vec<Run> {
    fn take(&mut self, run: Run) {
        self.push(run);
    }
}
