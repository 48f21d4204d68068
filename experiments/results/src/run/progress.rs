//! A progress bar on stderr, shown on a terminal only and for runs that take a while.

use flashcrowd_core::SimTime;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::IsTerminal;
use std::sync::Mutex;

/// Progress of all runs of a scenario.
#[derive(Debug)]
pub struct Progress {
    bar: Mutex<ProgressBar>,
    shown: bool,
}

impl Progress {
    /// A bar if stderr is a terminal and `wanted`.
    pub fn new(wanted: bool) -> Self {
        let shown = wanted && std::io::stderr().is_terminal();
        Progress { bar: Mutex::new(ProgressBar::hidden()), shown }
    }

    /// Shows the bar, for so many runs to a horizon.
    pub fn start(&self, runs: usize, horizon: Option<SimTime>) {
        if !self.shown {
            return;
        }
        let total = horizon.map_or(0, |at| at.as_ps() / PS_PER_STEP).saturating_mul(runs as u64);
        let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr_with_hz(5));
        if let Ok(style) = ProgressStyle::with_template("{bar:40} {percent:>3} % of simulated time, {eta} left") {
            bar.set_style(style);
        }
        if let Ok(mut slot) = self.bar.lock() {
            *slot = bar;
        }
    }

    /// Takes the bar away.
    pub fn finish(&self) {
        if let Ok(bar) = self.bar.lock() {
            bar.finish_and_clear();
        }
    }

    /// A run that need not be played.
    pub fn skip(&self, horizon: SimTime) {
        self.cell().done(horizon);
    }

    pub(super) fn cell(&self) -> Cell {
        let bar = self.bar.lock().map_or_else(|_| ProgressBar::hidden(), |bar| bar.clone());
        Cell { bar, steps: 0 }
    }
}

/// Simulated milliseconds are fine enough for a bar.
const PS_PER_STEP: u64 = 1_000_000_000;

/// One run's share of the bar.
pub(super) struct Cell {
    bar: ProgressBar,
    steps: u64,
}

impl Cell {
    pub(super) fn advance(&mut self, now: SimTime) {
        let steps = now.as_ps() / PS_PER_STEP;
        self.bar.inc(steps.saturating_sub(self.steps));
        self.steps = steps.max(self.steps);
    }

    pub(super) fn done(&mut self, horizon: SimTime) {
        self.advance(horizon);
    }
}
