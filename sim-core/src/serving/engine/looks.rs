//! What an engine remembers of when it looked at new requests, and let them in.

use super::config::{EngineConfig, Prefill};

/// By which rules an engine plans, from the usual ones to the special ones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Rules {
    /// vLLM's, without windows: nothing but its batch and its blocks decides what comes next.
    #[default]
    Plain,
    /// With windows, or several replicas.
    Usual,
    /// It does not look at new requests before each iteration.
    Intervals,
    /// It computes prompts alone.
    PromptsAlone,
}

impl Rules {
    pub(super) fn of(config: &EngineConfig) -> Self {
        let is_plain = config.replicas == 1 && config.groups.is_none() && config.time.windows().is_empty();
        match config.prefill {
            Prefill::Alone => Rules::PromptsAlone,
            Prefill::Mixed if config.receive_interval > 1 => Rules::Intervals,
            Prefill::Mixed if is_plain => Rules::Plain,
            Prefill::Mixed => Rules::Usual,
        }
    }

    /// Whether it computes prompts alone.
    #[inline]
    pub(super) fn is_alone(self) -> bool {
        self == Rules::PromptsAlone
    }

    /// Whether it does not look before each iteration, or computes prompts alone.
    #[inline]
    pub(super) fn is_special(self) -> bool {
        matches!(self, Rules::Intervals | Rules::PromptsAlone)
    }
}

/// When an engine looks, and lets in.
#[derive(Debug, Default)]
pub(super) struct Looks {
    /// The iteration before which it looks again, if it does not before each.
    pub(super) next: u64,
    /// The iteration before which it let prompts in, or had too few decodes to hold any back.
    pub(super) opened: u64,
    /// Whether it had too few decodes when it was last asked.
    pub(super) had_few: bool,
}
