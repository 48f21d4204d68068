//! Parquet files as sources of rows, so that recorded traffic need not be turned into text first. The crate
//! stands alone for the sake of its dependency, which takes longer to build than everything else.
//!
//! | file | job |
//! | --- | --- |
//! | `rows` | walks through the rows of a file |
//! | `column` | what the values of a column mean, read in batches |
//! | `guard` | a damaged file becomes a message, whatever the reader of the format does with it |

mod column;
mod guard;
mod rows;

#[cfg(test)]
mod tests;

pub use rows::ParquetRows;

use flashcrowd_workloads::input::open_again;
use std::io::{self, Read};
use std::path::Path;

/// The first and the last bytes of every Parquet file.
const MAGIC: &[u8; 4] = b"PAR1";

/// Whether the file begins as Parquet files do.
///
/// # Errors
/// A file that cannot be read.
pub fn is_parquet(path: &Path) -> io::Result<bool> {
    let mut first = Vec::new();
    open_again(path)?.take(MAGIC.len() as u64).read_to_end(&mut first)?;
    Ok(first == MAGIC)
}
