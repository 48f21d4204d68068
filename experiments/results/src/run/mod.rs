//! Runs: trials played in parallel, handed on one after the other, with their CPU time.

pub(crate) mod finished;
mod play;
mod progress;

pub use finished::{Run, Sink};
pub use play::{Played, play, play_trial, play_whole};
pub use progress::Progress;
