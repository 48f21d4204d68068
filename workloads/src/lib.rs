//! What comes from outside of the fleet, synthetic and recorded.
//!
//! | folder | source of |
//! | --- | --- |
//! | [`traffic`] | requests |
//! | [`faults`] | outages, failures, bad links, and what spot markets do to a fleet |
//! | [`markets`] | spot capacity over time: recorded, generated, and its statistics |
//!
//! [`input`] opens the files that they read.

pub mod faults;
pub mod input;
pub mod markets;
mod parameter;
pub mod traffic;

pub use parameter::ParameterError;
