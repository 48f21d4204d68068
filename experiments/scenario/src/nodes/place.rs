//! Where a node autoscaler stands: what its settings lean on, and what becomes of it.

use crate::part::Port;
use crate::settings::Notes;
use flashcrowd_core::SimDuration;
use flashcrowd_core::clock::Seed;
use flashcrowd_core::fleet::PoolConfig;
use flashcrowd_core::ports::NodeAutoscaler;
use flashcrowd_language::Diagnostic;
use flashcrowd_language::units::Duration;
use std::sync::Arc;

/// Its path in a scenario.
pub(super) const PATH: &str = "node_autoscaler";

/// The port of node autoscalers.
pub(crate) enum NodeAutoscalers {}

impl Port for NodeAutoscalers {
    type Place<'n, 'd: 'n> = Place<'n, 'd>;
    type Made = Made;
}

/// Where a node autoscaler stands.
pub(crate) struct Place<'n, 'd> {
    pub(super) notes: &'n mut Notes<'d>,
    pub(super) pools: &'n [PoolConfig],
}

/// Makes a policy for a replicate.
pub(crate) type Make = Arc<dyn Fn(Seed) -> Box<dyn NodeAutoscaler> + Send + Sync>;

/// What a node autoscaler comes to.
pub(crate) struct Made {
    /// How it is made; nothing for the plain one, which the fleet itself is.
    pub(super) make: Option<Make>,
    /// Whether a node is drained at its notice without its doing, and why.
    pub(super) drains_on_notice: (bool, &'static str),
}

pub(super) fn path(field: &str) -> String {
    format!("{PATH}.{field}")
}

impl Place<'_, '_> {
    /// A span of time, or the default.
    pub(super) fn span(
        &mut self,
        field: &str,
        given: Option<Duration>,
        default: SimDuration,
        source: &'static str,
    ) -> SimDuration {
        self.notes.or(&path(field), given, Duration(default), source).get()
    }

    /// A period, which is not too short.
    pub(super) fn period(
        &mut self,
        field: &str,
        given: Option<Duration>,
        default: SimDuration,
        source: &'static str,
    ) -> Result<SimDuration, Diagnostic> {
        let period = self.span(field, given, default, source);
        if period < SimDuration::from_ms(100) {
            return Err(self.notes.error(&path(field), "expected at least 100ms"));
        }
        Ok(period)
    }
}
