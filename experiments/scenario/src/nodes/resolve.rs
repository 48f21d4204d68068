//! Who orders nodes and gives them back.

use super::NodeAutoscaler;
use super::place::{Make, PATH, Place};
use crate::settings::Notes;
use crate::spec;
use flashcrowd_core::clock::Seed;
use flashcrowd_core::fleet::PoolConfig;
use flashcrowd_core::ports;
use flashcrowd_language::Diagnostic;
use std::fmt;

/// The node autoscaler of a fleet, resolved.
#[derive(Clone)]
pub(crate) struct ResolvedNodes {
    make: Option<Make>,
    /// Whether a node is drained at its notice without the node autoscaler's doing.
    pub(crate) drains_on_notice: bool,
}

impl fmt::Debug for ResolvedNodes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResolvedNodes").field("drains_on_notice", &self.drains_on_notice).finish_non_exhaustive()
    }
}

impl ResolvedNodes {
    /// The policy; nothing for the plain one.
    pub(crate) fn make(&self, seed: Seed) -> Option<Box<dyn ports::NodeAutoscaler>> {
        self.make.as_ref().map(|make| make(seed))
    }
}

pub(crate) fn resolve(
    notes: &mut Notes<'_>,
    raw: &spec::Scenario,
    pools: &[PoolConfig],
) -> Result<ResolvedNodes, Diagnostic> {
    match &raw.node_autoscaler {
        None => notes.default(PATH, "Plain", "looks every `node_scan_period` and asks for what is missing", false),
        Some(_) => notes.given(PATH, ""),
    }
    let given = raw.node_autoscaler.as_ref().unwrap_or(&NodeAutoscaler::Plain);
    let made = given.make(&mut Place { notes, pools })?;
    if made.make.is_some() {
        warn_of_settings_of_the_plain(notes, raw);
    }
    let (drains, source) = made.drains_on_notice;
    let drains_on_notice = notes.or("drains_on_notice", raw.drains_on_notice, drains, source);
    Ok(ResolvedNodes { make: made.make, drains_on_notice })
}

/// What only the plain node autoscaler reads has no effect.
fn warn_of_settings_of_the_plain(notes: &mut Notes<'_>, raw: &spec::Scenario) {
    for (name, _) in raw.pools.iter().filter(|(_, pool)| pool.idle_timeout.is_some()) {
        notes
            .warn(format!("pools.{name}.idle_timeout is for the plain node autoscaler: this one has times of its own"));
    }
    notes.without_default("idle_timeout");
    notes.without_default("node_scan_period");
    if raw.node_scan_period.is_some() {
        notes.warn("node_scan_period is for the plain node autoscaler: this one has a period of its own");
    }
}
