//! Why a measured point cannot be replayed.

use flashcrowd_core::serving::EngineConfigError;
use flashcrowd_core::simulation::RunError;
use flashcrowd_profiles::rank::ParallelismError;
use flashcrowd_profiles::{EngineError, ProfileError};

/// Why a measured point cannot be replayed.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub(super) enum PlayError {
    /// A model that the catalogue lacks.
    #[error(transparent)]
    Profile(#[from] ProfileError),
    /// A model whose heads cannot be split so.
    #[error("`{model}` cannot be shared evenly by {gpus} GPUs")]
    UnevenSplit { model: String, gpus: u32 },
    /// Ranks that cannot share the model.
    #[error(transparent)]
    Ranks(#[from] ParallelismError),
    /// A profile that gives no engine on this GPU.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// Settings of an engine that do not go together.
    #[error(transparent)]
    Settings(#[from] EngineConfigError),
    /// A run that did not come to its end.
    #[error(transparent)]
    Run(#[from] RunError),
}
