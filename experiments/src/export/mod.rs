//! What a run leaves behind: the summary, tables in CSV, latency distributions. All are pure
//! functions of the run's record, and a folder of them is written whole or not at all.

mod break_even;
mod folder;
mod hgrm;
mod places;
pub mod summary;
mod tables;
mod whole;

pub use folder::{ExportError, write_folder};
pub use hgrm::hgrm;
pub use tables::{TABLES, table};
pub(crate) use whole::write_whole;
