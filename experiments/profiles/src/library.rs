//! Profiles by model, GPU, parallelism and precision: fitted ones first, then scaled, then computed.

use super::catalog::{ProfileError, lookup};
use super::file;
use super::gpu::{GPUS, Gpu};
use super::memory::Memory;
use super::model::{MODELS, Model};
use super::precision::Precision;
use super::profile::{Origin, Profile};
use flashcrowd_language::Diagnostic;
use std::sync::LazyLock;

/// Measured profiles to choose from.
#[derive(Clone, Debug, Default)]
pub struct Library {
    profiles: Vec<Profile>,
}

static SHIPPED: LazyLock<Library> = LazyLock::new(|| {
    let text = include_str!("../../../profiles/fitted.ron");
    let profiles = file::parse("fitted.ron", text.as_bytes()).unwrap_or_else(|error| panic!("{error}"));
    Library { profiles }
});

/// The best profile that the program itself can give: fitted, scaled or computed.
///
/// ```
/// use flashcrowd_profiles::{Precision, find};
/// let profile = find("Qwen/Qwen3-32B", "H200", 2, Precision::Fp8)?;
/// assert_eq!(profile.origin.name(), "computed");
/// # Ok::<(), flashcrowd_profiles::ProfileError>(())
/// ```
///
/// # Errors
/// An unknown model or GPU, or a model that cannot be split among this many GPUs.
pub fn find(model: &str, gpu: &str, tensor_parallel: u32, precision: Precision) -> Result<Profile, ProfileError> {
    Library::shipped().find(model, gpu, tensor_parallel, precision)
}

impl Library {
    /// The profiles that are part of the program.
    pub fn shipped() -> &'static Library {
        &SHIPPED
    }

    /// These profiles alone.
    pub const fn new(profiles: Vec<Profile>) -> Self {
        Library { profiles }
    }

    /// These profiles before those of `self`.
    #[must_use]
    pub fn preferring(&self, mut profiles: Vec<Profile>) -> Self {
        profiles.extend(self.profiles.iter().cloned());
        Library { profiles }
    }

    /// The profiles, in order of preference.
    pub fn profiles(&self) -> &[Profile] {
        &self.profiles
    }

    /// A measured profile if there is one; else one scaled from the same model elsewhere; else one
    /// computed from model card and datasheet. Its origin says which.
    ///
    /// # Errors
    /// An unknown model or GPU, or a model that so many GPUs cannot share.
    pub fn find(&self, model: &str, gpu: &str, gpus: u32, precision: Precision) -> Result<Profile, ProfileError> {
        let (known_model, known_gpu) = (lookup(&MODELS, model), lookup(&GPUS, gpu));
        // A user's own profile may name a model or GPU that the catalogue lacks.
        let model_name = known_model.as_ref().map_or(model, |known| &known.name);
        let gpu_name = known_gpu.as_ref().map_or(gpu, |known| &known.name);
        let same = |profile: &&Profile| profile.model == model_name && profile.precision == precision;
        let exact = |profile: &&Profile| profile.gpu == gpu_name && profile.tensor_parallel == gpus;
        if let Some(profile) = self.profiles.iter().filter(same).find(exact) {
            // A fit measures times only; how much memory the model takes is in the model card.
            let of_card = known_model.ok().map(|model| Memory::of(model, gpus, precision, Precision::Bf16));
            return Ok(Profile { memory: profile.memory.or(of_card), ..profile.clone() });
        }
        let (model, gpu) = (known_model?, known_gpu?);
        if gpus == 0 || !model.query_heads.is_multiple_of(gpus) {
            let (model, query_heads) = (model.name.clone(), model.query_heads);
            return Err(ProfileError::TensorParallel { tensor_parallel: gpus, model, query_heads });
        }
        let scaled = self.profiles.iter().filter(same).find_map(|from| scaled(from, model, gpu, gpus));
        Ok(scaled.unwrap_or_else(|| Profile::computed(model, gpu, gpus, precision)))
    }
}

/// `from`, with each coefficient changed as the datasheet law changes it between the two GPUs;
/// `None` if the law does not know the first.
fn scaled(from: &Profile, model: &Model, gpu: &Gpu, gpus: u32) -> Option<Profile> {
    let before = lookup(&GPUS, &from.gpu).ok()?;
    let law = |gpu: &Gpu, gpus| Profile::computed(model, gpu, gpus, from.precision).coefficients;
    let (before, after) = (law(before, from.tensor_parallel), law(gpu, gpus));
    Some(Profile {
        coefficients: from.coefficients.scaled(&before, &after),
        origin: Origin::Scaled {
            from: from.name.clone(),
            how: "w and d by bandwidth, b and e by peak FLOP/s, o and c by the all-reduce of the datasheet law; \
                  t0 and look-ahead kept"
                .to_owned(),
        },
        lookahead_steps: from.lookahead_steps,
        ..Profile::computed(model, gpu, gpus, from.precision)
    })
}

/// Reads a profile file.
///
/// # Errors
/// The first mistake, with its place.
pub fn read(file: &str, bytes: &[u8]) -> Result<Vec<Profile>, Diagnostic> {
    file::parse(file, bytes)
}
