//! Whole-system tests of flashcrowd: the programs are in `tests/*.rs` beside this folder.
