//! Reads a whole trace before a run, so that a bad row is reported before anything is simulated.

use super::options::TraceOptions;
use super::recording::Recording;
use super::refuse::refuse;
use flashcrowd_core::clock::SimDuration;
use flashcrowd_core::ports::SourceError;
use jiff::Timestamp;

/// What a trace holds, in the window, before scaling and repetition.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TraceSummary {
    /// Rows that are kept.
    pub rows: u64,
    /// Rows left out because they cannot be used.
    pub dropped: u64,
    /// Rows left out because another value was asked for in one of their columns.
    pub left_out: u64,
    /// The wall-clock instant of the first kept row, to a nanosecond, where the trace says it; times without
    /// an offset count as UTC.
    pub starts_at: Option<Timestamp>,
    /// From the first kept row to the last.
    pub span: SimDuration,
    /// Sum of the prompt lengths.
    pub prompt_tokens: u64,
    /// Sum of the output lengths.
    pub output_tokens: u64,
    /// Longest prompt.
    pub max_prompt_tokens: u32,
    /// Longest output.
    pub max_output_tokens: u32,
}

impl TraceSummary {
    /// The mean gap between rows, rounded down; zero with fewer than two.
    pub fn mean_gap(&self) -> SimDuration {
        SimDuration::from_ps(self.span.as_ps() / self.rows.saturating_sub(1).max(1))
    }

    /// How long the trace plays until it may begin again, before scaling: its span and one mean gap.
    pub fn period(&self) -> SimDuration {
        self.span + self.mean_gap()
    }

    /// Rows per second; 0 if all rows share one instant.
    pub fn mean_rate(&self) -> f64 {
        if self.span.is_zero() { 0.0 } else { self.rows as f64 / self.span.as_s_f64() }
    }
}

/// Reads and checks every row of a trace.
///
/// # Errors
/// A file that cannot be read, a row that is refused, or no row at all.
pub fn summary(recording: impl Into<Recording>, options: &TraceOptions) -> Result<TraceSummary, SourceError> {
    let recording = recording.into();
    options.check().map_err(|error| refuse(recording.name(), error.to_string(), None))?;
    let mut rows = recording.read(options)?;
    let mut summary = TraceSummary::default();
    while let Some(row) = rows.next_row()? {
        summary.rows += 1;
        summary.span = row.at;
        summary.prompt_tokens = summary.prompt_tokens.saturating_add(row.prompt_tokens.into());
        summary.output_tokens = summary.output_tokens.saturating_add(row.output_tokens.into());
        summary.max_prompt_tokens = summary.max_prompt_tokens.max(row.prompt_tokens);
        summary.max_output_tokens = summary.max_output_tokens.max(row.output_tokens);
    }
    (summary.dropped, summary.left_out) = rows.passed_over();
    let starts_at_ps = rows.starts_at_ps().filter(|_| summary.rows > 0);
    summary.starts_at = starts_at_ps.and_then(|ps| Timestamp::from_nanosecond(ps.div_euclid(1_000)).ok());
    if summary.rows == 0 {
        let hint = options.window.map(|_| "no row lies in the window".to_owned());
        let message = format!("the trace has no row to play; {} were dropped", summary.dropped);
        return Err(refuse(recording.name(), message, hint));
    }
    if options.repeat > 1 && summary.span.is_zero() {
        return Err(refuse(recording.name(), "a trace of one instant cannot be repeated: it has no mean gap", None));
    }
    Ok(summary)
}
