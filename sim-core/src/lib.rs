//! The world of flashcrowd and its clock.
//!
//! One folder per part of the world, each readable by itself. Nothing here knows a policy, a
//! file format, a thread or a wall clock; time and money are integers.
//!
//! | part | owns |
//! | --- | --- |
//! | [`clock`] | time, the order of events, the event queue, random streams, the run digest |
//! | [`ports`] | the traits that policies and traffic implement, what they see and may answer |

pub mod clock;
pub mod ports;
pub mod units;

pub use clock::{SimDuration, SimTime};
