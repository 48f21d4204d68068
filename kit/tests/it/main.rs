//! The tests of the laws, in one program.

mod laws;
mod strategies;
