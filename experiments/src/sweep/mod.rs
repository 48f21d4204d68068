//! Sweeps: a scenario played for many values of its settings, cell by cell, so that it can be stopped
//! at any moment and goes on where it was.
//!
//! A *point* is one value of each axis; a *cell* is one trial of it: a variant and a replicate. Each
//! cell is a file, named by a hash of all that decides its result, and written whole or not at all.
//!
//! | file | holds |
//! | --- | --- |
//! | `axis` | what varies: `--over PATH=V1,V2` |
//! | `points` | the points of a grid, or of a sample |
//! | `plan` | what a sweep is: its scenario with its axes, and the cells of each point |
//! | `store` | the folder of a sweep: its plan, its cells, its tables |
//! | `cells` | playing the cells that are missing |
//! | `shard` | parts of a sweep on other machines, and their union |
//! | `outcome` | what the cells say: SLOs and cost by point |
//! | `table`, `parquet` | a row a trial, a column a figure |
//! | `text` | the report: what holds and is cheapest, the front, main effects |

mod axis;
mod cells;
mod outcome;
mod parquet;
mod plan;
mod points;
mod shard;
mod store;
mod table;
mod text;

pub use axis::{Axis, Range, Value, Values};
pub use cells::{SweepError, play};
pub use outcome::{Dearer, Outcome, Row, SloRow};
pub use plan::{Plan, Request, Sweep};
pub use points::{Points, Sample};
pub use shard::{Merged, Shard, merge};
pub use store::{Entry, Played, SloPlayed, Store, StoreError, Told};
pub use table::write as write_table;
pub use text::text;
