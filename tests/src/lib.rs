//! Whole-system tests of flashcrowd: the programs are in `tests/*.rs` beside this folder.
//!
//! Here stands what they share: [`kit`], small worlds and their parts; [`plain_engine`], the
//! engine that plays each iteration; [`plain_law`], how long each takes; `plain_pool`, its blocks.

pub mod kit;
pub mod plain_engine;
pub mod plain_law;
mod plain_pool;
