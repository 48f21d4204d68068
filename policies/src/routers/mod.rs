//! Which region takes a request, and which replica there.

pub mod regions;
pub mod replicas;
