//! The program's own policies.

pub(crate) mod resolve;
pub(crate) mod spec;
