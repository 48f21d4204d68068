//! A format of traces: how a file shows that it is one, and how its rows are read.

use std::fmt::Debug;
use std::sync::Arc;

/// A format of traces.
#[derive(Clone, Copy, Debug)]
pub struct TraceFormat {
    /// Its name in scenarios.
    pub name: &'static str,
    /// What its files look like, in one line.
    pub about: &'static str,
    /// Reads the first line of a file; `None` if that is not one of this format.
    pub(super) detect: fn(&str) -> Option<Result<Detected, Complaint>>,
}

/// What the first line says.
pub(super) struct Detected {
    pub(super) reader: Arc<dyn ReadRow>,
    /// Whether it is a row already, and no header.
    pub(super) is_row: bool,
}

/// Reads the rows of one file.
pub(super) trait ReadRow: Debug + Send + Sync {
    /// Reads a row, and the names of its blocks into `hashes`, where the format has them.
    fn read(&self, line: &str, hashes: &mut Vec<u64>) -> Result<Record, Complaint>;

    /// Tokens of the blocks that have names; 0 in formats without.
    fn block_tokens(&self) -> u32 {
        0
    }

    /// Whether its times say when it was, and not only how long after the start.
    fn is_absolute(&self) -> bool {
        false
    }
}

/// What a row says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Record {
    /// Picoseconds since 1970, or since the recording began.
    pub(super) at_ps: i128,
    pub(super) prompt_tokens: u32,
    pub(super) output_tokens: u32,
}

/// A message and advice.
pub type Complaint = (String, Option<String>);
