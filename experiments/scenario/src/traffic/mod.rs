//! Traffic, and what the clairvoyant bound knows of it.

pub(crate) mod foresight;
pub(crate) mod resolve;
pub(crate) mod spec;
