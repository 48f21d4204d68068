//! Plays a trace: scaled, thinned or multiplied, and repeated.

use super::options::TraceOptions;
use super::recording::{self, Recording};
use super::refuse::refuse;
use super::resample::{BlockIndex, Resampled};
use super::rows::Row;
use super::scale::Scale;
use super::summary::{TraceSummary, summary};
use flashcrowd_core::clock::{Seed, SimTime, Stream};
use flashcrowd_core::ports::{Arrival, ArrivalSource, Prefix, SourceError};
use rand::RngExt;
use std::path::Path;
use std::sync::Arc;

/// The arrivals of a recorded trace.
///
/// Which rows are sent at a `rate_scale` comes from `<label>/thinning` with one draw per row: what
/// is sent at a lower scale is also sent at a higher one. The instants of copies come from
/// `<label>/copies`.
pub struct TraceSource {
    recording: Recording,
    options: TraceOptions,
    time_scale: Scale,
    summary: TraceSummary,
    rows: Reading,
    /// How often the file has been played to its end.
    played: u32,
    /// The row read ahead: copies of a row are spread over the gap to the next.
    next: Option<Row>,
    /// Instants that are still to be sent for `row`, last first; reused, so nothing is allocated.
    pending_ps: Vec<u64>,
    row: Row,
    /// Names of the row's blocks, and as they are sent now.
    hashes: Vec<u64>,
    sent_hashes: Vec<u64>,
    /// How often the row has been sent.
    sent: u64,
    /// The time that `row` belongs to.
    row_played: u32,
    thinning: Stream,
    copies: Stream,
}

/// What the rows are: the trace as it was recorded, or blocks of it.
enum Reading {
    Whole(recording::Reading),
    Blocks(Resampled),
}

impl Reading {
    fn next_row(&mut self) -> Result<Option<Row>, SourceError> {
        match self {
            Reading::Whole(rows) => rows.next_row(),
            Reading::Blocks(rows) => rows.next_row(),
        }
    }

    /// Names of the blocks of the row that came last.
    fn hashes(&mut self) -> &mut Vec<u64> {
        match self {
            Reading::Whole(rows) => rows.hashes(),
            Reading::Blocks(rows) => &mut rows.hashes,
        }
    }

    fn block_tokens(&self) -> u32 {
        match self {
            Reading::Whole(rows) => rows.block_tokens(),
            Reading::Blocks(rows) => rows.block_tokens(),
        }
    }

    /// Back to the start.
    fn again(&mut self, recording: &Recording, options: &TraceOptions) -> Result<(), SourceError> {
        match self {
            Reading::Whole(rows) => *rows = recording.read(options)?,
            Reading::Blocks(rows) => rows.again()?,
        }
        Ok(())
    }
}

impl TraceSource {
    /// Reads the whole file once to check it, and opens it to be played.
    ///
    /// # Errors
    /// As [`summary`].
    pub fn open(path: &Path, options: &TraceOptions, seed: Seed, label: &str) -> Result<Self, SourceError> {
        let summary = summary(path, options)?;
        TraceSource::open_checked(path, options, summary, seed, label)
    }

    /// Opens a trace that was checked before, for another replicate.
    ///
    /// # Errors
    /// A file that can no longer be read as it was.
    pub fn open_checked(
        recording: impl Into<Recording>,
        options: &TraceOptions,
        summary: TraceSummary,
        seed: Seed,
        label: &str,
    ) -> Result<Self, SourceError> {
        let recording = recording.into();
        let rows = Reading::Whole(recording.read(options)?);
        TraceSource::reading(recording, options, summary, rows, seed, label)
    }

    /// Opens a trace that was cut into blocks, of which this replicate draws its own: from
    /// `<label>/blocks`.
    ///
    /// # Errors
    /// A file that can no longer be read as it was.
    pub fn open_resampled(
        recording: impl Into<Recording>,
        options: &TraceOptions,
        summary: TraceSummary,
        index: Arc<BlockIndex>,
        seed: Seed,
        label: &str,
    ) -> Result<Self, SourceError> {
        let recording = recording.into();
        let resampled = Resampled::new(recording.clone(), index, seed.stream(&format!("{label}/blocks")))?;
        TraceSource::reading(recording, options, summary, Reading::Blocks(resampled), seed, label)
    }

    fn reading(
        recording: Recording,
        options: &TraceOptions,
        summary: TraceSummary,
        mut rows: Reading,
        seed: Seed,
        label: &str,
    ) -> Result<Self, SourceError> {
        let next = rows.next_row()?;
        Ok(TraceSource {
            recording,
            options: *options,
            time_scale: Scale::new(options.time_scale),
            summary,
            rows,
            played: 0,
            next,
            pending_ps: Vec::with_capacity(options.rate_scale.ceil() as usize),
            row: next.unwrap_or(Row { at: flashcrowd_core::SimDuration::ZERO, prompt_tokens: 0, output_tokens: 0 }),
            hashes: Vec::new(),
            sent_hashes: Vec::new(),
            sent: 0,
            row_played: 0,
            thinning: seed.stream(&format!("{label}/thinning")),
            copies: seed.stream(&format!("{label}/copies")),
        })
    }

    /// What the file holds.
    pub fn summary(&self) -> TraceSummary {
        self.summary
    }

    /// Takes the next row and draws when it is sent; `false` at the end of the last time.
    fn take_row(&mut self) -> Result<bool, SourceError> {
        let Some(row) = self.next else { return Ok(false) };
        self.row = row;
        (self.sent, self.row_played) = (0, self.played);
        let start_ps = self.instant(row)?;
        // The row that was read ahead is the current one now.
        std::mem::swap(&mut self.hashes, self.rows.hashes());
        self.next = self.rows.next_row()?;
        if self.next.is_none() && self.played + 1 < self.options.repeat {
            self.played += 1;
            self.rows.again(&self.recording, &self.options)?;
            self.next = self.rows.next_row()?;
        }
        let next_ps = match self.next {
            Some(next) => self.instant(next)?,
            None => start_ps.saturating_add(self.time_scale.apply(self.summary.mean_gap().as_ps()).unwrap_or(0)),
        };
        self.draw_instants(start_ps, next_ps);
        Ok(true)
    }

    /// When `row` is sent in the time that is being played, in picoseconds.
    fn instant(&self, row: Row) -> Result<u64, SourceError> {
        let before = self.summary.period().as_ps().checked_mul(u64::from(self.played));
        let unscaled = before.and_then(|before| before.checked_add(row.at.as_ps()));
        unscaled.and_then(|ps| self.time_scale.apply(ps)).ok_or_else(|| {
            let message = "the trace plays for longer than 213 days, where simulated time ends";
            refuse(self.recording.name(), message, Some("lower time_scale or repeat".to_owned()))
        })
    }

    /// Names the blocks of the copy that is sent now.
    fn name_blocks(&mut self) {
        let user = (u64::from(self.row_played) << 32) | self.sent;
        let salt = user.wrapping_mul(0xd6e8_feb8_6659_fd93).rotate_left(32);
        self.sent_hashes.clear();
        self.sent_hashes.extend(self.hashes.iter().map(|hash| hash ^ salt));
        self.sent += 1;
    }

    fn draw_instants(&mut self, start_ps: u64, next_ps: u64) {
        let scale = self.options.rate_scale;
        if scale == 1.0 {
            self.pending_ps.push(start_ps);
            return;
        }
        let more = self.thinning.random::<f64>() < scale.fract();
        let count = scale as usize + usize::from(more);
        if count == 0 {
            return;
        }
        let gap = next_ps.saturating_sub(start_ps);
        for _ in 1..count {
            let share: f64 = self.copies.random();
            self.pending_ps.push(start_ps + ((gap as f64 * share) as u64).min(gap));
        }
        self.pending_ps.sort_unstable_by(|a, b| b.cmp(a));
        self.pending_ps.push(start_ps);
    }
}

impl ArrivalSource for TraceSource {
    fn next_arrival(&mut self) -> Result<Option<Arrival>, SourceError> {
        loop {
            if let Some(at_ps) = self.pending_ps.pop() {
                self.name_blocks();
                return Ok(Some(Arrival {
                    at: SimTime::from_ps(at_ps),
                    prompt_tokens: self.row.prompt_tokens,
                    output_tokens: self.row.output_tokens,
                    service_time: None,
                }));
            }
            if !self.take_row()? {
                return Ok(None);
            }
        }
    }

    fn prefix(&self) -> Prefix<'_> {
        Prefix { block_tokens: self.rows.block_tokens(), hashes: &self.sent_hashes }
    }

    fn dropped_rows(&self) -> u64 {
        self.summary.dropped
    }
}
