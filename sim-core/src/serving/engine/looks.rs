//! What an engine remembers of when it looked at new requests, and let them in.

use super::config::{EngineConfig, Prefill};

/// When an engine looks, and lets in.
#[derive(Debug, Default)]
pub(super) struct Looks {
    /// Whether it does not look before each iteration, or computes prompts alone.
    pub(super) is_special: bool,
    /// Whether it computes prompts alone.
    pub(super) is_alone: bool,
    /// The iteration before which it looks again, if it does not before each.
    pub(super) next: u64,
    /// The iteration before which it let prompts in, or had too few decodes to hold any back.
    pub(super) opened: u64,
    /// Whether it had too few decodes when it was last asked.
    pub(super) had_few: bool,
}

impl Looks {
    pub(super) fn new(config: &EngineConfig) -> Self {
        let is_alone = config.prefill == Prefill::Alone;
        Looks { is_special: is_alone || config.receive_interval > 1, is_alone, ..Looks::default() }
    }
}
