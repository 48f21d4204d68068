//! Traces whose columns the scenario names: tables as text, JSON lines, and whatever else implements
//! [`Records`].
//!
//! | file | job |
//! | --- | --- |
//! | `records` | what a file of records with named fields is |
//! | `delimited`, `objects` | the two kinds of text |
//! | `instants`, `decimal` | how times are written; numbers without floats |
//! | `table` | rows filtered, checked, sorted and held |
//! | `roles` | which column is likely to be which, for messages |

mod decimal;
mod delimited;
mod instants;
mod objects;
mod records;
mod roles;
mod table;
mod words;

#[cfg(test)]
mod tests;

pub use instants::TimeForm;
pub use records::{Cell, Records};
pub use roles::proposal;
pub use table::{MAX_HELD_ROWS, Plan, Table};

pub(super) use delimited::header_names;
pub(super) use objects::keys;
pub(super) use roles::in_other_form;

use super::lines::Lines;
use flashcrowd_core::ports::SourceError;
use std::path::Path;

/// Opens a table as text or JSON lines, plain or gzip: what begins with `{` holds objects.
///
/// # Errors
/// A file that cannot be read, or that is empty.
pub fn open_records(path: &Path) -> Result<Box<dyn Records>, SourceError> {
    let mut lines = Lines::open(path)?;
    let first = loop {
        match lines.next_line()? {
            None => break None,
            Some(line) => match line.trim_start_matches('\u{feff}').trim_start().chars().next() {
                None => {}
                first => break first,
            },
        }
    };
    Ok(match first {
        Some('{' | '[') => Box::new(objects::Objects::open(path)?),
        _ => Box::new(delimited::Delimited::open(path)?),
    })
}
