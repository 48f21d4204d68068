//! Block bootstrap: a trace is cut into blocks of equal length, and each replicate plays blocks that
//! are drawn from it with replacement, as many as fill its length. Within a block nothing changes:
//! bursts, lulls and the order of requests stay, up to what is longer than a block.
//!
//! Memory is flat in the length of a plain file: where each block begins is remembered, and a drawn
//! block is read again from there. A gzip file cannot be entered in its middle; its text is held,
//! once for all replicates, as the rows of a table are.

use super::options::TraceOptions;
use super::recording::{Entry, Place, Reading, Recording};
use super::refuse::refuse;
use super::rows::Row;
use super::summary::TraceSummary;
use flashcrowd_core::clock::{SimDuration, Stream};
use flashcrowd_core::ports::SourceError;
use rand::RngExt;
use std::sync::Arc;

/// Most blocks of a trace.
const MOST_BLOCKS: u64 = 1_000_000;

/// Where the blocks of a trace begin.
#[derive(Clone, Debug)]
pub struct BlockIndex {
    length: SimDuration,
    /// By block: its first row; `None` if it has none.
    places: Vec<Option<Place>>,
    entry: Entry,
    options: TraceOptions,
    /// After so long the trace is full.
    period: SimDuration,
}

impl BlockIndex {
    /// Cuts a trace that was checked before into blocks of `length`, counted from the first row that
    /// is played, before any scaling. What is left at its end is shorter than a block, and not drawn.
    ///
    /// # Errors
    /// A length of which the trace has fewer than two, or too many; a file that can no longer be read.
    pub fn new(
        recording: impl Into<Recording>,
        options: &TraceOptions,
        summary: TraceSummary,
        length: SimDuration,
    ) -> Result<Self, SourceError> {
        let recording = recording.into();
        let place = || recording.name();
        let period = summary.period();
        let count = period.as_ps() / length.as_ps().max(1);
        if count < 2 {
            let message = format!("it plays for {period}, which is less than two blocks of {length}");
            return Err(refuse(place(), message, Some("resample shorter blocks".to_owned())));
        }
        if count > MOST_BLOCKS {
            let message = format!("it has {count} blocks of {length}; expected at most {MOST_BLOCKS}");
            return Err(refuse(place(), message, Some("resample longer blocks".to_owned())));
        }
        let mut rows = recording.read(options)?;
        let (places, entry) = (vec![None; count as usize], recording.entry(&rows)?);
        let mut index = BlockIndex { length, places, entry, options: *options, period };
        while let Some(row) = rows.next_row()? {
            let block = index.block(row);
            if let Some(place) = index.places.get_mut(block) {
                place.get_or_insert_with(|| rows.place());
            }
        }
        Ok(index)
    }

    /// Blocks that may be drawn.
    pub fn blocks(&self) -> usize {
        self.places.len()
    }

    fn block(&self, row: Row) -> usize {
        usize::try_from(row.at.as_ps() / self.length.as_ps()).unwrap_or(usize::MAX)
    }
}

/// The rows of one replicate.
pub(super) struct Resampled {
    recording: Recording,
    index: Arc<BlockIndex>,
    stream: Stream,
    /// How often each block was drawn in this run: a repeated block stands for other users.
    drawn: Vec<u32>,
    /// The block that is played now, its position in the replicate, and its rows.
    block: usize,
    position: u64,
    rows: Option<Reading>,
    pub(super) hashes: Vec<u64>,
}

impl Resampled {
    pub(super) fn new(recording: Recording, index: Arc<BlockIndex>, stream: Stream) -> Result<Self, SourceError> {
        let drawn = vec![0; index.blocks()];
        let mut resampled =
            Resampled { recording, index, stream, drawn, block: 0, position: 0, rows: None, hashes: Vec::new() };
        resampled.draw()?;
        Ok(resampled)
    }

    /// Begins anew, with other blocks.
    pub(super) fn again(&mut self) -> Result<(), SourceError> {
        self.position = 0;
        self.draw()
    }

    fn draw(&mut self) -> Result<(), SourceError> {
        self.block = self.stream.random_range(0..self.index.blocks());
        self.drawn[self.block] += 1;
        let BlockIndex { places, entry, options, .. } = &*self.index;
        let place = places[self.block];
        self.rows = place.map(|place| self.recording.resume(entry, options, place)).transpose()?;
        Ok(())
    }

    /// The next row, at its place in the replicate.
    pub(super) fn next_row(&mut self) -> Result<Option<Row>, SourceError> {
        loop {
            let start = self.index.length * self.position;
            if start >= self.index.period {
                return Ok(None);
            }
            let row = match &mut self.rows {
                Some(rows) => rows.next_row()?,
                None => None,
            };
            if let Some(row) = row.filter(|row| self.index.block(*row) == self.block) {
                let offset = SimDuration::from_ps(row.at.as_ps() % self.index.length.as_ps());
                let at = start + offset;
                if at >= self.index.period {
                    return Ok(None);
                }
                self.name_blocks();
                return Ok(Some(Row { at, ..row }));
            }
            self.position += 1;
            if self.index.length * self.position < self.index.period {
                self.draw()?;
            } else {
                self.rows = None;
            }
        }
    }

    /// The names of the row's blocks of tokens. The second time that a block is drawn its users share
    /// prompts with the others who come a second time, and with nobody else; as copies of rows do.
    fn name_blocks(&mut self) {
        let time = u64::from(self.drawn[self.block] - 1);
        let salt = (time << 48).wrapping_mul(0xd6e8_feb8_6659_fd93).rotate_left(17);
        self.hashes.clear();
        let names = self.rows.as_mut().map_or(&[][..], |rows| rows.hashes());
        self.hashes.extend(names.iter().map(|hash| hash ^ salt));
    }

    pub(super) fn block_tokens(&self) -> u32 {
        self.index.entry.block_tokens()
    }
}
