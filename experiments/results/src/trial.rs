//! Trials: one replicate of one variant, named so that its result can be found again anywhere.

use flashcrowd_scenario::files::hash;
use flashcrowd_scenario::{Loaded, Resolved};
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// One run that can be repeated from what stands here and the scenario's text.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Trial {
    /// Hash of the scenario's own text.
    pub scenario: String,
    /// The variant; empty if the scenario has none.
    pub variant: String,
    /// What was set beyond the text, in order: by the command line and by the variant.
    pub overrides: Vec<String>,
    /// Seed.
    pub seed: u64,
    /// Number of the replicate.
    pub replicate: u32,
}

impl Trial {
    /// A name for its results that no other trial has.
    pub fn hash(&self) -> String {
        let Trial { scenario, variant, overrides, seed, replicate } = self;
        let mut text = format!("{scenario}\n{variant}\n{seed}\n{replicate}");
        for assignment in overrides {
            text.push('\n');
            text.push_str(assignment);
        }
        hash(text.as_bytes())
    }
}

/// The trials of a scenario: by variant, then replicate. Beside each stands its variant's position.
pub fn trials(loaded: &Loaded) -> Vec<(usize, Trial)> {
    replicates(loaded, |resolved| 0..resolved.replicates)
}

/// Further trials of each variant, by the numbers of their replicates.
pub fn more_trials(loaded: &Loaded, numbers: Range<u32>) -> Vec<(usize, Trial)> {
    replicates(loaded, |_| numbers.clone())
}

fn replicates(loaded: &Loaded, numbers: impl Fn(&Resolved) -> Range<u32>) -> Vec<(usize, Trial)> {
    let mut trials = Vec::new();
    for (resolved, variant) in loaded.variants.iter().zip(0..) {
        trials.extend(numbers(resolved).map(|replicate| {
            let trial = Trial {
                scenario: loaded.hash.clone(),
                variant: resolved.variant.clone(),
                overrides: resolved.overrides.clone(),
                seed: resolved.seed,
                replicate,
            };
            (variant, trial)
        }));
    }
    trials
}
