//! A measured value beside its prediction, and how far the two may be apart.

/// How far a prediction may be from what was measured, as a share of it.
pub(super) const TOLERANCE: f64 = 0.15;
/// The same for S3 with so few streams, where the rule is known to be too slow.
pub(super) const TOLERANCE_S3: (u32, f64) = (4, 0.20);
/// Phases add up to their total but for the last digits of a sum.
pub(super) const EXACT: f64 = 1e-9;
/// Mean of an engine's start in seconds: Run:ai tables, vLLM ready minus load, 15.7 to 27.8 s.
pub(super) const ENGINE_START_S: f64 = 20.3;

/// Why a measured value has no prediction.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unpredicted {
    /// Words about a store that name no tier.
    #[error("no storage tier of this set-up is known")]
    UnknownTier,
    /// Words that name no loader.
    #[error("no loader `{0}` is known")]
    UnknownLoader(String),
    /// A model whose weights are not known.
    #[error("the size of this model is not known")]
    UnknownSize,
    /// A row that cannot be used, and why.
    #[error("{0}")]
    Row(String),
}

/// A measured value and its prediction.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Check {
    /// Part of the report.
    pub(super) part: &'static str,
    /// Which row.
    pub(super) id: String,
    /// What was measured.
    pub(super) key: &'static str,
    /// In seconds.
    pub(super) measured: f64,
    /// In seconds, with the tolerated share of error; or the reason why there is no prediction.
    pub(super) predicted: Result<(f64, f64), Unpredicted>,
}
