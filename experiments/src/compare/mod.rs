//! Comparison of variants: who holds what was promised, what it costs, and how far each is from the
//! baseline. Variants that play the same world are paired by replicate, which leaves much less noise
//! in their differences than in the runs themselves.
//!
//! | file | holds |
//! | --- | --- |
//! | `difference` | a figure of two variants, and the interval of its difference |
//! | `text` | one line a variant and service |
//! | `words` | a sentence a variant |

mod difference;
mod text;
mod words;

pub use difference::{Difference, differences};
pub use text::text;

use crate::results::{Results, Verdict, bound, groups, promised_otherwise, verdicts};
use crate::scenario::language::{Diagnostic, list, nearest};
use serde_json::{Value, json};

/// What is shown of a comparison.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Only this route or service.
    pub service: Option<String>,
    /// Every figure that is compared.
    pub long: bool,
    /// The service that manifests were given for: the others are said to be as they were.
    pub scaled: Option<String>,
}

impl Options {
    /// # Errors
    /// If there is no such route or service.
    pub fn check(&self, results: &crate::scenario::load::Loaded) -> Result<(), Diagnostic> {
        let Some(wanted) = &self.service else { return Ok(()) };
        let mut names: Vec<String> = results.variants.iter().flat_map(groups).map(|group| group.name).collect();
        names.sort();
        names.dedup();
        if names.contains(wanted) {
            return Ok(());
        }
        let error = Diagnostic::about("--service", format!("there is no service or route `{wanted}`"));
        let error = error.with_label(format!("expected {}", list(names.iter().map(String::as_str))));
        Err(match nearest(wanted, names.iter().map(String::as_str)) {
            Some(near) => error.with_help(format!("did you mean `{near}`?")),
            None => error,
        })
    }
}

/// The comparison as JSON.
pub fn json(results: &Results<'_>, options: &Options) -> Value {
    let loaded = results.loaded;
    let baseline = &loaded.variants[loaded.baseline];
    let differences = differences(results, options);
    let seen = text::Seen::new(results, options);
    let rows: Vec<Value> = differences
        .iter()
        .map(|row| {
            json!({
                "variant": row.variant,
                "of": row.scope.name,
                "figure": row.figure.id,
                "baseline": row.baseline.got,
                "value": row.value.got,
                "difference": row.difference,
                "half_width": row.half_width,
                "unpaired_half_width": row.unpaired_half_width,
                "differs": row.differs(),
            })
        })
        .collect();
    let variants: Vec<Value> = loaded
        .variants
        .iter()
        .zip(0..)
        .map(|(resolved, variant)| {
            let promises: Vec<Value> = verdicts(results, variant).iter().map(Verdict::json).collect();
            let unlike = &results.unlike[variant];
            json!({
                "variant": resolved.variant,
                "paired": unlike.is_empty(),
                "unlike": unlike,
                "promises": promises,
                "promised_otherwise": promised_otherwise(baseline, resolved),
            })
        })
        .collect();
    json!({
        "schema": "flashcrowd/compare/2",
        "scenario": loaded.name,
        "baseline": baseline.variant,
        "variants": variants,
        "replicates": baseline.replicates,
        "seed": baseline.seed,
        "digest": results.digest(),
        "bound": bound::json(results),
        "differences": rows,
        "verdicts": words::verdicts(&seen, &differences),
    })
}
