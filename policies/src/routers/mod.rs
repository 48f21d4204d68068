//! Who takes a request: first a region, then a replica there.

pub mod regions;
pub mod replicas;
