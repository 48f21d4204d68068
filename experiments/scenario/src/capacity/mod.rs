//! Where and in which market capacity is bought.

pub(crate) mod resolve;
pub(crate) mod spec;
