//! The choice among nodes by a key.

use flashcrowd_core::ports::Fit;

/// The position of the smallest key, the first of equals.
pub(super) fn best(fits: &[Fit], key: impl Fn(&Fit) -> (u32, u32)) -> usize {
    (0..fits.len()).min_by_key(|&i| (key(&fits[i]), fits[i].node)).unwrap_or(0)
}
