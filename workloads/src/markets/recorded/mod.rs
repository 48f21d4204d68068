//! Recorded spot capacity, plain or gzip, as step functions from the first row on.
//!
//! | format | file |
//! | --- | --- |
//! | skypilot | `{"metadata":{"gap_seconds":N},"data":[count,...]}`: nodes that could be had, at equal gaps |
//! | bamboo | CSV without header, `t,count`; `t` in seconds in some files and in hours in others |
//! | parcae CSV | `ms,count`, a row for each node; rows of one instant are one step |
//! | parcae JSON lines | `[ms,"add"/"remove"/"no-op",{"nodes":[...]}]`: nodes that come and go |

mod bamboo;
mod file;
mod parcae;
mod skypilot;

#[cfg(test)]
mod tests;

pub use bamboo::{TimeUnit, read_bamboo};
pub use file::MAX_FILE_BYTES;
pub(crate) use file::{read_text, refuse, refuse_line};
pub use parcae::{read_parcae_csv, read_parcae_json};
pub use skypilot::{Recording, read_skypilot, read_skypilot_folder};

/// Most nodes of a recorded market.
pub const MAX_NODES: u32 = 1_000_000;
