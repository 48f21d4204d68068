//! Node autoscalers.

pub(crate) mod resolve;
pub(crate) mod spec;
