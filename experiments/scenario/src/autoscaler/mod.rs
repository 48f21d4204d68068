//! Autoscalers: manifests, the program's own policies, those of a user's crate, and commands.

pub(crate) mod baselines;
pub(crate) mod bindings;
pub(crate) mod command;
pub(crate) mod hpa;
pub(crate) mod manifest;
pub(crate) mod policy;
pub(crate) mod resolve;
pub(crate) mod resolved;
pub(crate) mod spec;
