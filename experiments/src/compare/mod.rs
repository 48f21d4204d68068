//! Comparison of variants: who holds its SLOs, what it costs, and how far each is from the
//! baseline. Variants that play the same world are paired by replicate, which leaves much less noise
//! in their differences than in the runs themselves.
//!
//! | file | holds |
//! | --- | --- |
//! | `difference` | a figure of two variants, and the interval of its difference |
//! | `options`, `seen` | what is shown; what is compared, with all verdicts |
//! | `text` | one line a variant and service |
//! | `value` | values and differences in words |
//! | `words` | a sentence a variant |

mod difference;
mod options;
mod seen;
mod text;
mod value;
mod words;

pub use difference::{Difference, differences};
pub use options::{Options, chosen};
pub use text::text;
pub use value::shown_value;

use flashcrowd_results::{Results, Verdict, bound, slo_difference, verdicts};
use seen::Seen;
use serde_json::{Value, json};

/// The comparison as JSON.
pub fn json(results: &Results<'_>, options: &Options) -> Value {
    let loaded = results.loaded;
    let baseline = &loaded.variants[loaded.baseline];
    let usual = Options { figures: Vec::new(), ..options.clone() };
    let differences = differences(results, options);
    let seen = Seen::new(results, options);
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
                "chance": row.chance,
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
            let slos: Vec<Value> = verdicts(results, variant).iter().map(Verdict::json).collect();
            let unlike = &results.unlike[variant];
            json!({
                "variant": resolved.variant,
                "paired": unlike.is_empty(),
                "unlike": unlike,
                "promises": slos,
                "promised_otherwise": slo_difference(baseline, resolved),
            })
        })
        .collect();
    json!({
        "schema": "flashcrowd/compare/2",
        "scenario": loaded.name,
        "baseline": baseline.variant,
        "variants": variants,
        "replicates": results.variants[loaded.baseline].figures.trials(),
        "seed": baseline.seed,
        "digest": results.digest(),
        "bound": bound::json(results),
        "differences": rows,
        "verdicts": words::verdicts(&seen, &self::differences(results, &usual)),
    })
}
