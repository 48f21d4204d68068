//! Results: every figure once, trials, what a run leaves behind.
//!
//! | file | holds |
//! | --- | --- |
//! | `figure`, `latency` | what a figure is; parts of the latency and their statistics |
//! | `catalogue` | all figures |
//! | `scope`, `view`, `by_service` | what a figure is about, and a record seen from there |
//! | `part`, `spread` | exact, mergeable contributions of one trial |
//! | [`run`] | trials played in parallel |
//! | [`statistics`] | intervals of means, differences and quantiles, and what they allow to say |
//! | `results` | the results of a scenario, gathered run by run |
//! | `trial`, `figures`, `pooled` | a trial, its figures, figures over trials |
//! | `verdict` | which SLOs held, in how many trials, and why not |
//! | `story` | the worst moment and the outages of a variant |
//! | [`bound`], `ready` | how far from the clairvoyant bound |
//! | `warnings`, `loadless` | what to know before trusting a result; metrics that carry no load signal |
//! | [`summary`] | `summary.json`, and its schema |
//! | `columns`, `runs` | trials as rows: a column for each figure of anything; `runs.csv` |
//! | `table`, `tables` | tables: columns with name, unit and kind; CSV |
//! | `folder`, `place` | the output folder, and whose files it holds |
//! | `spool` | all summaries as one JSON text |
//! | `world` | whether two variants may be paired |
//! | `whole` | a file that is whole or as it was |
//! | `break_even` | below which price spot would have been cheaper |
//! | `hgrm` | distributions in the text form of `HdrHistogram` |

pub mod bound;
mod break_even;
mod by_service;
mod catalogue;
mod columns;
mod figure;
mod figures;
mod folder;
mod hgrm;
mod latency;
mod loadless;
mod part;
mod place;
mod pooled;
mod ready;
mod results;
pub mod run;
mod runs;
mod scope;
mod settled;
mod spool;
mod spread;
pub mod statistics;
mod story;
pub mod summary;
mod table;
mod tables;
mod trial;
mod verdict;
mod view;
mod warnings;
mod whole;
mod world;

pub use catalogue::{catalogue, find};
pub use columns::FigureColumns;
pub use figure::{Better, FigureDef, Unit};
pub use figures::{FigureId, Figures, ScopeFigures, Values};
pub use folder::{ExportError, OutputFolder};
pub use hgrm::hgrm;
pub use latency::{STATISTICS, Statistic, part_name, part_words};
pub use part::{Distribution, Integer, Part, Pool, Quantile, Within};
pub use pooled::{Estimate, PooledFigures};
pub use results::{Results, VariantResults};
pub use runs::write_runs;
pub use scope::{Group, Scope, ScopeKind, Use, groups, way_name};
pub use settled::OneRun;
pub use spool::Summaries;
pub use spread::Spread;
pub use story::{Outage, Worst};
pub use table::{Cell, Column, Kind, Source, Table};
pub use tables::{TABLES, TableDef};
pub use trial::{Trial, more_trials, trials};
pub use verdict::{Verdict, cheapest_that_holds, keeps, missed, slo_difference, verdicts};
pub use warnings::{of_one_run, of_variant as warnings_of, same_arrivals};
pub use whole::{can_be_written, write_whole, write_whole_with};
pub use world::unlike;
