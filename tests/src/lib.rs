//! Whole-system tests of flashcrowd: the programs are in `tests/*.rs` beside this folder.
//!
//! Here stands what they share: [`kit`], small worlds and their parts.

pub mod kit;
